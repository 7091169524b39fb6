"""The slides' slips that concern these losses: as printed it is wrong, as corrected it holds."""

import pytest
import torch
from montecarlo import correlations, estimate, generator
from problems import COUNTS, MIXTURE, SPECKLE, pointwise

from course_lib import noise

N = 400_000


def printed_pair(y, a, g):
    """The R2R slide, word for word: y_a, and y_b = y/α − y_a (1 − α)/α."""
    y_a = y + ((1 - a) / a) ** 0.5 * 0.4 * torch.randn(y.shape, generator=g, dtype=y.dtype)
    return y_a, y / a - y_a * (1 - a) / a


def corrected_pair(y, a, g):
    """E1: the same y_a, and y_b = (y − α y_a)/(1 − α)."""
    y_a = printed_pair(y, a, g)[0]
    return y_a, (y - a * y_a) / (1 - a)


@pytest.mark.parametrize("a, correlation", [(0.2, -0.83), (0.5, 0.0), (0.8, 0.83)])
def test_e1_the_printed_pair_is_correlated_and_the_corrected_one_is_not(a, correlation):
    y = 0.4 * torch.randn(N, generator=generator(), dtype=torch.float64)  # x = 0
    printed = torch.corrcoef(torch.stack(printed_pair(y, a, generator(1))))[0, 1]
    corrected = torch.stack(corrected_pair(y, a, generator(1)))
    assert printed == pytest.approx(correlation, abs=0.01)
    assert abs(torch.corrcoef(corrected)[0, 1]) < 4 / N**0.5
    variances = torch.tensor([0.16 / a, 0.16 / (1 - a)], dtype=torch.float64)
    torch.testing.assert_close(corrected.var(1), variances, rtol=0.02, atol=0)


@pytest.mark.parametrize("a", [0.2, 0.8])
def test_e1_the_corrected_pair_is_ours_at_one_minus_alpha(a):
    y = 0.4 * torch.randn(100, generator=generator(), dtype=torch.float64)
    ours = noise.Gaussian(0.4).split(y, 1 - a, generator(1))
    for one, two in zip(ours, corrected_pair(y, a, generator(1)), strict=True):
        torch.testing.assert_close(one, two, rtol=1e-10, atol=1e-12)


def test_e2_the_printed_divergence_is_minus_the_divergence():
    """‖y − f‖² + 2σ² div − σ² is the risk with our sign; with the slides' it is negative."""
    sigma, tau = 0.4, 1e-3

    def draw(sign):
        def one(g):
            x = MIXTURE.sample((8192,), g).double()
            y = MIXTURE.noise(x, g)
            w = torch.randn(y.shape, generator=g, dtype=y.dtype)
            div = sign * (w / tau * (pointwise(y + tau * w) - pointwise(y))).mean()
            sure = (y - pointwise(y)).square().mean() + 2 * sigma**2 * div - sigma**2
            return sure - (pointwise(y) - x).square().mean()

        return estimate(one, 50)

    ours, printed = draw(1), draw(-1)
    assert abs(ours.z()) < 4 and ours.error < 0.005
    assert printed.z() < -100


def test_e11_the_supervised_loss_is_the_residual_plus_the_key_term_plus_a_constant():
    """‖f − x‖² = ‖f − y‖² + 2 fᵀ(y − x) + c, c = ‖y − x‖² − 2(y − x)ᵀy: E c = −nσ², not +nσ²."""
    sigma = MIXTURE.noise.sigma

    def constant(g):
        x = MIXTURE.sample((8192,), g).double()
        y = MIXTURE.noise(x, g)
        f, c = pointwise(y), (y - x).square() - 2 * (y - x) * y
        assert torch.allclose((f - x) ** 2, (f - y) ** 2 + 2 * f * (y - x) + c, atol=1e-12)
        return c.mean()

    found = estimate(constant, 100)
    assert abs(found.z(-(sigma**2))) < 4 < abs(found.z(sigma**2))


def test_e11_the_signs_of_the_tweedie_chain():
    """E div f = −E f·s by parts, and the completed square has its minimum at y + σ²s."""
    y = torch.linspace(-6, 6, 20001, dtype=torch.float64)
    v = MIXTURE.std**2 + MIXTURE.noise.sigma**2
    p = torch.exp(-((y[:, None] - MIXTURE.means) ** 2) / (2 * v)) @ MIXTURE.weights
    p = p / torch.trapezoid(p, y)
    slope = 1.5 * (1 - torch.tanh(1.5 * y) ** 2) + 0.3
    by_parts = torch.trapezoid(-p * pointwise(y) * MIXTURE.score(y), y)
    torch.testing.assert_close(torch.trapezoid(p * slope, y), by_parts, rtol=1e-9, atol=0)
    tweedie = y + MIXTURE.noise.sigma**2 * MIXTURE.score(y)
    torch.testing.assert_close(tweedie, MIXTURE.posterior_mean(y), rtol=0, atol=1e-12)


def derived_y2(model, y, alpha, g):
    """E12, the row that the GR2R table lacks, from the same w as y1."""
    if isinstance(model, noise.Gaussian):
        return y - ((1 - alpha) / alpha) ** 0.5 * model.draw(y, g)
    y1, _ = model.split(y, alpha, g)
    if isinstance(model, noise.Poisson):
        w = (y - (1 - alpha) * y1) / model.gain
        return model.gain * w / alpha
    w = 1 - (1 - alpha) * y1 / y
    return y * w / alpha


@pytest.mark.parametrize("prior", [MIXTURE, COUNTS, SPECKLE])
def test_e12_the_second_half_of_the_pair(prior):
    """y2 = (y − (1 − α) y1)/α: uncorrelated with y1 given x, of mean x; y itself is not."""
    alpha, x = 0.3, torch.full((N,), 0.9, dtype=torch.float64)
    y = prior.noise(x, generator())
    y1, y2 = prior.noise.split(y, alpha, generator(1))
    torch.testing.assert_close(y2, derived_y2(prior.noise, y, alpha, generator(1)))
    torch.testing.assert_close(y2, (y - (1 - alpha) * y1) / alpha)
    assert abs(correlations(y1[None], y2[None])) < 4 < abs(correlations(y1[None], y[None]))
