"""Every figure carries its alt text; images are laid out and captioned as asked."""

import html
import re
import struct
from base64 import b64decode

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

from course_lib import viz


@pytest.fixture
def shown(monkeypatch):
    """What a cell displays, as a list of mime bundles."""
    bundles = []
    monkeypatch.setattr("course_lib.viz.figures.display", lambda data, raw: bundles.append(data))
    return bundles


def size(markup):
    png = b64decode(re.search(r"base64,([^\"]+)", markup)[1])
    return struct.unpack(">II", png[16:24])


def alt_of(bundle):
    return html.unescape(re.search(r'alt="([^"]*)"', bundle["text/html"])[1])


def test_show_gives_an_image_with_its_alt_text_and_closes_the_figure(shown):
    figure, ax = plt.subplots()
    ax.plot([1, 2])
    viz.show(figure, alt='A line that rises: "1" < "2"')
    assert alt_of(shown[0]) == 'A line that rises: "1" < "2"'
    assert shown[0]["text/plain"] == '[figure: A line that rises: "1" < "2"]'
    assert not plt.get_fignums()


def test_show_takes_axes_too(shown):
    viz.show(plt.subplots()[1], alt="empty axes")
    viz.show(plt.subplots(1, 2)[1], alt="two empty axes")
    assert [alt_of(b) for b in shown] == ["empty axes", "two empty axes"]


@pytest.mark.parametrize("alt", ["", "  ", None])
def test_a_figure_without_alt_text_is_refused(alt):
    with pytest.raises(ValueError, match="say in a sentence what the figure shows"):
        viz.show(plt.figure(), alt=alt)
    plt.close("all")


def test_show_refuses_what_is_no_figure():
    with pytest.raises(ValueError, match="show got a str; give it a figure"):
        viz.show("figure", alt="a")


def drawn(monkeypatch, *args, **options):
    """The axes that images() draws."""
    seen = []
    monkeypatch.setattr("course_lib.viz.layouts.show", lambda figure, alt: seen.append(figure))
    viz.images(*args, alt="a", **options)
    plt.close(seen[0])
    return [ax for ax in seen[0].axes if ax.images]


def test_images_draws_the_pixels_and_the_psnr(monkeypatch):
    x = torch.rand(1, 1, 8, 8)
    axes = drawn(monkeypatch, [x, x + 0.1], ["x", "f(y)"], reference=x)
    assert np.allclose(axes[0].images[0].get_array(), x[0, 0])
    assert axes[0].get_title() == "x\n "
    assert axes[1].get_title() == "f(y)\n20.0 dB"
    assert axes[0].images[0].get_clim() == (0, 1)


def test_images_of_batches_make_one_row_per_image(monkeypatch):
    x = torch.rand(3, 1, 8, 8)
    axes = drawn(monkeypatch, [x, x], ["x", "y"])
    assert [ax.get_subplotspec().rowspan.start for ax in axes] == [0, 0, 1, 1, 2, 2]
    assert [ax.get_title() for ax in axes] == ["x", "y", "", "", "", ""]


@pytest.mark.parametrize("count, columns", [(1, 1), (4, 4), (5, 3), (6, 3), (8, 4), (9, 3)])
def test_images_wrap_into_balanced_rows(monkeypatch, count, columns):
    axes = drawn(monkeypatch, list(torch.rand(count, 8, 8)))
    assert len(axes) == count
    assert axes[0].get_subplotspec().get_gridspec().ncols == columns


def test_images_accept_every_shape_and_colour(monkeypatch):
    axes = drawn(monkeypatch, [torch.rand(8, 8), torch.rand(1, 8, 8), torch.rand(3, 8, 8)])
    assert [ax.images[0].get_array().shape for ax in axes] == [(8, 8), (8, 8), (8, 8, 3)]
    assert len(drawn(monkeypatch, torch.rand(5, 1, 8, 8))) == 5


def test_images_own_range(monkeypatch):
    error = torch.tensor([[-0.2, 0.3]])
    axes = drawn(monkeypatch, [error], limits=None)
    assert np.allclose(axes[0].images[0].get_clim(), (-0.2, 0.3))


def test_images_name_what_does_not_fit():
    x = torch.rand(2, 1, 8, 8)
    with pytest.raises(ValueError, match=r"batches of \[2, 1\]"):
        viz.images([x, x[:1]], alt="a")
    with pytest.raises(ValueError, match="1 titles for 2 tensors"):
        viz.images([x, x], ["x"], alt="a")
    with pytest.raises(ValueError, match="reference holds 1 images; the tensors hold 2"):
        viz.images([x, x], alt="a", reference=x[:1])
    with pytest.raises(ValueError, match=r"shape \(2, 8, 8\)"):
        viz.images([torch.rand(2, 8, 8)], alt="a")


def test_pictures_of_a_table_say_the_methods_and_their_psnr(shown):
    x = torch.rand(2, 1, 16, 16, generator=torch.Generator().manual_seed(0))
    found = {"x": x, "y": x + 0.1, "SURE": x + 0.01 * torch.tensor([1.0, 10.0]).view(2, 1, 1, 1)}
    viz.pictures(found)
    viz.pictures(found, ["SURE", "x"], image=1)
    viz.pictures(found, alt="Three pictures.")
    assert [alt_of(bundle) for bundle in shown] == [
        "One test image: x; y, 20.0 dB; SURE, 40.0 dB.", "One test image: SURE, 20.0 dB; x.",
        "Three pictures.",
    ]  # fmt: skip


def test_curves_show_lines_floor_and_legend(shown):
    losses = {"SURE": torch.tensor([3.0, 2.0]), "R2R": [3.0, 1.0]}
    viz.curves(losses, alt="Two falling curves.", floor={"MMSE": 0.5}, log="y", xlabel="step")
    assert alt_of(shown[0]) == "Two falling curves."


def test_a_long_legend_does_not_widen_the_figure(shown):
    names = ["learned subspace", "pseudo-inverse applied to y", "mean of the measured"]
    viz.curves({names[0]: [1, 2]}, alt="a line", floor=dict.fromkeys(names[1:], 1.5))
    assert int(re.search(r'width="(\d+)"', shown[0]["text/html"])[1]) <= 540


def test_figures_are_the_same_bytes_twice(shown):
    for _ in range(2):
        viz.curves({"a": [1, 2]}, alt="a line")
    assert shown[0] == shown[1]


def test_figures_are_sharp_and_no_wider_than_a_page(shown):
    viz.curves({"a": [1, 2]}, alt="a line")
    width = int(re.search(r'width="(\d+)"', shown[0]["text/html"])[1])
    assert 400 < width <= 540
    assert size(shown[0]["text/html"])[0] == pytest.approx(2 * width, abs=2)


def test_colours_differ_in_gray_or_in_dash():
    cycle = matplotlib.rcParams["axes.prop_cycle"].by_key()
    assert len(set(map(str, zip(cycle["color"], cycle["linestyle"], strict=True)))) == 7
    assert len(set(map(str, cycle["linestyle"]))) == 7


def test_letters_are_legible_on_a_phone():
    """At 358 px, the width of a phone's text, the smallest letters are 10 px high."""
    points = min(
        matplotlib.rcParams[name] for name in ("font.size", "xtick.labelsize", "legend.fontsize")
    )
    assert points / 72 / viz.WIDTH * 358 > 10
