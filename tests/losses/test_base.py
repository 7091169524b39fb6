"""One unit, no ground truth, sums, and the losses that need no noise model."""

import inspect

import pytest
import torch
from montecarlo import estimate, generator
from mutants import missed
from problems import CLAIMS, PROBLEMS, mixing, pointwise
from slips import scales, slip

from course_lib import losses, noise, operators
from course_lib.losses.base import misfit

A = operators.Identity()
PUBLIC = [loss for name in losses.__all__ if isinstance(loss := getattr(losses, name), type)]


@pytest.mark.parametrize("loss", [loss for loss in PUBLIC if loss is not losses.Supervised])
def test_no_loss_but_supervised_has_a_parameter_for_x(loss):
    assert list(inspect.signature(loss.forward).parameters) == [
        "self", loss.forward.__code__.co_varnames[1], "y", "A", "noise", "generator",
    ]  # fmt: skip
    for method in (loss.__init__, loss.reconstruct, loss.offset):
        assert "x" not in inspect.signature(method).parameters


def assert_is_the_risk(supervised):
    problem = PROBLEMS["gaussian, mixture"]()
    y = problem.observe(generator())
    assert supervised()(problem.f, y, A, problem.x) == problem.risk(problem.f(y, A))
    assert supervised().offset(problem.noise, y) == 0


def test_supervised_takes_x_and_is_the_risk_itself():
    assert_is_the_risk(losses.Supervised)
    y = PROBLEMS["gaussian, mixture"]().observe(generator())
    with pytest.raises(TypeError, match="x"):
        losses.Supervised()(mixing, y, A)


class Supervised(losses.Supervised):
    def given(self, y, x):
        return y

    def distance(self, x_hat, y, x):
        return (x_hat - x).square()

    def forward(self, f, y, A, x=None, noise=None, generator=None):
        return self.distance(f(self.given(y, x), A), y, x).mean()


SUPERVISED_SLIPS = {
    "target is y": slip(Supervised, distance=lambda s, x_hat, y, x: (x_hat - y).square()),
    "x leaks into the input": slip(Supervised, given=lambda s, y, x: x),
    "an absolute value": slip(Supervised, distance=lambda s, x_hat, y, x: (x_hat - x).abs()),
    "an offset": slip(
        losses.Supervised, offset=lambda s, noise, y, A=None: noise.variance(y).mean()
    ),
    **scales(losses.Supervised),
}


@pytest.mark.parametrize("name", SUPERVISED_SLIPS)
def test_a_slip_of_supervised_is_caught(name):
    assert_is_the_risk(Supervised)
    with pytest.raises(AssertionError):
        assert_is_the_risk(SUPERVISED_SLIPS[name])


def test_measurement_consistency_is_minimal_at_the_noise_itself():
    problem = PROBLEMS["gaussian, mixture"]()
    y = problem.observe(generator())
    loss = losses.MeasurementConsistency()
    assert loss(lambda y, A: y, y, A) == 0 < loss(problem.f, y, A)
    with pytest.raises(NotImplementedError, match="not the risk plus a constant"):
        loss.offset(problem.noise, y, problem.A)


def assert_misses_the_key_term(consistency, where):
    problem = PROBLEMS[where]()
    gaps = []
    for phi in (mixing, lambda u: 0.1 * u):
        problem.phi = phi

        def gap(g):
            y = problem.observe(g)
            Ax = problem.A(problem.x)
            Af = problem.A(problem.f(y, problem.A))
            value = consistency()(problem.f, y, problem.A)
            key = 2 * ((y - Ax) * (Af - Ax)).mean() - (y - Ax).square().mean()
            torch.testing.assert_close(value, problem.risk(problem.f(y, problem.A)) - key)
            return key

        gaps.append(estimate(gap))
    assert abs(gaps[0].mean - gaps[1].mean) > 20 * (gaps[0].error + gaps[1].error)


@pytest.mark.parametrize("where", ["gaussian, mixture", "gaussian, blur", "poisson"])
def test_measurement_consistency_misses_the_key_term_and_nothing_else(where):
    """E L = risk − 2 E εᵀ(A f − Ax)/m + E‖ε‖²/m: the gap to the risk depends on f."""
    assert_misses_the_key_term(losses.MeasurementConsistency, where)


class Consistency(losses.MeasurementConsistency):
    def misfit(self, A, x_hat, y):
        return A(x_hat) - y

    def forward(self, f, y, A, noise=None, generator=None):
        return self.misfit(A, f(y, A), y).square().mean()


