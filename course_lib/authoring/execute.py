"""Run the complete notebooks from top to bottom, once, and keep what they printed and drew.

An executed notebook lies in _build/executed/<part>/<lesson>.ipynb and says in its metadata under
which key it was made: a digest of its code, of the package's source and data, of the versions it
ran with and of the scale. While the key is the same, nothing runs again.
"""

import hashlib
import os
import platform
import re
import time
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from multiprocessing.pool import ThreadPool
from pathlib import Path

import nbformat

from course_lib import _files
from course_lib.authoring import AuthoringError, lessons, notebooks
from course_lib.authoring.report import claims, title

VERSIONS = ("torch", "numpy", "matplotlib", "ipywidgets")
# These make notebooks and pages; they do not run in a lesson.
NOT_IN_LESSONS = ("authoring", "cli.py", "__pycache__")


@dataclass
class Result:
    """What became of one lesson; `error` is None unless a cell failed."""

    lesson: str
    title: str
    seconds: float
    claims: int
    status: str
    path: Path
    error: str | None = None


def scale():
    """The scale that the environment asks for."""
    return os.environ.get("COURSE_SCALE", "quick")


def key(notebook, scale, package):
    """The digest under which an execution of `notebook` may be used again."""
    digest = hashlib.sha256()
    parts = [scale, platform.python_version(), *(f"{name} {version(name)}" for name in VERSIONS)]
    parts += [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    for part in parts:
        digest.update(part.encode() + b"\0")
    for path in sorted(package.rglob("*")):
        inner = path.relative_to(package)
        if path.is_file() and not set(inner.parts) & set(NOT_IN_LESSONS):
            digest.update(str(inner).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def executed(root, source):
    """Where the executed notebook of a lesson lies."""
    return root / "_build" / "executed" / source.parent.name / f"{source.stem}.ipynb"


def cached(path, wanted):
    """The executed notebook at `path` if it was made under the key `wanted`, otherwise None."""
    try:
        notebook = nbformat.read(path, as_version=4)
        return notebook if notebook.metadata.course.key == wanted else None
    except Exception:  # there is none, or it is damaged, in whatever way: the lesson runs again
        return None


def save(notebook, path, wanted, seconds):
    """Write an executed notebook with its key; a reader sees the old file or the whole new one."""
    notebook.metadata["course"] = {"key": wanted, "seconds": round(seconds, 1)}
    path.parent.mkdir(parents=True, exist_ok=True)
    _files.write(path, (nbformat.writes(notebook) + "\n").encode())


def run(root, scale, package=None):
    """Execute the lessons that have no valid execution yet, one on each core; a Result for each."""
    if scale not in ("quick", "full"):
        raise AuthoringError(f"The scale {scale!r} is unknown: set COURSE_SCALE to quick or full.")
    lesson = partial(_lesson, root, scale, package or Path(__file__).parents[1])
    sources, results = lessons(root), []
    with ThreadPool(os.cpu_count()) as pool:  # each waits for a kernel, a process of its own
        for result in pool.imap(lesson, sources):
            results.append(result)
            done = f"{result.seconds:.0f} s" if result.status == "ran" else result.status
            print(f"[{len(results)}/{len(sources)}] {result.title} … {done}", flush=True)
            if result.error:
                print(result.error, flush=True)
    return results


def _lesson(root, scale, package, source):
    """Run the complete notebook, then in the same kernel what a student's has in its place.

    Together they are what both notebooks hold: the cells that no answer reaches are the same.
    """
    notebook = notebooks.complete(source, root)
    cells, about = notebook.cells, (f"{source.parent.name}/{source.stem}", title(notebook))
    number = claims(notebook)
    notebook.cells = [*cells, *notebooks.reached(notebook, notebooks.student(source, root))]
    path, wanted = executed(root, source), key(notebook, scale, package)
    if (old := cached(path, wanted)) is not None:
        return Result(*about, old.metadata.course.seconds, number, "cached", path)
    start = time.perf_counter()
    error = execute(notebook, source.parent, scale)
    seconds = time.perf_counter() - start
    notebook.cells = cells
    if error is None:
        save(notebook, path, wanted, seconds)
    return Result(*about, seconds, number, "FAILED" if error else "ran", path, error)


def execute(notebook, folder, scale):
    """Run all cells in `folder`, in place; return None, or what failed and where."""
    from jupyter_client.kernelspec import NoSuchKernel
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, DeadKernelError

    last = {}  # the cell sent to the kernel last; a dying kernel may not have counted it

    def sent(cell, cell_index):
        last["cell"] = cell

    client = NotebookClient(
        notebook,
        timeout=None,
        on_cell_execute=sent,
        resources={"metadata": {"path": str(folder)}},
        extra_arguments=["--IPKernelApp.log_level=40"],  # errors, and no remarks on transport
    )
    try:
        client.execute(env={"OMP_NUM_THREADS": "1", **os.environ, "COURSE_SCALE": scale})
    except CellExecutionError as error:
        return _failure(last.get("cell"), f"{error.ename}: {error.evalue}".rstrip(": "))
    except (DeadKernelError, NoSuchKernel) as error:
        return _failure(last.get("cell"), str(error))
    return None


def _failure(cell, message):
    """The cell that ran last, as its author wrote it, the line in it, and the error."""
    if cell is None:
        return f"  no cell ran: {message}"
    code = "\n".join(f"    {line}" for line in cell.source.split("\n"))
    traces = [o.traceback for o in cell.outputs if o.output_type == "error"]
    text = re.sub(r"\x1b\[[\d;]*m", "", "\n".join(traces[-1])) if traces else ""
    line = re.search(r"^-+> (\d+) ", text, re.M)
    where = f" in its line {line[1]}" if line else ""
    return f"  this cell failed{where}:\n{code}\n  {message}"
