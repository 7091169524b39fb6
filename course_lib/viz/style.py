"""One style for every figure: colours safe for the colour-blind, letters legible on a phone."""

import matplotlib
from cycler import cycler

WIDTH = 5.2  # inches; on a phone, 358 px wide, 12 pt letters are then 11.5 px high

# Okabe and Ito's palette, strongest contrast on white first, the yellow left out.
COLORS = {
    "blue": "#0072B2",
    "vermillion": "#D55E00",
    "green": "#009E73",
    "purple": "#CC79A7",
    "orange": "#E69F00",
    "sky": "#56B4E9",
    "black": "#000000",
}

_DASHES = ["-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (7, 3)), (0, (1, 1))]


def style() -> None:
    """Set matplotlib's defaults for the course. Importing `course_lib.viz` does it.

    Successive curves differ in colour and in dash, so that they can be told apart in gray.

    Example:
        >>> viz.style()
        >>> viz.COLORS["blue"]
        '#0072B2'
    """
    matplotlib.rcParams.update(
        {
            "figure.figsize": (WIDTH, 3.2),
            "figure.facecolor": "white",
            "figure.constrained_layout.use": True,
            "savefig.dpi": 200,
            "font.size": 12,
            "axes.titlesize": 12,
            "xtick.labelsize": 11,
            "ytick.labelsize": 11,
            "legend.fontsize": 11,
            "legend.framealpha": 0.85,
            "legend.edgecolor": "none",
            "axes.prop_cycle": cycler(color=list(COLORS.values())) + cycler(linestyle=_DASHES),
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.grid": True,
            "axes.axisbelow": True,
            "grid.color": "#dddddd",
            "lines.linewidth": 1.8,
            "image.cmap": "gray",
            "image.interpolation": "nearest",
            "svg.hashsalt": "course_lib",
        }
    )
