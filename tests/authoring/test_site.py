"""The site: what a reader finds on a built page, with the network off."""

import html
import json
import os
import re
import shutil
import signal
import textwrap
from pathlib import Path

import nbformat
import pytest
import torch
import yaml

from course_lib.authoring import AuthoringError, execute, lessons, notebooks, pages, site

ROOT = Path(__file__).parents[2]

LESSON = r"""---
kernelspec:
  display_name: Python 3
  language: python
  name: python3
---

# 2.2 Sample

The key term {cite}`stein1981estimation, efron2004covariance`, as in (2.8) and
[here](2_2_sample.ipynb#sample), with the letters of [the table](../notation.md):

$$
\begin{aligned}
a &= b \\
  &= c
\end{aligned}
\tag{2.8}
$$

:::{theorem} Stein's *lemma*
Let $f$ be smooth.
:::

:::{proof}
By parts.
:::

:::{definition}
$\operatorname{div} f = \sum_i \partial_i f_i$.
:::

:::{exercise} Divergence
Write it.
:::

:::{hint} Hint 1
A trace.
:::

```{code-cell} python
:tags: [exercise]

def divergence(f):
    ### BEGIN SOLUTION
    return "the trace"
    ### END SOLUTION
```

```{code-cell} python
import sys

import matplotlib.pyplot as plt
from tqdm.auto import tqdm

from course_lib import viz


def line(slope):
    figure, ax = plt.subplots(figsize=(3, 2))
    ax.plot([0, slope])
    return figure


for _ in tqdm(range(2), leave=False):
    print("noise on stderr", file=sys.stderr)
print("printed by the lesson")
```

```{code-cell} python
viz.show(line(1), alt='A line with "slope" < 2')
```

```{code-cell} python
viz.FrameSlider([line(1), line(2)], ["one", "two"], "Slope", alt="A line </script>")
```

```{code-cell} python
viz.explore(line, slope=(1, 3, 1), alt="A line to move")
```
"""


