"""`course table no-free-lunch`: every method under every question of the slides, measured.

Twice. On `chains`, where E[x | y] is exact, each cell is the excess over the MMSE in dB, on the
same test images: told the right noise, with one noisy copy, told 1.5 σ, and told "white Gaussian of
this variance" where the noise is Poisson, or correlated. On the photographs each cell is dB under
the supervised network of the same seed; there each method that asks for the noise is told the true
law, but for σ misspecified (1.5 σ) and varying (its root mean square). All plain networks start
from the same weights, and all methods see the same y. A method that refuses a law has a sentence in
place of a figure. The evaluations of f are counted, not quoted. The deep image prior is fitted to
each of 16 chain images, and to the 64×64 window in the middle of each tile; its gap is taken there.
"""

import math
import time
from statistics import mean

import torch
from tqdm.auto import tqdm

from .. import metrics, noise
from . import parallel, questions, report
from .networks import STEPS, WIDTHS
from .rivals import METHODS, Method, evaluations
from .store import Store, beside

SEEDS = 3
HALVES = {"exact": list(questions.exact()), "photographs": list(questions.photographs())}


def measure(scale, seeds=None, json_path=None):
    """All rows. Returns {"meta", "rows"}; finished runs are kept beside `json_path`."""
    store = Store(beside(json_path), [__name__, questions.__name__, Method.__module__])
    seeds = range(SEEDS if seeds is None else seeds)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    runs = [
        (half, name, question, seed, scale, device)
        for seed in seeds
        for half, columns in HALVES.items()
        for question in columns
        for name in METHODS
        if question == questions.same(name, question)
    ]
    missing = [run for run in runs if _key(*run[:5]) not in store]
    for run, result in tqdm(
        parallel.results(_run, missing, device), total=len(missing), unit="cell"
    ):
        store.put(_key(*run[:5]), result)
    about = {name: _about(name) for name in METHODS}
    rows = [
        row(half, name, question, seeds, scale, store) | about[name]
        for half, columns in HALVES.items()
        for name in METHODS
        for question in columns
    ]
    keys = [_key(*run[:5]) for run in runs]
    seconds = sum(store[key]["seconds"] for key in keys)  # also those of earlier calls
    meta = report.meta(scale, device, seeds, seconds, store.versions(keys))
    return {"meta": meta, "rows": rows}


def _run(run):
    half, name, question, seed, scale, device = run
    began = time.perf_counter()
    if half == "exact":
        result = questions.one_exact(name, question, seed, device)
    else:
        result = questions.one_photo(name, question, seed, scale, device)
    return result | {"seconds": round(time.perf_counter() - began, 2)}


def _about(name):
    """The class of the loss, the kind of network (`networks.network`), and the evaluations of f."""
    method = METHODS[name]
    train_evals, test_evals = evaluations(name)
    return {
        "method": type(method.make(noise.Gaussian(0.1), 1)).__name__,
        "network": method.net,
        "train_evals": train_evals,
        "test_evals": test_evals,
    }


def _key(half, name, question, seed, scale):
    size = "exact" if half == "exact" else scale
    return (half, name, questions.same(name, question), seed, STEPS[size], *WIDTHS[size])


def row(half, name, question, seeds, scale, store):
    """One cell: the mean over seeds of its gap, with the 95 % interval."""
    cell = {"problem": f"{half}: {question}", "label": name, "seeds": len(seeds)}
    results = [store[_key(half, name, question, seed, scale)] for seed in seeds]
    if "refused" in results[0]:
        return cell | {"gap_db": None, "gap_ci95_db": None, "note": results[0]["refused"]}
    if half == "exact":
        gaps = [10 * math.log10(r["mse"] / r["mmse"]) for r in results]
    else:
        part = "tile" if "tile" in results[0] else "centre"
        best = [store[_key(half, "Supervised", question, seed, scale)] for seed in seeds]
        gaps = [mean(b[part]) - mean(r[part]) for b, r in zip(best, results, strict=True)]
        cell["psnr_db"] = mean(mean(r[part]) for r in results)
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
