"""MRI with one and several coils: exact adjoint, numpy's FFT, pseudo-inverse, norm, errors."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from linear import assert_adjoint, assert_index, assert_linear, assert_matrix, assert_moves, rand
from montecarlo import generator
from problems import mutant

from course_lib.operators import MRI, Inpainting, MultiCoilMRI, coils, dense, fourier, norm, unit


def mask(*shape, seed=0):
    m = (torch.rand(*shape, generator=generator(seed), dtype=torch.float64) < 0.4).double()
    m[..., 0, 0] = 1
    return m


def maps(*shape):
    return torch.complex(rand(*shape, seed=5), rand(*shape, seed=6))


KINDS = {  # for complex images (B, 2, H, W)
    "one mask": lambda B, H, W: MRI(mask(H, W)),
    "a mask an image": lambda B, H, W: MRI(mask(B, 1, H, W)),
    "coils": lambda B, H, W: MultiCoilMRI(mask(H, W), maps(3, H, W)),
    "one coil": lambda B, H, W: MultiCoilMRI(mask(H, W), maps(1, H, W)),
    "coils, a mask an image": lambda B, H, W: MultiCoilMRI(mask(B, 1, H, W), maps(2, H, W)),
    "coils, maps an image": lambda B, H, W: MultiCoilMRI(mask(H, W), maps(B, 2, H, W)),
    "coils, both an image": lambda B, H, W: MultiCoilMRI(mask(B, 1, H, W), maps(B, 2, H, W)),
    "part of the measurements": lambda B, H, W: (
        Inpainting(mask(B, 1, H, W, seed=1)) @ MultiCoilMRI(mask(H, W), maps(2, H, W))
    ),
}
shapes = st.tuples(*(st.integers(a, b) for a, b in ((1, 3), (1, 7), (2, 7))))


def every(test):
    return pytest.mark.parametrize("kind", KINDS)(test)


def as_numpy(x):
    return x[:, 0::2].numpy() + 1j * x[:, 1::2].numpy()


def numpy_fft(z):
    """The centred transform, written with numpy alone."""
    z = np.fft.fft2(np.fft.ifftshift(z, axes=(-2, -1)), norm="ortho")
    return np.fft.fftshift(z, axes=(-2, -1))


def assert_numpy(size):
    x, m, S = rand(2, 2, *size), mask(*size), maps(3, *size)
    y = m.numpy() * numpy_fft(as_numpy(x))
    np.testing.assert_allclose(as_numpy(MRI(m)(x)), y, atol=1e-12)
    y = m.numpy() * numpy_fft(S.numpy() * as_numpy(x))
    np.testing.assert_allclose(as_numpy(MultiCoilMRI(m, S)(x)), y, atol=1e-12)


@every
@settings(max_examples=15, deadline=None, derandomize=True)
@given(shape=shapes, seed=st.integers(0, 100))
def test_the_adjoint_passes_the_dot_test(kind, shape, seed):
    B, H, W = shape
    assert_adjoint(KINDS[kind](*shape), (B, 2, H, W), seed)


@pytest.mark.parametrize("size", [(8, 8), (6, 6), (8, 6), (4, 6), (5, 7), (4, 7), (1, 8), (2, 1)])
def test_it_is_numpy_s_fft(size):
    assert_numpy(size)


def test_the_transform_is_the_sum_in_its_docstring():
    for size in (4, 5):
        x, k = rand(1, 2, 1, size), torch.arange(size).double() - size // 2
        wave = torch.exp(-2j * torch.pi * torch.outer(k, k) / size) / size**0.5
        expected = fourier.to_complex(x)[0, 0, 0] @ wave
        found = fourier.to_complex(fourier.fft(x))[0, 0, 0]
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)


MUTANTS = {  # (target, its parent, expression, slip): caught by the dot test or by numpy's FFT
    "mask missing in the adjoint": (MRI, "adjoint", "ifft(y, self.mask)", "ifft(y)"),
    "fft for ifft": (MRI, "adjoint", "fourier.ifft(y, self.mask)", "fourier.fft(self.mask * y)"),
    "mask missing": (MRI, "forward", "fourier.fft(x, self.mask)", "fourier.fft(x)"),
    "maps not conjugated": (MultiCoilMRI, "adjoint", ".conj()", ""),
    "mean over the coils": (MultiCoilMRI, "adjoint", "coils).sum(", "coils).mean("),
    "coils without mask": (MultiCoilMRI, "adjoint", "ifft(y, self.mask)", "ifft(y)"),
    "maps conjugated in both": (
        MultiCoilMRI, "forward", "self.coil_maps *", "self.coil_maps.conj() *",
    ),
    "mask before the transform": (fourier, "fft", "after=mask", "before=mask"),
    "mask after the inverse": (fourier, "ifft", "before=mask", "after=mask"),
    "not orthonormal": (
        fourier, "_centred", 'before, signs), norm="ortho")', "before, signs))",
    ),
    "odd, not orthonormal": (fourier, "_centred", 'transform(z, norm="ortho")', "transform(z)"),
    "shifts exchanged": (fourier, "_centred", "torch.fft.ifftshift", "torch.fft.fftshift"),
    "origin at the corner of k-space": (fourier, "_centred", "after, turn * signs", "after, turn"),
    "origin at the corner of the image": (fourier, "_centred", "before, signs", "before"),
    "sign of half a turn": (fourier, "_centred", "turn * signs", "signs"),
    "real and imaginary part exchanged": (
        fourier, "to_complex", "x[:, 0::2], x[:, 1::2]", "x[:, 1::2], x[:, 0::2]",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MUTANTS)
def test_a_slip_is_caught(name, monkeypatch):
    target, part, old, new = MUTANTS[name]
    if target is fourier:
        monkeypatch.setattr(fourier, part, mutant(getattr(fourier, part), old, new))
    else:
        monkeypatch.setattr(target, part, getattr(mutant(target, old, new), part))

    def checks():
        for H, W in ((6, 4), (5, 7)):
            assert_numpy((H, W))
            for kind in ("one mask", "coils"):
                assert_adjoint(KINDS[kind](2, H, W), (2, 2, H, W))

    with pytest.raises(AssertionError):
        checks()


@every
def test_it_is_linear_and_differentiable(kind):
    assert_linear(KINDS[kind](2, 3, 4), (2, 2, 3, 4))


@every
@pytest.mark.parametrize("size", [(4, 4), (3, 5)])
def test_its_matrix_transpose_and_pseudo_inverse(kind, size):
    assert_matrix(KINDS[kind](1, *size), (2, *size))


@every
def test_to_casts_and_moves(kind):
    assert_moves(KINDS[kind](2, 4, 4), rand(2, 2, 4, 4))


@every
@pytest.mark.parametrize("index", [torch.tensor([2, 0]), slice(1, 3), -1])
def test_an_index_keeps_the_operators_of_those_images(kind, index):
    assert_index(KINDS[kind](3, 4, 5), rand(3, 2, 4, 5), index)


@pytest.mark.parametrize("size", [(4, 6), (5, 5)])
def test_the_norm(size):
    assert norm(MRI(mask(2, 1, *size)), (2, *size)).squeeze().tolist() == pytest.approx([1, 1])
    A = MultiCoilMRI(mask(*size), maps(3, *size))
    largest = torch.linalg.matrix_norm(dense(A, (2, *size)), 2)
    assert norm(A, (2, *size), 2000, 1e-12).item() == pytest.approx(largest.item(), rel=1e-6)
    assert norm(unit(A, (2, *size)), (2, *size)).item() == pytest.approx(1, rel=1e-4)
    S = coils.birdcage(4, size)
    assert norm(MultiCoilMRI(torch.ones(size), S), (2, *size)).item() == pytest.approx(1)
    assert norm(MultiCoilMRI(mask(*size), S), (2, *size)).item() <= 1 + 1e-6


def test_one_uniform_coil_is_no_coil():
    m, x = mask(4, 6), rand(2, 2, 4, 6)
    A = MultiCoilMRI(m, torch.ones(1, 4, 6, dtype=torch.complex128))
    assert torch.equal(A(x), MRI(m)(x))
    torch.testing.assert_close(A.pinv(A(x)), MRI(m).pinv(A(x)), rtol=0, atol=1e-6)


def test_several_coils_fill_in_what_one_does_not_measure():
    """Half the lines are enough for two coils: the rank is full, and pinv finds the image."""
    lines = torch.zeros(8, 8, dtype=torch.float64)
    lines[:, ::2] = 1
    x, S = rand(1, 2, 8, 8), maps(2, 8, 8)
    A = MultiCoilMRI(lines, S)
    assert torch.linalg.matrix_rank(dense(MRI(lines), (2, 8, 8))) == 64
    assert torch.linalg.matrix_rank(dense(A, (2, 8, 8))) == 128
    torch.testing.assert_close(A.pinv(A(x), 400, 1e-10), x, rtol=0, atol=1e-6)


def test_channels_and_magnitude():
    x = rand(2, 6, 3, 4)
    assert torch.equal(fourier.to_channels(fourier.to_complex(x)), x)
    torch.testing.assert_close(fourier.magnitude(x), fourier.to_complex(x).abs())
    zero = torch.zeros(1, 2, 1, 1, requires_grad=True)
    fourier.magnitude(zero).sum().backward()
    assert torch.isfinite(zero.grad).all()


X = rand(2, 2, 8, 8)
ONES = torch.ones(8, 8)
ERRORS = {
    "size": (
        lambda: MRI(ONES)(rand(1, 2, 8, 6)),
        r"x has shape \(1, 2, 8, 6\) and MRI .* \(B, 2, 8, 8\)",
    ),
    "size of y": (
        lambda: MRI(ONES).adjoint(rand(1, 2, 6, 8)),
        r"y has shape \(1, 2, 6, 8\) and MRI .* \(B, 2, 8, 8\)",
    ),
    "real image": (lambda: MRI(ONES)(X[:, :1]), r"x has shape \(2, 1, .* \(B, 2, 8, 8\);.* 0 \* x"),
    "coils of y": (
        lambda: MultiCoilMRI(ONES, maps(3, 8, 8)).adjoint(X),
        r"y has shape \(2, 2, 8, 8\) and MultiCoilMRI was made for \(B, 6, 8, 8\)",
    ),
    "images": (lambda: MRI(torch.ones(3, 1, 8, 8))(X), "x holds 2 images and MRI .* 3"),
    "images of the maps": (
        lambda: MultiCoilMRI(ONES, maps(3, 2, 8, 8))(X),
        "x holds 2 images and MultiCoilMRI was made for 3",
    ),
    "no line": (lambda: MRI(0 * ONES), "mask hides every line of k-space of an image"),
    "no line of one image": (
        lambda: MultiCoilMRI(torch.stack([ONES, 0 * ONES])[:, None], maps(2, 8, 8)),
        "mask hides every line of k-space of an image",
    ),
    "values": (lambda: MRI(ONES / 2), "values other than 0 and 1"),
    "mask of two channels": (lambda: MRI(torch.ones(2, 8, 8)), "mask has 2 channels"),
    "mask of one axis": (lambda: MRI(torch.ones(8)), r"mask has shape \(8,\)"),
    "maps of another size": (
        lambda: MultiCoilMRI(ONES, maps(3, 8, 6)),
        r"coil_maps is .* of \(8, 6\) pixels; use complex of \(8, 8\)",
    ),
    "maps for other images": (
        lambda: MultiCoilMRI(torch.ones(2, 1, 8, 8), maps(3, 2, 8, 8)),
        "mask for 2 and maps for 3 images were given",
    ),
    "real maps": (
        lambda: MultiCoilMRI(ONES, torch.ones(3, 8, 8)),
        "coil_maps is torch.float32 .* use complex",
    ),
    "maps of two axes": (lambda: MultiCoilMRI(ONES, maps(8, 8)), r"\(C, H, W\)"),
    "NaN in the maps": (lambda: MultiCoilMRI(ONES, maps(3, 8, 8) / 0), "coil_maps holds"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_a_mistake_is_one_clear_sentence(name):
    make, message = ERRORS[name]
    with pytest.raises(ValueError, match=message):
        make()
