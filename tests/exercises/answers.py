"""Every exercise, answered as students might: the command `course answers`.

Right answers in several styles are accepted, or told why not; wrong ones are not, and counted is
how many are told the mistake; a missing `return` is named. The answers: the lessons' own, out of
solutions/, small changes of them, `in_numpy.py`, `with_loops.py`, and RIGHT and WRONG of the
`lesson_*.py` beside this file.
"""

import contextlib
import functools
import importlib
import io
import linecache
import math
import re
import sys
from collections import Counter
from pathlib import Path

import torch

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import in_numpy  # noqa: E402
import mutants  # noqa: E402
import with_loops  # noqa: E402

from course_lib import operators  # noqa: E402
from course_lib.exercises import exercise  # noqa: E402
from course_lib.exercises.judge import MISSING, judge  # noqa: E402

LESSONS = [importlib.import_module(path.stem) for path in sorted(HERE.glob("lesson_*.py"))]
RIGHT = {name: answer for lesson in LESSONS for name, answer in lesson.RIGHT.items()}
WRONG = [case for lesson in LESSONS for case in lesson.WRONG]
CELL = re.compile(
    r":tags: \[exercise\]\n\n(.*?)```\n+"
    r"```{code-cell} python\ncheck\(\"(.*?)\", (\w+)\)",
    re.S,
)

# Small changes of the solutions that leave them right.
EQUIVALENT = {
    "1.2.a, C  →  y",  # for the dtype
    "1.2.b, 1  →  -1",  # the last of two axes
    "2.1.b, y + tau * sigma * w  →  y - tau * sigma * w",  # w is symmetric
    "2.1.c, (y / gain).round()  →  y / gain",  # a count but for rounding
    "2.2.a, y  →  H",  # for the length
    "2.2.c, -1  →  1",  # the last of two axes
    "2.3.a, 1  →  -1",  # the same
    "2.6.a, 1  →  -1",  # the same
    "2.6.d, d  →  best",  # for the length
    "3.1.b, (A.mT @ A).mean(0)  →  (A.mT @ A).sum(0)",  # the same null space
    "3.1.b, 1e-05 * values.max()  →  1e-05 / values.max()",  # a threshold
    "3.1.b, 1e-05 * values.max()  →  1e-05",  # the same
    "3.1.b, 1e-05  →  2e-05",  # the same
    "3.2.a, (~h).to(y.dtype)  →  ~h",  # a mask of booleans multiplies alike
    "3.2.b, 1  →  -1",  # the last of two axes
    "3.2.b, masks.sum(1) - kept.sum()  →  masks.sum(1) + kept.sum()",  # a factor that cancels
    "3.2.b, masks.sum(1) - kept.sum()  →  masks.sum(1)",  # the same
    "3.2.b, kept.sum()  →  kept.mean()",  # the same
    "3.2.b, kept  →  masks",  # the same
    "3.2.d, (~h).to(y.dtype)  →  ~h",  # a mask of booleans multiplies alike
    "3.3.b, g + torch.randint(1, G, g.shape, generator=generator)  →  "
    "g - torch.randint(1, G, g.shape, generator=generator)",  # the other way around the circle
    "3.3.c, 1  →  -1",  # the last of two axes
    "3.4.b, 2  →  -2",  # the cosine is even
    "3.4.c, 1  →  -1",  # the last of two axes
    "4.1.c, (f(A @ u) - u).square().mean()  →  (f(A @ u) - u).square()",  # the mean of all follows
    "4.1.d, d(z, w)  →  d(w, z)",  # the mean of the transpose
    "4.2.c, -1  →  1",  # the last of two axes
    "4.3.a, (f(A @ u + sigma * e) - u).square().mean()  →  "
    "(f(A @ u + sigma * e) - u).square()",  # as in 4.1.c
}


def solutions():
    """{name: function} as the lessons solve their exercises."""
    found = {}
    for path in sorted(HERE.parents[1].glob("solutions/part*/*.md")):
        for source, name, function in CELL.findall(path.read_text(encoding="utf-8")):
            space = {"torch": torch, "math": math, "operators": operators, "__name__": "lesson"}
            space["F"] = torch.nn.functional
            file = f"<solution {name}>"  # known to inspect, for the mutants
            linecache.cache[file] = len(source), None, source.splitlines(keepends=True), file
            exec(compile(source, file, "exec"), space)
            found[name] = space[function]
    return found


def each(change, value):
    """`change` on every tensor in a result or among the arguments."""
    if isinstance(value, tuple | list):
        return type(value)(each(change, part) for part in value)
    return change(value) if torch.is_tensor(value) else value


