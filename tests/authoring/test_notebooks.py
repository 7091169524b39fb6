"""The generated notebooks: of a made-up lesson, and of the real ones."""

import ast
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import nbformat
import pytest
from tiny import LESSON, course
from typer.testing import CliRunner

from course_lib import cli
from course_lib.authoring import (
    AuthoringError,
    find_root,
    lessons,
    notebooks,
    references,
    settings,
)

ROOT = find_root(Path(__file__).parent)
LEFTOVER = re.compile(r"^:{3,}|^[`~]{3,}\{|^\([\w:-]+\)=\s*$|^\+\+\+|\{[\w:-]+\}`[^`]+`", re.M)
REAL = [pytest.param(path, id=path.stem) for path in lessons(ROOT)]


def load(path):
    return nbformat.read(path, as_version=4)


def text(notebook, kind):
    return "\n".join(cell.source for cell in notebook.cells if cell.cell_type == kind)


def outside_code(markdown):
    return re.sub(r"^(`{3,}|~{3,})[^{\n]*\n.*?^\1", "", markdown, flags=re.M | re.S)


@pytest.fixture
def tiny(tmp_path):
    course(tmp_path)
    notebooks.write(tmp_path)
    return tmp_path


def student(root):
    return load(root / "notebooks" / "part1" / "1_1_tiny.ipynb")


def solution(root):
    return load(root / "solutions" / "part1" / "1_1_tiny.ipynb")


def test_solutions_become_stubs_and_stay_in_the_complete_notebook(tiny):
    code = text(student(tiny), "code")
    assert "secret" not in code and "x * x" not in code and "SOLUTION" not in code
    assert "    if x is None:\n        return ...  # your code here\n    return ...  #" in code
    assert "return x * x" in text(solution(tiny), "code")
    ast.parse(code)


def test_markdown_is_plain(tiny):
    shown = text(student(tiny), "markdown")
    assert not re.search(r":::|\{cite\}|:label:|:filter:", shown)
    assert "> **Theorem 1.1.1 (Stein).**\n>\n> For all $a$,\n>\n> $$ a = a \\tag{1.1} $$" in shown
    assert "> **Proof.**" in shown and "> **Exercise 1.1.a (Square).**" in shown
    assert "<details>\n<summary>Hint 1</summary>\n\nA product" in shown
    assert "[Stein, 1981]" in shown
    assert "[Stein, 1981; [Anné et al., 2020](https://arxiv.org/abs/2001.00001)]" in shown
    assert "(../part2/2_1_next.ipynb#start)" in shown
    assert "- Charles M. Stein. Estimation of the mean. *Annals*, 1981." in shown
    assert "On $C_p$." in shown


def test_a_formula_in_a_quote_stays_on_one_line(tmp_path):
    """Notebooks take formulas out before they read the quote, and would show a > inside."""
    course(tmp_path, LESSON.replace("For all $a$,", "For all `$` and all $a\n\\in A$,\ndone."))
    notebooks.write(tmp_path)
    assert "> For all `$` and all $a \\in A$,\n> done.\n" in text(student(tmp_path), "markdown")


CODE = ":::{nothing}\n{cite}`none` $x"


@pytest.mark.parametrize(
    "code",
    [
        f"```text\n{CODE}\n```",
        f"~~~\n{CODE}",  # up to the end of the cell
        textwrap.indent(CODE, "    "),
        "- a\n\n" + textwrap.indent(f"```text\n{CODE}\n```", "  "),
    ],
    ids=["backticks", "tildes", "indented", "in a list"],
)
def test_code_in_prose_is_left_alone(tmp_path, code):
    course(tmp_path, f"{LESSON}\n{code}\n")
    notebooks.write(tmp_path)
    assert code in text(student(tmp_path), "markdown")


def test_a_dollar_sign_and_a_citation_in_a_title(tmp_path):
    change = ("{theorem} Stein", "{theorem} Stein, {cite}`three`, for \\$5 and\t$a$")
    course(tmp_path, LESSON.replace(*change))
    notebooks.write(tmp_path)
    shown = text(student(tmp_path), "markdown")
    assert (
        "1.1.1 (Stein, [[Anné et al., 2020](https://arxiv.org/abs/2001.00001)], for \\$5" in shown
    )


