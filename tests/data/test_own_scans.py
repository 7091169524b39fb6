"""The reader's own fastMRI and NIfTI files: small files of the same schema, good and broken."""

import gzip

import h5py
import nibabel
import numpy as np
import pytest
import torch

from course_lib import data
from course_lib.operators import MRI, fourier

HEADER = """<?xml version="1.0"?><ismrmrdHeader><encoding>
<encodedSpace><matrixSize><x>12</x><y>8</y><z>1</z></matrixSize></encodedSpace>
<reconSpace><matrixSize><x>6</x><y>4</y><z>1</z></matrixSize></reconSpace>
</encoding></ismrmrdHeader>"""


def complex_noise(*shape):
    random = np.random.RandomState(0)
    return (random.randn(*shape) + 1j * random.randn(*shape)).astype(np.complex64)


def written(path, **arrays):
    with h5py.File(path, "w") as file:
        for key, values in arrays.items():
            file[key] = values
        file.attrs["acquisition"] = "CORPD_FBK"
    return path


def train(path, coils=None, header=True):
    """A file as of fastMRI's train set: no mask, the reconstructions, the header."""
    k = complex_noise(*((3, 12, 8) if coils is None else (3, coils, 12, 8)))
    arrays = {"kspace": k, "reconstruction_rss": np.abs(k.reshape(3, -1, 12, 8)[:, 0, :6, :4])}
    if coils is None:
        arrays["reconstruction_esc"] = arrays["reconstruction_rss"]
    if header:
        arrays["ismrmrd_header"] = HEADER.encode()
    return written(path, **arrays), k


@pytest.mark.parametrize("coils", [None, 1, 5])
@pytest.mark.parametrize("header", [True, False])
def test_a_train_file(tmp_path, coils, header):
    path, k = train(tmp_path / "train.h5", coils, header)
    scan = data.fastmri(path)
    assert scan.kspace.shape == (3, 2 * (coils or 1), 12, 8) and scan.kspace.dtype == torch.float32
    assert np.array_equal(fourier.to_complex(scan.kspace).numpy(), k.reshape(3, -1, 12, 8))
    assert scan.target.shape == (3, 1, 6, 4) and scan.mask is None and scan.size == (6, 4)


def test_a_test_file_has_a_mask_and_no_target(tmp_path):
    lines = np.array([0, 1, 0, 1, 1, 0, 0, 1], dtype=np.uint8)
    k = complex_noise(2, 12, 8) * lines
    path = written(tmp_path / "test.h5", kspace=k, mask=lines, ismrmrd_header=HEADER)
    scan = data.fastmri(path)
    assert scan.target is None and scan.size == (6, 4)
    assert torch.equal(scan.mask, torch.tensor(lines).float().repeat(12, 1))
    A = MRI(scan.mask)
    torch.testing.assert_close(A(A.adjoint(scan.kspace)), scan.kspace, rtol=0, atol=1e-5)


def test_nothing_but_kspace_is_needed(tmp_path):
    scan = data.fastmri(written(tmp_path / "bare.h5", kspace=complex_noise(2, 12, 8)))
    assert scan[1:] == (None, None, None)
    odd = written(
        tmp_path / "odd.h5", kspace=complex_noise(2, 12, 8), ismrmrd_header=b"\xff no xml"
    )
    assert data.fastmri(odd).size is None


def test_some_of_the_slices(tmp_path):
    path, k = train(tmp_path / "train.h5", 2)
    whole = data.fastmri(path)
    for slices in (slice(1, 3), [0, 2]):
        scan = data.fastmri(path, slices)
        assert torch.equal(scan.kspace, whole.kspace[slices])
        assert torch.equal(scan.target, whole.target[slices])
    with pytest.raises(ValueError, match=r"Cannot read slices \[7\] of 'kspace' in .*train.h5"):
        data.fastmri(path, [7])


K = complex_noise(2, 12, 8)
WRONG = {
    "has no 'kspace'; it holds image, label: give a fastMRI": {"image": K, "label": K},
    "has no 'kspace'; it holds nothing": {},
    "'kspace' of .* is float32 of shape": {"kspace": K.real},
    "'kspace' of .* is complex64 of shape .12, 8.": {"kspace": K[0]},
    "'kspace' of .* holds NaN": {"kspace": K * np.nan},
    "'reconstruction_rss' of .* is float32 of shape .1, 12, 8.*; expected real values, .2, h": {
        "kspace": K, "reconstruction_rss": K.real[:1]},
    "'reconstruction_esc' of .* is complex64": {"kspace": K, "reconstruction_esc": K},
    "'mask' of .* has 7 entries; expected 0 or 1 for each of the 8": {
        "kspace": K, "mask": np.ones(7)},
    "'mask' of .* has 8 entries": {"kspace": K, "mask": np.full(8, 0.5)},
}  # fmt: skip