CONSISTENCY_SLIPS = {
    "forgets the operator": slip(Consistency, misfit=lambda s, A, x_hat, y: x_hat - y),
    "sign": slip(Consistency, misfit=lambda s, A, x_hat, y: A(x_hat) + y),
    **scales(losses.MeasurementConsistency),
}


@pytest.mark.parametrize("name", CONSISTENCY_SLIPS)
def test_a_slip_of_measurement_consistency_is_caught(name):
    assert_misses_the_key_term(Consistency, "gaussian, blur")
    with pytest.raises(AssertionError):
        assert_misses_the_key_term(CONSISTENCY_SLIPS[name], "gaussian, blur")


@pytest.mark.parametrize("function", [losses.Supervised.entries, misfit])
def test_a_handful_of_systematic_slips_is_caught(function):
    def refused():
        assert_is_the_risk(losses.Supervised)
        assert_misses_the_key_term(losses.MeasurementConsistency, "gaussian, blur")

    assert len(missed(function, refused)) < 2


def test_a_weighted_sum_is_the_sum_of_its_parts():
    problem = PROBLEMS["gaussian, blur"]()
    y, model = problem.observe(generator()), problem.noise
    a, b, c = losses.SURE(model), losses.R2R(model, draws=3), losses.MeasurementConsistency()
    total = a + 0.5 * b + 2 * (a + 3.0 * c)
    g, h = generator(1), generator(1)
    parts = [a, b, a, c]
    expected = sum(
        w * part(problem.f, y, problem.A, generator=g)
        for w, part in zip([1, 0.5, 2, 6], parts, strict=True)
    )
    torch.testing.assert_close(
        total(problem.f, y, problem.A, generator=h), expected, rtol=1e-12, atol=0
    )
    assert total.train_evals == sum(part.train_evals for part in parts)
    assert total.test_evals == a.test_evals
    both = a + 0.5 * b
    torch.testing.assert_close(both.offset(model, y), a.offset(model, y) + 0.5 * b.offset(model, y))
    first = (b + a).reconstruct(problem.f, y, problem.A, generator=generator(3))
    assert torch.equal(first, b.reconstruct(problem.f, y, problem.A, generator=generator(3)))


@pytest.mark.parametrize("key", CLAIMS)
def test_the_same_generator_gives_the_same_value_and_another_seed_another(key):
    problem = PROBLEMS["gaussian, mixture"]()
    y = problem.observe(generator(), CLAIMS[key].copies)
    loss = CLAIMS[key].make(problem.noise)
    one, same, other = (loss(problem.f, y, A, generator=generator(seed)) for seed in (1, 1, 2))
    assert one == same
    assert (one != other) == (key not in ("Noise2Noise", "SURE exact"))


@pytest.mark.parametrize("key", CLAIMS)
def test_the_global_generator_is_left_alone(key):
    problem = PROBLEMS["gaussian, mixture"]()
    torch.manual_seed(0)
    state = torch.get_rng_state()
    y = problem.observe(generator(), CLAIMS[key].copies)
    loss = CLAIMS[key].make(problem.noise)
    (
        loss(problem.f, y, A, generator=generator(1)),
        loss.reconstruct(problem.f, y, A, generator=generator(1)),
    )
    assert torch.equal(torch.get_rng_state(), state)


def test_a_loss_keeps_no_hold_on_the_network():
    """Nothing of f in a loss's state: no wrapped model, no remembered output."""
    net = torch.nn.Linear(3, 3).double()
    y = torch.rand(2, 1, 3, 3, generator=generator(), dtype=torch.float64)
    for loss in (
        losses.SURE(noise.Gaussian(0.1)),
        losses.R2R(noise.Gaussian(0.1)),
        losses.UNSURE(),
    ):
        before = set(loss.state_dict())
        loss(lambda u, A: net(u), y, A, generator=generator())
        assert set(loss.state_dict()) == before
        assert not list(loss.parameters())


def test_noise2noise_reconstructs_from_one_copy_or_a_pair():
    y_a, y_b = torch.rand(2, 3, 1, 4, 4, generator=generator())
    loss = losses.Noise2Noise()
    for y in (y_a, (y_a, y_b)):
        assert torch.equal(loss.reconstruct(lambda u, A: pointwise(u), y, A), pointwise(y_a))


