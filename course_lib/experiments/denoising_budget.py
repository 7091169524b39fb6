"""`course table denoising-budget`: where the gap under Poisson noise comes from, and bf16.

The photographs, noise and network of `course table denoising`. "fresh" rows draw new noise at every
step instead of keeping one noisy copy of each photograph: whether the gap to the supervised network
is one of the data. "×3" rows train three times as long: whether it is one of the steps. Each gap is
to the supervised network of the same kind. White Gaussian noise, 100 steps: "SURE bf16", the
network in bf16, beside float32; few, as a CPU without instructions for bf16 takes twenty times as
long for a step.
"""

from .. import data, models
from ..operators import Identity
from . import denoising
from .sweep import sweep

SEEDS = denoising.SEEDS
FEW = 100  # steps under Gaussian noise
ROWS = {
    "gaussian": ("Supervised", "SURE", "SURE bf16"),
    "poisson": ("Supervised", "SURE", "Supervised fresh", "SURE fresh", "Supervised ×3", "R2R ×3"),
}


def measure(scale, seeds, json_path=None):
    """All rows. Returns {"meta", "rows"}."""
    cells = {(p, name): steps(p, name, scale) for p in ROWS for name in ROWS[p]}
    runs = {cell: [(*cell, count, seed) for seed in seeds] for cell, count in cells.items()}
    results, meta = sweep(one, runs, scale, seeds, json_path)
    return {"meta": meta, "rows": [row(*c, results) | {"steps": cells[c]} for c in cells]}


def steps(problem, name, scale):
    """Of training, by the name of the row."""
    count = FEW if problem == "gaussian" else denoising.BUDGET[scale]
    return 3 * count if name.endswith("×3") else count


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
    """One row, against the supervised network of the same kind."""
    variant = name.partition(" ")[2]
    own = f"Supervised {variant}" if (problem, f"Supervised {variant}") in results else "Supervised"
    return denoising.row(problem, name, results | {(problem, "Supervised"): results[problem, own]})
