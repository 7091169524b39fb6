"""Image quality, resolution without ground truth, and intervals."""

import itertools

import torch

from . import _checks


def psnr(x_hat: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """10 log₁₀(1 / mean (x̂ − x)²) in dB, per image, for images in [0, 1] (not clipped): (B,).

    Arguments:
        x_hat: an estimate, (B, C, H, W)
        x: the image, (B, C, H, W)

    Example:
        >>> x = torch.full((2, 1, 8, 8), 0.5)
        >>> metrics.psnr(x + 0.1, x).round().tolist()
        [20.0, 20.0]
    """
    _checks.same_shape(_checks.floats(x_hat, "x_hat"), _checks.floats(x, "x"), "x_hat", "x")
    return -10 * (x_hat - x).square().flatten(1).mean(1).log10()


def ssim(x_hat: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """Structural similarity per image, for images in [0, 1] (Wang et al. 2004, eq. 13): (B,).

    By scikit-image (van der Walt et al. 2014), with the window of the paper: 11×11, Gaussian of
    standard deviation 1.5, at the pixels where it fits; the mean over channels.
    Raises ValueError for images smaller than the window.

    Arguments:
        x_hat: an estimate, (B, C, H, W)
        x: the image, (B, C, H, W)

    Example:
        >>> x = torch.rand(1, 1, 16, 16)
        >>> metrics.ssim(x, x).item(), bool(metrics.ssim(x + 0.1 * torch.randn(x.shape), x) < 1)
        (1.0, True)
    """
    from skimage.metrics import structural_similarity

    _checks.same_shape(_checks.image(x_hat, "x_hat"), _checks.image(x), "x_hat", "x")
    if min(x.shape[-2:]) < 11:
        raise ValueError(f"x is {tuple(x.shape[-2:])} pixels; ssim needs at least 11 on a side.")
    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    values = [
        structural_similarity(a, b, data_range=1.0, channel_axis=0, **options)
        for a, b in zip(x_hat.detach().cpu().numpy(), x.cpu().numpy(), strict=True)
    ]
    return torch.tensor(values, dtype=x.dtype)


def frc(a: torch.Tensor, b: torch.Tensor, taper: bool = True) -> tuple:
    """Fourier ring correlation of two images of one scene (Saxton and Baumeister 1982).

    FRC(k) = Re Σ Fa conj(Fb) / √(Σ |Fa|² Σ |Fb|²), sums over the Fourier modes of frequency k,
    all images and all channels; the mean of each image is taken off first. Returns three (R,)
    float64 tensors: `frequency` in cycles per pixel, up to Nyquist's 1/2, in rings of width
    1/min(H, W); `frc`; and `error`, the standard error where the truth is 0. If a = x + ε_a and b =
    x + ε_b, with noise independent of x and of each other, and with the same SNR(k) = E|Fx|²/E|Fε|²
    in both, its expectation is SNR/(1 + SNR), but for O(1/modes) in a ring: 1 without noise, 0
    without signal. Noise that a and b share counts as signal.
    `error` rests on the independence of modes, images and channels: give disjoint tiles, not
    overlapping ones. Raises ValueError for two shapes, or for images below 8 pixels on a side.

    Arguments:
        a, b: two images of one scene, (B, C, H, W)
        taper: whether to multiply by a Hann window, without which the jump between opposite borders
            of an image that is not periodic leaks to every frequency; it costs modes, as `error`
            says

    Example:
        >>> x, noise_a, noise_b = torch.randn(3, 8, 1, 32, 32)
        >>> frequency, frc, error = metrics.frc(x + noise_a, x + noise_b)
        >>> frequency.shape, round(float(frc.mean()), 1)  # as much signal as noise
        (torch.Size([16]), 0.5)
    """
    _checks.same_shape(_checks.image(a, "a"), _checks.image(b, "b"), "a", "b")
    height, width = a.shape[-2:]
    if min(height, width) < 8:
        raise ValueError(f"a is {height} x {width} pixels; frc needs at least 8 on a side.")
    edge = torch.hann_window if taper else torch.ones
    rows, columns = (edge(n, dtype=torch.float64, device=a.device) for n in (height, width))
    window = rows[:, None] * columns
    Fa, Fb = (_spectrum(image.double(), window) for image in (a, b))
    k = torch.fft.fftfreq(height)[:, None].square() + torch.fft.fftfreq(width).square()
    size = min(height, width)
    ring = (k.sqrt() * size).round().long().to(a.device)
    rings = torch.arange(1, size // 2 + 1, device=a.device)

    def sums(power):
        total = power.new_zeros(int(ring.max()) + 1).index_add(0, ring.flatten(), power.flatten())
        return total[rings]

    cross, power_a, power_b = (
        sums(product.real.sum((0, 1)))
        for product in (Fa * Fb.conj(), Fa * Fa.conj(), Fb * Fb.conj())
    )
    ties = torch.fft.fft2(window.square()).abs().square() / window.square().sum() ** 2
    tied = torch.zeros_like(window)  # for each mode, the modes of its ring that a taper ties to it
    for i, j in itertools.product(range(-2, 3), repeat=2):
        tied += ties[i, j] * (ring.roll((i, j), (0, 1)) == ring)
    modes = sums(torch.ones_like(window))
    error = (sums(tied) / (a.shape[0] * a.shape[1])).sqrt() / modes
    return rings / size, cross / (power_a * power_b).sqrt(), error


def _spectrum(image, window):
    """The Fourier transform of an image, its weighted mean taken off, under a window."""
    mean = (image * window).sum((-2, -1), keepdim=True) / window.sum()
    return torch.fft.fft2((image - mean) * window)


def resolution(frequency: torch.Tensor, frc: torch.Tensor, threshold: float = 1 / 7) -> float:
    """The frequency at which the curve first falls below `threshold`, in cycles per pixel.

    Between two rings by linear interpolation. A pixel of p Å has the resolution p / frequency.
    Returns the last frequency if the curve never falls below. Raises ValueError when the first ring
    lies below the threshold already.

    Arguments:
        frequency: (R,), as `metrics.frc` gives it
        frc: (R,), likewise
        threshold: a convention: 1/7 (0.143) for two half-sets of the data, where the image from all
            of them has FRC 1/2 with the truth, and so a mean phase error of 60° (Rosenthal and
            Henderson 2003); 0.5 for two halves is older and stricter

    Example:
        >>> frequency, frc = torch.tensor([0.1, 0.2, 0.3]), torch.tensor([0.9, 0.5, 0.1])
        >>> round(metrics.resolution(frequency, frc, threshold=0.3), 3)
        0.25
    """
    below = (frc < threshold).nonzero().flatten()
    if not len(below):
        return float(frequency[-1])
    i = int(below[0])
    if i == 0:
        told = f"the first ring has FRC {float(frc[0]):.3f}, below the threshold {threshold:.3f}"
        raise ValueError(f"{told}: the two images have nothing in common.")
    part = (frc[i - 1] - threshold) / (frc[i - 1] - frc[i])
    return float(frequency[i - 1] + part * (frequency[i] - frequency[i - 1]))


def interval(values: "list | torch.Tensor") -> tuple:
    """(mean, half-width of the 95 % t interval) of independent values; half-width nan for one.

    Arguments:
        values: numbers of any shape

    Example:
        >>> mean, half = metrics.interval([1.0, 2.0, 3.0])
        >>> f"{mean:.1f} ± {half:.1f}"
        '2.0 ± 2.5'
    """
    from scipy.stats import t

    values = torch.as_tensor(values, dtype=torch.float64).flatten()
    n = len(values)
    if n < 2:
        return float(values.mean()), float("nan")
    half = float(t.ppf(0.975, n - 1) * values.std() / n**0.5)
    return float(values.mean()), half
