"""Linear maps A: forward `A(x)`, `A.adjoint(y)`, `A.pinv(y)`, composition `A @ B`, `dense(A)`."""

from . import coils, fourier, masks
from .actions import Flip, Roll, Rotate
from .base import Compose, Operator, dense
from .blur import Blur
from .compressed_sensing import CompressedSensing
from .cryo_em import CryoEM
from .ctf import ctf
from .decimation import Decimation
from .demosaicing import Demosaicing
from .identity import Identity
from .inpainting import Inpainting
from .interferometry import Interferometry
from .mri import MRI, MultiCoilMRI
from .norm import Scaled, norm, unit
from .radon import Radon
from .relabel import Amplify, Permute
from .rotations import euler_rotations, random_rotations
from .telescopes import tracks
from .transmission import Transmission
from .zoom import Zoom

__all__ = [
    "Amplify", "Permute", "Zoom",
    "Blur", "Compose", "CompressedSensing", "CryoEM", "Decimation", "Demosaicing", "Flip",
    "Identity", "Inpainting", "Interferometry", "MRI", "MultiCoilMRI", "Operator", "Radon", "Roll",
    "Rotate", "Scaled", "Transmission", "coils", "ctf", "dense", "euler_rotations", "fourier",
    "masks", "norm", "random_rotations", "tracks", "unit",
]  # fmt: skip
