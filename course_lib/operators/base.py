"""The base class of every linear operator, composition, and the dense matrix of small ones."""

import torch

from .. import _checks
from .._batched import Batched
from .guard import HALF, guarded, single
from .solve import conjugate_gradient


class Operator(Batched):
    """A linear map A from images x (B, C, H, W) to measurements y: `A(x)`, `A.adjoint(y)`.

    A subclass writes `forward` and `adjoint` with ⟨Ax, y⟩ = ⟨x, Aᵀy⟩ to rounding, both
    differentiable. Parameters live in buffers whose first axis is 1 (shared) or B (one per
    image), so that a batch can mix operators A_g; `A.count` is B or 1, `A[index]` keeps those of
    some images. Buffers are copies of what the caller gave. An operator says what it is:
        is_identity  A = I
        linear      as all but `Transmission` are: there is an adjoint
        isometry    AᵀA = AAᵀ = I: lengths stay, nothing is lost
        projection  AᵀA and AAᵀ are orthogonal projections (both, if one is), so that A† = Aᵀ
        selects     what each measured entry of y is one of: "pixels" of x, its "coefficients" in an
                    orthonormal basis, or None where that isn't known; a projection then
        takes, gives  (C, H, W) of x and of y, numbers or letters, the same size where the letter is
                    the same; None for any shape
    `guard` checks the input of `forward`, `adjoint` and `pinv` of every subclass by them. They
    compute in float32 at least: half-precision input is taken and becomes float32, autocast is off
    inside, and `A.half()` leaves the parameters in float32.

    Example:
        >>> class Negative(operators.Operator):
        ...     isometry = True
        ...     def forward(self, x):
        ...         return -x
        ...     def adjoint(self, y):
        ...         return -y
        >>> A = Negative() @ operators.Decimation(2)
        >>> A.pinv(torch.ones(1, 1, 1, 2)).int().tolist()
        [[[[-1, 0, -1, 0], [0, 0, 0, 0]]]]
    """

    is_identity = isometry = False
    linear = True
    selects = takes = gives = None
    tolerance = 1e-6  # of `pinv`, when it is not told
    otherwise = "crop or resize it, or make the operator for its size and channels"  # a remedy

    @property
    def projection(self) -> bool:
        return self.isometry or self.selects is not None

    def __init_subclass__(cls, **options):
        super().__init_subclass__(**options)
        for method, name in (("forward", "x"), ("adjoint", "y"), ("pinv", "y")):
            if method in vars(cls):
                setattr(cls, method, guarded(name)(vars(cls)[method]))

    def register_buffer(self, name, tensor, persistent=True):
        """Keep a copy of a parameter, in float32 at least, for as many images as the others."""
        every = {**self._buffers, name: tensor}
        _checks.same_batch(**{n: b for n, b in every.items() if self._varies(n)})
        super().register_buffer(name, single(tensor), persistent)

    def _apply(self, fn, recurse=True):
        """Move or cast the parameters, but never to half precision: `torch.nn.Module.to` etc."""

        def kept(t):
            moved = fn(t)
            return t.to(moved.device) if moved.dtype in HALF else moved

        return super()._apply(kept, recurse)

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """`forward`, without torch's look-up of hooks where there are none: it takes as long as a
        small mask."""
        hooks = self._forward_hooks or self._forward_pre_hooks
        if hooks or self._backward_hooks or self._backward_pre_hooks:
            return super().__call__(x)
        return self.forward(x)

    def adjoint(self, y: torch.Tensor) -> torch.Tensor:
        """Aᵀy, the exact adjoint of `forward`."""
        raise NotImplementedError(f"{type(self).__name__} has no `adjoint`; write it.")

    @guarded("y")
    def pinv(self, y: torch.Tensor, iterations: int = 50, tolerance: "float | None" = None):
        """A†y: the solution of min ‖x‖ among the minimisers of ‖Ax − y‖.

        For a projection Aᵀy. Otherwise by `conjugate_gradient` on AᵀA x = Aᵀy, which stays in the
        range of Aᵀ, in at most so many iterations, until the residual has fallen by `tolerance`;
        None for the operator's own, 1e-6 (`Blur`: 1e-3).
        """
        if self.projection:
            return self.adjoint(y)
        tolerance = self.tolerance if tolerance is None else tolerance
        return conjugate_gradient(lambda x: self.adjoint(self(x)), self.adjoint(y), iterations,
                                  tolerance)  # fmt: skip

    def check(self, y: torch.Tensor):
        """Refuse measurements y that this operator cannot have made, by their shape."""
        _checks.same_shape(self(self.adjoint(y)), y, f"what {type(self).__name__} measures", "y")

    def measured(self, within=None) -> "torch.Tensor | None":
        """The entries of y that A measures, zeros and ones that broadcast to y; None for all.

        y is 0 elsewhere, and so is its noise. within: the entries of x that are not 0, None for
        all, so that `A @ B` knows what B leaves to A.
        """
        return self(within) if self.selects == "pixels" and within is not None else None

    def __matmul__(self, other):
        return Compose(self, other)


