"""Networks and the two ways to make them reconstruct: any callable f(y, A) → x̂ will do."""

from .dncnn import DnCNN
from .reconstruct import BackProjection
from .unet import UNet

__all__ = ["BackProjection", "DnCNN", "UNet"]
