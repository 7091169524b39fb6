"""Compressed sensing, decimation, mosaics, interferometry, cryo-EM, actions, scaling: the contract.

Exact adjoint, gradients, matrix, pseudo-inverse, a batch of operators, casting, `A[index]`.
"""

import pytest
import torch
from linear import assert_adjoint, assert_index, assert_linear, assert_matrix, assert_moves, rand
from montecarlo import generator
from problems import mutant

from course_lib.operators import (
    Compose,
    CompressedSensing,
    CryoEM,
    Decimation,
    Demosaicing,
    Flip,
    Inpainting,
    Interferometry,
    Roll,
    Rotate,
    Scaled,
    norm,
    random_rotations,
    unit,
)


def gaussian(batch):
    return CompressedSensing.gaussian(7, (4, 6), batch, generator()).double()


def whole(batch, high):
    return torch.randint(high, (batch, 2), generator=generator(3))


def sky(batch, whitened=False):
    sigma = rand(batch, 9).abs() + 0.1
    sigma[:, -2:] = 0
    A = Interferometry(1e9 * rand(batch, 9), 1e9 * rand(batch, 9, seed=1), (4, 6), 90.0, sigma)
    return A.whitened() if whitened else A


def microscope(batch, **optics):
    return CryoEM(random_rotations(batch, generator()), rand(batch, 2), **optics)


def optics(batch):
    return {
        "defocus": 1e4 + 5e3 * torch.arange(batch),
        "pixel": 3.0 + 0.1 * torch.arange(batch),
        "decay": 50.0,
    }


def factors(batch):
    return -3.0 * torch.arange(1, batch + 1).view(-1, 1, 1, 1)


KINDS = {  # of a batch of operators (1 is one for all): what it is, and the images' (C, H, W)
    "gaussian": (gaussian, (1, 4, 6)),
    "gaussian, channels": (gaussian, (2, 4, 6)),
    "signs": (lambda B: CompressedSensing.signs(5, (4, 6), B, generator()).double(), (1, 4, 6)),
    "decimation": (lambda B: Decimation(2, whole(B, 2)).double(), (2, 4, 6)),
    "binning": (lambda B: Decimation(2, whole(B, 2)).double() @ Roll(whole(B, 5)), (2, 4, 6)),
    "mosaic": (lambda B: Demosaicing(["RGGB", "BGGR", "GRBG"][:B]).double(), (3, 3, 5)),
    "interferometer": (sky, (1, 4, 6)),
    "interferometer, channels": (sky, (2, 4, 6)),
    "interferometer, whitened": (lambda B: sky(B, True), (1, 4, 6)),
    "some of the baselines": (
        lambda B: Inpainting((rand(B, 1, 1, 9) < 0.5).double()) @ sky(B), (1, 4, 6)),
    "projection": (microscope, (4, 4, 4)),
    "microscope": (lambda B: microscope(B, **optics(B)), (4, 4, 4)),
    "odd microscope": (lambda B: microscope(B, **optics(B)), (3, 3, 3)),
    "shift": (lambda B: Roll(whole(B, 9)), (2, 4, 6)),
    "mirror": (lambda B: Flip(torch.arange(B) % 2), (2, 4, 6)),
    "rotation": (lambda B: Rotate(1.0 + 77.0 * torch.arange(B)).double(), (2, 6, 6)),
    "odd rotation": (lambda B: Rotate(-50.0 + 77.0 * torch.arange(B)).double(), (2, 5, 5)),
    "scaled": (lambda B: Scaled(KINDS["decimation"][0](B), factors(B)).double(), (2, 4, 6)),
}  # fmt: skip
EXACT = ("shift", "mirror")  # whole numbers: `dense` would take the default type
ILL_POSED = ("microscope", "odd microscope")  # their pseudo-inverse is not tested


def every(test):
    return pytest.mark.parametrize("kind", KINDS)(test)


@every
@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("seed", range(3))
def test_the_adjoint_passes_the_dot_test(kind, batch, seed):
    make, shape = KINDS[kind]
    assert_adjoint(make(batch), (3, *shape), seed)


