"""Images side by side, and labelled curves."""

import math
import textwrap

import matplotlib.pyplot as plt
import torch

from ..metrics import psnr
from .figures import show
from .style import WIDTH

_FLOOR_DASHES = [(0, (2, 2)), (0, (6, 2)), (0, (6, 2, 1, 2))]


def images(tensors, titles=None, *, alt, columns=None, limits=(0, 1), cmap="gray", reference=None):
    """Show images in a grid.

    tensors: a list of images, each (H, W), (C, H, W) or a batch (B, C, H, W), C = 1 or 3; or one
    such batch. Batches of B > 1 in a list make one row per image and one column per tensor.
    limits: the values shown black and white; None for each image's own range.
    reference: x, to print the PSNR of each image against it (none under x itself).
    """
    if torch.is_tensor(tensors) and tensors.ndim == 4:
        tensors = list(tensors)
    batches = [_batch(t) for t in tensors]
    count = len(batches[0]) if batches else 0
    if not count or any(len(b) != count for b in batches):
        sizes = [len(b) for b in batches]
        raise ValueError(f"images got batches of {sizes}; give equal batches of at least 1 image.")
    if titles is not None and len(titles) != len(batches):
        raise ValueError(f"images got {len(titles)} titles for {len(batches)} tensors; match them.")
    truth = [None] * count if reference is None else _batch(reference)
    if len(truth) != count:
        raise ValueError(f"reference holds {len(truth)} images; the tensors hold {count}.")
    rows = count if count > 1 else math.ceil(len(batches) / (columns or 4))
    columns = len(batches) if count > 1 else columns or math.ceil(len(batches) / rows)
    width = WIDTH * min(1.0, columns / 2.5)
    captions = [_wrap(title, width / columns) for title in titles or []]
    lines = max((c.count("\n") + 1 for c in captions), default=0) + (reference is not None)
    titled = rows if count == 1 or reference is not None else 1
    aspect = max(b.shape[-2] / b.shape[-1] for b in batches)
    height = rows * width / columns * aspect + titled * lines * 0.24
    figure, axes = plt.subplots(rows, columns, figsize=(width, height), squeeze=False)
    for ax in axes.flat:
        ax.set_axis_off()
    low, high = limits if limits is not None else (None, None)
    for row in range(count):
        for index, batch in enumerate(batches):
            ax = axes[row, index] if count > 1 else axes.flat[index]
            ax.imshow(_pixels(batch[row], limits), cmap=cmap, vmin=low, vmax=high)
            title = captions[index] if captions and row == 0 else None
            ax.set_title(_caption(title, batch[row], truth[row]))
    show(figure, alt)


def curves(lines, *, alt, x=None, xlabel=None, ylabel=None, log="", floor=None):
    """Show named curves on one pair of axes.

    lines: {name: values}, drawn against x (default: the index). log: "x", "y" or "xy".
    floor: {name: level}, horizontal lines such as an exact MMSE.
    """
    figure, ax = plt.subplots()
    for name, values in lines.items():
        values = torch.as_tensor(values).detach().cpu().numpy()
        ax.plot(range(len(values)) if x is None else x, values, label=name)
    for i, (name, level) in enumerate((floor or {}).items()):
        dash = _FLOOR_DASHES[i % len(_FLOOR_DASHES)]
        ax.axhline(float(level), color="0.35", linewidth=1.2, linestyle=dash, label=name)
    ax.set(xlabel=xlabel, ylabel=ylabel)
    if "x" in log:
        ax.set_xscale("log")
    if "y" in log:
        ax.set_yscale("log")
    names = [str(name) for name in (*lines, *(floor or {}))]
    if len(names) > 1:  # above the axes, where it hides nothing
        figure.legend(loc="outside upper center", ncols=_legend_columns(names))
    show(figure, alt)


def _batch(image):
    """Any image as (B, C, H, W), on the CPU, without a gradient."""
    image = torch.as_tensor(image).detach().cpu().float()
    if image.ndim == 2:
        image = image[None]
    if image.ndim == 3:
        image = image[None]
    if image.ndim != 4 or image.shape[1] not in (1, 3):
        raise ValueError(
            f"an image has shape {tuple(image.shape)}; give (H, W), (C, H, W) or (B, C, H, W) "
            "with C = 1 or 3."
        )
    return image


def _legend_columns(names):
    """How many legend entries fit side by side in a figure of the usual width, at most 3."""
    letters = WIDTH * 72 / plt.rcParams["legend.fontsize"]  # the width, in heights of a letter
    entry = 5 + 0.6 * max(len(name) for name in names)
    return max(1, min(len(names), 3, int(letters / entry)))


def _wrap(title, inches):
    """A title broken into lines of the image's width; one with TeX in it is left as it is."""
    title = str(title)
    return title if "$" in title else textwrap.fill(title, max(8, int(9.6 * inches)))


def _pixels(image, limits):
    """(H, W) gray or (H, W, 3) colour clipped to [0, 1], for imshow."""
    if image.shape[0] == 1:
        return image[0].numpy()
    low, high = limits if limits is not None else (float(image.min()), float(image.max()))
    return ((image - low) / (high - low)).clamp(0, 1).permute(1, 2, 0).numpy()


def _caption(title, image, truth):
    """The title, and below it the PSNR where the truth is known and is another image."""
    lines = [] if title is None else [title]
    if truth is not None:
        value = psnr(image[None], truth[None]).item()
        lines.append(f"{value:.1f} dB" if math.isfinite(value) else " ")
    return "\n".join(lines)
