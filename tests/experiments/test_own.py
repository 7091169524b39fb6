"""The table of incomplete measurements on the reader's own files: tiny ones of each schema."""

import json
import os
import sys

import h5py
import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from course_lib import cli, data, experiments
from course_lib.experiments import incomplete, incomplete_own, own, own_scores, parallel
from course_lib.operators import MRI, MultiCoilMRI, coils, fourier, masks

HEIGHT, WIDTH, LOOK = 48, 52, 32  # of k-space; rows and columns that are looked at
COMPLETE = ["zero-filled", "Supervised", "MeasurementConsistency", "SSDU", "WeightedSSDU",
            "Noise2Inverse", "MOI", "MOI stop"]  # fmt: skip


@pytest.fixture(autouse=True)
def short(monkeypatch):
    """Two steps, one process."""
    monkeypatch.setattr(incomplete, "STEPS", {"quick": 2})
    monkeypatch.setattr(incomplete, "WIDTHS", (4, 8))
    monkeypatch.setattr(parallel, "cores", lambda: 1)
    own.recorded.cache_clear()


def kspace(folder, number, receivers=1, mask=None, target=True):
    """A file of two slices of smooth objects; what was looked at is its middle."""
    random = np.random.RandomState(number)
    x = torch.zeros(2, 2, HEIGHT, WIDTH)
    x[:, :, 16:36, 16:36] = torch.from_numpy(random.rand(2, 2, 1, 1) + 0.5).float()
    x[:, :, 20:24, 20:28] += 1 + 0.01 * number
    maps = coils.birdcage(receivers, (HEIGHT, WIDTH)) if receivers > 1 else None
    k = own.operator(torch.ones(HEIGHT, WIDTH), maps)(x)
    values = fourier.to_complex(k).numpy() * 1e-4  # as small as a scanner's
    shape = (2, HEIGHT, WIDTH) if receivers == 1 else (2, receivers, HEIGHT, WIDTH)
    middle = fourier.magnitude(x)[:, 0, 8:40, 10:42].numpy() * 1e-4
    with h5py.File(folder / f"file{number}.h5", "w") as file:
        file["kspace"] = (values * (1 if mask is None else mask)).reshape(shape)
        if target:
            file["reconstruction_esc" if receivers == 1 else "reconstruction_rss"] = middle
        if mask is not None:
            file["mask"] = mask
    return x


def table(folder, kind="kspace", **more):
    return experiments.run_table("incomplete", "quick", 1, own=(kind, folder), **more)


@pytest.mark.parametrize("receivers", [1, 3])
def test_complete_kspace_is_measured_in_part_and_compared_with_the_target(
    tmp_path, receivers, capsys, monkeypatch
):
    monkeypatch.setattr(own, "ACCELERATION", 1.5)
    names = COMPLETE if receivers == 1 else ["zero-filled", "Supervised", "SSDU"]
    every = incomplete_own.methods
    monkeypatch.setattr(
        incomplete_own, "methods", lambda *a: {n: m for n, m in every(*a).items() if n in names}
    )
    for number in range(5):
        kspace(tmp_path, number, receivers)
    found = table(tmp_path)
    assert [row["method"] for row in found["rows"]] == names
    assert found["meta"]["files"] == {"train": 3, "test": 2}
    for row in found["rows"]:
        assert -10 < row["psnr_db"] < 60 and -1 < row["ssim"] <= 1 and row["gap_db"] is not None
    said = capsys.readouterr().out
    assert "3 files to learn from, 2 others: PSNR and SSIM against the target of the files." in said
    test = own.recorded("kspace", str(tmp_path), "test")
    assert isinstance(test.A, MRI if receivers == 1 else MultiCoilMRI)
    assert test.y.shape == (4, 2 * receivers, LOOK, WIDTH) and test.target.shape == (
        4,
        1,
        LOOK,
        LOOK,
    )
    assert set(test.A.mask[:, 0, 0].sum(1).tolist()) <= {34, 35}  # of 52, or 51 that are not 0
    whole = own_scores._middle(fourier.magnitude(test.x), (LOOK, LOOK))
    close = (whole - test.target).abs().max() / test.target.max()
    assert close < 1e-3
    assert (test.A(test.x) - test.y).norm() < 0.02 * test.y.norm()  # maps are estimated


