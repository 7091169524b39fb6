"""What a stopped table's results depend on: all code that they run, and not much else."""

import ast
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from course_lib.experiments import denoising, fingerprint, held_out, incomplete

TABLES = ("denoising", "denoising_more", "incomplete", "incomplete_own", "units", "no_free_lunch",
          "held_out", "sample_complexity", "denoising_budget")  # fmt: skip


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """A copy of the package's code."""
    root = tmp_path_factory.mktemp("copy") / "course_lib"
    for path in [*fingerprint.PACKAGE.rglob("*.py"), fingerprint.PACKAGE / fingerprint.PACKS]:
        copy = root / path.relative_to(fingerprint.PACKAGE)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    return root


def edited(package, tmp_path, name):
    """A copy in which one module has one more line."""
    shutil.copytree(package, tmp_path / "course_lib")
    path = fingerprint._file(tmp_path / "course_lib", name)
    path.write_text(path.read_text() + "\nMORE = 1\n")
    return tmp_path / "course_lib"


OTHERS = {
    "denoising": ("data.scanner", "losses.ssdu", "losses", "operators.radon", "viz.figures", "cli",
                  "experiments.incomplete", "exercises.lesson_2_1", "authoring.site"),
    "incomplete": ("data.scanner", "losses.r2r", "losses.noise2void", "noise.poisson",
                   "experiments.incomplete_own", "models.dncnn", "viz.widgets"),
}  # fmt: skip


USED = {
    "denoising": ("losses.sure", "losses.base", "noise.gamma", "training", "_random"),
    "incomplete": ("losses.ssdu", "operators.solve", "operators.masks", "models.unrolled"),
}  # fmt: skip


@pytest.mark.parametrize("table, other", [(t, o) for t in OTHERS for o in OTHERS[t]])
def test_an_edit_of_what_a_table_does_not_use_keeps_its_results(table, other, package, tmp_path):
    name, root = f"experiments.{table}", edited(package, tmp_path, other)
    assert fingerprint.code(name, root) == fingerprint.code(name, package)


@pytest.mark.parametrize("table, used", [(t, m) for t in USED for m in USED[t]])
def test_an_edit_of_what_it_uses_does_not(table, used, package, tmp_path):
    name = f"experiments.{table}"
    assert used in fingerprint.modules(name, package)
    assert fingerprint.code(name, edited(package, tmp_path, used)) != fingerprint.code(
        name, package
    )


def test_other_data_are_another_table(package, tmp_path):
    root = edited(package, tmp_path, "data.scanner")
    packs = root / fingerprint.PACKS
    packs.write_text(packs.read_text().replace("1", "2"))
    name = "experiments.denoising"
    assert fingerprint.code(name, root) != fingerprint.code(name, package)


def executed(run):
    """The files of the package whose functions a run calls."""
    seen = set()

    def trace(frame, event, argument):
        seen.add(frame.f_code.co_filename)

    threading.setprofile(trace), sys.setprofile(trace)
    try:
        run()
    finally:
        threading.setprofile(None), sys.setprofile(None)
    return {Path(name) for name in seen if Path(name).is_relative_to(fingerprint.PACKAGE)}


@pytest.mark.parametrize("table, cell", [
    (denoising, ("poisson", "SURE")), (denoising, ("gaussian", "UNSURE")),
    (incomplete, ("MRI ×4, σ = 0.05", "ENSURE")), (incomplete, ("inpainting", "MOI")),
    (held_out, ("MRI ×2", "RobustSSDU sure")), (held_out, ("denoising", "BlindSpotSURE")),
])  # fmt: skip
def test_all_code_that_a_run_calls_counts(table, cell, monkeypatch):
    for module in (incomplete, held_out):
        monkeypatch.setattr(module, "STEPS", {"quick": 2})
    monkeypatch.setattr(incomplete, "SIZE", {"quick": 32})
    monkeypatch.setattr(held_out, "IMAGES", 8), monkeypatch.setattr(held_out, "GROUPS", 4)
    monkeypatch.setattr(denoising, "BUDGET", {"quick": 2})
    real = denoising.data.load
    monkeypatch.setattr(
        denoising.data, "load", lambda n, s, size: real(n, s, size)[: 2 if size == 256 else None]
    )
    monkeypatch.setattr(denoising, "SEEN", [0, 1])
    name = table.__name__.partition(".")[2]
    counted = {fingerprint._file(fingerprint.PACKAGE, m) for m in fingerprint.modules(name)}
    called = executed(lambda: table.one(*cell, 0, "quick", "cpu"))
    packages = {path for path in called if path.name == "__init__.py"}  # their lazy attributes
    assert len(called) > 10 and called - packages <= counted


def test_a_name_is_found_where_it_is_defined():
    found = fingerprint.modules("experiments.denoising")
    assert "losses" not in found and "losses.sure" in found and "data.packs" in found
    assert {"losses", "losses.virtual"} <= fingerprint.modules("losses")  # as a whole


@pytest.mark.parametrize("table", TABLES)
def test_every_table_depends_on_how_f_is_trained(table):
    found = fingerprint.modules(f"experiments.{table}")
    assert {"training", "evaluation", "experiments.sweep", "losses.base", "models.unet"} <= found


def test_a_fingerprint_is_the_same_in_another_process(monkeypatch):
    """No address of a function, no order of a set."""
    code = (
        "from course_lib.experiments import fingerprint\n"
        "fingerprint.code = lambda name: 'the same files'\n"
        "print(*map(fingerprint.fingerprint, ('course_lib.experiments.no_free_lunch',\n"
        "    'course_lib.experiments.denoising')))"
    )
    monkeypatch.setattr(fingerprint, "code", lambda name: "the same files")
    run = [sys.executable, "-c", code]
    found = subprocess.run(run, capture_output=True, text=True, check=True).stdout.split()
    for name, digits in zip(("no_free_lunch", "denoising"), found, strict=True):
        assert digits == fingerprint.fingerprint(f"course_lib.experiments.{name}")
        assert len(digits) == 16


def test_words_do_not_count_as_code_and_numbers_do():
    source = 'def f(x):\n    """Twice."""\n    return 2 * x  # twice\n'
    bare = fingerprint.bare(source)
    assert bare == fingerprint.bare(source.replace("Twice", "Two").replace("  # twice", ""))
    assert bare != fingerprint.bare(source.replace("2 *", "3 *"))
    ast.parse(fingerprint.bare('class A:\n    """Nothing more."""\n'))
