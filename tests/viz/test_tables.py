"""The heat table: a figure in every cell, and what does not fit is named."""

import matplotlib.pyplot as plt
import pytest

from course_lib import viz


@pytest.fixture
def drawn(monkeypatch):
    """The figures shown, left open."""
    figures = []
    monkeypatch.setattr("course_lib.viz.tables.show", lambda figure, alt: figures.append(figure))
    yield figures
    plt.close("all")


PANEL = ["SURE", "UNSURE"], ["Gaussian", "varying"], [[-0.04, None], [7.26, "yes"]]


def test_every_cell_prints_its_figure(drawn):
    viz.heat({"exact": PANEL, "photographs": PANEL}, alt="two tables")
    axes = [ax for ax in drawn[0].axes]
    assert len(axes) == 2 and axes[0].get_title(loc="left") == "exact"
    assert [t.get_text() for t in axes[0].texts] == ["0.0", "–", "7.3", "yes"]
    assert [t.get_text() for t in axes[0].get_yticklabels()] == ["SURE", "UNSURE"]


def test_darker_is_worse_and_the_letters_stay_legible(drawn):
    viz.heat({"exact": PANEL}, alt="one table")
    ax = drawn[0].axes[0]
    shown = ax.images[0]
    light, dark = (shown.cmap(shown.norm(v))[:3] for v in (0.04, 7.26))
    assert sum(light) > 2.9 > 2 > sum(dark)
    assert [t.get_color() for t in ax.texts] == ["black", "black", "white", "black"]
    assert len(ax.patches) == 1  # the cell that does not exist


def test_a_table_with_a_missing_cell_is_named():
    with pytest.raises(ValueError, match="values of 1 rows for 2 names and 2 columns"):
        viz.heat({"exact": (*PANEL[:2], [[1, 2]])}, alt="broken")
    plt.close("all")
