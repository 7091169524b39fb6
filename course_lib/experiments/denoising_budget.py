"""`course table denoising-budget`: where the gap under Poisson noise comes from, and bf16.

The photographs, noise and network of `course table denoising`. Poisson noise with three times the
steps: whether the gap to the supervised network is one of the steps. "fresh" rows draw new noise at
every step instead of keeping one noisy copy of each photograph: whether it is one of the data, and
their gap is to "Supervised fresh". White Gaussian noise, 250 steps and one seed: "SURE bf16", the
network in bf16, beside float32; few, as a CPU without instructions for bf16 takes nine times as
long for a step.
"""

import functools
import time

import torch
from tqdm.auto import tqdm

from .. import data
from ..operators import Identity
from . import denoising, parallel, report
from .store import Store, beside

ROWS = {
    "poisson": ("Supervised", "R2R", "SURE", "Supervised fresh", "SURE fresh"),
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
    rows = [row(*cell, results) | {"steps": cells[cell][0][2]} for cell in cells]
    seconds = sum(store[run]["seconds"] for run in runs)
    return {"meta": report.meta(scale, device, seeds, seconds, store.versions(runs)), "rows": rows}


def train(device, run):
    """Train and test one network."""
    problem, name, count, seed = run
    began, law = time.perf_counter(), denoising.NOISES[problem]
    kind, _, variant = name.partition(" ")
    loss = denoising.methods(problem, law, count)[kind]
    network = functools.partial(denoising.network, kind)
    precision = "bf16" if variant == "bf16" else "float32"
    anew = Fresh(law, seed, kind == "Supervised") if variant == "fresh" else None
    result = denoising.one(loss, network, law, count, seed, device, precision, anew)
    return result | {"seconds": round(time.perf_counter() - began, 2)}


class Fresh:
    """The photographs of training, measured anew at every step: no noise comes twice."""

    def __init__(self, law, seed, truth):
        photographs = data.load("photos", "train", 256)
        self.pairs = data.Pairs(photographs, Identity(), law, seed=seed, crop=64)
        self.law, self.truth = law, truth

    def __len__(self):
        return len(self.pairs)

    def batch(self, indices, generator):
        """(y, A), or with `truth` (y, A, x), of the images `indices`."""
        _, A, x = self.pairs.batch(indices, generator)
        y = self.law(x, generator=generator)
        return (y, A, x) if self.truth else (y, A)

    def to(self, device):
        """Move the photographs, in place."""
        self.pairs.to(device)


def row(problem, name, results):
    """One row, a fresh one against the fresh supervised network."""
    if name.endswith("fresh"):
        results = results | {(problem, "Supervised"): results[problem, "Supervised fresh"]}
    return denoising.row(problem, name, results)
