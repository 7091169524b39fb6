"""Neighbor2Neighbor: pairs of neighbours, its bias and what corrects it, the ramp of Λ.

The exact model: cells of 2×2 pixels, x ~ N(0, C) in each, y = x + σw. On a half-size image
f(u) = c u, on the full one f̄(y) = E[x | y], so the best c is known for every Λ.
"""

import pytest
import torch
from montecarlo import estimate, generator
from mutants import missed
from problems import COUNTS, MIXTURE, SPECKLE, Problem
from slips import scales, slip

from course_lib import data, losses, models, noise, operators, training
from course_lib.losses import neighbor2neighbor

I = operators.Identity()  # noqa: E741
SHAPE = (256, 1, 6, 8)
RHO, V = 0.6, 0.25  # correlation of any two pixels of a cell, noise variance
C = RHO + (1 - RHO) * torch.eye(4, dtype=torch.float64)
WIENER = C @ torch.linalg.inv(C + V * torch.eye(4, dtype=torch.float64))
LAW = noise.Gaussian(V**0.5)


def cells(u):
    return torch.nn.functional.pixel_unshuffle(u, 2)


def uncells(u):
    return torch.nn.functional.pixel_shuffle(u, 2)


def observe(g):
    w = torch.randn(SHAPE[0], 4, 3, 4, generator=g, dtype=torch.float64)
    x = uncells(torch.einsum("ij,bjhw->bihw", torch.linalg.cholesky(C), w))
    return x, LAW(x, generator=g)


def posterior_mean(y):
    return uncells(torch.einsum("ij,bjhw->bihw", WIENER, cells(y)))


def at(Lambda, loss=None):
    """The loss, or a slip of it, with this Λ from the start."""
    return (loss or losses.Neighbor2Neighbor)(weight=Lambda, ramp=0)


def best(Lambda):
    """The minimiser c of the full loss: (E[g₂x | g₁y] + Λ E[g₁x | g₁y]) / ((1 + Λ) g₁y)."""
    return (RHO + Lambda * 1) / ((1 + Lambda) * (1 + V))


def slope(loss, c, repeats=60):
    """dL/dc, whose mean is 0 at the minimiser."""

    def draw(g):
        _, y = observe(g)
        scale = torch.tensor(c, dtype=torch.float64, requires_grad=True)

        def f(u, A):
            return posterior_mean(u) if u.shape == y.shape else scale * u

        loss(f, y, I, generator=g).backward()
        return scale.grad

    return estimate(draw, repeats)


@pytest.mark.parametrize("Lambda", [0.0, 1.0, 2.0, 8.0])
def test_the_minimiser_is_the_neighbour_and_the_regulariser_corrects_it(Lambda):
    assert abs(slope(at(Lambda), best(Lambda)).z()) < 4
    for wrong in (best(Lambda) + 0.03, best(Lambda) - 0.03, 1 / (1 + V)):
        assert abs(slope(at(Lambda), wrong).z()) > 8


def test_a_share_of_one_over_one_plus_lambda_of_the_bias_stays():
    mmse = 1 / (1 + V)  # E[g₁x | g₁y] = g₁y / (1 + V)
    bias = {Lambda: best(Lambda) - mmse for Lambda in (0.0, 1.0, 2.0, 8.0)}
    for Lambda, value in bias.items():
        assert value == pytest.approx(bias[0.0] / (1 + Lambda))
    assert bias[0.0] == pytest.approx(-(1 - RHO) / (1 + V))


WHERE = {
    "gaussian": (MIXTURE, MIXTURE.noise),
    "poisson": (COUNTS, COUNTS.noise),
    "poisson-gaussian": (COUNTS, noise.PoissonGaussian(0.3, 0.25)),
    "gamma": (SPECKLE, SPECKLE.noise),
}


