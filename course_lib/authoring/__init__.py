"""The author's side of the course: lessons in Markdown, generated notebooks, runs, the site.

`plain`       the few directives and roles of a lesson -> plain Markdown
`references`  citations and lists of references from solutions/references.bib
`header`      the badge and the setup cell of a notebook
`notebooks`   solutions/<part>/<lesson>.md -> complete and student notebooks
`execute`     run the complete notebooks once and keep the result
`report`      the table of a run
`capture`     pytest plugin: what nbval has run is kept too
`site`        the pages
"""

from pathlib import Path


class AuthoringError(Exception):
    """A mistake in a lesson or in how a command was called: one sentence, no traceback."""


def find_root(start=None):
    """The course's folder: the nearest one, from `start` upwards, that holds book.yml."""
    start = Path(start or Path.cwd()).resolve()
    for folder in (start, *start.parents):
        if (folder / "book.yml").is_file():
            return folder
    raise AuthoringError(
        f"No book.yml in {start} or above it: run this inside a clone of the course."
    )


def settings(root):
    """The addresses of the course (`repository`, `branch`, `site`), from book.yml alone."""
    import yaml

    book = yaml.safe_load((root / "book.yml").read_text(encoding="utf-8")) or {}
    course = (book.get("meta") or {}).get("course") or {}
    missing = [name for name in ("repository", "branch", "site") if not course.get(name)]
    if missing:
        raise AuthoringError(f"book.yml lacks meta.course.{missing[0]}: add it.")
    return {name: str(course[name]).rstrip("/") for name in ("repository", "branch", "site")}


def lessons(root):
    """The sources of all lessons, in the order of the course."""
    return sorted((root / "solutions").glob("*/*.md"))
