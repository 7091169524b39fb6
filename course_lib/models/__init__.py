"""Networks and the two ways to make them reconstruct: any callable f(y, A) → x̂ will do."""

from .autoencoder import Autoencoder
from .blind_spot import BlindSpot
from .deep_image_prior import DeepImagePrior
from .direct import Direct
from .dncnn import DnCNN
from .filtered import FilteredBackProjection, Measured, backprojection
from .mixed import Mixed
from .pixel_shuffle import PixelShuffle
from .reconstruct import BackProjection
from .tiled import Tiled
from .unet import UNet
from .unrolled import MoDL, Unrolled

__all__ = [
    "Autoencoder",
    "BackProjection",
    "BlindSpot",
    "DeepImagePrior",
    "Direct",
    "DnCNN",
    "Mixed",
    "MoDL",
    "PixelShuffle",
    "Tiled",
    "UNet",
    "FilteredBackProjection",
    "Measured",
    "backprojection",
    "Unrolled",
]
