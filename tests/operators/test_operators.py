"""Every operator: exact adjoint, gradients, dense matrix, pseudo-inverse, batches, devices."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from linear import Adjoint, PseudoInverse, assert_adjoint, matrix, rand
from montecarlo import generator
from problems import mutant

from course_lib.operators import Blur, Compose, Identity, Inpainting, dense


def mask(*shape, seed=0):
    m = (torch.rand(*shape, generator=generator(seed), dtype=torch.float64) < 0.6).double()
    m[..., 0, 0] = 1
    return m


LOPSIDED = torch.tensor([[0.1, 0.5, -0.2], [0.0, 0.3, 0.4]], dtype=torch.float64)
KINDS = {  # built for images (B, C, H, W) of at least 2 x 3 pixels
    "identity": lambda B, C, H, W: Identity(),
    "one mask": lambda B, C, H, W: Inpainting(mask(H, W)),
    "a mask a channel": lambda B, C, H, W: Inpainting(mask(C, H, W)),
    "a mask an image": lambda B, C, H, W: Inpainting(mask(B, 1, H, W)),
    "blur": lambda B, C, H, W: Blur(LOPSIDED),
    "blur as large as the image": lambda B, C, H, W: Blur(rand(H, W)),
    "singular blur": lambda B, C, H, W: Blur(torch.full((1, W), 1 / W, dtype=torch.float64)),
    "mask after blur": lambda B, C, H, W: Inpainting(mask(B, 1, H, W)) @ Blur(LOPSIDED),
    "blur after mask": lambda B, C, H, W: Blur(LOPSIDED) @ Inpainting(mask(C, H, W)),
    "three": lambda B, C, H, W: Inpainting(mask(H, W)) @ Blur(LOPSIDED) @ Inpainting(mask(H, W)),
}
SHAPE = (2, 2, 3, 4)
shapes = st.tuples(*(st.integers(a, b) for a, b in ((1, 3), (1, 3), (2, 7), (3, 7))))


def every(test):
    return pytest.mark.parametrize("kind", KINDS)(test)


@every
@settings(max_examples=15, deadline=None, derandomize=True)
@given(shape=shapes, seed=st.integers(0, 100))
def test_the_adjoint_passes_the_dot_test(kind, shape, seed):
    assert_adjoint(KINDS[kind](*shape), shape, seed)


@pytest.mark.parametrize(
    "kind, parent, old, new",
    [
        ("blur", Blur, "self._transfer(grid).conj()", "self._transfer(grid)"),
        ("mask after blur", Blur, "self._transfer(grid).conj()", "self._transfer(grid)"),
        ("blur", Blur, "return x[..., :H, :W]", "return x[..., :H, :W].roll(1, -1)"),
        ("one mask", Inpainting, 'self._buffers["mask"] * x', "x"),
        ("mask after blur", Compose, "self.inner.adjoint(self.outer.adjoint(y))",
         "self.outer.adjoint(self.inner.adjoint(y))"),
    ],
)  # fmt: skip
def test_a_wrong_adjoint_is_caught(kind, parent, old, new, monkeypatch):
    monkeypatch.setattr(parent, "adjoint", mutant(parent, old, new).adjoint)
    with pytest.raises(AssertionError):
        assert_adjoint(KINDS[kind](*SHAPE), SHAPE)


@every
def test_it_is_linear(kind):
    A, x, z = KINDS[kind](*SHAPE), rand(*SHAPE), rand(*SHAPE, seed=1)
    torch.testing.assert_close(A(2 * x - 3 * z), 2 * A(x) - 3 * A(z), rtol=0, atol=1e-12)


@every
def test_gradients_flow_through_forward_adjoint_and_pinv(kind):
    A, x = KINDS[kind](*SHAPE), rand(*SHAPE).requires_grad_()
    assert torch.autograd.gradcheck(A, x)
    assert torch.autograd.gradcheck(A.adjoint, x)
    assert A.pinv(x).requires_grad


@every
def test_the_gradient_of_the_data_term_is_two_at_r(kind):
    A, x, y = KINDS[kind](*SHAPE), rand(*SHAPE).requires_grad_(), rand(*SHAPE, seed=1)
    (gradient,) = torch.autograd.grad((A(x) - y).square().sum(), x)
    torch.testing.assert_close(gradient, 2 * A.adjoint(A(x) - y), rtol=0, atol=1e-12)


@every
def test_the_matrix_is_the_operator(kind):
    A, x = KINDS[kind](1, *SHAPE[1:]), rand(1, *SHAPE[1:])
    M = matrix(A)
    assert M.shape == (24, 24) and M.dtype == torch.float64
    torch.testing.assert_close(M @ x.flatten(), A(x).flatten(), rtol=0, atol=1e-12)
    torch.testing.assert_close(matrix(Adjoint(A)), M.T, rtol=0, atol=1e-12)


@every
def test_the_pseudo_inverse_meets_the_four_conditions_of_moore_and_penrose(kind):
    A = KINDS[kind](1, *SHAPE[1:])
    M, P = matrix(A), matrix(PseudoInverse(A))
    for left, right in ((M @ P @ M, M), (P @ M @ P, P), ((M @ P).T, M @ P), ((P @ M).T, P @ M)):
        torch.testing.assert_close(left, right, rtol=0, atol=1e-7)
    torch.testing.assert_close(P, torch.linalg.pinv(M, rtol=1e-8), rtol=0, atol=1e-7)


def test_rank_and_null_space_can_be_computed():
    ranks = {"one mask": int(mask(3, 4).sum()) * 2, "singular blur": 6, "identity": 24}
    for kind, rank in ranks.items():
        M = matrix(KINDS[kind](1, *SHAPE[1:]))
        assert torch.linalg.matrix_rank(M, rtol=1e-8) == rank


def test_each_image_s_pseudo_inverse_is_its_own():
    """A faint image beside a bright one is inverted as well as alone, and so is a black one."""
    A, x = Inpainting(mask(3, 4)) @ Blur(LOPSIDED), rand(1, 1, 3, 4)
    scales = torch.tensor([1.0, 1e-6, 0.0, 1e4], dtype=torch.float64).view(4, 1, 1, 1)
    together = A.pinv(A(scales * x), iterations=200, tolerance=1e-10)
    alone = A.pinv(A(x), iterations=200, tolerance=1e-10)
    torch.testing.assert_close(together[0], alone[0], rtol=0, atol=1e-6)
    torch.testing.assert_close(together[1] * 1e6, alone[0], rtol=0, atol=1e-6)
    assert not together[2].any()


def test_blurring_is_the_circular_sum_it_is_said_to_be():
    """(k ∗ x)_i = Σ_j k_j x_{i − j + centre}, centre (h//2, w//2)."""
    x, direct = rand(1, 1, 5, 6), 0
    for a in range(2):
        for b in range(3):
            direct = direct + LOPSIDED[a, b] * x.roll((a - 1, b - 1), (-2, -1))
    torch.testing.assert_close(Blur(LOPSIDED)(x), direct, rtol=0, atol=1e-12)


def test_composition_is_right_to_left():
    A, B, x = Inpainting(mask(3, 4)), Blur(LOPSIDED), rand(*SHAPE)
    assert torch.equal((A @ B)(x), A(B(x)))
    torch.testing.assert_close(matrix(A @ B), matrix(A) @ matrix(B), rtol=0, atol=1e-12)


@pytest.mark.parametrize("index", [torch.tensor([2, 0]), slice(1, 3), [1], 2, -1])
@pytest.mark.parametrize("kind", ["a mask an image", "mask after blur", "one mask", "blur"])
def test_an_index_keeps_the_operators_of_those_images(kind, index):
    x = rand(3, 2, 3, 4)
    A = KINDS[kind](*x.shape)
    keep = [index] if isinstance(index, int) else index
    assert torch.equal(A[index](x[keep]), A(x)[keep])
    assert torch.equal(A[index].adjoint(x[keep]), A.adjoint(x)[keep])
    assert type(A[index]) is type(A)


@every
def test_to_moves_and_casts_every_parameter(kind):
    A = KINDS[kind](*SHAPE)
    assert A.to(torch.float32) is A
    assert A(rand(*SHAPE).float()).dtype == torch.float32
    assert all(buffer.device.type == "meta" for buffer in A.to("meta").buffers())


@pytest.mark.parametrize("dtype", [torch.bool, torch.int64, torch.float32])
def test_a_mask_may_be_of_any_type(dtype):
    m, x = mask(3, 4), torch.randn(*SHAPE, generator=generator())
    assert torch.equal(Inpainting(m.to(dtype))(x), m.float() * x)


def test_dense_is_for_small_images():
    with pytest.raises(ValueError, match="4225 pixels"):
        dense(Identity(), (1, 65, 65))
