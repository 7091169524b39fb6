"""The author's side of the course: lessons in Markdown, generated notebooks, runs, the site.

`plain`       the few directives and roles of a lesson -> plain Markdown
`references`  citations and lists of references from solutions/references.bib
`header`      the badge and the setup cell of a notebook
`notebooks`   solutions/<part>/<lesson>.md -> complete and student notebooks
`execute`     run the complete notebooks once and keep the result
`report`      the table of a run
`lean`        pytest plugin: tests start without what only notebooks need
`site`        the pages
"""

from pathlib import Path

ADDRESSES = ("repository", "release", "site")


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


def utf8(path):
    """What a file of the course says; AuthoringError when it is not UTF-8 text."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise AuthoringError(
            f"{path} is damaged at byte {error.start}, no UTF-8 text: restore it, e.g. with git."
        ) from None


def book(root):
    """book.yml."""
    import yaml

    try:
        return yaml.safe_load(utf8(root / "book.yml"))
    except yaml.YAMLError as error:
        raise AuthoringError(f"book.yml is no YAML: {error}") from None


def settings(root):
    """The addresses of the course (`ADDRESSES`), from book.yml alone; release: a tag or commit."""
    entries, addresses = book(root), {}
    for name in ADDRESSES:
        try:
            addresses[name] = entries["meta"]["course"][name].rstrip("/")
        except (KeyError, TypeError, AttributeError):
            raise AuthoringError(f"book.yml lacks meta.course.{name}: add it.") from None
    return addresses


def lessons(root):
    """The sources of all lessons, in the order of the course."""
    return sorted((root / "solutions").glob("*/*.md"))
