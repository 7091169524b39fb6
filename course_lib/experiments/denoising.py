"""`course table denoising`: one network per loss, the same photographs and the same budget.

Train and test come from different photographs. Each seed draws new noise, new crops and new
initial weights; the network of every loss starts from the same weights and sees the same y (the
first copy, for Noise2Noise). PSNR is averaged over the 256×256 tiles of the test photographs, its
interval over tiles; the gap to the supervised network has its interval over seeds. On the CPU
each network trains on one thread, as many at a time as there are cores.
"""

import functools
import math
import time

import torch
from tqdm.auto import tqdm

from .. import data, losses, metrics, models, noise, training
from .._random import stream
from ..operators import Identity
from . import parallel, report
from .store import Store, beside

BUDGET = {"quick": 250, "full": 1000}  # steps of 8 patches of 64×64
SEEDS = {"quick": 1, "full": 3}
NOISES = {"gaussian": noise.Gaussian(0.1), "poisson": noise.Poisson(0.02), "gamma": noise.Gamma(25)}


def methods(problem, law, steps):
    """{name: loss}: the losses that apply to this noise, the supervised reference first."""
    applicable = [losses.Supervised(), losses.R2R(law, alpha=0.25, draws=50), losses.SURE(law)]
    if problem == "gaussian":
        applicable += [
            losses.UNSURE(),
            losses.Noisier2Noise(law),
            losses.Noise2Noise(),
            losses.MeasurementConsistency(),
        ]
    return {type(loss).__name__: loss for loss in applicable}


def network(name):
    """The U-Net of every loss that looks at all of y."""
    return models.UNet()


def measure(scale, seeds=None, json_path=None):
    """All rows. Returns {"meta", "rows", "unsure"}; finished runs are kept beside `json_path`."""
    table, results = trained(scale, seeds, json_path, NOISES, methods, network)
    return table | {"unsure": against_theory(results, NOISES["gaussian"].sigma ** 2)}


def trained(scale, seeds, json_path, noises, methods, network):
    """({"meta", "rows"}, {(problem, name): one result per seed}) of the losses of `methods`."""
    store = Store(beside(json_path), [__name__, methods.__module__])
    steps = BUDGET[scale]
    seeds = range(SEEDS[scale] if seeds is None else seeds)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    cells = [(p, name) for p, law in noises.items() for name in methods(p, law, steps)]
    runs = [(*cell, steps, seed) for seed in seeds for cell in cells]
    missing = [run for run in runs if run not in store]
    run_one = functools.partial(_run, noises, methods, network, device)
    done = parallel.results(run_one, missing, device)
    for run, result in tqdm(done, total=len(missing), unit="network"):
        store.put(run, result)
        tqdm.write(f"{run[0]} {run[1]}: {sum(result['psnr']) / len(result['psnr']):.3f} dB")
    results = {(p, n): [store[p, n, steps, seed] for seed in seeds] for p, n in cells}
    rows = [row(*cell, results) for cell in cells]
    seconds = sum(store[run]["seconds"] for run in runs)
    meta = report.meta(scale, device, seeds, seconds, store.versions(runs))
    return {"meta": meta, "rows": rows}, results


def _run(noises, methods, network, device, run):
    problem, name, steps, seed = run
    began, law = time.perf_counter(), noises[problem]
    loss = methods(problem, law, steps)[name]
    result = one(loss, functools.partial(network, name), law, steps, seed, device)
    return result | {"seconds": round(time.perf_counter() - began, 2)}


def one(loss, network, law, steps, seed, device, precision="float32", measurements=None):
    """Train a `network()` with the loss, on the `measurements`; measure it on test photographs."""
    A, train, test = Identity(), data.load("photos", "train", 256), data.load("photos", "test", 256)
    if measurements is None:
        measurements = simulated(loss, train, law, seed)
    torch.manual_seed(seed)
    f, loss = models.BackProjection(network()).to(device), loss.to(device)
    measurements.to(device)
    history = training.fit(
        f, loss, measurements, steps=steps, seed=seed, precision=precision, progress=False
    )
    y = law(test, generator=stream(seed, "test noise"))
    x_hat = denoise(loss, f, y, A, device)
    result = {
        "psnr": metrics.psnr(x_hat, test).tolist(),
        "ssim": metrics.ssim(x_hat, test).mean().item(),
        "mse": (x_hat - test).square().mean().item(),
        "train_evals": loss.train_evals,
        "test_evals": loss.test_evals,
        "s_per_step": history.seconds_per_step,
    }
    if isinstance(loss, (losses.Supervised, losses.UNSURE)):  # on what it was trained, new noise
        y = law(train, generator=stream(seed, "new noise"))
        x_hat = denoise(loss, f, y, A, device)
        result["mse_train"] = (x_hat - train).square().mean().item()
    if isinstance(loss, losses.UNSURE):
        result["eta"] = loss.eta.item()
    return result


def simulated(loss, x, law, seed):
    """What the loss is trained on: one noisy copy of each photograph, two for Noise2Noise."""
    if isinstance(loss, losses.Supervised):
        return data.Pairs(x, Identity(), law, seed=seed, crop=64)
    copies = 2 if isinstance(loss, losses.Noise2Noise) else 1
    return data.simulate(x, Identity(), law, seed=seed, copies=copies, crop=64)


@torch.no_grad()
def denoise(loss, f, y, A, device, batch=4):
    """The loss's own test-time estimate, in batches."""
    generator = torch.Generator().manual_seed(0)
    parts = (part.to(device) for part in y.split(batch))
    return torch.cat([loss.reconstruct(f, part, A, generator=generator).cpu() for part in parts])


def row(problem, name, results):
    """One row of the table, from the results of its seeds."""
    ours, reference = results[problem, name], results[problem, "Supervised"]
    mean = {k: sum(r[k] for r in ours) / len(ours) for k in ("ssim", "mse", "s_per_step")}
    first = {k: ours[0][k] for k in ("train_evals", "test_evals")}
    return {
        "method": name,
        "problem": problem,
        **report.against(ours, reference),
        **mean,
        **first,
    }


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
