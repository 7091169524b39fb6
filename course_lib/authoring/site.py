"""The site: one page per lesson, built by Sphinx from solutions/ and configured by book.yml alone.

There is no conf.py. book.yml holds the table of contents and, under `meta`, the addresses of the
course and every setting of Sphinx.
"""

import contextlib
import io
import re
import shutil
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

from course_lib.authoring import (
    AuthoringError,
    book,
    execute,
    lessons,
    notebooks,
    pages,
    settings,
    utf8,
)
from course_lib.authoring.header import colab
from course_lib.authoring.plain import uncut
from course_lib.authoring.report import title

STATIC = Path(__file__).parent / "static"
DAY = 86_400  # seconds


def build(root, output=None, strict=True):
    """Build the site into `output` (_build/html) and return its first page.

    Lessons whose execution is missing or out of date are executed first. strict: a warning of
    Sphinx is an error. Raises AuthoringError, also when `output` holds anything but a site.
    """
    output = Path(output or root / "_build" / "html").resolve()
    if output.exists() and any(output.iterdir()) and not (output / ".buildinfo").is_file():
        raise AuthoringError(f"{output} holds other files than a site; name another folder.")
    for result in execute.run(root, execute.scale()):
        if result.error:
            raise AuthoringError(f"{result.lesson} does not run, so there is no page of it.")
    with beside(output) as work:
        source = stage(root, work / "source")
        _sphinx(source, work / "html", work / "doctrees", configuration(root, source), strict)
        if output.exists():
            output.rename(work / "old")
        (work / "html").rename(output)
    return output / "index.html"


@contextlib.contextmanager
def beside(output):
    """A folder of its own beside `output` to build in, gone at the end, with those of killed runs.

    The finished site is renamed into its place: a kill leaves the old one or the new one, or none
    in the instant between two renamings.
    """
    output.parent.mkdir(parents=True, exist_ok=True)
    name = f".{output.name}.building-"
    for old in output.parent.glob(f"{name}*"):
        if time.time() - old.stat().st_mtime > DAY:
            shutil.rmtree(old, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=name, dir=output.parent) as work:
        yield Path(work)


def configuration(root, source):
    """All settings of Sphinx: those of book.yml, and what follows from the course's addresses."""
    addresses, meta = settings(root), book(root)["meta"]
    if not isinstance(meta.get("sphinx"), dict):
        raise AuthoringError("book.yml needs meta.sphinx, the settings of Sphinx: add them.")
    conf = {
        **meta["sphinx"],
        "html_baseurl": addresses["site"] + "/",
        "bibtex_bibfiles": [str(root / "solutions" / "references.bib")],
        "html_static_path": [str(source / "_static")],
    }
    conf["html_theme_options"] = {
        **conf.get("html_theme_options", {}),
        "repository_url": addresses["repository"],
        "repository_branch": addresses["release"],
        "path_to_docs": "notebooks",
    }
    return conf


def stage(root, folder):
    """Write all that Sphinx reads into a new `folder`: the pages, book.yml, the static files."""
    figures = folder / "_static" / "figures"
    figures.mkdir(parents=True)
    shutil.copytree(STATIC, folder / "_static", dirs_exist_ok=True)
    (folder / "_static" / "mathjax").mkdir()
    shutil.copy(mathjax(), folder / "_static" / "mathjax")
    shutil.copy(root / "book.yml", folder / "book.yml")
    addresses = settings(root)
    repository = addresses["repository"]
    words = {"lessons": table(root), "repository": repository, "name": repository.split("/")[-1]}
    for page in sorted((root / "solutions").glob("*.md")):
        text = utf8(page)
        for word, meaning in words.items():
            text = text.replace("{{ " + word + " }}", meaning)
        (folder / page.name).write_text(uncut(text), encoding="utf-8")
    for source in lessons(root):
        path = folder / source.parent.name / f"{source.stem}.ipynb"
        path.parent.mkdir(exist_ok=True)
        text = pages.lesson(source, root, figures, addresses)
        path.write_text(text, encoding="utf-8")
    return folder


def table(root):
    """The lessons as a Markdown table: page, how long it ran, Colab."""
    addresses = settings(root)
    rows = ["| Lesson | Time | |", "| :-- | --: | :-- |"]
    for source in lessons(root):
        page = f"{source.parent.name}/{source.stem}"
        name = title(notebooks.read(source))
        url = colab(addresses, f"notebooks/{page}.ipynb")
        seconds = pages.executed(root, source).metadata.course.seconds
        rows.append(f"| [{name}]({page}.ipynb) | {seconds:.0f} s | [Colab]({url}) |")
    return "\n".join(rows)


def mathjax():
    """MathJax in one file, with all of its TeX and no fonts, from sphinx-mathjax-offline."""
    spec = find_spec("sphinx-mathjax-offline")
    if spec is None:
        raise AuthoringError("sphinx-mathjax-offline is missing: pip install -e '.[site]'.")
    return Path(spec.origin).parent / "static" / "mathjax" / "tex-svg-full.js"


def _sphinx(source, output, doctrees, conf, strict):
    from sphinx.application import Sphinx
    from sphinx.errors import SphinxError
    from sphinx.util.docutils import docutils_namespace, patch_docutils

    said = io.StringIO()
    with patch_docutils(), docutils_namespace():
        try:
            app = Sphinx(source, None, output, doctrees, "html", conf, None, said, freshenv=True)
            app.build(force_all=True)
        except SphinxError as error:
            raise AuthoringError(f"The site was not built: {error}") from None
    warnings = re.sub(r"\x1b\[[0-9;]*m", "", said.getvalue()).replace(f"{source}/", "").strip()
    if warnings and strict:
        raise AuthoringError(f"The site has warnings:\n{warnings}")
    if warnings:
        print(warnings, file=sys.stderr)
