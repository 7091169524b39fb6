"""R2R and Noisier2Noise: the same loss in two guises, a smoothed SURE, and what averaging gains."""

import math

import pytest
import torch
from montecarlo import estimate, generator
from problems import ALPHA, MIXTURE, PROBLEMS, mixing, pointwise

from course_lib import losses, noise, operators

A = operators.Identity()
SIGMA = MIXTURE.noise.sigma


@pytest.mark.parametrize("where", ["gaussian, mixture", "correlated"])
@pytest.mark.parametrize("alpha", [0.1, 0.5, 0.8])
def test_noisier2noise_is_r2r_of_the_image_it_stands_for(where, alpha):
    problem = PROBLEMS[where]()
    y = problem.observe(generator())

    def image(y1, A):
        return (problem.f(y1, A) - (1 - alpha) * y1) / alpha

    moran = losses.Noisier2Noise(problem.noise, alpha, draws=3)
    r2r = losses.R2R(problem.noise, alpha, draws=3)
    one = moran(problem.f, y, A, generator=generator(1))
    two = r2r(image, y, A, generator=generator(1))
    torch.testing.assert_close(one, two, rtol=1e-12, atol=0)
    torch.testing.assert_close(
        moran.reconstruct(problem.f, y, A, generator=generator(2)),
        r2r.reconstruct(image, y, A, generator=generator(2)),
        rtol=1e-10,
        atol=1e-12,
    )


def test_noisier2noise_at_one_half_is_moran_s_twice_g_minus_y1():
    problem = PROBLEMS["gaussian, mixture"]()
    y = problem.observe(generator())
    loss = losses.Noisier2Noise(problem.noise, 0.5, draws=1)
    y1, _ = problem.noise.split(y, 0.5, generator(4))
    expected = 2 * problem.f(y1, A) - y1
    torch.testing.assert_close(loss.reconstruct(problem.f, y, A, generator=generator(4)), expected)


@pytest.mark.parametrize("alpha", [0.05, 0.25, 0.6])
def test_r2r_is_sure_smoothed_by_its_own_noise(alpha):
    """E_w‖f(y1) − y2‖² = E_w[‖y − f(y1)‖² + 2σ² div f(y1)] + nσ²/τ², for every y (SCIENCE 3.2)."""
    y = torch.linspace(-2, 2, 9, dtype=torch.float64)[:, None, None, None].expand(-1, 4096, 1, 1)
    tau2 = alpha / (1 - alpha)
    loss = losses.R2R(noise.Gaussian(SIGMA), alpha)

    def difference(g):
        state = g.get_state()
        value = loss(lambda u, A: pointwise(u), y, A, generator=g)
        g.set_state(state)
        y1, _ = loss.noise.split(y, alpha, g)
        slope = 1.5 * (1 - torch.tanh(1.5 * y1) ** 2) + 0.3
        sure = (y - pointwise(y1)).square() + 2 * SIGMA**2 * slope
        return value - sure.mean() - SIGMA**2 / tau2

    assert abs(estimate(difference, 200).z()) < 4


@pytest.mark.parametrize("alpha", [0.1, 0.5])
def test_for_a_linear_f_the_smoothing_costs_c_squared_tau_squared(alpha):
    """f = cy: E L_R2R − σ²/τ² − SURE = c² σ² τ², in closed form on both sides."""
    c, tau2, second = 0.7, alpha / (1 - alpha), 1.3  # second = E y²
    r2r = c**2 * (second + SIGMA**2 * tau2) + second + SIGMA**2 / tau2
    r2r -= 2 * c * (second - SIGMA**2)  # E y1 y2 = E y² − σ²
    sure = (1 - c) ** 2 * second + 2 * SIGMA**2 * c
    assert r2r - SIGMA**2 / tau2 - sure == pytest.approx(c**2 * SIGMA**2 * tau2, rel=1e-12)

    t = (second - SIGMA**2) ** 0.5  # x ~ N(0, t²)
    loss = losses.R2R(noise.Gaussian(SIGMA), alpha)

    def draw(g):
        x = t * torch.randn(4096, 1, 1, 1, generator=g, dtype=torch.float64)
        return loss(lambda u, A: c * u, loss.noise(x, g), A, generator=g)

    found = estimate(draw, 100)
    assert abs(found.z(r2r)) < 4 and found.error < 0.03 * r2r


def test_averaging_the_draws_lowers_the_risk_to_the_published_closed_form():
    """x ~ N(0, 1), σ² = 1/4, f = cy1 at its best: risk v/(1 + v), averaged (1 − c)² + c²σ²."""
    alpha, sigma = 0.2, 0.5
    v, mmse = sigma**2 / (1 - alpha), sigma**2 / (1 + sigma**2)
    c = 1 / (1 + v)
    x = torch.randn(4096, 1, 4, 1, generator=generator(), dtype=torch.float64)
    y = noise.Gaussian(sigma)(x, generator(1))

    def risk(draws):
        loss = losses.R2R(noise.Gaussian(sigma), alpha, draws=draws)
        x_hat = loss.reconstruct(lambda u, A: c * u, y, A, generator=generator(2))
        excess = x_hat - y / (1 + sigma**2)  # over the posterior mean
        return mmse + float(excess.square().mean())

    averaged = (1 - c) ** 2 + c**2 * sigma**2
    assert risk(1) == pytest.approx(v / (1 + v), rel=0.01)
    assert risk(50) == pytest.approx(averaged + c**2 * (v - sigma**2) / 50, rel=0.01)
    assert 10 * math.log10(v / (1 + v) / mmse) == pytest.approx(0.76, abs=0.005)  # as published
    assert 10 * math.log10(averaged / mmse) == pytest.approx(0.04, abs=0.005)


def test_every_call_draws_afresh_and_the_same_generator_repeats_it():
    problem = PROBLEMS["gaussian, mixture"]()
    y, loss, g = problem.observe(generator()), losses.R2R(problem.noise, ALPHA), generator(1)
    first, second = loss(problem.f, y, A, generator=g), loss(problem.f, y, A, generator=g)
    assert first != second
    assert loss(problem.f, y, A, generator=generator(1)) == first


def test_evaluations_are_counted():
    calls = []

    def f(y, A):
        calls.append(y)
        return mixing(y)

    problem = PROBLEMS["gaussian, mixture"]()
    y = problem.observe(generator())
    for loss in (
        losses.R2R(problem.noise, draws=4),
        losses.Noisier2Noise(problem.noise, draws=3),
        losses.SURE(problem.noise),
        losses.UNSURE(),
        losses.MeasurementConsistency(),
    ):
        calls.clear(), loss(f, y, A, generator=generator())
        assert len(calls) == loss.train_evals
        calls.clear(), loss.reconstruct(f, y, A, generator=generator())
        assert len(calls) == loss.test_evals


def test_noisier2noise_is_for_denoising():
    loss, blur = losses.Noisier2Noise(noise.Gaussian(0.1)), operators.Blur(torch.ones(1, 2) / 2)
    for call in (loss, loss.reconstruct):
        with pytest.raises(ValueError, match="Noisier2Noise is for A = I, not Blur; use SURE"):
            call(lambda u, A: u, torch.rand(1, 1, 4, 4), blur)
