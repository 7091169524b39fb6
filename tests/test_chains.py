"""The exact image model against brute force over all 2⁶ rows, and its order of estimators."""

import itertools

import pytest
import torch
from montecarlo import generator

from course_lib import noise
from course_lib.noise import RowCorrelated
from course_lib.priors import Chains

LENGTH = 6
MODELS = {
    "Gaussian": Chains(noise.Gaussian(0.1)),
    "Poisson": Chains(noise.Poisson(0.065), (0.05, 0.25), stay=0.8),
    "correlated": Chains(RowCorrelated(0.1, 0.4)),
}


def row_likelihoods(model, y):
    """(rows, p(y_i | x_i) of every pixel); for correlated noise the joint likelihood at i = 0."""
    paths = torch.tensor(list(itertools.product([0, 1], repeat=LENGTH)))
    x = model.levels.double()[paths]
    if isinstance(model.noise, noise.Poisson):
        gain = model.noise.gain
        return paths, x, torch.distributions.Poisson(x / gain).log_prob((y / gain).round()).exp()
    sigma, phi = model.noise.sigma, getattr(model.noise, "phi", 0.0)
    i = torch.arange(LENGTH, dtype=torch.float64)
    K = sigma**2 * torch.where(i[:, None] == i, 1.0, phi ** (i[:, None] - i).abs()).double()
    if phi == 0:
        return paths, x, (-(y - x).square() / (2 * sigma**2)).exp()
    r = y - x
    joint = (-((r @ torch.linalg.inv(K)) * r).sum(1) / 2).exp()
    return paths, x, torch.cat([joint[:, None], torch.ones(len(x), LENGTH - 1)], 1)


def brute_force(model, y):
    """(E[x | y], E[x_i | y_j, j ≠ i]) by summing over all rows."""
    paths, x, e = row_likelihoods(model, y)
    kept = paths[:, 1:] == paths[:, :-1]
    prior = torch.where(kept, model.stay, 1 - model.stay).double().prod(1)
    full = prior * e.prod(1)
    blind = prior[:, None] * torch.stack(
        [torch.cat([e[:, :i], e[:, i + 1 :]], 1).prod(1) for i in range(LENGTH)], 1
    )
    return full @ x / full.sum(), (blind * x).sum(0) / blind.sum(0)


def assert_exact(model, blind, used=None):
    """The estimates of the model `used`, by default of this one, are the sums for this one."""
    g, used = generator(3), used or model
    y = model.noise(model.sample((3, 1, 1, LENGTH), g).double(), generator=g)
    for i in range(3):
        mean, without = brute_force(model, y[i, 0, 0])
        torch.testing.assert_close(used.posterior_mean(y)[i, 0, 0], mean, atol=1e-6, rtol=1e-6)
        if blind:
            torch.testing.assert_close(used.blind_mean(y)[i, 0, 0], without, atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize("name", MODELS)
def test_forward_backward_is_the_sum_over_all_rows(name):
    assert_exact(MODELS[name], blind=name != "correlated")


def test_the_rows_are_chains_and_the_noise_is_correlated():
    g = generator()
    model = MODELS["correlated"]
    x = model.sample((400, 1, 8, 16), g)
    assert set(x.unique().tolist()) == set(model.levels.tolist())
    assert float((x[..., 1:] == x[..., :-1]).float().mean()) == pytest.approx(0.9, abs=0.01)
    assert float((x == x.max()).float().mean()) == pytest.approx(0.5, abs=0.02)
    e = model.noise(x, generator=g) - x
    for lag in range(4):
        a = float((e[..., lag:] * e[..., : 16 - lag]).mean())
        assert a == pytest.approx(0.01 * 0.4**lag, abs=2e-4)
    assert abs(float((e[..., 1:, :] * e[..., :-1, :]).mean())) < 2e-4


def test_the_order_mmse_unsure_blind_spot():
    """Not Gaussian: the blind spot costs more than UNSURE, which costs more than the MMSE."""
    g, model = generator(), MODELS["Gaussian"]
    x = model.sample((200, 1, 16, 32), g)
    y = model.noise(x, generator=g)
    mmse, blind = (
        float((estimate - x).square().mean())
        for estimate in (model.posterior_mean(y), model.blind_mean(y))
    )
    unsure = mmse / (1 - mmse / 0.01)
    assert 1.1 * mmse < unsure < 0.8 * blind < blind < 0.01


class Swapped(Chains):
    """The mean of all of y for that of the others, and the reverse."""

    def probabilities(self, y):
        return super().probabilities(y)[::-1]


class Alone(Chains):
    """Each pixel without the one before."""

    def log_likelihood(self, y):
        return super().log_likelihood(y).mean(-2, keepdim=True).expand(*y.shape, 2, 2)


SLIPS = {
    "another chain": ("Poisson", Chains(noise.Poisson(0.065), (0.05, 0.25), stay=0.7)),
    "another gain": ("Poisson", Chains(noise.Poisson(0.065 / 2), (0.05, 0.25), stay=0.8)),
    "the reverse": ("Poisson", Swapped(noise.Poisson(0.065), (0.05, 0.25), stay=0.8)),
    "white": ("correlated", Chains(noise.Gaussian(0.1))),
    "another correlation": ("correlated", Chains(RowCorrelated(0.1, 0.3))),
    "no pixel before": ("correlated", Alone(RowCorrelated(0.1, 0.4))),
}


@pytest.mark.parametrize("slip", SLIPS)
def test_a_slip_is_caught(slip):
    name, used = SLIPS[slip]
    with pytest.raises(AssertionError):
        assert_exact(MODELS[name], blind=False, used=used)


def test_the_covariance_of_rows_is_that_of_their_noise():
    law, u = MODELS["correlated"].noise, torch.randn(1, 1, 3, 8, generator=generator())
    e = law(torch.zeros(100_000, 1, 1, 8), generator=generator(1)).flatten(1)
    torch.testing.assert_close(law.covariance(u), u @ (e.T @ e / len(e)), atol=4e-4, rtol=0)
    f = lambda y: y * torch.linspace(0.5, 1, 8)  # noqa: E731
    y = torch.zeros(1, 1, 3, 8)
    assert float(law.stein(f, y, method="exact")) == pytest.approx(3 * 8 * 0.75 * 0.01, rel=1e-5)
