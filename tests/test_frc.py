"""Fourier ring correlation: exact cases, the law SNR/(1 + SNR), the standard error, mutants."""

import pytest
import torch
from montecarlo import estimate, generator
from problems import mutant

from course_lib import metrics

SIZE = 64
K = (torch.fft.fftfreq(SIZE)[:, None].square() + torch.fft.rfftfreq(SIZE).square()).sqrt()


def white(shape=(4, 1, SIZE, SIZE), seed=0):
    return torch.randn(shape, generator=generator(seed), dtype=torch.float64)


def filtered(image, gain):
    return torch.fft.irfft2(gain * torch.fft.rfft2(image), s=image.shape[-2:])


def gain(k):
    """The amplitude of the signal at frequency k, for noise of amplitude 1."""
    return 2 * torch.exp(-4 * k)


def law(k):
    snr = gain(k).square()
    return snr / (1 + snr)


def halves(g, copies=2):
    draws = torch.randn(1 + copies, 16, 1, SIZE, SIZE, generator=g, dtype=torch.float64)
    x = filtered(draws[0], gain(K))
    return [x + noise for noise in draws[1:]]


@pytest.mark.parametrize("taper", [True, False])
@pytest.mark.parametrize("shape", [(2, 1, 16, 16), (1, 3, 20, 31), (1, 1, 9, 8)])
def test_identical_is_one_and_opposite_minus_one(taper, shape):
    a = white(shape)
    for b, value in ((a, 1.0), (3 * a + 2, 1.0), (-a, -1.0)):
        frequency, frc, error = metrics.frc(a, b, taper)
        torch.testing.assert_close(frc, torch.full_like(frc, value))
    side = min(shape[-2:])
    torch.testing.assert_close(frequency, torch.arange(1, side // 2 + 1) / side)
    assert frc.dtype == error.dtype == torch.float64 and (error > 0).all()


def test_a_single_wave_lies_in_its_ring():
    t = torch.arange(SIZE, dtype=torch.float64)
    wave = torch.cos(2 * torch.pi * (3 * t[:, None] + 4 * t) / SIZE)[None, None]
    noise = 1e-6 * white((2, 1, 1, SIZE, SIZE))
    frequency, frc, _ = metrics.frc(wave + noise[0], wave + noise[1], taper=False)
    assert frequency[frc > 0.9].tolist() == [5 / SIZE]


@pytest.mark.parametrize("taper", [True, False])
def test_independent_noise_is_zero_within_its_standard_error(taper):
    z = []
    for seed in range(60):
        a, b = white((2, 4, 1, SIZE, SIZE), seed)
        _, frc, error = metrics.frc(a, b, taper)
        z.append(frc / error)
    z = torch.stack(z)
    per_ring = z.mean(1)  # rings of a taper are not independent, the draws are
    assert abs(float(per_ring.mean() / per_ring.std())) * 60**0.5 < 4
    assert abs(float(z[:, 1:].square().mean()) - 1) < 0.12


def against_law(frc, taper=False, a=0, b=1):
    """z-scores of frc − law in four bands of frequency."""

    def difference(g, band):
        y = halves(g)
        frequency, value, _ = frc(y[a], y[b], taper)
        inside = (frequency > band) & (frequency <= band + 0.125)
        return (value - law(frequency))[inside].mean()

    return [
        estimate(lambda g, band=band: difference(g, band), 24).z() for band in (0, 1 / 8, 1 / 4)
    ]


def test_a_known_spectrum_gives_the_law():
    assert max(map(abs, against_law(metrics.frc))) < 4


MUTANTS = {
    "modulus of the cross term": ("product.real", "product.abs()"),
    "one power squared": ("(power_a * power_b).sqrt()", "power_a"),
    "root missing": ("(power_a * power_b).sqrt()", "(power_a * power_b)"),
    "amplitudes for powers": ("Fa * Fa.conj()", "Fa.abs() + 0j"),
    "not conjugate": ("Fa * Fb.conj()", "Fa * Fb"),
    "rings of the wrong axis": ("fftfreq(width).square()", "fftfreq(width).roll(9).square()"),
    "rings half as wide": ("size = min(height, width)", "size = 2 * min(height, width)"),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_mutants_are_caught(name):
    wrong = mutant(metrics.frc, *MUTANTS[name])
    a, b = white((2, 1, 1, 16, 16))
    frequency, frc, _ = wrong(a, a + b, False)
    _, scaled, _ = wrong(a, 2 * (a + b), False)
    seen = len(frequency) != 8 or not torch.allclose(frc, scaled)
    assert seen or max(map(abs, against_law(wrong))) >= 4


def test_noise_that_both_share_counts_as_signal():
    a, b = halves(generator())
    shared = white((16, 1, SIZE, SIZE), 7)
    frequency, apart, _ = metrics.frc(a, b)
    _, together, _ = metrics.frc(a + shared, b + shared)
    snr = gain(frequency).square()
    assert float((apart - law(frequency)).abs().mean()) < 0.04
    assert float((together - (snr + 1) / (snr + 2)).abs().mean()) < 0.04


def test_a_filter_of_both_halves_changes_nothing():
    """Ring by ring the gains cancel: exactly for one that is constant on each ring."""
    a, b = halves(generator())
    steps = 0.1 + (7 * (K * SIZE).round() / SIZE).sin().square()
    _, before, _ = metrics.frc(a, b, taper=False)
    _, after, _ = metrics.frc(filtered(a, steps), filtered(b, steps), taper=False)
    torch.testing.assert_close(before, after)


def test_the_taper_removes_the_leak_of_the_borders():
    t = torch.arange(SIZE, dtype=torch.float64) / SIZE
    ramp = 20 * (t[:, None] + t)[None, None]
    a, b = ramp + white((2, 1, 1, SIZE, SIZE))
    high = slice(SIZE // 4, None)
    assert metrics.frc(a, b, taper=False)[1][high].mean() > 0.5
    assert abs(metrics.frc(a, b)[1][high].mean()) < 0.1


def test_resolution_is_where_the_curve_first_crosses():
    frequency = torch.tensor([0.1, 0.2, 0.3, 0.4])
    curve = torch.tensor([0.9, 0.5, 0.1, 0.6])
    assert metrics.resolution(frequency, curve, 0.3) == pytest.approx(0.25)
    assert metrics.resolution(frequency, curve) == pytest.approx(0.3 - 0.1 * (1 / 7 - 0.1) / 0.4)
    assert metrics.resolution(frequency, curve, 0.05) == pytest.approx(0.4)
    with pytest.raises(ValueError, match="first ring has FRC 0.900, below the threshold 0.950"):
        metrics.resolution(frequency, curve, 0.95)


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="a has shape .* and b .* must agree"):
        metrics.frc(white(), white((4, 1, SIZE, SIZE // 2)))
    with pytest.raises(ValueError, match="a is 7 x 64 pixels; frc needs at least 8"):
        metrics.frc(white((1, 1, 7, 64)), white((1, 1, 7, 64)))
    with pytest.raises(ValueError, match=r"a has shape \(64, 64\)"):
        metrics.frc(white((64, 64)), white((64, 64)))
