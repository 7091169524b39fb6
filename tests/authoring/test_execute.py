"""Running lessons: what is kept, when it is used again, and how a failure is told."""

import os
import subprocess
import sys

import nbformat
import pytest
from tiny import LESSON, course

from course_lib.authoring import AuthoringError, execute, notebooks, report


def run(root, scale="quick"):
    return execute.run(root, scale, package=root / "package")


@pytest.fixture
def fast(monkeypatch):
    """Count executions instead of starting kernels."""
    runs = []

    def pretend(notebook, folder, scale):
        runs.append(folder)

    monkeypatch.setattr(execute, "execute", pretend)
    return runs


def test_a_lesson_runs_in_its_folder_at_its_scale_and_prints_its_figures(tmp_path, capsys):
    source = course(tmp_path)
    (result,) = run(tmp_path, "full")
    assert (result.status, result.claims, result.error) == ("ran", 2, None)
    assert capsys.readouterr().out.startswith("[1/1] 1.1 Tiny … ")
    kept = nbformat.read(execute.executed(tmp_path, source), as_version=4)
    written = notebooks.complete(source, tmp_path)
    assert [cell.id for cell in kept.cells] == [cell.id for cell in written.cells]
    table = report.table([result])
    assert "lesson" in table and "1.1 Tiny" in table and "scale full" in table
    assert list((tmp_path / "_build").rglob("*.partial")) == []


def test_nothing_runs_twice(tmp_path, fast):
    course(tmp_path)
    assert run(tmp_path)[0].status == "ran"
    assert run(tmp_path)[0].status == "cached"
    assert len(fast) == 1


def edit_code(root):
    source = root / "solutions" / "part1" / "1_1_tiny.md"
    source.write_text(LESSON.replace("math.pi > 3", "math.pi < 4"), encoding="utf-8")


def edit_package(root):
    (root / "package" / "losses.py").write_text("factor = 1\n", encoding="utf-8")


def add_data(root):
    (root / "package" / "photos.npz").write_bytes(b"pixels")


@pytest.mark.parametrize("change", [edit_code, edit_package, add_data])
def test_a_change_of_code_package_or_data_runs_again(tmp_path, fast, change):
    course(tmp_path)
    run(tmp_path)
    change(tmp_path)
    assert run(tmp_path)[0].status == "ran"


def test_a_change_of_scale_or_version_runs_again(tmp_path, fast, monkeypatch):
    course(tmp_path)
    run(tmp_path)
    assert run(tmp_path, "full")[0].status == "ran"
    monkeypatch.setattr(execute, "version", lambda name: "0.0")
    assert run(tmp_path, "full")[0].status == "ran"


def edit_prose(root):
    source = root / "solutions" / "part1" / "1_1_tiny.md"
    source.write_text(LESSON.replace("Plain.", "Simple."), encoding="utf-8")


def edit_tools(root):
    (root / "package" / "authoring" / "site.py").write_text("", encoding="utf-8")


@pytest.mark.parametrize("change", [edit_prose, edit_tools])
def test_a_change_of_prose_or_of_the_authors_tools_does_not(tmp_path, fast, change):
    course(tmp_path)
    run(tmp_path)
    change(tmp_path)
    assert run(tmp_path)[0].status == "cached"


DAMAGE = {
    "half": lambda whole: whole[: len(whole) // 2],
    "inside a character": lambda whole: whole.replace(b"Plain.", "é".encode()[:1]),
    "empty": lambda whole: b"",
    "zeros": lambda whole: bytes(len(whole)),
    "a list": lambda whole: b"[]",
    "no cells": lambda whole: b'{"nbformat": 4, "nbformat_minor": 5}',
    "another key": lambda whole: whole.replace(b'"key"', b'"kez"'),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_file_is_not_taken_for_an_execution(tmp_path, fast, damage):
    path = execute.executed(tmp_path, course(tmp_path))
    run(tmp_path)
    path.write_bytes(damage(path.read_bytes()))
    assert run(tmp_path)[0].status == "ran"
    assert run(tmp_path)[0].status == "cached"


def test_an_interrupted_write_leaves_the_old_file_and_no_other(tmp_path, fast, monkeypatch):
    source = course(tmp_path)
    run(tmp_path)
    path = execute.executed(tmp_path, source)
    before = path.read_bytes()

    def interrupted(*paths):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, "full")
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_a_failure_names_cell_line_and_error_and_the_others_still_run(tmp_path):
    source = course(tmp_path, LESSON.replace("math.pi > 3", "math.pi > 4, 'pi is small'"))
    other = source.with_name("1_2_other.md")
    other.write_text("# 1.2 Other\n\n```{code-cell} python\nx = 1\n```\n", encoding="utf-8")
    command = [sys.executable, "-m", "course_lib.cli", "run"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1, done.stderr
    assert "this cell failed in its line 2:" in done.stdout
    assert "    assert math.pi > 4, 'pi is small'\n  AssertionError: pi is small" in done.stdout
    assert "[2/2] 1.2 Other" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    assert not execute.executed(tmp_path, source).exists()
    assert execute.executed(tmp_path, other).exists()


def test_a_kernel_that_dies_is_told_too(tmp_path):
    course(tmp_path, LESSON.replace("assert math.sqrt(4.0) == 2.0", "os._exit(1)"))
    (result,) = run(tmp_path)
    assert result.status == "FAILED"
    assert "os._exit(1)" in result.error and "Kernel died" in result.error


def test_an_unknown_scale_is_refused(tmp_path):
    course(tmp_path)
    with pytest.raises(AuthoringError, match="'huge' is unknown"):
        run(tmp_path, "huge")


def pytest_nbval(root, env_scale, monkeypatch):
    """nbval over the course in `root`, in a process of its own, as `make test` calls it."""
    monkeypatch.setenv("COURSE_SCALE", env_scale)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "course_lib.authoring.capture"]
    command += ["--nbval-lax", "--nbval-current-env", "solutions"]
    return subprocess.run(command, cwd=root, capture_output=True, text=True)


WIDGET = """
```{code-cell} python
import ipywidgets
ipywidgets.IntSlider(3)
```
"""


def test_what_nbval_ran_is_not_run_again(tmp_path, monkeypatch):
    source = course(tmp_path, LESSON + WIDGET)
    notebooks.write(tmp_path)
    done = pytest_nbval(tmp_path, "full", monkeypatch)
    assert done.returncode == 0, done.stdout
    (result,) = execute.run(tmp_path, "full")  # the key of the real package, as nbval has it
    assert result.status == "cached" and result.seconds > 0
    assert "scale full" in report.table([result])
    kept = nbformat.read(execute.executed(tmp_path, source), as_version=4)
    nbformat.validate(kept)
    state = kept.metadata.widgets["application/vnd.jupyter.widget-state+json"]["state"]
    assert "IntSliderModel" in {model["model_name"] for model in state.values()}
    shown = [c for c in kept.cells if "IntSlider" in c.source][0].outputs[0]
    assert shown.data["application/vnd.jupyter.widget-view+json"]["model_id"] in state


def test_a_notebook_that_fails_under_nbval_is_not_kept(tmp_path, monkeypatch):
    source = course(tmp_path, LESSON.replace("math.pi > 3", "math.pi > 4"))
    notebooks.write(tmp_path)
    assert pytest_nbval(tmp_path, "quick", monkeypatch).returncode == 1
    assert not execute.executed(tmp_path, source).exists()
