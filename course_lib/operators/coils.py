"""Coil sensitivity maps: simulated, or estimated from the fully measured centre of k-space."""

import math

import torch
from torch.nn import functional as F

from .. import _checks
from . import fourier


def birdcage(coils: int, size: "int | tuple", distance: float = 2.0) -> torch.Tensor:
    """Simulated smooth maps of coils around an image: complex (C, H, W).

    S_c(q) = e^{iφ_c(q)}/|q − r_c|, r_c evenly spaced on a circle, φ_c the direction from r_c to q
    less that of r_c; then divided by their norm, so that Σ_c |S_c|² = 1. Raises ValueError for a
    coil inside the image.

    Arguments:
        coils: C, how many
        size: (H, W), or one number
        distance: the circle's radius in half-widths of the image

    Example:
        >>> S = operators.coils.birdcage(4, 16)
        >>> S.shape, S.abs().square().sum(0).mean().item()
        (torch.Size([4, 16, 16]), 1.0)
    """
    coils, distance = _checks.whole(coils, "coils"), _checks.positive(distance, "distance")
    y, x = (torch.linspace(-1, 1, n) for n in _checks.size(size))
    turn = (2 * math.pi * torch.arange(coils) / coils)[:, None, None]
    if (distance * torch.maximum(turn.cos().abs(), turn.sin().abs()) <= 1).any():
        told = f"distance is {distance:g} half-widths, which puts a coil inside the image"
        raise ValueError(f"{told}; take more than √2.")
    dx, dy = x - distance * turn.cos(), y[:, None] - distance * turn.sin()
    maps = torch.polar(1 / torch.hypot(dx, dy), torch.atan2(dy, dx) - turn)
    return maps / torch.linalg.vector_norm(maps, dim=0)


def estimate(
    y: torch.Tensor, centre: int = 24, kernel: int = 6, threshold: float = 0.02, crop: float = 0.9
) -> torch.Tensor:
    """Coil maps S, complex (B, C, H, W), from k-space: ESPIRiT.

    Every kernel×kernel patch of multi-coil k-space, all coils together, lies in a space V of few
    dimensions. V is found from the patches of the centre×centre middle of y: the right singular
    vectors v_j of their matrix whose singular value exceeds `threshold` times the largest. Patches
    of F(S ∘ x) lie in V for every x, which says pixel by pixel that S(q) is an eigenvector, of
    eigenvalue 1, of
        G(q) = (1/kernel²) Σ_j g_j(q) g_j(q)ᴴ,   g_j = the inverse transform of v_j.
    Σ_c |S_c|² = 1, with the phase of the coils' principal component set to 0; 0 where G has no
    eigenvalue above `crop`, outside the object. Raises ValueError when the middle was not fully
    measured or is larger than k-space. Source: Uecker et al. (2014).

    Arguments:
        y: k-space, (B, 2C, H, W)
        centre: the side of its middle, which must be fully measured
        kernel: the side of a patch
        threshold: of the singular values, relative
        crop: the least eigenvalue of a pixel inside the object

    Example:
        >>> S = operators.coils.birdcage(2, 32)
        >>> y = operators.MultiCoilMRI(torch.ones(32, 32), S)(torch.randn(1, 2, 32, 32))
        >>> found = operators.coils.estimate(y, centre=16)[0]
        >>> round(float((found.conj() * S).sum(0).abs().median()), 2)
        1.0
    """
    _checks.image(y, "y")
    if y.shape[1] < 4 or y.shape[1] % 2:
        raise ValueError(f"y has {y.shape[1]} channels; give real and imaginary part of 2 coils.")
    kernel, threshold = _checks.whole(kernel, "kernel"), _checks.fraction(threshold, "threshold")
    crop = _checks.positive(crop, "crop")
    if not kernel < centre <= min(y.shape[-2:]) or centre != int(centre):
        told = f"it must exceed kernel = {kernel} and fit in k-space, {tuple(y.shape[-2:])}"
        raise ValueError(f"centre is {centre}; {told}.")
    middle = fourier.to_complex(_resized(y, (centre, centre)))
    if (middle == 0).all(1).any():
        raise ValueError(f"centre is {centre}, not fully measured in y; choose a smaller one.")
    return torch.stack([_espirit(k, kernel, threshold, crop, y.shape[-2:]) for k in middle])


def _espirit(k, width, threshold, crop, size):
    """The maps (C, H, W) from the centre k (C, r, r) of one image's k-space."""
    coils = len(k)
    patches = k.unfold(1, width, 1).unfold(2, width, 1).permute(1, 2, 0, 3, 4)
    _, s, v = torch.linalg.svd(patches.reshape(-1, coils * width**2), full_matrices=False)
    v = v[s > threshold * s[0]].reshape(-1, coils, width, width)
    spectrum = torch.fft.fft2(v, s=(2 * width - 1,) * 2)  # Σ_j g_j g_jᴴ is the transform of
    lags = torch.einsum("jcuv,jduv->cduv", spectrum, spectrum.conj())  # Σ_j v_j correlated
    lags = torch.fft.fftshift(torch.fft.ifft2(lags), dim=(-2, -1))  # with itself
    G = fourier.to_complex(fourier.ifft(_resized(fourier.to_channels(lags), size)))
    G = G * (math.prod(size) ** 0.5 / width**2)
    value, vector = torch.linalg.eigh(G.permute(2, 3, 0, 1))
    maps, value = vector[..., -1].permute(2, 0, 1), value[..., -1]
    covariance = k.flatten(1) @ k.flatten(1).mH
    principal = torch.linalg.eigh(covariance)[1][:, -1]
    phase = torch.einsum("c,chw->hw", principal.conj(), maps).angle()
    return maps * torch.polar((value > crop).to(phase.dtype), -phase)


def _resized(y, size):
    """y (B, C, h, w), its origin at (h//2, w//2), cut or with zeros around it, at this size."""
    before = [new // 2 - old // 2 for new, old in zip(size, y.shape[-2:], strict=True)]
    after = [new - old - b for new, old, b in zip(size, y.shape[-2:], before, strict=True)]
    return F.pad(y, (before[1], after[1], before[0], after[0]))
