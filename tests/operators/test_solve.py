"""Conjugate gradient against dense solves, and the pseudo-inverse that is made of it."""

import warnings

import pytest
import torch
from linear import rand
from montecarlo import generator
from problems import mutant

from course_lib import operators
from course_lib.operators import solve
from course_lib.operators.solve import conjugate_gradient

SHAPE, N = (3, 1, 2, 4), 8


def matrices(rank=N, shift=0.3):
    """H_i = B_iᵀB_i + shift, one for each of 3 images."""
    B = rand(3, rank, N)
    return B.mT @ B + shift * torch.eye(N).double()


def times(H):
    return lambda x: (H @ x.reshape(len(x), N, 1)).view_as(x)


def solved(H, b):
    return torch.linalg.solve(H, b.reshape(3, N, 1)).view_as(b)


def error(**options):
    H, b = matrices(), rand(*SHAPE, seed=1)
    x = solve.conjugate_gradient(times(H), b, **options)
    return float((x - solved(H, b)).norm() / solved(H, b).norm())


def test_it_solves_each_image_s_own_system():
    assert error(iterations=50, tolerance=1e-14) < 1e-10


def test_n_iterations_are_enough_and_fewer_are_not():
    assert error(iterations=N, tolerance=1e-14) < 1e-6
    assert error(iterations=N - 3, tolerance=1e-14) > 1e-4


@pytest.mark.parametrize("tolerance", [1e-2, 1e-5])
def test_it_stops_when_every_residual_has_fallen_by_the_tolerance(tolerance):
    H, b, products = matrices(shift=100.0), 100 * rand(*SHAPE, seed=1), []
    H_times = times(H)

    def counted(x):
        products.append(x)
        return H_times(x)

    def fell(x):
        return float(((H_times(x) - b).flatten(1).norm(dim=1) / b.flatten(1).norm(dim=1)).max())

    x = solve.conjugate_gradient(counted, b, iterations=50, tolerance=tolerance)
    assert fell(x) <= tolerance and len(products) < 50
    early = solve.conjugate_gradient(H_times, b, len(products) - 1, tolerance)
    assert fell(early) > tolerance


def too_early():
    """Do a faint and a black image end the iteration for the others?"""
    H, b = matrices(), rand(*SHAPE, seed=1) * torch.tensor([1, 1e-9, 0]).double().view(3, 1, 1, 1)
    x = solve.conjugate_gradient(times(H), b, iterations=N, tolerance=1e-14)
    gap = (x - solved(H, b)).flatten(1).norm(dim=1)
    return bool((gap > 1e-6 * b.flatten(1).norm(dim=1)).any()) or bool(x[2].any())


@pytest.mark.parametrize(
    "old, new",
    [
        ("x + step * p, r - step * q", "x + step * r, r - step * q"),
        ("x + step * p, r - step * q", "x - step * p, r - step * q"),
        ("p = r + torch.where", "p = r - torch.where"),
        ("p = r + torch.where(going, rr / torch.where(going, before, 1), 0) * p", "p = r"),
        ("going & (rr > stop)", "going & (rr > stop).all()"),
        ("going & (rr > stop)", "going"),
        ("** 2 * first", "* first"),
        ("return unit * x", "return x"),
    ],
)
@pytest.mark.filterwarnings("ignore:the residual of")
def test_a_mutant_is_refused(old, new, monkeypatch):
    monkeypatch.setattr(solve, "conjugate_gradient", mutant(solve.conjugate_gradient, old, new))
    with pytest.raises(AssertionError):
        assert not too_early()
        assert error(iterations=N, tolerance=1e-14) < 1e-6
        test_it_stops_when_every_residual_has_fallen_by_the_tolerance(1e-5)


def test_faint_and_black_images_are_solved_beside_a_bright_one():
    assert not too_early()


def test_of_a_singular_system_it_is_the_solution_of_least_norm():
    H = matrices(rank=5, shift=0.0)
    b = times(H)(rand(*SHAPE, seed=1))
    x = conjugate_gradient(times(H), b, iterations=100, tolerance=1e-12)
    least = (torch.linalg.pinv(H, rtol=1e-9) @ b.reshape(3, N, 1)).view_as(b)
    torch.testing.assert_close(x, least, rtol=0, atol=1e-8)


