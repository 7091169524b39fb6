"""`course table no-free-lunch`: every method under every question of the slides, measured.

Twice. On `chains`, where E[x | y] is exact, each cell is the excess over the MMSE in dB, on the
same test images: told the right noise, with one noisy copy, told 1.5 σ, and told "white Gaussian of
this variance" where the noise is Poisson, or correlated. On the photographs each cell is dB under
the supervised network of the same seed; there each method that asks for the noise is told the true
law, but for σ misspecified (1.5 σ) and varying (its root mean square). All plain networks start
from the same weights, and all methods see the same y. A method that refuses a law has a sentence in
place of a figure. The deep image prior is fitted to
each of 16 chain images, and to the 64×64 window in the middle of each tile; its gap is taken there.
"""

import math
from statistics import mean

from .. import metrics, noise
from . import questions, report
from .rivals import METHODS, evaluations
from .sweep import sweep

SEEDS = {"quick": 3, "full": 3}
HALVES = {"exact": list(questions.exact()), "photographs": list(questions.photographs())}


def measure(scale, seeds, json_path=None):
    """All rows. Returns {"meta", "rows"}."""
    cells = [(half, name, q) for half in HALVES for name in METHODS for q in HALVES[half]]
    runs = {cell: [run(*cell, seed, scale) for seed in seeds] for cell in cells}
    results, meta = sweep(one, runs, scale, seeds, json_path)
    about = {name: _about(name) for name in METHODS}
    return {"meta": meta, "rows": [row(*cell, results) | about[cell[1]] for cell in cells]}


def run(half, name, question, seed, scale):
    """The run that gives a cell; several cells share one, see `questions.same`."""
    size = "exact" if half == "exact" else scale
    return half, name, questions.same(name, question), seed, size


def one(half, name, question, seed, size, where):
    """Train and test one network."""
    if half == "exact":
        return questions.one_exact(name, question, seed, where)
    return questions.one_photo(name, question, seed, size, where)


def _about(name):
    """The class of the loss, the kind of network (`networks.network`), and the evaluations of f."""
    train, test = evaluations(name)
    kind = type(METHODS[name].make(noise.Gaussian(0.1), 1)).__name__
    return {"method": kind, "network": METHODS[name].net, "train_evals": train, "test_evals": test}


def row(half, name, question, results):
    """One cell: the mean over seeds of its gap, with the 95 % interval."""
    ours = results[half, name, question]
    cell = {"problem": f"{half}: {question}", "label": name, "seeds": len(ours)}
    if "refused" in ours[0]:
        return cell | {"gap_db": None, "gap_ci95_db": None, "note": ours[0]["refused"]}
    if half == "exact":
        gaps = [10 * math.log10(r["mse"] / r["mmse"]) for r in ours]
    else:
        part = "tile" if "tile" in ours[0] else "centre"
        best = results[half, "Supervised", question]
        gaps = [mean(b[part]) - mean(r[part]) for b, r in zip(best, ours, strict=True)]
        cell["psnr_db"] = mean(mean(r[part]) for r in ours)
    gap, ci95 = metrics.interval(gaps)
    return cell | {"gap_db": gap, "gap_ci95_db": ci95 if len(gaps) > 1 else None, "note": None}


def grid(table, half):
    """(labels, columns, {(label, column): row}) of one half of a table."""
    prefix = f"{half}: "
    rows = [r for r in table["rows"] if r["problem"].startswith(prefix)]
    cells = {(r["label"], r["problem"].removeprefix(prefix)): r for r in rows}
    names, columns = (list(dict.fromkeys(k[i] for k in cells)) for i in (0, 1))
    return names, columns, cells


def show(table):
    """Print both halves, a line a method, in dB ± half the 95 % interval over seeds."""
    for half, what in (("exact", "dB over the MMSE"), ("photographs", "dB under supervised")):
        names, columns, cells = grid(table, half)
        print(f"{half}, {what}".ljust(34) + "".join(f"{q:>18}" for q in columns))
        for name in names:
            first = cells[name, columns[0]]
            evals = f"{first['train_evals']} train, {first['test_evals']} test"
            print(f"  {name:<24}".ljust(34) + "".join(_cell(cells[name, q]) for q in columns))
            if half == "exact":
                print(f"    evaluations: {evals}")
    report.about(table["meta"])


def _cell(row):
    if row["gap_db"] is None:
        return f"{'–':>18}"
    spread = "" if row["gap_ci95_db"] is None else f" ± {row['gap_ci95_db']:.2f}"
    return f"{row['gap_db']:.2f}{spread}".rjust(18)
