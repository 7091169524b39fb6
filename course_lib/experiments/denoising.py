"""`course table denoising`: one network per loss, the same photographs and the same budget.

Train and test come from different photographs. Each seed draws new noise, new crops and new
initial weights; the network of every loss starts from the same weights and sees the same y (the
first copy, for Noise2Noise). PSNR is averaged over 64×64 tiles of the test photographs, its
interval over tiles; the gap to the supervised network has its interval over seeds.
"""

import math
import time

import torch
from tqdm.auto import tqdm

from .. import data, losses, metrics, models, noise, training
from ..operators import Identity
from . import report

BUDGET = {"quick": 100, "full": 1000}  # steps of 8 patches of 64×64
SEEDS = {"quick": 1, "full": 3}
NOISES = {"gaussian": noise.Gaussian(0.1), "poisson": noise.Poisson(0.02), "gamma": noise.Gamma(25)}


def methods(problem, law):
    """The losses that apply to this noise, the supervised reference first."""
    common = [losses.Supervised(), losses.Noise2Noise(), losses.R2R(law), losses.SURE(law)]
    if problem != "gaussian":
        return common
    naive, noisier = losses.MeasurementConsistency(), losses.Noisier2Noise(law)
    return [common[0], naive, common[1], noisier, *common[2:], losses.UNSURE()]


def measure(scale, seeds=None):
    """All rows, by training every network. Returns {"meta", "rows", "notes"}."""
    began = time.perf_counter()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    seeds = range(SEEDS[scale] if seeds is None else seeds)
    runs = [
        (problem, law, method, seed)
        for problem, law in NOISES.items()
        for seed in seeds
        for method in methods(problem, law)
    ]
    results = {}
    bar = tqdm(runs, unit="network")
    for problem, law, loss, seed in bar:
        name = type(loss).__name__
        bar.set_description(f"{problem} {name} seed {seed}")
        result = one(loss, law, BUDGET[scale], seed, device)
        results.setdefault((problem, name), []).append(result)
    rows = [row(problem, name, results) for problem, name in results]
    notes = [unsure_note(results, NOISES["gaussian"].sigma ** 2)]
    seconds = time.perf_counter() - began
    return {"meta": report.meta(scale, device, seeds, seconds), "rows": rows, "notes": notes}


def one(loss, law, steps, seed, device):
    """Train one network with `loss`, and measure it on the test photographs."""
    A, train, test = Identity(), data.load("photos", "train", 256), data.load("photos", "test", 64)
    if isinstance(loss, losses.Supervised):
        measurements = data.Pairs(train, A, law, seed=seed, crop=64)
    else:
        copies = 2 if isinstance(loss, losses.Noise2Noise) else 1
        measurements = data.Measurements(train, A, law, seed=seed, copies=copies, crop=64)
    torch.manual_seed(seed)
    f, loss = models.BackProjection(models.UNet()).to(device), loss.to(device)
    history = training.fit(f, loss, measurements.to(device), steps=steps, seed=seed, progress=False)
    y = law(test, generator=torch.Generator().manual_seed(10_000 + seed))
    x_hat = denoise(loss, f, y, A, device)
    result = {
        "psnr": metrics.psnr(x_hat, test),
        "ssim": metrics.ssim(x_hat, test).mean().item(),
        "mse": (x_hat - test).square().mean().item(),
        "train_evals": loss.train_evals,
        "test_evals": loss.test_evals,
        "s_per_step": history.seconds_per_step,
    }
    if isinstance(loss, losses.Supervised):  # its error on the training photographs, new noise
        y = law(train, generator=torch.Generator().manual_seed(20_000 + seed))
        x_hat = denoise(loss, f, y, A, device, batch=4)
        result["mse_train"] = (x_hat - train).square().mean().item()
    if isinstance(loss, losses.UNSURE):
        result["eta"] = loss.eta.item()
    return result


@torch.no_grad()
def denoise(loss, f, y, A, device, batch=64):
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
        "psnr_db": psnr,
        "ci95_db": ci95,
        "gap_db": gap,
        "gap_ci95_db": gap_ci95 if len(gaps) > 1 else None,
        **mean,
        **first,
    }


def unsure_note(results, variance):
    """UNSURE against its theory: risk MMSE/(1 − MMSE/σ²) and η* = σ²/(1 − MMSE/σ²)."""
    excess, ratio = [], []
    pairs = zip(results["gaussian", "UNSURE"], results["gaussian", "Supervised"], strict=True)
    for unsure, supervised in pairs:
        theory = supervised["mse"] / (1 - supervised["mse"] / variance)
        excess.append(10 * math.log10(unsure["mse"] / theory))
        ratio.append(unsure["eta"] / (variance / (1 - supervised["mse_train"] / variance)))
    n = len(excess)
    return (
        f"UNSURE: {sum(excess) / n:+.2f} dB from its theory MMSE/(1 − MMSE/σ²); "
        f"η is {sum(ratio) / n:.3f} of σ²/(1 − MMSE/σ²), MMSE being the supervised error."
    )
