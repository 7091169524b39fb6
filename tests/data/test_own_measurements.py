"""What the readers return goes into `data.Measurements` in one line, and trains there."""

import h5py
import mrcfile
import numpy as np
import pytest
import tifffile
import torch
from PIL import Image

from course_lib import data, losses, models, noise, training
from course_lib.operators import MRI, Identity, MultiCoilMRI, coils, masks

RANDOM = np.random.RandomState(0)
LINES = np.array([0, 1, 0, 1, 1, 1, 0, 1, 0, 0, 1, 1, 1, 0, 1, 0])


def scan_file(path, coil_count=None):
    """k-space as of a test set: four slices, 16 x 16, on the lines of a mask."""
    shape = (4, 16, 16) if coil_count is None else (4, coil_count, 16, 16)
    k = (RANDOM.randn(*shape) + 1j * RANDOM.randn(*shape)).astype("c8") * LINES
    with h5py.File(path, "w") as file:
        file["kspace"], file["mask"] = k, LINES.astype(bool)
    return path


def trains(measurements, loss, channels=1):
    f = models.BackProjection(models.UNet(channels=channels, widths=(4, 8)))
    log = training.fit(f, loss, measurements, steps=2, batch=2, progress=False)
    assert all(torch.isfinite(p).all() for p in f.parameters()) and log is not None


def test_kspace_with_its_mask(tmp_path):
    scan = data.fastmri(scan_file(tmp_path / "knee.h5"))
    measurements = data.Measurements(scan.kspace, MRI(scan.mask))
    y, A = measurements.batch(torch.tensor([3, 1]))
    assert torch.equal(y, scan.kspace[[3, 1]])
    torch.testing.assert_close(A(A.adjoint(y)), y, rtol=0, atol=1e-5)
    trains(measurements, losses.SSDU(0.5), channels=2)


def test_kspace_of_several_coils_with_its_mask(tmp_path):
    scan = data.fastmri(scan_file(tmp_path / "knee.h5", 3))
    maps = coils.birdcage(3, (16, 16))
    measurements = data.Measurements(scan.kspace, MultiCoilMRI(scan.mask, maps))
    y, _ = measurements.batch(torch.tensor([2]))
    assert torch.equal(y, scan.kspace[2:3]) and y.shape == (1, 6, 16, 16)


def test_full_kspace_under_masks_of_the_acquired_columns(tmp_path):
    """Of a train file, with columns at the sides that the scanner left empty."""
    k = (RANDOM.randn(4, 16, 16) + 1j * RANDOM.randn(4, 16, 16)).astype("c8")
    k[..., :2] = k[..., 14:] = 0
    with h5py.File(tmp_path / "train.h5", "w") as file:
        file["kspace"] = k
    scan = data.fastmri(tmp_path / "train.h5")
    g = torch.Generator().manual_seed(0)
    m = masks.random((16, 16), 2, count=4, generator=g, acquired=scan.acquired)
    measurements = data.Measurements(scan.kspace, MRI(m))
    y, A = measurements.batch(torch.arange(4))
    assert torch.equal(y, scan.kspace * m) and y.any(-2).sum() == m[:, :, 0].sum() * 2


def test_two_half_sets(tmp_path):
    halves = RANDOM.randint(0, 50, (2, 4, 16, 16)).astype("u2")
    for name, half in zip("ab", halves, strict=True):
        with mrcfile.new(tmp_path / f"{name}.mrcs") as file:
            file.set_data(half)
    pair = data.mrc(tmp_path / "a.mrcs"), data.mrc(tmp_path / "b.mrcs")
    measurements = data.Measurements(pair, Identity())
    (a, b), _ = measurements.batch(torch.tensor([2]))
    assert np.array_equal(a[0, 0], halves[0, 2]) and np.array_equal(b[0, 0], halves[1, 2])
    trains(measurements, losses.Noise2Noise())


def test_a_folder_of_images(tmp_path):
    frames = RANDOM.randint(0, 256, (3, 32, 48)).astype("u1")
    for k, frame in enumerate(frames):
        Image.fromarray(frame).save(tmp_path / f"{k}.png")
    measurements = data.Measurements(data.images(tmp_path, 16), Identity())
    assert len(measurements) == 18
    trains(measurements, losses.SURE(noise.Gaussian(0.1)))


@pytest.mark.parametrize("suffix", ["tif", "mrc"])
def test_a_movie(tmp_path, suffix):
    movie = RANDOM.randint(0, 2**16, (6, 16, 16)).astype("u2")
    if suffix == "tif":
        tifffile.imwrite(tmp_path / "a.tif", movie, photometric="minisblack")
        y = data.images(tmp_path, 16) * 65535
    else:
        with mrcfile.new(tmp_path / "a.mrc") as file:
            file.set_data(movie)
        y = data.mrc(tmp_path / "a.mrc")
    measurements = data.Measurements(y / 65535, Identity(), crop=8)
    np.testing.assert_allclose(65535 * measurements.tensors[0][:, 0], movie, rtol=1e-6)
    trains(measurements, losses.Noise2Self())
