"""The gradient of every loss, in the weights of f, is that of its value: nothing is detached.

Central differences of the loss, with the same generator, against autograd. Where a loss stops a
gradient on purpose (`HELD`), f(y, A) keeps the weights that it had.
"""

import copy

import pytest
import torch
from montecarlo import generator
from mutants import mutants

from course_lib import groups, losses, noise, operators
from course_lib.losses import antithetic, base, noise2score

SIZE = (3, 1, 6, 6)
MASK = (torch.rand(SIZE, generator=generator(5), dtype=torch.float64) < 0.7).double()
MANY = operators.Inpainting(MASK)  # another operator for each image
BLUR = operators.Blur(torch.tensor([[0.1, 0.2], [0.3, 0.4]], dtype=torch.float64))
I = operators.Identity()  # noqa: E741
LAW, COUNTS = noise.Gaussian(0.4), noise.Poisson(0.3)
THETA = torch.tensor([0.9, -0.4, 0.3, 0.2], dtype=torch.float64)
PI = torch.full(SIZE[1:], 0.7, dtype=torch.float64)

CASES = {  # the loss and the operator
    "BlindNoise2Score": (lambda: losses.BlindNoise2Score(sigma=0.4), I),
    "BlindSpotLikelihood": (lambda: losses.BlindSpotLikelihood(LAW), I),
    "BlindSpotSURE": (lambda: losses.BlindSpotSURE(LAW), I),
    "EI": (lambda: losses.EI(groups.Shift(), LAW), MANY),
    "EI, stop": (lambda: losses.EI(groups.Shift(), LAW, stop=True), MANY),
    "EquivariantSplitting": (lambda: losses.EquivariantSplitting(0.3, groups.Shift()), MANY),
    "MOEI": (lambda: losses.MOEI(groups.Shift(), LAW), MANY),
    "ReducedResolution": (losses.ReducedResolution, BLUR),
    "ENSURE": (lambda: losses.ENSURE(LAW, PI), MANY),
    "MOI": (lambda: losses.MOI(LAW), MANY),
    "MOI, stop": (lambda: losses.MOI(LAW, stop=True), MANY),
    "MeasurementConsistency": (losses.MeasurementConsistency, BLUR),
    "Neighbor2Neighbor": (lambda: losses.Neighbor2Neighbor(ramp=0), I),
    "Noise2Inverse": (lambda: losses.Noise2Inverse(0.3), MANY),
    "Noise2Noise": (losses.Noise2Noise, MANY),
    "Noise2Score": (lambda: losses.Noise2Score(COUNTS), I),
    "Noise2Self": (losses.Noise2Self, BLUR),
    "Noise2Void": (lambda: losses.Noise2Void(3, 2), BLUR),
    "Noise2Void, median": (lambda: losses.Noise2Void(3, 1, "median"), BLUR),
    "Noisier2Noise": (lambda: losses.Noisier2Noise(LAW), I),
    "R2R": (lambda: losses.R2R(COUNTS), MANY),
    "R2R, gaussian": (lambda: losses.R2R(LAW), MANY),
    "RobustSSDU, r2r": (lambda: losses.RobustSSDU(LAW, 0.3), MANY),
    "RobustSSDU, sure": (lambda: losses.RobustSSDU(LAW, 0.3, "sure"), MANY),
    "SSDU": (lambda: losses.SSDU(0.3), MANY),
    "SURE": (lambda: losses.SURE(LAW), MANY),
    "SURE, poisson": (lambda: losses.SURE(COUNTS), BLUR),
    "SURE, mc": (lambda: losses.SURE(LAW, "mc"), BLUR),
    "SURE, hutchinson": (lambda: losses.SURE(LAW, "hutchinson"), BLUR),
    "SURE, exact": (lambda: losses.SURE(COUNTS, "exact"), MANY),
    "Splitting": (losses.Splitting, I),
    "Splitting, all": (lambda: losses.Splitting(target="all"), BLUR),
    "Sum": (lambda: losses.SURE(LAW) + 0.5 * losses.MOI(LAW), MANY),
    "Supervised": (losses.Supervised, BLUR),
    "UNSURE": (lambda: losses.UNSURE(eta=0.1), BLUR),
    "UNSURECorrelated": (lambda: losses.UNSURECorrelated(1, eta=0.1), BLUR),
    "UNSUREPoissonGaussian": (lambda: losses.UNSUREPoissonGaussian(0.1, 0.2), BLUR),
    "WeightedSSDU": (lambda: losses.WeightedSSDU(0.3, PI), MANY),
}
HELD = ("MOI, stop", "EI, stop", "Neighbor2Neighbor")  # no gradient through f(y, A)


