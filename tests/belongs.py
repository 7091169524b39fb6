"""What belongs to one file: `make file FILE=course_lib/losses/sure.py` lists it and runs its tests.

The tests are those named after the file (tests/losses/test_sure.py, test_sure_*.py), its examples
(doctests), and of the room's other tests those that say one of its public names. A test file, or a
lesson (solutions/…/2_2_sure.md), is run by itself. --list runs nothing.
"""

import ast
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def public(path):
    """The public classes and functions that a module defines."""
    body = ast.parse(path.read_text(encoding="utf-8")).body
    kinds = (ast.ClassDef, ast.FunctionDef)
    return [node.name for node in body if isinstance(node, kinds) and node.name[0] != "_"]


def saying(names, paths):
    """Those files that say one of the names."""
    word = re.compile(rf"\b({'|'.join(names)})\b")
    return [path for path in paths if names and word.search(path.read_text(encoding="utf-8"))]


def tests_of(path):
    """The test files of a module of course_lib, those named after it first."""
    room = ROOT / "tests" / path.relative_to(ROOT / "course_lib").parent
    if path.stem == "__init__" or "exercises" in path.parts:
        return sorted(room.glob("test_*.py"))
    named = sorted({*room.glob(f"test_{path.stem}.py"), *room.glob(f"test_{path.stem}_*.py")})
    near = [other for other in sorted(room.glob("test_*.py")) if other not in named]
    return [*named, *saying(public(path), near)]


def belongs(path):
    """{kind: files} of a module: tests, mutants' record, lessons and docs, who imports it."""
    names = public(path)
    texts = [*sorted((ROOT / "solutions").rglob("*.md")), ROOT / "README.md"]
    modules = [p for p in sorted((ROOT / "course_lib").rglob("*.py")) if p != path]
    return {
        "tests": tests_of(path),
        "also said in tests": sorted(
            set(saying(names, (ROOT / "tests").rglob("*.py"))) - set(tests_of(path))
        ),
        "lessons": saying(names, texts),
        "modules": saying(names, modules),
    }


def main(words):
    paths = [ROOT / word for word in words if not word.startswith("-")]
    if len(paths) != 1 or not paths[0].is_file():
        sys.exit("Name one file of the course, e.g. make file FILE=course_lib/losses/sure.py")
    path, run = paths[0].resolve(), [sys.executable, "-m", "pytest", "-q"]
    if path.suffix == ".md":
        command = [*run, "--nbval-lax", "--nbval-current-env", path.with_suffix(".ipynb")]
    elif path.is_relative_to(ROOT / "course_lib"):
        found = belongs(path)
        for kind, files in found.items():
            print(f"{kind}: {' '.join(str(file.relative_to(ROOT)) for file in files) or 'none'}")
        if path.parent.name == "losses":
            print(f"mutants: python tests/mutants.py {path.relative_to(ROOT)}")
        command = [*run, path, *found["tests"]]
    else:
        command = [*run, path]
    return 0 if "--list" in words else subprocess.run(command, cwd=ROOT).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
