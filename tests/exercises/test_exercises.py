"""What `check` says of any function, right or wrong or none at all."""

import random
import sys
import threading

import numpy
import pytest
import torch

from course_lib import exercises
from course_lib.exercises import case, check, student
from course_lib.exercises.answers import close, tensor
from course_lib.exercises.judge import judge


def said(capsys, name, function, passed=False):
    """What is printed; the same is returned."""
    assert check(name, function) is passed
    return capsys.readouterr().out


def posterior_mean(y, mu, s2, sigma):
    return (s2 * y + sigma**2 * mu) / (s2 + sigma**2)


def test_right_wrong_and_not_attempted(capsys):
    assert said(capsys, "2.5.c", posterior_mean, True) == "✓ 2.5.c: correct.\n"
    assert said(capsys, "2.5.c", lambda y, mu, s2, s: mu).startswith("✗ 2.5.c: this is μ alone")
    for nothing in (..., (..., 1)):
        assert "not attempted" in said(capsys, "2.5.c", lambda *a, r=nothing: r)


@pytest.mark.parametrize("name", ["2.2._numbers", "2.2.Case", "2.2.", "9.9.a", "2.2", "", None, 3])
def test_only_exercises_have_names(name, capsys):
    assert said(capsys, name, posterior_mean).startswith(f"There is no exercise {name!r}")


def test_every_exercise_has_a_letter_and_words_of_its_own():
    for lesson in exercises.LESSONS:
        letters = [k for k in "abcdef" if exercises.exercise(f"{lesson}.{k}")]
        assert letters and letters == list("abcdef"[: len(letters)])
        for letter in letters:
            cases = exercises.exercise(f"{lesson}.{letter}")
            assert cases.__doc__.startswith(f"{cases.__name__}(")
            assert any(c.verdict or c.mistakes for c in cases())


@pytest.mark.parametrize(
    "function, words",
    [
        (lambda *a: sys.exit(), "sys.exit"),
        (lambda *a: 1 / 0, "your function raised ZeroDivisionError in the line"),
        (lambda y, mu: mu, "your function raised TypeError"),
        (lambda *a: {"answer": 1}, "can't be read"),
        (lambda *a: "μ", "can't be read"),
        (lambda *a: posterior_mean, "can't be read"),
        (lambda *a: [torch.ones(2), torch.ones(3)], "can't be read"),
        (lambda *a: (1, 2, None), "can't be read"),
        (lambda y, *a: y[0], "the answer has shape (1, 3, 4); return shape (2, 1, 3, 4)."),
        (lambda y, *a: 1j * y, "complex"),
        (lambda y, *a: torch.eye(3) @ y, "dtype of the arguments"),
        (lambda y, *a: y / 0, "differs by"),
        ("no function", "raised TypeError"),
    ],
)
def test_what_the_function_does_is_told_as_its_own(function, words, capsys):
    out = said(capsys, "2.5.c", function)
    assert out.startswith("✗ 2.5.c: ") and words in out and out.count("\n") == 1


def test_endless_recursion_printing_and_loops(capsys, monkeypatch):
    def forever(*arguments):
        return forever(*arguments)

    def shouting(*_):
        while True:
            try:
                print("here " * 1000)
            except Exception:
                pass

    def turning(*_):
        while True:
            try:
                pass
            except Exception:
                pass

    assert "RecursionError" in said(capsys, "2.5.c", forever)
    out = said(capsys, "2.5.c", shouting)
    assert "prints without end" in out and len(out) < 21_000
    limits = student._limits
    monkeypatch.setattr(student, "_limits", lambda: limits(seconds=0.2))
    assert "takes more than 0.2 seconds" in said(capsys, "2.5.c", turning)


def test_what_a_function_prints_is_shown(capsys):
    def talking(*arguments):
        print("hello")
        return posterior_mean(*arguments)

    assert said(capsys, "2.5.c", talking, True) == "hello\nhello\n✓ 2.5.c: correct.\n"


