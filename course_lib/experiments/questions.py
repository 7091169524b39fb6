"""The columns of the no-free-lunch table: exact models and photographs, and one cell of each."""

import torch

from .. import data, metrics, noise
from .._random import stream
from ..operators import Identity
from ..priors import Chains
from .rivals import METHODS, train
from .sweep import reconstruct

SIGMA = 0.1
CROP = {"quick": 32, "full": 64}
FEW = 16  # test images of the exact model for a deep image prior, which is fitted to each


class Varying(noise.Noise):
    """y = Ax + σw, w ~ N(0, I), σ uniform in [low, high] and drawn once for each image."""

    def __init__(self, low, high):
        super().__init__()
        self.low, self.high = low, high

    def forward(self, Ax, generator=None):
        u = torch.rand(len(Ax), 1, 1, 1, generator=generator)
        w = torch.randn(Ax.shape, generator=generator)
        return Ax + (self.low + (self.high - self.low) * u) * w

    @property
    def rms(self):
        """√E σ²."""
        return ((self.low**2 + self.low * self.high + self.high**2) / 3) ** 0.5


def exact():
    """{question: (exact model, the law that the methods are told)}."""
    white, wrong = noise.Gaussian(SIGMA), noise.Gaussian(1.5 * SIGMA)
    chains = Chains(white)
    gain, levels = 0.065, (0.05, 0.25)
    counts = Chains(noise.Poisson(gain), levels)
    alike = noise.Gaussian((gain * sum(levels) / 2) ** 0.5)  # of the same mean variance
    return {
        "MMSE-optimal": (chains, white),
        "one copy": (chains, white),
        "unknown level": (chains, wrong),
        "unknown separable": (counts, alike),
        "unknown coloured": (Chains(noise.RowCorrelated(SIGMA, 0.4)), white),
    }


def photographs():
    """{condition: (the noise, the law that the methods are told)}."""
    white, poisson, gamma = noise.Gaussian(SIGMA), noise.Poisson(0.02), noise.Gamma(25)
    both = noise.PoissonGaussian(0.01, 0.05)
    blurred, varying = noise.CorrelatedGaussian(torch.full((3, 3), SIGMA / 3)), Varying(0.03, 0.2)
    return {
        "Gaussian": (white, white),
        "Poisson": (poisson, poisson),
        "Gamma": (gamma, gamma),
        "Poisson-Gaussian": (both, both),
        "correlated": (blurred, blurred),
        "1.5 σ": (white, noise.Gaussian(1.5 * SIGMA)),
        "σ varies": (varying, noise.Gaussian(varying.rms)),
    }


def same(name, question):
    """The question whose network is the very same: who is told nothing can not be misled."""
    if METHODS[name].told:
        return "MMSE-optimal" if question == "one copy" else question
    if question == "one copy" and METHODS[name].copies == 1 and name != "Supervised":
        return "MMSE-optimal"
    return {"unknown level": "MMSE-optimal", "1.5 σ": "Gaussian"}.get(question, question)


def one_exact(name, question, seed, where):
    """One cell of the exact half: {"mse", "mmse"}, or {"refused"}."""
    if name == "Supervised" and question == "one copy":
        return {"refused": "Supervised needs x, not only y."}
    model, told = exact()[question]
    x = model.sample((2048, 1, 16, 32), stream(seed, "chains"))
    test = model.sample((256, 1, 16, 32), stream(seed, "test chains"))
    y = model.noise(test, generator=stream(seed, "test noise"))
    if METHODS[name].net == "prior":
        test, y = test[:FEW], y[:FEW]
    copies = 1 if question == "one copy" else None
    loss, f = train(name, model.noise, told, x, seed, "exact", None, copies, where)
    if loss is None:
        return {"refused": f}
    x_hat = reconstruct(f, loss, y, Identity(), where, batch=64)
    best = model.posterior_mean(y)
    return {"mse": _mse(x_hat, test), "mmse": _mse(best, test), "noisy": _mse(y, test)}


def one_photo(name, condition, seed, scale, where):
    """One cell of the photographs: PSNR of each test tile, and of its centre; or {"refused"}.

    A deep image prior is fitted to the centres only.
    """
    law, told = photographs()[condition]
    x, test = data.load("photos", "train", 256), data.load("photos", "test", 256)
    y = law(test, generator=stream(seed, "test noise"))  # before the law moves to the device
    if scale == "quick":  # of nine tiles, one of each photograph
        test, y = test[::4], y[::4]
    if METHODS[name].net == "prior":
        test, y = centre(test), centre(y)
    loss, f = train(name, law, told, x, seed, scale, CROP[scale], None, where)
    if loss is None:
        return {"refused": f}
    x_hat = reconstruct(f, loss, y, Identity(), where)
    result = {"centre": metrics.psnr(centre(x_hat), centre(test)).tolist()}
    if METHODS[name].net != "prior":
        result["tile"] = metrics.psnr(x_hat, test).tolist()
    return result


def centre(tiles):
    """The window of 64×64 pixels in the middle of each tile."""
    top, left = ((side - 64) // 2 for side in tiles.shape[-2:])
    return tiles[..., top : top + 64, left : left + 64]


def _mse(x_hat, x):
    return float((x_hat - x).square().mean())
