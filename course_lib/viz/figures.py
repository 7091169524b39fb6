"""A figure as an image that carries its alt text."""

import base64
import html
import io

import matplotlib.pyplot as plt
from IPython.display import display

PIXELS = 100  # of the page, per inch of figure


def show(figure: object, alt: str) -> None:
    """Display a matplotlib figure as an image that carries its alt text, and close it.

    The output is an HTML <img>, so that a screen reader finds the text in Jupyter, in Colab and on
    the site alike.

    Arguments:
        figure: a Figure, an Axes or an array of Axes.
        alt: what a reader who cannot see the figure must know, one or two sentences.

    Example:
        >>> import matplotlib.pyplot as plt
        >>> viz.show(plt.figure(), alt="Nothing.")
        {'text/html': '<img src="..." alt="Nothing." ...>', 'text/plain': '[figure: Nothing.]'}
    """
    markup = markup_of(_figure(figure), alt)
    display({"text/html": markup, "text/plain": f"[figure: {alt}]"}, raw=True)


def markup_of(figure, alt):
    """The figure, which is closed, as an HTML <img> with its PNG inside."""
    if not isinstance(alt, str) or not alt.strip():
        raise ValueError(f"alt is {alt!r}; say in a sentence what the figure shows.")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", bbox_inches="tight", metadata={"Software": None})
    plt.close(figure)
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
