"""The exact image model against brute force over all 2⁶ rows, and its order of estimators."""

import itertools

import pytest
import torch
from montecarlo import generator
from problems import mutant

from course_lib import noise
from course_lib.experiments import chains
from course_lib.experiments.chains import Chains, RowCorrelated

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


def assert_exact(model, blind):
    g = generator(3)
    y = model.noise(model.sample((3, 1, 1, LENGTH), g).double(), generator=g)
    for i in range(3):
        mean, without = brute_force(model, y[i, 0, 0])
        torch.testing.assert_close(model.posterior_mean(y)[i, 0, 0], mean, atol=1e-6, rtol=1e-6)
        if blind:
            torch.testing.assert_close(model.blind_mean(y)[i, 0, 0], without, atol=1e-6, rtol=1e-6)


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


@pytest.mark.parametrize(
    "old, new",
    [
        ("predicted.append(forward @ step)", "predicted.append(forward)"),
        ("back[:, None]).sum(2)", "back[:, :, None]).sum(1)"),
        ("forward[:, :, None] * step * e[:, t]", "forward[:, :, None] * step"),
    ],
)
def test_a_wrong_recursion_is_caught(old, new, monkeypatch):
    monkeypatch.setattr(Chains, "probabilities", mutant(Chains.probabilities, old, new))
    with pytest.raises(AssertionError):
        assert_exact(MODELS["Poisson"], blind=True)


def test_the_wrong_law_of_the_noise_is_caught(monkeypatch):
    wrong = mutant(
        Chains.log_likelihood, "residual[..., None, :] - phi", "residual[..., None, :] + phi"
    )
    monkeypatch.setattr(chains.Chains, "log_likelihood", wrong)
    with pytest.raises(AssertionError):
        assert_exact(MODELS["correlated"], blind=False)