class Compose(Operator):
    """(A B)x = A(Bx), with adjoint BᵀAᵀ: what `A @ B` makes.

    Arguments:
        outer: A, an operator on what B gives
        inner: B, an operator

    Example:
        >>> A = operators.Decimation(2) @ operators.Blur(torch.full((2, 2), 1 / 4))
        >>> A(torch.ones(1, 1, 4, 6)).shape, A.projection
        (torch.Size([1, 1, 2, 3]), False)
    """

    def __init__(self, outer: Operator, inner: Operator):
        super().__init__()
        self.outer, self.inner = outer, inner
        self.selects = inner.selects if outer.selects == "pixels" else None
        self.isometry = outer.isometry and inner.isometry
        self.is_identity = outer.is_identity and inner.is_identity

    @property
    def projection(self) -> bool:
        one, two = self.outer, self.inner
        kept = one.isometry and two.projection or one.projection and two.isometry
        return kept or super().projection

    def forward(self, x):
        return self.outer(self.inner(x))

    def adjoint(self, y):
        return self.inner.adjoint(self.outer.adjoint(y))

    def pinv(self, y, iterations=50, tolerance=None):
        """(A T)† y = T⁻¹ A† y for orthogonal T."""
        if self.inner.isometry:
            return self.inner.adjoint(self.outer.pinv(y, iterations, tolerance))
        return super().pinv(y, iterations, tolerance)

    def measured(self, within=None):
        return self.outer.measured(self.inner.measured(within))


def zero(A):
    """The number 0 of A's dtype and on its device."""
    buffers = [*A.buffers(), torch.zeros(())]
    dtype = next(b.dtype for b in buffers if b.is_floating_point())
    return torch.zeros((), dtype=dtype, device=buffers[0].device)


def dense(A: Operator, shape: tuple) -> torch.Tensor:
    """The matrix (m, n) of A on images of `shape` (C, H, W), column j being A e_j.

    For small images: it makes n = C·H·W basis images. Rank, null space and coverage can then be
    computed instead of asserted. Of a batch of G operators it is all their rows, (G m, n), whose
    rank is that of Σ_g A_gᵀA_g. Raises ValueError for more than 4096 pixels.

    Arguments:
        A: an operator
        shape: (C, H, W), of one image

    Example:
        >>> M = operators.dense(operators.Decimation(2), (1, 4, 4))
        >>> M.shape, int(torch.linalg.matrix_rank(M))
        (torch.Size([4, 16]), 4)
    """
    n = int(torch.tensor(shape).prod())
    if n > 4096:
        raise ValueError(f"shape {tuple(shape)} has {n} pixels; dense is for at most 4096.")
    like = zero(A)
    basis = torch.eye(n, dtype=like.dtype, device=like.device).reshape(n, *shape)
    return torch.cat([A(e).reshape(1, -1) for e in basis.split(1)]).T.contiguous()