def network(theta, spread=False):
    def f(u, A):
        u = A.adjoint(u)
        right, below = u.roll(1, -1), u.roll(1, -2)  # where u itself is hidden, they speak
        x_hat = torch.tanh(theta[0] * (u + below) + theta[1] * right)
        x_hat = x_hat + theta[2] * (u + right).square() + theta[3] * torch.sin(u + below)
        return torch.cat([x_hat, theta[2] * below + theta[1]], dim=1) if spread else x_hat

    return f


def value(key, theta, training=True):
    """The loss of this f; f(y, A) of the losses in `HELD` keeps the weights THETA."""
    make, A = CASES[key]
    A, g, loss = copy.deepcopy(A).to(theta.dtype), generator(1), make().train(training)
    x = 1 + torch.rand(SIZE, generator=g, dtype=theta.dtype)
    y = COUNTS(A(x), g)
    y = (y, COUNTS(A(x), g)) if key == "Noise2Noise" else y
    f = network(theta, key.startswith("BlindSpot"))
    held = network(THETA) if key in HELD else f
    x = {"x": x} if key == "Supervised" else {}
    return loss(lambda u, B: (held if u is y else f)(u, B), y, A, **x, generator=g)


def numerical(key, training, h=1e-5):
    sides = ([value(key, THETA + s * h * e, training) for s in (1, -1)]
             for e in torch.eye(4, dtype=torch.float64))  # fmt: skip
    return torch.stack([(plus - minus) / (2 * h) for plus, minus in sides])


def assert_gradient(key, training, expected=None):
    theta = THETA.clone().requires_grad_()
    (found,) = torch.autograd.grad(value(key, theta, training), theta)
    expected = numerical(key, training) if expected is None else expected
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-9)
    return found


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("key", CASES)
def test_the_gradient_is_that_of_the_value(key, training):
    assert assert_gradient(key, training).abs().min() > 1e-3


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("key", CASES)
def test_float32_stays_float32(key, training):
    theta = THETA.float().requires_grad_()
    value(key, theta, training).backward()
    assert value(key, theta, training).dtype == torch.float32 and theta.grad.isfinite().all()


def rebuilt(key, y):
    """One number of x̂ at test time."""
    make, A = CASES[key]
    f = network(THETA, key.startswith("BlindSpot"))
    x_hat = make().reconstruct(f, y, A, generator=generator(1))
    return (x_hat * torch.linspace(-1, 2, x_hat.numel()).view_as(x_hat)).sum()