def excess(where, loss=None):
    """E L − (4/m) E‖f(g₁y) − g₂x‖² − variance, at Λ = 0."""
    prior, law = WHERE[where]
    problem = Problem(lambda g: prior.sample(SHAPE, g).double(), law)
    loss = at(0.0, loss)

    def difference(g):
        y = problem.observe(g)
        state = g.get_state()
        g1, g2 = neighbor2neighbor.pair(y, g)
        u, target = neighbor2neighbor.take(y, g1), neighbor2neighbor.take(problem.x, g2)
        risk = (problem.phi(u) - target).square().mean()
        g.set_state(state)
        return loss(problem.f, y, I, generator=g) - risk - law.variance(y).mean()

    return estimate(difference, 40)


@pytest.mark.parametrize("where", WHERE)
def test_without_the_regulariser_it_is_the_risk_towards_the_neighbour(where):
    found = excess(where)
    assert abs(found.z()) < 4
    assert found.error < 0.01


class Written(losses.Neighbor2Neighbor):
    """The loss as it is displayed, a piece at a time; a and b are g₁ and g₂ of what is given."""

    def target(self, a, b):
        return b

    def held(self, fy):
        return fy.detach()

    def difference(self, fit, fy, y):
        """The regulariser's residual, from f(g₁y) − g₂y and the pairs of f(y) and y."""
        return fit - (fy[0] - fy[1])

    def weight_now(self):
        return self.Lambda

    def forward(self, f, y, A, noise=None, generator=None):
        pair = neighbor2neighbor.pair(y, generator)
        of_y, of_fy = (
            [neighbor2neighbor.take(u, g) for g in pair] for u in (y, self.held(f(y, A)))
        )
        fit = f(of_y[0], A) - self.target(*of_y)
        regulariser = self.difference(fit, of_fy, of_y).square().mean()
        return fit.square().mean() + self.weight_now() * regulariser


SLIPS = {
    "target is the input": slip(Written, target=lambda s, a, b: a),
    "target is the mean of the two": slip(Written, target=lambda s, a, b: (a + b) / 2),
    "regulariser of the wrong sign": slip(
        Written, difference=lambda s, fit, fy, y: fit + (fy[0] - fy[1])
    ),
    "regulariser turned round": slip(
        Written, difference=lambda s, fit, fy, y: fit - (fy[1] - fy[0])
    ),
    "regulariser without f(y)": slip(Written, difference=lambda s, fit, fy, y: fit),
    "regulariser on y": slip(Written, difference=lambda s, fit, fy, y: fit - (y[0] - y[1])),
    "no regulariser": slip(Written, weight_now=lambda s: 0),
    "root of Λ": slip(Written, weight_now=lambda s: s.Lambda**0.5),
    **scales(losses.Neighbor2Neighbor),
}


def refused(changed):
    return abs(excess("gaussian", changed).z()) > 4 or abs(slope(at(2, changed), best(2)).z()) > 4


@pytest.mark.parametrize("name", SLIPS)
def test_a_slip_of_the_loss_is_refused(name):
    assert refused(SLIPS[name])


def gap():
    """How far the loss is from its formula."""
    _, y = observe(generator())
    f = lambda u, A: torch.tanh(u + 0.3 * u.roll(1, -1))  # noqa: E731
    one, two = (
        at(2.0, kind)(f, y, I, generator=generator(1))
        for kind in (losses.Neighbor2Neighbor, Written)
    )
    return abs(float(one / two) - 1)


def test_the_loss_is_its_formula():
    assert gap() < 1e-12


def test_a_handful_of_systematic_slips_is_refused():
    def caught():
        return gap() > 1e-9 or refused(losses.Neighbor2Neighbor)

    assert len(missed(losses.Neighbor2Neighbor.entries, caught)) < 2


def gradients(loss):
    """The gradient that reaches f on the half-size image, and on the full one."""
    half, full = (torch.tensor(0.7, dtype=torch.float64, requires_grad=True) for _ in range(2))
    _, y = observe(generator())
    loss(
        lambda u, A: (full if u.shape == y.shape else half) * u, y, I, generator=generator(1)
    ).backward()
    return half.grad, full.grad


def test_no_gradient_flows_through_the_full_image():
    half, full = gradients(at(2.0))
    assert half != 0 and full is None
    assert gradients(at(2.0, Written)) == (half, None)


