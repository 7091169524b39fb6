"""`course table units`: the same photographs in four units, for the losses that are told no noise.

All is multiplied by the unit, images, noise and result; a loss that does not depend on the unit
then gives the same PSNR. UNSURE and its family take their start from the data. The network is the
U-Net without biases, which is homogeneous, f(cy) = c f(y) for c > 0; "Supervised, biases" is the
usual one, as a warning: a bias has the unit of y, but the optimiser moves it by steps that have
none, so that it is for data of the order of 1. `training.fit` itself has no unit. One seed trains
all units on the same noise. Each network trains on one thread, as many at a time as there are
cores.
"""

import functools
import time

import torch
from tqdm.auto import tqdm

from .. import data, losses, metrics, models, noise, training
from .._random import stream
from ..operators import Identity
from . import parallel, report
from .denoising import denoise
from .store import Store, beside

UNITS = (1e-3, 0.0625, 1.0, 255.0)
STEPS = {"quick": 300, "full": 2000}  # of 8 patches of 32×32
SEEDS = {"quick": 1, "full": 3}
WIDTHS = (8, 16, 32)
SIGMA, GAIN, READ = 0.1, 0.02, 0.05  # at unit 1
METHODS = {
    "gaussian": ("Supervised", "Supervised, biases", "UNSURE", "UNSURECorrelated"),
    "poisson-gaussian": ("Supervised", "UNSUREPoissonGaussian"),
}
CELLS = [(p, name, unit) for p in METHODS for name in METHODS[p] for unit in UNITS]


def law(problem, unit):
    """The noise of a problem in a unit."""
    if problem == "gaussian":
        return noise.Gaussian(SIGMA * unit)
    return noise.PoissonGaussian(GAIN * unit, READ * unit)


def measure(scale, seeds=None, json_path=None):
    """All rows. Returns {"meta", "rows", "spread_db"}; finished runs are kept beside `json_path`.

    spread_db: for each problem and method, how far its PSNR differs between the units at most.
    """
    store, steps = Store(beside(json_path), [__name__]), STEPS[scale]
    seeds = range(SEEDS[scale] if seeds is None else seeds)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    runs = [(*cell, steps, seed) for seed in seeds for cell in CELLS]
    missing = [run for run in runs if run not in store]
    done = parallel.results(functools.partial(train, device), missing, device)
    for run, result in tqdm(done, total=len(missing), unit="network"):
        store.put(run, result)
    results = {cell: [store[(*cell, steps, seed)] for seed in seeds] for cell in CELLS}
    seconds = sum(store[run]["seconds"] for run in runs)
    meta = report.meta(scale, device, seeds, seconds, store.versions(runs))
    return {"meta": meta} | summary(results)


def train(device, run):
    """Train and test one network in one unit."""
    problem, name, unit, steps, seed = run
    began, A, noisy = time.perf_counter(), Identity(), law(problem, unit)
    x, test = data.load("photos", "train", 64), data.load("photos", "test", 256)
    loss = getattr(losses, name.split(",")[0])()
    make = data.Pairs if isinstance(loss, losses.Supervised) else data.simulate
    measurements = make(unit * x, A, noisy, seed=seed, crop=32).to(device)
    torch.manual_seed(seed)
    f = models.BackProjection(models.UNet(widths=WIDTHS, bias=name.endswith("biases"))).to(device)
    loss = loss.to(device)
    history = training.fit(f, loss, measurements, steps=steps, seed=seed, progress=False)
    y = noisy(unit * test, generator=stream(seed, "test noise"))
    x_hat = denoise(loss, f, y, A, device) / unit
    return {
        "psnr": metrics.psnr(x_hat, test).tolist(),
        "ssim": metrics.ssim(x_hat, test).mean().item(),
        "train_evals": loss.train_evals,
        "test_evals": loss.test_evals,
        "s_per_step": history.seconds_per_step,
        "seconds": round(time.perf_counter() - began, 2),
    }


def summary(results):
    """The rows, and the spread over units, from {(problem, name, unit): one result per seed}."""
    rows = []
    for (problem, name, unit), ours in results.items():
        reference = results[problem, "Supervised", unit]
        mean = {k: sum(r[k] for r in ours) / len(ours) for k in ("ssim", "s_per_step")}
        counts = {k: ours[0][k] for k in ("train_evals", "test_evals")}
        about = {"method": name, "problem": f"{problem} × {unit:g}", "unit": unit}
        rows.append(about | report.against(ours, reference) | mean | counts)
    psnr = {
        (p, name): [
            r["psnr_db"] for r in rows if r["method"] == name and r["problem"][: len(p)] == p
        ]
        for p in METHODS
        for name in METHODS[p]
    }
    spread = {f"{p}, {name}": max(values) - min(values) for (p, name), values in psnr.items()}
    return {"rows": rows, "spread_db": spread}


def show(table):
    """Print the rows, then how far each method differs between the units."""
    report.show(table)
    for name, spread in table["spread_db"].items():
        print(f"{name}: {spread:.3f} dB between the units")
