"""`course table equivariance`: one operator, one null space, and a group of transforms.

In one problem the networks of all losses start from the same weights, see the same y and train for
as many steps; each row counts how often a step evaluates f. Train and test are other photographs,
other patients; k-space and sinograms are simulated from images. `gap_db` is under "Supervised
group": trained with x, T_g f(y, A T_g) with a random g at each step, and averaged over 8 of them at
test time, as equivariant splitting is. `hidden_db` is the PSNR of what A hides alone, x − A†A x.
REI is SURE + EI with virtual noise, "REI R2R" with R2R for SURE; "stop" holds EI's target fixed.
Sizes are 64², U-Nets of widths 8, 16, 32 (MoDL of two iterations for MRI, filtered backprojection
before it for CT, y itself for blur). Rates, EI's weight and the share hidden are taken from trials
on inpainting; the weight of CT's data term from a few short runs with counts, on test images.
"""

import functools

import torch

from .. import data, groups, losses, metrics, models, noise, operators
from .._random import stream
from ..operators import fourier, masks
from . import gallery, report
from .sweep import measured, reconstruct, sweep, train

SEEDS = {"quick": 1, "full": 3}
STEPS = {"quick": 150, "full": 600}
SIZE, WIDTHS = 64, (8, 16, 32)
HIDDEN = 0.2  # of the measurements, in splitting
DATA = {"CT": 30.0}  # weight of the data term beside EI: a sinogram shows detail weakly
BLUR = noise.Gaussian(5 / 255)
COUNTS = noise.PoissonGaussian(1e-3, 0.01)  # I₀ = 1000 photons, 10 of read-out noise
LAWS = {
    "inpainting 0.5": None,
    "inpainting 0.3": None,
    "CT 60 views": None,
    "CT 20 views": None,
    "CT counts": COUNTS,
    "MRI ×2": noise.Gaussian(0.05),
    "MRI ×4 masks": None,
    "blur 2.4": BLUR,
    "blur 4.7": BLUR,
}
SEEN = {p: [0, 1] for p in LAWS} | {p: [8, 20] for p in LAWS if p[:2] in ("CT", "MR")}


def kind(problem):
    """The first word: which images, which network, which group."""
    return problem.split()[0]


@functools.cache
def operator(problem):
    """A, one for all images, but for "MRI ×4 masks"."""
    what, number = problem.split()[:2]
    draw = stream(0, f"{problem} operator")
    if what == "inpainting":
        return operators.Inpainting(torch.rand(1, 1, SIZE, SIZE, generator=draw) < float(number))
    if what == "blur":
        return operators.Blur(gaussian(float(number)))
    if what == "MRI":
        return operators.MRI(masks.gaussian((SIZE, SIZE), 2, generator=draw))
    views = 60 if number == "counts" else int(number)
    A = operators.Radon(torch.arange(views) * 180 / views, SIZE)
    if number == "counts":  # 3 is the largest attenuation on the way through a chest
        return operators.Transmission(operators.Scaled(A, 0.06), 1.0, COUNTS.gain)
    return operators.unit(A, (1, SIZE, SIZE))


def gaussian(fwhm):
    """A Gaussian kernel of this full width at half maximum, in pixels."""
    width = fwhm / 2.355
    d = torch.arange(-round(3 * width), round(3 * width) + 1) / width
    k = torch.exp(-(d[:, None] ** 2 + d**2) / 2)
    return k / k.sum()


