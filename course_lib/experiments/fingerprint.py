"""What every result of a table depends on, in a few digits: the code and the table's constants."""

import ast
import functools
import hashlib
import importlib
from pathlib import Path

from .._fingerprint import facts

PACKAGE = Path(__file__).parents[1]
PACKS = Path("data/packs/checksums.json")


def fingerprint(module):
    """Sixteen digits that change with what a table's module depends on.

    That is the code of the modules that it imports, theirs, and so on within the package, see
    `modules`; its data packs; the names in capitals of those in `experiments`, as they are now.
    Comments and docstrings don't count. module: its full name.
    """
    name = module.partition(".")[2]
    digest = hashlib.sha256(code(name).encode())
    for used in sorted(modules(name)):
        if used.startswith("experiments."):
            names = vars(importlib.import_module(f"{module.partition('.')[0]}.{used}"))
            constants = {k: v for k, v in names.items() if k.isupper()}
            digest.update(repr(sorted(facts(constants, used).items())).encode())
    return digest.hexdigest()[:16]


@functools.cache
def code(name, root=PACKAGE):
    """A digest of all code that the module `name` imports, and of the data packs."""
    texts = [f"{used}\n{bare(_text(root, used))}" for used in sorted(modules(name, root))]
    return hashlib.sha256("\n".join([*texts, (root / PACKS).read_text()]).encode()).hexdigest()


@functools.cache
def modules(name, root=PACKAGE):
    """The modules of the package that `name` imports, theirs, and so on; itself among them.

    By the syntax tree. Of a package from which names are taken, `losses.SURE` or `from ..losses
    import SURE`, only the modules in which these are defined count; where it is used in another
    way, `getattr(losses, name)`, all of it. Names are without that of the package itself, "".
    """
    found, new = set(), {name}
    while new:
        found |= new
        new = {used for one in new for used in _imported(root, one)} - found
    return frozenset(found)


def _file(root, name):
    """The file of a module or package, None where there is none."""
    path = root.joinpath(*filter(None, name.split(".")))
    return next((p for p in (path / "__init__.py", path.with_suffix(".py")) if p.is_file()), None)


def _bound(root, name):
    """{local name: what it stands for} of the imports within the package."""
    bound, above = {}, _file(root, name).parent.relative_to(root).parts
    for node in ast.walk(_tree(_text(root, name))):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = [*above[: len(above) - node.level + 1], *filter(None, [node.module])]
            bound |= {a.asname or a.name: ".".join([*base, a.name]) for a in node.names}
    return bound


def _imported(root, name):
    """The modules that one module imports by itself."""
    tree, found = _tree(_text(root, name)), set()
    loads = [node.id for node in ast.walk(tree) if isinstance(node, ast.Name)]
    taken = [
        (node.value.id, node.attr)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
    ]
    for local, dotted in _bound(root, name).items():
        attributes = [attribute for owner, attribute in taken if owner == local]
        path = _file(root, dotted)
        whole = len(attributes) < loads.count(local) or not attributes
        if path is None or path.name != "__init__.py" or whole:
            found |= _defined(root, dotted)
        else:
            found |= {m for part in attributes for m in _defined(root, f"{dotted}.{part}")}
    return found


def _defined(root, dotted):
    """The modules in which a name is defined."""
    if _file(root, dotted):
        return {dotted}
    owner, _, name = dotted.rpartition(".")
    bound = _bound(root, owner) if _file(root, owner).name == "__init__.py" else {}
    return _defined(root, bound[name]) if name in bound else {owner}


def _text(root, name):
    return _file(root, name).read_text(encoding="utf-8")


_tree = functools.cache(ast.parse)


@functools.cache
def bare(source):
    """Python source without comments, docstrings and layout."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(getattr(node, "body", None), list):
            kept = [part for part in node.body if not _is_text(part)]
            node.body = kept or [ast.Pass()]
    return ast.unparse(tree)


def _is_text(node):
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
