"""Exercises of lesson 3.4: the right answer passes, each likely mistake is named."""

import math

import pytest
import torch

from course_lib.exercises import check


def baseline(b, delta, theta, wavelength, sign=1):
    X, Y, Z = b
    toward = X * theta.cos() - sign * Y * theta.sin()
    east = sign * X * theta.sin() + Y * theta.cos()
    return east / wavelength, (Z * delta.cos() - toward * delta.sin()) / wavelength


def beam(u, v, w, l, m, power=1, turn=2 * math.pi, wave=torch.cos):  # noqa: E741
    w = w**power
    phase = turn * (u[:, None, None] * l + v[:, None, None] * m)
    return (w[:, None, None] * wave(phase)).sum(0) / w.sum()


def another(f, y, A, B, e):
    return f(B(f(y, A)) + e, B)


def square(a, b):
    return (a - b).square().mean()


RIGHT = {
    "3.4.a": baseline,
    "3.4.b": beam,
    "3.4.c": lambda f, y, A, B, e: square(another(f, y, A, B, e), f(y, A)),
}

WRONG = [
    ("3.4.a", lambda *q: baseline(*q)[::-1], "swapped"),
    ("3.4.a", lambda b, d, t, w: baseline(b, d, t, 1.0), "in wavelengths"),
    ("3.4.a", lambda b, d, t, w: baseline(b, d, t, 1 / w), "do not multiply"),
    ("3.4.a", lambda *q: baseline(*q, sign=-1), "the other way"),
    ("3.4.a", lambda b, d, t, w: baseline(b, -d, t, w), "not plus"),
    ("3.4.a", lambda b, d, t, w: baseline(b, math.pi / 2 - d, t, w), "are swapped"),
    (
        "3.4.a",
        lambda b, d, t, w: baseline(b, d * math.pi / 180, t * math.pi / 180, w),
        "radians",
    ),
    ("3.4.a", lambda b, d, t, w: (baseline(b, d, t, w)[0], torch.zeros(())), "v is "),
    ("3.4.b", lambda u, v, w, s, t: beam(u, v, w, s, t) * w.sum(), "this is b"),
    ("3.4.b", lambda u, v, w, s, t: beam(u, v, w, s, t) * w.mean(), "divide by b"),
    ("3.4.b", lambda *q: beam(*q, power=0), "weights are missing"),
    ("3.4.b", lambda *q: beam(*q, power=2), "do not square"),
    ("3.4.b", lambda *q: beam(*q, turn=1), "2π is missing"),
    ("3.4.b", lambda *q: beam(*q, wave=torch.sin), "not of sines"),
    ("3.4.b", lambda u, v, w, s, t: beam(u, -v, w, s, t), "with a plus"),
    ("3.4.b", lambda u, v, w, s, t: beam(v, u, w, s, t), "l goes with u"),
    ("3.4.b", lambda u, v, w, s, t: beam(u, v, w, s, t)[0], "has shape"),
    ("3.4.c", lambda f, y, A, B, e: square(another(f, y, A, B, 0), f(y, A)), "add the noise"),
    ("3.4.c", lambda f, y, A, B, e: square(another(f, y, A, A, e), f(y, A)), "the same night"),
    ("3.4.c", lambda f, y, A, B, e: square(f(B(f(y, A)) + e, A), f(y, A)), "second argument"),
    ("3.4.c", lambda f, y, A, B, e: square(B(another(f, y, A, B, e)), B(f(y, A))), "images"),
    ("3.4.c", lambda f, y, A, B, e: square(another(f, y, B, B, e), f(y, B)), "with A first"),
    (
        "3.4.c",
        lambda f, y, A, B, e: square(another(f, y, A, B, e), f(y, A)) * f(y, A).numel(),
        "this is a sum",
    ),
    ("3.4.c", lambda f, y, A, B, e: square(another(f, y, A, B, e), f(y, A)).sqrt(), "the root"),
    ("3.4.c", lambda f, y, A, B, e: another(f, y, A, B, e) - f(y, A), "one number"),
]


@pytest.mark.parametrize("exercise", RIGHT)
def test_the_right_answer_passes(exercise, capsys):
    assert check(exercise, RIGHT[exercise]) is None
    assert "correct" in capsys.readouterr().out


@pytest.mark.parametrize("exercise, answer, words", WRONG)
def test_a_likely_mistake_is_named(exercise, answer, words, capsys):
    check(exercise, answer)
    said = capsys.readouterr().out
    assert words in said and "correct" not in said
