"""`course table denoising`: one network per loss, the same photographs and the same budget.

Train and test come from different photographs. Each seed draws new noise, new crops and new
initial weights; the network of every loss starts from the same weights and sees the same y (the
first copy, for Noise2Noise). PSNR is averaged over the 256×256 tiles of the test photographs, its
interval over tiles; the gap to the supervised network has its interval over seeds. On the CPU
each network trains on one thread, as many at a time as there are cores.
"""

import math
import multiprocessing
import os
import time

import torch
from tqdm.auto import tqdm

from .. import data, losses, metrics, models, noise, training
from .._random import stream
from ..operators import Identity
from . import report

BUDGET = {"quick": 250, "full": 1000}  # steps of 8 patches of 64×64
SEEDS = {"quick": 1, "full": 3}
NOISES = {"gaussian": noise.Gaussian(0.1), "poisson": noise.Poisson(0.02), "gamma": noise.Gamma(25)}


def methods(problem, law):
    """The losses that apply to this noise, the supervised reference first."""
    r2r = losses.R2R(law, alpha=0.25, draws=50)
    common = [losses.Supervised(), r2r, losses.SURE(law)]
    if problem != "gaussian":
        return common
    pairs, naive = losses.Noise2Noise(), losses.MeasurementConsistency()
    return [*common, losses.UNSURE(), losses.Noisier2Noise(law), pairs, naive]


def measure(scale, seeds=None):
    """All rows, by training every network. Returns {"meta", "rows", "unsure"}."""
    began = time.perf_counter()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    seeds = range(SEEDS[scale] if seeds is None else seeds)
    runs = [
        (problem, position, BUDGET[scale], seed, device)
        for seed in seeds
        for problem, law in NOISES.items()
        for position in range(len(methods(problem, law)))
    ]
    jobs = 1 if device == "cuda" else _cores()
    results = {}
    with multiprocessing.get_context("spawn").Pool(jobs, torch.set_num_threads, (1,)) as pool:
        for key, result in tqdm(pool.imap(_run, runs), total=len(runs), unit="network"):
            results.setdefault(key, []).append(result)
            tqdm.write(f"{' '.join(key)}: {result['psnr'].mean():.3f} dB")
    rows = [row(problem, name, results) for problem, name in results]
    rows.sort(key=lambda r: list(NOISES).index(r["problem"]))
    unsure = against_theory(results, NOISES["gaussian"].sigma ** 2)
    seconds = time.perf_counter() - began
    meta = report.meta(scale, device, seeds, seconds)
    return {"meta": meta, "rows": rows, "unsure": unsure}


def _cores():
    """The cores that this process may use."""
    allowed = getattr(os, "sched_getaffinity", None)  # not on macOS
    return len(allowed(0)) if allowed else os.cpu_count() or 1


def _run(run):
    problem, position, steps, seed, device = run
    law = NOISES[problem]
    loss = methods(problem, law)[position]
    return (problem, type(loss).__name__), one(loss, law, steps, seed, device)


def one(loss, law, steps, seed, device, net=models.UNet):
    """Train one network, made by `net`, with `loss`; measure it on the test photographs."""
    A, train, test = Identity(), data.load("photos", "train", 256), data.load("photos", "test", 256)
    if isinstance(loss, losses.Supervised):
        measurements = data.Pairs(train, A, law, seed=seed, crop=64)
    else:
        copies = 2 if isinstance(loss, losses.Noise2Noise) else 1
        measurements = data.Measurements(train, A, law, seed=seed, copies=copies, crop=64)
    torch.manual_seed(seed)
    f, loss = models.BackProjection(net()).to(device), loss.to(device)
    measurements.to(device)
    history = training.fit(f, loss, measurements, steps=steps, seed=seed, progress=False)
    y = law(test, generator=stream(seed, "test noise"))
    x_hat = denoise(loss, f, y, A, device)
    result = {
        "psnr": metrics.psnr(x_hat, test),
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


@torch.no_grad()
def denoise(loss, f, y, A, device, batch=4):
    """The loss's own test-time estimate, in batches."""
    generator = torch.Generator().manual_seed(0)
    parts = [loss.reconstruct(f, part.to(device), A, generator).cpu() for part in y.split(batch)]
    return torch.cat(parts)


def row(problem, name, results):
    """One row of the table, from the results of its seeds."""
    ours, reference = results[problem, name], results[problem, "Supervised"]
    psnr, ci95 = metrics.interval(torch.stack([r["psnr"] for r in ours]).mean(0))
    gaps = [(s["psnr"] - r["psnr"]).mean().item() for r, s in zip(ours, reference, strict=True)]
    gap, gap_ci95 = metrics.interval(gaps)
    mean = {k: sum(r[k] for r in ours) / len(ours) for k in ("ssim", "mse", "s_per_step")}
    first = {k: ours[0][k] for k in ("train_evals", "test_evals")}
    return {
        "method": name,
        "problem": problem,
        "seeds": len(ours),
        "psnr_db": psnr,
        "ci95_db": ci95,
        "gap_db": gap,
        "gap_ci95_db": gap_ci95 if len(gaps) > 1 else None,
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
