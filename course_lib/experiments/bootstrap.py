"""`course table bootstrap`: how often the regions of the bootstrap hold the true test image.

A region is ‖x − x̂‖/√n ≤ ρ, ρ the 90 % quantile of the bootstrap's errors (`uncertainty`), x̂ =
f(y, A) of a network trained with a loss or with x. Methods: "equivariant"; "parametric", without a
group; "calibrated", the equivariant ρ times one factor κ from SURE of the same measurements, where
A is complete, so that SURE sees the whole error. Problems, networks, images and rates are those of
the table equivariance, and denoising of photographs, A = I, σ = 0.1, with the group D4. A row has
the share of the test images covered, with a binomial 95 % interval, which takes tiles of one
photograph for independent; ρ over the true RMSE, the mean; and the share at other levels.
"""

import torch

from .. import data, groups, losses, metrics, models, noise, operators, uncertainty
from .._random import stream
from . import equivariance, report
from .sweep import measured, sweep, train

SEEDS = {"quick": 1, "full": 3}
STEPS = {"quick": 150, "full": 600}
DRAWS = {"quick": 20, "full": 100}
IMAGES = 152  # at most; all tiles of the test photographs
LEVELS = (0.1, 0.3, 0.5, 0.7, 0.9)
LEVEL = 0.9  # of the row
LAW = noise.Gaussian(0.1)
NETWORKS = {
    "denoising": ("SURE", "Supervised"),
    "inpainting 0.5": ("EquivariantSplitting", "Supervised group"),
    "CT 20 views": ("EI", "Supervised group"),
}
COMPLETE = ("denoising",)


def setting(problem):
    """(law, group, {name: loss}, f not yet trained, options) of one problem."""
    options = {"batch": 8, "lr": 4e-3}
    if problem in COMPLETE:
        kinds = {"SURE": losses.SURE(LAW), "Supervised": losses.Supervised()}
        f = models.BackProjection(models.UNet(widths=equivariance.WIDTHS))
        return LAW, groups.D4(), kinds, f, options
    law, kinds = equivariance.LAWS[problem], equivariance.methods(problem)
    return law, equivariance.group(problem), kinds, equivariance.network(problem), options


def scenes(problem, split):
    """(x, A); of the test photographs all tiles."""
    if problem == "CT 20 views":
        x, A = equivariance.scenes(problem, split)
    else:
        x = data.load("photos", split, equivariance.SIZE)
        A = operators.Identity() if problem in COMPLETE else equivariance.operator(problem)
    return (x[:IMAGES] if split == "test" else x), A


def methods(problem):
    """The names of the rows for one network."""
    return ("equivariant", "parametric") + (("calibrated",) if problem in COMPLETE else ())


@torch.no_grad()
def one(problem, name, steps, draws, seed, where):
    """Train one network; of each test image, the true RMSE and ρ at each level by each method."""
    law, group, kinds, _, options = setting(problem)
    x, A = scenes(problem, "train")
    with torch.enable_grad():
        seen = measured(kinds[name], x, A, law, seed)
        make = lambda: setting(problem)[3]  # noqa: E731
        f, evals = train(make, kinds[name], seen, where, seed, steps=steps, **options)
    f, (x, A) = f.eval(), scenes(problem, "test")
    y = A(x) if law is None else law(A(x), generator=stream(seed, "test noise"))
    test = data.Measurements(y, A[:]).to(where)
    found = {"rmse": [], "estimate": []} | {m: [] for m in methods(problem)}
    for items in torch.arange(len(x)).split(16):
        y, A = test.batch(items)
        found["rmse"].append((f(y, A).cpu() - x[items]).flatten(1).square().mean(1).sqrt())
        for method, G in (("equivariant", group), ("parametric", None)):
            draw = stream(seed, f"{method} {int(items[0])}")
            e = uncertainty.bootstrap(f, y, A, G, law, draws, draw).cpu()
            found[method].append(torch.stack([uncertainty.radius(e, v) for v in LEVELS]))
        if problem in COMPLETE:
            found["estimate"].append(risk(f, y, A, law, stream(seed, f"risk {int(items[0])}")))
    rmse = torch.cat(found["rmse"])
    radii = {m: torch.cat(found[m], 1) for m in ("equivariant", "parametric")}
    if problem in COMPLETE:
        estimate, rho = torch.cat(found["estimate"]), radii["equivariant"]
        radii["calibrated"] = torch.stack(
            [uncertainty.calibrate(r, estimate, v) for r, v in zip(rho, LEVELS, strict=True)]
        )
    return evals | {
        "rmse": rmse.tolist(),
        "radii": {method: rho.tolist() for method, rho in radii.items()},
        "psnr": (-20 * rmse.log10()).tolist(),
    }


