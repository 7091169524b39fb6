"""The contrast transfer function of an electron microscope."""

import math

import torch


def wavelength(voltage):
    """λ = 12.2639/√(V + 0.97845·10⁻⁶ V²) Å, of electrons of `voltage` V: 0.0197 Å at 300 kV."""
    return 12.2639 / (voltage + 0.97845e-6 * voltage**2) ** 0.5


def ctf(k, defocus, voltage=300e3, aberration=2.7e7, contrast=0.1, phase=0.0, decay=0.0):
    """The contrast transfer function at spatial frequency k (1/Å).

    CTF(k) = (√(1 − w²) sin γ − w cos γ) e^{−Bk²/4}, γ = 2π(−½ Δz λ k² + ¼ C_s λ³ k⁴) − φ,
    with defocus Δz, aberration C_s and wavelength λ in Å, amplitude contrast w, phase shift φ in
    radians, decay B in Å². CTF(0) = −w; the first zero is near 1/√(λΔz). Arguments broadcast.
    Source: Rohou and Grigorieff (2015), with the signs of cryoDRGN (Zhong et al. 2021).
    """
    wave, k2 = wavelength(voltage), k * k
    gamma = 2 * math.pi * (-defocus * wave * k2 / 2 + aberration * wave**3 * k2 * k2 / 4) - phase
    shape = (1 - contrast**2) ** 0.5 * gamma.sin() - contrast * gamma.cos()
    return shape * torch.exp(-decay * k2 / 4)