@pytest.mark.parametrize("key", [key for key in CASES if key != "R2R"])  # its y are counts
def test_what_is_reconstructed_has_its_gradient_in_y(key, h=1e-6):
    A, g = CASES[key][1], generator(2)
    y = A(1 + torch.rand(SIZE, generator=g, dtype=torch.float64)).requires_grad_()
    d = torch.randn(SIZE, generator=g, dtype=torch.float64)
    (found,) = torch.autograd.grad(rebuilt(key, y), y)
    with torch.no_grad():
        expected = (rebuilt(key, y + h * d) - rebuilt(key, y - h * d)) / (2 * h)
    torch.testing.assert_close((found * d).sum(), expected, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("key", CASES)
def test_a_law_that_comes_with_y_replaces_the_loss_s_own(key):
    """In training, in evaluation mode and at test time: one value of two losses."""
    (make, A), g = CASES[key], generator(2)
    if getattr(make(), "noise", None) is None:
        return
    y = COUNTS(A(1 + torch.rand(SIZE, generator=g, dtype=torch.float64)), g)
    own, other = make(), make()
    law = own.noise
    other.noise = noise.Gaussian(0.9) if type(law) is noise.Gaussian else noise.Poisson(0.1)
    f = network(THETA, key.startswith("BlindSpot"))
    for one in (own, other, own.eval(), other.eval()):
        right = own.train(one.training)(f, y, A, generator=generator(1))
        assert one(f, y, A, noise=law, generator=generator(1)) == right
    x_hat = own.reconstruct(f, y, A, generator=generator(1))
    assert torch.equal(other.reconstruct(f, y, A, noise=law, generator=generator(1)), x_hat)


TESTED = {  # also those that use f otherwise at test time
    "Noise2Self, single": (lambda: losses.Noise2Self(test="single"), I),
    "Splitting, one": (lambda: losses.Splitting(test="one"), I),
    "Splitting, plain": (lambda: losses.Splitting(test="plain"), I),
    "UNSURE, training": (losses.UNSURE, I),
}


@pytest.mark.parametrize("key", [key for key in CASES | TESTED if key != "SURE, exact"])
def test_evaluations_are_counted(key):
    """`train_evals` and `test_evals` are what is run; "exact" has one for each pixel more."""
    (make, A), calls = (CASES | TESTED)[key], []
    inner = network(THETA, key.startswith("BlindSpot"))

    def f(u, B):
        calls.append(1)
        return inner(u, B)

    loss, y = make(), COUNTS(A(torch.ones(SIZE, dtype=torch.float64)), generator())
    x = {"x": torch.ones(SIZE, dtype=torch.float64)} if key == "Supervised" else {}
    copies = (y, y) if key == "Noise2Noise" else y
    loss(f, copies, A, **x, generator=generator())
    assert len(calls) == loss.train_evals
    calls.clear()
    loss.reconstruct(f, copies, A, generator=generator())
    assert len(calls) == loss.test_evals


def test_every_loss_is_among_them():
    public = {name for name in losses.__all__ if name not in ("Loss", "columns")}
    assert public == {key.split(",")[0] for key in CASES}


TWINS = [antithetic.stein, antithetic.antithetic, base.misfit, base.measured]
SHARED = {
    "SURE": TWINS,
    "UNSURE": TWINS[1:],
    "ENSURE": TWINS,
    "RobustSSDU, sure": TWINS,
    "Noise2Score": [noise2score.ar_dae],
    "R2R": TWINS[2:],
}


@pytest.mark.parametrize("key", [key for key in CASES if key != "SURE, hutchinson"])
def test_a_slip_that_detaches_anything_is_caught(key):
    """Each value in turn, in `entries` and in what it shares, in training and evaluation mode.

    Hutchinson's form does not use the f(y) that it is given.
    """
    family = type(CASES[key][0]())
    own = family.forward if family is losses.Sum else family.entries
    functions = [own, *SHARED.get(key, [])]
    modes, stopped = (True, False), 0
    expected = {mode: numerical(key, mode) for mode in modes}
    for mutant in (m for function in functions for m in mutants(function, {"stop"})):
        caught = False
        with mutant:
            for mode in modes:
                try:
                    assert_gradient(key, mode, expected[mode])
                except (AssertionError, RuntimeError):  # or nothing is left to differentiate
                    caught = True
        assert caught or not mutant.stopped, f"{mutant} passes"
        stopped += mutant.stopped
    assert stopped or key == "Sum"