@pytest.mark.parametrize(
    "kind, parent, old, new",
    [
        ("interferometer", Interferometry, "columns.conj()", "columns"),
        ("interferometer, whitened", Interferometry, "columns.conj()", "columns.sgn().conj()"),
        ("gaussian", CompressedSensing, "matrix.flatten(2))", "matrix.flip(1).flatten(2))"),
        ("microscope", CryoEM, "self.transfer(size).conj()", "self.transfer(size)"),
        ("projection", CryoEM, "(weight * y)", "y"),
        ("decimation", Decimation, "self.cell * ", ""),
        ("mosaic", Demosaicing, "self.masks(y.shape[2:]) * y", "y.expand(-1, 3, -1, -1)"),
        ("shift", Roll, "-self.shift", "self.shift"),
        ("rotation", Rotate, "self._sheared(y, -1)", "self._sheared(y, 1)"),
        ("odd rotation", Rotate, "(y, -1), -1)", "(y, -1), 1)"),
        ("scaled", Scaled, "self.factor * self", "self"),
    ],
)
def test_a_wrong_adjoint_is_caught(kind, parent, old, new, monkeypatch):
    make, shape = KINDS[kind]
    A = make(3)
    monkeypatch.setattr(parent, "adjoint", mutant(parent.adjoint, old, new))
    with pytest.raises((AssertionError, RuntimeError)):
        assert_adjoint(A, (3, *shape))


@every
def test_it_is_linear_and_differentiable(kind):
    make, (channels, h, w) = KINDS[kind]
    assert_linear(make(2), (2, channels, h, w))


@every
def test_the_matrix_is_the_operator(kind):
    make, shape = KINDS[kind]
    if kind not in ILL_POSED:
        A = make(1)
        assert_matrix(A if kind not in EXACT else Scaled(A, 1.0).double(), shape)


@every
@pytest.mark.parametrize("index", [torch.tensor([2, 0]), slice(1, 3), [1], 2, -1])
def test_an_index_keeps_the_operators_of_those_images(kind, index):
    make, shape = KINDS[kind]
    assert_index(make(3), rand(3, *shape), index)


@every
def test_to_moves_and_casts_every_parameter(kind):
    make, shape = KINDS[kind]
    assert_moves(make(2), rand(2, *shape))


@every
def test_one_operator_acts_on_a_batch_and_a_batch_on_one_image(kind):
    make, shape = KINDS[kind]
    x = rand(3, *shape)
    torch.testing.assert_close(make(1)(x)[1:2], make(1)(x[1:2]), rtol=0, atol=1e-12)
    torch.testing.assert_close(make(3)(x[:1])[2:], make(3)[2](x[:1]), rtol=0, atol=1e-12)


@every
def test_unit_norm(kind):
    make, shape = KINDS[kind]
    A, x = make(3), rand(1, *shape)
    found = norm(A, shape, iterations=1000, tolerance=1e-10)
    for b in range(3):
        M = torch.stack(
            [A[b](e).flatten() for e in torch.eye(x.numel()).double().view(-1, *x.shape)]
        )
        largest = torch.linalg.matrix_norm(M, 2)
        assert float(found.expand(3, 1, 1, 1)[b]) == pytest.approx(float(largest), rel=1e-4)
    scaled = unit(A, shape)
    assert norm(scaled, shape).max() <= 1 + 1e-5
    torch.testing.assert_close(scaled(x), A(x) / norm(A, shape), rtol=1e-6, atol=1e-9)


def test_decimation_keeps_the_pixel_it_says():
    x = rand(2, 1, 4, 6)
    assert torch.equal(Decimation(2)(x), x[:, :, ::2, ::2])
    y = Decimation(2, torch.tensor([[0, 1], [1, 0]])).double()(x)
    assert torch.equal(y[:1], x[:1, :, ::2, 1::2]) and torch.equal(y[1:], x[1:, :, 1::2, ::2])


def test_a_mosaic_is_the_camera_s():
    x = rand(1, 3, 4, 4)
    y = Demosaicing("RGGB").double()(x)[0, 0]
    r, g, b = x[0]
    assert y[0, 0] == r[0, 0] and y[0, 1] == g[0, 1] and y[1, 0] == g[1, 0] and y[3, 3] == b[3, 3]


def test_a_mosaic_is_laid_out_row_by_row():
    y = Demosaicing("GRBB")(torch.tensor([1.0, 2.0, 3.0]).view(1, 3, 1, 1).expand(1, 3, 2, 4))
    assert y[0, 0].tolist() == [[2.0, 1.0, 2.0, 1.0], [3.0, 3.0, 3.0, 3.0]]
    A = Demosaicing(["RGGB", "GRBG"])
    assert A.pattern == ["RGGB", "GRBG"] and A[1].pattern == ["GRBG"]


