"""`course table denoising`: one network per loss, the same photographs and the same budget.

Train and test come from different photographs. Each seed draws new noise, new crops and new
initial weights; the network of every loss starts from the same weights and sees the same y (the
first copy, for Noise2Noise). PSNR is averaged over the 256×256 tiles of the test photographs, its
interval over tiles; the gap to the supervised network has its interval over seeds. On the CPU
each network trains on one thread, as many at a time as there are cores.
Of every row the middle 128×128 of the test tiles 0 and 4 are kept, with their PSNR.
"""

import functools
import math

from .. import data, losses, models, noise
from .._random import stream
from ..operators import Identity
from . import gallery, report
from .sweep import measured, named, reconstruct, sweep, train

BUDGET = {"quick": 250, "full": 1000}  # steps of 8 patches of 64×64
SEEDS = {"quick": 1, "full": 3}
NOISES = {"gaussian": noise.Gaussian(0.1), "poisson": noise.Poisson(0.02), "gamma": noise.Gamma(25)}
SEEN = [0, 4]  # the test tiles whose pictures are kept


def methods(problem, steps):
    """{name: loss}: the losses that apply to this noise, the supervised reference first."""
    law = NOISES[problem]
    found = [losses.Supervised(), losses.R2R(law, alpha=0.25, draws=50), losses.SURE(law)]
    if problem == "gaussian":
        found += [losses.UNSURE(), losses.Noisier2Noise(law), losses.Noise2Noise(),
                  losses.MeasurementConsistency()]  # fmt: skip
    return named(*found)


def measure(scale, seeds, json_path=None):
    """All rows. Returns {"meta", "rows", "pictures", "unsure"}."""
    table, results = tabulated(one, methods, NOISES, scale, seeds, json_path)
    return table | {"unsure": against_theory(results, NOISES["gaussian"].sigma ** 2)}


def tabulated(one, methods, problems, scale, seeds, json_path):
    """({"meta", "rows", "pictures"}, {(problem, name): one result per seed})."""
    cells = [(problem, name) for problem in problems for name in methods(problem, BUDGET[scale])]
    results, meta = sweep(one, cells, scale, seeds, json_path)
    x, seen = data.load("photos", "test", 256), {}
    for problem in problems:
        y = NOISES[problem](x, generator=stream(0, "test noise"))
        seen[problem] = {"x": window(x), "y": window(y)}
    rows = [row(*cell, results) for cell in cells]
    return {"meta": meta, "rows": rows, "pictures": gallery.album(seen, results)}, results


def one(problem, name, seed, scale, where):
    """Train and test one network of the table."""
    loss = methods(problem, BUDGET[scale])[name]
    return run(loss, models.UNet, NOISES[problem], seed, where, steps=BUDGET[scale])


def run(loss, network, law, seed, where, measurements=None, **options):
    """Train a `network()` with the loss, on the `measurements`; measure it on test photographs."""
    A, x, test = Identity(), data.load("photos", "train", 256), data.load("photos", "test", 256)
    measurements = measurements or measured(loss, x, A, law, seed, crop=64)
    make = functools.partial(_backprojection, network)
    f, result = train(make, loss, measurements, where, seed, **options)

    def estimate(x, name):
        y = law(x, generator=stream(seed, name))
        return reconstruct(f, loss, y, A, where)

    x_hat = estimate(test, "test noise")
    result |= report.scores(x_hat, test) | {"mse": (x_hat - test).square().mean().item()}
    if seed == 0:
        result |= gallery.kept(window(x_hat), window(test))
    if isinstance(loss, (losses.Supervised, losses.UNSURE)):  # on what it was trained, new noise
        result["mse_train"] = (estimate(x, "new noise") - x).square().mean().item()
    if isinstance(loss, losses.UNSURE):
        result["eta"] = loss.eta.item()
    return result


def _backprojection(network):
    return models.BackProjection(network())


def window(x):
    """What is kept of the pictures of x."""
    return x[SEEN, :, 64:192, 64:192]


def row(problem, name, results):
    """One row of the table, from the results of its seeds."""
    ours = results[problem, name]
    mse = sum(result["mse"] for result in ours) / len(ours)
    return report.row(problem, name, ours, results[problem, "Supervised"]) | {"mse": mse}


def against_theory(results, variance):
    """UNSURE against its theory, the supervised error standing for the MMSE: means over seeds.

    On the training photographs, under new noise, M = MMSE/σ²: excess_db of the measured over the
    predicted risk MMSE/(1 − M), and eta_ratio of η over σ²/(1 − M). The test photographs have
    another M; there the learnt η predicts the risk MMSE + (η/σ² − 1)² (σ² − MMSE), see lesson 2.3,
    and test_excess_db compares with that. All None when supervision is no better than y.
    """
    found = {"excess_db": [], "test_excess_db": [], "eta_ratio": []}
    pairs = zip(results["gaussian", "UNSURE"], results["gaussian", "Supervised"], strict=True)
    for unsure, supervised in pairs:
        mmse, mmse_train = supervised["mse"], supervised["mse_train"]
        if max(mmse, mmse_train) >= variance:
            return dict.fromkeys(found)
        share = 1 - mmse_train / variance
        risk = mmse + (unsure["eta"] / variance - 1) ** 2 * (variance - mmse)
        found["excess_db"].append(10 * math.log10(unsure["mse_train"] * share / mmse_train))
        found["test_excess_db"].append(10 * math.log10(unsure["mse"] / risk))
        found["eta_ratio"].append(unsure["eta"] * share / variance)
    return {name: sum(values) / len(values) for name, values in found.items()}


def show(table):
    """Print the rows, and UNSURE beside its theory."""
    report.show(table)
    unsure = table["unsure"]
    if unsure["excess_db"] is not None:
        print(
            f"UNSURE beside its theory, with the supervised error for MMSE. On the photographs of "
            f"training, new noise: {unsure['excess_db']:+.3f} dB from MMSE/(1 − MMSE/σ²), "
            f"η = {unsure['eta_ratio']:.3f} σ²/(1 − MMSE/σ²). On the test photographs: "
            f"{unsure['test_excess_db']:+.3f} dB from MMSE + (η/σ² − 1)² (σ² − MMSE)."
        )
