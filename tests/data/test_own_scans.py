"""The reader's own fastMRI and NIfTI files: small files of the same schema, good and broken."""

import gzip

import h5py
import nibabel
import numpy as np
import pytest
import torch

from course_lib import data
from course_lib.operators import MRI, fourier, masks

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
    assert scan[1:4] == (None, None, None) and torch.equal(scan.acquired, torch.ones(12, 8))
    odd = written(
        tmp_path / "odd.h5", kspace=complex_noise(2, 12, 8), ismrmrd_header=b"\xff no xml"
    )
    assert data.fastmri(odd).size is None


def test_some_of_the_slices(tmp_path):
    path, k = train(tmp_path / "train.h5", 2)
    whole = data.fastmri(path)
    for slices, numbers in (
        (slice(1, 3), [1, 2]),
        ([0, 2], [0, 2]),
        ((2, 0), [2, 0]),
        (np.array([1, 1]), [1, 1]),
        ([-1], [2]),
        (slice(None, None, -1), [2, 1, 0]),
        ([True, False, True], [0, 2]),
    ):
        scan = data.fastmri(path, slices)
        assert torch.equal(scan.kspace, whole.kspace[numbers])
        assert torch.equal(scan.target, whole.target[numbers])
    for wrong in ([7], 3, slice(3, 3), [], True, 1.0, "kspace", [[0, 1], [2]]):
        with pytest.raises(
            ValueError, match=r"No slices .* of 'kspace' in .*train.h5: give some of 0 to 2"
        ):
            data.fastmri(path, wrong)


@pytest.mark.parametrize("coils", [None, 4])
@pytest.mark.parametrize("number", [1, np.int64(1), -2, torch.tensor(1)])
def test_a_number_is_one_slice_never_a_coil(tmp_path, coils, number):
    path, _ = train(tmp_path / "train.h5", coils)
    whole, scan = data.fastmri(path), data.fastmri(path, number)
    assert torch.equal(scan.kspace, whole.kspace[1:2])
    assert torch.equal(scan.target, whole.target[1:2])


@pytest.mark.parametrize("coils, right", [(None, "esc"), (1, "rss"), (4, "rss")])
def test_the_target_is_that_of_as_many_coils(tmp_path, coils, right):
    k = complex_noise(*((2, 12, 8) if coils is None else (2, coils, 12, 8)))
    both = {
        f"reconstruction_{name}": np.full((2, 6, 4), n, "f4")
        for n, name in enumerate(("esc", "rss"))
    }
    scan = data.fastmri(written(tmp_path / "both.h5", kspace=k, **both))
    assert (scan.target == {"esc": 0, "rss": 1}[right]).all()
    for only in both:
        path = written(tmp_path / "one.h5", kspace=k, **{only: both[only]})
        assert np.array_equal(data.fastmri(path).target[:, 0], both[only])


def matrix(x, y, more=""):
    size = f"<matrixSize><x>{x}</x> <y>{y}</y><z>1</z></matrixSize>"
    view = "<fieldOfView_mm><x>280</x><y>280</y></fieldOfView_mm>"
    return f"<encodedSpace>{size}</encodedSpace>{more}<reconSpace>{view}{size}</reconSpace>"


@pytest.mark.parametrize("header, expected", [
    (matrix(6, 4), (6, 4)),
    (matrix(320, 320), (12, 8)),
    (matrix(9999, 4), (12, 4)),
    (matrix(0, 4), None),
    (matrix(-6, 4), None),
    (matrix("6" * 5000, 4), None),
    (matrix(6.5, 4), None),
    (matrix(6, 4).replace("matrixSize", "size"), None),
    (matrix(6, 4).encode(), (6, 4)),
    (np.array([matrix(6, 4).encode()]), (6, 4)),
    ("<reconSpace>" * 40000, None),
    ("<reconSpace><matrixSize>" + "<x>1" * 100000, None),
])  # fmt: skip
def test_the_size_is_the_target_s_or_the_header_s_and_never_more_than_kspace(
    tmp_path, header, expected
):
    path = written(tmp_path / "a.h5", kspace=K, ismrmrd_header=header)
    assert data.fastmri(path).size == expected
    path = written(path, kspace=K, ismrmrd_header=header, reconstruction_rss=np.ones((2, 5, 3)))
    scan = data.fastmri(path)
    assert scan.size == (5, 3) == scan.target.shape[-2:]