def test_the_gradient_is_that_of_the_solution():
    """With respect to b and to what H holds."""
    B, b, c = rand(3, N, N), rand(*SHAPE, seed=1).requires_grad_(), rand(*SHAPE, seed=2)
    B.requires_grad_()

    def gradient(solver):
        return torch.autograd.grad((c * solver(B.mT @ B + torch.eye(N).double())).sum(), (B, b))

    found = gradient(lambda H: conjugate_gradient(times(H), b, 60, 1e-14))
    for one, two in zip(found, gradient(lambda H: solved(H, b)), strict=True):
        torch.testing.assert_close(one, two, rtol=0, atol=1e-8)


def test_the_gradient_is_finite_for_an_image_that_has_long_converged():
    """H = 1.05 I is solved at once, the two others go on for 50 iterations, in single precision."""
    H = matrices(shift=1e-3).float()
    H[0] = 1.05 * torch.eye(N)
    b = (rand(*SHAPE, seed=1) * torch.tensor([1, 1, 1e-6]).view(3, 1, 1, 1)).float()
    b.requires_grad_()
    x = conjugate_gradient(times(H), b, 50, 0.0)
    (gradient,) = torch.autograd.grad(x.square().sum(), b)
    assert gradient.isfinite().all()
    torch.testing.assert_close(gradient[0], 2 * b[0].detach() / 1.05**2, rtol=1e-5, atol=1e-6)


# What becomes of an image does not depend on the others of its batch


def apart(H):
    """H image by image, so that no library sees a batch."""
    return lambda x: torch.stack([(h @ u.flatten()).view_as(u) for h, u in zip(H, x, strict=True)])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_batch_is_its_images_alone_to_the_bit(dtype):
    """One is solved at once, one is black, one takes long, two are singular."""
    H = torch.cat([matrices(), matrices(rank=3, shift=0.0)[:2]])
    H[0] = torch.eye(N)
    H, b = H.to(dtype), rand(5, 1, 2, 4, seed=1).to(dtype)
    b[1] = 0
    b[3:] = apart(H[3:])(b[3:])
    for iterations, tolerance in ((50, 1e-6), (3, 1e-6), (500, 0.0)):
        x = conjugate_gradient(apart(H), b, iterations, tolerance)
        for i in range(5):
            alone = conjugate_gradient(apart(H[[i]]), b[[i]], iterations, tolerance)
            assert torch.equal(x[[i]], alone)


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("size", [(1, 300, 301), (3, 17, 5), (2, 1, 4099)])
def test_the_sum_of_an_image_does_not_depend_on_its_batch(threads, size):
    a, b = (torch.randn(8, *size, generator=generator(s)) for s in (0, 1))
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        alone = torch.cat([solve.dot(u[None], v[None]) for u, v in zip(a, b, strict=True)])
        assert torch.equal(solve.dot(a, b), alone)
        last = a.contiguous(memory_format=torch.channels_last)
        assert torch.equal(solve.dot(last, b), alone)
    finally:
        torch.set_num_threads(before)
    exact = (a.double() * b).flatten(1).sum(1)
    torch.testing.assert_close(alone.flatten().double(), exact, rtol=0, atol=2e-3)


def few_angles(seed, n=12):
    """A batch of operators of two to six angles, every third one with views that repeat."""
    angles = 180 * torch.rand(4, 2 + seed % 5, generator=generator(seed))
    if seed % 3 == 0:
        angles = torch.tensor([[0.0, 90.0], [20.0, 65.0], [0.0, 45.0], [90.0, 90.0]])
    return operators.Radon(angles, n), torch.rand(4, 1, n, n, generator=generator(seed))


