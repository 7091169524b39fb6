"""PSNR, SSIM and the interval, against closed forms and an independent implementation."""

import math

import numpy as np
import pytest
import torch
from montecarlo import generator
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from course_lib import metrics


def pair(shape=(3, 1, 32, 40), sigma=0.1):
    x = torch.rand(shape, generator=generator(), dtype=torch.float64)
    return x + sigma * torch.randn(shape, generator=generator(1), dtype=torch.float64), x


def test_psnr_of_a_known_error():
    x = torch.rand(2, 3, 4, 4)
    x_hat = x + torch.tensor([0.1, 0.01]).view(2, 1, 1, 1)
    assert metrics.psnr(x_hat, x).tolist() == pytest.approx([20.0, 40.0], abs=1e-4)
    assert metrics.psnr(x, x).tolist() == [math.inf, math.inf]


def test_psnr_is_one_number_an_image_as_scikit_image_has_it():
    x_hat, x = pair()
    expected = [
        peak_signal_noise_ratio(b.numpy(), a.numpy(), data_range=1.0)
        for a, b in zip(x_hat, x, strict=True)
    ]
    assert metrics.psnr(x_hat, x).tolist() == pytest.approx(expected, rel=1e-10)


def test_ssim_is_that_of_wang_as_scikit_image_has_it():
    x_hat, x = pair()
    expected = [
        structural_similarity(
            a[0].numpy(),
            b[0].numpy(),
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
            data_range=1.0,
        )
        for a, b in zip(x_hat, x, strict=True)
    ]
    assert metrics.ssim(x_hat, x).tolist() == pytest.approx(expected, abs=1e-10)


def test_ssim_of_a_colour_image_is_the_mean_over_its_channels():
    x_hat, x = pair((2, 3, 16, 16))
    channels = torch.stack([metrics.ssim(x_hat[:, [c]], x[:, [c]]) for c in range(3)])
    torch.testing.assert_close(metrics.ssim(x_hat, x), channels.mean(0))


def test_ssim_needs_an_image_as_large_as_its_window():
    with pytest.raises(ValueError, match="at least 11"):
        metrics.ssim(torch.rand(1, 1, 10, 32), torch.rand(1, 1, 10, 32))


def test_ssim_is_one_for_equal_images_and_falls_with_noise():
    x_hat, x = pair()
    assert metrics.ssim(x, x).tolist() == pytest.approx([1.0] * 3)
    worse, _ = pair(sigma=0.3)
    assert (metrics.ssim(worse, x) < metrics.ssim(x_hat, x)).all()


def test_the_interval_covers_its_mean_nineteen_times_in_twenty():
    draws = torch.randn(4000, 5, generator=generator(), dtype=torch.float64)
    hits = sum(abs(mean) <= half for mean, half in map(metrics.interval, draws))
    assert abs(hits / 4000 - 0.95) < 4 * (0.95 * 0.05 / 4000) ** 0.5


def test_the_interval_of_known_values():
    mean, half = metrics.interval([1.0, 2.0, 3.0])
    assert mean == 2.0 and half == pytest.approx(4.302653 / 3**0.5, rel=1e-6)
    assert metrics.interval(np.array([1.0, 2.0, 3.0])) == (mean, half)


def test_one_value_has_no_interval():
    mean, half = metrics.interval([3.0])
    assert mean == 3.0 and math.isnan(half)


@pytest.mark.parametrize("metric", [metrics.psnr, metrics.ssim])
def test_images_of_two_shapes_are_refused(metric):
    with pytest.raises(ValueError, match="x_hat has shape .* and x .* must agree"):
        metric(torch.rand(2, 1, 16, 16), torch.rand(1, 1, 16, 16))
