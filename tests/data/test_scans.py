"""MRI, CT, k-space, molecules and simulated black holes: values, parts, sources, rebuilding."""

import gzip
import io
import json
import struct
import tarfile

import build_packs
import build_science
import numpy as np
import pytest
import torch

from course_lib import data, operators
from course_lib.data import blackholes, packs, scans
from course_lib.operators import fourier

SHAPES = {  # name: size, number of train, validation and test images
    "mri": (128, 21, 4, 23),
    "ct": (128, 53, 8, 48),
    "particles": (64, 384, 48, 128),
    "blackholes": (32, 2000, 200, 200),
}
PACKS = ("mri", "ct", "kspace", "densities", "particles")


@pytest.mark.parametrize("name", SHAPES)
def test_images_are_in_the_unit_interval(name):
    size, *counts = SHAPES[name]
    for split, count in zip(packs.SPLITS, counts, strict=True):
        x = data.load(name, split)
        assert x.shape == (count, 1, size, size) and x.dtype == torch.float32
        assert x.min() >= 0 and 0.9 < x.max() <= 1 and x.std() > 0.05
        assert len(data.sources(name, split)) == count
        assert torch.equal(data.load(name, split, size), x)


@pytest.mark.parametrize("name", ["mri", "ct"])
def test_train_and_test_are_different_subjects_and_slices_are_used_once(name):
    found = {s: data.sources(name, s) for s in packs.SPLITS}
    people = {s: {source.split(",")[0] for source in found[s]} for s in packs.SPLITS}
    assert len(people["train"]) == len(people["test"]) == 1
    assert people["train"] == people["validation"] != people["test"]
    assert not set(found["train"]) & set(found["validation"])
    assert len({*found["train"], *found["validation"], *found["test"]}) == (
        48 if name == "mri" else 109
    )


def test_particles_are_of_molecules_not_seen_in_training():
    molecules = [set(data.sources("particles", s)) for s in packs.SPLITS]
    assert molecules == [{"ribosome", "receptor"}, {"enolase"}, {"kinase"}]


