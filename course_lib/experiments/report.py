"""How a measured table is printed, written and dated."""

import json
import platform
from importlib.metadata import version
from pathlib import Path

import torch

from .. import _files, metrics
from . import gallery
from .store import beside

COLUMNS = {  # what is printed of a row, where it has it
    "problem": "problem", "method": "method", "N": "N", "seeds": "seeds", "psnr_db": "PSNR dB",
    "ci95_db": "± 95 %", "ssim": "SSIM", "hidden_db": "hidden dB", "gap_db": "gap dB",
    "gap_ci95_db": "± 95 %", "train_evals": "evals train", "test_evals": "test", "mse": "error",
    "ci95_mse": "± 95 %", "theory": "closed form", "score": "score", "score_error": "± 1 s.e.",
    "risk": "risk", "z": "z", "scores": "select takes it", "tested": "SURE of used",
    "tested_z": "z", "ms": "ms", "reference": "beside", "reference_ms": "ms",
    "their_ms": "theirs, ms", "ratio": "ratio", "s_per_step": "s/step",
}  # fmt: skip


def meta(scale, device, seeds, seconds, versions=None):
    """What a reader needs to judge or repeat a table; versions: of torch, if not only this one."""
    return {
        "scale": scale,
        "device": str(device),
        "processor": torch.cuda.get_device_name() if device == "cuda" else platform.machine(),
        "seeds": list(seeds),
        "seconds": round(seconds, 1),
        "versions": {
            "python": platform.python_version(),
            "torch": versions or torch.__version__,
            "numpy": version("numpy"),
            "course_lib": version("course-lib"),
        },
    }


def show(table):
    """Print the rows of a table in aligned columns, then where they come from."""
    keys = [key for key in COLUMNS if any(key in row for row in table["rows"])]
    rows = [[_cell(row.get(key)) for key in keys] for row in table["rows"]]
    lines = [[COLUMNS[key] for key in keys], *rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(keys))]
    for line in lines:
        first = [cell.ljust(w) for cell, w in zip(line[:2], widths[:2], strict=True)]
        rest = [cell.rjust(w) for cell, w in zip(line[2:], widths[2:], strict=True)]
        print("  ".join(first + rest))
    about(table["meta"])


def scores(x_hat, x):
    """What a result says of each of its test images."""
    return {"psnr": metrics.psnr(x_hat, x).tolist(), "ssim": metrics.ssim(x_hat, x).tolist()}


def row(problem, method, ours, reference):
    """One row of a table, from two lists of results, one a seed.

    PSNR and SSIM with intervals over test images; the gap to `reference`, None where there is none,
    with one over seeds. picture_db: of the two images whose pictures are kept.
    """
    ssim, ci95_ssim = metrics.interval(torch.tensor([r["ssim"] for r in ours]).mean(0))
    found = {"method": method, "problem": problem, **against(ours, reference), "ssim": ssim,
             "ci95_ssim": ci95_ssim, **counts(ours)}  # fmt: skip
    first = ours[0]
    return found | ({"picture_db": first["picture_db"]} if "picture_db" in first else {})


def against(ours, reference):
    """PSNR with its interval over test images, and the gap with that over seeds."""
    psnr = torch.tensor([r["psnr"] for r in ours])
    found = dict(zip(("psnr_db", "ci95_db"), metrics.interval(psnr.mean(0)), strict=True))
    gap = ci95 = None
    if reference is not None:
        other = torch.tensor([r["psnr"] for r in reference])
        gap, ci95 = metrics.interval((other - psnr).mean(1))
    return found | {"gap_db": gap, "gap_ci95_db": ci95 if len(ours) > 1 else None}


def counts(ours):
    """How many seeds there are, what a step costs, and how often f is evaluated."""
    times = [r["s_per_step"] for r in ours]
    return {
        "seeds": len(ours),
        **{k: ours[0][k] for k in ("train_evals", "test_evals")},
        "s_per_step": None if None in times else sum(times) / len(times),
    }


def about(meta):
    """Print the last line of a table: where its figures come from."""
    print(
        f"scale {meta['scale']}, seeds {meta['seeds']}, {meta['device']} "
        f"(one thread a network on the CPU), {meta['seconds']:.0f} s, "
        f"torch {meta['versions']['torch']}"
    )


def write(table, path):
    """Write the table as JSON, whole or not at all."""
    _files.write(path, (json.dumps(table, indent=1) + "\n").encode())


def check(path):
    """Refuse, before any work, a path where `write` could not put the table and what is beside."""
    path = Path(path)
    if path.is_dir():
        raise ValueError(f"{path} is a folder; name a file in it, e.g. {path / 'table.json'}.")
    if what := {".jsonl": "finished runs", ".npz": "pictures"}.get(path.suffix.lower()):
        raise ValueError(
            f"{path} is where {what} are kept; name the table {path.with_suffix('.json')}."
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    _files.check(path), _files.check(gallery.path(path))
    if (kept := beside(path)).exists():
        if not kept.is_file():
            raise ValueError(f"{kept}, for the finished runs, is no file; name another table.")
        open(kept, "ab").close()


def _cell(value):
    if value is None or value != value:
        return "–"
    if not isinstance(value, float):
        return str(value)
    return f"{value:.3f}" if value == 0 or abs(value) >= 0.01 else f"{value:.2e}"
