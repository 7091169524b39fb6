"""Real images: the course's packs, the reader's own files, and noisy measurements of them."""

from .files import images
from .measurements import Measurements, Pairs, simulate
from .microscope import mrc
from .packs import load, sources
from .protocol import batch_of
from .scanner import Scan, fastmri
from .volumes import nifti

__all__ = [
    "Measurements",
    "Pairs",
    "Scan",
    "batch_of",
    "fastmri",
    "images",
    "load",
    "mrc",
    "nifti",
    "simulate",
    "sources",
]
