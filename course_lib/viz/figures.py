"""Show a figure with its alt text; lay out images side by side; draw labelled curves."""

import base64
import html
import io
import math
import textwrap

import matplotlib.pyplot as plt
import torch
from IPython.display import display

from .style import WIDTH

PIXELS = 100  # of the page, per inch of figure
_FLOOR_DASHES = [(0, (2, 2)), (0, (6, 2)), (0, (6, 2, 1, 2))]


def show(figure, alt):
    """Display a matplotlib figure as an image that carries its alt text, and close it.

    figure: a Figure, an Axes or an array of Axes. alt: what a reader who cannot see the figure must
    know, one or two sentences. The output is an HTML <img>, so that a screen reader finds the text
    in Jupyter, in Colab and on the site alike.
    """
    figure = _figure(figure)
    markup = markup_of(figure, alt)
    plt.close(figure)
    display({"text/html": markup, "text/plain": f"[figure: {alt}]"}, raw=True)


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
    truth = None if reference is None else _batch(reference)
    for row in range(count):
        for index, batch in enumerate(batches):
            ax = axes[row, index] if count > 1 else axes.flat[index]
            low, high = limits if limits is not None else (None, None)
            ax.imshow(_pixels(batch[row], limits), cmap=cmap, vmin=low, vmax=high)
            caption = [captions[index]] if captions and row == 0 else []
            if truth is not None:
                known = _same(batch[row], truth[row])
                caption.append(" " if known else f"{_psnr(batch[row], truth[row]):.1f} dB")
            ax.set_title("\n".join(caption))
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


def markup_of(figure, alt):
    """The figure as an HTML <img> with its PNG inside."""
    if not isinstance(alt, str) or not alt.strip():
        raise ValueError(f"alt is {alt!r}; say in a sentence what the figure shows.")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", bbox_inches="tight", metadata={"Software": None})
    png = buffer.getvalue()
    pixels = (int.from_bytes(png[16:20], "big"), int.from_bytes(png[20:24], "big"))
    width, height = (round(PIXELS * n / plt.rcParams["savefig.dpi"]) for n in pixels)
    return image_tag(png, alt, width, height)


def image_tag(png, alt, width, height):
    """An HTML <img> of PNG bytes that shrinks to a narrow screen."""
    data = base64.b64encode(png).decode()
    return (
        f'<img src="data:image/png;base64,{data}" alt="{html.escape(alt)}" width="{width}" '
        f'height="{height}" style="max-width:100%;height:auto">'
    )


def _figure(thing):
    """The Figure of a Figure, an Axes or an array of Axes."""
    while not hasattr(thing, "savefig"):
        if hasattr(thing, "flat"):
            thing = thing.flat[0]
        elif getattr(thing, "figure", None) is not None:
            thing = thing.figure
        else:
            raise ValueError(f"show got a {type(thing).__name__}; give it a figure or its axes.")
    return thing


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


def _same(a, b):
    return a.shape == b.shape and bool(torch.equal(a, b))


def _psnr(image, truth):
    from ..metrics import psnr

    return float(psnr(image[None], truth[None]))