def test_blocks_inside_blocks(tmp_path):
    """A quote within a quote, and a hint, which unfolds only outside of quotes."""
    inner = ":::{proof}\nFirst.\n\n::::{hint} Why\nSo.\n::::\n\nSecond.\n:::"
    deeper = "::::::{lemma} Deep\n" + inner.replace("\n:::{", "\n:::::{") + "\n::::::"
    deeper = deeper.replace(":::{proof}", ":::::{proof}").replace(
        "Second.\n:::\n", "Second.\n:::::\n"
    )
    course(tmp_path, LESSON.replace("## References", deeper + "\n\n## References"))
    notebooks.write(tmp_path)
    hint = "<details>\n<summary>Why</summary>\n\nSo.\n\n</details>"
    head = "> **Lemma 1.1.2 (Deep).**\n>\n> > **Proof.**\n> >\n> > First."
    assert f"{head}\n\n{hint}\n\n> > Second.\n\n##" in text(student(tmp_path), "markdown")


def test_references_are_added_where_the_lesson_lists_none(tmp_path):
    course(tmp_path, LESSON.split("## References")[0])
    notebooks.write(tmp_path)
    assert student(tmp_path).cells[-1].source.startswith("## References\n\n- Charles M. Stein.")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("{theorem}", "{figure}"), "{figure} has no plain form"),
        (("{cite}`stein1981`", "{ref}`stein1981`"), "{ref} has no plain form"),
        (("{cite}`stein1981`", "{cite}`nobody1900`"), "'nobody1900' is not in references.bib"),
        (("Plain.\n:::", "Plain."), "never closed"),
        (("[exercise]", "[other]"), "go together"),
        (("    ### BEGIN SOLUTION\n    return x", "    return x"), "must come in pairs"),
        (("* x\n    ### END SOLUTION", "* x"), "must come in pairs"),
        (("    ### BEGIN SOLUTION\n    return x", "    ### BEGIN SOLUTION\n" * 2), "come in pairs"),
        (("Plain.\n:::", "Plain.\n:::\n\n(label)="), "raw syntax '(label)='"),
        (("Plain.\n:::", "Plain.\n:::\n\n% a remark"), "raw syntax '% a remark'"),
        (("Plain.\n:::", "Plain.\n:::\n\n```{note}\nno\n```"), "raw syntax '```{note}'"),
        (("Plain.\n:::", "Plain.\n:::\n\n- a\n\n  :::{note}\n  b\n  :::"), "raw syntax '  :::"),
        (("Plain.\n:::", "Plain.\n:::\n\n:::"), "never closed"),
        (("{cite}`stein1981`", "{cite}`broken`"), "missing journal in broken"),
        (("For all $a$,", "For all $a,"), "a formula is cut in 'For all $a,'"),
        (("Known since", "- Known $a\n  + \\text{b}$ since"), "a formula is cut in 'Known $a'"),
        (("Known since", "Known for \\alpha since"), "a formula is cut in 'Known for \\alpha"),
    ],
)
def test_what_cannot_be_shown_is_an_error_that_names_the_lesson(tmp_path, change, message):
    course(tmp_path, LESSON.replace(*change))
    with pytest.raises(AuthoringError, match=re.escape(message)) as error:
        notebooks.write(tmp_path)
    assert "1_1_tiny.md" in str(error.value)


def test_generation_is_deterministic_and_ids_survive_an_edit_elsewhere(tmp_path):
    source = course(tmp_path)
    first, again = notebooks.generated(tmp_path), notebooks.generated(tmp_path)
    assert first == again
    before = [cell.id for cell in notebooks.complete(source, tmp_path).cells]
    assert len(set(before)) == len(before)
    source.write_text(LESSON.replace("math.pi > 3", "math.pi < 4"), encoding="utf-8")
    after = [cell.id for cell in notebooks.complete(source, tmp_path).cells]
    assert sum(a != b for a, b in zip(before, after, strict=True)) == 1


