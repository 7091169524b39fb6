"""Citations for readers without Sphinx: `[Stein, 1981]` and a list of what was cited."""

from functools import lru_cache

from pybtex.backends.markdown import Backend
from pybtex.database import parse_string
from pybtex.exceptions import PybtexError
from pybtex.plugin import find_plugin
from pybtex.richtext import Text
from pybtex.style.template import FieldIsMissing

from course_lib.authoring import AuthoringError, utf8


@lru_cache
def load(path):
    """The entries of a BibTeX file by key; none when there is no such file."""
    try:
        return parse_string(utf8(path), "bibtex").entries if path.is_file() else {}
    except PybtexError as error:
        raise AuthoringError(f"{path.name} is damaged: {error}.") from None


def entry(entries, key):
    """The entry of `key`; AuthoringError when the file has none."""
    if key not in entries:
        raise AuthoringError(f"The citation {key!r} is not in references.bib: add it there.")
    return entries[key]


def address(entry):
    """Where the work can be read, or None: its DOI, its arXiv number, its url."""
    fields = entry.fields
    if fields.get("doi"):
        return f"https://doi.org/{fields['doi']}"
    if fields.get("eprint"):
        return f"https://arxiv.org/abs/{fields['eprint']}"
    return fields.get("url")


def label(entry):
    """`Stein, 1981`, `Pang & Zheng, 2021` or `Pang et al., 2021`."""
    names = [
        str(Text.from_latex(" ".join(person.prelast_names + person.last_names)))
        for person in entry.persons.get("author", [])
    ]
    if len(names) > 2:
        names = [f"{names[0]} et al."]
    return ", ".join(part for part in (" & ".join(names), entry.fields.get("year")) if part)


def cite(entries, keys):
    """The text that stands for a citation in a notebook, linked where there is an address."""
    parts = []
    for key in keys:
        work = entry(entries, key)
        where = address(work)
        parts.append(f"[{label(work)}]({where})" if where else label(work))
    return f"[{'; '.join(parts)}]"


class Markdown(Backend):
    """pybtex's Markdown without its escapes, which would break the formulas in titles."""

    def format_str(self, text):
        return text


def listing(entries, keys):
    """A Markdown list of the cited works, in the order of `keys`."""
    style = find_plugin("pybtex.style.formatting", "unsrt")()
    try:
        works = list(style.format_entries([entry(entries, key) for key in keys]))
    except FieldIsMissing as error:
        raise AuthoringError(f"references.bib: {error}.") from None
    return "\n".join("- " + work.text.render(Markdown()).replace("\n", " ") for work in works)