def small_course(folder, lesson=LESSON):
    """The real book.yml, bibliography and pages, with one lesson of our own."""
    book = yaml.safe_load((ROOT / "book.yml").read_text(encoding="utf-8"))
    book["parts"] = [
        {"caption": "Part 2", "chapters": [{"file": "part2/2_2_sample"}]},
        {"caption": "Reference", "chapters": [{"file": "notation"}, {"file": "bibliography"}]},
    ]
    (folder / "solutions" / "part2").mkdir(parents=True)
    (folder / "book.yml").write_text(yaml.safe_dump(book), encoding="utf-8")
    for page in (ROOT / "solutions").glob("*.*"):
        text = page.read_text(encoding="utf-8")  # links to other lessons lead to this one
        text = re.sub(r"\]\(\w+/\w+\.ipynb\)", "](part2/2_2_sample.ipynb)", text)
        (folder / "solutions" / page.name).write_text(text, encoding="utf-8")
    (folder / "solutions" / "part2" / "2_2_sample.md").write_text(lesson, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    root = small_course(tmp_path_factory.mktemp("course"))
    return site.build(root).parent


@pytest.fixture(scope="module")
def page(built):
    return (built / "part2" / "2_2_sample.html").read_text(encoding="utf-8")


def text_of(markup):
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", "", markup)))


def test_blocks_are_numbered_as_in_the_notebooks(page):
    titles = [
        text_of(t).strip() for t in re.findall(r'<p class="admonition-title">(.*?)</p>', page)
    ]
    assert titles == [
        "Theorem 2.2.1 (Stein’s lemma)",
        "Proof",
        "Definition 2.2.2",
        "Exercise 2.2.a (Divergence)",
        "Hint 1",
    ]
    assert 'id="theorem-2-2-1"' in page and 'id="exercise-2-2-a"' in page


def test_hints_and_solutions_are_folded(page):
    assert re.search(r'class="[^"]*course-hint[^"]*dropdown', page)
    folded = re.search(r"<details[^>]*>(.*?)</details>", page, re.S)[1]
    assert "Solution" in folded and "the trace" in text_of(folded)
    assert "open" not in re.search(r"<details[^>]*>", page)[0]


def test_a_tagged_formula_keeps_its_number_and_its_lines(page):
    formula = re.search(r'<div class="[^"]*\bmath\b[^>]*>(.*?)</div>', page, re.S)[1]
    assert r"\tag{2.8}" in formula and r"\begin{aligned}" in formula
    assert "split" not in formula
    assert formula.strip().startswith(r"\[")


def test_outputs_are_shown_and_stderr_is_not(page):
    shown = text_of(page)
    assert "printed by the lesson" in shown
    assert "noise on stderr" not in shown.replace('print("noise on stderr"', "")
    assert "it/s" not in shown


def test_every_picture_has_alt_text_and_a_file(built, page):
    pictures = re.findall(r"<img[^>]*>", page)
    alts = [html.unescape(re.search(r'alt="([^"]*)"', p)[1]) for p in pictures]
    assert len(alts) == len(pictures) and all(alts)
    assert 'A line with "slope" < 2' in alts and "A line to move" in alts
    for source in re.findall(r'<img src="(\.\./_static/figures/[^"]+)"', page):
        assert (built / "part2" / source).read_bytes().startswith(b"\x89PNG")
    assert len(set(re.findall(r"_static/figures/\w+\.png", page))) == 3


def test_the_precomputed_widget_is_alive_and_has_a_still_picture(built, page):
    figure = re.search(r'<div class="live-figure">(.*?)</div>', page, re.S)[1]
    assert 'alt="A line &lt;/script&gt; (one)"' in figure
    state = json.loads(
        re.search(r'<script type="application/json">(.*?)</script>', figure, re.S)[1]
    )
    assert state["labels"] == ["one", "two"] and len(set(state["frames"])) == 2
    assert "export default { render }" in state["_esm"]
    assert re.search(r'<script defer="defer" src="../_static/live-figures.js', page)
    assert "live-figures.js" not in (built / "notation.html").read_text(encoding="utf-8")


def test_a_widget_that_needs_a_kernel_becomes_its_still_picture(page):
    assert "In the notebook, sliders change this figure." in page
    assert "widget-view" not in page and "embed-amd" not in page and "require" not in page


def test_colab_opens_the_student_notebook(page, built):
    book = yaml.safe_load((ROOT / "book.yml").read_text(encoding="utf-8"))
    owner = book["meta"]["course"]["repository"].split("/", 3)[3]
    release = book["meta"]["course"]["release"]
    url = (
        f"https://colab.research.google.com/github/{owner}/blob/{release}"
        "/notebooks/part2/2_2_sample.ipynb"
    )
    assert page.count(f'href="{url}"') == 2  # below the title and in the bar of buttons
    assert f'href="{url}"' in (built / "index.html").read_text(encoding="utf-8")


def test_citations_lead_to_the_bibliography(built, page):
    assert "[Efron, 2004; Stein, 1981]" in text_of(page)
    target = re.search(r'href="\.\./bibliography\.html#(id\d+)"[^>]*>Stein, 1981</a>', page)
    bibliography = (built / "bibliography.html").read_text(encoding="utf-8")
    entry = re.search(
        rf'<div class="citation" id="{target[1]}"[^>]*>(.*?)</div>', bibliography, re.S
    )
    assert "Charles M. Stein" in text_of(entry[1])
    assert "Estimation of the mean of a multivariate normal distribution" in text_of(page)


def test_links_between_pages_work(page):
    assert 'href="#sample"' in page or 'href="2_2_sample.html#sample"' in page
    assert 'href="../notation.html"' in page


def test_search_finds_the_lesson(built):
    index = (built / "searchindex.js").read_text(encoding="utf-8")
    assert "part2/2_2_sample" in index and "diverg" in index


def test_no_page_loads_anything_from_the_network(built):
    loads = re.compile(
        r"<(?:script|img|iframe|source|embed|object)\b[^>]*\b(?:src|data)=\"(?:https?:)?//[^\"]*"
        r"|<link\b(?![^>]*rel=\"canonical\")[^>]*\bhref=\"(?:https?:)?//[^\"]*"
        r"|url\(\s*[\"']?(?:https?:)?//[^)]*|@import\s+[\"'](?:https?:)?//[^\"']*"
    )
    found = [
        (path.relative_to(built), match)
        for path in built.rglob("*")
        if path.suffix in (".html", ".css")
        for match in loads.findall(path.read_text(encoding="utf-8"))
    ]
    assert found == []


def test_mathjax_is_local_and_whole(built, page):
    script = re.search(r'src="\.\./(_static/mathjax/[^"?]+)', page)[1]
    text = (built / script).read_text(encoding="utf-8")
    assert len(text) > 2_000_000 and "3.2" in text


def test_there_is_one_configuration(built):
    assert not list((ROOT / "solutions").rglob("conf.py")) and not (ROOT / "conf.py").exists()
    assert "{{" not in (built / "index.html").read_text(encoding="utf-8")


def test_the_table_of_contents_lists_every_lesson_in_order():
    book = yaml.safe_load((ROOT / "book.yml").read_text(encoding="utf-8"))
    listed = [chapter["file"] for part in book["parts"] for chapter in part["chapters"]]
    written = [f"{source.parent.name}/{source.stem}" for source in lessons(ROOT)]
    assert [name for name in listed if "/" in name] == written


def attempt(tmp_path, monkeypatch, text, outputs=()):
    """Build a lesson with this last paragraph and, as if executed, these outputs."""

    def pretend(notebook, folder, scale):
        for cell in notebook.cells:
            if cell.cell_type == "code":
                cell.outputs = []
        notebook.cells[-1].outputs = list(outputs)

    monkeypatch.setattr(execute, "execute", pretend)
    head = LESSON.split("The key term")[0]
    site.build(small_course(tmp_path, f"{head}{text}\n\n```{{code-cell}} python\nlast = 1\n```\n"))


@pytest.mark.parametrize(
    "text, message",
    [
        ("[nowhere](nowhere.md)", "nowhere"),
        ("### Too deep\n\n# Second title\n\n#### Jump", "warnings"),
        (":::{theorem}\n:::", "theorem"),
        ("- the risk $\\mathbb{E} a\n  + \\text{const}$", "a formula is cut"),
    ],
)
def test_a_warning_is_an_error(tmp_path, monkeypatch, text, message):
    with pytest.raises(AuthoringError, match=message):
        attempt(tmp_path, monkeypatch, text)


def output(**data):
    return {"output_type": "display_data", "metadata": {}, "data": data}


@pytest.mark.parametrize(
    "data, message",
    [
        ({"image/png": "iVBORw0KGgo="}, "a figure has no alt text; end the cell with viz.show"),
        ({"text/html": "<img src='a.png'>"}, "an <img> has no alt text"),
        (
            {"application/vnd.jupyter.widget-view+json": {"model_id": "m"}, "text/plain": "Box()"},
            "a widget has no still picture",
        ),
    ],
)
def test_figures_without_alt_text_and_dead_widgets_are_refused(
    tmp_path, monkeypatch, data, message
):
    from nbformat import from_dict

    with pytest.raises(AuthoringError, match=message) as caught:
        attempt(tmp_path, monkeypatch, "Text.", [from_dict(output(**data))])
    assert "solutions/part2/2_2_sample.md, cell 'last = 1'" in str(caught.value)


def test_a_lesson_that_fails_makes_no_site(tmp_path, monkeypatch):
    monkeypatch.setattr(execute, "execute", lambda notebook, folder, scale: "ValueError: no")
    with pytest.raises(AuthoringError, match="part2/2_2_sample does not run"):
        site.build(small_course(tmp_path))
    assert not (tmp_path / "_build" / "html").exists()


def test_the_text_of_every_lesson_makes_a_page_without_a_warning(tmp_path, monkeypatch):
    def not_run(root, source):
        notebook = notebooks.complete(source, root)
        notebook.metadata["course"] = {"seconds": 0.0}
        return notebook

    monkeypatch.setattr(execute, "run", lambda root, scale: [])
    monkeypatch.setattr(pages, "executed", not_run)
    shutil.copy(ROOT / "book.yml", tmp_path)
    shutil.copytree(ROOT / "solutions", tmp_path / "solutions")
    index = site.build(tmp_path)
    for source in lessons(ROOT):
        page = index.parent / source.parent.name / f"{source.stem}.html"
        cites = "{cite" in source.read_text(encoding="utf-8")
        assert ("References" in text_of(page.read_text(encoding="utf-8"))) == cites


def test_a_folder_with_other_files_is_left_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(execute, "run", lambda root, scale: [])
    (tmp_path / "thesis.txt").write_text("years of work", encoding="utf-8")
    with pytest.raises(AuthoringError, match="holds other files than a site"):
        site.build(ROOT, output=tmp_path)
    assert (tmp_path / "thesis.txt").exists()


@pytest.fixture
def empty_course(tmp_path, monkeypatch):
    """No lessons, and pages that take no time: `made` is called where Sphinx would run."""
    monkeypatch.setattr(execute, "run", lambda root, scale: [])
    monkeypatch.setattr(site, "stage", lambda root, folder: folder.mkdir() or folder)
    monkeypatch.setattr(site, "configuration", lambda root, source: {})

    def build(made=lambda: None):
        def sphinx(source, output, doctrees, conf, strict):
            output.mkdir()
            (output / "index.html").write_text("new", encoding="utf-8")
            made()
            (output / ".buildinfo").write_text("", encoding="utf-8")

        monkeypatch.setattr(site, "_sphinx", sphinx)
        return site.build(tmp_path)

    return build


def killed(run):
    """Whether run() in a process of its own is killed."""
    child = os.fork()
    if child == 0:
        run()
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


def die(*arguments):
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("old", [False, True], ids=["first", "again"])
@pytest.mark.parametrize("moment", ["built", "first renaming", "second renaming"])
def test_a_kill_leaves_no_half_site_and_the_next_build_works(
    empty_course, tmp_path, monkeypatch, moment, old
):
    if old:
        empty_course().write_text("old", encoding="utf-8")
    with monkeypatch.context() as patch:
        rename, calls = Path.rename, []

        def renamed(path, target):
            calls.append(target)
            if len(calls) == ("first renaming", "second renaming").index(moment) + 1:
                die()
            return rename(path, target)

        if moment == "built":
            assert killed(lambda: empty_course(die))
        else:
            patch.setattr(Path, "rename", renamed)
            assert killed(empty_course) == (old or moment == "first renaming")
    html = tmp_path / "_build" / "html"
    if old and moment != "second renaming":
        assert (html / "index.html").read_text(encoding="utf-8") == "old"
    assert not html.exists() or (html / ".buildinfo").exists()
    assert empty_course().read_text(encoding="utf-8") == "new"


def test_what_killed_builds_left_is_removed_after_a_day(empty_course, tmp_path):
    assert killed(lambda: empty_course(die))
    (left,) = (tmp_path / "_build").iterdir()
    empty_course()
    assert left.exists()
    os.utime(left, (0, 0))
    empty_course()
    assert [path.name for path in (tmp_path / "_build").iterdir()] == ["html"]


def test_a_link_to_the_site_stays_a_link(empty_course, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "_build").mkdir()
    (tmp_path / "_build" / "html").symlink_to(tmp_path / "elsewhere")
    empty_course()
    assert (tmp_path / "_build" / "html").is_symlink()
    assert (tmp_path / "elsewhere" / "index.html").exists()


def test_the_code_on_the_landing_page_runs():
    text = (ROOT / "solutions" / "index.md").read_text(encoding="utf-8")
    code = textwrap.dedent(re.search(r"^( *)```python\n(.*?)^\1```", text, re.M | re.S)[2])
    names = {"y": torch.rand(2, 1, 32, 32)}
    exec(code, names)
    assert names["value"].ndim == 0 and names["x_hat"].shape == (2, 1, 32, 32)


def test_a_widget_that_was_closed_shows_nothing():
    """A finished progress bar leaves a view whose model is gone, as nbval records it."""
    view = {"model_id": "gone", "version_major": 2, "version_minor": 0}
    data = {"application/vnd.jupyter.widget-view+json": view, "text/plain": "0%| | 0/300"}
    assert pages._output(nbformat.v4.new_output("display_data", data), {}, None) is None
