"""The measured tables: methods × problems, each a command, `course table NAME`."""

import importlib
import json
from pathlib import Path

from . import gallery, report

__all__ = ["TABLES", "pictures", "recorded", "run_table", "show"]

TABLES = ("denoising", "denoising-more", "sample-complexity", "no-free-lunch", "incomplete",
          "equivariance", "bootstrap",
          "denoising-budget", "units", "held-out", "operators", "bench")  # fmt: skip
RECORDED = Path(__file__).parent / "recorded"


def run_table(
    name: str, scale: str = "quick", seeds: int | None = None,
    json_path: str | Path | None = None, own: tuple | None = None,
) -> dict:  # fmt: skip
    """Measure a table and print it.

    Returns {"meta": {...}, "rows": [...], ...}. Raises ValueError for an unknown name or scale, and
    for a `json_path` where no file can be.

    Arguments:
        name: one of `experiments.TABLES`.
        scale: "quick", minutes on a CPU, or "full", for a GPU.
        seeds: how many; default None, as many as the table has at this scale, 1 or 3.
        json_path: a file for the table; default None, no file. Finished runs are kept beside it in
            a .jsonl, so that a table that was stopped goes on, and pictures in a .npz.
        own: ("images" or "kspace", folder), the reader's own files, for the table incomplete.

    Example:
        >>> experiments.run_table("denoise")
        Traceback (most recent call last):
        ValueError: there is no table 'denoise'; there is denoising, denoising-more, ...
    """
    _known(name)
    if scale not in ("quick", "full"):
        raise ValueError(f"scale is {scale!r}; use 'quick' or 'full'.")
    if own is not None and name != "incomplete":
        raise ValueError(f"the table {name} does not take --{own[0]}; incomplete does.")
    if json_path is not None:
        report.check(json_path)
    module = _module(name if own is None else "incomplete-own")
    count = seeds or getattr(module, "SEEDS", {}).get(scale, 1)
    table = module.measure(scale, range(count), json_path, *map(str, own or ()))
    album = table.pop("pictures", None)
    if json_path is not None:
        if album is not None:
            gallery.write(album, json_path)
        report.write(table, json_path)
    show(name, table)
    return table


def show(name: str, table: dict) -> None:
    """Print a table.

    Arguments:
        name: which table it is.
        table: as `run_table` and `recorded` return it.

    Example:
        >>> table = experiments.recorded("denoising-more")
        >>> experiments.show("denoising-more", table | {"rows": table["rows"][:1]})
        problem   method      seeds  PSNR dB ...
        gaussian  Supervised      3   27...
        scale full, seeds [0, 1, 2], ...
    """
    getattr(_module(name), "show", report.show)(table)


def recorded(name: str, scale: str = "quick") -> dict:
    """The run of a table that is kept; its "meta" says at which scale, on which seeds.

    Arguments:
        name: one of `experiments.TABLES`.
        scale: of no-free-lunch two are kept, three seeds at "quick", the default, one at "full".

    Example:
        >>> experiments.recorded("denoising")["meta"]["scale"]
        'full'
    """
    path = _kept(name, scale)
    if not path.exists():
        raise ValueError(f"no run of {name} is kept; measure one: course table {name}.")
    return json.loads(path.read_text(encoding="utf-8"))


def pictures(name: str, scale: str = "quick", json_path: str | Path | None = None) -> dict:
    """Two test images as every method of a table reconstructs them, seed 0, for `viz.pictures`.

    Returns {problem: {"x": (2, 1, H, W), "y": …, method: …}}, values in [0, 1], of 8 bits.
    Raises ValueError for a table without pictures.

    Arguments:
        name: one of `experiments.TABLES`.
        scale: as for `recorded`.
        json_path: the file of a table measured with `--json`; default None, the run that is kept.
    """
    path = _kept(name, scale) if json_path is None else json_path
    if not gallery.path(path).exists():
        raise ValueError(
            f"no pictures of {name} are kept; measure some: course table {name} --json FILE."
        )
    return gallery.read(path)


def _kept(name, scale):
    """Where the run of a table is kept."""
    _known(name)
    other = RECORDED / f"{name}-{scale}.json"
    return other if other.exists() else RECORDED / f"{name}.json"


def _module(name):
    return importlib.import_module(f".{name.replace('-', '_')}", __name__)


def _known(name):
    if name not in TABLES:
        raise ValueError(f"there is no table {name!r}; there is {', '.join(TABLES)}.")
