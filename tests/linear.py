"""What every linear operator must pass, for the tests of each."""

import torch
from montecarlo import generator

from course_lib.operators import Operator, dense


def rand(*shape, seed=0):
    return torch.randn(*shape, generator=generator(seed), dtype=torch.float64)


def assert_adjoint(A, shape, seed=0):
    """|⟨Ax, y⟩ − ⟨x, Aᵀy⟩| ≤ 1e-10 ‖Ax‖‖y‖."""
    x = rand(*shape, seed=seed)
    Ax = A(x)
    y = rand(*Ax.shape, seed=seed + 1)
    gap = (Ax * y).sum() - (x * A.adjoint(y)).sum()
    assert abs(gap) <= 1e-10 * x.norm() * y.norm()


class Adjoint(Operator):
    def __init__(self, A):
        super().__init__()
        self.A = A

    def forward(self, y):
        return self.A.adjoint(y)


class PseudoInverse(Adjoint):
    def forward(self, y):
        return self.A.pinv(y, 400, 1e-13)


def matrix(A, shape=(2, 3, 4)):
    if not list(A.buffers()):  # dense takes its dtype from the buffers
        A.register_buffer("like", torch.zeros(1, dtype=torch.float64))
    return dense(A, shape)


def assert_linear(A, shape):
    """A is linear, differentiable both ways, and both are what `dense` says: x of `shape`."""
    x, z = rand(*shape), rand(*shape, seed=1)
    y = rand(*A(x).shape, seed=2)
    torch.testing.assert_close(A(2 * x - 3 * z), 2 * A(x) - 3 * A(z), rtol=0, atol=1e-11)
    for function, u in ((A, x), (A.adjoint, y)):
        assert torch.autograd.gradcheck(function, u.clone().requires_grad_())
        _, change = torch.func.jvp(function, (u,), (u,))
        torch.testing.assert_close(change, function(u), rtol=0, atol=1e-11)
    x = x.requires_grad_()
    (gradient,) = torch.autograd.grad((A(x) - y).square().sum(), x)
    torch.testing.assert_close(gradient, 2 * A.adjoint(A(x) - y), rtol=0, atol=1e-10)


def assert_matrix(A, shape):
    """Of one operator, x of `shape` (C, H, W): its matrix, its transpose, its pseudo-inverse."""
    x = rand(1, *shape)
    M, y = dense(A, shape), A(x)
    assert M.dtype == torch.float64
    torch.testing.assert_close(M @ x.flatten(), y.flatten(), rtol=0, atol=1e-11)
    torch.testing.assert_close(dense(Adjoint(A), y.shape[1:]), M.T, rtol=0, atol=1e-11)
    P = dense(PseudoInverse(A), y.shape[1:])
    torch.testing.assert_close(P, torch.linalg.pinv(M, rtol=1e-8), rtol=0, atol=1e-6)


def assert_moves(A, x):
    """`to` casts and moves every floating parameter."""
    assert A.to(torch.float32) is A
    assert A(x.float()).dtype == torch.float32
    assert all(buffer.device.type == "meta" for buffer in A.to("meta").buffers())


def assert_index(A, x, index):
    """A[index] keeps the operators of those images of x."""
    keep, y = [index] if isinstance(index, int) else index, A(x)
    torch.testing.assert_close(A[index](x[keep]), y[keep], rtol=0, atol=1e-12)
    torch.testing.assert_close(A[index].adjoint(y[keep]), A.adjoint(y)[keep], rtol=0, atol=1e-12)
