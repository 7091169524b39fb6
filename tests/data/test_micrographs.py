"""The micrographs: values, parts, their noise, their rebuilding; and the reader's own MRC files."""

import bz2
import gzip
import io
import itertools
import tarfile

import build_packs as build
import mrcfile
import numpy as np
import pytest
import torch

from course_lib import data
from course_lib.data import packs

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


def stored(path, values, order="<", axes=(1, 2, 3), mode=None, stamp=None, **words):
    """An MRC file byte by byte; values in the order of the file, axes as (MAPC, MAPR, MAPS)."""
    mode = (
        {"i1": 0, "u1": 0, "i2": 1, "f4": 2, "u2": 6}[values.dtype.str[1:]]
        if mode is None
        else mode
    )
    header = np.zeros(256, order + "i4")
    header[:4] = *values.shape[::-1], mode
    header[7:10], header[16:19] = values.shape[::-1], axes
    header[52] = np.frombuffer(b"MAP ", order + "i4")[0]
    ends = b"\x44\x44\0\0" if order == "<" else b"\x11\x11\0\0"
    header[53] = np.frombuffer(stamp or ends, order + "i4")[0]
    for word, value in words.items():
        header[int(word[1:]) - 1] = value
    path.write_bytes(header.tobytes() + values.astype(values.dtype.newbyteorder(order)).tobytes())
    return path


VALUES = np.arange(2 * 3 * 4, dtype="i2").reshape(2, 3, 4)  # z, y, x


@pytest.mark.parametrize("axes", list(itertools.permutations((1, 2, 3))))
@pytest.mark.parametrize("order", "<>")
def test_mrc_brings_the_axes_to_z_y_x(tmp_path, axes, order):
    """MAPC, MAPR, MAPS: the axis of columns, rows and sections; 1 is x."""
    kept = VALUES.transpose([3 - axis for axis in axes[::-1]])
    assert np.array_equal(data.mrc(stored(tmp_path / "a.mrc", kept, order, axes))[:, 0], VALUES)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("stamp", [b"\x44\x20\x20\x20", b"\0\0\0\0", b"DJ\0\0", b"\x11\0\0\0"])
def test_mrc_of_old_programs_is_read_with_a_warning(tmp_path, order, stamp):
    path = stored(tmp_path / "old.mrc", VALUES, order, stamp=stamp)
    with pytest.warns(UserWarning, match="old.mrc: .* machine stamp"):
        assert np.array_equal(data.mrc(path)[:, 0], VALUES)
    path = stored(tmp_path / "older.mrc", VALUES, order, axes=(0, 0, 0), stamp=stamp, w53=0)
    with pytest.warns(UserWarning) as told:
        assert np.array_equal(data.mrc(path)[:, 0], VALUES)
    for words in ("Map ID string not found", "machine stamp", "No axes are named"):
        assert any(words in str(warning.message) for warning in told)


def test_mrc_of_the_wrong_stamp_is_read_in_the_order_that_fits(tmp_path):
    path = stored(tmp_path / "a.mrc", VALUES, ">", stamp=b"\x44\x44\0\0")
    with pytest.warns(UserWarning, match="a.mrc: Machine stamp .* does not match"):
        assert np.array_equal(data.mrc(path)[:, 0], VALUES)


@pytest.mark.parametrize("suffix", ["", ".gz", ".bz2"])
def test_bytes_after_the_values_are_left_out_with_a_warning(tmp_path, suffix):
    content = stored(tmp_path / "a.mrc", VALUES).read_bytes() + b"0000"
    pack = {"": bytes, ".gz": gzip.compress, ".bz2": bz2.compress}[suffix]
    (tmp_path / f"long.mrc{suffix}").write_bytes(pack(content))
    with pytest.warns(UserWarning, match="long.mrc.* 4 bytes larger than expected"):
        assert np.array_equal(data.mrc(tmp_path / f"long.mrc{suffix}")[:, 0], VALUES)


def test_bytes_are_signed_unless_the_header_says_otherwise(tmp_path):
    values = np.array([[[0, 100, 127, 128, 255]]], "u1")
    limits = {"w20": 0, "w21": int(np.float32(255).view("i4"))}
    signed = values.astype("i1")
    for words, expected in (
        ({}, signed),
        (limits, values),  # a largest value of 255
        ({"w39": 1146047817}, values),  # IMOD, without its flag of signed bytes
        ({"w39": 1146047817, "w40": 1} | limits, signed),
    ):
        assert np.array_equal(data.mrc(stored(tmp_path / "a.mrc", values, **words))[:, 0], expected)


def test_an_extended_header_is_passed_over(tmp_path):
    content = stored(tmp_path / "a.mrc", VALUES, w24=80).read_bytes()
    (tmp_path / "a.mrc").write_bytes(content[:1024] + b"x" * 80 + content[1024:])
    assert np.array_equal(data.mrc(tmp_path / "a.mrc")[:, 0], VALUES)


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_an_extended_header_that_the_file_can_t_hold_takes_no_memory(tmp_path, pack):
    content = stored(tmp_path / "a.mrc", VALUES, w24=2**31 - 1).read_bytes()
    (tmp_path / "a.mrc").write_bytes(pack(content))
    with pytest.raises(ValueError, match="a.mrc has .* bytes and declares 2147483647 values"):
        data.mrc(tmp_path / "a.mrc")


def test_a_stack_of_one_volume_is_that_volume(tmp_path):
    path = stored(tmp_path / "a.mrc", VALUES, w23=401)
    assert np.array_equal(data.mrc(path)[:, 0], VALUES)
    with pytest.raises(ValueError, match=r"a.mrc holds volumes, \(2, 1, 3, 4\)"):
        data.mrc(stored(path, VALUES, w23=401, w10=1))


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
        "text.mrc": b"a letter, not a micrograph. " * 60,
        "empty.mrc": b"",
        "broken.mrc.gz": gzip.compress(good)[:-30],
        "checksum.mrc.gz": gzip.compress(good)[:-8] + bytes(8),
    }
    for name, content in bad.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ValueError, match=f"Cannot read .*{name} as an MRC file") as error:
            data.mrc(tmp_path / name)
        assert "\n" not in str(error.value) and "fetch" not in str(error.value)
    for start in (b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd", b"PK\3\4"):  # xz, zstd, zip
        (tmp_path / "packed.mrc").write_bytes(start + good)
        with pytest.raises(ValueError, match="packed.mrc"):
            data.mrc(tmp_path / "packed.mrc")
    for mode, words in ((3, "complex"), (16, "colours"), (101, "4 bits")):
        with pytest.raises(ValueError, match=f"mode.mrc holds .*{words}"):
            data.mrc(stored(tmp_path / "mode.mrc", VALUES, mode=mode))
    with pytest.raises(ValueError, match="complex"):
        data.mrc(written(tmp_path / "fourier.mrc", np.ones((4, 4), np.complex64)))
    with pytest.raises(ValueError, match=r"\(2, 2, 4, 4\): give .H, W."):
        data.mrc(written(tmp_path / "volumes.mrc", np.ones((2, 2, 4, 4), np.float32)))
    with pytest.raises(ValueError, match="nan.mrc holds values up to nan"):
        with pytest.warns(RuntimeWarning, match="NaN"):  # mrcfile's own, as it writes
            written(tmp_path / "nan.mrc", np.array([[1, np.nan]], np.float32))
        data.mrc(tmp_path / "nan.mrc")