@pytest.mark.parametrize("seed", range(4))
def test_pinv_of_few_angles_is_that_of_each_image_alone_and_bounded(seed):
    """42 of 180 such images were wrong by up to 1e10, when a converged image went on iterating."""
    A, x = few_angles(seed)
    noise = torch.randn(A(x).shape, generator=generator(seed + 99))
    exact = [torch.linalg.pinv(operators.dense(a, x.shape[1:]), rtol=1e-7) for a in A.double()]
    A.float()
    for y in (A(x), noise):
        x_hat = A.pinv(y)
        alone = torch.cat([a.pinv(y[[i]]) for i, a in enumerate(A)])
        assert torch.equal(x_hat, alone)
        most = torch.stack([P @ y[i].double().flatten() for i, P in enumerate(exact)]).norm(dim=1)
        for found in (x_hat, A.pinv(y, iterations=200, tolerance=0.0)):
            assert (found.flatten(1).norm(dim=1) <= 1.01 * most).all()


@pytest.mark.parametrize("scale", [1e-37, 1e-30, 1e-12, 1e12, 1e30])
def test_the_tolerance_is_relative(scale):
    """In float32, whose squares of 1e±30 are 0 and infinity."""
    H, b = matrices().float(), rand(*SHAPE, seed=1).float()
    x = conjugate_gradient(apart(H), scale * b)
    torch.testing.assert_close(x / scale, conjugate_gradient(apart(H), b), rtol=0, atol=1e-5)


@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e12])
def test_the_norm_of_an_operator_in_any_unit(scale):
    A = operators.Scaled(operators.Inpainting(torch.ones(4, 4)), scale)
    assert float(operators.norm(A, (1, 4, 4))) == pytest.approx(scale, rel=1e-5)


def test_the_norm_of_each_operator_is_its_own_to_the_bit():
    A, x = few_angles(1)
    found = operators.norm(A, x.shape[1:])
    alone = torch.cat([operators.norm(a, x.shape[1:]) for a in A])
    assert torch.equal(found, alone) and len(found.unique()) == 4


def reported(H, b, **options):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        x = conjugate_gradient(H, b, **options)
    return x, [str(w.message) for w in caught]


def test_a_residual_that_does_not_fall_is_reported():
    """A wrong adjoint, H < 0, NaN; not what converges, is black, is empty or has one iteration."""
    H, b = matrices(), rand(*SHAPE, seed=1)
    for wrong in (lambda x: -x, lambda x: times(H)(x).flip(-1), lambda x: x + torch.nan):
        _, told = reported(wrong, b)
        assert len(told) == 1 and "did not fall" in told[0] and "adjoint" in told[0]
        assert told[0].count(".") == 1
    b[1] = torch.nan
    x, (told,) = reported(apart(H), b)
    assert told.startswith("the residual of 1 of 3 images") and x[0].isfinite().all()
    torch.testing.assert_close(x[[0, 2]], solved(H, b)[[0, 2]], rtol=0, atol=1e-4)
    b = rand(*SHAPE, seed=1)
    for fine in (b, 0 * b, b[:0]):
        assert reported(times(H[: len(fine)]), fine)[1] == []
    assert reported(times(H + 9 * torch.eye(N)), b, iterations=1)[1] == []


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_solved_in_single(dtype):
    H, b = matrices().float(), rand(*SHAPE, seed=1).to(dtype)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        x = conjugate_gradient(lambda x: (1 + H.diagonal(dim1=1, dim2=2).view(SHAPE)) * x, b)
    assert x.dtype == torch.float32
    exact = b.double() / (1 + H.diagonal(dim1=1, dim2=2).view(SHAPE))
    torch.testing.assert_close(x.double(), exact, rtol=0, atol=1e-5)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_nan_and_infinite_values_stay_visible(bad):
    """In their own image alone: the others are as without it."""
    A = operators.CompressedSensing.gaussian(20, (6, 6), generator=generator())
    y = torch.rand(3, 1, 1, 20, generator=generator(1))
    right = A.pinv(y)
    y[1, 0, 0, 3] = bad
    with pytest.warns(UserWarning, match="1 of 3 images did not fall"):
        found = A.pinv(y)
    assert found[1].isnan().all() and torch.equal(found[::2], right[::2])
