"""A table of figures as a picture: one colour scale, the figure in every cell."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LinearSegmentedColormap

from .figures import show
from .style import COLORS, WIDTH

_SCALE = LinearSegmentedColormap.from_list("cost", ["#ffffff", COLORS["sky"], COLORS["blue"]])


def heat(panels: dict, *, alt: str, limit: float = 6.0, unit: str = "dB") -> None:
    """Show tables of numbers, one above the other, dark where a number is large.

    A darker blue is worse; the numbers are printed, so that nothing rests on colour alone.

    Arguments:
        panels: {title: (rows, columns, values)}, values[i][j] a number, None for a cell that does
            not exist (hatched, with a dash), or a string to be printed as it is.
        alt: what a reader who cannot see them must know, one or two sentences.
        limit: what is darkest.
        unit: named under the figure.

    Example:
        >>> viz.heat({"loss": (["SURE", "R2R"], ["Gaussian"], [[0.1], [0.2]])}, alt="Both pale.")
        {'text/html': '<img ...>', 'text/plain': '[figure: Both pale.]'}
    """
    heights = [0.27 * len(rows) + 1.0 for rows, _, _ in panels.values()]
    figure, axes = plt.subplots(
        len(panels), 1, figsize=(WIDTH, sum(heights)), squeeze=False, height_ratios=heights
    )
    for ax, (title, (rows, columns, values)) in zip(axes[:, 0], panels.items(), strict=True):
        if len(values) != len(rows) or any(len(line) != len(columns) for line in values):
            raise ValueError(
                f"heat got values of {len(values)} rows for {len(rows)} names and "
                f"{len(columns)} columns; give one value for each cell."
            )
        _draw(ax, rows, columns, values, limit)
        ax.set_title(title, loc="left", fontweight="bold")
    figure.supxlabel(f"{unit}; white: nothing lost, darkest: {limit:g} {unit} or more", fontsize=10)
    show(figure, alt)


def _draw(ax, rows, columns, values, limit):
    shades = [[v if isinstance(v, (int, float)) else np.nan for v in line] for line in values]
    shades = np.clip(np.array(shades, dtype=float), 0, limit)
    ax.imshow(shades, cmap=_SCALE, vmin=0, vmax=limit, aspect="auto")
    missing = {"facecolor": "#eeeeee", "edgecolor": "#bbbbbb", "hatch": "///", "linewidth": 0}
    for (i, j), shade in np.ndenumerate(shades):
        value = values[i][j]
        if value is None:
            ax.add_patch(plt.Rectangle((j - 0.5, i - 0.5), 1, 1, **missing))
        number = isinstance(value, (int, float))
        text = f"{round(value, 1) + 0.0:.1f}" if number else value or "–"
        color = "white" if shade > 0.75 * limit else "black"
        ax.text(j, i, text, ha="center", va="center", fontsize=9, color=color)
    ax.set_yticks(range(len(rows)), rows, fontsize=9)
    ax.set_xticks(range(len(columns)), columns, fontsize=9, rotation=35, ha="right")
    ax.grid(False)
    ax.set_xticks(np.arange(len(columns) - 1) + 0.5, minor=True)
    ax.set_yticks(np.arange(len(rows) - 1) + 0.5, minor=True)
    ax.grid(which="minor", color="white", linewidth=1.5)
    ax.tick_params(which="both", length=0)
    ax.spines[:].set_visible(False)
