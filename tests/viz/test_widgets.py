"""Widgets: frames travel with the widget, a still picture remains where widgets do not show."""

import re
from base64 import b64decode

import ipywidgets
import matplotlib.pyplot as plt
import pytest

from course_lib import viz

VIEW = "application/vnd.jupyter.widget-view+json"


def line(slope, high=3):
    figure, ax = plt.subplots(figsize=(4, high))
    ax.plot([0, slope])
    return figure


def slider(**options):
    frames = [line(slope) for slope in (1, 2, 3)]
    return viz.FrameSlider(frames, ["one", "two", "three"], "Slope", alt="A line.", **options)


def test_frames_are_pictures_that_differ():
    widget = slider()
    pictures = [b64decode(frame) for frame in widget.frames]
    assert all(p.startswith(b"\x89PNG") for p in pictures) and len(set(pictures)) == 3
    assert (widget.width, widget.height) == (400, 300)
    assert not plt.get_fignums()


def test_the_state_that_travels_holds_all_that_the_script_reads():
    widget = slider()
    script = widget.get_state()["_esm"]
    read = set(re.findall(r'model\.get\("(\w+)"\)', script))
    assert read == {"frames", "labels", "alts", "description", "width", "height", "index"}
    assert read <= set(widget.get_state())


def test_a_still_picture_of_the_current_frame_goes_along():
    widget = slider(start=1)
    data, _ = widget._repr_mimebundle_()
    assert data[VIEW]["model_id"] == widget.model_id
    assert 'alt="A line. (two)"' in data["text/html"]
    assert widget.frames[1] in data["text/html"]
    assert data["text/plain"] == "[figure: A line. (two)]"


def test_each_frame_may_have_its_own_alt_text():
    frames = [line(1), line(-1)]
    widget = viz.FrameSlider(frames, ["up", "down"], "Slope", alt=["It rises.", "It falls."])
    assert widget.alts == ["It rises.", "It falls."]


def test_the_slider_says_what_is_wrong():
    with pytest.raises(ValueError, match="1 frames and 2 labels"):
        viz.FrameSlider([line(1)], ["a", "b"], "Slope", alt="A line.")
    with pytest.raises(ValueError, match="start is 3"):
        slider(start=3)
    with pytest.raises(ValueError, match="frames of several sizes"):
        viz.FrameSlider([line(1), line(1, high=2)], ["a", "b"], "Slope", alt="A line.")
    with pytest.raises(ValueError, match="say in a sentence"):
        viz.FrameSlider([line(1)], ["a"], "Slope", alt=" ")
    plt.close("all")


def test_explore_redraws_and_leaves_a_still_picture(monkeypatch):
    bundles, boxes = [], []
    monkeypatch.setattr("course_lib.viz.widgets.display", lambda data, raw: bundles.append(data))
    box = ipywidgets.VBox
    monkeypatch.setattr(
        ipywidgets, "VBox", lambda children: boxes.append(box(children)) or boxes[0]
    )
    viz.explore(lambda slope: line(slope), alt="A line.", slope=(0.5, 2.5, 0.5))

    control, picture = boxes[0].children
    still = bundles[0]["text/html"]
    assert control.value == 1.5 and control.description == "slope"
    assert bundles[0][VIEW]["model_id"] == boxes[0].model_id
    assert still == picture.value and 'alt="A line."' in still
    control.value = 2.5
    assert picture.value != still and 'alt="A line."' in picture.value


def test_explore_of_whole_numbers_gives_whole_numbers(monkeypatch):
    seen = []
    monkeypatch.setattr("course_lib.viz.widgets.display", lambda data, raw: None)
    viz.explore(lambda width: seen.append(width) or line(width), alt="A line.", width=(1, 9, 2))
    assert seen == [5] and isinstance(seen[0], int)


def test_explore_refuses_an_empty_range():
    with pytest.raises(ValueError, match=r"slope has range \(2, 1, 1\)"):
        viz.explore(lambda slope: line(slope), alt="A line.", slope=(2, 1, 1))