@pytest.mark.parametrize("name, full", [("mri", 256), ("ct", 128), ("particles", 64)])
def test_smaller_images_are_means_of_cells(name, full):
    x = data.load(name, "validation", full)
    half = data.load(name, "validation", full // 2)
    torch.testing.assert_close(half, torch.nn.functional.avg_pool2d(x, 2), rtol=0, atol=1e-6)


def test_units_of_mri_and_ct():
    pack = packs._pack("mri")
    x = data.load("mri", "test", 256)
    volume = pack["test/brain2"] / 1151
    np.testing.assert_allclose(x[:, 0], volume.clip(0, 1), atol=1e-6)
    for key, subject in (("train/brain1", "brain1"), ("test/brain2", "brain2")):
        assert np.percentile(pack[key], 99.9) == pytest.approx(scans.SCALE[subject], abs=1)
    x = data.load("ct", "test", 128)
    hounsfield = packs._pack("ct")["test/lung1"].astype(float)
    np.testing.assert_allclose(x[:, 0], ((1 + hounsfield / 1000) / 2).clip(0, 1), atol=1e-6)
    soft = (x > 0.45) & (x < 0.6)
    assert 0.15 < soft.float().mean() < 0.6  # much of a chest is about water


def test_kspace_is_that_of_a_phantom_seen_by_two_coils():
    k = data.load("kspace", "test")
    assert k.shape == (1, 4, 160, 160) and data.sources("kspace", "test") == ["phantom, two coils"]
    strength = fourier.magnitude(k)[0]
    for coil in strength:
        assert divmod(int(coil.argmax()), 160) == (80, 80)
    coils = fourier.magnitude(fourier.ifft(k))
    image = coils.square().sum(1).sqrt()[0]
    assert float(image.max()) == pytest.approx(1, abs=1e-5)
    assert image[60:100, 120:140].mean() > 5 * image[:10, :10].mean()  # the phantom, the air
    assert 0.5 < torch.corrcoef(coils[0].flatten(1))[0, 1] < 0.999
    centre = data.load("kspace", "test", 80)
    assert torch.equal(centre, k[:, :, 40:120, 40:120])


def test_densities_fit_the_operator():
    x = data.load("densities", "train", 32)
    assert x.shape == (2, 32, 32, 32) and 0 <= x.min() and x.max() <= 1
    y = operators.CryoEM(torch.eye(3), defocus=15e3, pixel=3.0)(x)
    assert y.shape == (2, 1, 32, 32)
    full = data.load("densities", "train")
    torch.testing.assert_close(x, torch.nn.functional.avg_pool3d(full, 2), rtol=0, atol=1e-6)
    border = torch.cat([full[:, :2].flatten(), full[..., -2:].flatten()])
    assert border.max() == 0  # room to turn
    assert data.sources("densities", "test") == ["kinase, 0.968 Å a voxel"]
    assert data.sources("densities", "test", 32) == ["kinase, 1.936 Å a voxel"]


def test_particles_are_projections_of_the_densities():
    """A projection keeps the total density, whatever the orientation."""
    particles = data.load("particles", "test").sum((1, 2, 3))
    assert particles.std() < 0.01 * particles.mean()


def test_black_holes_are_the_same_scenes_at_every_size():
    x, fine = data.load("blackholes", "test", 16), data.load("blackholes", "test", 64)
    assert (x.amax((1, 2, 3)) == 1).all()
    a, b = (v.flatten(1) for v in (x, torch.nn.functional.avg_pool2d(fine, 4)))
    a, b = a / a.sum(1, keepdim=True), b / b.sum(1, keepdim=True)
    error = (a - b).norm(dim=1) / b.norm(dim=1)
    assert error.mean() < 0.04 and error.max() < 0.12
    kinds = data.sources("blackholes", "train")
    assert set(kinds) == set(blackholes.KINDS) and 900 < kinds.count("ring") < 1100
    assert not torch.equal(data.load("blackholes", "validation"), data.load("blackholes", "test"))
    x.zero_()
    assert data.load("blackholes", "test", 16).any()  # the copy belongs to the caller


def test_a_ring_is_dark_in_the_middle():
    x = data.load("blackholes", "test", 32)
    rings = x[[k == "ring" for k in data.sources("blackholes", "test")], 0]
    assert rings[:, 14:18, 14:18].mean() < 0.5 * rings.amax((1, 2)).mean()


@pytest.mark.parametrize(
    "arguments, message",
    [
        (("mri", "train", 100), "size is 100, but these come in 256, 128, 64, 32"),
        (("ct", "train", 256), "size is 256, but these come in 128, 64, 32, 16"),
        (("particles", "test", 48), "size is 48, but these come in 64"),
        (("kspace", "train"), "split is 'train', but kspace is one scan, for testing"),
        (("kspace", "test", 161), "size is 161, but the scan has 160 lines"),
        (("blackholes", "test", 0), "size is 0"),
        (("brains",), "name is 'brains'; use 'photos' or .* or 'blackholes'"),
    ],
)
def test_bad_input_is_named(arguments, message):
    for function in (data.load, data.sources):
        with pytest.raises(ValueError, match=message):
            function(*arguments)


@pytest.mark.parametrize("name", PACKS)
def test_every_array_has_its_checksum(name):
    expected = json.loads((packs.PACKS / "checksums.json").read_text())[f"{name}.npz"]["arrays"]
    assert {key: build_packs.digest(array) for key, array in packs._pack(name).items()} == expected


def test_the_packs_are_small():
    assert sum((packs.PACKS / f"{name}.npz").stat().st_size for name in PACKS) < 8e6


def test_particles_rebuild_from_the_densities(monkeypatch):
    """But for rounding, which may differ by a grey level between machines."""
    monkeypatch.setattr(build_science, "densities", lambda: packs._pack("densities"))
    monkeypatch.setattr(build_science, "DENSITIES", {"train/ribosome": None})
    monkeypatch.setitem(build_science.VIEWS, "train", 192)
    monkeypatch.setattr(build_science, "random_rotations", few := Few(8))
    rebuilt = build_science.particles()["train/ribosome"].astype(int)
    shipped = packs._pack("particles")["train/ribosome"][:8].astype(int)
    scale = few.scale(rebuilt, shipped)
    assert abs(rebuilt * scale - shipped).max() <= 1.5


class Few:
    """The first rotations only, and the ratio of the two scales, whose brightest pixels differ."""

    def __init__(self, count):
        self.count = count

    def __call__(self, n, generator):
        return operators.random_rotations(n, generator)[: self.count]

    def scale(self, rebuilt, shipped):
        return (rebuilt * shipped).sum() / (rebuilt * rebuilt).sum()


def archive(path, files):
    with tarfile.open(path, "w:gz") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(f"{path.name.removesuffix('.tar.gz')}/{name}")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))