def test_an_interrupt_goes_through():
    def interrupted(*_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        check("2.5.c", interrupted)


@pytest.mark.parametrize("where", ["cases", "verdict"])
def test_a_fault_of_the_check_is_not_blamed_on_the_student(where, capsys, monkeypatch):
    def broken(*_):
        raise ZeroDivisionError("in the check")

    def cases():
        yield case.Case((1.0,), 1.0, verdict=broken)

    monkeypatch.setattr(exercises, "exercise", lambda _: broken if where == "cases" else cases)
    out = said(capsys, "2.5.c", lambda v: v)
    assert "no fault of yours" in out and "your function" not in out and "✗" not in out


def test_arguments_are_copies_and_a_change_is_named(capsys):
    def changing(y, mu, s2, sigma):
        y *= s2
        y += sigma**2 * mu
        return y / (s2 + sigma**2)

    out = said(capsys, "2.5.c", changing, True)
    assert out.startswith("✓ 2.5.c: correct. Your function changes y in place")
    out = said(capsys, "2.5.c", lambda y, mu, s2, sigma: mu.zero_())
    assert out.startswith("✗") and "changes mu in place" in out
    out = said(capsys, "2.5.c", lambda *a: a[1].zero_())
    assert "changes argument 2 in place" in out or "in place" in out
    out = said(capsys, "3.3.d", lambda steps, psnr, goal, evals: steps.clear())
    assert "changes steps in place" in out


def drawing(draw):
    """Exercise 3.3.b with random steps from draw(size, G, generator)."""
    return lambda g, G, generator: (g + torch.as_tensor(draw(len(g), G, generator))) % G


@pytest.mark.parametrize(
    "draw, words",
    [
        (lambda n, G, r: torch.randint(1, G, (n,)), "global generator"),
        (lambda n, G, r: torch.randint(1, G, (n,), generator=torch.manual_seed(0)), "global"),
        (lambda n, G, r: numpy.random.randint(1, G, n), "with one seed"),
        (lambda n, G, r: torch.tensor([random.randrange(1, G) for _ in range(n)]), "with one seed"),
        (lambda n, G, r: numpy.random.default_rng(0).integers(1, G, n), "draw anew"),
        (lambda n, G, r: torch.randint(1, G, (n,), generator=r.manual_seed(0)), "draw anew"),
    ],
)
def test_random_numbers_come_from_the_generator_that_is_given(draw, words, capsys):
    out = said(capsys, "3.3.b", drawing(draw))
    assert out.startswith("✗ 3.3.b") and words in out


def test_a_check_leaves_the_global_generator_alone(capsys):
    state = torch.get_rng_state()
    for name in ("2.1.b", "2.1.c", "3.3.b"):
        check(name, lambda *arguments: arguments[0])
    assert torch.equal(state, torch.get_rng_state())


def test_a_named_mistake_of_any_case_speaks_first():
    unnamed = case.Case((1.0,), 5.0)
    named = case.Case((2.0,), 5.0, {"this is the argument itself.": 2.0})
    assert judge(lambda v: v, [unnamed, named]) == (
        False,
        "this is the argument itself.",
        True,
    )
    passed, sentence, known = judge(lambda v: v, [unnamed])
    assert (passed, known) == (False, False) and sentence == "for v = 1 it is 5, not 1."


def test_results_of_every_kind_are_read_alike():
    right = torch.tensor([1.0, 2.0]).double()
    rows = numpy.array([[2.0, 1.0]])[:, ::-1]
    for result in ([1, 2], (1.0, torch.tensor([2])), [right[0], 2], rows[0], right.half(),
                   (numpy.float32(1), numpy.array([2]))):  # fmt: skip
        assert torch.equal(tensor(result).double(), right)
    assert tensor([[1], [2]]).shape == (2, 1) and tensor([[], []]).shape == (2, 0)
    assert not tensor(True).is_floating_point() and tensor(2 + 1j).is_complex()


def test_tolerance_and_what_is_not_finite():
    nan, inf = torch.nan, torch.inf
    assert close([1, 1 + 9e-5], [1, 1]) and not close([1, 1 + 3e-4], [1, 1])
    assert close([1, nan, inf], [1, nan, inf])
    for other in ([1, nan, -inf], [1, inf, inf], [1, 0, inf], [2, nan, inf], [1, nan]):
        assert not close(other, [1, nan, inf])
    assert close([[3]], 3) and not close([3, 3], 3)


def test_a_verdict_without_words_is_no_pass():
    wordless = case.Case((1.0,), 5.0, verdict=lambda answer: "")
    assert judge(lambda v: v, [wordless]) == (False, "another answer is right.", False)


def test_in_another_thread_there_is_no_alarm_to_set(capsys):
    passed = []
    other = threading.Thread(target=lambda: passed.append(check("2.5.c", posterior_mean)))
    other.start()
    other.join()
    assert passed == [True]
