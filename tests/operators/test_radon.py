"""Radon: exact adjoint, exact strip areas, scikit-image, back-projection, the photon counts."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from linear import assert_adjoint, assert_index, assert_linear, assert_matrix, assert_moves, rand
from montecarlo import generator, summary
from problems import mutant
from skimage.transform import iradon
from skimage.transform import radon as scikit_radon

from course_lib import noise
from course_lib.operators import Radon, Transmission, dense, norm, radon, sparse, unit


def degrees(*angles):
    return torch.tensor(angles, dtype=torch.float64)


KINDS = {  # for images (B, C, N, N)
    "any angles": lambda B, N: Radon(degrees(-200, 0, 10, 45, 90, 133.3, 180), N),
    "one angle": lambda B, N: Radon(degrees(30), N),
    "inscribed disc": lambda B, N: Radon(degrees(0, 40, 80), N, detectors=N),
    "few detectors": lambda B, N: Radon(degrees(0, 40, 80), N, detectors=2),
    "angles an image": lambda B, N: Radon(degrees(0, 50, 110) + degrees(*range(B))[:, None], N),
}


def every(test):
    return pytest.mark.parametrize("kind", KINDS)(test)


@every
@settings(max_examples=15, deadline=None, derandomize=True)
@given(
    shape=st.tuples(st.integers(1, 3), st.integers(1, 3), st.integers(1, 7)),
    seed=st.integers(0, 100),
)
def test_the_adjoint_passes_the_dot_test(kind, shape, seed):
    B, C, N = shape
    assert_adjoint(KINDS[kind](B, N), (B, C, N, N), seed)


def test_the_adjoint_passes_the_dot_test_at_full_size():
    assert_adjoint(Radon(torch.linspace(0, 177, 60).double(), 128), (2, 1, 128, 128))


@every
def test_it_is_linear_and_differentiable(kind):
    assert_linear(KINDS[kind](2, 4), (2, 2, 4, 4))


@every
@pytest.mark.parametrize("size", [4, 5])
def test_its_matrix_transpose_and_pseudo_inverse(kind, size):
    assert_matrix(KINDS[kind](1, size), (1, size, size))


@every
def test_second_derivatives(kind):
    x = rand(2, 1, 3, 3).requires_grad_()
    assert torch.autograd.gradgradcheck(KINDS[kind](2, 3), x)


def test_one_image_through_many_operators():
    A, x = KINDS["angles an image"](3, 4), rand(1, 2, 4, 4)
    torch.testing.assert_close(A(x), A(x.expand(3, -1, -1, -1)), rtol=0, atol=0)
    assert torch.autograd.gradcheck(A, x.requires_grad_())


@every
def test_to_casts_and_moves(kind):
    assert_moves(KINDS[kind](2, 4), rand(2, 1, 4, 4))


@every
@pytest.mark.parametrize("index", [torch.tensor([2, 0]), slice(1, 3), -1])
def test_an_index_keeps_the_operators_of_those_images(kind, index):
    assert_index(KINDS[kind](3, 4), rand(3, 2, 4, 4), index)


def strips_by_sampling(angle, size, detectors, samples=400):
    """The areas that `_strips` computes, by counting a fine grid of points in every pixel."""
    points = (np.arange(size * samples) + 0.5) / samples - size / 2
    theta = math.radians(angle)
    place = math.cos(theta) * points - math.sin(theta) * points[:, None]
    strip = np.floor(place + detectors / 2).astype(int)
    row, column = np.meshgrid(*[np.arange(size * samples) // samples] * 2, indexing="ij")
    inside = (strip >= 0) & (strip < detectors)
    areas = np.zeros((detectors, size**2))
    np.add.at(areas, (strip[inside], (row * size + column)[inside]), samples**-2)
    return areas


def assert_areas(angle, size, detectors):
    found = dense(Radon(degrees(angle), size, detectors), (1, size, size)).numpy()
    np.testing.assert_allclose(found, strips_by_sampling(angle, size, detectors), atol=6e-3)


CASES = [(0, 3, 3), (90, 3, 3), (45, 3, 5), (30, 4, 6), (-75, 3, 3), (200, 4, 5), (119, 4, 3)]


@pytest.mark.parametrize("angle, size, detectors", CASES)
def test_its_entries_are_the_areas_of_pixels_in_strips(angle, size, detectors):
    assert_areas(angle, size, detectors)


MUTANTS = {
    "turned the other way": ("c * place - s * place[:, None]", "c * place + s * place[:, None]"),
    "centre half a pixel off": ("(size - 1) / 2", "size / 2"),
    "detectors half a pixel off": ("(detectors - 1) / 2", "detectors / 2"),
    "neighbours exchanged": ("area = np.stack([below, 1 - below - above, above])",
                             "area = np.stack([above, 1 - below - above, below])"),
    "a box for the trapezoid": ("edge**2 / (2 * max(short, 1e-300)) + top", "top"),
    "a triangle for the trapezoid": (") + top)", "))"),
    "height of a unit pixel": (") / long", ")"),
    "radians": ("np.cos(theta), np.sin(theta)", "np.cos(np.deg2rad(theta)), np.sin(theta)"),
}  # fmt: skip


@pytest.mark.parametrize("name", MUTANTS)
def test_a_slip_in_the_areas_is_caught(name, monkeypatch):
    monkeypatch.setattr(radon, "_strips", mutant(radon._strips, *MUTANTS[name]))

    def checks():
        for case in CASES:
            assert_areas(*case)

    with pytest.raises(AssertionError):
        checks()


ADJOINTS = {
    "mean over the angles": (Radon, "adjoint(y.flatten(2))", "adjoint(y.flatten(2) / y.shape[2])"),
    "detectors backwards": (Radon, "adjoint(y.flatten(2))", "adjoint(y.flip(3).flatten(2))"),
    "image transposed": (Radon, "(self.size, self.size))\n\n", "(self.size, self.size)).mT\n\n"),
    "scaled forward": (Radon, "matrix(x.flatten(2))", "matrix(x.flatten(2) / self.size)"),
    "other weights": (sparse.SparseMatrix, "matrix.T.tocsr()", "matrix.T.tocsr().sqrt()"),
}  # fmt: skip


@pytest.mark.parametrize("name", ADJOINTS)
def test_a_wrong_adjoint_is_caught(name, monkeypatch):
    target, old, new = ADJOINTS[name]
    changed = mutant(target, old, new)
    if target is sparse.SparseMatrix:
        monkeypatch.setattr(radon, "SparseMatrix", changed)
    A = (changed if target is Radon else Radon)(degrees(10, 45, 133.3), 5)
    with pytest.raises(AssertionError):
        assert_adjoint(A, (2, 1, 5, 5))


def test_a_wrong_gradient_is_caught(monkeypatch):
    slip = ('{"forward": "adjoint", "adjoint": "forward"}[ctx.name]', "ctx.name")
    changed = mutant(sparse._Product, *slip)
    monkeypatch.setattr(sparse, "_Product", changed)
    with pytest.raises((AssertionError, RuntimeError)):
        assert_linear(Radon(degrees(0, 50), 4), (1, 1, 4, 4))


def test_simple_angles_are_sums():
    x = rand(2, 1, 5, 5)
    y = Radon(degrees(0, 90, 180, 270), 5, 5)(x)
    torch.testing.assert_close(y[:, :, 0], x.sum(2))  # columns, from left to right
    torch.testing.assert_close(y[:, :, 1], x.sum(3).flip(2))  # rows, from the bottom up
    torch.testing.assert_close(y[:, :, 2:], y[:, :, :2].flip(3))


def test_a_turned_image_has_turned_views():
    """Aθ(Rx) = A(θ − 90°)x, exactly, for the quarter turn R: what equivariance rests on."""
    x, angles = rand(1, 1, 6, 6), degrees(20, 77, 140)
    y = Radon(angles, 6)(x.rot90(1, (2, 3)))
    torch.testing.assert_close(y, Radon(angles - 90, 6)(x), rtol=0, atol=1e-12)


@pytest.mark.parametrize("size", [7, 8])
def test_every_view_sums_to_the_image(size):
    x = rand(1, 1, size, size)
    y = Radon(180 * rand(20), size)(x)
    torch.testing.assert_close(y.sum(3), x.sum().expand(1, 1, 20), rtol=0, atol=1e-9)
    back = Radon(degrees(0, 33, 81), size).adjoint(torch.ones_like(y[:, :, :3]))
    torch.testing.assert_close(back, torch.full_like(x, 3), rtol=0, atol=1e-12)


def phantom(size):
    """Two soft spots inside the inscribed disc, (1, 1, N, N)."""
    y, x = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j]
    spots = np.exp(-((x - 0.2) ** 2 + (y + 0.1) ** 2) / 0.04)
    spots += 0.5 * np.exp(-((x + 0.3) ** 2 + (y - 0.2) ** 2) / 0.02)
    return torch.from_numpy(spots * (x**2 + y**2 < 0.9))[None, None]


def test_it_agrees_with_scikit_image():
    x, angles = phantom(65), np.linspace(0, 180, 37)
    theirs = scikit_radon(x[0, 0].numpy(), angles, circle=True).T
    ours = Radon(angles, 65, detectors=65).double()(x)[0, 0].numpy()
    assert np.abs(ours - theirs).max() < 2e-3 * theirs.max()
    padded = scikit_radon(x[0, 0].numpy(), angles, circle=False).T
    assert padded.shape[1] == 92  # its centre is at 46, as that of our 93 detectors
    ours = Radon(angles, 65, detectors=93).double()(x)[0, 0].numpy()
    assert np.abs(ours[:, :92] - padded).max() < 2e-3 * padded.max()


def test_a_disc_is_a_half_ellipse():
    """The integral along a chord at distance s of a disc of radius r is 2√(r² − s²)."""
    size, r = 129, 40
    place = torch.arange(size) - (size - 1) / 2
    disc = (place**2 + place[:, None] ** 2 < r * r).double()[None, None]
    y = Radon(torch.arange(0, 180, 7).double(), size)(disc)
    s = torch.arange(y.shape[3]) - (y.shape[3] - 1) / 2
    chord = 2 * (r * r - s**2).clamp_min(0).sqrt().double()
    assert (y - chord).square().mean().sqrt() < 0.02 * 2 * r


def test_back_projection_inverts_and_agrees_with_scikit_image():
    x, angles = phantom(65), np.arange(0.0, 180.0)
    A = Radon(angles, 65, detectors=65).double()
    y = A(x)
    ours, theirs = A.filtered_backprojection(y)[0, 0].numpy(), iradon(y[0, 0].numpy().T, angles)
    inside, truth = theirs != 0, x[0, 0].numpy()
    for a, b, tolerance in ((ours, theirs, 2e-3), (ours, truth, 2e-2)):
        assert np.linalg.norm((a - b)[inside]) < tolerance * np.linalg.norm(truth)
    A = Radon(angles, 65).double()  # more detectors, which see nothing
    wide = A.filtered_backprojection(A(x))[0, 0].numpy()
    assert np.linalg.norm((wide - ours)[inside]) < 1e-4 * np.linalg.norm(truth)


UNEVEN = {
    "random": np.random.RandomState(0).rand(60) * 180,
    "dense in one half": np.r_[np.arange(0, 90, 1.5), np.arange(90, 180, 6.0)],
    "both ends": np.linspace(0, 180, 31),
    "twice, in any order": np.random.RandomState(1).permutation(np.arange(0, 360, 6.0) + 1),
}


def back_projected(angles, weights=None):
    """The error of back-projection of a phantom, relative."""
    x, A = phantom(65), Radon(degrees(*angles), 65)
    x_hat = A.filtered_backprojection(A(x), weights)
    return float((x_hat - x).norm() / x.norm())


@pytest.mark.parametrize("name", UNEVEN)
def test_each_view_stands_for_the_angle_up_to_its_neighbours(name):
    """Uneven angles cost little more than as many even ones; weights of π/n each cost a lot."""
    angles = UNEVEN[name]
    own = back_projected(angles)
    assert own < 4 * back_projected(np.arange(0, 180, 6.0))
    if name != "twice, in any order":
        equal = torch.full((len(angles),), math.pi / len(angles)).double()
        assert back_projected(angles, equal) > 2 * own


def test_the_weights_sum_to_half_a_turn_and_are_the_users_to_choose():
    angles = torch.stack([degrees(0, 10, 90), degrees(-300, 45, 500)])
    A = Radon(angles, 5)
    y = A(rand(2, 1, 5, 5))
    w = math.pi / 180 * torch.stack([degrees(50, 45, 85), degrees(47.5, 50, 82.5)])
    torch.testing.assert_close(w.sum(1), degrees(180, 180) * math.pi / 180)
    x_hat = A.filtered_backprojection(y)
    torch.testing.assert_close(x_hat, A.filtered_backprojection(y, w), rtol=0, atol=1e-12)
    one = A[1].filtered_backprojection(y[1:], w[1])
    torch.testing.assert_close(one, x_hat[1:], rtol=0, atol=1e-12)
    for wrong in (w[:, :2], w[0, :2], w[[0, 1, 0]], torch.ones(())):
        with pytest.raises(ValueError, match="weights"):
            A.filtered_backprojection(y, wrong)


FBP = {
    "scale": ("math.pi / 360", "math.pi / 180"),
    "neighbours of one side": ("after + after.roll(1, 1)", "2 * after"),
    "no filter": ("torch.fft.rfft(h).real *", ""),
    "mean lost": ("0.25 * (d == 0)", "0.2 * (d == 0)"),
    "wrapped around": ("n = 2 * self.detectors", "n = self.detectors"),
}


@pytest.mark.parametrize("name", FBP)
def test_a_slip_in_the_back_projection_is_caught(name, monkeypatch):
    changed = mutant(Radon, *FBP[name])
    for method in ("filtered_backprojection", "_gaps"):
        monkeypatch.setattr(Radon, method, vars(changed)[method])
    with pytest.raises(AssertionError):
        test_back_projection_inverts_and_agrees_with_scikit_image()
        test_the_weights_sum_to_half_a_turn_and_are_the_users_to_choose()


def test_few_views_leave_streaks_that_least_squares_does_not():
    x = phantom(33)
    A = Radon(torch.arange(0, 180, 18).double(), 33)
    y = A(x)
    streaks, solved = A.filtered_backprojection(y), A.pinv(y, 200, 1e-8)
    assert (A(solved) - y).norm() < 1e-4 * y.norm() < (A(streaks) - y).norm()
    assert (solved - x).norm() < (streaks - x).norm()


def test_the_pseudo_inverse_does_not_diverge():
    """More accuracy than float32 has, of an ill-conditioned system without a solution."""
    x = torch.rand(1, 1, 32, 32, generator=generator())
    A = Radon([0, 18, 40, 90, 110], 32)
    y = A(x) + 0.1 * torch.randn(A(x).shape, generator=generator(1))
    rough, fine = A.pinv(y), A.pinv(y, 1000, 0.0)
    assert (A(fine) - y).norm() <= (A(rough) - y).norm() and fine.norm() < 10 * rough.norm()


def test_two_views_have_all_their_rows_but_one():
    """Both views sum to Σx, so that one of the 2N measurements is redundant."""
    M = dense(Radon(degrees(0, 90), 6, 6), (1, 6, 6))
    assert torch.linalg.matrix_rank(M) == 11


@pytest.mark.parametrize("kind", ["any angles", "angles an image"])
def test_the_norm(kind):
    A = KINDS[kind](1, 6)
    largest = torch.linalg.matrix_norm(dense(A, (1, 6, 6)), 2)
    assert norm(A, (1, 6, 6), 2000, 1e-10).item() == pytest.approx(largest.item(), rel=1e-6)
    assert norm(unit(A, (1, 6, 6)), (1, 6, 6)).item() == pytest.approx(1, rel=1e-4)


def test_angles_of_any_type():
    x = torch.rand(1, 1, 4, 4, generator=generator())
    for angles in ([0, 30], (0.0, 30.0), np.array([0.0, 30.0]), torch.tensor([0, 30])):
        A = Radon(angles, 4)
        assert A(x).dtype == A.angles.dtype == torch.float32
        assert A(x.double()).dtype == torch.float64
        torch.testing.assert_close(A(x).double(), Radon(degrees(0, 30), 4)(x.double()))


def body(size):
    return 3 / size * phantom(size)


def test_transmission_is_the_law_of_beer_and_lambert():
    A, x = Radon(degrees(0, 30, 60), 9), body(9)
    T = Transmission(A, 1e4)
    torch.testing.assert_close(T(x), 1e4 * torch.exp(-A(x)))
    torch.testing.assert_close(T.log(T(x)), A(x))
    assert torch.autograd.gradcheck(T, x.requires_grad_())
    assert torch.equal(T[0](x), T(x))


def test_counts_through_a_body_follow_poisson_and_gaussian():
    """Mean I₀e^{−Ax} and variance I₀e^{−Ax} + σ² in every detector."""
    A, x, sigma = Radon(degrees(0, 70), 9, 9), body(9), 4.0
    mean = Transmission(A, 50.0)(x)
    law, g = noise.PoissonGaussian(1.0, sigma), generator()
    y = law(mean.expand(20000, -1, -1, -1), generator=g)
    for values in ((y - mean), (y - mean).square() - mean - sigma**2):
        for column in values.flatten(1).T:
            assert abs(summary(column).z()) < 4.5


def test_back_projection_of_counts_recovers_the_body():
    x = body(65)
    T = Transmission(Radon(np.arange(0.0, 180.0), 65).double(), 1e7)
    y = noise.PoissonGaussian(1.0, 10.0)(T(x), generator=generator())
    assert (T.pinv(y) - x).norm() < 0.05 * x.norm()
    assert torch.isfinite(T.pinv(y - 2e7)).all()  # no photon at all


IMAGE = rand(1, 1, 6, 6)
ERRORS = {
    "no angles": (lambda: Radon([], 6), r"angles has shape \(0,\); use \(n,\) or \(B, n\)"),
    "a number": (lambda: Radon(30.0, 6), r"angles has shape \(\)"),
    "three axes": (lambda: Radon(torch.zeros(1, 1, 1), 6), r"\(1, 1, 1\); use \(n,\)"),
    "NaN": (lambda: Radon([0.0, float("nan")], 6), "angles holds 1 NaN"),
    "size": (lambda: Radon([0], 5)(IMAGE), r"x has shape \(1, 1, 6, 6\) and Radon .* C, 5, 5\)"),
    "oblong": (lambda: Radon([0], 6)(rand(1, 1, 6, 5)), r"x has shape \(1, 1, 6, 5\)"),
    "size of y": (lambda: Radon([0, 9], 6, 6).adjoint(IMAGE), r"y has shape .*C, 2, 6\)"),
    "size of a back-projection": (
        lambda: Radon([0, 9], 6, 6).filtered_backprojection(IMAGE), r"y has shape \(1, 1, 6, 6\)",
    ),
    "images": (lambda: Radon(torch.zeros(3, 2), 6)(IMAGE.expand(2, 1, 6, 6)), "holds 2 .* for 3"),
    "no pixels": (lambda: Radon([0], 0), "size is 0"),
    "no detectors": (lambda: Radon([0], 6, 0), "detectors is 0"),
    "no photons": (lambda: Transmission(Radon([0], 6), 0), "photons is 0"),
    "size behind the exponential": (
        lambda: Transmission(Radon([0], 5), 10)(IMAGE), r"x has shape \(1, 1, 6, 6\) and Radon",
    ),
    "NaN counts": (lambda: Transmission(Radon([0], 6), 10).log(IMAGE / 0), "y holds 36 NaN"),
}  # fmt: skip


@pytest.mark.parametrize("name", ERRORS)
def test_a_mistake_is_one_clear_sentence(name):
    make, message = ERRORS[name]
    with pytest.raises(ValueError, match=message):
        make()


def test_the_log_of_a_share_is_that_of_the_counts():
    """y = share of I₀: only what is less than a photon is lifted to one."""
    A, x = Radon(degrees(0, 30, 60), 9), body(9)
    share, counts = Transmission(A, 1.0, 1e-3), Transmission(A, 1000.0)
    torch.testing.assert_close(share.log(share(x)), A(x))
    y = torch.tensor([[-5.0, 0.5, 1.0, 300.0]])
    torch.testing.assert_close(share.log(y / 1000), counts.log(y))


def test_transmission_says_that_it_has_no_adjoint():
    with pytest.raises(NotImplementedError, match="not linear"):
        Transmission(Radon([0], 6), 10).adjoint(IMAGE)
