"""Estimators of σ, gain and autocorrelation: right on noise alone, near it on photographs.

On photographs the bias is part of the claim: each bound is what the docstring states.
"""

import pytest
import torch
from montecarlo import generator

from course_lib import data, noise, operators
from course_lib.noise import estimate

PHOTOS = data.load("photos", "train", 64)[torch.randperm(1049, generator=generator(1))[:80]]
RAMP = torch.linspace(0, 1, 64)[:, None] + 2 * torch.linspace(0, 1, 64)  # no second difference


def interval(values, right, allowed=0.0):
    """Is the mean of independent values within four standard errors and `allowed` of right?"""
    error = values.std() / len(values) ** 0.5
    assert error < 0.05 * right
    assert abs(values.mean() - right) < 4 * error + allowed * right


def on_photos(law, estimator, batches=10):
    return torch.tensor(
        [estimator(law(x, generator(i))) for i, x in enumerate(PHOTOS.chunk(batches))]
    )


def test_sigma_is_that_of_white_noise_image_by_image():
    levels = torch.tensor([0.05, 0.2])
    y = RAMP + levels[:, None, None, None] * torch.randn(
        2, 1, 256, 64, 64, generator=generator()
    ).view(2, 256, 64, 64)
    found = torch.stack([estimate.sigma(u[:, None]).flatten() for u in y])
    for values, right in zip(found, levels, strict=True):
        interval(values, right, allowed=0.005)  # the median of few values


@pytest.mark.parametrize("sigma, high", [(0.02, 1.39), (0.05, 1.1), (0.1, 1.04), (0.2, 1.02)])
def test_the_bias_of_sigma_on_photographs_is_as_stated(sigma, high):
    x = torch.cat([PHOTOS, data.load("photos", "test", 64)])
    found = estimate.sigma(noise.Gaussian(sigma)(x, generator())).flatten() / sigma
    assert 0.99 < found.median() < high and found.quantile(0.05) > 0.95


@pytest.mark.parametrize("mask", ["pixels", "columns"])
def test_sigma_is_that_of_the_entries_that_are_measured(mask):
    shape = (1, 1, 64, 64) if mask == "pixels" else (1, 1, 1, 64)
    A = operators.Inpainting(
        (torch.rand(shape, generator=generator()) < 0.5).float().expand(1, 1, 64, 64)
    )
    x = RAMP.expand(64, 1, 64, 64)
    y = A(x + 0.1 * torch.randn(x.shape, generator=generator()))
    interval(estimate.sigma(y, A.measured()).flatten(), 0.1, allowed=0.03)
    assert (estimate.sigma(y).median() / 0.1 - 1).abs() > 0.3  # with the zeros counted


def test_a_vector_of_measurements_has_a_level_and_a_few_numbers_have_none():
    y = 0.3 * torch.randn(64, 1, 1, 400, generator=generator())
    interval(estimate.sigma(y).flatten(), 0.3, allowed=0.01)
    with pytest.raises(ValueError, match="4 entries an image, too few"):
        estimate.sigma(y[..., :4])
    with pytest.raises(ValueError, match="y is 0 everywhere"):
        estimate.sigma(0 * y)


@pytest.mark.parametrize("gain", [0.01, 0.05, 0.2, 1.0])
def test_the_gain_of_counts_in_photographs(gain):
    found = on_photos(noise.Poisson(gain), estimate.gain)
    interval(found[:, 0], gain, allowed=0.12 if gain < 0.05 else 0.03)
    assert found[:, 1].median() < 0.3 * (gain * PHOTOS.mean()).sqrt()


@pytest.mark.parametrize("gain, sigma", [(0.01, 0.02), (0.02, 0.1), (0.05, 0.05)])
def test_gain_and_level_of_both_noises_in_photographs(gain, sigma):
    found = on_photos(noise.PoissonGaussian(gain, sigma), estimate.gain)
    interval(found[:, 0], gain, allowed=0.1)
    interval(found[:, 1], sigma, allowed=0.1)


def test_white_noise_has_no_gain():
    found = on_photos(noise.Gaussian(0.1), estimate.gain)
    assert 0 <= found[:, 0].min() and found[:, 0].median() < 0.002
    interval(found[:, 1], 0.1, allowed=0.03)
    with pytest.raises(ValueError, match="49 blocks of 8×8 pixels; a gain needs 50"):
        estimate.gain(torch.rand(49, 1, 10, 10))


KERNELS = {
    "white": torch.ones(1, 1),
    "one way": torch.tensor([[1.0, 1.0]]),
    "box": torch.ones(2, 2),
    "tent": torch.tensor([[1.0, 2, 1], [2, 4, 2], [1, 2, 1]]),
}


def covariance(kernel, L):
    """Σ_j k_j k_{j+l}."""
    k, padding = kernel[None, None], [L + side - 1 for side in kernel.shape]
    C = torch.nn.functional.conv2d(k, k, padding=padding)[0, 0]
    rows, columns = (range(n // 2 - L, n // 2 + L + 1) for n in C.shape)
    return C[rows][:, columns]


@pytest.mark.parametrize("name", KERNELS)
def test_the_autocorrelation_of_noise_alone(name):
    L, k = max(1, max(KERNELS[name].shape) - 1), KERNELS[name]
    k = 0.1 * k / k.square().sum().sqrt()
    y = noise.CorrelatedGaussian(k)(RAMP.expand(64, 1, 64, 64), generator())
    right = covariance(k, L)
    torch.testing.assert_close(estimate.autocorrelation(y, L), right, rtol=0.08, atol=5e-4)


STATED = [("white", 1, 0.15), ("one way", 1, 0.15), ("box", 1, 0.15), ("tent", 2, 0.3)]


@pytest.mark.parametrize("name, L, allowed", STATED)
def test_its_bias_on_photographs_is_as_stated(name, L, allowed):
    k = 0.1 * KERNELS[name] / KERNELS[name].square().sum().sqrt()
    law = noise.CorrelatedGaussian(k)
    found = on_photos(law, lambda y: estimate.autocorrelation(y, L).tolist()).median(0).values
    assert (found - covariance(k, L)).abs().max() < allowed * 0.01


@pytest.mark.parametrize("unit", [2.0**-20, 2.0**8])
def test_no_estimate_depends_on_the_unit(unit):
    y = noise.PoissonGaussian(0.02, 0.05)(PHOTOS[:8], generator())
    assert torch.equal(estimate.sigma(unit * y), unit * estimate.sigma(y))
    assert estimate.gain(unit * y) == pytest.approx([unit * v for v in estimate.gain(y)], rel=1e-9)
    one, other = (estimate.autocorrelation(u * y, 1) for u in (1.0, unit))
    torch.testing.assert_close(other / unit**2, one, rtol=1e-6, atol=0)


def test_an_image_too_small_for_the_lags_is_refused():
    with pytest.raises(ValueError, match=r"\(9, 9\) pixels, too small for a reach of 2"):
        estimate.autocorrelation(torch.rand(1, 1, 9, 9), 2)