def test_equal_cells_get_different_ids(tmp_path):
    twin = "\n```{code-cell} python\nprint(1)\n```\n"
    source = course(tmp_path, LESSON + twin + twin)
    ids = [cell.id for cell in notebooks.complete(source, tmp_path).cells]
    assert len(set(ids)) == len(ids)


def test_the_written_lesson_and_the_notebooks_share_ids(tiny):
    """The site puts the outputs of the executed notebook into the lesson by these ids."""
    source = tiny / "solutions" / "part1" / "1_1_tiny.md"
    written = [c.id for c in notebooks.read(source).cells if c.cell_type == "code"]
    for notebook in (student(tiny), solution(tiny)):
        assert [c.id for c in notebook.cells if c.cell_type == "code"] == ["setup", *written]


def test_drift_is_reported_and_repaired(tiny):
    path = tiny / "notebooks" / "part1" / "1_1_tiny.ipynb"
    assert notebooks.drift(tiny) == []
    path.write_text(path.read_text(encoding="utf-8") + " ", encoding="utf-8")
    orphan = tiny / "notebooks" / "part1" / "9_9_gone.ipynb"
    orphan.write_text("{}", encoding="utf-8")
    found = notebooks.drift(tiny)
    assert len(found) == 2
    assert "1_1_tiny.ipynb is not what its source says: run `course notebooks`" in found[0]
    assert "9_9_gone.ipynb has no source in solutions/: delete it" in found[1]
    orphan.unlink()
    assert notebooks.write(tiny) == [path]
    assert notebooks.drift(tiny) == []
    path.unlink()
    assert "is not what its source says" in notebooks.drift(tiny)[0]


def test_a_notebook_cut_anywhere_is_reported_and_written_again(tiny):
    path = tiny / "notebooks" / "part1" / "1_1_tiny.ipynb"
    whole = path.read_bytes()
    for size in (0, 100, whole.index("é".encode()) + 1):  # the last: inside a character
        path.write_bytes(whole[:size])
        assert "is not what its source says" in notebooks.drift(tiny)[0]
        assert notebooks.write(tiny) == [path]
        assert path.read_bytes() == whole


def test_a_kill_while_notebooks_are_written_leaves_whole_ones(tiny, monkeypatch):
    path = tiny / "notebooks" / "part1" / "1_1_tiny.ipynb"
    path.write_bytes(b"old")

    def killed(*paths):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        notebooks.write(tiny)
    assert path.read_bytes() == b"old" and list(path.parent.iterdir()) == [path]


def cut_lesson(root):
    path = root / "solutions" / "part1" / "1_1_tiny.md"
    path.write_bytes(path.read_bytes() + "é".encode()[:1])
    return "1_1_tiny.md is damaged at byte"


def cut_bibliography(root):
    path = root / "solutions" / "references.bib"
    path.write_bytes(path.read_bytes()[:150])
    return "references.bib is damaged"


def foreign_bibliography(root):
    (root / "solutions" / "references.bib").write_bytes(b"\x89PNG")
    return "references.bib is damaged"


def no_yaml(root):
    (root / "book.yml").write_text("meta: [", encoding="utf-8")
    return "book.yml is no YAML"


def a_list(root):
    (root / "book.yml").write_text("- meta\n", encoding="utf-8")
    return "book.yml lacks meta.course.repository"


def no_release(root):
    path = root / "book.yml"
    path.write_text(path.read_text(encoding="utf-8").replace("release: v1", "release:"))
    return "book.yml lacks meta.course.release"


def a_folder_in_the_way(root):
    path = root / "notebooks" / "part1" / "1_1_tiny.ipynb"
    path.unlink()
    path.mkdir()
    return "1_1_tiny.ipynb can't be written"


def no_course(root):
    (root / "book.yml").unlink()
    return "run this inside a clone of the course"


