"""The pictures beside a table: those of its rows, whole or not at all, and back again."""

import json

import pytest
import torch

from course_lib import data, experiments, losses, metrics
from course_lib.experiments import denoising, gallery, incomplete, parallel


def pair(seed, height=12, width=8):
    return torch.rand(2, 1, height, width, generator=torch.Generator().manual_seed(seed))


def test_pictures_come_back_to_half_a_grey_level(tmp_path):
    x, y = pair(0), pair(1) * 2 - 0.5  # noisy values are cut
    found = gallery.album({"MRI ×4": {"x": x}}, {("MRI ×4", "SSDU, a"): [gallery.kept(y, x), {}]})
    gallery.write(found, tmp_path / "table.json")
    assert [path.name for path in tmp_path.iterdir()] == ["table.npz"]
    back = gallery.read(tmp_path / "table.json")
    assert list(back) == ["MRI ×4"] and list(back["MRI ×4"]) == ["x", "SSDU, a"]
    assert (back["MRI ×4"]["x"] - x).abs().max() <= 0.5 / 255 + 1e-6
    assert (back["MRI ×4"]["SSDU, a"] - y.clamp(0, 1)).abs().max() <= 0.5 / 255 + 1e-6


def assert_their_own(table, shown):
    """Every row has its pictures, whose PSNR is what the row says of them, up to 8 bits."""
    for row in table["rows"]:
        these = shown[row["problem"]]
        own = metrics.psnr(these[row["method"]], these["x"])
        torch.testing.assert_close(own, torch.tensor(row["picture_db"]), atol=0.05, rtol=0)
    assert sum(len(these) for these in shown.values()) >= len(table["rows"]) + len(shown)


@pytest.fixture
def short(monkeypatch):
    """Two steps of two losses, one process."""
    real = data.load
    monkeypatch.setattr(
        data, "load", lambda *which: real(*which)[: 5 if which[-1] == 256 else None]
    )
    monkeypatch.setattr(parallel, "cores", lambda: 1)
    monkeypatch.setattr(denoising, "BUDGET", {"quick": 2})
    monkeypatch.setattr(denoising, "NOISES", {"gaussian": denoising.NOISES["gaussian"]})
    monkeypatch.setattr(denoising, "against_theory", lambda *_: {"excess_db": None})
    monkeypatch.setattr(denoising, "methods", lambda *_: {
        "Supervised": losses.Supervised(), "Noise2Noise": losses.Noise2Noise()})  # fmt: skip
    monkeypatch.setattr(incomplete, "STEPS", {"quick": 2})
    monkeypatch.setattr(incomplete, "SIZE", {"quick": 32})
    monkeypatch.setattr(incomplete, "methods", lambda *_: {
        "zero-filled": None, "Supervised": losses.Supervised()})  # fmt: skip


@pytest.mark.parametrize("name", ["denoising", "incomplete"])
def test_a_table_keeps_the_pictures_of_its_rows_beside_its_file(name, short, tmp_path):
    table = experiments.run_table(name, seeds=1, json_path=tmp_path / "mine.json")
    assert json.loads((tmp_path / "mine.json").read_text()) == table and "pictures" not in table
    shown = experiments.pictures(name, json_path=tmp_path / "mine.json")
    assert_their_own(table, shown)
    (tmp_path / "mine.npz").unlink()  # finished runs carry theirs
    experiments.run_table(name, seeds=1, json_path=tmp_path / "mine.json")
    again = experiments.pictures(name, json_path=tmp_path / "mine.json")
    for problem, these in shown.items():
        for key, image in these.items():
            assert torch.equal(again[problem][key], image)


def test_the_pictures_that_are_kept_are_those_of_the_rows():
    for path in experiments.RECORDED.glob("*.npz"):
        assert path.stat().st_size < 600_000
        assert_their_own(experiments.recorded(path.stem), experiments.pictures(path.stem))


def test_where_there_are_none_it_is_said(tmp_path):
    with pytest.raises(ValueError, match="no pictures of units are kept"):
        experiments.pictures("units")
    (tmp_path / "mine.npz").mkdir()
    with pytest.raises(OSError, match="mine.npz can't be written: a folder"):
        experiments.run_table("operators", json_path=tmp_path / "mine.json")
    with pytest.raises(ValueError, match="name the table .*other.json"):
        experiments.run_table("operators", json_path=tmp_path / "other.npz")
