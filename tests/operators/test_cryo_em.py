"""Cryo-EM: the CTF's formula, the Fourier slice theorem, rotations, shifts."""

import itertools
import math

import numpy as np
import pytest
import torch
from linear import rand
from montecarlo import generator, summary
from problems import mutant

from course_lib import data
from course_lib.operators import CryoEM, ctf, random_rotations
from course_lib.operators.ctf import wavelength

K = torch.linspace(0, 0.4, 200, dtype=torch.float64)


def formula(k, defocus, phase=0.0, decay=0.0):
    """The formula at 300 kV, Cs 2.7 mm and w = 0.1, one frequency at a time."""
    lam = 12.2639 / math.sqrt(300e3 + 0.97845e-6 * 300e3**2)
    values = []
    for f in k.tolist():
        inner = -0.5 * defocus * lam * f**2 + 0.25 * 2.7e7 * lam**3 * f**4
        gamma = 2 * math.pi * inner - phase
        value = math.sqrt(1 - 0.1**2) * math.sin(gamma) - 0.1 * math.cos(gamma)
        values.append(value * math.exp(-decay * f**2 / 4))
    return torch.tensor(values, dtype=torch.float64)


def assert_ctf(ctf):
    for defocus, phase, decay in ((8e3, 0.0, 0.0), (15e3, 0.7, 60.0), (25e3, math.pi / 2, 120.0)):
        found = ctf(K, defocus, phase=phase, decay=decay)
        torch.testing.assert_close(found, formula(K, defocus, phase, decay), rtol=0, atol=1e-12)


def test_the_ctf_is_its_formula():
    assert_ctf(ctf)
    assert wavelength(300e3) == pytest.approx(0.0197, abs=5e-5)
    assert float(ctf(K, 1e4)[0]) == pytest.approx(-0.1)


@pytest.mark.parametrize(
    "old, new",
    [
        ("-defocus * wave", "defocus * wave"),
        ("- contrast * gamma.cos()", "+ contrast * gamma.cos()"),
        ("wave**3", "wave**2"),
        ("- phase", "+ phase"),
        ("k2 / 4)", "k2 / 2)"),
    ],
)
def test_a_wrong_ctf_is_caught(old, new):
    with pytest.raises(AssertionError):
        assert_ctf(mutant(ctf, old, new))


@pytest.mark.parametrize("defocus", [8e3, 15e3, 25e3])
def test_its_first_zero_is_where_the_defocus_puts_it(defocus):
    k = torch.linspace(1e-3, 0.2, 20_000, dtype=torch.float64)
    values = ctf(k, defocus, contrast=0.0)
    first = k[(values.sign() != values[0].sign()).nonzero()[0]]
    assert float(first) == pytest.approx((wavelength(300e3) * defocus) ** -0.5, rel=0.01)


def cube_rotations():
    """The 24 rotations that map the grid to itself."""
    for order in itertools.permutations(range(3)):
        for signs in itertools.product((1.0, -1.0), repeat=3):
            R = torch.eye(3, dtype=torch.float64)[list(order)] * torch.tensor(signs)[:, None]
            if torch.linalg.det(R) > 0:
                yield R


def turned(x, R):
    """(Rx)(r) = x(Rᵀr) for a rotation of the grid, voxel by voxel."""
    n, out = x.shape[-1], torch.empty_like(x)
    c = (n - 1) / 2
    for k, j, i in itertools.product(range(n), repeat=3):
        source = R.T @ torch.tensor([i - c, j - c, k - c]).double() + c
        a, b, d = (int(round(v)) for v in source.tolist())
        out[k, j, i] = x[d, b, a]
    return out


@pytest.mark.parametrize("n", [4, 5])
def test_the_projection_is_a_slice_of_the_transform(n):
    """F₂ P R x = (F₃ R x)(k_z = 0), exactly, for the rotations of the grid."""
    x = rand(1, n, n, n)
    rotations = list(cube_rotations())
    assert len(rotations) == 24
    y = CryoEM(torch.stack(rotations))(x)
    for image, R in zip(y, rotations, strict=True):
        slice_ = torch.fft.fftn(turned(x[0], R))[0]
        torch.testing.assert_close(torch.fft.fft2(image[0]), slice_, rtol=0, atol=1e-11)


def blobs(n, width, places):
    axis = torch.arange(n, dtype=torch.float64) - (n - 1) / 2
    grids = torch.meshgrid(*[axis] * places.shape[1], indexing="ij")  # (z, y, x) or (y, x)
    total = 0
    for p in places:
        far = sum((g - c) ** 2 for g, c in zip(reversed(grids), p, strict=True))
        total = total + torch.exp(-far / (2 * width**2))
    return total


