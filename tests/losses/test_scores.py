"""The estimator that is scored is the one that is used, for every loss; or `select` refuses."""

import inspect

import pytest
import torch
from montecarlo import estimate, generator
from problems import MIXTURE, Problem, mixing

from course_lib import data, groups, losses, noise, operators, validation

LAW = MIXTURE.noise
MASK = (torch.rand(12, 12, generator=generator(9)) < 0.7).double()
IDENTITY, MASKED = operators.Identity(), operators.Inpainting(MASK)
HALF = 0.5  # a density


def blind(u, A):
    """μ and κ from the neighbours to the left and right alone, as a blind-spot network's."""
    around = (u.roll(1, -1) + u.roll(-1, -1)) / 2
    return torch.cat([0.8 * around, 0.3 * around - 0.5], 1)


def signal(g):
    return MIXTURE.sample((32, 1, 12, 12), g).double()


def plain(u, A):
    return mixing(A.adjoint(u))


MAKE = {
    "ENSURE": lambda: losses.ENSURE(LAW, HALF),
    "MOI": losses.MOI,
    "EI": lambda: losses.EI(groups.Shift()),
    "MOEI": lambda: losses.MOEI(groups.Shift()),
    "EquivariantSplitting": lambda: losses.EquivariantSplitting(0.4, groups.Shift()),
    "ReducedResolution": losses.ReducedResolution,
    "R2R": lambda: losses.R2R(LAW),
    "SSDU": lambda: losses.SSDU(0.4),
    "SURE": lambda: losses.SURE(LAW),
    "SURE mc": lambda: losses.SURE(LAW, "mc", tau=1e-3),
    "UNSURE": losses.UNSURE,
    "BlindNoise2Score": lambda: losses.BlindNoise2Score(sigma=LAW.sigma),
    "BlindSpotLikelihood": lambda: losses.BlindSpotLikelihood(LAW),
    "BlindSpotSURE": lambda: losses.BlindSpotSURE(LAW),
    "MeasurementConsistency": losses.MeasurementConsistency,
    "Neighbor2Neighbor": losses.Neighbor2Neighbor,
    "Noise2Inverse": lambda: losses.Noise2Inverse(0.4),
    "Noise2Noise": losses.Noise2Noise,
    "Noise2Score": lambda: losses.Noise2Score(LAW),
    "Noise2Self": losses.Noise2Self,
    "Noise2Self single": lambda: losses.Noise2Self(test="single"),
    "Noise2Void": losses.Noise2Void,
    "Noisier2Noise": lambda: losses.Noisier2Noise(LAW),
    "RobustSSDU": lambda: losses.RobustSSDU(LAW, 0.4),
    "Splitting": lambda: losses.Splitting(0.4, draws=5),
    "Splitting zero": lambda: losses.Splitting(0.4, fill="zero", draws=5),
    "Splitting one": lambda: losses.Splitting(0.4, test="one"),
    "Splitting plain": lambda: losses.Splitting(0.4, test="plain"),
    "Splitting all": lambda: losses.Splitting(0.4, target="all"),
    "Supervised": losses.Supervised,
    "UNSURECorrelated": losses.UNSURECorrelated,
    "UNSUREPoissonGaussian": losses.UNSUREPoissonGaussian,
    "WeightedSSDU": lambda: losses.WeightedSSDU(0.4, HALF),
    "a sum": lambda: losses.SURE(LAW) + 0.5 * losses.MeasurementConsistency(),
    "a sum of one": lambda: 1.0 * losses.SURE(LAW),
}
BLUR = operators.Blur(torch.ones(2, 2) / 4)


def scored(*where):
    return [
        (name, A)
        for name in MAKE
        for A in where
        if MAKE[name]().scores(A) and not (name.startswith("Blind") and A is not IDENTITY)
    ]


SCORED = scored(IDENTITY, MASKED)


def test_every_loss_is_tried():
    every = {name for name in losses.__all__ if inspect.isclass(getattr(losses, name))}
    assert every - {"Loss", "Sum"} == {type(make()).__name__ for make in MAKE.values()} - {"Sum"}


def test_those_that_claim_to_score_what_they_reconstruct():
    always = {"SURE", "SURE mc", "Noise2Noise", "Supervised", "a sum of one"}
    pixels = always | {"Noise2Self", "Splitting", "Splitting zero"}
    assert {name for name, _ in scored(IDENTITY)} == pixels | {"BlindSpotSURE"}
    assert {name for name, _ in scored(MASKED)} == pixels
    assert {name for name, _ in scored(BLUR)} == always
    others = losses.Splitting(torch.tensor([0.0, 0.5])), 2.0 * losses.SURE(LAW)
    assert not any(loss.scores(IDENTITY) for loss in others)


