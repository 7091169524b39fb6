"""How a measured table is printed, written and dated."""

import json
import os
import platform
from importlib.metadata import version
from pathlib import Path

import torch

COLUMNS = {
    "problem": "problem",
    "method": "method",
    "seeds": "seeds",
    "psnr_db": "PSNR dB",
    "ci95_db": "± 95 %",
    "ssim": "SSIM",
    "gap_db": "gap dB",
    "gap_ci95_db": "± 95 %",
    "train_evals": "evals train",
    "test_evals": "test",
    "s_per_step": "s/step",
}


def meta(scale, device, seeds, seconds):
    """What a reader needs to judge or repeat a table."""
    return {
        "scale": scale,
        "device": str(device),
        "processor": torch.cuda.get_device_name() if device == "cuda" else platform.machine(),
        "seeds": list(seeds),
        "seconds": round(seconds, 1),
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "numpy": version("numpy"),
            "course_lib": version("course-lib"),
        },
    }


def show(table):
    """Print the rows of a table in aligned columns, then UNSURE beside its theory."""
    rows = [[_cell(row.get(key)) for key in COLUMNS] for row in table["rows"]]
    lines = [list(COLUMNS.values()), *rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(COLUMNS))]
    for line in lines:
        first = [cell.ljust(w) for cell, w in zip(line[:2], widths[:2], strict=True)]
        rest = [cell.rjust(w) for cell, w in zip(line[2:], widths[2:], strict=True)]
        print("  ".join(first + rest))
    if table["unsure"]["excess_db"] is not None:
        unsure = table["unsure"]
        print(
            f"UNSURE beside its theory, with the supervised error for MMSE. On the photographs of "
            f"training, new noise: {unsure['excess_db']:+.3f} dB from MMSE/(1 − MMSE/σ²), "
            f"η = {unsure['eta_ratio']:.3f} σ²/(1 − MMSE/σ²). On the test photographs: "
            f"{unsure['test_excess_db']:+.3f} dB from MMSE + (η/σ² − 1)² (σ² − MMSE)."
        )
    about(table["meta"])


def about(meta):
    """Print the last line of a table: where its figures come from."""
    print(
        f"scale {meta['scale']}, seeds {meta['seeds']}, {meta['device']} "
        f"(one thread a network on the CPU), {meta['seconds']:.0f} s, "
        f"torch {meta['versions']['torch']}"
    )


def write(table, path):
    """Write the table as JSON, beside the target first, so that no partial file appears."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    temporary.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")
    os.replace(temporary, path)


def _cell(value):
    if value is None or value != value:
        return "–"
    return f"{value:.3f}" if isinstance(value, float) else str(value)