def counted(loss, batch=3):
    """(the value of the loss, its gradient in f's weight, how often it called f)."""
    weight = torch.tensor(0.7, dtype=torch.float64, requires_grad=True)
    masks = torch.tensor([[1, 0, 1, 1], [0, 1, 1, 0], [1, 1, 0, 1]]).reshape(batch, 1, 2, 2)
    A, calls = operators.Inpainting(masks.double()), []

    def f(u, B):
        calls.append(u)
        return torch.tanh(weight * B.adjoint(u))

    y = A(torch.linspace(-1, 2, 4 * batch, dtype=torch.float64).reshape(batch, 1, 2, 2))
    value = loss(f, y, A, generator=generator())
    return float(value.detach()), float(torch.autograd.grad(value, weight)[0]), len(calls)


SUMS = {
    "naive + MOI": lambda: [losses.MeasurementConsistency(), losses.MOI()],
    "SURE + MOI": lambda: [losses.SURE(noise.Gaussian(0.1)), losses.MOI()],
    "MC-SURE + MOI": lambda: [losses.SURE(noise.Gaussian(0.1), "mc"), losses.MOI()],
    "naive + naive + MOI": lambda: [losses.MeasurementConsistency()] * 2 + [losses.MOI()],
}


@pytest.mark.parametrize("key", SUMS)
def test_the_terms_of_a_sum_share_what_f_makes_of_y(key):
    terms = SUMS[key]()
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    value, slope, calls = counted(total)
    assert calls == total.train_evals
    saved = sum(term.train_evals for term in terms) - calls
    assert saved == sum(term.at_y for term in terms) - 1
    g = generator()
    alone = [counted_with(term, g) for term in terms]
    assert value == pytest.approx(sum(v for v, _ in alone), rel=1e-12)
    assert slope == pytest.approx(sum(s for _, s in alone), rel=1e-12)


class Elsewhere(losses.Loss):
    """f(y, B) for another operator, and f(u, A) for another y."""

    def entries(self, f, y, A, noise=None, generator=None):
        return f(y, operators.Inpainting(torch.ones(2, 2))) + f(y.clone() / 2, A)


@pytest.mark.parametrize("first", [True, False])
def test_f_of_y_is_not_given_for_another_operator_or_another_y(first):
    terms = [losses.MeasurementConsistency(), Elsewhere()][:: 1 if first else -1]
    value, _, calls = counted(terms[0] + terms[1])
    assert calls == 3
    assert value == pytest.approx(sum(counted(term)[0] for term in terms), rel=1e-12)


PLAIN = {
    "Neighbor2Neighbor": lambda: losses.Neighbor2Neighbor(ramp=0),
    "naive": losses.MeasurementConsistency,
    "SURE": lambda: losses.SURE(noise.Gaussian(0.1), "mc"),
    "Noise2Self": losses.Noise2Self,
}


@pytest.mark.parametrize("first", PLAIN)
@pytest.mark.parametrize("second", PLAIN)
def test_the_gradient_of_a_sum_is_the_sum_of_the_gradients(first, second):
    """Also where one term asks for f(y) without gradients, and the other with them."""
    y = torch.rand(2, 1, 6, 6, generator=generator(), dtype=torch.float64)
    weight = torch.tensor([0.7, 0.2], dtype=torch.float64, requires_grad=True)

    def f(u, A):
        return torch.tanh(weight[0] * u + weight[1] * u.roll(1, -1))

    def gradient(loss, g):
        return torch.autograd.grad(loss(f, y, A, generator=g), weight)[0]

    g = generator(2)
    apart = sum(gradient(PLAIN[name](), g) for name in (first, second))
    together = gradient(PLAIN[first]() + PLAIN[second](), generator(2))
    torch.testing.assert_close(together, apart, rtol=1e-12, atol=0)


def test_terms_share_f_of_y_without_gradients_as_well():
    total, calls = losses.MeasurementConsistency() + losses.SURE(noise.Gaussian(0.1), "mc"), []
    y = torch.rand(2, 1, 4, 4, generator=generator())
    with torch.no_grad():
        total(lambda u, A: calls.append(1) or 0.5 * u, y, A, generator=generator())
    assert len(calls) == total.train_evals == 2


def counted_with(term, g):
    """A term's value and slope, with randomness that goes on from the term before it."""
    state = g.get_state()

    class Continued(losses.Loss):
        def forward(self, f, y, A, noise=None, generator=None):
            generator.set_state(state)
            value = term(f, y, A, generator=generator)
            g.set_state(generator.get_state())
            return value

    return counted(Continued())[:2]