def test_random_matrices_preserve_the_norm_on_average():
    for make in (CompressedSensing.gaussian, CompressedSensing.signs):
        matrix = make(50, (8, 8), 20, generator()).matrix
        assert float(matrix.square().sum(1).mean()) == pytest.approx(1, rel=0.02)
        assert abs(float(matrix.mean())) < 4 * (1 / 50 / matrix.numel()) ** 0.5


U = torch.ones(3)
CUBE = torch.eye(3)
WRONG = {
    "matrix has shape (4, 4)": lambda: CompressedSensing(torch.ones(4, 4)),
    "m is 0": lambda: CompressedSensing.gaussian(0, (4, 4)),
    "x has shape (1, 1, 5, 6) and CompressedSensing was made for (B, C, 4, 6)": lambda: gaussian(1)(
        rand(1, 1, 5, 6)
    ),
    "y has shape (1, 1, 1, 8)": lambda: gaussian(1).adjoint(rand(1, 1, 1, 8)),
    "x holds 2 images": lambda: gaussian(3)(rand(2, 1, 4, 6)),
    "phase is [[0, 2]]; it must lie in 0 … 1": lambda: Decimation(2, (0, 2)),
    "factor is 0": lambda: Decimation(0),
    "x is (5, 6) pixels; crop it, it does not divide into 2×2": lambda: Decimation(2)(
        rand(1, 1, 5, 6)
    ),
    "pattern is 'RGB'": lambda: Demosaicing("RGB"),
    "pattern is ['RGGX']": lambda: Demosaicing(["RGGX"]),
    "x has shape (1, 1, 4, 4) and Demosaicing was made for (B, 3, H, W)": lambda: Demosaicing()(
        rand(1, 1, 4, 4)
    ),
    "y has shape (1, 3, 4, 4) and Demosaicing was made for (B, 1, H, W)": lambda: (
        Demosaicing().adjoint(rand(1, 3, 4, 4))
    ),
    "u has shape (3,) and v (2,)": lambda: Interferometry(U, U[:2]),
    "u has shape (3,) and sigma (1,)": lambda: Interferometry(U, U, sigma=U[:1]),
    "u has shape (1, 1, 3)": lambda: Interferometry(U.view(1, 1, 3), U.view(1, 1, 3)),
    "sigma holds -1": lambda: Interferometry(U, U, sigma=-U),
    "field is -1": lambda: Interferometry(U, U, field=-1),
    "x has shape (1, 1, 8, 8) and Interferometry was made for (B, C, 4, 6)": lambda: sky(1)(
        rand(1, 1, 8, 8)
    ),
    "1 channels were given; complex": lambda: sky(1).adjoint(rand(1, 1, 1, 9)),
    "y has shape (1, 2, 1, 8) and Interferometry was made for (B, 2C, 1, 9)": lambda: sky(
        1
    ).adjoint(rand(1, 2, 1, 8)),
    "rotation has shape (2, 2)": lambda: CryoEM(torch.eye(2)),
    "rotation is not orthogonal, R Rᵀ − I reaches 3": lambda: CryoEM(2 * CUBE),
    "pixel is 0": lambda: CryoEM(CUBE, pixel=0),
    "x has shape (1, 1, 4, 4) and CryoEM was made for (B, N, N, N); a batch of densities": lambda: (
        CryoEM(CUBE)(torch.ones(1, 1, 4, 4))
    ),
    "shift must hold whole numbers": lambda: Roll(torch.tensor([0.5, 1.0])),
    "x has shape (1, 1, 4, 6) and Rotate was made for (B, C, N, N)": lambda: Rotate(9.0)(
        rand(1, 1, 4, 6)
    ),
    "factor must be a number other than 0": lambda: Scaled(Decimation(2), 0),
    "maps images to 0": lambda: norm(Compose(Decimation(2), ZERO), (1, 4, 4)),
}
ZERO = CompressedSensing(torch.zeros(1, 4, 4))
ZERO.forward = lambda x: 0 * x
ZERO.adjoint = lambda y: 0 * y


@pytest.mark.parametrize("message", WRONG)
def test_bad_input_is_one_clear_sentence(message):
    with pytest.raises(ValueError) as error:
        WRONG[message]()
    assert message in str(error.value) and "\n" not in str(error.value)
