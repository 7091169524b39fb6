"""`course table units`: the same photographs in four units, for the losses that are told no noise.

All is multiplied by the unit, images, noise and result; a loss that does not depend on the unit
then gives the same PSNR. UNSURE and its family take their start from the data. The network is the
U-Net without biases, which is homogeneous, f(cy) = c f(y) for c > 0; "Supervised, biases" is the
usual one, as a warning: a bias has the unit of y, but the optimiser moves it by steps that have
none, so that it is for data of the order of 1. `training.fit` itself has no unit. One seed trains
all units on the same noise. Each network trains on one thread, as many at a time as there are
cores.
"""

from .. import data, losses, models, noise
from .._random import stream
from ..operators import Identity
from . import report
from .sweep import measured, reconstruct, sweep, train

UNITS = (1e-3, 0.0625, 1.0, 255.0)
STEPS = {"quick": 300, "full": 2000}  # of 8 patches of 32×32
SEEDS = {"quick": 1, "full": 3}
WIDTHS = (8, 16, 32)
SIGMA, GAIN, READ = 0.1, 0.02, 0.05  # at unit 1
METHODS = {
    "gaussian": ("Supervised", "Supervised, biases", "UNSURE", "UNSURECorrelated"),
    "poisson-gaussian": ("Supervised", "UNSUREPoissonGaussian"),
}
KINDS = (losses.Supervised, losses.UNSURE, losses.UNSURECorrelated, losses.UNSUREPoissonGaussian)
LOSSES = {kind.__name__: kind for kind in KINDS}
CELLS = [(p, name, unit) for p in METHODS for name in METHODS[p] for unit in UNITS]


def law(problem, unit):
    """The noise of a problem in a unit."""
    if problem == "gaussian":
        return noise.Gaussian(SIGMA * unit)
    return noise.PoissonGaussian(GAIN * unit, READ * unit)


def measure(scale, seeds, json_path=None):
    """All rows. Returns {"meta", "rows", "spread_db"}.

    spread_db: for each problem and method, how far its PSNR differs between the units at most.
    """
    runs = {cell: [(*cell, STEPS[scale], seed) for seed in seeds] for cell in CELLS}
    results, meta = sweep(one, runs, scale, seeds, json_path)
    return {"meta": meta} | summary(results)


def one(problem, name, unit, steps, seed, where):
    """Train and test one network in one unit."""
    A, noisy = Identity(), law(problem, unit)
    x, test = data.load("photos", "train", 64), data.load("photos", "test", 256)
    kind, _, biases = name.partition(", ")
    loss = LOSSES[kind]()
    measurements = measured(loss, unit * x, A, noisy, seed, crop=32)

    def make():
        return models.BackProjection(models.UNet(widths=WIDTHS, bias=bool(biases)))

    f, result = train(make, loss, measurements, where, seed, steps=steps)
    y = noisy(unit * test, generator=stream(seed, "test noise"))
    return result | report.scores(reconstruct(f, loss, y, A, where) / unit, test)


def summary(results):
    """The rows, and the spread over units, from {(problem, name, unit): one result per seed}."""
    rows, psnr = [], {}
    for (problem, name, unit), ours in results.items():
        reference = results[problem, "Supervised", unit]
        rows.append(report.row(f"{problem} × {unit:g}", name, ours, reference) | {"unit": unit})
        psnr.setdefault(f"{problem}, {name}", []).append(rows[-1]["psnr_db"])
    spread = {method: max(values) - min(values) for method, values in psnr.items()}
    return {"rows": rows, "spread_db": spread}


def show(table):
    """Print the rows, then how far each method differs between the units."""
    report.show(table)
    for name, spread in table["spread_db"].items():
        print(f"{name}: {spread:.3f} dB between the units")
