"""The micrographs: values, parts, their noise, their rebuilding; and the reader's own MRC files."""

import gzip
import io
import tarfile

import mrcfile
import numpy as np
import pytest
import torch

from course_lib import data
from course_lib.data import build, packs

NEIGHBOURS = {"fei": 0.02, "epu": 0.58}  # what the pack's README says


@pytest.mark.parametrize("which", NEIGHBOURS)
def test_parts_are_disjoint_rows_of_one_exposure(which):
    counts = packs._pack("micrographs")[which].astype(float)
    y = ((counts - counts.mean()) / counts.std()).clip(-6, 6)
    assert (abs(y) == 6).mean() < 2e-5 and abs(y.std() - 1) < 2e-3
    found = 0
    for split, rows in packs.PARTS.items():
        tiles = data.load(f"micrographs/{which}", split, 128)
        assert tiles.dtype == torch.float32 and tiles.shape[1:] == (1, 128, 128)
        assert tiles.shape[0] == len(data.sources(f"micrographs/{which}", split, 128))
        mosaic = tiles.reshape(-1, 8, 128, 128).swapaxes(1, 2).reshape(-1, 1024)
        assert np.allclose(mosaic.numpy(), y[rows], atol=1e-6)
        found += len(mosaic)
    assert found == 1024


@pytest.mark.parametrize("which, lag_1", NEIGHBOURS.items())
def test_the_correlation_of_neighbours_is_as_told(which, lag_1):
    y = data.load(f"micrographs/{which}", "train", 640).double()
    y = y - y.mean()
    for axis in (-1, -2):
        product = y.narrow(axis, 0, 639) * y.narrow(axis, 1, 639)
        assert abs(product.mean() / y.square().mean() - lag_1) < 0.01


def archive(path, columns=2030, rows=2026, mode=6):
    """A source archive with one micrograph in it, of pixels that tell their place."""
    counts = (np.arange(rows)[:, None] * 3 + np.arange(columns)).astype("<u2")
    header = np.zeros(256, "<i4")
    header[[0, 1, 2, 3, 23]] = columns, rows, 1, mode, 32
    content = header.tobytes() + b"x" * 32 + counts.tobytes()
    member = tarfile.TarInfo(f"mrcfile-1.5.4/tests/test_data/{build.MICROGRAPHS['fei']}")
    member.size = len(content)
    with tarfile.open(path, "w:gz") as file:
        file.addfile(member, io.BytesIO(content))
    return counts


def test_the_crop_is_cut_from_the_source_archive(tmp_path):
    path = tmp_path / build.MRCFILE.name
    counts = archive(path)
    assert np.array_equal(build.micrograph("fei", path), counts[1000:2024, 1000:2024])
    archive(path, mode=2)
    with pytest.raises(ValueError, match="fei-extended.mrc has mode 2, 1 sections"):
        build.micrograph("fei", path)
    with pytest.raises(FileNotFoundError, match="absent.tar.gz not found: run `pip download"):
        build.micrograph("fei", tmp_path / "absent.tar.gz")


def written(path, values):
    with mrcfile.new(path) as file:
        file.set_data(values)
    return path


@pytest.mark.parametrize("dtype", ["int8", "int16", "uint16", "float32"])
def test_mrc_has_the_values_of_the_file(tmp_path, dtype):
    values = np.arange(3 * 4 * 5).reshape(3, 4, 5).astype(dtype)
    stack = data.mrc(written(tmp_path / "stack.mrcs", values))
    assert stack.shape == (3, 1, 4, 5) and stack.dtype == torch.float32
    assert np.array_equal(stack[:, 0].numpy(), values)
    single = data.mrc(written(tmp_path / "one.mrc", values[1]))
    assert torch.equal(single, stack[1:2])


def test_mrc_unpacks_gzip(tmp_path):
    path = written(tmp_path / "one.mrc", np.eye(6, dtype=np.float32))
    packed = tmp_path / "one.mrc.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    assert torch.equal(data.mrc(packed), data.mrc(path))


def test_mrc_errors(tmp_path):
    with pytest.raises(ValueError, match="absent.mrc is not a file: give the path"):
        data.mrc(tmp_path / "absent.mrc")
    good = written(tmp_path / "good.mrc", np.ones((8, 8), np.float32)).read_bytes()
    bad = {
        "header.mrc": good[:500],
        "truncated.mrc": good[:-20],
        "longer.mrc": good + b"0000",
        "text.mrc": b"a letter, not a micrograph. " * 60,
        "empty.mrc": b"",
        "broken.mrc.gz": gzip.compress(good)[:-30],
    }
    for name, content in bad.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ValueError, match=f"Cannot read .*{name} as an MRC file") as error:
            data.mrc(tmp_path / name)
        assert "\n" not in str(error.value)
    with pytest.raises(ValueError, match="complex"):
        data.mrc(written(tmp_path / "fourier.mrc", np.ones((4, 4), np.complex64)))
    with pytest.raises(ValueError, match=r"\(2, 2, 4, 4\): give a micrograph"):
        data.mrc(written(tmp_path / "volumes.mrc", np.ones((2, 2, 4, 4), np.float32)))
    with pytest.raises(ValueError, match="nan.mrc holds 1 NaN"):
        with pytest.warns(RuntimeWarning, match="NaN"):  # mrcfile's own, as it writes
            written(tmp_path / "nan.mrc", np.array([[1, np.nan]], np.float32))
        data.mrc(tmp_path / "nan.mrc")
