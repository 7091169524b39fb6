"""The contrast transfer function of an electron microscope."""

import math

import torch

from .. import _checks
from .parameters import Numbers

# in the order of `formula`: lowest, highest, what the number means, and the least that is not 0
LIMITS = {
    "defocus": ((), -1e6, 1e6, "it is in Å, positive below focus: 1.5 µm are 15000", 10.0),
    "voltage": ((), 1e4, 1e7, "it is in volts: 300 kV are 300e3"),
    "aberration": ((), -1e9, 1e9, "it is in Å: 2.7 mm are 2.7e7, 0 a corrected lens", 1e5),
    "contrast": ((), 0.0, 1.0, "it is a fraction in [0, 1]: 10 % are 0.1"),
    "phase": ((), -2 * math.pi, 2 * math.pi, "it is in radians: degrees times π/180"),
    "decay": ((), 0.0, 1e6, "it is in Å², 0 or more"),
    "astigmatism": ((), -1e6, 1e6, "it is the difference of two defoci in Å"),
    "angle": ((), -2 * math.pi, 2 * math.pi, "it is in radians: degrees times π/180"),
}


def wavelength(voltage):
    """λ = 12.2639/√(V + 0.97845·10⁻⁶ V²) Å, of electrons of `voltage` V: 0.0197 Å at 300 kV."""
    return 12.2639 / (voltage + 0.97845e-6 * voltage**2) ** 0.5


def ctf(k: Numbers, defocus: Numbers, voltage: Numbers = 300e3, aberration: Numbers = 2.7e7,
        contrast: Numbers = 0.1, phase: Numbers = 0.0, decay: Numbers = 0.0,
        astigmatism: Numbers = 0.0, angle: Numbers = 0.0,
        direction: Numbers = 0.0) -> torch.Tensor:  # fmt: skip
    """The contrast transfer function of a microscope.

    CTF(k) = (√(1 − w²) sin γ − w cos γ) e^{−Bk²/4}, γ = 2π(−½ Δ λ k² + ¼ C_s λ³ k⁴) − φ,
    with the defocus Δ = Δz + ½ A cos 2(θ − θ_A) in the direction θ. θ runs from the x to the y axis
    of the image (column to row). CTF(0) = −w; the first zero is near 1/√(λΔz). Arguments broadcast.

    Of a STAR file of RELION: defocus = (DefocusU + DefocusV)/2, astigmatism = DefocusU − DefocusV,
    angle and phase = DefocusAngle and PhaseShift times π/180, voltage = 1e3 Voltage,
    aberration = 1e7 SphericalAberration, decay = CtfBfactor; its CTF is −CTF, for particles with
    inverted contrast, bright on dark: take −y. The same for cryoSPARC (df1_A, df2_A, accel_kv,
    cs_mm), whose angles are in radians already. EMAN2 has defocus in µm and contrast in per cent.
    Raises ValueError for NaN and for values that must be in kV, mm, µm, degrees or per cent.
    Source: Rohou and Grigorieff (2015), with the signs of cryoDRGN (Zhong et al. 2021).

    Arguments:
        k: spatial frequency, 1/Å
        defocus: its mean Δz, Å, positive below focus
        voltage: V, which gives the wavelength λ
        aberration: C_s, Å
        contrast: w, the amplitude contrast, a fraction
        phase: φ, the shift of a phase plate, radians
        decay: B, Å²
        astigmatism: A = Δ_U − Δ_V, Å
        angle: θ_A, of U, radians
        direction: θ, radians

    Example:
        >>> [f"{value:.2f}" for value in operators.ctf(torch.tensor([0.0, 0.03]), defocus=15e3)]
        ['-0.10', '-0.80']
    """
    k = _checks.floats(torch.as_tensor(k), "k")
    direction = _checks.floats(torch.as_tensor(direction), "direction")
    optics = (defocus, voltage, aberration, contrast, phase, decay, astigmatism, angle)
    checked = [
        _checks.between(value, name, *limit[1:]).to(k)
        for value, (name, limit) in zip(optics, LIMITS.items(), strict=True)
    ]
    return formula(k, direction, *checked)


def formula(k, direction, defocus, voltage, aberration, contrast, phase, decay, astigmatism, angle):
    """`ctf` of tensors that were checked."""
    wave, k2 = wavelength(voltage), k * k
    defocus = defocus + astigmatism / 2 * torch.cos(2 * (direction - angle))
    gamma = 2 * math.pi * (-defocus * wave * k2 / 2 + aberration * wave**3 * k2 * k2 / 4) - phase
    shape = (1 - contrast**2) ** 0.5 * gamma.sin() - contrast * gamma.cos()
    return shape * torch.exp(-decay * k2 / 4)