def in_place(answer, *arguments):
    """Answers, then destroys its arguments."""
    result = each(torch.clone, answer(*arguments))
    each(torch.Tensor.zero_, arguments)
    return result


def destroyed(answer, *arguments):
    """Destroys its arguments, then answers."""
    each(torch.Tensor.zero_, arguments)
    return answer(*arguments)


def without_return(answer, *arguments):
    answer(*arguments)


def single(value):
    return value.float() if value.is_floating_point() else value


def back(change):
    """A style: the right answer, and its result changed."""
    return lambda answer, *arguments: each(change, answer(*arguments))


def wrapped(wrapper, names=RIGHT):
    return {name: functools.partial(wrapper, RIGHT[name]) for name in names}


def styles():
    """{style: {name: right answer}}."""
    return {
        "as in the lesson": solutions(),
        "in NumPy": in_numpy.RIGHT,
        "with loops": with_loops.RIGHT,
        "in float32": wrapped(lambda answer, *arguments: answer(*each(single, arguments))),
        "float64 returned": wrapped(back(torch.Tensor.double)),
        "lists returned": wrapped(back(torch.Tensor.tolist)),
        "arrays returned": wrapped(back(lambda t: t.detach().numpy())),
        "complex returned": wrapped(back(lambda t: t + 0j)),
        "in place": wrapped(in_place),
    }


def ask(name, answer):
    """The verdict, without what the answer prints."""
    with contextlib.redirect_stdout(io.StringIO()):
        return judge(answer, exercise(name)())


def slips(every):
    """(name, verdict) of every n-th small change of the lessons' solutions that changes them."""
    kinds = {"constant", "operator", "sign", "dropped", "swapped"}
    for name, function in solutions().items():
        for mutant in mutants.mutants(function, kinds)[::every]:
            if f"{name}, {mutant.change}" not in EQUIVALENT:
                with mutant:
                    yield f"{name}, {mutant.change}", ask(name, function)


def changeable(name):
    """Whether an argument of the exercise can be changed in place."""
    arguments = next(iter(exercise(name)())).arguments
    return str(each(torch.zeros_like, arguments)) != str(arguments)


def survey(every=1):
    """{group: Counter of accepted, told and refused}, and a list of all that should be otherwise.

    every: ask only every n-th of the small changes.
    """
    counts, faults = {}, []

    def ask_all(group, verdicts, right):
        count = counts[group] = Counter()
        for name, verdict in verdicts:
            kind = "accepted" if verdict.passed else "told" if verdict.named else "refused"
            count[kind] += 1
            if not right(kind, verdict.sentence):
                faults.append(f"{group}, {name}: {verdict.sentence}")

    for style, answers in styles().items():
        if set(answers) != set(RIGHT):
            faults.append(f"{style}: no answer to {sorted(set(RIGHT) - set(answers))}")
        verdicts = [(name, ask(name, answer)) for name, answer in answers.items()]
        ask_all(style, verdicts, lambda kind, _: kind != "refused")
    named = wrapped(in_place, filter(changeable, RIGHT))
    for group, answers in (("in place", named), ("destroyed", wrapped(destroyed, named))):
        verdicts = [(name, ask(name, answer)) for name, answer in answers.items()]
        wanted = {"accepted"} if group == "in place" else {"told", "refused"}
        ask_all(group, verdicts, lambda kind, said, w=wanted: kind in w and "in place" in said)
    verdicts = [(name, ask(name, answer)) for name, answer in wrapped(without_return).items()]
    ask_all("without return", verdicts, lambda _, said: said.startswith(MISSING))
    verdicts = [(f"{name}, {words}", ask(name, answer)) for name, answer, words in WRONG]
    ask_all("wrong", verdicts, lambda kind, _: kind != "accepted")
    for what, verdict in verdicts:
        if what.split(", ", 1)[1] not in verdict.sentence:
            faults.append(f"wrong, {what}: {verdict.sentence}")
    ask_all("small slips", slips(every), lambda kind, _: kind != "accepted")
    return counts, faults


def main():
    torch.set_num_threads(1)
    counts, faults = survey()
    print(f"{'answers':>17} {'all':>5} {'accepted':>9} {'told why not':>13} {'refused':>8}")
    for group, count in counts.items():
        numbers = count["accepted"], count["told"], count["refused"]
        print(f"{group:>17} {sum(numbers):>5} {numbers[0]:>9} {numbers[1]:>13} {numbers[2]:>8}")
    print("\n".join(faults))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
