"""`course table denoising-budget`: more steps, and bf16, for rows of `course table denoising`.

Same photographs, noise and network. Poisson noise with three times the steps: whether the gap to
the supervised network is one of the budget. White Gaussian noise, 250 steps and one seed: "SURE
bf16", the network in bf16, beside float32; few, as a CPU without instructions for bf16 takes nine
times as long for a step.
"""

import functools
import time

import torch
from tqdm.auto import tqdm

from . import denoising, parallel, report
from .store import Store, beside

ROWS = {
    "poisson": ("Supervised", "R2R", "SURE"),
    "gaussian": ("Supervised", "SURE", "SURE bf16"),
}


def measure(scale, seeds=None, json_path=None):
    """All rows. Returns {"meta", "rows"}; finished runs are kept beside `json_path`."""
    store = Store(beside(json_path), [__name__])
    device = "cuda" if torch.cuda.is_available() else "cpu"
    seeds = range(denoising.SEEDS[scale] if seeds is None else seeds)
    cells = {}
    for problem, names in ROWS.items():
        count = 3 * denoising.BUDGET[scale] if problem == "poisson" else denoising.BUDGET["quick"]
        own = seeds if problem == "poisson" else seeds[:1]
        cells |= {(problem, name): [(problem, name, count, s) for s in own] for name in names}
    runs = sorted((run for some in cells.values() for run in some), key=lambda run: run[-1])
    missing = [run for run in runs if run not in store]
    done = parallel.results(functools.partial(train, device), missing, device)
    for run, result in tqdm(done, total=len(missing), unit="network"):
        store.put(run, result)
    results = {cell: [store[run] for run in some] for cell, some in cells.items()}
    rows = [denoising.row(*cell, results) | {"steps": cells[cell][0][2]} for cell in cells]
    seconds = sum(store[run]["seconds"] for run in runs)
    return {"meta": report.meta(scale, device, seeds, seconds, store.versions(runs)), "rows": rows}


def train(device, run):
    """Train and test one network."""
    problem, name, count, seed = run
    began, law = time.perf_counter(), denoising.NOISES[problem]
    kind, _, precision = name.partition(" ")
    loss = denoising.methods(problem, law, count)[kind]
    network = functools.partial(denoising.network, kind)
    result = denoising.one(loss, network, law, count, seed, device, precision or "float32")
    return result | {"seconds": round(time.perf_counter() - began, 2)}