@pytest.mark.parametrize("name, A", SCORED)
def test_the_held_out_value_is_the_risk_of_what_is_reconstructed(name, A):
    """|z| < 4 for evaluation − offset against the true risk of `reconstruct`, same y each time."""
    problem, loss = Problem(signal, LAW, A=A), MAKE[name]().eval()
    f, copies = (blind if name.startswith("Blind") else plain), 2 if name == "Noise2Noise" else 1

    def difference(g):
        y = problem.observe(g, copies)
        if name == "Supervised":  # its risk is that of x itself
            more, risk = [problem.x], (loss.reconstruct(f, y, A) - problem.x).square().mean()
        else:
            more, risk = [], None
        state = g.get_state()
        value = loss(f, y, A, *more, generator=g) - loss.offset(LAW, y, A)
        g.set_state(state)
        if risk is None:
            risk = problem.risk(loss.reconstruct(f, y, A, generator=g))
        return value - risk

    found = estimate(difference, 96 if name == "Noise2Self" else 48)
    assert abs(found.z()) < 4, f"off by {found.mean:.4f} ± {found.error:.4f}"
    assert found.error < 0.05 * LAW.sigma**2


@pytest.mark.parametrize("operator", ["MRI", "Decimation", "Demosaicing", "a part of MRI"])
def test_splitting_takes_measured_entries_from_the_masks_that_hid_them(operator):
    """Whatever f puts where it has seen y is not used, so that the score is the risk of x̂."""
    lines = operators.masks.random((12, 12), 2, generator=generator(3))
    A, channels = {
        "MRI": (operators.MRI(lines), 2),
        "Decimation": (operators.Decimation(2), 1),
        "Demosaicing": (operators.Demosaicing(), 3),
        "a part of MRI": (operators.Inpainting(MASK) @ operators.MRI(lines), 2),
    }[operator]

    def draw(g):
        return MIXTURE.sample((32, channels, 12, 12), g).double()

    def f(u, B):  # 50 wherever it sees an entry: what it is never asked for
        x_hat = 0.3 * A.adjoint(u.roll(1, -1))
        return x_hat + B.adjoint(50 * B.measured().expand_as(u))

    problem, loss = Problem(draw, LAW, A=A), losses.Splitting(0.4, draws=5).eval()

    def difference(g):
        y = problem.observe(g)
        state = g.get_state()
        value = loss(f, y, A, generator=g) - loss.offset(LAW, y, A)
        g.set_state(state)
        return value - problem.risk(loss.reconstruct(f, y, A, generator=g))

    found = estimate(difference, 24)
    assert loss.scores(A) and abs(found.z()) < 4 and found.error < 0.1 * LAW.sigma**2
    assert problem.risk(loss.reconstruct(f, problem.observe(generator()), A)) < 2


@pytest.mark.parametrize("name", ["SURE", "Splitting"])
def test_the_training_value_is_that_of_another_input(name):
    """At a wide step the loss in training mode judges noisier, or less, input: it is no score."""
    loss = losses.SURE(LAW, tau=0.9) if name == "SURE" else MAKE[name]()

    def difference(g):
        problem = Problem(signal, LAW)
        y = problem.observe(g)
        value = loss.train()(plain, y, IDENTITY, generator=g) - loss.offset(LAW, y)
        return value - problem.risk(loss.reconstruct(plain, y, IDENTITY, generator=g))

    assert estimate(difference, 48).z() > 4


@pytest.mark.parametrize("name", MAKE)
def test_select_scores_it_or_refuses(name):
    x = MIXTURE.sample((8, 1, 12, 12), generator()).double()
    kind = data.Pairs if name == "Supervised" else data.simulate
    held_out = kind(x, IDENTITY, LAW, **({"copies": 2} if name == "Noise2Noise" else {}))
    loss = MAKE[name]()
    candidates = {"f": (blind if name.startswith("BlindSpot") else plain, loss)}
    if loss.scores(IDENTITY):
        assert validation.select(candidates, held_out, noise=LAW).best == "f"
    else:
        with pytest.raises(ValueError, match="not the risk of what it reconstructs.*Tested.*proxy"):
            validation.select(candidates, held_out, noise=LAW)


def test_a_law_that_travels_is_the_one_that_judges():
    """Images of two noise levels: each is judged, and R2R recorrupted, with its own σ."""
    sigma = torch.tensor([0.1, 0.5]).repeat(300).view(600, 1, 1, 1)
    law = noise.HeteroscedasticGaussian(sigma.double())
    x = MIXTURE.sample((600, 1, 16, 16), generator()).double()
    items = data.simulate(x, IDENTITY, law)
    wrong = losses.SURE(noise.Gaussian(0.3))
    r2r = validation.Tested(plain, losses.R2R(noise.Gaussian(0.3), draws=4))
    scores = validation.select({"f": (plain, wrong), "r2r": (r2r, wrong)}, items).scores
    y, A, laws = items.batch(torch.arange(600))
    for f, score in ((plain, scores["f"]), (lambda y, A: r2r.loss.reconstruct(
            plain, y, A, laws, generator(1)), scores["r2r"])):  # fmt: skip
        risk = float((f(y, A) - x).square().mean())
        assert abs(score.risk - risk) < 4 * score.error < 0.2 * risk
