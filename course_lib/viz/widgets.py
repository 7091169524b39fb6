"""Two widgets: frames computed beforehand, alive everywhere; and sliders on a live function."""

import base64
import io
from collections.abc import Callable
from pathlib import Path

import anywidget
import ipywidgets
import matplotlib.pyplot as plt
import traitlets
from IPython.display import display
from PIL import Image

from .figures import PIXELS, _figure, image_tag, markup_of

_HERE = Path(__file__).parent


class FrameSlider(anywidget.AnyWidget):
    """A slider over frames computed beforehand. It needs no kernel, so it lives on the site too.

    The arrow keys, Home and End move the slider.

    Arguments:
        frames: matplotlib figures (closed here), all of one size.
        labels: one short text per frame, e.g. "σ = 0.1"; a screen reader reads it with the frame's
            alt text.
        description: what the slider changes.
        alt: what a reader who cannot see the frames must know; one text for all, or a list.
        start: the frame shown first; default 0.

    Example:
        >>> import matplotlib.pyplot as plt
        >>> frames = [plt.figure(figsize=(1, 1)) for _ in range(2)]
        >>> viz.FrameSlider(frames, ["one", "two"], "Count", alt="Nothing.").index
        0
    """

    _ipython_display_ = None  # ipywidgets 7 would display without the still picture
    _esm = (_HERE / "frame_slider.js").read_text(encoding="utf-8")

    frames = traitlets.List(traitlets.Unicode()).tag(sync=True)
    labels = traitlets.List(traitlets.Unicode()).tag(sync=True)
    alts = traitlets.List(traitlets.Unicode()).tag(sync=True)
    description = traitlets.Unicode().tag(sync=True)
    width = traitlets.Int().tag(sync=True)
    height = traitlets.Int().tag(sync=True)
    index = traitlets.Int(0).tag(sync=True)

    def __init__(
        self, frames: list, labels: list, description: str, *, alt: str | list, start: int = 0
    ):
        frames, labels = list(frames), [str(label) for label in labels]
        if not frames or len(labels) != len(frames):
            raise ValueError(
                f"FrameSlider got {len(frames)} frames and {len(labels)} labels; "
                "give one label per frame and at least one frame."
            )
        if not 0 <= start < len(frames):
            raise ValueError(f"start is {start}; it must be from 0 to {len(frames) - 1}.")
        alts = alt if isinstance(alt, list) else [alt] * len(frames)
        if len(alts) != len(frames) or not all(isinstance(a, str) and a.strip() for a in alts):
            raise ValueError(f"alt is {alt!r}; say in a sentence what the frames show.")
        figures = [_figure(frame) for frame in frames]
        sizes = {tuple(round(PIXELS * inches) for inches in f.get_size_inches()) for f in figures}
        if len(sizes) > 1:
            raise ValueError(f"FrameSlider got frames of several sizes, {sizes}; use one figsize.")
        (width, height) = sizes.pop()
        self._png = [_small_png(figure) for figure in figures]
        super().__init__(
            frames=[base64.b64encode(png).decode() for png in self._png], labels=labels, alts=alts,
            description=description, width=width, height=height, index=start,
        )  # fmt: skip

    def _repr_mimebundle_(self, **_):
        """The widget's view and, for a viewer without widgets, the current frame with its text."""
        bundle = super()._repr_mimebundle_()
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
        alt = f"{self.alts[self.index]} ({self.labels[self.index]})"
        still = image_tag(self._png[self.index], alt, self.width, self.height)
        return {**data, "text/plain": f"[figure: {alt}]", "text/html": still}, metadata


def explore(draw: Callable, *, alt: str, **ranges: tuple) -> None:
    """Sliders on a live function.

    Without a kernel, or where widgets do not show, the figure at the starting values remains.

    Arguments:
        draw: takes the sliders' values by name and returns a figure.
        alt: the text of the figure, whatever the values.
        ranges: name=(low, high, step), whole numbers or not; a slider starts in the middle.

    Example:
        >>> import matplotlib.pyplot as plt
        >>> viz.explore(lambda sigma: plt.figure(), alt="Nothing.", sigma=(0.1, 0.5, 0.1))
        {'application/vnd.jupyter.widget-view+json': ..., 'text/plain': '[figure: Nothing.]'}
    """
    sliders = {name: _slider(name, *values) for name, values in ranges.items()}
    values = {name: slider.value for name, slider in sliders.items()}
    picture = ipywidgets.HTML(_drawn(draw, values, alt))

    def redraw(_):
        picture.value = _drawn(draw, {name: s.value for name, s in sliders.items()}, alt)

    for slider in sliders.values():
        slider.observe(redraw, names="value")
    box = ipywidgets.VBox([*sliders.values(), picture])
    view = {"version_major": 2, "version_minor": 0, "model_id": box.model_id}
    data = {"application/vnd.jupyter.widget-view+json": view, "text/html": picture.value}
    display(data | {"text/plain": f"[figure: {alt}]"}, raw=True)


def _slider(name, low, high, step):
    if not (low < high and step > 0):
        raise ValueError(f"{name} has range ({low}, {high}, {step}); give low < high and step > 0.")
    real = isinstance(step, float)
    kind, start = ipywidgets.FloatSlider if real else ipywidgets.IntSlider, (high - low) / step // 2
    start = low + step * start if real else int(low + step * start)
    options = {"min": low, "max": high, "step": step, "continuous_update": False}
    return kind(value=start, description=name, **options)


def _drawn(draw, values, alt):
    return markup_of(_figure(draw(**values)), alt)


def _small_png(figure):
    """A figure's PNG, in 128 colours: fewer bytes, since all frames travel with the page."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=150, metadata={"Software": None})
    plt.close(figure)
    small = io.BytesIO()
    picture = Image.open(buffer).convert("RGB").quantize(128, dither=Image.Dither.NONE)
    picture.save(small, format="png", optimize=True)
    return small.getvalue()