PLACES = torch.tensor([[5.0, 1.0, -2.0], [-3.0, 4.0, 3.0], [0.0, -5.0, 1.0]], dtype=torch.float64)


def assert_projections(transform=CryoEM):
    """A sum of Gaussian blobs at p projects to blobs at (Rp)_xy + t, √2π width times as high."""
    R, t = random_rotations(3, generator()), torch.tensor([[1.5, -0.75]]).double()
    y = transform(R, t)(blobs(24, 2.0, PLACES)[None])
    for image, rotation in zip(y, R, strict=True):
        moved = (PLACES @ rotation.T)[:, :2] + t
        expected = blobs(24, 2.0, moved) * math.sqrt(2 * math.pi) * 2.0
        # trilinear interpolation widens a blob: width² grows by about 1/6 of a pixel²
        assert (image[0] - expected).norm() < 0.05 * expected.norm()


def test_a_turned_and_shifted_density_is_where_it_should_be():
    assert_projections()


@pytest.mark.parametrize(
    "old, new",
    [
        ("self.rotation.mT @ r", "self.rotation @ r"),
        ("self.shift[:, 0,", "self.shift[:, 1,"),
        ("torch.stack([x, y, z])", "torch.stack([z, y, x])"),
        ("(1 - a, a)", "(a, 1 - a)"),
    ],
)
def test_a_wrong_projection_is_caught(old, new):
    with pytest.raises(AssertionError):
        assert_projections(mutant(CryoEM, old, new))


@pytest.mark.parametrize("split", ["train", "test"])
def test_interpolation_costs_at_most_three_per_cent(split):
    """The error against the exact slice, on every sixteenth frequency."""
    x = data.load("densities", split)[0].double()
    n, R = 64, random_rotations(1, generator(1))[0]
    image, c = CryoEM(R)(x[None])[0, 0].numpy(), (n - 1) / 2
    k = np.fft.fftfreq(n)
    ky, kx = np.meshgrid(k, k, indexing="ij")
    low = (kx**2 + ky**2 < 0.5**2) & (np.rint(n * (kx + 2 * ky)) % 16 == 0)
    places = np.stack([kx[low], ky[low], 0 * kx[low]], 1) @ R.numpy()
    waves = [np.exp(-2j * np.pi * places[:, [a]] * (np.arange(n) - c)) for a in range(3)]
    exact = np.einsum("zyx,kx,ky,kz->k", x.numpy(), *waves, optimize=True)
    found = (np.fft.fft2(image) * np.exp(2j * np.pi * (kx + ky) * c))[low]
    error = np.linalg.norm(found - exact) / np.linalg.norm(exact)
    assert 0.001 < error < 0.03


def test_a_shift_by_whole_pixels_is_a_roll():
    x, R = rand(1, 6, 6, 6), torch.eye(3).double()
    still, moved = CryoEM(R)(x), CryoEM(R, (2.0, -1.0))(x)
    torch.testing.assert_close(moved, still.roll((-1, 2), (2, 3)), rtol=0, atol=1e-12)


def test_the_image_is_filtered_by_the_ctf():
    x, R, n = rand(1, 8, 8, 8), torch.eye(3).double(), 8
    plain, seen = CryoEM(R)(x), CryoEM(R, defocus=12e3, pixel=2.5, decay=30.0)(x)
    k = torch.fft.fftfreq(n, 2.5, dtype=torch.float64)
    H = formula((k[:, None] ** 2 + k**2).sqrt().flatten(), 12e3, decay=30.0).view(n, n)
    torch.testing.assert_close(torch.fft.fft2(seen), H * torch.fft.fft2(plain), rtol=0, atol=1e-11)


def test_rotations_are_uniform():
    R = random_rotations(20_000, generator())
    torch.testing.assert_close(R @ R.mT, torch.eye(3).double().expand_as(R), rtol=0, atol=1e-12)
    assert torch.allclose(torch.linalg.det(R), torch.ones(()).double())
    for i, j in itertools.product(range(3), repeat=2):
        assert abs(summary(R[:, i, j]).z()) < 4
        assert abs(summary(R[:, i, j] ** 2).z(1 / 3)) < 4
        assert abs(summary((R[:, i, j] < 0.5).double()).z(0.75)) < 4  # uniform on [−1, 1]
    assert abs(summary(R[:, 0, 0] * R[:, 1, 1]).z()) < 4
