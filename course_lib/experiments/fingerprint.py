"""What every result of a table depends on, in a few digits: the code and the table's constants."""

import ast
import functools
import hashlib
import sys
from pathlib import Path

from .._fingerprint import facts

OUTSIDE = ("authoring", "cli.py", "exercises", "viz")  # no table depends on these


def fingerprint(*modules):
    """Sixteen digits that change with the package's code or data, or a constant of the modules.

    modules: their names; constants are the names in capitals. Comments and docstrings don't count.
    """
    digest = hashlib.sha256(code().encode())
    for module in modules:
        constants = {k: v for k, v in vars(sys.modules[module]).items() if k.isupper()}
        digest.update(repr(sorted(facts(constants, module).items())).encode())
    return digest.hexdigest()[:16]


@functools.cache
def code():
    """A digest of the package's code and of its data packs."""
    package, digest = Path(__file__).parents[1], hashlib.sha256()
    for path in sorted([*package.rglob("*.py"), *package.glob("data/packs/checksums.json")]):
        inner = path.relative_to(package)
        if not set(inner.parts) & set(OUTSIDE):
            text = path.read_text(encoding="utf-8")
            bare = without_words(text) if path.suffix == ".py" else text
            digest.update(f"{inner}\n{bare}\n".encode())
    return digest.hexdigest()


def without_words(source):
    """Python source without comments, docstrings and layout."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(getattr(node, "body", None), list):
            kept = [part for part in node.body if not _is_text(part)]
            node.body = kept or [ast.Pass()]
    return ast.unparse(tree)


def _is_text(node):
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
