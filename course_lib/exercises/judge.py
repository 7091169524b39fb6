"""The one judge of all exercises: asks the function, compares, says in a sentence what it saw."""

from typing import NamedTuple

import torch

from .answers import close, shown_by, tensor
from .student import Call, Said

MISSING = "your function returns None: did you forget `return`?"


class Verdict(NamedTuple):
    """Whether the function is right, what is said of it, and whether that names the mistake."""

    passed: bool
    sentence: str
    named: bool = False


def judge(function, cases):
    """The verdict on the student's function; of all cases the first with a known mistake speaks."""
    unnamed = note = ""
    try:
        for case in cases:
            call, generator = Call(function, case.arguments), torch.Generator().manual_seed(0)
            everywhere = torch.get_rng_state()
            result = call(generator)
            note = note or call.changed()
            if said := _differs(case, call, result):
                unnamed = unnamed or said
            elif any(isinstance(v, torch.Generator) for v in case.arguments):
                _draws(call, result, generator, everywhere)
    except Said as named:
        return Verdict(False, f"{named}{note or call.changed()}", named=True)
    return Verdict(not unnamed, (unnamed or "correct.") + note)


def _differs(case, call, result):
    """Nothing for a right answer, else a sentence: `Said` when it names the mistake."""
    nothing = case.right is case.verdict is None  # the right answer is None
    if nothing and result is None:
        return ""
    if nothing or result is None:
        raise Said(MISSING if result is None else f"here the answer is None, not {result}.")
    right = None if case.right is None else tensor(case.right)
    answer = _read(case, right, result)
    fits = right is None or answer.shape == right.shape
    if case.verdict and fits:
        said = case.verdict(answer)
    else:
        said = None if any(close(answer, r) for r in (right, *case.also)) else ""
    if said is None:
        said = case.then and case.then(result)
        if not said:
            return ""
    if said := said or shown_by(answer, case.mistakes):
        raise Said(said)
    if not fits:
        raise Said(f"the answer has shape {tuple(answer.shape)}; return {_wanted(case, right)}.")
    if case.verdict:
        return case.recall or "another answer is right."
    return _by_how_much(case, call, answer, right)


def _read(case, right, result):
    """The answer as a real tensor."""
    try:
        answer = tensor(result if case.part is None else result[case.part])
    except (TypeError, ValueError, RuntimeError, IndexError):
        kind = type(result).__name__
        raise Said(f"return {_wanted(case, right)}; this {kind} can't be read as such.") from None
    if answer.is_complex():
        if answer.imag.norm() > 1e-4 * answer.real.norm():
            raise Said("the answer is complex and should be real.")
        answer = answer.real
    one = right is not None and right.numel() == answer.numel() == 1
    return answer.reshape(right.shape) if one else answer


def _wanted(case, right):
    return case.returns or (f"shape {tuple(right.shape)}" if right.ndim else "one number")


def _by_how_much(case, call, answer, right):
    numbers = zip(call.names(), case.arguments, strict=True)
    at = ", ".join(f"{name} = {v:.3g}" for name, v in numbers if isinstance(v, int | float))
    if right.numel() < 4:
        known, got = (", ".join(f"{v:.4g}" for v in t.flatten()) for t in (right, answer))
        said = f"it is {known}, not {got}"
    else:
        said = f"it differs by up to {(answer - right).nan_to_num().abs().max():.3g}"
    return f"{at and f'for {at} '}{said}{case.recall and f': {case.recall}'}."


def _draws(call, result, generator, everywhere):
    """Random numbers come from the generator that was given, all of them, and from no other."""
    first, more = tensor(result), tensor(call(generator))
    if not torch.equal(torch.get_rng_state(), everywhere):
        raise Said("torch's global generator was used: write generator=generator where you draw.")
    if not torch.equal(first, tensor(call(torch.Generator().manual_seed(0)))):
        raise Said("with one seed it gives two answers: draw from `generator` only.")
    if torch.equal(first, more):
        raise Said("a second call gives the same numbers: draw anew from `generator` each time.")
