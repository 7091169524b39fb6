"""SSDU's probabilities of hidden columns, the test-time estimators of its kin, bad input."""

import pytest
import torch
from montecarlo import generator
from slips import slip
from undersampled import SCENES, nonlinear, watched

from course_lib import losses, noise, operators
from course_lib.losses import columns
from course_lib.operators import masks

# The probabilities of `columns`


@pytest.mark.parametrize("width, centre", [(32, 4), (33, 5), (16, 0), (8, 7)])
def test_the_columns_are_hidden_as_stated(width, centre):
    p = columns(width, hidden=0.3, centre=centre)
    assert p.shape == (1, 1, 1, width) and p.dtype == torch.float64
    p, k = p.flatten(), torch.arange(width) - width // 2
    middle = (k >= -(centre // 2)) & (k < centre - centre // 2)
    assert middle.sum() == centre and not p[middle].any()
    assert p[~middle].mean() == pytest.approx(0.3)
    law = torch.exp(-(k**2) / (2 * 0.25**2 * width**2))[~middle]
    torch.testing.assert_close(p[~middle] / p[~middle].max(), (law / law.max()).double())
    alike = columns(width, 0.3, centre, std=float("inf")).flatten()
    torch.testing.assert_close(alike[~middle], torch.full_like(alike[~middle], 0.3))


def test_none_is_hidden_nearly_always_and_few_far_away():
    assert columns(64, hidden=0.8, std=0.05).max() == 0.9
    p = columns(64, hidden=0.01, centre=0, std=0.01).flatten()
    assert p[0] == 0 and p.mean() == pytest.approx(0.01)


def test_protected_columns_are_never_hidden_and_the_others_with_probability_p():
    """Whole columns, of both channels; the centre is that of the masks of a scan."""
    p, A = columns(16, 0.4, 4), masks.random((2, 16), 16 / 5, centre=4, count=4000)
    always = A.flatten(2).view(4000, 2, 16)[:, 0].all(0)
    y = torch.randn(4000, 2, 2, 16, generator=generator(), dtype=torch.float64)
    _, calls = watched(losses.SSDU(p), y, operators.MRI(A.double()), generator(1))
    hidden = 1 - calls[0][1].outer.mask
    assert always.sum() == 4 and not hidden[..., always].any()
    assert torch.equal(calls[0][0] == 0, hidden.expand_as(y) == 1)
    h, p = hidden[:, 0], p.flatten()
    assert torch.equal(h[:, 0], h[:, 1])
    z = (h[:, 0].mean(0) - p)[~always] / (p * (1 - p) / 4000).sqrt()[~always]
    assert z.abs().max() < 4


# Test time


def test_ssdu_and_its_kin_use_all_measurements_at_test_time():
    scene = SCENES["gaussian, columns"]()
    y, p = scene.observe(generator()), scene.hidden
    for loss in (
        losses.SSDU(p), losses.WeightedSSDU(p, scene.density), losses.RobustSSDU(scene.noise, p),
    ):  # fmt: skip
        assert torch.equal(loss.reconstruct(nonlinear, y, scene.A), nonlinear(y, scene.A))
        assert loss.test_evals == 1


def averages():
    """Noise2Inverse's x̂ less the plain mean of what f returned, and less 1 for f = 1."""
    scene = SCENES["gaussian, columns"]()
    y, loss, returned = scene.observe(generator()), losses.Noise2Inverse(scene.hidden, 8), []

    def f(u, A_a):
        returned.append(nonlinear(u, A_a))
        return returned[-1]

    gap = loss.reconstruct(f, y, scene.A, generator=generator(1)) - torch.stack(returned).mean(0)
    assert len(returned) == loss.test_evals == 8 and not torch.equal(returned[0], returned[1])
    one = loss.reconstruct(lambda u, A: torch.ones_like(u), y, scene.A, generator=generator(1)) - 1
    return float(gap.abs().max()), float(one.abs().max())


def test_noise2inverse_averages_over_the_splits():
    assert max(averages()) < 1e-12


DIVISIONS = {
    "by N as well, erratum E5": lambda s, right, *a: right(*a) / s.draws,
    "by nothing": lambda s, right, *a: right(*a) * s.draws,
}


@pytest.mark.parametrize("name", DIVISIONS)
def test_a_slip_of_the_normalisation_of_the_average_is_refused(name, monkeypatch):
    wrong = slip(losses.Noise2Inverse, average=DIVISIONS[name])
    monkeypatch.setattr(losses, "Noise2Inverse", wrong)
    assert min(averages()) > 0.1


def test_for_denoising_the_output_mask_is_part_of_the_average():
    """With f = 1 for all, hence x̂ = 1; the slip is judged in test_crossvalidation."""
    y = torch.rand(2, 1, 6, 6, generator=generator(), dtype=torch.float64)
    ones = lambda u, A: torch.ones_like(u)  # noqa: E731
    loss, A = losses.Noise2Inverse(0.25, draws=8), operators.Identity()
    assert (loss.reconstruct(ones, y, A, generator=generator()) == 1).all()


P = torch.full((1, 1, 1, 6), 0.5)
BAD = {
    "kept": (
        lambda: losses.RobustSSDU(noise.Gaussian(0.1), 0.5, kept="mc"),
        "kept is 'mc'; use 'r2r' or 'sure'",
    ),
    "alpha": (lambda: losses.RobustSSDU(noise.Gaussian(0.1), 0.5, alpha=1), "alpha is 1; it must"),
    "tau": (lambda: losses.RobustSSDU(noise.Gaussian(0.1), 0.5, tau=0), "tau is 0; it must be a"),
    "density of another width": (
        lambda: losses.ENSURE(noise.Gaussian(0.1), torch.full((5,), 0.5))(
            nonlinear, torch.rand(8, 1, 6, 6), operators.Identity(), generator=generator(1)
        ),
        r"density has shape \(1, 1, 1, 5\), which does not broadcast to y's \(8, 1, 6, 6\)",
    ),
    "density of another width, weighted": (
        lambda: losses.WeightedSSDU(P, torch.full((5,), 0.5))(
            nonlinear, torch.rand(8, 1, 6, 6), operators.Identity(), generator=generator(1)
        ),
        r"density has shape \(1, 1, 1, 5\), which does not broadcast",
    ),
    "no split": (
        lambda: losses.RobustSSDU(noise.PoissonGaussian(0.1, 0.1), P)(
            nonlinear, torch.rand(8, 1, 6, 6), operators.Identity(), generator=generator(1)
        ),
        "PoissonGaussian has no independent split",
    ),
    "centre": (lambda: columns(8, centre=8), "centre is 8 and .* of 8 columns; use centre in"),
    "wide centre": (lambda: columns(8, centre=12), "centre is 12 and .* of 8 columns"),
    "negative centre": (lambda: columns(8, centre=-1), "centre is -1 and .* of 8 columns"),
    "hidden": (lambda: columns(8, hidden=1), "hidden is 1; it must lie strictly between 0 and 1"),
    "std": (lambda: columns(8, std=0), "std 0 of 8 columns; .* std above 0, or inf"),
    "width": (lambda: columns(2.5), "width is 2.5; it must be a whole number"),
    "too few draws": (lambda: losses.Noise2Inverse(0.05), "draws is 10: .* at least 1/hidden = 20"),
    "another width": (
        lambda: losses.SSDU(P)(nonlinear, torch.rand(2, 1, 6, 8), operators.Identity()),
        r"hidden has shape \(1, 1, 1, 6\), which does not broadcast to y's \(2, 1, 6, 8\)",
    ),
}


@pytest.mark.parametrize("key", BAD)
def test_bad_input_gets_one_clear_sentence(key):
    call, words = BAD[key]
    with pytest.raises((ValueError, NotImplementedError), match=words) as caught:
        call()
    assert str(caught.value).count("\n") == 0
