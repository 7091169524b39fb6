"""`course table sample-complexity`: the error against the number N of training images.

On the exact Gaussian model the best linear denoiser is learned from N signals by each loss, and
the mean excess over the MMSE stands beside its closed form (`gaussian_model`). On digits a small
network is trained on N noisy images, one fixed realisation each, with the same number of steps
for every N and loss, and its mean squared error on 200 other digits is measured.
"""

import torch

from .. import data, losses, metrics, models, noise
from .._random import stream
from ..operators import Identity
from . import gaussian_model, report
from .sweep import measured, named, reconstruct, sweep, train

ALPHA = 0.2  # of R2R
SIGMA = {"exact": 0.5, "digits": 0.3}
SIZES = {"exact": (12, 16, 24, 32, 64, 128, 256, 512, 1024, 2048),
         "digits": (4, 16, 64, 256, 4000)}  # fmt: skip
REPEATS = {"quick": 300, "full": 3000}
STEPS = {"quick": 1000, "full": 5000}
WIDTHS = {"quick": (8, 16), "full": (16, 32, 64)}
SEEDS = {"quick": 1, "full": 3}


def spectrum():
    """The eigenvalues S of C_ij = exp(−|i − j|/3), n = 8."""
    i = torch.arange(8, dtype=torch.float64)
    return torch.linalg.eigvalsh(torch.exp(-(i[:, None] - i).abs() / 3))


def methods():
    """The losses trained on digits."""
    law = noise.Gaussian(SIGMA["digits"])
    r2r = losses.R2R(law, ALPHA, draws=10)
    return named(losses.Supervised(), losses.SURE(law), losses.Noise2Noise(), r2r)


def measure(scale, seeds, json_path=None):
    """All rows. Returns {"meta", "rows"}."""
    rows = [exact(method, N, scale) for method in gaussian_model.METHODS for N in SIZES["exact"]]
    cells = [(method, N) for method in methods() for N in SIZES["digits"]]
    results, meta = sweep(one, cells, scale, seeds, json_path)
    for (method, N), ours in results.items():
        error, ci95 = metrics.interval([r["mse"] for r in ours])
        row = {"problem": "digits", "method": method, "N": N, "mse": error}
        row |= {"ci95_mse": ci95 if len(ours) > 1 else None, "theory": None}
        rows.append(row | report.counts(ours))
    floor = gaussian_model.mmse(spectrum(), SIGMA["exact"])
    return {"meta": meta | {"mmse": floor, "sigma": SIGMA, "alpha": ALPHA}, "rows": rows}


def exact(method, N, scale):
    """The mean excess over the MMSE of `REPEATS` training sets, with its closed form."""
    S, sigma = spectrum(), SIGMA["exact"]
    generator = stream(N, method)
    F = gaussian_model.learn(method, S, sigma, N, ALPHA, REPEATS[scale], generator)
    mean, ci95 = metrics.interval(gaussian_model.excess(F, S, sigma))
    closed = gaussian_model.theory(method, S, sigma, N, ALPHA)
    row = {"problem": "exact", "method": method, "N": N, "mse": mean, "ci95_mse": ci95}
    return row | {"theory": closed, "seeds": REPEATS[scale], "s_per_step": None}


def one(method, N, seed, scale, where):
    """Train on N noisy digits; the mean squared error on 200 others."""
    A, law, loss = Identity(), noise.Gaussian(SIGMA["digits"]), methods()[method]
    images = data.load("digits", "train")
    x = images[torch.randperm(len(images), generator=stream(seed, "digits"))[:N]]

    def make():
        return models.BackProjection(models.UNet(widths=WIDTHS[scale]))

    options = {"steps": STEPS[scale], "batch": 16, "lr": 4e-3}
    f, result = train(make, loss, measured(loss, x, A, law, seed), where, seed, **options)
    test = data.load("digits", "test")[:200]
    y = law(test, generator=stream(seed, "test"))
    x_hat = reconstruct(f, loss, y, A, where, seed, batch=200)
    return result | {"mse": float((x_hat - test).square().mean())}