@pytest.mark.parametrize("fields", [("real", "imag"), ("r", "i"), ("Re", "Im")])
@pytest.mark.parametrize("kind", ["f4", "f8", "i2"])
def test_complex_numbers_as_pairs(tmp_path, fields, kind):
    k = complex_noise(2, 3, 12, 8) * 1000
    pairs = np.zeros(k.shape, dtype=[(field, kind) for field in fields])
    pairs[fields[0]], pairs[fields[1]] = k.real, k.imag
    scan = data.fastmri(written(tmp_path / "a.h5", kspace=pairs))
    assert np.array_equal(scan.kspace[:, 0::2], pairs[fields[0]].astype("f4"))
    assert np.array_equal(scan.kspace[:, 1::2], pairs[fields[1]].astype("f4"))
    with h5py.File(tmp_path / "a.h5", "a") as file:
        file["kspace"].attrs["MATLAB_class"] = np.bytes_("single")
    with pytest.warns(UserWarning, match="a.h5 was written by MATLAB: its shape .2, 3, 12, 8."):
        assert torch.equal(data.fastmri(tmp_path / "a.h5").kspace, scan.kspace)


def test_the_columns_that_were_never_acquired(tmp_path):
    lines = np.array([0, 0, 1, 1, 1, 1, 1, 0])
    mask = np.array([1, 0, 1, 0, 1, 1, 0, 1])
    scan = data.fastmri(written(tmp_path / "train.h5", kspace=K * lines))
    assert torch.equal(scan.acquired, torch.tensor(lines).float().repeat(12, 1))
    m = masks.random((12, 8), 2, centre=1, count=50, acquired=scan.acquired)
    assert not (m * (1 - scan.acquired)).any() and (m[:, 0, 0].sum(1) == 2).all()
    scan = data.fastmri(written(tmp_path / "test.h5", kspace=K * lines * mask, mask=mask))
    assert torch.equal(scan.mask, torch.tensor(lines * mask).float().repeat(12, 1))
    for shape in ((1, 8), (1, 8, 1)):
        path = written(tmp_path / "test.h5", kspace=K, mask=mask.reshape(shape))
        assert torch.equal(data.fastmri(path).mask[3], torch.tensor(mask).float())


