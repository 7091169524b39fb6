"""Finished runs survive a kill, and only what is missing runs again."""

import os

import pytest
import torch

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


def test_a_kill_in_the_middle_of_writing_leaves_what_was_there(tmp_path, monkeypatch):
    path = tmp_path / "table.jsonl"
    store = Store(path)
    store.put(("a",), 1)

    def killed(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        store.put(("b",), 2)
    assert Store(path).results == {("a",): 1}


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


def test_another_file_is_refused(tmp_path):
    path = tmp_path / "table.jsonl"
    path.write_text('{"key": ["a"], "torch": "2.0", "result": 1}\n[1, 2]\n')
    with pytest.raises(ValueError, match="line 2 of .* is not a kept result; delete the file"):
        Store(path)
    assert beside(tmp_path / "table.json") == path
