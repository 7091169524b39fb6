"""`course table incomplete --kspace FOLDER` or `--images FOLDER`: the table on the reader's files.

Networks, steps and learning rates are those of the table; files of the test are others than those
of training (`own.files`). PSNR and SSIM are against the file's own target, or else the image of
complete measurements. Where there is neither, a score needs no truth: of each test slice a fifth of
the measured columns is hidden from the reconstruction and predicted by it, and "hidden dB" is
10 log₁₀ of their energy over that of the error. It stays below the signal-to-noise ratio of these
columns, and ranks the methods on fewer columns than they were given.
"""

import functools
import time

import torch
from tqdm.auto import tqdm

from .. import data, losses, metrics, training
from .._random import stream
from ..operators import masks
from . import incomplete, own, own_scores, parallel, report
from .store import Store, beside

PROBLEMS = {"images": "inpainting", "kspace": "MRI ×4"}  # whose settings are taken
SCORES = {
    "truth": "PSNR and SSIM against the image of complete measurements.",
    "target": "PSNR and SSIM against the target of the files.",
    "hidden": "No truth: hidden dB is the energy of hidden columns over that of their error.",
}


class Known:
    """(y, A, x): recorded measurements, and the images that complete ones gave."""

    def __init__(self, recorded):
        self.measurements, self.x = data.Measurements(recorded.y, recorded.A[:]), recorded.x

    def __len__(self):
        return len(self.x)

    def batch(self, indices, generator=None):
        """(y, A, x) of the images `indices`."""
        return *self.measurements.batch(indices, generator), self.x[indices]

    def to(self, device):
        self.measurements, self.x = self.measurements.to(device), self.x.to(device)
        return self


def measure(scale, seeds, json_path, kind, folder):
    """All rows. Returns {"meta", "rows"}; finished runs are kept beside `json_path`."""
    own.recorded.cache_clear()  # the files may have changed
    digest = own.digest(kind, folder)
    for split in ("train", "test"):
        own.recorded(kind, folder, split)  # what is wrong with the files is told before the work
    names, against = ["zero-filled", *methods(kind, folder)], scored(kind, folder)
    store = Store(beside(json_path), [__name__, own.__name__, incomplete.__name__])
    seeds = range(incomplete.SEEDS[scale] if seeds is None else seeds)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    runs = [(name, seed, scale, digest) for seed in seeds for name in names]
    missing = [run for run in runs if run not in store]
    done = parallel.results(functools.partial(_run, kind, folder, device), missing, device)
    for run, result in tqdm(done, total=len(missing), unit="network"):
        store.put(run, result)
    results = {name: [store[name, seed, scale, digest] for seed in seeds] for name in names}
    seconds = sum(store[run]["seconds"] for run in runs)
    meta = report.meta(scale, device, seeds, seconds, store.versions(runs))
    files = {split: len(paths) for split, paths in own.files(kind, folder).items()}
    meta |= {"files": files, "scores": SCORES[against]}
    return {"meta": meta, "rows": [row(kind, name, results) for name in names]}


def scored(kind, folder):
    """What there is to compare with: "target", "truth" or, where there is neither, "hidden"."""
    test = own.recorded(kind, folder, "test")
    if kind == "images" or (test.target is None and test.x is not None):
        return "truth"
    return "hidden" if test.target is None else "target"


def methods(kind, folder):
    """{name: loss} of the table, less those that need what the files do not have."""
    train = own.recorded(kind, folder, "train")
    if kind == "images":
        return incomplete.methods(PROBLEMS[kind], None)
    mask, naive = train.A.mask, losses.MeasurementConsistency()
    width, centre = mask.shape[-1], own.middle(mask)
    hidden = losses.columns(width, incomplete.HIDDEN, centre)
    alike = losses.columns(width, incomplete.HIDDEN, centre, float("inf"))
    found = {} if train.x is None else {"Supervised": losses.Supervised()}
    found |= {"MeasurementConsistency": naive, "SSDU": losses.SSDU(hidden)}
    if train.x is not None:  # the masks are drawn here, so that their density is known
        there = (train.y != 0).any(1, keepdim=True).amax((0, 1, 2))
        many = masks.gaussian((1, width), own.ACCELERATION, count=20_000, acquired=there.float(),
                              generator=stream(0, "density"))  # fmt: skip
        density = many.mean(0, keepdim=True)
        found["WeightedSSDU"] = losses.WeightedSSDU(hidden, density.where(density > 0, 1.0))
    found["Noise2Inverse"] = losses.Noise2Inverse(alike)
    if len(mask.flatten(1).unique(dim=0)) > 1:
        found |= {"MOI": naive + losses.MOI(), "MOI stop": naive + losses.MOI(stop=True)}
    return found


def _run(kind, folder, device, run):
    began = time.perf_counter()
    name, seed, scale, _ = run
    result = one(kind, folder, name, seed, scale, device)
    return result | {"seconds": round(time.perf_counter() - began, 2)}


def one(kind, folder, name, seed, scale, device="cpu"):
    """Train one network, unless `name` is zero-filled, and score it on the files of the test."""
    train, test = (own.recorded(kind, folder, split) for split in ("train", "test"))
    problem = PROBLEMS[kind]
    torch.manual_seed(seed)
    f, loss, spent = incomplete.network(problem).to(device), None, None
    if name != "zero-filled":
        loss = methods(kind, folder)[name].to(device)
        measurements = Known(train)
        if name != "Supervised":
            measurements = measurements.measurements
        spent = training.fit(
            f, loss, measurements.to(device), steps=incomplete.steps(problem, scale),
            batch=incomplete.BATCH[problem], lr=incomplete.RATE[problem], seed=seed, progress=False,
        ).seconds_per_step  # fmt: skip
    result = {"s_per_step": spent, "train_evals": loss.train_evals if loss else 0,
              "test_evals": loss.test_evals if loss else 0}  # fmt: skip
    if scored(kind, folder) == "hidden":
        return result | {"hidden_db": own_scores.hidden(f, loss, test, device)}
    return result | own_scores.against(f, loss, test, device)


def row(kind, name, results):
    """One row: means over test images and seeds; the gap only where there is a supervised row."""
    ours, times = results[name], [r["s_per_step"] for r in results[name]]
    shared = {"problem": f"own {kind}", "method": name, "seeds": len(ours)}
    if "hidden_db" in ours[0]:
        scores = torch.tensor([r["hidden_db"] for r in ours]).mean(0)
        shared |= dict(zip(("hidden_db", "ci95_db"), metrics.interval(scores), strict=True))
    else:
        shared |= report.against(ours, results.get("Supervised", ours))
        shared["ssim"] = float(torch.tensor([r["ssim"] for r in ours]).mean())
    if "Supervised" not in results:
        shared |= {"gap_db": None, "gap_ci95_db": None}
    return shared | {
        **{k: ours[0][k] for k in ("train_evals", "test_evals")},
        "s_per_step": None if None in times else sum(times) / len(times),
    }