K = complex_noise(2, 12, 8)
WRONG = {
    "has no 'kspace'; it holds image, label: give a fastMRI": {"image": K, "label": K},
    "has no 'kspace'; it holds nothing": {},
    "'kspace' of .* is float32 of shape": {"kspace": K.real},
    "'kspace' of .* is complex64 of shape .12, 8.": {"kspace": K[0]},
    "'kspace' of .* is .* of shape ..; expected complex": {"kspace": np.complex64(1)},
    "'kspace' of .* is complex64 of shape .0, 12, 8.": {"kspace": K[:0]},
    "'kspace' of .* is object of shape": {"kspace": "a string"},
    "'kspace' of .* is .*'a'.* of shape": {
        "kspace": np.zeros((2, 12, 8), [("a", "f4"), ("b", "f4")])},
    "'kspace' of .* is .*<f8.*; expected complex": {
        "kspace": np.zeros((2, 12, 8), [("r", "<f8"), ("i", "<f4")])},
    "'kspace' of .* holds values up to nan": {"kspace": K * np.nan},
    "'kspace' of .* holds values up to 1e.300, outside float32: rescale": {
        "kspace": np.full(K.shape, 1e300 + 1j)},
    "'kspace' of .* holds values up to 1e-60, outside float32: rescale": {
        "kspace": np.full(K.shape, 1e-60 + 0j)},
    "'reconstruction_rss' of .* float32 of shape .2, 13, 8.*; expected real values, .2": {
        "kspace": K, "reconstruction_rss": np.zeros((2, 13, 8), "f4")},
    "'mask' of .* shape .2, 4.; expected 0 or 1 for each of the 8": {
        "kspace": K, "mask": np.ones((2, 4))},
    "'mask' of .* is object of shape": {"kspace": K, "mask": "all"},
    "'reconstruction_rss' of .* is float32 of shape .1, 12, 8.*; expected real values, .2": {
        "kspace": K, "reconstruction_rss": K.real[:1]},
    "'reconstruction_esc' of .* is complex64": {"kspace": K, "reconstruction_esc": K},
    "'mask' of .* of shape .7,.; expected 0 or 1 for each of the 8": {
        "kspace": K, "mask": np.ones(7)},
    "'mask' of .* of shape .8,.; expected 0 or 1": {"kspace": K, "mask": np.full(8, 0.5)},
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
    with pytest.raises(ValueError, match="absent.h5 is not a file: give the path of an HDF5"):
        data.fastmri(tmp_path / "absent.h5")


def link(path, make):
    with h5py.File(path.with_name("other.h5"), "w") as other:
        other["kspace"] = K
    K.astype("c8").tofile(path.with_name("raw"))
    with h5py.File(path, "w") as file:
        make(file, path)
    return path


def outside(file, path):
    file.create_dataset("kspace", K.shape, "c8", external=[(path.with_name("raw"), 0, K.nbytes)])


def virtual(file, path):
    layout = h5py.VirtualLayout(K.shape, "c8")
    layout[:] = h5py.VirtualSource(path.with_name("other.h5"), "kspace", K.shape)
    file.create_virtual_dataset("kspace", layout)


LINKS = {
    "external link": lambda f, p: f.__setitem__(
        "kspace", h5py.ExternalLink(p.with_name("other.h5"), "kspace")),
    "soft link": lambda f, p: f.__setitem__("kspace", h5py.SoftLink("/group/kspace")),
    "group": lambda f, p: f.create_group("kspace"),
    "external storage": outside,
    "virtual": virtual,
}  # fmt: skip


@pytest.mark.parametrize("kind", LINKS)
def test_no_other_file_is_opened(tmp_path, kind):
    path = link(tmp_path / "a.h5", LINKS[kind])
    with pytest.raises(
        ValueError, match="'kspace' of .*a.h5 is a link, a group or kept in another"
    ):
        data.fastmri(path)


def test_a_volume_that_the_file_can_t_hold_takes_no_memory(tmp_path):
    path = tmp_path / "bomb.h5"
    for chunks in (None, (1, 64, 64)):
        with h5py.File(path, "w") as file:
            file.create_dataset("kspace", (1, 2**14, 2**14), "c8", chunks=chunks)
        with pytest.raises(ValueError, match="bomb.h5 has .* bytes and declares 536870912 values"):
            data.fastmri(path)
    with h5py.File(path, "w") as file:
        file.create_dataset("kspace", (1, 4, 4), "c8", chunks=(1, 2**14, 2**14),
                            maxshape=(1, None, None))  # fmt: skip
    with pytest.raises(ValueError, match="bomb.h5 has .* bytes and declares"):
        data.fastmri(path)


def test_a_packing_that_is_not_installed_is_named(tmp_path, monkeypatch):
    path = tmp_path / "packed.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("kspace", data=K, compression="gzip", shuffle=True)
    assert torch.equal(data.fastmri(path).kspace[:, 0], torch.from_numpy(K.real.copy()))
    monkeypatch.setattr(h5py.h5z, "filter_avail", lambda code: code != 1)
    with pytest.raises(ValueError, match="packed.h5 is packed by filter 1, which h5py lacks here"):
        data.fastmri(path)


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
    with pytest.raises(ValueError, match="absent.nii is not a file: give the path of a NIfTI"):
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
        "mesh.gii": b"<?xml version='1.0'?><!DOCTYPE GIFTI>" * 20,
        "checksum.nii.gz": packed[:-8] + bytes(8),
        "short.nii.gz": gzip.compress(good[:-200]),
    }.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ValueError, match=f"Cannot read .*{name} as a NIfTI file") as error:
            data.nifti(tmp_path / name)
        assert "\n" not in str(error.value) and "fetch" not in str(error.value)
    for values, message in (
        (
            np.ones((4, 4, 4, 2), "float32"),
            r"float32 values of shape \(4, 4, 4, 2\): give real .x, y, z.",
        ),
        (np.ones((4, 4, 4), "complex64"), "complex64 values of shape"),
        (np.full((4, 4, 4), np.nan, "float32"), "holds values up to nan"),
    ):
        with pytest.raises(ValueError, match=f"bad.nii.* {message}"):
            data.nifti(volume(tmp_path / "bad.nii", values))