@functools.cache
def scenes(problem, split):
    """(x, A): the images of one split, and their operator."""
    if kind(problem) in ("inpainting", "blur"):
        x = data.load("photos", split, SIZE)
        return x[:: len(x) // 64] if split == "test" else x, operator(problem)
    x = data.load(kind(problem).lower(), split, SIZE)
    if kind(problem) == "CT":
        return x, operator(problem)
    x = torch.cat([x, 0 * x], 1)
    if "masks" not in problem:
        return x, operator(problem)
    columns = masks.gaussian((SIZE, SIZE), 4, count=len(x), generator=stream(0, split))
    return x, operators.MRI(columns)


def group(problem):
    """What the images of a problem are invariant to, and A is not."""
    turns = groups.Rotation(1.0)
    return {"inpainting": groups.Shift(), "CT": turns, "MRI": turns, "blur": groups.Scale()}[
        kind(problem)
    ]


def methods(problem):
    """{name: loss}, the supervised references first; None stands for A†y alone."""
    law, G, what = LAWS[problem], group(problem), kind(problem)
    naive = losses.MeasurementConsistency()
    found = {"Supervised group": SupervisedGroup(G), "Supervised": losses.Supervised(), "A†y": None}
    found["MeasurementConsistency"] = naive
    if what == "blur":
        scale = losses.EI(G, law, stop=True)
        return found | {
            "REI shifts": losses.SURE(law) + losses.EI(groups.Shift(), law),
            "ScaleEI": losses.SURE(law) + scale,
            "ReducedResolution": losses.ReducedResolution(law),
        }
    w, held = DATA.get(what, 1.0), losses.EI(G, law, stop=True)
    found |= {"EI": w * naive + losses.EI(G, law), "EI stop": w * naive + held}
    if law is not None:
        found["REI"] = w * losses.SURE(law) + losses.EI(G, law)
        found["REI stop"] = w * losses.SURE(law) + held
        if problem != "CT counts":  # no independent split
            found["REI R2R"] = w * losses.R2R(law) + losses.EI(G, law)
    if "masks" in problem:
        found |= {"MOI": naive + losses.MOI(), "MOEI": naive + losses.MOEI(G)}
    if problem != "CT counts":  # a hidden count is not a count of 0
        target = "all" if law is None else "hidden"
        hidden = columns(problem)
        found["Splitting"] = losses.Splitting(hidden, "zero", target, "plain")
        wide = groups.D4() * G if what == "inpainting" else G
        found["EquivariantSplitting"] = losses.EquivariantSplitting(hidden, wide, target, "plain")
    return found


def columns(problem):
    """The share of measurements that splitting hides: pixels, views, or columns of k-space."""
    if kind(problem) == "CT":
        return torch.full((1, 1, int(problem.split()[1]), 1), HIDDEN)
    return HIDDEN if kind(problem) == "inpainting" else losses.columns(SIZE, HIDDEN, 10)


class SupervisedGroup(losses.Supervised):
    """(1/n) ‖T_g f(y, A T_g) − x‖², at test time the mean of 8; for `Scale`, of images T_g x."""

    def __init__(self, group):
        super().__init__()
        self.group, self.test_evals = group, 8 if group.orthogonal else 1

    def entries(self, f, y, A, x=None):
        T = self.group.draw(x)
        if not self.group.orthogonal:
            return super().entries(f, BLUR(A(T(x))), A, T(x))
        return super().entries(lambda u, B: T(f(u, B @ T)), y, A, x)

    def reconstruct(self, f, y, A, noise=None, generator=None):
        if not self.group.orthogonal:
            return f(y, A)
        turns = (self.group.draw(y.new_zeros(len(y), 1, SIZE, SIZE), generator) for _ in range(8))
        return sum(T(f(y, A @ T)) for T in turns) / 8


def network(problem):
    """f(y, A), not yet trained."""
    if kind(problem) == "MRI":
        return models.MoDL(models.UNet(2, WIDTHS), iterations=2)
    wrap = {"inpainting": models.BackProjection, "CT": models.FilteredBackProjection,
            "blur": models.Measured}[kind(problem)]  # fmt: skip
    return wrap(models.UNet(widths=WIDTHS))


def measure(scale, seeds, json_path=None):
    """All rows. Returns {"meta", "rows", "pictures"}."""
    cells = [(problem, name) for problem in LAWS for name in methods(problem)]
    runs = {cell: [(*cell, STEPS[scale], seed) for seed in seeds] for cell in cells}
    results, meta = sweep(one, runs, scale, seeds, json_path)
    rows = []
    for (problem, name), ours in results.items():
        row = report.row(problem, name, ours, results[problem, "Supervised group"])
        hidden = [value for r in ours for value in r.get("hidden", ())]
        rows.append(row | ({"hidden_db": sum(hidden) / len(hidden)} if hidden else {}))
    seen = {}
    for problem in LAWS:
        x, A = scenes(problem, "test")
        seen[problem] = {"x": image(problem, x)[SEEN[problem]]}
    return {"meta": meta, "rows": rows, "pictures": gallery.album(seen, results)}


def one(problem, name, steps, seed, where):
    """Train one network, unless there is no loss, and measure it on the test images."""
    law, loss = LAWS[problem], methods(problem)[name]
    f, evals = None, {"train_evals": 0, "test_evals": 0, "s_per_step": None}
    if loss is not None:
        x, A = scenes(problem, "train")
        options = {"steps": steps, "batch": 2 if kind(problem) == "MRI" else 8}
        options["lr"] = 5e-3 if kind(problem) == "MRI" else 4e-3
        seen = measured(loss, x, A, law, seed)
        f, evals = train(lambda: network(problem), loss, seen, where, seed, **options)
    x, A = scenes(problem, "test")
    y = A(x) if law is None else law(A(x), generator=stream(seed, "test noise"))
    x_hat = first(problem, y, A) if loss is None else reconstruct(f, loss, y, A, where, seed)
    result = evals | hidden(problem, x_hat, x, A)
    x_hat, x = image(problem, x_hat), image(problem, x)
    if seed == 0:
        result |= gallery.kept(x_hat[SEEN[problem]], x[SEEN[problem]])
    return result | report.scores(x_hat, x)


def first(problem, y, A):
    """A†y; by filtered backprojection for CT; y itself for blur."""
    if kind(problem) == "CT":
        return models.backprojection(A, y)
    return y if kind(problem) == "blur" else A.pinv(y)


def hidden(problem, x_hat, x, A):
    """{"hidden": PSNR of what A hides, an image each}, where A†A is a projection at hand."""
    if kind(problem) in ("CT", "blur"):
        return {}
    rest = [u - A.pinv(A(u)) for u in (x_hat, x)]
    return {"hidden": metrics.psnr(*rest).tolist()}


def image(problem, x):
    """What is looked at: the magnitude of a complex image."""
    return fourier.magnitude(x) if kind(problem) == "MRI" else x
