"""UNSURE: its optimum y + η* s(y), its risk MMSE/(1 − MMSE/σ²), and a multiplier that finds η*.

Pixels are independent, so expectations over y are integrals over one variable.
"""

import pytest
import torch
from montecarlo import estimate, generator
from problems import MIXTURE, SHAPE, pointwise
from slips import slip

from course_lib import losses, operators, priors

A = operators.Identity()
VARIANCE = MIXTURE.noise.sigma**2
MMSE = MIXTURE.mmse()
ETA = VARIANCE / (1 - MMSE / VARIANCE)
RISK = MMSE / (1 - MMSE / VARIANCE)


def optimum(y, A=None, eta=ETA):
    """f(y) = y + η s(y), the minimiser of SURE with variance η in place of σ²."""
    return y + eta * MIXTURE.score(y)


def expect(h):
    """E h(y), by the trapezoidal rule: exact to rounding for a smooth h."""
    y = torch.linspace(-6, 6, 20001, dtype=torch.float64)
    v = MIXTURE.std**2 + VARIANCE
    p = torch.exp(-((y[:, None] - MIXTURE.means) ** 2) / (2 * v)) / (2 * torch.pi * v) ** 0.5
    return float(torch.trapezoid(p @ MIXTURE.weights * h(y), y))


def slope(f):
    return lambda y: torch.func.jvp(f, (y,), (torch.ones_like(y),))[1]


def test_the_multiplier_is_one_over_the_mean_squared_score():
    assert expect(lambda y: MIXTURE.score(y).square()) == pytest.approx(1 / ETA, rel=1e-10)
    assert ETA > 1.5 * VARIANCE  # far from σ² here, so that the tests below can tell


def test_the_optimum_has_no_divergence():
    assert expect(slope(optimum)) == pytest.approx(0, abs=1e-10)


def test_the_optimum_is_the_best_f_without_divergence():
    """Along a direction d with E d' = 0 the risk changes by ε² E d², without a first order."""
    ratio = expect(slope(pointwise)) / expect(slope(MIXTURE.score))

    def direction(y):
        return pointwise(y) - ratio * MIXTURE.score(y)

    assert expect(slope(direction)) == pytest.approx(0, abs=1e-10)
    assert expect(lambda y: direction(y) ** 2) > 0.1
    error = expect(lambda y: (optimum(y) - MIXTURE.posterior_mean(y)) * direction(y))
    assert error == pytest.approx(0, abs=1e-10)


def test_its_risk_is_the_mmse_over_one_minus_the_mmse_over_the_variance():
    excess = expect(lambda y: (optimum(y) - MIXTURE.posterior_mean(y)).square())
    assert MMSE + excess == pytest.approx(RISK, rel=1e-9)
    assert pytest.approx(RISK, rel=1e-12) == ETA - VARIANCE


def simulated(power):
    """(1/n) E‖f*(y) − x‖^power over images of n = 9 pixels."""

    def draw(g):
        x = MIXTURE.sample(SHAPE, g).double()
        error = optimum(MIXTURE.noise(x, g)) - x
        return error.flatten(1).norm(dim=1).pow(power).mean() / x[0].numel()

    return estimate(draw, 100)


def test_the_risk_by_simulation_and_the_square_that_the_slides_forgot():
    """Erratum E3: with the square the formula holds, as printed, without it, it does not."""
    squared, printed = simulated(2), simulated(1)
    assert abs(squared.z(RISK)) < 4 and squared.error < 0.005 * RISK
    assert abs(printed.z(RISK)) > 100


def test_the_slides_form_is_the_same_number_and_their_expansion_its_second_order():
    q = MMSE / VARIANCE
    assert VARIANCE * (1 / (1 - q) - 1) == pytest.approx(RISK, rel=1e-12)
    assert RISK - MMSE - MMSE**2 / VARIANCE == pytest.approx(MMSE * q**2 / (1 - q), rel=1e-9)


def test_on_a_white_gaussian_signal_it_returns_nothing():
    """x ~ N(0, t²I): η* s(y) = −y, so f* = 0 although Wiener's filter is not."""
    prior = priors.GaussianPrior(torch.eye(3), 0.5)
    y = torch.randn(4, 1, 1, 3, generator=generator(), dtype=torch.float64)
    eta = 0.25 / (1 - prior.mmse() / 0.25)
    torch.testing.assert_close(y + eta * prior.score(y), 0 * y, rtol=0, atol=1e-12)


