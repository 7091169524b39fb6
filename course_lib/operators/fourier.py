"""The centred, orthonormal Fourier transform of complex images held as two real channels."""

import torch

from .guard import single


def to_complex(x: torch.Tensor) -> torch.Tensor:
    """Real channels Re₁ Im₁ Re₂ Im₂ … as complex ones.

    Raises ValueError for an odd number of channels.

    Arguments:
        x: (B, 2C, H, W)

    Example:
        >>> operators.fourier.to_complex(torch.tensor([3.0, 4.0]).view(1, 2, 1, 1)).flatten()
        tensor([3.+4.j])
    """
    if x.shape[1] % 2:
        raise ValueError(f"{x.shape[1]} channels were given; complex numbers are two of them each.")
    x = single(x)
    return torch.complex(x[:, 0::2], x[:, 1::2])


def to_channels(z: torch.Tensor) -> torch.Tensor:
    """Complex channels as real ones, (B, 2C, H, W): Re₁ Im₁ Re₂ Im₂ …, a view if C = 1.

    Arguments:
        z: complex, (B, C, H, W)

    Example:
        >>> operators.fourier.to_channels(torch.tensor(3 + 4j).view(1, 1, 1, 1)).flatten()
        tensor([3., 4.])
    """
    return torch.view_as_real(z.resolve_conj()).movedim(-1, 2).flatten(1, 2)


def magnitude(x: torch.Tensor) -> torch.Tensor:
    """|x| of each complex channel, (B, C, H, W).

    Arguments:
        x: complex channels as real ones, (B, 2C, H, W)

    Example:
        >>> operators.fourier.magnitude(torch.tensor([3.0, 4.0]).view(1, 2, 1, 1)).item()
        5.0
    """
    return torch.linalg.vector_norm(x.unflatten(1, (-1, 2)), dim=2)


def fft(x: torch.Tensor, mask: "torch.Tensor | None" = None) -> torch.Tensor:
    """M F x of each complex channel of x (B, 2C, H, W): F is unitary, so F⁻¹ = Fᴴ.

    (Fx)_k = (HW)^(−1/2) Σ_n x_n e^{−2πi Σ_a (k_a − c_a)(n_a − c_a)/N_a}, with N = (H, W) and the
    origin of both n and k at the pixel c = (H//2, W//2).

    Arguments:
        x: complex channels as real ones, (B, 2C, H, W)
        mask: M, zeros and ones (1 or B, 1, H, W); None for I

    Example:
        >>> y = operators.fourier.fft(torch.ones(1, 2, 4, 4))  # lies at the zero frequency
        >>> y[0, 0, 2, 2].item(), y[0, 0].abs().sum().item()
        (4.0, 4.0)
    """
    return _centred(x, torch.fft.fft2, after=mask)


def ifft(y: torch.Tensor, mask: "torch.Tensor | None" = None) -> torch.Tensor:
    """F⁻¹M y of each complex channel: the adjoint of `fft` with the same mask.

    Arguments:
        y: complex channels as real ones, (B, 2C, H, W)
        mask: M, zeros and ones (1 or B, 1, H, W); None for I

    Example:
        >>> x, F = torch.rand(1, 2, 4, 4), operators.fourier
        >>> torch.allclose(F.ifft(F.fft(x)), x, atol=1e-6)
        True
    """
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
