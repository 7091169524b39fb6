"""Instant checks: `check("2.1.a", my_function)` tries it on random instances and says what it saw.

The exercise a of lesson 2.1 is the function `a` of `exercises/lesson_2_1.py`. It takes the
student's function, compares it on random instances with a trusted answer and returns None when
all agree, or one sentence that names the likely mistake.
"""

import importlib


class NotAttempted(Exception):
    """The student's function still returns `...`."""


def check(name, function):
    """Print how `function` does on the exercise `name`, such as "2.1.a"; never raises."""
    lesson, _, letter = name.rpartition(".")
    try:
        module = importlib.import_module(f".lesson_{lesson.replace('.', '_')}", __name__)
        exercise = getattr(module, letter)
    except (ImportError, AttributeError):
        print(f"There is no exercise {name!r}; its name is printed above its cell.")
        return
    try:
        mistake = exercise(attempted(function))
    except NotAttempted:
        print(f"{name} not attempted yet: replace the dots, then run the cell again.")
    except Exception as error:
        print(f"✗ {name}: your function raised {type(error).__name__}: {error}")
    else:
        print(f"✓ {name}: correct." if mistake is None else f"✗ {name}: {mistake}")


def attempted(function):
    """The function, raising `NotAttempted` as soon as it returns (or unpacks) `...`."""

    def called(*arguments):
        result = function(*arguments)
        if result is ... or (isinstance(result, tuple) and any(r is ... for r in result)):
            raise NotAttempted
        return result

    return called
