"""Figures with one style, alt text on every one, and two kinds of widget."""

from .figures import show
from .layouts import curves, images, pictures
from .style import COLORS, WIDTH, style
from .tables import heat
from .widgets import FrameSlider, explore

__all__ = ["COLORS", "FrameSlider", "WIDTH", "curves", "explore", "heat", "images", "pictures",
           "show", "style"]  # fmt: skip

style()
