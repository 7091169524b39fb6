"""Noise of a different strength in every measurement: its law, its split, Stein's identity."""

import pytest
import torch
from montecarlo import correlations, generator, summary
from problems import CLAIMS, FIELD, MIXTURE, Problem, assert_unbiased, iid
from slips import slip

from course_lib import noise, operators
from course_lib.noise import divergence

SIGMA = torch.tensor([[0.2, 0.7, 0.3], [0.5, 0.0, 0.9], [0.4, 0.6, 0.1]], dtype=torch.float64)
LAW = noise.HeteroscedasticGaussian(SIGMA)
PROBLEMS = {
    "mixture": lambda law: Problem(iid(MIXTURE), law),
    "inpainting": lambda law: Problem(
        iid(MIXTURE), law, A=operators.Inpainting((SIGMA > 0).double())
    ),
    "field": lambda law: Problem(lambda g: FIELD.sample(512, g).double().view(-1, 1, 3, 3), law),
}
LOSSES = ("R2R", "SURE exact", "SURE hutchinson", "SURE mc", "SURE antithetic", "Noise2Noise")


def test_each_measurement_has_its_own_variance():
    y = LAW(torch.full((50_000, 1, 3, 3), 0.7, dtype=torch.float64), generator())
    for i in range(3):
        for j in range(3):
            values = y[:, 0, i, j]
            if SIGMA[i, j] == 0:
                assert (values == 0.7).all()
            else:
                assert abs(summary(values).z(0.7)) < 4
                assert abs(summary((values - 0.7).square()).z(float(SIGMA[i, j] ** 2))) < 4
    assert torch.equal(LAW.variance(y), SIGMA.square().expand_as(y))
    assert (LAW.spread(y) > 0).all()


@pytest.mark.parametrize("alpha", [0.25, 0.5])
def test_the_split_is_independent_and_adds_up(alpha):
    y = LAW(torch.zeros(100_000, 1, 3, 3, dtype=torch.float64), generator())
    y1, y2 = LAW.split(y, alpha, generator(1))
    torch.testing.assert_close((1 - alpha) * y1 + alpha * y2, y, rtol=0, atol=1e-9)
    a, b = (part[:, 0].flatten(1).T[SIGMA.flatten() > 0] for part in (y1, y2))
    variance = SIGMA.flatten()[SIGMA.flatten() > 0].square()
    for part, share in ((a, 1 - alpha), (b, alpha)):
        for row, v in zip(part, variance, strict=True):
            assert abs(summary(row.square()).z(float(v / share))) < 4
    assert correlations(a, b).abs().max() < 4.5


@pytest.mark.parametrize("problem", PROBLEMS)
@pytest.mark.parametrize("name", LOSSES)
def test_the_losses_are_unbiased(name, problem):
    claim = CLAIMS[name]
    assert_unbiased(claim.make(LAW), claim, PROBLEMS[problem](LAW))


SLIPS = {
    "σ for σ²": ("SURE exact", dict(
        stein_exact=lambda s, f, y, fy: (s.sigma.to(y) * divergence.partials(f, y)).sum())),
    "factor 2": ("SURE exact", dict(stein_exact=lambda s, right, f, y, fy: 2 * right(f, y, fy))),
    "one level for all pixels": ("SURE antithetic", dict(
        draw=lambda s, y, g=None: s.sigma.mean() * torch.randn(y.shape, generator=g).to(y))),
}  # fmt: skip


@pytest.mark.parametrize("name", SLIPS)
def test_a_slip_of_an_identity_is_caught(name):
    key, methods = SLIPS[name]
    wrong, problem = slip(noise.HeteroscedasticGaussian, **methods)(SIGMA), PROBLEMS["mixture"](LAW)
    with pytest.raises(AssertionError):
        assert_unbiased(CLAIMS[key].make(wrong), CLAIMS[key], problem)


def test_tweedie_with_a_gaussian_signal():
    """x ~ N(0, t²): E[x | y] = t²/(t² + σ_i²) y_i, and y_i where nothing was added."""
    y, t = torch.randn(2, 1, 3, 3, generator=generator(), dtype=torch.float64), 0.8
    mean = t**2 / (t**2 + SIGMA**2) * y
    torch.testing.assert_close(LAW.tweedie(y, -y / (t**2 + SIGMA**2)), mean, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: noise.HeteroscedasticGaussian(-SIGMA), r"sigma lies in \[-0.9, -?0\]"),
        (lambda: noise.HeteroscedasticGaussian(0 * SIGMA), r"sigma lies in \[0, 0\]"),
        (
            lambda: LAW(torch.zeros(1, 1, 4, 4)),
            r"shape \(1, 1, 3, 3\), which does not broadcast to",
        ),
    ],
)
def test_bad_input_is_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()
