"""Every exercise: the right answer passes, a stub is not attempted, each likely mistake is named.

`lesson_*.py` beside this file hold the cases: RIGHT {name: answer}, WRONG [(name, answer, words)].
"""

import importlib
from pathlib import Path

import pytest

from course_lib.exercises import check

FILES = sorted(Path(__file__).parent.glob("lesson_*.py"))
LESSONS = [importlib.import_module(path.stem) for path in FILES]
RIGHT = {name: answer for lesson in LESSONS for name, answer in lesson.RIGHT.items()}
WRONG = [case for lesson in LESSONS for case in lesson.WRONG]
CHECKS = Path(__file__).parents[2] / "course_lib" / "exercises"


def test_every_check_has_its_cases():
    assert [path.name for path in FILES] == sorted(p.name for p in CHECKS.glob("lesson_*.py"))
    assert {name for name, _, _ in WRONG} == set(RIGHT)


@pytest.mark.parametrize("name", RIGHT)
def test_right_answer_and_stub(name, capsys):
    check(name, RIGHT[name])
    assert capsys.readouterr().out == f"✓ {name}: correct.\n"
    check(name, lambda *arguments: ...)
    assert f"{name} not attempted" in capsys.readouterr().out


@pytest.mark.parametrize("name, wrong, words", WRONG)
def test_mistake_is_named(name, wrong, words, capsys):
    check(name, wrong)
    out = capsys.readouterr().out
    assert out.startswith(f"✗ {name}") and words in out and "raised" not in out
