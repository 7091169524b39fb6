"""`python tools/lines.py`: code lines of the package, without docstrings, comments and blank lines.

The core is everything but exercises, experiments, authoring, viz and the command line.
"""

import ast
import io
import tokenize
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "course_lib"
BESIDE = ("exercises", "experiments", "authoring", "viz", "cli.py")
SILENT = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT,
          tokenize.ENDMARKER}  # fmt: skip


def lines(path):
    """How many lines of a file hold code."""
    source = path.read_text(encoding="utf-8")
    found = {
        line
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type not in SILENT
        for line in range(token.start[0], token.end[0] + 1)
    }
    for node in ast.walk(ast.parse(source)):
        first = getattr(node, "body", [None])
        first = first[0] if isinstance(first, list) and first else None
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
            found -= set(range(first.lineno, first.end_lineno + 1))
    return len(found)


def count():
    """{folder or file of the package: its code lines}."""
    found = {}
    for path in PACKAGE.rglob("*.py"):
        top = path.relative_to(PACKAGE).parts[0]
        found[top] = found.get(top, 0) + lines(path)
    return found


def core(found):
    """The lines that do not lie beside the core."""
    return sum(number for top, number in found.items() if top not in BESIDE)


if __name__ == "__main__":
    found = count()
    for top, number in sorted(found.items(), key=lambda item: -item[1]):
        print(f"{number:6} {top}")
    print(f"{core(found):6} in the core, {sum(found.values())} in all")
