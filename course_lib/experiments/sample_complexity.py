"""`course table sample-complexity`: the error against the number N of training images.

On the exact Gaussian model the best linear denoiser is learned from N signals by each loss, and
the mean excess over the MMSE stands beside its closed form (`gaussian_model`). On digits a small
network is trained on N noisy images, one fixed realisation each, with the same number of steps
for every N and loss, and its mean squared error on 200 other digits is measured.
"""

import torch
from tqdm.auto import tqdm

from .. import data, losses, metrics, models, noise, training
from .._random import stream
from ..operators import Identity
from . import gaussian_model, report
from .store import Store, beside

ALPHA = 0.2  # of R2R
SIGMA = {"exact": 0.5, "digits": 0.3}
SIZES = {
    "exact": (12, 16, 24, 32, 64, 128, 256, 512, 1024, 2048),
    "digits": (4, 16, 64, 256, 4000),
}
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
    return {
        "Supervised": losses.Supervised(),
        "SURE": losses.SURE(law),
        "Noise2Noise": losses.Noise2Noise(),
        "R2R": r2r,
    }


def measure(scale, seeds=None, json_path=None):
    """All rows. Returns {"meta", "rows"}; finished runs are kept beside `json_path`."""
    store = Store(beside(json_path), [__name__])
    seeds = range(SEEDS[scale] if seeds is None else seeds)
    rows = [exact(method, N, scale) for method in gaussian_model.METHODS for N in SIZES["exact"]]
    runs = [(m, N, seed) for seed in seeds for N in SIZES["digits"] for m in methods()]
    device = "cuda" if torch.cuda.is_available() else "cpu"
    for run in tqdm(runs, unit="network"):
        key = (*run, STEPS[scale], *WIDTHS[scale])
        if key not in store:
            store.put(key, digits(*run, STEPS[scale], WIDTHS[scale], device))
    for method in methods():
        for N in SIZES["digits"]:
            keys = [(method, N, seed, STEPS[scale], *WIDTHS[scale]) for seed in seeds]
            error, ci95 = metrics.interval([store[key]["mse"] for key in keys])
            seconds = sum(store[key]["seconds"] for key in keys) / len(keys)
            row = {"problem": "digits", "method": method, "N": N, "mse": error}
            row |= {"ci95_mse": ci95 if len(keys) > 1 else None, "theory": None}
            rows.append(row | {"seeds": len(keys), "s_per_step": seconds / STEPS[scale]})
    keys = [(*run, STEPS[scale], *WIDTHS[scale]) for run in runs]
    spent = sum(store[key]["seconds"] for key in keys)
    meta = report.meta(scale, device, seeds, spent, store.versions(keys))
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


def digits(method, N, seed, steps, widths, device="cpu"):
    """Train on N noisy digits; the mean squared error on 200 others, and the seconds it took."""
    A, law, loss = Identity(), noise.Gaussian(SIGMA["digits"]), methods()[method]
    images = data.load("digits", "train")
    x = images[torch.randperm(len(images), generator=stream(seed, "digits"))[:N]]
    if method == "Supervised":
        measurements = data.Pairs(x, A, law, seed=seed)
    else:
        copies = 2 if method == "Noise2Noise" else 1
        measurements = data.simulate(x, A, law, seed=seed, copies=copies)
    torch.manual_seed(seed)
    f = models.BackProjection(models.UNet(widths=widths)).to(device)
    history = training.fit(
        f, loss.to(device), measurements.to(device), steps=steps, batch=16, lr=4e-3, seed=seed,
        progress=False,
    )  # fmt: skip
    test = data.load("digits", "test")[:200]
    y = law(test, generator=stream(seed, "test"))
    with torch.no_grad():
        x_hat = loss.reconstruct(f, y.to(device), A, generator=stream(seed, "draws")).cpu()
    error = float((x_hat - test).square().mean())
    return {"mse": error, "seconds": history.seconds_per_step * steps}


def show(table):
    """Print the error of each method for each N, theory beside the exact model's."""
    for problem in ("exact", "digits"):
        rows = [row for row in table["rows"] if row["problem"] == problem]
        sizes = list(dict.fromkeys(row["N"] for row in rows))
        what = "excess over the MMSE" if problem == "exact" else "mean squared error"
        print(f"{problem}: {what} for N =".ljust(40) + "".join(f"{N:>9}" for N in sizes))
        for method in dict.fromkeys(row["method"] for row in rows):
            own = {row["N"]: row for row in rows if row["method"] == method}
            for label, value in (("", "mse"), (" ± 95 %", "ci95_mse"), (" closed form", "theory")):
                if own[sizes[0]][value] is not None:
                    figures = "".join(f"{own[N][value]:>9.5f}" for N in sizes)
                    print(f"  {method}{label}".ljust(40) + figures)
    report.about(table["meta"])
