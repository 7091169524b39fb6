"""Images side by side, and labelled curves."""

import math
import textwrap

import matplotlib.pyplot as plt
import torch

from ..metrics import psnr
from .figures import show
from .style import WIDTH

_FLOOR_DASHES = [(0, (2, 2)), (0, (6, 2)), (0, (6, 2, 1, 2))]


def images(
    tensors: list | torch.Tensor, titles: list | None = None, *, alt: str,
    columns: int | None = None, limits: tuple | None = (0, 1), cmap: str = "gray",
    reference: torch.Tensor | None = None,
) -> None:  # fmt: skip
    """Show images in a grid.

    Batches of B > 1 in a list make one row per image and one column per tensor.

    Arguments:
        tensors: a list of images, each (H, W), (C, H, W) or a batch (B, C, H, W), C = 1 or 3; or
            one such batch.
        titles: one for each tensor; default None, none.
        alt: what a reader who cannot see them must know, one or two sentences.
        columns: how many side by side; default None, at most 4.
        limits: the values shown black and white, default (0, 1); None, each image's own range.
        cmap: matplotlib's colour map of images of one channel.
        reference: x, to print the PSNR of each image against it, none under x itself; default None.

    Example:
        >>> viz.images([torch.ones(8, 8), torch.rand(8, 8)], ["x", "y"], alt="White, and noise.")
        {'text/html': '<img src="..." ...>', 'text/plain': '[figure: White, and noise.]'}
    """
    if torch.is_tensor(tensors) and tensors.ndim == 4:
        tensors = list(tensors)
    batches = [_batch(t) for t in tensors]
    count = len(batches[0]) if batches else 0
    if not count or any(len(b) != count for b in batches):
        sizes = [len(b) for b in batches]
        raise ValueError(f"images got batches of {sizes}; give equal batches of at least 1 image.")
    titles = [""] * len(batches) if titles is None else titles
    if len(titles) != len(batches):
        raise ValueError(f"images got {len(titles)} titles for {len(batches)} tensors; match them.")
    truth = [None] * count if reference is None else _batch(reference)
    if len(truth) != count:
        raise ValueError(f"reference holds {len(truth)} images; the tensors hold {count}.")
    rows = count if count > 1 else math.ceil(len(batches) / (columns or 4))
    columns = len(batches) if count > 1 else columns or math.ceil(len(batches) / rows)
    width = WIDTH * min(1.0, columns / 2.5)
    captions = [_wrap(title, width / columns) for title in titles]
    lines = max(c.count("\n") + bool(c) for c in captions) + (reference is not None)
    titled = rows if count == 1 or reference is not None else 1
    aspect = max(b.shape[-2] / b.shape[-1] for b in batches)
    height = rows * width / columns * aspect + titled * lines * 0.24
    figure, axes = plt.subplots(rows, columns, figsize=(width, height), squeeze=False)
    cells = [
        (i, caption, b) for i in range(count) for caption, b in zip(captions, batches, strict=True)
    ]
    low, high = limits or (None, None)
    for ax in axes.flat:
        ax.set_axis_off()
    for ax, (i, caption, batch) in zip(axes.flat, cells, strict=False):
        ax.imshow(_pixels(batch[i], limits), cmap=cmap, vmin=low, vmax=high)
        ax.set_title(_caption(caption if i == 0 else "", batch[i], truth[i]))
    show(figure, alt)


def pictures(
    found: dict, names: list | None = None, *, image: int = 0, columns: int = 3,
    alt: str | None = None,
) -> None:  # fmt: skip
    """Show what the methods of a measured table made of one test image, with the PSNR of each.

    Arguments:
        found: one problem of `experiments.pictures(table)`, {"x": …, "y": …, method: …}.
        names: which of them; default None, all.
        image: which of the two test images, 0 or 1.
        columns: how many side by side.
        alt: default None, the methods and their PSNR in words.

    Example:
        >>> x = torch.rand(2, 1, 16, 16)
        >>> viz.pictures({"x": x, "SURE": x + 0.1})
        {'text/html': '<img ...>', 'text/plain': '[figure: One test image: x; SURE, 20.0 dB.]'}
    """
    x, names = found["x"][image : image + 1], list(names or found)
    shown = [found[name][image : image + 1] for name in names]
    words = [_caption(name, u[0], x[0]) for name, u in zip(names, shown, strict=True)]
    words = [word.replace("\n", ", ").strip(", ") for word in words]
    alt = alt or f"One test image: {'; '.join(words)}."
    images(shown, names, alt=alt, columns=columns, reference=x)


def curves(
    lines: dict, *, alt: str, x: list | None = None, xlabel: str | None = None,
    ylabel: str | None = None, log: str = "", floor: dict | None = None,
) -> None:  # fmt: skip
    """Show named curves on one pair of axes.

    Arguments:
        lines: {name: values}.
        alt: what a reader who cannot see them must know, one or two sentences.
        x: what they are drawn against; default None, the index.
        xlabel, ylabel: of the axes.
        log: which axes are logarithmic, "x", "y" or "xy".
        floor: {name: level}, horizontal lines such as an exact MMSE; default None.

    Example:
        >>> viz.curves({"SURE": [3, 2, 1]}, floor={"MMSE": 0.9}, alt="A curve falls to the floor.")
        {'text/html': '<img ...>', 'text/plain': '[figure: A curve falls to the floor.]'}
    """
    figure, ax = plt.subplots()
    for name, values in lines.items():
        values = torch.as_tensor(values).detach().cpu().numpy()
        ax.plot(range(len(values)) if x is None else x, values, label=name)
    for i, (name, level) in enumerate((floor or {}).items()):
        dash = _FLOOR_DASHES[i % len(_FLOOR_DASHES)]
        ax.axhline(float(level), color="0.35", linewidth=1.2, linestyle=dash, label=name)
    ax.set(xlabel=xlabel, ylabel=ylabel, **{f"{axis}scale": "log" for axis in log})
    names = [str(name) for name in (*lines, *(floor or {}))]
    if len(names) > 1:  # above the axes, where it hides nothing
        figure.legend(loc="outside upper center", ncols=_legend_columns(names))
    show(figure, alt)


def _batch(image):
    """Any image as (B, C, H, W), on the CPU, without a gradient."""
    image = torch.as_tensor(image).detach().cpu().float()
    batch = image[(None,) * (4 - image.ndim)] if image.ndim > 1 else image
    if batch.ndim != 4 or batch.shape[1] not in (1, 3):
        raise ValueError(
            f"an image has shape {tuple(image.shape)}; give (H, W), (C, H, W) or (B, C, H, W) "
            "with C = 1 or 3."
        )
    return batch


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
    if truth is None:
        return title
    value = psnr(image[None], truth[None]).item()
    below = f"{value:.1f} dB" if math.isfinite(value) else " "
    return f"{title}\n{below}" if title else below
