"""Linear maps A: forward `A(x)`, `A.adjoint(y)`, `A.pinv(y)`, composition `A @ B`, `dense(A)`."""

from .base import Compose, Operator, dense
from .blur import Blur
from .compressed_sensing import CompressedSensing
from .cryo_em import CryoEM, random_rotations
from .ctf import ctf
from .decimation import Decimation
from .demosaicing import Demosaicing
from .identity import Identity
from .inpainting import Inpainting
from .interferometry import Interferometry, tracks
from .norm import Scaled, norm, unit

__all__ = [
    "Blur",
    "Compose",
    "CompressedSensing",
    "CryoEM",
    "Decimation",
    "Demosaicing",
    "Identity",
    "Inpainting",
    "Interferometry",
    "Operator",
    "Scaled",
    "ctf",
    "dense",
    "norm",
    "random_rotations",
    "tracks",
    "unit",
]