def test_a_volume_is_read_from_the_source_archive(tmp_path):
    volume = np.arange(2 * 8 * 4, dtype="<i2").reshape(2, 8, 4)
    head = (
        b"NRRD0004\n# made here: yes\ntype: short\nsizes: 4 8 2\nendian: little\nencoding: gzip\n\n"
    )
    path = tmp_path / build_science.RADIOMICS
    archive(path, {"data/a.nrrd": head + gzip.compress(volume.tobytes())})
    content = build_science.member(path.name, "data/a.nrrd", tmp_path)
    assert np.array_equal(build_science.nrrd(content), volume)
    with pytest.raises(ValueError, match="NRRD file is float"):
        build_science.nrrd(content.replace(b"short", b"float"))
    with pytest.raises(FileNotFoundError, match="absent.tar.gz not found: fetch it with pip"):
        build_science.member("absent.tar.gz", "data/a.nrrd", tmp_path)


def test_the_scanner_s_raw_file_is_read_line_by_line():
    lines = (np.arange(24).reshape(3, 2, 4) * (1 + 2j)).astype("<c8")
    body = struct.pack("<I", 16) + b"x" * 12
    for number in (1, 0, 2):  # as they were acquired, not in order
        head = bytearray(192)
        struct.pack_into("<I", head, 0, 192 + 2 * (32 + 32))
        struct.pack_into("<3H", head, 48, 4, 2, number)
        body += bytes(head) + b"".join(b"c" * 32 + coil.tobytes() for coil in lines[number])
    end = bytearray(192)
    struct.pack_into("<I", end, 0, 192)
    end[40] = 1
    body += bytes(end)
    content = struct.pack("<IIIIQQ", 0, 1, 7, 7, 40, len(body)) + b"y" * 8 + body
    assert np.array_equal(build_science.twix(content), lines)


PDB = """ATOM      1  CA  ALA A   1      11.000  10.000  10.000  1.00  0.00           C
HETATM    2  O   HOH A   2      90.000  90.000  90.000  1.00  0.00           O
ATOM      3  N   ALA A   1       9.000  10.000  10.000  1.00  0.00           N
"""
CIF = """_atom_site.group_PDB
_atom_site.type_symbol
_atom_site.label_comp_id
_atom_site.Cartn_x
_atom_site.Cartn_y
_atom_site.Cartn_z
ATOM C ALA 11.0 10.0 10.0
HETATM O HOH 90.0 90.0 90.0
ATOM N ALA 9.0 10.0 10.0
"""


@pytest.mark.parametrize("text", [PDB, CIF])
def test_atoms_are_read_without_water(text):
    elements, places = build_science.atoms(text)
    assert elements == ["C", "N"] and places.tolist() == [[11, 10, 10], [9, 10, 10]]
    box, voxel = build_science.density(text)
    assert box.shape == (64, 64, 64) and box.max() == 255 and float(voxel) == 0.036
    along = box.astype(float).sum((0, 1))  # x is the last axis: N at −1 Å, C at +1 Å
    assert along.argmax() < 10 and along[55:].sum() == pytest.approx(
        6 / 7 * along[:10].sum(), rel=0.02
    )
