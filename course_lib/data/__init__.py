"""Real images: the course's packs, the reader's own files, and noisy measurements of them."""

from .files import images
from .measurements import Measurements, Pairs
from .microscope import mrc
from .packs import load, sources

__all__ = ["Measurements", "Pairs", "images", "load", "mrc", "sources"]
