"""One small training run, in this process or in one of its own: `python resumed.py FILE`."""

import sys
import time

import torch
from montecarlo import generator

from course_lib import losses, models, noise, operators, training
from course_lib.data import Measurements, simulate

NOISE = noise.Gaussian(0.1)
KINDS = {
    "UNSURE": (losses.UNSURE, 1),
    "SURE": (lambda: losses.SURE(NOISE), 1),
    "R2R": (lambda: losses.R2R(NOISE), 1),
    "Noise2Noise": (losses.Noise2Noise, 2),
}


class Watched(Measurements):
    """Calls `before(n)` ahead of its n-th batch, n = 0, 1, ..."""

    drawn, before = 0, None

    def batch(self, indices, generator=None):
        self.before(self.drawn)
        self.drawn += 1
        return super().batch(indices, generator)


def run(checkpoint=None, kind="UNSURE", steps=40, seed=0, before=lambda n: None, **options):
    """Train a small network; returns (f, loss, history)."""
    make, copies = KINDS[kind]
    x = torch.rand(6, 1, 12, 12, generator=generator())
    y = simulate(x, operators.Identity(), NOISE, copies=copies).tensors
    y = Watched(y, operators.Identity(), crop=8)
    y.before = before
    torch.manual_seed(seed)
    f, loss = models.BackProjection(models.UNet(widths=(4, 8))), make()
    history = training.fit(
        f,
        loss,
        y,
        steps=steps,
        batch=2,
        seed=seed,
        every=5,
        checkpoint=checkpoint,
        progress=False,
        **options,
    )
    return f, loss, history


if __name__ == "__main__":  # a run that takes its time and never ends by itself
    torch.set_num_threads(1)
    run(sys.argv[1], before=lambda n: time.sleep(0.02 if n < 35 else 3600))
