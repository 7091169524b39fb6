"""`course table denoising-budget`: where the gap under Poisson noise comes from, and bf16.

The photographs, noise and network of `course table denoising`. Poisson noise with three times the
steps: whether the gap to the supervised network is one of the steps. "fresh" rows draw new noise at
every step instead of keeping one noisy copy of each photograph: whether it is one of the data, and
their gap is to "Supervised fresh". White Gaussian noise, 250 steps and one seed: "SURE bf16", the
network in bf16, beside float32; few, as a CPU without instructions for bf16 takes nine times as
long for a step.
"""

from .. import data, models
from ..operators import Identity
from . import denoising
from .sweep import sweep

SEEDS = denoising.SEEDS
ROWS = {
    "poisson": ("Supervised", "R2R", "SURE", "Supervised fresh", "SURE fresh"),
    "gaussian": ("Supervised", "SURE", "SURE bf16"),
}


def measure(scale, seeds, json_path=None):
    """All rows. Returns {"meta", "rows"}."""
    steps = {"poisson": 3 * denoising.BUDGET[scale], "gaussian": denoising.BUDGET["quick"]}
    own = {"poisson": seeds, "gaussian": seeds[:1]}
    cells = [(problem, name) for problem in ROWS for name in ROWS[problem]]
    runs = {cell: [(*cell, steps[cell[0]], seed) for seed in own[cell[0]]] for cell in cells}
    results, meta = sweep(one, runs, scale, seeds, json_path)
    return {"meta": meta, "rows": [row(*c, results) | {"steps": steps[c[0]]} for c in cells]}


def one(problem, name, steps, seed, where):
    """Train and test one network."""
    law, (kind, _, variant) = denoising.NOISES[problem], name.partition(" ")
    loss = denoising.methods(problem, steps)[kind]
    precision = "bf16" if variant == "bf16" else "float32"
    anew = Fresh(law, seed, loss.needs_x) if variant == "fresh" else None
    return denoising.run(
        loss, models.UNet, law, seed, where, anew, steps=steps, precision=precision
    )


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
