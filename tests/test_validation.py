"""`select`: its scores are the exact risks, its choice the oracle's, and its mutants are caught."""

import itertools
import math

import pytest
import torch
from montecarlo import generator

from course_lib import data, losses, noise, operators, priors, validation

A = operators.Identity()
SIGMA = 0.5
C = torch.tensor([[0.9 ** abs(i - j) for j in range(32)] for i in range(32)])
PRIOR = priors.GaussianPrior(C, SIGMA)
MMSE = PRIOR.mmse()
X = PRIOR.sample(600, generator(1))
ITEMS = data.simulate(X, A, PRIOR.noise, seed=2)
ALPHAS = (0.1, 0.3, 0.5, 0.7)
EXACT = losses.SURE(PRIOR.noise, "mc", tau=1e-2)  # f is linear: exact in expectation


def tweedie(c):
    """f = y + cσ² s(y), whose exact risk is MMSE + (c − 1)² (σ² − MMSE)."""
    return lambda y, A: y + c * SIGMA**2 * PRIOR.score(y)


def exact(c):
    return MMSE + (c - 1) ** 2 * (SIGMA**2 - MMSE)


def wiener(alpha):
    """E[x | y1], y1 having noise variance σ²/(1 − α): (f, its exact risk at y1)."""
    model = priors.GaussianPrior(C, SIGMA / (1 - alpha) ** 0.5)
    return (lambda y, A: model.posterior_mean(y)), model.mmse()


LEVELS = (0.25, 0.5, 0.8, 1.0, 1.3)


def by_level(loss):
    return {c: (tweedie(c), loss) for c in LEVELS}


def by_alpha():
    return {a: (wiener(a)[0], losses.R2R(PRIOR.noise, a)) for a in ALPHAS}


def assert_alphas(select):
    """R2R of different α: each score is the exact risk at its y1, and the smallest α wins."""
    choice = select(by_alpha(), ITEMS, noise=PRIOR.noise, proxy=True)
    for alpha, score in choice.scores.items():
        assert abs(score.risk - wiener(alpha)[1]) < 4 * score.error, alpha
        assert score.error < 0.1 * SIGMA**2 / alpha
    assert choice.best == 0.1
    assert validation.regret(choice, {a: wiener(a)[1] for a in ALPHAS}) == 0


def assert_levels(select, loss, held_out, law=PRIOR.noise):
    """SURE, Noise2Noise or Supervised on f of five noise levels: the exact risk, the oracle's c."""
    choice = select(by_level(loss), held_out, noise=law)
    for c, score in choice.scores.items():
        assert abs(score.risk - exact(c)) < 4 * score.error, c
        assert score.error < 0.03 * SIGMA**2
        gap = exact(c) - exact(1.0)
        assert c == 1.0 or abs(score.behind - gap) < 4 * score.behind_error, c
    assert choice.best == 1.0 and choice.scores[1.0].behind == 0
    return choice


HELD_OUT = {
    "SURE": (EXACT, ITEMS),
    "Noise2Noise": (losses.Noise2Noise(), data.simulate(X, A, PRIOR.noise, 3, copies=2)),
    "Supervised": (losses.Supervised(), data.Pairs(X, A, PRIOR.noise, 4)),
}


@pytest.mark.parametrize("name", HELD_OUT)
def test_the_scores_are_the_exact_risks_and_the_choice_is_the_oracles(name):
    assert_levels(validation.select, *HELD_OUT[name])


def test_offsets_make_losses_of_different_alpha_comparable():
    assert_alphas(validation.select)


def test_different_losses_on_one_scale():
    """SURE beside R2R: one has no offset, the other σ²/α, and the risks can be compared."""
    f, at_y1 = wiener(0.5)
    candidates = {"SURE": (tweedie(1.0), EXACT), "R2R": (f, losses.R2R(PRIOR.noise, 0.5))}
    choice = validation.select(candidates, ITEMS, noise=PRIOR.noise, proxy=True)
    assert choice.best == "SURE"
    gap = choice.scores["R2R"]
    assert abs(gap.behind - (at_y1 - MMSE)) < 4 * gap.behind_error < at_y1 - MMSE


def test_the_errors_of_paired_differences_are_smaller():
    choice = validation.select(by_level(EXACT), ITEMS, noise=PRIOR.noise)
    assert choice.scores[0.8].behind_error < 0.5 * choice.scores[0.8].error


def test_tested_scores_the_average_over_draws():
    """R2R's own loss is the risk of one draw; SURE of `Tested` is that of the average of 20."""
    alpha, law = 0.5, PRIOR.noise
    f, at_y1 = wiener(alpha)
    averaged = validation.Tested(f, losses.R2R(law, alpha, draws=20))
    loss = losses.SURE(law, "mc", tau=1e-2)
    candidates = {"one": (f, losses.R2R(law, alpha)), "average": (averaged, loss)}
    choice = validation.select(candidates, ITEMS, noise=law, proxy=True)
    S = PRIOR.values
    gains = S / (S + SIGMA**2 / (1 - alpha))  # the filter, at y and not at y1
    added = SIGMA**2 * alpha / (1 - alpha) / 20  # what 20 draws leave of the noise that R2R adds
    average = float((S * (1 - gains) ** 2 + (SIGMA**2 + added) * gains**2).mean())
    assert choice.best == "average" and average < 0.95 * at_y1
    score = choice.scores["average"]
    assert abs(score.risk - average) < 4 * score.error < at_y1 - average


