"""The blocks of a lesson and their numbers, the same in a notebook and on the site.

In lesson 2.2 the theorems, propositions, lemmas, ... share one count, 2.2.1, 2.2.2; the exercises
have letters, 2.2.a, 2.2.b, which are the names that `check` knows.
"""

import re

COUNTED = ("theorem", "proposition", "lemma", "corollary", "definition")
BLOCKS = (*COUNTED, "exercise", "proof", "remark", "assumption", "example", "algorithm")
FOLDED = ("hint", "solution", "dropdown")


class Numbers:
    """`Numbers("2_2_sure")("theorem")` is "2.2.1"; a kind without numbers gives "".

    stem: the name of the lesson's file; its leading digits are the lesson's number. A page without
    such digits counts from 1.
    """

    def __init__(self, stem):
        digits = re.match(r"(\d+)_(\d+)_", stem)
        self.prefix = f"{digits[1]}.{digits[2]}." if digits else ""
        self.theorems = self.exercises = 0

    def __call__(self, kind):
        if kind in COUNTED:
            self.theorems += 1
            return f"{self.prefix}{self.theorems}"
        if kind == "exercise":
            self.exercises += 1
            return f"{self.prefix}{chr(ord('a') + self.exercises - 1)}"
        return ""


def heading(kind, number, title):
    """`Theorem 2.2.1 (Stein)`, `Exercise 2.2.a (Divergence)`, `Proof`: a block's first words."""
    words = " ".join(part for part in (kind.capitalize(), number) if part)
    return f"{words} ({title})" if title else words
