"""The centred, orthonormal Fourier transform of complex images held as two real channels."""

import torch

from .guard import single


def to_complex(x):
    """(B, 2C, H, W), channels Re₁ Im₁ Re₂ Im₂ …, as a complex (B, C, H, W)."""
    x = single(x)
    return torch.complex(x[:, 0::2], x[:, 1::2])


def to_channels(z):
    """A complex (B, C, H, W) as real channels (B, 2C, H, W): Re₁ Im₁ Re₂ Im₂ …, a view if C = 1."""
    return torch.view_as_real(z.resolve_conj()).movedim(-1, 2).flatten(1, 2)


def magnitude(x):
    """|x| of each complex channel: (B, 2C, H, W) to (B, C, H, W)."""
    return torch.linalg.vector_norm(x.unflatten(1, (-1, 2)), dim=2)


def fft(x, mask=None):
    """M F x of each complex channel of x (B, 2C, H, W): F is unitary, so F⁻¹ = Fᴴ.

    (Fx)_k = (HW)^(−1/2) Σ_n x_n e^{−2πi Σ_a (k_a − c_a)(n_a − c_a)/N_a}, with N = (H, W) and the
    origin of both n and k at the pixel c = (H//2, W//2). mask: M, (1 or B, 1, H, W); None for I.
    """
    return _centred(x, torch.fft.fft2, after=mask)


def ifft(y, mask=None):
    """F⁻¹M y of each complex channel of y (B, 2C, H, W)."""
    return _centred(y, torch.fft.ifft2, before=mask)


def _centred(x, transform, before=None, after=None):
    """For even sizes moving the origin by half a period is a sign per sample, before and after."""
    x, (h, w) = single(x), x.shape[-2:]
    if h % 2 or w % 2:
        z = torch.fft.ifftshift(_times(to_complex(x), before), dim=(-2, -1))
        z = torch.fft.fftshift(transform(z, norm="ortho"), dim=(-2, -1))
        return to_channels(_times(z, after))
    pair = x.new_tensor([1.0, -1.0])
    signs = torch.outer(pair.repeat(h // 2), pair.repeat(w // 2))  # (−1)^(n₁ + n₂)
    turn = (-1) ** ((h + w) // 2)
    z = transform(_times(to_complex(x), before, signs), norm="ortho")
    return to_channels(_times(z, after, turn * signs))


def _times(z, mask, signs=1):
    """mask ∘ signs ∘ z, in the memory of z, which must be new, unless there are more masks."""
    weight = signs if mask is None else signs * mask.to(z.real.dtype)
    return z * weight if mask is not None and len(mask) > len(z) else z.mul_(weight)
