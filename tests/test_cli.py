"""`course`: a mistake is one sentence, and it is told before the work."""

import errno
import json
import os

import pytest
from typer.testing import CliRunner

from course_lib import cli, experiments
from course_lib.authoring import execute
from course_lib.experiments import operators, parallel


def course(*words, **environment):
    """(exit code, what was printed); anything but a sentence and a clean exit fails here."""
    done = CliRunner().invoke(cli.app, [str(word) for word in words], env=environment)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert "Traceback" not in done.output
    return done.exit_code, " ".join(done.output.replace("│", " ").split())


def refused(*words, **environment):
    """The sentence of a command that fails."""
    code, said = course(*words, **environment)
    assert code in (1, 2), said
    return said


@pytest.fixture
def measured(monkeypatch):
    """A table that takes no time; the calls are listed."""
    calls = []

    def measure(scale, seeds, json_path):
        calls.append(scale)
        return {"meta": {}, "rows": []}

    monkeypatch.setattr(operators, "measure", measure)
    monkeypatch.setattr(operators, "show", lambda table: print("shown"), raising=False)
    return calls


def table(path, **more):
    return refused("table", "operators", "--json", path, **more)


def test_a_table_does_not_overwrite_the_store_of_its_runs(tmp_path, measured):
    for name in ("x.jsonl", "x.JSONL"):
        path = tmp_path / name
        path.write_text("kept\n")
        assert "is where finished runs are kept; name the table" in table(path)
        assert path.read_text() == "kept\n"
    assert measured == []


def test_where_no_table_can_be_written_is_told_before_the_work(tmp_path, measured):
    (tmp_path / "file").write_text("")
    (tmp_path / "runs.jsonl").mkdir()
    assert "is a folder; name a file in it" in table(tmp_path)
    assert "is a folder" in table("")
    assert "file" in table(tmp_path / "file" / "x.json")
    os.mkfifo(tmp_path / "queue.jsonl")
    for name in ("runs", "queue"):
        assert f"{name}.jsonl, for the finished runs, is no file" in table(tmp_path / name)
    os.mkfifo(tmp_path / "pipe")
    assert "can't be written" in table(tmp_path / "pipe")
    assert measured == []


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_a_folder_that_takes_no_file_is_told_before_the_work(
    tmp_path, measured, monkeypatch, number
):
    real = open

    def failing(path, mode="r", *more, **named):
        if "x" in mode:
            raise OSError(number, os.strerror(number), str(path))
        return real(path, mode, *more, **named)

    monkeypatch.setattr("builtins.open", failing)
    assert "x.json can't be written" in table(tmp_path / "x.json")
    assert measured == []


def test_a_table_is_written_before_it_is_shown(tmp_path, measured, monkeypatch):
    def no_letters(table):
        raise UnicodeEncodeError("ascii", "±", 0, 1, "no such letter")

    monkeypatch.setattr(operators, "show", no_letters, raising=False)
    path = tmp_path / "new" / "x.json"
    assert "Error" in table(path)
    assert json.loads(path.read_text()) == {"meta": {}, "rows": []}


def test_a_process_that_was_killed_is_one_sentence(measured, monkeypatch):
    def killed(*arguments):
        raise ChildProcessError("one of the 2 processes was killed.")

    monkeypatch.setattr(operators, "measure", killed)
    assert refused("table", "operators") == "Error: one of the 2 processes was killed."


def test_a_file_that_cannot_be_read_is_named(measured, monkeypatch):
    def unreadable(*arguments):
        raise PermissionError(errno.EACCES, "Permission denied", "/some/file")

    monkeypatch.setattr(operators, "measure", unreadable)
    assert refused("table", "operators") == "Error: /some/file: Permission denied."


def test_a_package_that_is_missing_is_named(measured, monkeypatch):
    def missing(*arguments):
        raise ModuleNotFoundError("No module named 'h5py'", name="h5py")

    monkeypatch.setattr(operators, "measure", missing)
    assert "h5py is missing: pip install -e '.[all]'" in refused("table", "operators")


def test_a_loss_that_diverged_is_one_sentence(measured, monkeypatch):
    def diverged(*arguments):
        raise RuntimeError("the loss is nan at step 7; lower lr = 1.")

    monkeypatch.setattr(operators, "measure", diverged)
    assert refused("table", "operators") == "Error: the loss is nan at step 7; lower lr = 1."


@pytest.mark.parametrize("command", [["run"], ["site"], ["table", "operators"]])
def test_an_unknown_scale_is_refused_before_the_work(command, measured, monkeypatch):
    monkeypatch.setattr(execute, "run", lambda *arguments: measured.append(arguments))
    for scale in ("huge", "Full", ""):
        assert "neither quick nor full" in refused(*command, "--scale", scale)
    assert "neither quick nor full" in refused(*command, COURSE_SCALE="huge")
    assert measured == []


@pytest.mark.parametrize("command", [["run"], ["site"], ["notebooks"], ["notebooks", "--check"]])
def test_outside_the_course_it_says_where_to_go(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "run this inside a clone of the course" in refused(*command)
    assert list(tmp_path.iterdir()) == []


def test_tables_work_outside_the_course(tmp_path, measured, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, said = course("table", "operators", "--json", "x.json")
    assert code == 0 and said == "shown" and (tmp_path / "x.json").exists()


def test_names_and_kept_runs(measured):
    assert "there is no table 'nothing'; there is denoising" in refused("table", "nothing")
    assert "leave the other options out" in refused(
        "table", "denoising", "--recorded", "--seeds", 2
    )
    kept = {path.stem for path in experiments.RECORDED.iterdir()}
    assert "operators" not in kept
    for name in experiments.TABLES:
        if name in kept:
            assert course("table", name, "--recorded")[0] == 0
        else:
            assert f"no run of {name} is kept" in refused("table", name, "--recorded")
    assert measured == []


def test_one_core_needs_no_processes(monkeypatch):
    monkeypatch.setattr(parallel, "cores", lambda: 1)
    assert list(parallel.results(str, [1, 2], "cpu")) == [(1, "1"), (2, "2")]
