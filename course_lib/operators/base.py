"""The base class of every linear operator, composition, and the dense matrix of small ones."""

import torch

from .. import _checks
from .._batched import Batched
from .guard import HALF, guarded, single
from .solve import conjugate_gradient


class Operator(Batched):
    """A linear map A from images x (B, C, H, W) to measurements y.

    A subclass writes `forward` and `adjoint` with ⟨Ax, y⟩ = ⟨x, Aᵀy⟩ to rounding, both
    differentiable. Parameters live in buffers whose first axis is 1 (shared) or B (one per
    image), so that a batch can mix operators A_g; `A[index]` keeps those of some images. Buffers
    are copies of what the caller gave. `guard` checks the input of `forward`, `adjoint` and `pinv`
    of every subclass. They compute in float32 at least: half-precision input is taken and becomes
    float32, autocast is off inside, and `A.half()` leaves the parameters in float32.
    """

    # what each measured entry of y is one of: "pixels" of x, its "coefficients" in an orthonormal
    # basis, or None; then AAᵀ = 1 on these entries and A† = Aᵀ
    selects = None
    isometry = False
    is_identity = False  # whether Ax = x, for losses of denoising alone

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

    def __call__(self, x):
        """`forward`, without torch's look-up of hooks where there are none: it takes as long as a
        small mask."""
        hooks = self._forward_hooks or self._forward_pre_hooks
        if hooks or self._backward_hooks or self._backward_pre_hooks:
            return super().__call__(x)
        return self.forward(x)

    def forward(self, x):
        """Ax."""
        raise NotImplementedError(f"{type(self).__name__} has no `forward`; write it.")

    def adjoint(self, y):
        """Aᵀy, the exact adjoint of `forward`."""
        raise NotImplementedError(f"{type(self).__name__} has no `adjoint`; write it.")

    @guarded("y")
    def pinv(self, y, iterations=50, tolerance=1e-6):
        """A†y: the solution of min ‖x‖ among the minimisers of ‖Ax − y‖, by conjugate gradient.

        `conjugate_gradient` on AᵀA x = Aᵀy, which stays in the range of Aᵀ.
        """
        return conjugate_gradient(lambda x: self.adjoint(self(x)), self.adjoint(y), iterations,
                                  tolerance)  # fmt: skip

    def check(self, y):
        """Refuse measurements y that this operator cannot have made, by their shape."""
        _checks.same_shape(self(self.adjoint(y)), y, f"what {type(self).__name__} measures", "y")

    def measured(self, within=None):
        """The entries of y that A measures, zeros and ones that broadcast to y; None for all.

        y is 0 elsewhere, and so is its noise. within: the entries of x that are not 0, None for
        all, so that `A @ B` knows what B leaves to A.
        """
        return None

    def __matmul__(self, other):
        return Compose(self, other)


class Compose(Operator):
    """(A B)x = A(Bx), with adjoint BᵀAᵀ."""

    def __init__(self, outer, inner):
        super().__init__()
        self.outer, self.inner = outer, inner
        self.selects = inner.selects if outer.selects == "pixels" else None

    def forward(self, x):
        return self.outer(self.inner(x))

    def adjoint(self, y):
        return self.inner.adjoint(self.outer.adjoint(y))

    def pinv(self, y):
        """(A T)† y = T⁻¹ A† y for orthogonal T."""
        return self.inner.adjoint(self.outer.pinv(y)) if self.inner.isometry else super().pinv(y)

    def measured(self, within=None):
        return self.outer.measured(self.inner.measured(within))


def dense(A, shape):
    """The matrix (m, n) of A on images of `shape` (C, H, W), column j being A e_j.

    For small images: it makes n = C·H·W basis images. Rank, null space and coverage can then be
    computed instead of asserted, e.g. `torch.linalg.matrix_rank(dense(A, (1, 8, 8)))`. Of a batch
    of G operators it is all their rows, (G m, n), whose rank is that of Σ_g A_gᵀA_g.
    """
    n = int(torch.tensor(shape).prod())
    if n > 4096:
        raise ValueError(f"shape {tuple(shape)} has {n} pixels; dense is for at most 4096.")
    buffers = [*A.buffers(), torch.zeros(())]
    like = next((b for b in buffers if b.is_floating_point()), buffers[-1])
    basis = torch.eye(n, dtype=like.dtype, device=buffers[0].device).reshape(n, *shape)
    return torch.cat([A(e).reshape(1, -1) for e in basis.split(1)]).T.contiguous()


def check_image(A, x, name="x", parameter=None):
    """Refuse an x that A does not act on: `parameter`, or its shape, is (B, 1 or C, H, W)."""
    shape = _checks.axes(x, name).shape
    if parameter is None:
        return
    _, channels, height, width = getattr(parameter, "shape", parameter)
    if channels not in (1, shape[1]):
        raise ValueError(
            f"{name} has {shape[1]} channels and {type(A).__name__} was made for {channels}; "
            "make the operator for the image's channels."
        )
    if shape[2] != height or shape[3] != width:
        raise ValueError(
            f"{name} is {tuple(shape[2:])} pixels and {type(A).__name__} was made for "
            f"{height, width}; crop or resize it, or make the operator for its size."
        )


def as_numbers(value, name):
    """A parameter as finite floats: a tensor keeps its precision, all else gets the default one."""
    if not torch.is_tensor(value) or not (value.is_floating_point() or value.is_complex()):
        value, dtype = torch.as_tensor(value), torch.get_default_dtype()
        value = value.to(dtype.to_complex() if value.is_complex() else dtype)
    _checks.floats(torch.view_as_real(value.resolve_conj()) if value.is_complex() else value, name)
    return value


def as_pairs(value, name):
    """Whole numbers (a, b) for all images, or (B, 2), as (1 or B, 2)."""
    value = torch.as_tensor(value)
    if value.is_floating_point() or value.shape[-1:] != (2,) or value.ndim > 2:
        raise ValueError(f"{name} must hold whole numbers (a, b), with shape (2,) or (B, 2).")
    return value.reshape(-1, 2)


def as_mask(mask, empty):
    """A mask of zeros and ones as floats (1 or B, 1 or C, H, W); `empty` is said of one without."""
    mask = as_numbers(mask, "mask")
    if not ((mask == 0) | (mask == 1)).all():
        raise ValueError("mask holds values other than 0 and 1; threshold it first.")
    if not 2 <= mask.ndim <= 4:
        raise ValueError(f"mask has shape {tuple(mask.shape)}; use (H, W) or (B, C, H, W).")
    mask = mask.reshape(*[1] * (4 - mask.ndim), *mask.shape)
    if not mask.flatten(1).any(1).all():
        raise ValueError(empty)
    return mask