def test_tested_is_one_function_of_y():
    f = validation.Tested(wiener(0.5)[0], losses.R2R(PRIOR.noise, 0.5, draws=2))
    y, _ = ITEMS.batch(torch.arange(3))
    assert torch.equal(f(y, A), f(y, A))


def test_a_frozen_eta_ranks_the_candidates_of_equal_divergence():
    """UNSURE at a fixed η ≠ σ² is off by 2(η − σ²) div/n: the same for all where div is."""
    unsure = losses.UNSURE(eta=2 * SIGMA**2, tau=1e-2)

    def shifted(b):
        return lambda y, A: PRIOR.posterior_mean(y) + b  # the divergence does not depend on b

    candidates = {b: (shifted(b), unsure) for b in (0.0, 0.1, 0.2)}
    choice = validation.select(candidates, ITEMS, noise=PRIOR.noise, proxy=True)
    assert choice.best == 0.0 and float(unsure.eta) == pytest.approx(2 * SIGMA**2)
    assert unsure.training  # as it came
    for b, score in choice.scores.items():
        assert b == 0 or abs(score.behind - b**2) < 4 * score.behind_error
    wrong = validation.select(by_level(unsure), ITEMS, noise=PRIOR.noise, proxy=True)
    assert wrong.best == 1.3  # it prefers the f that removes more than there is


def test_a_loss_that_is_told_each_sigma_can_not_choose_sigma():
    """E SURE_η(f_η) − E SURE at 0 = η − η²/η*: nothing like the risk, and smallest at an end."""
    candidates = {
        c: (tweedie(c), losses.SURE(noise.Gaussian(SIGMA * c**0.5), "mc", tau=1e-2)) for c in LEVELS
    }
    choice = validation.select(candidates, ITEMS, noise=PRIOR.noise, proxy=True)
    assert choice.best != 1.0
    star = SIGMA**2 / (1 - MMSE / SIGMA**2)
    for c, score in choice.scores.items():
        eta = c * SIGMA**2
        assert abs(score.risk - (eta - eta**2 / star)) < 4 * score.error


@pytest.mark.parametrize("draws", [150, 600])
def test_the_regret_on_an_exact_model(draws):
    """Forty candidates, 150 held-out signals of 32 pixels: 0.02 dB lost at most."""
    levels = torch.linspace(0.3, 1.7, 40).tolist()
    held_out = data.simulate(X[:draws], A, PRIOR.noise, seed=5)
    candidates = {c: (tweedie(c), EXACT) for c in levels}
    choice = validation.select(candidates, held_out, noise=PRIOR.noise)
    assert validation.regret(choice, {c: exact(c) for c in levels}) < 0.02


@pytest.mark.parametrize("factor", [0.0, -1.0, 0.5])
def test_a_slip_of_the_offset_is_caught(factor, monkeypatch):
    right = losses.Loss.offset
    monkeypatch.setattr(losses.Loss, "offset", lambda *arguments: factor * right(*arguments))
    with pytest.raises(AssertionError):
        assert_alphas(validation.select)


def assert_each_item_counts():
    """One of five images is off by 1: the risk is 1/5, whichever it is, and so is its error."""
    loss = losses.MeasurementConsistency()
    for i in range(5):
        held_out = data.Measurements(torch.eye(5)[:, i].view(5, 1, 1, 1), A)
        for groups in (5, 50):
            choice = validation.select({"f": (lambda y, A: 0 * y, loss)}, held_out, groups=groups,
                                       proxy=True)  # fmt: skip
            assert choice.scores["f"].risk == pytest.approx(1 / 5, rel=1e-6)
            assert choice.scores["f"].error == pytest.approx(1 / 5, rel=1e-6)


def test_each_item_counts():
    assert_each_item_counts()


def test_the_last_group_is_not_dropped(monkeypatch):
    right = torch.Tensor.tensor_split
    monkeypatch.setattr(torch.Tensor, "tensor_split", lambda *a: right(*a)[:-1])
    with pytest.raises(AssertionError):
        assert_each_item_counts()


def test_candidates_that_share_no_randomness_are_caught(monkeypatch):
    """R2R with fresh draws for each candidate: the paired difference loses its precision."""

    def error():
        choice = validation.select(by_level(losses.R2R(PRIOR.noise, 0.2)), ITEMS, proxy=True)
        return min(s.behind_error for c, s in choice.scores.items() if c != choice.best)

    honest, calls, stream = error(), itertools.count(), validation.stream
    monkeypatch.setattr(validation, "stream", lambda seed, name: stream(next(calls), name))
    assert error() > 10 * honest


def test_a_loss_in_training_mode_is_put_to_rest_and_woken_again():
    net = torch.nn.Sequential(torch.nn.Conv2d(1, 1, 1), torch.nn.Dropout())
    f = torch.nn.Module()
    f.forward = lambda y, A: net(y)
    validation.select({"net": (f, EXACT)}, ITEMS)
    assert f.training and net.training


def test_the_choice_prints_as_a_table():
    text = str(validation.select(by_level(EXACT), ITEMS))
    assert text.count("\n") == len(LEVELS) and text.count("<- chosen") == 1


def test_regret_is_in_decibel():
    choice = validation.Choice("a", {})
    assert validation.regret(choice, {"a": 2.0, "b": 1.0}) == pytest.approx(10 * math.log10(2))


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="no candidate; give"):
        validation.select({}, ITEMS)
    with pytest.raises(ValueError, match="1 item or group; a standard error needs at least 2"):
        validation.select(by_level(EXACT), data.simulate(X[:1], A, PRIOR.noise))
    with pytest.raises(ValueError, match="different losses .*; give noise"):
        validation.select(by_alpha(), ITEMS, proxy=True)
