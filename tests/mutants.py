"""Mutants of a function, made on its syntax tree: a constant, a sign, a term, an argument changed.

    for mutant in mutants(losses.R2R.entries):
        with mutant:
            ...                       # here every use of the function runs the mutant

`python tests/mutants.py course_lib/losses/sure.py` makes those of a file and runs the tests of that
file against each until one fails; the counts go to tests/mutants.json. `make mutants` does it for
all losses. Tests named "slip" are left out, they judge mutants of their own. With --rename all its
tests run once on a copy in which every local variable has another name.
Neither names of local variables nor the way a line is spelled matter.
"""

import argparse
import ast
import builtins
import copy
import importlib
import inspect
import json
import multiprocessing
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
import traceback
from collections import Counter
from pathlib import Path

import pytest
import torch
from _pytest.runner import runtestprotocol

from course_lib import losses

OPPOSITE = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult,
            ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Lt: ast.GtE, ast.GtE: ast.Lt,
            ast.Gt: ast.LtE, ast.LtE: ast.Gt, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
            ast.In: ast.NotIn, ast.NotIn: ast.In, ast.And: ast.Or, ast.Or: ast.And}  # fmt: skip
OTHER = {"mean": "sum", "sum": "mean", "min": "max", "max": "min", "square": "abs"}
BARE = {
    "detach",
    "shape",
    "dtype",
    "device",
    "ndim",
    "new_tensor",
    "new_zeros",
}  # what needs no gradient
ROLES = {"self", "f", "g", "A", "generator", "noise", "cls"}  # names that are never swapped

# What changes nothing that a loss promises: (function, part of the change) and why.
EQUIVALENT = {
    ("noise2noise.Noise2Noise.offset", "1  →"): "both copies of y have one law",
    ("noise2void.", "  →  _stop(y"): "y and ỹ need no gradient in training",
    ("masking.uniform", ", dtype=torch.float64"): "ties are one in 10⁷",
    ("masking.uniform", "  →  _stop(y"): "y gives its shape and device alone",
    ("masking.stratified", "  →  _stop(y"): "the same",
    ("masking.grid", "  →  _stop(y"): "the same",
    (
        "masking.interpolate",
        "0.5  →  0.25",
    ): "a guard against 0/0: the least weight of one neighbour",
    ("masking.", "-2  →  2"): "images have four axes",
    ("masking.", "2  →  -2"): "the same",
    ("masking.uniform", "place(generator, y)"): "y is where its generator is",
    ("masking.neighbours", "  →  _stop("): "Noise2Void's input needs no gradient in y",
    ("masking.resample", "  →  _stop("): "the same",
    ("masking.median", "  →  _stop("): "the same",
    ("masking.resample", "1  →  -1"): "the last axis of two",
    ("masking.median", "1  →  -1"): "the last axis of two",
    ("noise2self.Noise2Self.", "y  →  _stop(y)"): "y needs no gradient in training",
    ("noise2self.Noise2Self.entries", "visible  →  _stop(visible)"): "nor does what is made of it",
    ("noise2score.Noise2Score.offset", "super()"): "it raises whatever it is given",
    ("noise2score.BlindNoise2Score.eta", "  →  y - step"): "the step is symmetric",
    ("neighbor2neighbor.", "-2  →  2"): "images have four axes",
    ("neighbor2neighbor.", "2  →  -2"): "the same",
    ("neighbor2neighbor.take", "-1  →  1"): "expand keeps an axis of size 1",
    ("ssdu.columns", "1  →  -1"): "a size of 1 that reshape finds by itself",
    ("ssdu.RobustSSDU.entries", "(~h).to(y.dtype)  →  ~h"): "a mask of booleans multiplies alike",
}


class Mutant:
    """One change of a function; as a context, it runs in place of the function everywhere."""

    def __init__(self, function, kind, change, code):
        self.function, self.kind, self.change, self.code = function, kind, change, code

    def __str__(self):
        return f"{name(self.function)}: {self.change}"

    def __enter__(self):
        self.original, self.function.__code__ = self.function.__code__, self.code
        builtins._stop, self.stopped = self._stop, False
        return self

    def __exit__(self, *_):
        self.function.__code__ = self.original
        del builtins._stop

    def _stop(self, value):
        """`value` without its gradient, where it has one: else this mutant is none."""
        if torch.is_tensor(value) and value.requires_grad:
            self.stopped = True
            return value.detach()
        return value


def plain(function):
    """The function itself, of a property, a wrapped or a bound one."""
    function = function.fget if isinstance(function, property) else function
    return inspect.unwrap(getattr(function, "__func__", function))


