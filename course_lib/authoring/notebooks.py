"""solutions/<part>/<lesson>.md -> the complete notebook beside it and the student's in notebooks/.

Both are made from the source alone, byte for byte the same each time: deterministic cell ids,
nbformat 4.5, no outputs. Never edit a generated notebook; edit the source and run
`course notebooks`.
"""

import ast
import hashlib
import re
import symtable
from collections import Counter

import jupytext
import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from course_lib import _files
from course_lib.authoring import AuthoringError, lessons, references, settings, utf8
from course_lib.authoring.header import head
from course_lib.authoring.numbers import Numbers
from course_lib.authoring.plain import Plain

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
STUB = "return ...  # your code here"
_SOLUTION = re.compile(rf"^([ \t]+){BEGIN}\s*\n((?!.*{BEGIN}).*\n)*?[ \t]*{END}[ \t]*$", re.M)


def read(source):
    """The lesson's cells as written, directives and all, with the ids of the notebooks' cells."""
    notebook = jupytext.reads(utf8(source), fmt="md:myst")
    seen = Counter()
    for cell in notebook.cells:
        text = f"{source.stem}\n{cell.cell_type}\n{cell.source}"
        cell.id = _digest(f"{text}\n{seen[text]}")
        seen[text] += 1
    return notebook


def complete(source, root):
    """The notebook with solutions, as instructors and the site see it."""
    return _notebook(source, root, "solutions", lambda code: code)


def student(source, root):
    """The notebook with a stub in place of every solution."""
    return _notebook(source, root, "notebooks", blank)


def blank(code):
    """`code` with every solution replaced by a stub of the same indentation."""
    code = _SOLUTION.sub(rf"\1{STUB}", code)
    if BEGIN in code or END in code:
        raise AuthoringError(f"'{BEGIN}' and '{END}' must come in pairs, inside a function.")
    return code


def reached(complete, student):
    """The student's code cells that an answer reaches, by the names which they share."""
    reached, cells = set(), []
    for solved, cell in zip(complete.cells, student.cells, strict=True):
        if cell.cell_type == "code":
            used, bound = _names(cell.source)
            if cell.source != solved.source or reached & used:
                cells.append(cell)
                reached |= bound
    return cells


def _names(code):
    """The names that a cell uses, and those that it leaves to the cells below."""
    try:
        tree, table = ast.parse(code), symtable.symtable(code, "cell", "exec")
    except SyntaxError:  # a magic, or a mistake that running the cell reports
        return set(), set()
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    return used, {name.get_name() for name in table.get_symbols() if name.is_assigned()}


def write(root):
    """Generate all notebooks; return the paths that changed."""
    changed = _stale(root)
    for path, content in changed.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        _files.write(path, content)
    return list(changed)


def drift(root):
    """One sentence for each notebook that is not what its source says."""
    names = [path.relative_to(root) for path in _stale(root)]
    messages = [f"{name} is not what its source says: run `course notebooks`." for name in names]
    sources = {f"{source.parent.name}/{source.stem}" for source in lessons(root)}
    for path in sorted(p for f in ("solutions", "notebooks") for p in (root / f).glob("*/*.ipynb")):
        if f"{path.parent.name}/{path.stem}" not in sources:
            messages.append(f"{path.relative_to(root)} has no source in solutions/: delete it.")
    return messages


def generated(root):
    """All notebooks that the sources ask for: {path: content}."""
    contents = {}
    for source in lessons(root):
        name = f"{source.parent.name}/{source.stem}.ipynb"
        contents[root / "solutions" / name] = _content(complete(source, root))
        contents[root / "notebooks" / name] = _content(student(source, root))
    return contents


def _stale(root):
    """Those of `generated` that the files are not."""
    wanted = generated(root).items()
    return {p: text for p, text in wanted if not p.is_file() or p.read_bytes() != text}


def _notebook(source, root, folder, edit):
    entries = references.load(root / "solutions" / "references.bib")
    cited, listed = [], []

    def cite(keys):
        cited.extend(key for key in keys if key not in cited)
        return references.cite(entries, keys)

    def bibliography():
        listed.append(True)
        return references.listing(entries, cited)

    plain, cells = Plain(cite, bibliography, Numbers(source.stem)), []
    for cell in read(source).cells:
        try:
            if cell.cell_type == "markdown":
                cells.append(new_markdown_cell(plain(cell.source), id=cell.id))
            else:
                _check_exercise(cell)
                tags = cell.metadata.get("tags")
                metadata = {"tags": list(tags)} if tags else {}
                cells.append(new_code_cell(edit(cell.source), id=cell.id, metadata=metadata))
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


def _content(notebook):
    """What is in the file, checked against nbformat 4.5."""
    notebook.nbformat_minor = 5
    nbformat.validate(notebook)
    return (nbformat.writes(notebook, version=nbformat.NO_CONVERT) + "\n").encode()