@pytest.mark.parametrize("message", WRONG)
def test_a_wrong_file_names_itself_and_the_key(message, tmp_path):
    path = written(tmp_path / "wrong.h5", **WRONG[message])
    with pytest.raises(ValueError, match=message) as error:
        data.fastmri(path)
    assert "wrong.h5" in str(error.value) and "\n" not in str(error.value)


def test_a_damaged_file_names_itself(tmp_path):
    content = train(tmp_path / "good.h5", 4)[0].read_bytes()
    for name, part in {
        "truncated.h5": content[: len(content) // 2],
        "letter.h5": b"a letter, not k-space. " * 40,
        "empty.h5": b"",
    }.items():
        (tmp_path / name).write_bytes(part)
        with pytest.raises(ValueError, match=f"Cannot read .*{name} as an HDF5 file") as error:
            data.fastmri(tmp_path / name)
        assert "\n" not in str(error.value)
    with pytest.raises(ValueError, match="absent.h5 is not a file: give the path of one fastMRI"):
        data.fastmri(tmp_path / "absent.h5")


def volume(path, values, affine=None):
    nibabel.save(nibabel.Nifti1Image(values, np.eye(4) if affine is None else affine), path)
    return path


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
@pytest.mark.parametrize("dtype", ["int16", "float32", "uint8"])
def test_nifti_has_the_values_of_the_file(tmp_path, suffix, dtype):
    values = np.arange(4 * 5 * 3).reshape(4, 5, 3).astype(dtype)  # x, y, z
    x = data.nifti(volume(tmp_path / f"brain{suffix}", values))
    assert x.shape == (3, 1, 5, 4) and x.dtype == torch.float32
    for z in range(3):
        assert np.array_equal(x[z, 0].numpy(), values[:, ::-1, z].T)


def test_nifti_is_turned_to_the_standard_orientation(tmp_path):
    values = np.arange(4 * 5 * 3).reshape(4, 5, 3).astype("float32")
    expected = data.nifti(volume(tmp_path / "a.nii", values))
    flipped = np.diag([-1.0, -1.0, 1.0, 1.0])
    assert torch.equal(
        data.nifti(volume(tmp_path / "b.nii", values[::-1, ::-1], flipped)), expected
    )
    swapped = np.eye(4)[[2, 1, 0, 3]]  # the file's first axis is z
    c = volume(tmp_path / "c.nii", values.transpose(2, 1, 0).copy(), swapped)
    assert torch.equal(data.nifti(c), expected)


def test_nifti_applies_the_file_s_scale(tmp_path):
    image = nibabel.Nifti1Image(np.arange(8, dtype="int16").reshape(2, 2, 2), np.eye(4))
    image.header.set_slope_inter(0.5, -1)
    nibabel.save(image, tmp_path / "scaled.nii")
    assert data.nifti(tmp_path / "scaled.nii").max() == 2.5
    one = volume(tmp_path / "one.nii", np.ones((4, 5, 3, 1), "float32"))
    assert data.nifti(one).shape == (3, 1, 5, 4)


def test_nifti_errors(tmp_path):
    with pytest.raises(ValueError, match="absent.nii is not a file: give the path of one .nii"):
        data.nifti(tmp_path / "absent.nii")
    random = np.random.RandomState(0).randn(8, 8, 8).astype("float32")
    good = volume(tmp_path / "good.nii", random).read_bytes()
    packed = volume(tmp_path / "good.nii.gz", random).read_bytes()
    for name, content in {
        "header.nii": good[:200],
        "truncated.nii": good[:-200],
        "letter.nii": b"a letter, not a brain. " * 40,
        "empty.nii": b"",
        "truncated.nii.gz": packed[:-200],
        "notgzip.nii.gz": good,
        "short.nii.gz": gzip.compress(good[:-200]),
    }.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ValueError, match=f"Cannot read .*{name} as a NIfTI file") as error:
            data.nifti(tmp_path / name)
        assert "\n" not in str(error.value)
    for values, message in (
        (np.ones((4, 4, 4, 2), "float32"), r"float32 values of shape \(4, 4, 4, 2\): give one"),
        (np.ones((4, 4, 4), "complex64"), "complex64 values of shape"),
        (np.full((4, 4, 4), np.nan, "float32"), "holds 64 NaN or infinite values"),
    ):
        with pytest.raises(ValueError, match=f"bad.nii.* {message}"):
            data.nifti(volume(tmp_path / "bad.nii", values))
