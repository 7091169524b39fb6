"""The measured tables: methods × problems, each a command, `course table NAME`."""

import importlib
import json
from pathlib import Path

from . import report

__all__ = ["TABLES", "recorded", "run_table", "show"]

TABLES = ("denoising", "denoising-more", "sample-complexity", "no-free-lunch", "incomplete",
          "denoising-budget", "units", "held-out", "operators", "bench")  # fmt: skip
RECORDED = Path(__file__).parent / "recorded"


def run_table(name, scale="quick", seeds=None, json_path=None, own=None):
    """Measure the table `name`, print it, and write it to `json_path` when given.

    own: ("images" or "kspace", folder), the reader's own files, for the tables that take them.
    Returns {"meta": {...}, "rows": [...], ...}. Raises ValueError for an unknown name
    or scale, and for a `json_path` where no file can be.
    """
    _known(name)
    if scale not in ("quick", "full"):
        raise ValueError(f"scale is {scale!r}; use 'quick' or 'full'.")
    if json_path is not None:
        report.check(json_path)
    module, more = _module(name), {}
    if own is not None:
        if own[0] not in getattr(module, "OWN", ()):
            raise ValueError(f"the table {name} does not take --{own[0]}; incomplete does.")
        more["own"] = (own[0], str(own[1]))
    table = module.measure(scale, seeds, json_path, **more)
    if json_path is not None:
        report.write(table, json_path)
    show(name, table)
    return table


def show(name, table):
    """Print the table `name`."""
    getattr(_module(name), "show", report.show)(table)


def recorded(name, scale="quick"):
    """The run of the table `name` that is kept; its "meta" says at which scale, on which seeds.

    Of no-free-lunch two are kept: three seeds at `scale` quick, one at full.
    """
    _known(name)
    other = RECORDED / f"{name}-{scale}.json"
    path = other if other.exists() else RECORDED / f"{name}.json"
    if not path.exists():
        raise ValueError(f"no run of {name} is kept; measure one: course table {name}.")
    return json.loads(path.read_text(encoding="utf-8"))


def _module(name):
    return importlib.import_module(f".{name.replace('-', '_')}", __name__)


def _known(name):
    if name not in TABLES:
        raise ValueError(f"there is no table {name!r}; there is {', '.join(TABLES)}.")