def risk(f, y, A, law, generator, probes=2):
    """An estimate of each image's RMSE from y alone, SURE^½ of the mean of `probes`; A = I."""
    sure = losses.SURE(law).eval()
    values = [sure.entries(f, y, A, generator=generator).flatten(1).mean(1) for _ in range(probes)]
    return (sum(values) / probes).clamp_min(0).sqrt().cpu()


def measure(scale, seeds, json_path=None):
    """All rows. Returns {"meta", "rows"}."""
    cells = [(problem, name) for problem, names in NETWORKS.items() for name in names]
    runs = {c: [(*c, STEPS[scale], DRAWS[scale], seed) for seed in seeds] for c in cells}
    results, meta = sweep(one, runs, scale, seeds, json_path)
    rows = [row(*cell, m, ours, DRAWS[scale]) for cell, ours in results.items()
            for m in methods(cell[0])]  # fmt: skip
    return {"meta": meta, "rows": rows}


def row(problem, name, method, results, draws):
    """One row, from the results of all seeds."""
    rmse = torch.tensor([r["rmse"] for r in results])[:, None]  # seed, level, image
    rho = torch.tensor([r["radii"][method] for r in results])
    covered, at = rmse <= rho, LEVELS.index(LEVEL)
    low, high = interval(int(covered[:, at].sum()), covered[:, at].numel())
    psnr, ci95 = metrics.interval(torch.tensor([r["psnr"] for r in results]).mean(0))
    return {
        "problem": problem, "network": name, "method": method, "seeds": len(results),
        "images": rmse.shape[2], "coverage": float(covered[:, at].double().mean()),
        "coverage_ci95": [low, high], "ratio": float((rho / rmse)[:, at].mean()),
        "ratio_std": float((rho / rmse)[:, at].std()),
        "levels": {str(v): float(c) for v, c in
                   zip(LEVELS, covered.double().mean((0, 2)), strict=True)},
        "psnr_db": psnr, "ci95_db": ci95, "draws": draws, "test_evals": 1 + draws,
    }  # fmt: skip


def interval(count, n):
    """The exact (Clopper-Pearson) 95 % interval of a probability, from `count` of n."""
    from scipy.stats import binomtest

    return list(binomtest(count, n).proportion_ci(0.95))


def show(table):
    """Print a line for each row, shares in per cent."""
    print(f"{'problem':<16}{'network':<22}{'bootstrap':<13}{'PSNR dB':>8}{'images':>8}"
          f"{'covered':>9}{'95 %':>13}{'ρ/RMSE':>8}{'±':>6}")  # fmt: skip
    for r in table["rows"]:
        low, high = (100 * v for v in r["coverage_ci95"])
        print(f"{r['problem']:<16}{r['network']:<22}{r['method']:<13}{r['psnr_db']:>8.2f}"
              f"{r['images']:>8}{100 * r['coverage']:>7.0f} %{low:>7.0f} to {high:>2.0f}"
              f"{r['ratio']:>8.2f}{r['ratio_std']:>6.2f}")  # fmt: skip
    print(f"{table['rows'][0]['draws']} draws, so many evaluations of f for an image and one; of "
          f"{LEVEL:.0%} regions; ρ/RMSE: mean and standard deviation over images.")  # fmt: skip
    report.about(table["meta"])
