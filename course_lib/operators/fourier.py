"""The centred, orthonormal Fourier transform of complex images held as two real channels."""

import torch


def to_complex(x):
    """(B, 2C, H, W), channels Re₁ Im₁ Re₂ Im₂ …, as a complex (B, C, H, W)."""
    return torch.complex(x[:, 0::2], x[:, 1::2])


def to_channels(z):
    """A complex (B, C, H, W) as real channels (B, 2C, H, W): Re₁ Im₁ Re₂ Im₂ …"""
    return torch.stack([z.real, z.imag], 2).flatten(1, 2)


def magnitude(x):
    """|x| of each complex channel: (B, 2C, H, W) to (B, C, H, W)."""
    return torch.linalg.vector_norm(x.unflatten(1, (-1, 2)), dim=2)


def fft(x):
    """Fx of each complex channel of x (B, 2C, H, W): F is unitary, so F⁻¹ = Fᴴ.

    (Fx)_k = (HW)^(−1/2) Σ_n x_n e^{−2πi Σ_a (k_a − c_a)(n_a − c_a)/N_a}, with N = (H, W) and the
    origin of both n and k at the pixel c = (H//2, W//2).
    """
    return _centred(x, torch.fft.fft2)


def ifft(y):
    """F⁻¹y of each complex channel of y (B, 2C, H, W)."""
    return _centred(y, torch.fft.ifft2)


def _centred(x, transform):
    """For even sizes moving the origin by half a period is a sign per sample, before and after."""
    h, w = x.shape[-2:]
    if h % 2 or w % 2:
        z = torch.fft.ifftshift(to_complex(x), dim=(-2, -1))
        return to_channels(torch.fft.fftshift(transform(z, norm="ortho"), dim=(-2, -1)))
    n, m = (torch.arange(size, device=x.device) for size in (h, w))
    signs = (1 - 2 * ((n[:, None] + m) % 2)).to(x.dtype)
    turn = 1 - 2 * ((h // 2 + w // 2) % 2)
    return to_channels(transform(to_complex(x * signs), norm="ortho")) * (turn * signs)