def edited(path, at, value):
    """The NIfTI file with some bytes of its header replaced."""
    content = bytearray(path.read_bytes())
    content[at : at + len(value)] = value
    path.write_bytes(content)
    return path


def test_nifti_refuses_colours_and_pairs(tmp_path):
    for fields in ("RGB", "RGBA"):
        colours = np.zeros((4, 5, 3), [(field, "u1") for field in fields])
        with pytest.raises(ValueError, match="rgb.nii holds colours"):
            data.nifti(volume(tmp_path / "rgb.nii", colours))
    nibabel.save(nibabel.Nifti1Pair(np.ones((4, 5, 3), "f4"), np.eye(4)), tmp_path / "pair.img")
    with pytest.raises(ValueError, match="pair.hdr is a Nifti1Pair: convert it to one .nii"):
        data.nifti(tmp_path / "pair.hdr")
    (tmp_path / "a.nii").write_bytes(b"\x28\xb5\x2f\xfd" + bytes(400))
    with pytest.raises(ValueError, match="Cannot read .*a.nii as a NIfTI file"):
        data.nifti(tmp_path / "a.nii")


@pytest.mark.parametrize("start", [0, 100, 348, 351, 353.5, np.nan, -352, 3e9])
def test_nifti_never_reads_its_header_as_image(tmp_path, start):
    path = volume(tmp_path / "a.nii", np.ones((4, 5, 3), "f4"))
    with pytest.raises(ValueError, match="Cannot read .*a.nii as a NIfTI file"):
        data.nifti(edited(path, 108, np.float32(start).tobytes()))


def test_nifti_of_the_second_version_and_bytes_at_its_end(tmp_path):
    values = np.arange(60, dtype="f4").reshape(4, 5, 3)
    nibabel.save(nibabel.Nifti2Image(values, np.eye(4)), tmp_path / "two.nii")
    one = volume(tmp_path / "one.nii", values)
    assert torch.equal(data.nifti(tmp_path / "two.nii"), data.nifti(one))
    one.write_bytes(one.read_bytes() + b"000")
    with pytest.warns(UserWarning, match="one.nii has 3 bytes after its values"):
        assert torch.equal(data.nifti(one), data.nifti(tmp_path / "two.nii"))


def test_nifti_of_no_orientation(tmp_path):
    values = np.arange(60, dtype="f4").reshape(4, 5, 3)
    path = edited(volume(tmp_path / "a.nii", values), 252, bytes(4))  # qform and sform codes
    with pytest.warns(UserWarning, match="a.nii does not tell its orientation: read as LAS"):
        assert np.array_equal(data.nifti(path)[:, 0], values[::-1, ::-1].T)
    for rows in (bytes(48), np.full(12, np.nan, "f4").tobytes()):  # the affine
        path = edited(volume(tmp_path / "a.nii", values), 280, rows)
        with pytest.raises(ValueError, match="a.nii"):
            data.nifti(path)


def test_nifti_that_leaves_float32(tmp_path):
    image = nibabel.Nifti1Image(np.arange(8, dtype="i2").reshape(2, 2, 2), np.eye(4))
    image.header.set_slope_inter(3e38, 0)
    nibabel.save(image, tmp_path / "a.nii")
    with pytest.raises(ValueError, match="a.nii holds values up to 2.1e.39, outside float32"):
        data.nifti(tmp_path / "a.nii")
    with pytest.raises(ValueError, match="a.nii holds values up to 1e.300, outside float32"):
        data.nifti(volume(tmp_path / "a.nii", np.full((2, 2, 2), -1e300)))