@pytest.mark.parametrize("damage", [
    cut_lesson, cut_bibliography, foreign_bibliography, no_yaml, a_list, no_release,
    a_folder_in_the_way, no_course,
])  # fmt: skip
def test_what_is_damaged_is_named_in_one_sentence(tiny, damage, monkeypatch):
    message = damage(tiny)
    monkeypatch.chdir(tiny)
    references.load.cache_clear()
    done = CliRunner().invoke(cli.app, ["notebooks"])
    assert done.exit_code == 1 and isinstance(done.exception, SystemExit)
    assert message in done.output and done.output.startswith("Error: ")


def test_the_command_fails_on_drift_in_one_sentence(tiny):
    (tiny / "notebooks" / "part1" / "1_1_tiny.ipynb").unlink()
    command = [sys.executable, "-m", "course_lib.cli", "notebooks", "--check"]
    done = subprocess.run(command, cwd=tiny, capture_output=True, text=True)
    assert done.returncode == 1
    assert "1_1_tiny.ipynb is not what its source says: run `course notebooks`." in done.stderr
    assert "Traceback" not in done.stderr


def test_badge_and_setup_take_their_addresses_from_book_yml(tiny):
    badge, setup = student(tiny).cells[:2]
    colab = "https://colab.research.google.com/github/someone/some-course/blob/v1/"
    assert f"({colab}notebooks/part1/1_1_tiny.ipynb)" in badge.source
    assert f"({colab}solutions/part1/1_1_tiny.ipynb)" in solution(tiny).cells[0].source
    assert "git+https://github.com/someone/some-course@v1" in setup.source


def test_an_address_missing_from_book_yml_is_named(tiny):
    (tiny / "book.yml").write_text("root: README\n", encoding="utf-8")
    with pytest.raises(AuthoringError, match="meta.course.repository"):
        settings(tiny)


@pytest.fixture
def pip_calls(monkeypatch):
    """Run the setup cell in a namespace of its own; pip is not called but recorded."""
    calls = []
    monkeypatch.setattr(subprocess, "check_call", calls.append)
    return calls


def test_setup_does_nothing_where_the_package_is_installed(tiny, pip_calls):
    setup = student(tiny).cells[1].source
    exec(setup, {})
    exec(setup, {})
    assert pip_calls == []
    assert len(setup.split("\n")) <= 6


@pytest.mark.parametrize("override", [None, "/somewhere/else"])
def test_setup_installs_the_package_and_never_torch_numpy_or_ipywidgets(
    tiny, pip_calls, monkeypatch, override
):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.delenv("COURSE_LIB_SOURCE", raising=False)
    if override:
        monkeypatch.setenv("COURSE_LIB_SOURCE", override)
    exec(student(tiny).cells[1].source, {})
    (call,) = pip_calls
    assert "--no-deps" in call
    packages = [word for word in call[call.index("install") + 1 :] if not word.startswith("--")]
    assert packages[0] == (override or "git+https://github.com/someone/some-course@v1")
    assert not {"torch", "numpy", "ipywidgets"} & set(packages)


@pytest.mark.parametrize("source", REAL)
def test_real_lessons(source):
    """No leaked solution, no stored output, no raw syntax, and a short setup cell."""
    part, stem = source.parent.name, source.stem
    for folder in ("notebooks", "solutions"):
        notebook = load(ROOT / folder / part / f"{stem}.ipynb")
        nbformat.validate(notebook)
        assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
        assert not LEFTOVER.search(outside_code(text(notebook, "markdown")))
        assert notebook.cells[1].id == "setup"
        assert len(notebook.cells[1].source.split("\n")) <= 6
        for cell in notebook.cells:
            if cell.cell_type == "code":
                assert cell.outputs == [] and cell.execution_count is None

    solutions = []
    for cell in notebooks.read(source).cells:
        solutions += re.findall(r"### BEGIN SOLUTION\n(.*?)### END SOLUTION", cell.source, re.S)
    blank = load(ROOT / "notebooks" / part / f"{stem}.ipynb")
    code = text(blank, "code")
    assert "SOLUTION" not in code
    assert bool(solutions) == part.startswith("part")  # recipes have no exercises
    assert code.count("return ...  # your code here") == len(solutions)
    for hidden in solutions:
        assert hidden.strip() not in code


def test_the_real_notebooks_are_what_their_sources_say():
    assert notebooks.drift(ROOT) == []