def test_without_targets_the_image_of_complete_kspace_is_the_truth(tmp_path):
    for number in range(2):
        kspace(tmp_path, number, target=False)
    found = table(tmp_path)
    assert found["meta"]["scores"].startswith("PSNR and SSIM against the image of complete")
    assert found["rows"][0]["psnr_db"] > 5


def equal_masks(number):
    return (np.arange(WIDTH) % 3 == 0) | (abs(np.arange(WIDTH) - WIDTH // 2) < 7)


def own_masks(number):
    lines = masks.gaussian((1, WIDTH), 2, 12, generator=torch.Generator().manual_seed(number))
    return lines[0, 0, 0].bool().numpy()


@pytest.mark.parametrize("receivers, lines, moi", [
    (1, equal_masks, []), (1, own_masks, ["MOI", "MOI stop"]), (2, equal_masks, []),
])  # fmt: skip
def test_without_a_truth_the_score_is_of_hidden_columns_and_the_table_says_so(
    tmp_path, lines, moi, receivers, capsys
):
    for number in range(3):
        kspace(tmp_path, number, receivers, lines(number).astype(np.uint8), target=False)
    found = table(tmp_path, json_path=tmp_path / "out" / "own.json")
    names = ["zero-filled", "MeasurementConsistency", "SSDU", "Noise2Inverse", *moi]
    assert [row["method"] for row in found["rows"]] == names
    for row in found["rows"]:
        assert np.isfinite(row["hidden_db"]) and row["ci95_db"] >= 0 and row["gap_db"] is None
        assert "psnr_db" not in row
    zero = found["rows"][0]["hidden_db"]
    assert abs(zero) < (1e-3 if receivers == 1 else 6)  # one coil: zeros where nothing was measured
    said = capsys.readouterr().out
    assert "No truth: hidden dB" in said and "PSNR" not in said
    assert json.loads((tmp_path / "out" / "own.json").read_text()) == found


def test_an_undersampled_scan_with_a_target_is_compared_with_it(tmp_path):
    for number in range(2):
        kspace(tmp_path, number, mask=own_masks(number).astype(np.uint8))
    found = table(tmp_path)
    assert "against the target" in found["meta"]["scores"]
    assert "Supervised" not in [row["method"] for row in found["rows"]]
    assert all(row["psnr_db"] > -10 and row["gap_db"] is None for row in found["rows"])


def test_hidden_columns_are_measured_ones_outside_of_the_middle():
    lines = torch.stack([torch.from_numpy(own_masks(n)) for n in range(6)]).float()
    mask = lines[:, None, None].expand(-1, 1, HEIGHT, WIDTH)
    h = own_scores.hide(mask)
    count = own.middle(mask)
    assert count >= 12 and (h <= (mask > 0)).all()
    assert not h[..., WIDTH // 2 - count // 2 : WIDTH // 2 - count // 2 + count].any()
    others = mask[:, 0, 0].sum(1) - count
    assert (h[:, 0, 0].sum(1) == (0.2 * others).round().clamp_min(1)).all()


@pytest.mark.parametrize("lines, count", [
    ([0, 0, 0, 1, 0, 0], 1), ([0, 0, 1, 1, 0, 0], 2), ([0, 0, 1, 1, 1, 0], 3),
    ([0, 1, 1, 1, 0, 0], 2), ([1, 1, 1, 1, 1, 1], 6), ([1, 1, 1, 0, 1, 1], 0),
])  # fmt: skip
def test_the_middle_is_that_of_the_makers_of_masks(lines, count):
    mask = torch.tensor([lines]).float()[:, None, None]
    assert own.middle(mask) == count
    first = 3 - count // 2
    assert mask[..., first : first + count].all()


def images(folder, count, size=70):
    for number in range(count):
        pixels = np.random.RandomState(number).randint(0, 255, (size, size)).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")


def test_images_are_measured_in_part_and_are_the_truth(tmp_path, capsys):
    images(tmp_path, 5)
    found = table(tmp_path, "images")
    names = [name for name in incomplete.methods("inpainting", None)]
    assert [row["method"] for row in found["rows"]] == names
    assert "3 files to learn from, 2 others" in capsys.readouterr().out
    test = own.recorded("images", str(tmp_path), "test")
    assert torch.equal(test.x, data.images([tmp_path / "0.png", tmp_path / "4.png"]))
    assert 0.4 < test.A.mask.mean() < 0.6


@pytest.mark.parametrize("count, learnt, tested", [(2, [0], [1]), (4, [0, 1, 2], [3]),
                                                   (5, [1, 2, 3], [0, 4])])  # fmt: skip
def test_files_of_the_test_are_others(tmp_path, count, learnt, tested):
    images(tmp_path, count)
    found = own.files("images", tmp_path)
    assert [int(path.stem) for path in found["train"]] == learnt
    assert [int(path.stem) for path in found["test"]] == tested


def refused(*words):
    done = CliRunner().invoke(cli.app, ["table", *map(str, words)])
    assert done.exit_code == 1 and isinstance(done.exception, SystemExit), done.output
    return " ".join(done.output.split())


def test_what_can_not_be_used_is_one_sentence_before_the_work(tmp_path, monkeypatch):
    monkeypatch.setattr(incomplete_own, "one", None)
    folder = tmp_path / "files"
    for kind in ("kspace", "images"):
        assert "is not a folder" in refused("incomplete", f"--{kind}", folder)
    folder.mkdir()
    assert "it needs files that end in .h5" in refused("incomplete", "--kspace", folder)
    kspace(folder, 0)
    assert "holds one file, file0.h5; give two or more" in refused("incomplete", "--kspace", folder)
    (folder / "copy.h5").write_bytes((folder / "file0.h5").read_bytes())
    assert "file0.h5 and copy.h5 in" in refused("incomplete", "--kspace", folder)
    (folder / "copy.h5").write_bytes(b"no HDF5")
    assert "copy.h5" in refused("incomplete", "--kspace", folder)
    (folder / "copy.h5").unlink()
    kspace(folder, 1, mask=own_masks(1).astype(np.uint8))
    said = refused("incomplete", "--kspace", folder)
    assert "file1.h5 has 1 coil(s) of (48, 52)" in said and "keep files of one kind" in said
    assert "two tables" in refused("incomplete", "--kspace", folder, "--images", folder)
    assert "does not take --kspace; incomplete does" in refused("denoising", "--kspace", folder)
    assert "leave the other options" in refused("incomplete", "--recorded", "--kspace", folder)


def test_a_pipe_is_refused(tmp_path):
    images(tmp_path, 1)
    os.mkfifo(tmp_path / "pipe.png")
    assert "pipe.png" in refused("incomplete", "--images", tmp_path)


def test_other_files_are_other_runs(tmp_path):
    images(tmp_path, 2)
    first = own.digest("images", tmp_path)
    assert own.digest("images", tmp_path) == first
    Image.new("L", (70, 70)).save(tmp_path / "1.png")
    assert own.digest("images", tmp_path) != first


def test_a_reader_that_is_not_installed_is_one_sentence(tmp_path, monkeypatch):
    for number in range(2):
        kspace(tmp_path, number)
    monkeypatch.setitem(sys.modules, "h5py", None)
    assert "needs the package h5py: pip install h5py." in refused(
        "incomplete", "--kspace", tmp_path
    )
    monkeypatch.setitem(sys.modules, "deepinv", None)
    assert "`make bench` sets up an environment with both" in refused("bench")
    assert "no run of operators is kept" in refused("operators", "--recorded")
