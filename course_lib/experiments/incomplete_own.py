"""`course table incomplete --kspace FOLDER` or `--images FOLDER`: the table on the reader's files.

Networks, steps and learning rates are those of the table; files of the test are others than those
of training (`own.files`). PSNR and SSIM are against the file's own target, or else the image of
complete measurements. Where there is neither, a score needs no truth: of each test slice a fifth of
the measured columns is hidden from the reconstruction and predicted by it, and "hidden dB" is
10 log₁₀ of their energy over that of the error. It stays below the signal-to-noise ratio of these
columns, and ranks the methods on fewer columns than they were given.
"""

import functools

import torch

from .. import data, losses, metrics
from .._random import stream
from ..operators import masks
from . import incomplete, own, own_scores, report
from .sweep import sweep

SEEDS, show = incomplete.SEEDS, incomplete.show
PROBLEMS = {"images": "inpainting", "kspace": "MRI ×4"}  # whose settings are taken
SCORES = {
    "truth": "PSNR and SSIM against the image of complete measurements.",
    "target": "PSNR and SSIM against the target of the files.",
    "hidden": "No truth: hidden dB is the energy of hidden columns over that of their error.",
}


def measure(scale, seeds, json_path, kind, folder):
    """All rows. Returns {"meta", "rows"}."""
    own.recorded.cache_clear()  # the files may have changed
    digest = own.digest(kind, folder)
    for split in ("train", "test"):
        own.recorded(kind, folder, split)  # what is wrong with the files is told before the work
    runs = {name: [(name, seed, scale, digest) for seed in seeds] for name in methods(kind, folder)}
    results, meta = sweep(functools.partial(one, kind, folder), runs, scale, seeds, json_path)
    files = {split: len(paths) for split, paths in own.files(kind, folder).items()}
    meta |= {"files": files, "scores": SCORES[scored(kind, folder)]}
    return {"meta": meta, "rows": [row(kind, name, results) for name in results]}


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
    found = {"zero-filled": None} | ({} if train.x is None else {"Supervised": losses.Supervised()})
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


def one(kind, folder, name, seed, scale, digest, where):
    """Train one network, unless there is no loss, and score it on the files of the test."""
    train, test = (own.recorded(kind, folder, split) for split in ("train", "test"))
    problem, loss = PROBLEMS[kind], methods(kind, folder)[name]
    measurements = data.Measurements(train.y, train.A[:])
    if loss is not None and loss.needs_x:
        measurements = data.Pairs(train.x, train.A[:], None)
        measurements.tensors[0] = train.y  # as recorded
    f, result = incomplete.fit(problem, loss, measurements, seed, scale, where)
    if scored(kind, folder) == "hidden":
        return result | {"hidden_db": own_scores.hidden(f, loss, test, where)}
    return result | own_scores.against(f, loss, test, where)


def row(kind, name, results):
    """One row: means over test images and seeds; the gap only where there is a supervised row."""
    ours, problem = results[name], f"own {kind}"
    if "hidden_db" not in ours[0]:
        return report.row(problem, name, ours, results.get("Supervised"))
    score, ci95 = metrics.interval(torch.tensor([r["hidden_db"] for r in ours]).mean(0))
    row = {"method": name, "problem": problem, "hidden_db": score, "ci95_db": ci95}
    return row | {"gap_db": None, "gap_ci95_db": None} | report.counts(ours)
