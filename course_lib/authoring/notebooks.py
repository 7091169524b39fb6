"""solutions/<part>/<lesson>.md -> the complete notebook beside it and the student's in notebooks/.

Both are made from the source alone, byte for byte the same each time: deterministic cell ids,
nbformat 4.5, no outputs. Never edit a generated notebook; edit the source and run
`course notebooks`.
"""

import hashlib
import re

import jupytext
import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from course_lib import _files
from course_lib.authoring import AuthoringError, lessons, references, settings, utf8
from course_lib.authoring.header import head
from course_lib.authoring.numbers import Numbers
from course_lib.authoring.plain import LEFTOVER, to_plain

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
STUB = "return ...  # your code here"


def read(source):
    """The lesson's cells as written, directives and all, with the ids of the notebooks' cells."""
    notebook = jupytext.reads(utf8(source), fmt="md:myst")
    seen = set()
    for cell in notebook.cells:
        text, n = f"{source.stem}\n{cell.cell_type}\n{cell.source}", 0
        while (name := _digest(f"{text}\n{n}")) in seen:
            n += 1
        seen.add(name)
        cell.id = name
    return notebook


def complete(source, root):
    """The notebook with solutions, as instructors and the site see it."""
    return _notebook(source, root, "solutions", lambda code: code)


def student(source, root):
    """The notebook with a stub in place of every solution."""
    return _notebook(source, root, "notebooks", blank)


def blank(code):
    """`code` with every solution replaced by a stub of the same indentation."""
    out, inside = [], False
    for line in code.split("\n"):
        text = line.strip()
        if text == BEGIN:
            indent = line[: line.index("#")]
            if inside or not indent:
                raise AuthoringError(f"'{BEGIN}' must stand inside a function, and not be nested.")
            inside = True
            out.append(indent + STUB)
        elif text == END:
            if not inside:
                raise AuthoringError(f"'{END}' has no '{BEGIN}' above it.")
            inside = False
        elif not inside:
            out.append(line)
    if inside:
        raise AuthoringError(f"'{BEGIN}' has no '{END}' below it.")
    return "\n".join(out)


def write(root):
    """Generate all notebooks; return the paths that changed."""
    changed = []
    for path, content in generated(root).items():
        if not path.is_file() or path.read_bytes() != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            _files.write(path, content)
            changed.append(path)
    return changed


def drift(root):
    """One sentence for each notebook that is not what its source says."""
    expected = generated(root)
    messages = []
    for path, content in expected.items():
        name = path.relative_to(root)
        if not path.is_file():
            messages.append(f"{name} is missing: run `course notebooks`.")
        elif path.read_bytes() != content:
            messages.append(f"{name} differs from its source: run `course notebooks`.")
    present = [p for f in ("solutions", "notebooks") for p in (root / f).glob("*/*.ipynb")]
    for path in sorted(set(present) - set(expected)):
        messages.append(f"{path.relative_to(root)} has no source in solutions/: delete it.")
    return messages


def generated(root):
    """All notebooks that the sources ask for: {path: content}."""
    contents = {}
    for source in lessons(root):
        name = f"{source.parent.name}/{source.stem}.ipynb"
        contents[root / "solutions" / name] = _content(complete(source, root), source.name)
        contents[root / "notebooks" / name] = _content(student(source, root), source.name)
    return contents


def _notebook(source, root, folder, edit):
    entries = references.load(root / "solutions" / "references.bib")
    cited, listed, numbers = [], [], Numbers(source.stem)

    def cite(keys):
        cited.extend(key for key in keys if key not in cited)
        return references.cite(entries, keys)

    def bibliography():
        listed.append(True)
        return references.listing(entries, cited)

    cells = []
    for cell in read(source).cells:
        try:
            if cell.cell_type == "markdown":
                text = to_plain(cell.source, cite, bibliography, numbers)
                cells.append(new_markdown_cell(text, id=cell.id))
            else:
                _check_exercise(cell)
                code = new_code_cell(edit(cell.source), id=cell.id)
                if cell.metadata.get("tags"):
                    code.metadata["tags"] = list(cell.metadata["tags"])
                cells.append(code)
        except AuthoringError as error:
            start = cell.source.strip().split("\n")[0]
            raise AuthoringError(f"{source.relative_to(root)}, cell '{start}': {error}") from None
    if cited and not listed:
        text = f"## References\n\n{bibliography()}"
        cells.append(new_markdown_cell(text, id=_digest(f"{source.stem} references")))
    first = head(settings(root), f"{folder}/{source.parent.name}/{source.stem}.ipynb")
    return new_notebook(
        cells=[*first, *cells],
        metadata={
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
    )


def _check_exercise(cell):
    tagged = "exercise" in cell.metadata.get("tags", [])
    if tagged != (BEGIN in cell.source):
        raise AuthoringError(f"the tag 'exercise' and '{BEGIN}' go together; here is only one.")


def _digest(text):
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _content(notebook, name):
    """What is in the file: checked against nbformat 4.5, and without a trace of Sphinx."""
    for cell in notebook.cells:
        code_free = re.sub(r"^(`{3,}|~{3,})[^{\n]*\n.*?^\1", "", cell.source, flags=re.M | re.S)
        raw = LEFTOVER.search(code_free) if cell.cell_type == "markdown" else None
        if raw:
            raise AuthoringError(f"{name} has raw syntax that no notebook shows: {raw[0]!r}.")
    notebook.nbformat_minor = 5
    nbformat.validate(notebook)
    return (nbformat.writes(notebook, version=nbformat.NO_CONVERT) + "\n").encode()
