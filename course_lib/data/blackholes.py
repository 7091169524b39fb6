"""Simulated black holes: rings and crescents with a jet or a hot spot, no image of a real one."""

from functools import cache

import numpy as np

FIELD = 160.0  # microarcseconds, the width of an image
COUNTS = {"train": 2000, "validation": 200, "test": 200}
KINDS = ("ring", "crescent")


def _draw(random, shape):
    """The parameters of `shape` images; lengths in microarcseconds."""
    angle = random.uniform(0, 2 * np.pi, (4, shape))
    return {
        "crescent": random.uniform(size=shape) < 0.5,
        "centre": random.uniform(-8, 8, (2, shape)),
        "radius": random.uniform(15, 30, shape),
        "width": random.uniform(3, 7, shape),
        "asymmetry": random.uniform(0.2, 0.9, shape),
        "toward": angle[0],
        "flattening": random.uniform(0.8, 1, shape),
        "axis": angle[1],
        "spot": random.uniform(0, 0.8, shape) * (random.uniform(size=shape) < 0.4),
        "place": angle[2],
        "jet": random.uniform(0.05, 0.25, shape) * (random.uniform(size=shape) < 0.4),
        "out": angle[3],
    }


def _sky(p, l, m):  # noqa: E741 (l and m are the coordinates of the sky)
    """The brightness at (l, m), largest value not normalised; p as from `_draw`, broadcast."""
    l, m = l - p["centre"][0], m - p["centre"][1]  # noqa: E741
    c, s = np.cos(p["axis"]), np.sin(p["axis"])
    a, b = c * l + s * m, (c * m - s * l) / p["flattening"]
    r, bright = np.hypot(a, b), np.cos(np.arctan2(b, a) - p["toward"])
    ring = np.exp(-(((r - p["radius"]) / p["width"]) ** 2) / 2) * (1 + p["asymmetry"] * bright)
    # a disc minus a smaller one off its centre, with soft edges (Kamruddin and Dexter 2013)
    inner = np.hypot(a + 0.35 * p["radius"] * np.cos(p["toward"]),
                     b + 0.35 * p["radius"] * np.sin(p["toward"]))  # fmt: skip
    soft = p["width"] / 2.5
    disc = 1 / (1 + np.exp((r - 1.2 * p["radius"]) / soft))
    hole = 1 / (1 + np.exp((0.85 * p["radius"] - inner) / soft))
    sky = np.where(p["crescent"], 1.5 * disc * hole, ring)
    spot = np.hypot(a - p["radius"] * np.cos(p["place"]), b - p["radius"] * np.sin(p["place"]))
    sky = sky + p["spot"] * np.exp(-((spot / 6) ** 2) / 2)
    along = a * np.cos(p["out"]) + b * np.sin(p["out"])
    across = b * np.cos(p["out"]) - a * np.sin(p["out"])
    jet = np.exp(-(across**2) / (2 * (6 + 0.1 * along.clip(0)) ** 2) - along.clip(0) / 30)
    return sky + p["jet"] * jet * (1 / (1 + np.exp(-(along - p["radius"]) / 4)))


@cache
def simulate(split, size):
    """(N, size, size), the brightest pixel of each 1, and the kind of each: "ring" or "crescent".

    A pixel is the mean of 2×2 points; the field is 160 μas wide, north up and east left. The same
    split has the same scenes at every size.
    """
    random = np.random.RandomState(list(COUNTS).index(split))
    p = _draw(random, COUNTS[split])
    axis = FIELD * ((2 * size - 1) / 2 - np.arange(2 * size)) / (2 * size)
    p = {k: v[..., None, None] for k, v in p.items()}
    images = []
    for first in range(0, COUNTS[split], 100):  # in parts: little memory
        part = {k: v[..., first : first + 100, :, :] for k, v in p.items()}
        fine = _sky(part, axis[None, None, :], axis[None, :, None])
        fine = fine.reshape(-1, size, 2, size, 2).mean((2, 4))
        images.append((fine / fine.max((1, 2), keepdims=True)).astype(np.float32))
    kinds = [KINDS[int(c)] for c in p["crescent"].flatten()]
    return np.concatenate(images), kinds
