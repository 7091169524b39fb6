"""Conjugate gradient against dense solves, and the pseudo-inverse that is made of it."""

import pytest
import torch
from linear import rand
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
        ("p = r + rr /", "p = r - rr /"),
        ("p = r + rr / previous.clamp_min(tiny) * p", "p = r"),
        ("(rr <= stop).all()", "(rr <= stop).any()"),
        ("(rr <= stop).all()", "False"),
        (".eps) ** 2 * rr", ".eps) * rr"),
        (".eps) ** 2 * rr", ".eps) ** 2"),
    ],
)
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


def test_the_pseudo_inverse_is_what_it_was_before_cg_had_a_file_of_its_own():
    """Bit for bit, the former loop of `Operator.pinv`."""
    A = operators.Inpainting(rand(2, 3, 4) > 0) @ operators.Blur(rand(2, 3))
    y = A(rand(4, 2, 3, 4, seed=1))
    for iterations, tolerance in ((50, 1e-6), (5, 1e-6), (200, 1e-12)):
        former = former_pinv(A, y, iterations, tolerance)
        assert torch.equal(A.pinv(y, iterations, tolerance), former)
    assert torch.equal(A.pinv(y), former_pinv(A, y, 50, 1e-6))


def former_pinv(A, y, iterations, tolerance):
    r = A.adjoint(y)
    x, p = torch.zeros_like(r), r.clone()
    rr = solve.dot(r, r)
    tiny = torch.finfo(r.dtype).tiny
    stop = max(tolerance, 8 * torch.finfo(r.dtype).eps) ** 2 * rr
    for _ in range(iterations):
        if (rr <= stop).all():
            break
        q = A.adjoint(A(p))
        step = rr / solve.dot(p, q).clamp_min(tiny)
        x, r = x + step * p, r - step * q
        previous, rr = rr, solve.dot(r, r)
        p = r + rr / previous.clamp_min(tiny) * p
    return x
