"""The packs: values, splits, order, checksums, errors."""

import json
import shutil
from collections import Counter

import build_packs as build
import numpy as np
import pytest
import torch

from course_lib import data
from course_lib.data import packs

TILES = {  # (split, size): number of tiles
    ("train", 64): 1049,
    ("train", 128): 253,
    ("train", 256): 54,
    ("validation", 64): 136,
    ("validation", 128): 32,
    ("validation", 256): 8,
    ("test", 64): 152,
    ("test", 128): 38,
    ("test", 256): 9,
}
REBUILT = [key for key, ((package, _), _) in build.PHOTOS.items() if package != "scikit-learn"]
REBUILT = [key for key in REBUILT if key != "validation/ascent"]  # scikit-image and matplotlib


@pytest.mark.parametrize("split, size", TILES)
def test_photos_are_tiles_in_the_unit_interval(split, size):
    x = data.load("photos", split, size)
    assert x.shape == (TILES[split, size], 1, size, size) and x.dtype == torch.float32
    assert x.min() >= 0 and x.max() <= 1 and x.std() > 0.1
    assert len(data.sources("photos", split, size)) == len(x)


def test_photos_are_the_same_on_every_call_and_belong_to_the_caller():
    first = data.load("photos", "test")
    again = data.load("photos", "test", 64)
    assert torch.equal(first, again)
    first.zero_()
    assert torch.equal(data.load("photos", "test"), again)


def test_the_tiles_of_a_photograph_are_its_centred_grid():
    photo = packs._pack("photos")["test/coins"]  # 303 x 384: 4 x 6 tiles of 64, 23 rows cut
    x = data.load("photos", "test", 64)
    coins = x[[source == "coins" for source in data.sources("photos", "test", 64)], 0]
    mosaic = torch.cat([torch.cat(list(row), dim=1) for row in coins.reshape(4, 6, 64, 64)])
    assert np.array_equal(np.rint(255 * mosaic.numpy()), photo[23:279])


def test_splits_share_no_photograph_and_no_tile():
    photos = {split: set(data.sources("photos", split)) for split in packs.SPLITS}
    assert [len(photos[split]) for split in packs.SPLITS] == [12, 2, 3]
    assert len(set.union(*photos.values())) == 17
    for name, size in [("photos", 64), ("digits", 28)]:
        held = [{t.numpy().tobytes() for t in data.load(name, s, size)} for s in packs.SPLITS]
        assert not (held[0] & held[1] or held[0] & held[2] or held[1] & held[2])


@pytest.mark.parametrize("split, count", [("train", 4000), ("validation", 500), ("test", 500)])
def test_digits(split, count):
    x, padded = data.load("digits", split), data.load("digits", split, 32)
    assert x.shape == (count, 1, 28, 28) and padded.shape == (count, 1, 32, 32)
    assert x.min() == 0 and x.max() == 1
    assert torch.equal(padded, torch.nn.functional.pad(x, (2, 2, 2, 2)))
    rows = [int(source.split()[-1]) for source in data.sources("digits", split)]
    tenth = Counter(row // 500 for row in rows)  # the file has 500 rows of each digit, in order
    assert len(set(rows)) == count and set(tenth.values()) == {count // 10}


@pytest.mark.parametrize(
    "arguments, message",
    [
        (("photo",), "name is 'photo'; use 'photos' or 'digits' or 'micr.*fei' or 'micr.*epu'"),
        (("photos", "val"), "split is 'val'; use 'train' or 'validation' or 'test'"),
        (("photos", "train", 64.5), "size is 64.5; it must be a whole number of at least 1"),
        (("photos", "train", 0), "size is 0"),
        (("photos", "test", 513), "size is 513, but the test photographs hold 512 at most."),
        (("digits", "train", 64), "size is 64, but digits come in 28 .* or 32"),
        (("micrographs",), "name is 'micrographs'; use .*micrographs/fei"),
        (("micrographs/epu", "test", 257), "size is 257, but the test part is 256 rows high."),
    ],
)
def test_bad_input_is_named(arguments, message):
    for function in (data.load, data.sources):
        with pytest.raises(ValueError, match=message):
            function(*arguments)


@pytest.mark.parametrize("name", ["photos", "digits", "micrographs"])
def test_every_array_has_its_checksum(name):
    expected = json.loads((packs.PACKS / "checksums.json").read_text())[f"{name}.npz"]["arrays"]
    assert {key: build.digest(array) for key, array in packs._pack(name).items()} == expected


@pytest.mark.parametrize("damage", ["truncate", "flip", "remove"])
def test_a_damaged_pack_names_itself_and_the_remedy(damage, tmp_path, monkeypatch):
    shutil.copytree(packs.PACKS, tmp_path / "packs")
    path = tmp_path / "packs" / "digits.npz"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    if damage == "remove":
        path.unlink()
    else:
        path.write_bytes(content[: len(content) // 2] if damage == "truncate" else content)
    monkeypatch.setattr(packs, "PACKS", tmp_path / "packs")
    packs._pack.cache_clear()
    with pytest.raises(OSError, match="digits.npz is .*tools/build_packs"):
        data.load("digits")


@pytest.mark.parametrize("key", REBUILT)
def test_the_photographs_rebuild_from_their_packages(key):
    rebuilt, shipped = build.photo(key), packs._pack("photos")[key]
    if build.PHOTOS[key][1].endswith(".jpg"):  # JPEG decoders differ in their rounding
        assert abs(rebuilt.astype(int) - shipped).max() <= 2
    else:
        assert np.array_equal(rebuilt, shipped)


def test_area_mean_is_the_mean_over_the_footprint():
    image = np.random.RandomState(0).randint(0, 256, (12, 18))
    blocks = image.reshape(4, 3, 6, 3).mean(axis=(1, 3))
    assert np.array_equal(build.area_mean(image, 4, 6), np.floor(blocks + 0.5))
    assert np.array_equal(build.area_mean(image, 12, 18), image)
    assert (build.area_mean(np.full((7, 5), 93), 4, 3) == 93).all()
    ramp = build.area_mean(np.array([[0, 30, 90]]), 1, 2)  # (0 + 30 / 2) / 1.5, (30 / 2 + 90) / 1.5
    assert ramp.tolist() == [[10, 70]]


def test_build_names_the_package_that_is_missing(monkeypatch):
    source = (("some-package", "no_such_module/data/"), "x.png")
    monkeypatch.setitem(build.PHOTOS, "train/x", source)
    with pytest.raises(FileNotFoundError, match="x.png not found: run `pip install .*some-package"):
        build.photo("train/x")