def ascent(unsure, start, unit=1.0, steps=500):
    """η after training with f at its own optimum for the current η: averaged over the last half."""
    loss = unsure(eta=start * unit**2).train()
    g, trace = generator(), []
    for _ in range(steps):
        y = MIXTURE.noise(MIXTURE.sample((512, 1, 1, 1), g), g) * unit
        f = lambda u, A, eta=float(loss.eta): unit * optimum(u / unit, eta=eta / unit**2)  # noqa: E731
        loss(f, y, A, generator=g)
        trace.append(float(loss.eta))
    return sum(trace[steps // 2 :]) / len(trace[steps // 2 :])


@pytest.mark.parametrize("start", [0.2 * VARIANCE, 5 * VARIANCE])
def test_the_ascent_finds_the_multiplier_from_both_sides(start):
    assert ascent(losses.UNSURE, start) == pytest.approx(ETA, rel=0.03)


def test_the_ascent_does_not_depend_on_the_unit_of_y():
    one, two = ascent(losses.UNSURE, 0.1, steps=50), ascent(losses.UNSURE, 0.1, 255.0, steps=50)
    assert two / 255.0**2 == pytest.approx(one, rel=1e-4)


WRONG_ASCENTS = {
    "descent": lambda s, right, div: right(-div),
    "towards another divergence": lambda s, right, div: right(div + 0.1),
    "the sum over an image": lambda s, right, div: right(9 * div),
    "forgets where it was": lambda s, div: s.eta.copy_(torch.exp(s.rate * s.accelerate(div))),
}


@pytest.mark.parametrize("name", ["descent", "towards another divergence", "forgets where it was"])
def test_a_slip_of_the_ascent_is_caught(name):
    found = ascent(slip(losses.UNSURE, ascend=WRONG_ASCENTS[name]), 0.2 * VARIANCE)
    assert found != pytest.approx(ETA, rel=0.03)


def assert_momentum(unsure):
    """After k equal divergences t the velocity is (1 − μ^k) t, and log η moves along it."""
    loss, t = unsure(eta=0.05, rate=0.1, momentum=0.8), torch.tensor(-3.0)
    for k in range(1, 6):
        loss.ascend(t)
        torch.testing.assert_close(loss.velocity, (1 - 0.8**k) * t)
    gone = sum(1 - 0.8**k for k in range(1, 6))
    torch.testing.assert_close(torch.log(loss.eta / 0.05), 0.1 * gone * t)


def test_the_momentum_works():
    assert_momentum(losses.UNSURE)


MOMENTA = {
    "never used, as a library has it": lambda s, right, slope: 0 * right(slope) + slope,
    "not normalised": lambda s, right, slope: right(slope / (1 - s.momentum)),
}


@pytest.mark.parametrize("name", MOMENTA)
def test_a_slip_of_the_momentum_is_caught(name):
    wrong = slip(losses.UNSURE, accelerate=MOMENTA[name])
    with pytest.raises(AssertionError):
        assert_momentum(wrong)


def test_the_multiplier_can_not_turn_negative():
    """Whatever the divergences; plain ascent crosses zero at the first of these steps."""
    plain = slip(losses.UNSURE, ascend=lambda s, div: s.eta.add_(s.rate * s.accelerate(div)))
    loss, crossing = losses.UNSURE(eta=0.01, rate=0.1), plain(eta=0.01, rate=0.1)
    for _ in range(50):
        loss.ascend(torch.tensor(-5.0)), crossing.ascend(torch.tensor(-5.0))
    assert 0 < loss.eta < 0.01 and crossing.eta < 0


def assert_one_step(unsure):
    """f = 0.7 y: the divergence is 0.7 an entry, whatever the size of the images and the batch."""
    loss, y = unsure(eta=0.05, rate=0.1, momentum=0.0), torch.rand(16, 1, 40, 40)
    loss(lambda u, A: 0.7 * u, y, A, generator=generator())
    assert float(torch.log(loss.eta / 0.05)) == pytest.approx(0.07, rel=0.03)


def test_one_step_is_the_mean_divergence():
    assert_one_step(losses.UNSURE)
    with pytest.raises(AssertionError):
        assert_one_step(slip(losses.UNSURE, ascend=WRONG_ASCENTS["the sum over an image"]))


def test_only_training_moves_the_multiplier():
    y = MIXTURE.noise(MIXTURE.sample(SHAPE, generator()), generator(1))
    loss = losses.UNSURE(eta=0.05).eval()
    loss(lambda u, A: u, y, A, generator=generator())
    assert float(loss.eta) == pytest.approx(0.05) and not loss.eta.requires_grad
    loss.train()(lambda u, A: u, y, A, generator=generator())
    assert loss.eta > 0.05
    assert dict(loss.named_buffers()).keys() == {"eta", "velocity"}


def test_it_is_given_no_noise_level():
    """One loss object, two noise levels: only y tells it which."""
    assert not any(isinstance(module, losses.sure.SURE) for module in losses.UNSURE().modules())
    assert "noise" not in losses.UNSURE.__init__.__annotations__ | vars(losses.UNSURE())
