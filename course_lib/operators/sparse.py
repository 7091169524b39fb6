"""A sparse matrix as an operator, stored with its transpose so that both products are fast."""

import warnings

import torch
from torch.nn.utils.rnn import pad_sequence

from .base import Operator
from .guard import without_autocast


class SparseMatrix(Operator):
    """y = Mx for x (B, C, n), y (B, C, m), the same in every channel.

    matrices: SciPy sparse matrices (m, n), one for all images or one per image. M and Mᵀ are kept
    as compressed rows, 8 bytes an entry each in float32; the transpose is of the same numbers, so
    the adjoint is exact, and the gradient of either product is the other.
    """

    def __init__(self, matrices, dtype):
        super().__init__()
        rows = [matrix.tocsr() for matrix in matrices]
        columns = [matrix.T.tocsr() for matrix in rows]
        for name, parts in (("forward", rows), ("adjoint", columns)):
            most = max(matrix.nnz for matrix in parts)
            for matrix in parts:  # those with fewer entries get zeros at the end of the last row
                matrix.indptr[-1] = most
            for part, kind in (("indptr", torch.int32), ("indices", torch.int32), ("data", dtype)):
                tensors = [torch.as_tensor(getattr(matrix, part)).to(kind) for matrix in parts]
                self.register_buffer(f"{name}_{part}", pad_sequence(tensors, batch_first=True))

    def forward(self, x):
        return _Product.apply(x, self, "forward")

    def adjoint(self, y):
        return _Product.apply(y, self, "adjoint")

    def product(self, x, name):
        """Mx or Mᵀx without gradient; `name` is "forward" or "adjoint"."""
        if x.is_meta:
            batch, ends = getattr(self, f"{name}_indptr").shape
            return x.new_empty(max(len(x), batch), x.shape[1], ends - 1)
        parts = [getattr(self, f"{name}_{part}") for part in ("indptr", "indices", "data")]
        if len(parts[0]) == 1:  # all images and channels at once
            return _times(*(part[0] for part in parts), x.flatten(0, 1)).unflatten(0, x.shape[:2])
        x = x.expand(len(parts[0]), -1, -1)
        return torch.stack([_times(*rest) for rest in zip(*parts, x, strict=True)])


class _Product(torch.autograd.Function):
    """x → Mx: linear, so its derivative is itself, and its gradient is the other product."""

    @staticmethod
    def forward(x, matrix, name):
        return matrix.product(x, name)

    @staticmethod
    def setup_context(ctx, inputs, output):
        x, ctx.matrix, ctx.name = inputs
        ctx.one = x.shape[0] == 1

    @staticmethod
    def backward(ctx, gradient):
        other = {"forward": "adjoint", "adjoint": "forward"}[ctx.name]
        gradient = _Product.apply(gradient, ctx.matrix, other)
        return gradient.sum(0, keepdim=True) if ctx.one else gradient, None, None

    @staticmethod
    def jvp(ctx, change, *_):
        return _Product.apply(change, ctx.matrix, ctx.name)


def _times(indptr, indices, data, x):
    """(M xᵀ)ᵀ for the rows of x (k, n): (k, m)."""
    size = (len(indptr) - 1, x.shape[1])
    with warnings.catch_warnings(), without_autocast(x):
        warnings.filterwarnings("ignore", message="Sparse CSR tensor support is in beta")
        parts = (indptr, indices, data.to(x.dtype), size)
        matrix = torch.sparse_csr_tensor(*parts, check_invariants=False)  # said, or torch warns
        return (matrix @ x.T.contiguous()).T.contiguous()
