"""The bibliography: every work that a docstring names is in it, and it holds nothing else."""

import re
from pathlib import Path

import pytest
from pybtex.richtext import Text

from course_lib.authoring import references

ROOT = Path(__file__).parents[2]
ENTRIES = references.load(ROOT / "solutions" / "references.bib")
NAME = r"(?:van der |Le )?[A-Z][^\W\d_]+"
NAMED = re.compile(
    rf"(?<!& )({NAME}(?:, {NAME})*(?:,? and {NAME})?)( et al\.)?,? \(?((?:18|19|20)\d\d)\b(?!-)"
)
CITED = re.compile(r"\{cite(?::[pt])?\}`([^`]+)`")


def named(text):
    """{(surnames, whether others follow, year)} of the works that `text` names, as Stein (1981)."""
    text = re.sub(r"\s+(#\s+)?", " ", text)
    return {
        (tuple(re.split(r", and | and |, ", names)), bool(others), year)
        for names, others, year in NAMED.findall(text)
    }


def surnames(entry):
    people = entry.persons["author"]
    return [
        str(Text.from_latex(" ".join(person.prelast_names + person.last_names)))
        for person in people
    ]


def entries_of(names, others, year):
    """The keys of the entries with these authors: all of them, or the first of several."""
    return {
        key
        for key, entry in ENTRIES.items()
        if entry.fields["year"] == year
        and surnames(entry)[: len(names)] == list(names)
        and (len(surnames(entry)) > len(names)) == others
    }


WORKS = {
    work: path.relative_to(ROOT)
    for path in sorted((ROOT / "course_lib").rglob("*.py"))
    for work in named(path.read_text(encoding="utf-8"))
}


def test_named_finds_the_ways_of_writing():
    text = """Stein (1981), Pang et al. 2021; see Monga,
    Li and Eldar (2021) (Robbins 1956, Le Montagner et al. 2014), 4 in 2020, and the EHT of 2017."""
    assert named(text) == {
        (("Stein",), False, "1981"),
        (("Pang",), True, "2021"),
        (("Monga", "Li", "Eldar"), False, "2021"),
        (("Robbins",), False, "1956"),
        (("Le Montagner",), True, "2014"),
    }
    assert len(WORKS) > 40


@pytest.mark.parametrize("work", sorted(WORKS), ids=lambda w: f"{w[0][0]} {w[2]}")
def test_every_work_that_the_package_names_is_in_the_bibliography(work):
    assert len(entries_of(*work)) == 1, f"{WORKS[work]} names {work}: add it to references.bib"


def test_every_entry_is_cited():
    cited = {key for work in WORKS for key in entries_of(*work)}
    for path in (ROOT / "solutions").rglob("*.md"):
        for keys in CITED.findall(path.read_text(encoding="utf-8")):
            cited |= {key.strip() for key in keys.split(",")}
    assert set(ENTRIES) == cited
