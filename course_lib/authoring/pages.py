"""From a lesson's source and its executed notebook to the page that Sphinx reads.

The text is the source's, with its blocks and citations; the outputs are those of the executed
notebook. Every figure must carry alt text, and every widget a still picture.
"""

import base64
import hashlib
import json
import re

import nbformat

from course_lib.authoring import AuthoringError, execute, notebooks
from course_lib.authoring.header import colab

VIEW = "application/vnd.jupyter.widget-view+json"
STATE = "application/vnd.jupyter.widget-state+json"
STILL = "In the notebook, sliders change this figure."
_INLINE = re.compile(r'src="data:image/png;base64,([A-Za-z0-9+/=]+)"')


def lesson(source, root, figures, addresses):
    """The page of one lesson as a notebook; its pictures go into the folder `figures`."""
    page, ran = notebooks.read(source), executed(root, source)
    results = {cell.id: cell for cell in ran.cells if cell.cell_type == "code"}
    state = ran.metadata.get("widgets", {}).get(STATE, {}).get("state", {})
    for cell in page.cells:
        if cell.cell_type != "code":
            continue
        try:
            cell.outputs = [
                kept
                for output in results[cell.id].outputs
                if (kept := _output(output, state, figures)) is not None
            ]
        except AuthoringError as error:
            first = cell.source.strip().split("\n")[0]
            name = source.relative_to(root)
            raise AuthoringError(f"{name}, cell '{first}': {error}") from None
        cell.execution_count = None
        tags = cell.metadata.get("tags", [])
        if "exercise" in tags:
            cell.metadata["tags"] = [*tags, "hide-input"]
            cell.metadata["mystnb"] = dict.fromkeys(
                ("code_prompt_show", "code_prompt_hide"), "Solution"
            )
    _launch(page, source, root, addresses)
    _references(page, notebooks.complete(source, root).cells)
    page.metadata = {"kernelspec": ran.metadata.kernelspec, "language_info": {"name": "python"}}
    return nbformat.writes(page)


def executed(root, source):
    """The executed notebook of a lesson."""
    return nbformat.read(execute.executed(root, source), as_version=4)


def _output(output, state, figures):
    """One output as the site shows it; None for progress bars and for what went to stderr."""
    if output.output_type == "stream":
        return output if output.name == "stdout" else None
    data = output.get("data", {})
    view = data.pop(VIEW, None)
    markup = data.get("text/html", "")
    if view and "%|" in data.get("text/plain", ""):
        return None
    if view and not markup:
        raise AuthoringError("a widget has no still picture; use viz.FrameSlider or viz.explore.")
    if "image/png" in data:
        raise AuthoringError("a figure has no alt text; end the cell with viz.show(fig, alt=…).")
    if re.search(r"<img(?![^>]*\balt=\"[^\"])", markup):
        raise AuthoringError("an <img> has no alt text; give it one.")
    if view and (live := _live(view["model_id"], state)):
        markup = f'<div class="live-figure">{markup}{live}</div>'
    elif view:
        markup += f'<p class="course-still">{STILL}</p>'
    if markup:
        data["text/html"] = _INLINE.sub(lambda png: _file(png[1], figures), markup)
    return output


def _live(model_id, state):
    """The state of an anywidget as JSON in the page; "" for a widget that needs a kernel."""
    model = state.get(model_id, {})
    if model.get("model_module") != "anywidget":
        return ""
    shown = {k: v for k, v in model["state"].items() if k == "_esm" or not k.startswith("_")}
    text = json.dumps(shown, ensure_ascii=False).replace("</", "<\\/")
    return f'<script type="application/json">{text}</script>'


def _file(data, figures):
    """Write a picture beside the pages; the attributes of an <img> that loads it when seen."""
    name = hashlib.sha256(data.encode()).hexdigest()[:16] + ".png"
    (figures / name).write_bytes(base64.b64decode(data))
    return f'src="../_static/figures/{name}" loading="lazy"'


def _launch(page, source, root, addresses):
    """Below the title: where to run the lesson."""
    path = f"notebooks/{source.parent.name}/{source.stem}.ipynb"
    repository, release = addresses["repository"], addresses["release"]
    links = (
        f"[Open in Colab]({colab(addresses, path)}) "
        f"[notebook]({repository}/blob/{release}/{path}) "
        f"[solutions]({repository}/blob/{release}/{path.replace('notebooks', 'solutions', 1)})"
    )
    first = page.cells[0]
    below = rf"\1\n\n:::{{container}} course-launch\n{links}\n:::"
    first.source, found = re.subn(r"^(# .+)$", below, first.source, count=1, flags=re.M)
    if not found:
        raise AuthoringError(f"{source.relative_to(root)} must start with a title '# ...'.")


def _references(page, plain):
    """The list of what the lesson cites, as in its notebook, whose cells are `plain`.

    Plain text: the citations lead to the page of the whole bibliography.
    """
    lists = {cell.id: cell.source for cell in plain}
    for cell in page.cells:
        if "{bibliography}" in cell.source:
            cell.source = lists[cell.id]
    if plain[-1].id not in {cell.id for cell in page.cells}:
        page.cells.append(plain[-1])
