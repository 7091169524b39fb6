"""Linear maps A: forward `A(x)`, `A.adjoint(y)`, `A.pinv(y)`, composition `A @ B`, `dense(A)`."""

from .base import Compose, Operator, dense
from .blur import Blur
from .identity import Identity
from .inpainting import Inpainting

__all__ = ["Blur", "Compose", "Identity", "Inpainting", "Operator", "dense"]
