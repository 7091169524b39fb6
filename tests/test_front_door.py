"""What a reader who imports the package finds: types, arguments, an example."""

import importlib
import inspect
import re

import pytest

ROOMS = (
    *("data", "groups", "losses", "metrics", "models", "noise", "noise.estimate", "operators"),
    *("operators.masks", "operators.fourier", "priors", "symmetry", "training", "uncertainty"),
    *("validation", "viz"),
)


def public():
    """{room.Name: class or function}: what the package's rooms export."""
    found = {}
    for room in ROOMS:
        module = importlib.import_module(f"course_lib.{room}")
        for name, part in vars(module).items():
            if name.startswith("_") or not (inspect.isclass(part) or inspect.isfunction(part)):
                continue
            exported = name in getattr(module, "__all__", ()) or part.__module__ == module.__name__
            if exported and not issubclass_of(part, Exception):
                found[f"{room}.{name}"] = part
    return found


def issubclass_of(part, kind):
    return inspect.isclass(part) and issubclass(part, kind)


PUBLIC = public()


def parameters(part):
    """The names of what the class or function is given, and their kinds."""
    maker = part.__init__ if inspect.isclass(part) else part
    if inspect.isclass(part) and "__init__" not in vars(part):
        return {}  # inherited: the base class says it
    found = inspect.signature(maker).parameters
    return {name: p for name, p in found.items() if name != "self"}


@pytest.mark.parametrize("name", PUBLIC)
def test_every_argument_has_a_type(name):
    bare = [p.name for p in parameters(PUBLIC[name]).values() if p.annotation is p.empty]
    assert not bare, f"{name}: give types to {', '.join(bare)}"


@pytest.mark.parametrize("name", PUBLIC)
def test_every_argument_is_explained(name):
    names = parameters(PUBLIC[name])
    if not names:
        return
    _, heading, block = (PUBLIC[name].__doc__ or "").partition("Arguments:\n")
    assert heading, f"{name} has no Arguments block"
    block = block.partition("Example:\n")[0]
    missing = [n for n in names if not re.search(rf"^\s+(\w+, )*{n}(, \w+)*:", block, re.M)]
    assert not missing, f"{name}: explain {', '.join(missing)}"


@pytest.mark.parametrize("name", PUBLIC)
def test_there_is_an_example(name):
    assert ">>> " in (PUBLIC[name].__doc__ or ""), f"{name} has no example"
