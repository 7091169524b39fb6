"""Finished runs survive a kill and a second writer, and only what is missing runs again."""

import json
import multiprocessing
import os
import resource
import warnings

import pytest
import torch

from course_lib.experiments import fingerprint, incomplete, report, store
from course_lib.experiments.store import Store, beside


def test_results_are_read_back(tmp_path):
    path = tmp_path / "new" / "table.jsonl"
    Store(path).put(("SURE", 3, 0.5), {"mse": 0.25})
    again = Store(path)
    assert ("SURE", 3, 0.5) in again and again["SURE", 3, 0.5] == {"mse": 0.25}
    assert ("SURE", 4, 0.5) not in again
    again.put(("SURE", 4, 0.5), {"mse": 0.5})
    assert len(Store(path).results) == 2
    assert [p.name for p in path.parent.iterdir()] == ["table.jsonl"]


def read(path):
    """A Store, and what it warned of."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        return Store(path), [str(w.message) for w in caught]


def test_a_line_that_a_kill_cut_is_reported_and_the_others_stay(tmp_path):
    """Cut after every byte: the first result is there, the second whole or reported."""
    path = tmp_path / "table.jsonl"
    for key in ("a", "b"):
        Store(path).put((key,), {"psnr": [1.5]})
    whole = path.read_bytes()
    first = whole.index(b"\n") + 1
    for size in range(first, len(whole)):
        path.write_bytes(whole[:size])
        kept, reported = read(path)
        assert kept["a",] == {"psnr": [1.5]}
        if ("b",) not in kept and size > first:
            assert reported == [f"line 2 of {path} was cut by a kill: that run is measured again."]
        else:
            assert reported == []
        kept.put(("b",), {"psnr": [2.5]})  # a new line, not the end of the cut one
        assert read(path)[0].results == {("a",): {"psnr": [1.5]}, ("b",): {"psnr": [2.5]}}


def write_many(path, name, count):
    kept = Store(path)
    for i in range(count):
        kept.put((name, i), {"psnr": [float(i)] * 2000})  # beyond the size of a buffer
        kept.put(("both", i), i)


def test_several_writers_of_one_file_lose_nothing(tmp_path):
    path, context = tmp_path / "table.jsonl", multiprocessing.get_context("fork")
    writers = [context.Process(target=write_many, args=(path, name, 25)) for name in "abcd"]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
        assert writer.exitcode == 0
    kept = Store(path)
    assert set(kept.results) == {
        (name, i) for name in ("a", "b", "c", "d", "both") for i in range(25)
    }
    assert kept["c", 24] == {"psnr": [24.0] * 2000}


def put_within(path, size):
    """No file may grow beyond `size`, as on a full disk."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    try:
        Store(path).put(("b",), "x" * size)
    except OSError as error:
        assert str(error) == f"{path} took only a part of a result: is the disk full?"
    else:
        raise AssertionError("no error")


def test_a_full_disk_is_told_and_costs_one_result(tmp_path):
    path = tmp_path / "table.jsonl"
    Store(path).put(("a",), 1)
    child = multiprocessing.get_context("fork").Process(target=put_within, args=(path, 100))
    child.start(), child.join()
    assert child.exitcode == 0
    kept, reported = read(path)
    assert kept.results == {("a",): 1} and "line 2" in reported[0]


def test_results_know_their_version_of_torch(tmp_path, monkeypatch):
    """A table that was finished on another machine says so."""
    path = tmp_path / "table.jsonl"
    monkeypatch.setattr(torch, "__version__", "2.1")
    Store(path).put(("a",), 1)
    monkeypatch.setattr(torch, "__version__", "2.0")
    store = Store(path)
    store.put(("b",), 2)
    assert Store(path).versions([("a",), ("b",)]) == "2.0, 2.1"
    assert store.versions([("a",)]) == "2.1"


def test_without_a_path_it_keeps_in_memory():
    store = Store(beside(None))
    store.put(("a",), 1)
    assert store["a",] == 1


OTHER = {
    "a list": "[1, 2]\n",
    "notes": "my notes",
    "no torch": '{"key": ["a"], "result": 1}\n',
    "nested": '{"key": [["a"]], "torch": "2.0", "result": 1}\n',
    "bytes": "\x00\x01\x02",
}


@pytest.mark.parametrize("text", OTHER.values(), ids=OTHER)
def test_another_file_is_refused_and_left_as_it_is(tmp_path, text):
    path = tmp_path / "table.jsonl"
    path.write_text('{"key": ["a"], "torch": "2.0", "result": 1}\n' + text)
    before = path.read_bytes()
    with pytest.raises(ValueError, match="line 2 of .* is not a kept result; take the line out"):
        Store(path)
    assert path.read_bytes() == before
    assert beside(tmp_path / "table.json") == path


def test_a_result_of_other_constants_or_code_is_not_used(tmp_path, monkeypatch):
    path, module = tmp_path / "table.jsonl", incomplete.__name__
    Store(path, module).put(("a",), 1)
    assert Store(path, module)["a",] == 1
    for name in ("RATE", "BATCH", "KEPT", "HIDDEN", "LAWS", "WIDTHS", "ACCELERATION"):
        with monkeypatch.context() as patch, pytest.warns(UserWarning, match="1 results .* other"):
            patch.setattr(incomplete, name, "another")
            assert ("a",) not in Store(path, module)
    with monkeypatch.context() as patch, pytest.warns(UserWarning, match="other code or settings"):
        patch.setattr(fingerprint, "code", lambda name: "another")
        other = Store(path, module)
        assert ("a",) not in other
        other.put(("a",), 2)
    with pytest.warns(UserWarning, match="1 results"):
        assert Store(path, module)["a",] == 1


def test_a_table_is_written_whole_and_no_planted_link_is_followed(tmp_path, monkeypatch):
    victim = tmp_path / "victim"
    victim.write_text("mine")
    for name in ("table.tmp", f"table.{os.getpid()}.tmp", "table.json.tmp"):
        (tmp_path / name).symlink_to(victim)
    report.write({"rows": []}, tmp_path / "table.json")
    assert json.loads((tmp_path / "table.json").read_text()) == {"rows": []}
    assert victim.read_text() == "mine"


def test_a_lock_that_the_folder_does_not_know_is_done_without(tmp_path, monkeypatch):
    def no_locks(*arguments):
        raise OSError("not supported")

    monkeypatch.setattr(store.fcntl, "flock", no_locks)
    Store(tmp_path / "table.jsonl").put(("a",), 1)
    assert Store(tmp_path / "table.jsonl")["a",] == 1