def name(function):
    return f"{function.__module__.rsplit('.', 1)[-1]}.{function.__qualname__}"


def mutants(function, kinds=None):
    """Every mutant of the function, in the order of its source; `kinds`, those of some kinds."""
    function = plain(function)
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    tree.body[0].decorator_list = []
    found = []
    for parent, field, index, node in sites(tree.body[0]):
        last = isinstance(parent, ast.Attribute) and parent.attr in BARE
        for kind, new in changes(node, tree.body[0]):
            twice = isinstance(parent, ast.UnaryOp) and kind == "constant"  # see "sign"
            if twice and ast.unparse(new) == f"-{ast.unparse(node)}":
                continue
            if (kinds is None or kind in kinds) and not (last and kind == "stop"):
                put(parent, field, index, new)
                old, now = (ast.unparse(n).replace("\n", " ") for n in (node, new))
                if old == now:  # two equal arguments, swapped
                    put(parent, field, index, node)
                    continue
                code = compiled(tree, function)
                found.append(Mutant(function, kind, f"{old}  →  {now}", code))
                put(parent, field, index, node)
    return found


def missed(function, refused, number=6):
    """Of mutants spread evenly over the function's source, those for which `refused()` is false.

    Only kinds that change a value; one that raises an error is refused.
    """
    found, passing = mutants(function, {"constant", "operator", "sign", "dropped", "swapped"}), []
    for mutant in found[:: -(-len(found) // number)]:
        try:
            with mutant:
                caught = refused()
        except Exception:
            caught = True
        if not caught:
            passing.append(str(mutant))
    return passing


def put(parent, field, index, node):
    if index is None:
        setattr(parent, field, node)
    else:
        getattr(parent, field)[index] = node


def sites(node):
    """(parent, field, index, child) of all that may be changed: neither docstrings nor guards."""
    for field, value in ast.iter_fields(node):
        if field in ("args", "returns") and isinstance(node, (ast.FunctionDef, ast.Lambda)):
            continue
        for index, child in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if isinstance(child, ast.AST) and not _idle(child):
                yield node, field, index, child
                yield from sites(child)


def _idle(node):
    """Docstrings, and guards that do nothing but raise."""
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant) or ast.unparse(node).startswith("_checks.")
    return isinstance(node, ast.Raise) or (
        isinstance(node, ast.If) and all(isinstance(s, ast.Raise) for s in node.body)
    )


def changes(node, function):
    """(kind, what may stand in the place of this node)."""
    if isinstance(node, ast.Constant) and isinstance(node.value, (bool, int, float)):
        c = node.value
        values = [not c] if isinstance(c, bool) else [0, -c, 2 * c] if c else [1]
        values = values[:2] if 0 < abs(c) < 1e-6 else values  # a guard against 0/0: any will do
        yield from (("constant", ast.Constant(v)) for v in values)
    elif isinstance(node, ast.BinOp):
        if type(node.op) in OPPOSITE:
            yield "operator", _with(node, op=OPPOSITE[type(node.op)]())
            yield "dropped", node.right
        yield "dropped", node.left
    elif isinstance(node, ast.UnaryOp):
        yield "sign", node.operand
    elif isinstance(node, ast.Compare) and type(node.ops[0]) in OPPOSITE:
        yield "comparison", _with(node, ops=[OPPOSITE[type(node.ops[0])](), *node.ops[1:]])
    elif isinstance(node, ast.BoolOp):
        yield "comparison", _with(node, op=OPPOSITE[type(node.op)]())
        yield from (("dropped", value) for value in node.values)
    elif isinstance(node, ast.IfExp):
        yield from (("branch", node.body), ("branch", node.orelse))
    elif isinstance(node, ast.If):
        yield "branch", _with(node, test=ast.UnaryOp(ast.Not(), node.test))
    elif isinstance(node, ast.With):
        yield "statement", ast.If(ast.Constant(True), node.body, [])
    elif isinstance(node, ast.AugAssign) and type(node.op) in OPPOSITE:
        yield "operator", _with(node, op=OPPOSITE[type(node.op)]())
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        yield "statement", ast.Pass()
    elif isinstance(node, ast.Tuple) and isinstance(node.ctx, ast.Store) and len(node.elts) > 1:
        yield "swapped", _with(node, elts=[node.elts[1], node.elts[0], *node.elts[2:]])
    elif isinstance(node, ast.Call):
        yield from _calls(node)
    called = isinstance(node, ast.Call) and not isinstance(node.func, ast.Attribute)
    if called or _value(node, function):
        yield "stop", ast.Call(ast.Name("_stop", ast.Load()), [node], [])
    if _value(node, function):
        known = _bound(function)
        before = known[: known.index(node.id)]
        if before:
            yield "swapped", ast.Name(before[-1], ast.Load())


def _calls(node):
    method = isinstance(node.func, ast.Attribute)
    receiver = node.func.value if method else None
    if ast.unparse(node.func).startswith("_checks.") or ast.unparse(node).endswith(".device)"):
        return  # words of an error, and what only a second device would tell
    if (
        method
        and not (isinstance(receiver, ast.Name) and receiver.id in _MODULES | ROLES)
        and not (isinstance(receiver, ast.Call) and ast.unparse(receiver) == "super()")
    ):
        yield "dropped", receiver
    if method and node.func.attr in OTHER:
        yield "operator", _with(node, func=_with(node.func, attr=OTHER[node.func.attr]))
    for k in range(len(node.args) - 1):
        args = list(node.args)
        args[k : k + 2] = args[k + 1], args[k]
        if not any(_role(a) for a in args[k : k + 2]) and ast.unparse(node.func) not in OTHER:
            yield "swapped", _with(node, args=args)
    for k in range(len(node.keywords)):
        if node.keywords[k].arg != "device":
            yield "argument", _with(node, keywords=node.keywords[:k] + node.keywords[k + 1 :])
    if len(node.args) > 1:
        yield "argument", _with(node, args=node.args[:-1])


def _role(node):
    return isinstance(node, ast.Lambda) or (isinstance(node, ast.Name) and node.id in ROLES)


_MODULES = {"torch", "F", "masking", "estimate", "_checks", "math", "super", "inspect"}


def _with(node, **fields):
    """A copy of the node, of the same children but for these."""
    new = copy.copy(node)
    vars(new).update(fields)
    return new


def _bound(function):
    """The arguments and local variables that hold values, in the order in which they appear."""
    names = [a.arg for a in function.args.args]
    stores = [n for n in ast.walk(function) if isinstance(n, ast.Name)]
    stores = [n for n in stores if isinstance(n.ctx, ast.Store)]
    names += [n.id for n in sorted(stores, key=lambda n: (n.lineno, n.col_offset))]
    return [n for n in dict.fromkeys(names) if n not in ROLES]


def _value(node, function):
    return (
        isinstance(node, ast.Name)
        and isinstance(node.ctx, ast.Load)
        and node.id in _bound(function)
    )


def compiled(tree, function):
    """The code of a changed function, with the closure of the original (its `super()`)."""
    free = function.__code__.co_freevars
    definition = _with(tree.body[0], body=[
        *(ast.Expr(ast.Name(v, ast.Load())) for v in free), *tree.body[0].body
    ])  # fmt: skip
    arguments = ast.arguments([], [ast.arg(v) for v in free], None, [], [], None, [])
    outer = ast.FunctionDef("outer", arguments, [definition], [], None)
    module = ast.fix_missing_locations(ast.Module([copy.deepcopy(outer)], []))
    code = compile(module, f"<mutant of {name(function)}>", "exec")
    for wanted in ("outer", function.__name__):
        code = next(c for c in code.co_consts if getattr(c, "co_name", None) == wanted)
    return code


# The command: all mutants of a file of losses against the tests of it.

HERE = Path(__file__).parent
RECORD, RENAMED = HERE / "mutants.json", HERE / "renamed.json"
LOSSES = HERE.parent / "course_lib" / "losses"
ALWAYS = "gradients"
TESTS = {  # of tests/losses, beside ALWAYS, for each file
    "antithetic": "sure mutants scores ensure unsure",
    "base": "base scores mutants recorrupted",
    "blind_spot": "blind_spot scores",
    "consistency": "base",
    "ensure": "ensure ssdu_masks",
    "masking": "crossvalidation",
    "moi": "moi",
    "multipliers": "unsure unsure_families",
    "neighbor2neighbor": "neighbor2neighbor",
    "noise2noise": "base mutants unbiased scores",
    "noise2score": "noise2score scores",
    "noise2self": "crossvalidation scores",
    "noise2void": "crossvalidation",
    "r2r": "recorrupted mutants unbiased",
    "splitting": "crossvalidation splitting_theorem scores ssdu_masks",
    "ssdu": "ssdu ssdu_masks splitting_theorem weighted_ssdu",
    "supervised": "base scores",
    "sure": "sure mutants scores unbiased",
    "unsure": "unsure unsure_families",
    "unsure_correlated": "unsure_families",
    "unsure_poisson_gaussian": "unsure_families",
}
KIN = {  # the losses that tell of files without a loss of their own
    "antithetic": ["SURE", "UNSURE", "ENSURE"],
    "base": ["MeasurementConsistency", "MOI", "Noise2Noise", "R2R", "SURE", "Sum", "Supervised"],
    "masking": ["Noise2Self", "Noise2Void", "Splitting", "Neighbor2Neighbor"],
    "multipliers": ["UNSURE", "UNSURECorrelated", "UNSUREPoissonGaussian"],
}
AT_IMPORT = {"base.guarded"}  # its wrappers are made already: what they do is `Loss.admit`


def targets(module):
    """All functions and methods of a module, without constructors."""
    found = {}
    for value in list(vars(module).values()):
        own = list(vars(value).values()) if inspect.isclass(value) else [value]
        for function in map(plain, own):
            inside = inspect.isfunction(function) and function.__module__ == module.__name__
            if inside and not function.__name__.startswith("__"):
                found[name(function)] = function
    return {key: f for key, f in found.items() if key not in AT_IMPORT}


def announced(function):
    """The function's code with a call of `_saw(its name)` at the start."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    call = ast.Call(ast.Name("_saw", ast.Load()), [ast.Constant(name(function))], [])
    tree.body[0].decorator_list = []
    tree.body[0].body.insert(0, ast.Expr(call))
    return compiled(tree, function)


class Runner:
    """A pytest plugin that runs the collected tests against mutants instead of once."""

    def __init__(self, module, jobs, only=""):
        self.module, self.jobs, self.only = module, jobs, only

    def pytest_collection_modifyitems(self, items):
        items[:] = [item for item in items if "slip" not in item.name and self.concerns(item)]

    def concerns(self, item):
        """Not of a test that is made for each loss, those of other losses."""
        parameters = item.callspec.params.values() if hasattr(item, "callspec") else ()
        named = {p.replace(",", " ").split()[0] for p in parameters if isinstance(p, str) and p}
        named &= set(losses.__all__)
        stem = self.module.__name__.rsplit(".", 1)[-1]
        own = [c for c in losses.__all__ if getattr(losses, c).__module__ == self.module.__name__]
        return not named or bool(named & {*own, *KIN.get(stem, [])})

    def pytest_runtestloop(self, session):
        self.kills, start = Counter(), time.time()
        chosen = {key: f for key, f in targets(self.module).items() if self.only in key}
        self.tests = self.survey(session.items, chosen)
        self.todo = [(key, m) for key, f in chosen.items() for m in mutants(f)]
        count = f"{len(session.items)} tests, {len(self.todo)} mutants"
        print(f"{self.module.__name__}: {count}, {time.time() - start:.0f} s", flush=True)
        RUNNER.append(self)
        with multiprocessing.get_context("fork").Pool(self.jobs) as pool:
            self.verdicts = []
            for k, verdict in enumerate(pool.imap(_judge, range(len(self.todo)), chunksize=4)):
                self.verdicts.append(verdict)
                if verdict == "":
                    print("survives:", self.todo[k][1], flush=True)
        return True

    def survey(self, items, chosen):
        """{name: [(seconds, test that runs it)]}, from one run of all tests without a change."""
        tests, originals = {key: [] for key in chosen}, {k: f.__code__ for k, f in chosen.items()}
        for function in chosen.values():
            function.__code__ = announced(function)
        for item in items:
            builtins._saw, start = (seen := set()).add, time.process_time()
            if not self.passes(item, 600):
                print("fails without any change, and is left out:", item.nodeid)
                continue
            for key in seen:
                tests[key].append((time.process_time() - start, item))
        for key, function in chosen.items():
            function.__code__ = originals[key]
        del builtins._saw
        return tests

    def passes(self, item, limit):
        """Whether a test passes, within `limit` seconds of the processor."""
        signal.signal(signal.SIGVTALRM, _too_long)
        signal.setitimer(signal.ITIMER_VIRTUAL, limit)
        try:
            return not any(r.failed for r in runtestprotocol(item, log=False, nextitem=None))
        except TimeoutError:
            return False
        finally:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)

    def judge(self, k):
        """The test that catches mutant k, or "" if none does; None if it changes nothing."""
        key, mutant = self.todo[k]
        if any(where in key and change in mutant.change for where, change in EQUIVALENT):
            return None
        changed, kills = mutant.kind != "stop", self.kills
        order = sorted(self.tests[key], key=lambda test: test[0] / (1 + kills[test[1]]))
        for seconds, item in order:
            with mutant:
                passed = self.passes(item, 5 + 20 * seconds)
                changed = changed or mutant.stopped
            if not passed:
                kills[item] += 1
                return item.nodeid
        return "" if changed else None

    def result(self):
        """The row of the record: all mutants, and those that detach a gradient among them."""
        pairs = list(zip((m for _, m in self.todo), self.verdicts, strict=True))
        row = {"caught": 0, "of": 0, "equivalent": 0, "detached": 0, "of detached": 0}
        for mutant, verdict in pairs:
            row["equivalent" if verdict is None else "of"] += 1
            row["caught"] += bool(verdict)
            if mutant.kind == "stop" and verdict is not None:
                row["of detached"] += 1
                row["detached"] += bool(verdict)
        return row | {"survive": [str(m) for m, verdict in pairs if verdict == ""]}


def renamed(source):
    """A module with every local variable renamed and every line spelled anew."""
    tree = ast.parse(source)
    for function in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)):
        nodes = list(ast.walk(function))
        kept = {node.arg for node in nodes if isinstance(node, ast.arg)}
        kept |= {node.name for node in nodes if isinstance(node, ast.FunctionDef)}
        found = [node for node in nodes if isinstance(node, ast.Name) and node.id not in kept]
        local = dict.fromkeys(node.id for node in found if isinstance(node.ctx, ast.Store))
        names = {old: f"local_{i}_{function.name}" for i, old in enumerate(local)}
        for node in found:
            node.id = names.get(node.id, node.id)
    return ast.unparse(tree)


def rename(stem):
    """How many tests of a file pass, and how many do not, when its variables have other names."""
    with tempfile.TemporaryDirectory() as folder:
        for part in ("course_lib", "tests"):
            shutil.copytree(HERE.parent / part, Path(folder, part))
        for part in ("conftest.py", "pyproject.toml"):
            shutil.copy(HERE.parent / part, folder)
        changed = Path(folder, "course_lib", "losses", f"{stem}.py")
        changed.write_text(renamed(changed.read_text()))
        files = [f"tests/losses/test_{file}.py" for file in TESTS[stem].split()]
        told = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-oaddopts=", *files],
            cwd=folder, env=os.environ | {"PYTHONPATH": folder}, capture_output=True, text=True,
        ).stdout  # fmt: skip
    print(stem, told.splitlines()[-1])
    counts = {word: n for n, word in re.findall(r"(\d+) (passed|failed|error)", told)}
    return {"passed": int(counts.pop("passed", 0)), "failed": sum(map(int, counts.values()))}


RUNNER = []  # the one that runs last, inherited by its forks


def _judge(k):
    resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))  # a mutant may ask for too much
    try:
        return RUNNER[-1].judge(k)
    except BaseException:
        traceback.print_exc()
        raise


def _too_long(*_):
    raise TimeoutError("a mutant that does not come to an end")


def tell(rows):
    """The count, file by file and altogether, and whether it is enough."""
    for file, row in sorted(rows.items()):
        told = f"{row['caught']:5} of {row['of']:4}, {row['equivalent']:3} equivalent"
        print(f"{file:28}{told}; {row['detached']} of {row['of detached']} detached gradients")
    caught, of = (sum(row[key] for row in rows.values()) for key in ("caught", "of"))
    print(f"caught {caught} of {of} ({100 * caught / max(of, 1):.1f} %)")
    return caught >= 0.97 * of


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="*", help="files of course_lib/losses; none: all of them")
    parser.add_argument("--only", default="", help="functions whose name holds this; no record")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--rename", action="store_true", help="rename all local variables instead")
    chosen = parser.parse_args()
    if chosen.rename:
        rows = json.loads(RENAMED.read_text() if RENAMED.exists() else "{}")
        rows |= {f"{Path(file).stem}.py": rename(Path(file).stem) for file in chosen.files}
        RENAMED.write_text(json.dumps(rows, indent=1))
        return int(any(row["failed"] for row in rows.values()))
    options = ["-s", "-p", "no:cacheprovider", "-p", "no:terminal", "-o", "addopts="]
    for stem in [Path(file).stem for file in chosen.files] or TESTS:
        runner = Runner(
            importlib.import_module(f"course_lib.losses.{stem}"), chosen.jobs, chosen.only
        )
        files = dict.fromkeys([ALWAYS, *TESTS[stem].split()])
        pytest.main([*options, *(f"{HERE}/losses/test_{file}.py" for file in files)], [runner])
        rows = {} if chosen.only else json.loads(RECORD.read_text() if RECORD.exists() else "{}")
        rows[f"{stem}.py"] = runner.result()
        if not chosen.only:
            RECORD.write_text(json.dumps(dict(sorted(rows.items())), indent=1, ensure_ascii=False))
    return int(not tell(rows))


if __name__ == "__main__":
    sys.path.insert(0, str(HERE))
    sys.exit(main())