def test_a_slip_that_lets_it_flow_is_caught():
    assert gradients(at(2.0, slip(Written, held=lambda s, fy: fy)))[1] != 0


def test_each_cell_draws_one_of_its_eight_ordered_neighbours():
    numbers = uncells(torch.arange(4.0).view(1, 4, 1, 1).expand(200, 4, 10, 10))
    g1, g2 = neighbor2neighbor.pair(numbers, generator())
    a, b = (neighbor2neighbor.take(numbers, g).flatten() for g in (g1, g2))
    found, counts = torch.stack([a, b]).unique(dim=1, return_counts=True)
    pairs = {tuple(int(v) for v in column) for column in found.T}
    assert pairs == set(neighbor2neighbor.PAIRS) and len(pairs) == 8
    assert all(abs(p // 2 - q // 2) + abs(p % 2 - q % 2) == 1 for p, q in pairs)
    assert ((counts - len(a) / 8).abs() < 4 * (len(a) * 7 / 64) ** 0.5).all()


def test_the_channels_of_a_pixel_go_together():
    y = torch.rand(2, 3, 4, 6, generator=generator())
    y = y[:, :1] + torch.arange(3.0).view(1, 3, 1, 1)
    g1, _ = neighbor2neighbor.pair(y, generator())
    half = neighbor2neighbor.take(y, g1)
    assert half.shape == (2, 3, 2, 3)
    torch.testing.assert_close(half - half[:, :1], (y - y[:, :1])[:, :, ::2, ::2])


def test_lambda_ramps_in_training_only_and_its_step_is_saved():
    y = torch.rand(1, 1, 4, 4, generator=generator())
    loss, trace = losses.Neighbor2Neighbor(weight=2.0, ramp=4), []
    for _ in range(6):
        trace.append(loss.Lambda)
        loss(lambda u, A: u, y, I, generator=generator())
    assert trace == [0, 0.5, 1, 1.5, 2, 2]
    loss.eval()(lambda u, A: u, y, I, generator=generator())
    assert float(loss.step) == 6
    other = losses.Neighbor2Neighbor(weight=2.0, ramp=8)
    other.load_state_dict(loss.state_dict())
    assert other.Lambda == 1.5
    assert dict(loss.named_buffers()).keys() == {"step"} and not list(loss.parameters())


def test_fit_shows_the_ramp():
    measurements = data.simulate(torch.rand(4, 1, 8, 8, generator=generator()), I, LAW)
    f, loss = models.BackProjection(models.DnCNN(depth=2, width=2)), losses.Neighbor2Neighbor()
    history = training.fit(f, loss, measurements, steps=4, progress=False)
    assert history.watched["step"] == [1, 2, 3, 4]


def test_it_is_no_risk_plus_constant():
    with pytest.raises(NotImplementedError, match="Neighbor2Neighbor is not the risk plus a const"):
        losses.Neighbor2Neighbor().offset(LAW, torch.zeros(1, 1, 4, 4))


Y = torch.rand(2, 1, 6, 7, generator=generator())


@pytest.mark.parametrize(
    "call, words",
    [
        (
            lambda: losses.Neighbor2Neighbor()(lambda u, A: u, Y, I),
            r"y is \(6, 7\) pixels; crop it to even sizes, for cells of 2×2",
        ),
        (
            lambda: losses.Neighbor2Neighbor()(
                lambda u, A: u, Y, operators.Inpainting(torch.ones(6, 7))
            ),
            "Neighbor2Neighbor is for A = I, not Inpainting; use SURE or R2R",
        ),
        (lambda: losses.Neighbor2Neighbor(weight=-1), "weight is -1; it must be a number of at le"),
        (lambda: losses.Neighbor2Neighbor(ramp=-1), "ramp is -1; it must be a whole number"),
        (lambda: losses.Neighbor2Neighbor()(lambda u, A: u, Y[0], I), "images are"),
    ],
)
def test_bad_input_gets_one_clear_sentence(call, words):
    with pytest.raises(ValueError, match=words) as caught:
        call()
    assert str(caught.value).count("\n") == 0
