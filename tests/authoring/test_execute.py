"""Running lessons: what is kept, when it is used again, and how a failure is told."""

import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from tiny import LESSON, course

from course_lib.authoring import AuthoringError, execute, find_root, lessons, notebooks, report

ROOT = find_root(Path(__file__).parent)
BLOCK = "\n```{{code-cell}} python\n{}\n```\n"
NEEDS = ("three = square(3)", "assert three == 9")


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
        execute.save(notebooks.complete(source, tmp_path), path, "another key", 1.0)
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


def test_the_students_cells_run_after_the_complete_ones_and_are_not_kept(tmp_path):
    source = course(tmp_path, LESSON + BLOCK.format('print("solved", square(3))'))
    assert run(tmp_path)[0].status == "ran"
    kept = nbformat.read(execute.executed(tmp_path, source), as_version=4)
    assert "solved 9" in str(kept.cells) and "solved Ellipsis" not in str(kept.cells)
    assert "your code here" not in str(kept.cells)


def test_a_cell_that_needs_an_answer_fails(tmp_path):
    course(tmp_path, LESSON + "".join(BLOCK.format(code) for code in NEEDS))
    (result,) = run(tmp_path)
    assert result.status == "FAILED" and "assert three == 9" in result.error


def test_what_an_answer_reaches(tmp_path):
    """By names, through other cells; not what has the same word in a text or another scope."""
    cells = [
        "three = square(3)",
        "def f():\n    return three",
        "print('f')",
        "f()",
        "x = y = math.pi",
    ]
    blocks = "".join(f"\n```{{code-cell}} python\n{cell}\n```\n" for cell in cells)
    source = course(tmp_path, LESSON + blocks)
    both = notebooks.complete(source, tmp_path), notebooks.student(source, tmp_path)
    found = [cell.source for cell in notebooks.reached(*both)]
    assert "your code here" in found[0]
    assert found[1:] == [cells[0], cells[1], cells[3]]


@pytest.mark.parametrize("source", lessons(ROOT), ids=lambda path: path.stem)
def test_an_answer_reaches_its_check_and_nothing_else(source):
    """A student who runs all sees what the complete notebook shows."""
    both = notebooks.complete(source, ROOT), notebooks.student(source, ROOT)
    for cell in notebooks.reached(*both):
        exercise = "exercise" in cell.metadata.get("tags", [])
        assert exercise or cell.source.strip().split("\n")[-1].startswith("check("), cell.source


def test_nbval_is_there_when_it_is_asked_for(tmp_path):
    notebooks.write(course(tmp_path).parents[2])
    command = [sys.executable, "-m", "pytest", "-q", "-p", "course_lib.authoring.lean"]
    alone = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}  # no worker

    def run(*words):
        asked = [*command, *words]
        return subprocess.run(asked, cwd=tmp_path, capture_output=True, text=True, env=alone)

    for words in ([], ["-n", "1"]):
        done = run(*words, "--nbval-lax", "--nbval-current-env", "notebooks")
        assert done.returncode == 0, done.stdout + done.stderr
    assert "--nbval" not in run("--help").stdout
