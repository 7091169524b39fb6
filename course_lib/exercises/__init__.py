"""Instant checks: `check("2.1.a", my_function)` tries it on random cases and says what it saw.

Lesson 2.1 has its exercises in `exercises/lesson_2_1.py`: each yields cases, calls of the student's
function with the right answer and with what likely mistakes make of it. One judge asks, compares
and speaks.
"""

import importlib

from .judge import judge
from .student import NotAttempted

LESSONS = "1.1 1.2 2.1 2.2 2.3 2.4 2.5 2.6 2.7 3.1 3.2 3.3 3.4 4.1 4.2 4.3 4.5".split()


def exercise(name):
    """The function that yields the cases of the exercise `name`, or None."""
    lesson, _, letter = str(name).rpartition(".")
    if lesson not in LESSONS:
        return None
    module = importlib.import_module(f".lesson_{lesson.replace('.', '_')}", __name__)
    return module.EXERCISES.get(letter)


def check(name: str, function) -> bool:
    """Print how `function` does on an exercise, and return whether it is right; never raises.

    Arguments:
        name: of the exercise, printed above its cell, such as "2.1.a".
        function: your function, without parentheses. It gets copies of random arguments and may
            return tensors, NumPy arrays, numbers or lists of these, of any precision.

    Example:
        >>> from course_lib.exercises import check
        >>> check("2.5.c", lambda y, mu, s2, sigma: (s2 * y + sigma**2 * mu) / (s2 + sigma**2))
        ✓ 2.5.c: correct.
        True
        >>> check("2.5.c", lambda y, mu, s2, sigma: mu)
        ✗ 2.5.c: this is μ alone: the pixel is still hidden.
        False
    """
    cases = exercise(name)
    if cases is None:
        print(f"There is no exercise {name!r}; its name is printed above its cell.")
        return False
    try:
        passed, sentence, _ = judge(function, cases())
    except NotAttempted:
        print(f"{name} not attempted yet: replace the dots, then run the cell again.")
        return False
    except Exception as error:
        print(f"? {name}: this check failed, through no fault of yours; please report: {error!r}")
        return False
    print(f"{'✓' if passed else '✗'} {name}: {sentence}")
    return passed
