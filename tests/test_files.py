"""Files appear whole or not at all, under temporary names that are nobody else's."""

import errno
import os

import pytest

from course_lib import _files


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_written_and_replaced_and_nothing_else_is_left(tmp_path):
    for data in (b"one", b"", b"three"):
        _files.write(tmp_path / "a.pt", data)
        assert (tmp_path / "a.pt").read_bytes() == data and names(tmp_path) == ["a.pt"]


def test_it_reads_as_any_new_file_does(tmp_path):
    """Not for the owner alone, as the files of `tempfile` are."""
    (tmp_path / "plain").write_bytes(b"")
    _files.write(tmp_path / "a", b"")
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "plain").stat().st_mode


@pytest.mark.parametrize("fails", ["fsync", "replace"])
def test_what_fails_half_way_leaves_the_old_file_alone_and_says_so(tmp_path, monkeypatch, fails):
    (tmp_path / "a.pt").write_bytes(b"old")

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, fails, full)
    with pytest.raises(OSError, match=r"a.pt can't be written: the disk is full; make room"):
        _files.write(tmp_path / "a.pt", b"new")
    assert (tmp_path / "a.pt").read_bytes() == b"old" and names(tmp_path) == ["a.pt"]


def test_an_interrupt_leaves_the_old_file_alone(tmp_path, monkeypatch):
    (tmp_path / "a.pt").write_bytes(b"old")
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        _files.write(tmp_path / "a.pt", b"new")
    assert (tmp_path / "a.pt").read_bytes() == b"old" and names(tmp_path) == ["a.pt"]


@pytest.mark.parametrize("call", [_files.check, lambda path: _files.write(path, b"new")])
@pytest.mark.parametrize(
    "name, told",
    [
        ("missing/a.pt", "there is no folder .*missing; make it first"),
        ("folder", "a folder or device has this name"),
        ("pipe", "a folder or device has this name"),
        ("file/a.pt", "Not a directory"),
        (255 * "ä", "File name too long"),
    ],
)
def test_a_place_where_nothing_can_be_written_is_refused_in_a_sentence(tmp_path, call, name, told):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_bytes(b"")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match=f"can't be written: {told}"):
        call(tmp_path / name)
    assert names(tmp_path) == ["file", "folder", "pipe"]


def test_a_check_writes_nothing(tmp_path):
    (tmp_path / "a").write_bytes(b"old")
    _files.check(tmp_path / "a"), _files.check(str(tmp_path / "b"))
    assert names(tmp_path) == ["a"] and (tmp_path / "a").read_bytes() == b"old"


def test_temporary_names_are_its_own(tmp_path, monkeypatch):
    """Of any two targets, or two writes of one, and a link planted there is not followed."""
    used, replace = [], os.replace
    monkeypatch.setattr(os, "replace", lambda a, b: (used.append(a.name), replace(a, b)))
    for name in ("sigma_0.1", "sigma_0.3", "sigma_0.1", "a.tmp"):
        _files.write(tmp_path / name, b"")
    assert len(set(used)) == 4 and all(str(os.getpid()) in name for name in used)
    assert names(tmp_path) == ["a.tmp", "sigma_0.1", "sigma_0.3"]

    (tmp_path / "victim").write_bytes(b"mine")
    monkeypatch.setattr(_files.secrets, "token_hex", lambda n: "known")
    (tmp_path / f".a.{os.getpid()}.known.tmp").symlink_to(tmp_path / "victim")
    with pytest.raises(OSError, match="a can't be written: File exists"):
        _files.write(tmp_path / "a", b"new")
    assert (tmp_path / "victim").read_bytes() == b"mine" and not (tmp_path / "a").exists()
