"""The measured tables: methods × problems, each a command, `course table NAME`."""

import importlib

TABLES = ("denoising",)


def run_table(name, scale="quick", seeds=None, json_path=None):
    """Measure the table `name`, print it, and write it to `json_path` when given.

    Returns {"meta": {...}, "rows": [...]}. Raises ValueError for an unknown name or scale.
    """
    from .report import show, write

    if name not in TABLES:
        raise ValueError(f"there is no table {name!r}; there is {', '.join(TABLES)}.")
    if scale not in ("quick", "full"):
        raise ValueError(f"scale is {scale!r}; use 'quick' or 'full'.")
    table = importlib.import_module(f".{name}", __name__).measure(scale, seeds)
    show(table)
    if json_path is not None:
        write(table, json_path)
    return table
