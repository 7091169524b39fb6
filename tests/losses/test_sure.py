"""SURE: smoothing by tau, first-order forms and their bias, gradients."""

import pytest
import torch
from montecarlo import estimate, generator
from problems import CLAIMS, MIXTURE, PROBLEMS, bias, mixing, pointwise

from course_lib import losses, noise, operators

A = operators.Identity()


@pytest.mark.parametrize("tau", [0.3, 1.0])
def test_monte_carlo_sure_is_sure_with_the_divergence_of_a_smoothed_f(tau):
    """E_b bᵀ(f(y + τσb) − f(y))/(τσ) = E_b div f(y + τσb): the bias of a finite τ, exactly."""
    model = MIXTURE.noise
    y = torch.linspace(-2, 2, 9, dtype=torch.float64)[:, None, None, None].expand(-1, 4096, 1, 1)

    def difference(g):
        state = g.get_state()
        value = model.stein(pointwise, y, tau=tau, generator=g)
        g.set_state(state)
        u = y + tau * model.draw(y, g)
        slope = 1.5 * (1 - torch.tanh(1.5 * u) ** 2) + 0.3
        return (value - model.sigma**2 * slope.sum()) / y.numel()

    found = estimate(difference, 200)
    assert abs(found.z()) < 4 and found.error < 1e-3


def test_at_a_large_tau_that_smoothing_is_a_bias_of_the_risk():
    problem, claim = PROBLEMS["gaussian, mixture, pointwise"](), CLAIMS["SURE mc"]
    assert abs(bias(losses.SURE(problem.noise, tau=2.0), claim, problem).z()) > 8


@pytest.mark.parametrize("tau", [0.1, 0.5, 2.0])
def test_antithetic_sure_is_r2r_over_both_signs_of_the_probe(tau):
    """Exactly, for each probe p: the mean of ‖f(y ± τp) − (y ∓ p/τ)‖² less ‖p‖²/τ² and σ²."""
    problem = PROBLEMS["gaussian, mixture"]()
    y, model = problem.observe(generator()), problem.noise
    value = losses.SURE(model, "antithetic", tau)(problem.f, y, A, generator=generator(1))
    p, _ = model.probes(y, generator(1))
    pairs = [(y + tau * p, y - p / tau), (y - tau * p, y + p / tau)]
    r2r = sum((mixing(y1) - y2).square().mean() for y1, y2 in pairs) / 2
    expected = r2r - (p / tau).square().mean() - model.sigma**2
    torch.testing.assert_close(value, expected, rtol=1e-9, atol=1e-11)
    alpha = tau**2 / (1 + tau**2)
    torch.testing.assert_close(model.split(y, alpha, generator(1)), pairs[0], rtol=1e-9, atol=1e-9)


def test_the_three_methods_agree_on_a_linear_f_in_expectation():
    """tr(ΣJ) for f = Wy: hutchinson and mc are the same number for the same probe."""
    problem = PROBLEMS["correlated"]()
    y = problem.observe(generator())
    linear = operators.Blur(torch.tensor([[0.2, -0.4, 0.7]], dtype=torch.float64))
    one = problem.noise.stein(linear, y, method="mc", tau=0.7, generator=generator(1))
    two = problem.noise.stein(linear, y, method="hutchinson", generator=generator(1))
    torch.testing.assert_close(one, two, rtol=1e-10, atol=0)


@pytest.mark.parametrize("where", ["poisson", "poisson, pointwise", "gamma", "poisson-gaussian"])
@pytest.mark.parametrize("method", ["mc", "hutchinson"])
def test_first_order_sure_is_biased_off_gaussian_noise(where, method):
    """SCIENCE 1.8 and 1.9: the Taylor forms lie below the true risk of a saturating f."""
    problem = PROBLEMS[where]()
    loss = losses.SURE(problem.noise, method, tau=1e-3)
    found = bias(loss, CLAIMS["SURE exact"], problem)
    assert found.z() < -6


@pytest.mark.parametrize("method", ["antithetic", "mc", "hutchinson", "exact"])
@pytest.mark.parametrize("where", ["gaussian, blur", "poisson", "gamma", "poisson-gaussian"])
def test_the_gradient_reaches_the_weights_through_data_term_and_divergence(where, method):
    problem = PROBLEMS[where]()
    y = problem.observe(generator())[:2]
    loss = losses.SURE(problem.noise, method)

    def value(weight):
        f = lambda u, A: mixing(weight * A.adjoint(u))  # noqa: E731
        return loss(f, y, problem.A, generator=generator(1))

    weight = torch.tensor([0.9], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(value, weight)


def test_pixels_of_every_image_are_counted_once():
    """One image or a batch of copies: the loss, a mean per entry, is the same."""
    model, loss = noise.Poisson(0.5), losses.SURE(noise.Poisson(0.5), "exact")
    y = model(2 * torch.rand(1, 2, 3, 4, generator=generator(), dtype=torch.float64), generator())
    one = loss(lambda u, A: mixing(u), y, A)
    many = loss(lambda u, A: mixing(u), y.expand(5, -1, -1, -1), A)
    torch.testing.assert_close(one, many, rtol=1e-12, atol=0)


def test_colour_images_work_with_every_loss():
    x = torch.rand(3, 3, 4, 4, generator=generator(), dtype=torch.float64)
    for model in (noise.Gaussian(0.2), noise.Poisson(0.1), noise.Gamma(5.0)):
        y = model(x, generator())
        for loss in (losses.SURE(model, "exact"), losses.SURE(model), losses.R2R(model)):
            assert loss(lambda u, A: mixing(u), y, A, generator=generator()).shape == ()
