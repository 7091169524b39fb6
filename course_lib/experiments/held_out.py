"""`course table held-out`: the held-out score of each loss beside the true risk of its estimator.

One small network a row, trained with the loss on photographs in tiles of 32×32 and then, in
evaluation mode, scored by it on measurements of other photographs: score = loss − offset. Beside it
stands the true risk (1/m) ‖A x̂ − Ax‖² of what the loss reconstructs there, x̂ = `reconstruct`, and
their difference in standard errors, z, over groups of images and their noise. Rows whose loss says
that it `scores` its estimator must have a small z; those of the others need not, and
`validation.select` refuses them. The last two columns score these as `select` asks for it, by SURE
of `validation.Tested`, which is the risk of what is used; not for R2R of counts, whose draws are
not smooth in y.
Losses that are not the risk plus a constant, as they are by default (NO_RISK), have no row.
"""

import math

import torch

from .. import data, losses, models, noise, operators, validation
from .._random import stream
from ..operators import masks
from . import report
from .sweep import measured, named, sweep, train

SIZE, WIDTHS, BATCH, RATE = 32, (8, 16), 16, 4e-3
STEPS = {"quick": 200, "full": 2000}
SEEDS = {"quick": 1, "full": 3}
IMAGES, GROUPS = 256, 32  # of the test
KEPT, ACCELERATION, HIDDEN = 0.5, 2, 0.3
LAWS = {
    "denoising": noise.Gaussian(0.1),
    "Poisson": noise.Poisson(0.02),
    "Gamma": noise.Gamma(25),
    "Poisson-Gaussian": noise.PoissonGaussian(0.01, 0.05),
    "inpainting": noise.Gaussian(0.1),
    "MRI ×2": noise.Gaussian(0.05),
}
NO_RISK = ("BlindNoise2Score", "BlindSpotLikelihood", "EI", "EquivariantSplitting", "MOEI", "MOI",
           "MeasurementConsistency", "Neighbor2Neighbor", "ReducedResolution")  # fmt: skip


def methods(problem):
    """{name: loss} of one problem; a name begins with that of the class."""
    law = LAWS[problem]
    if problem == "inpainting":
        found = [losses.SURE(law), losses.R2R(law), losses.Noise2Noise(), losses.Splitting(HIDDEN),
                 losses.Noise2Inverse(HIDDEN)]  # fmt: skip
        return named(*found) | {"Splitting plain": losses.Splitting(HIDDEN, test="plain")}
    if problem == "MRI ×2":
        hidden = losses.columns(SIZE, HIDDEN, _centre())
        alike = losses.columns(SIZE, HIDDEN, centre=0, std=float("inf"))
        density = _columns((1, SIZE), 20_000, "density").mean(0, keepdim=True)
        found = [
            losses.SURE(law), losses.ENSURE(law, density), losses.Splitting(alike, fill="zero"),
            losses.SSDU(hidden), losses.WeightedSSDU(hidden, density),
            losses.Noise2Inverse(hidden, draws=20), losses.RobustSSDU(law, hidden),
        ]  # fmt: skip
        return named(*found) | {"RobustSSDU sure": losses.RobustSSDU(law, hidden, kept="sure")}
    if problem == "Poisson-Gaussian":
        return named(losses.SURE(law), losses.UNSUREPoissonGaussian())
    if problem != "denoising":
        return named(losses.SURE(law), losses.R2R(law))
    found = [
        losses.Supervised(), losses.Noise2Noise(), losses.R2R(law), losses.Noisier2Noise(law),
        losses.SURE(law), losses.UNSURE(), losses.UNSURECorrelated(), losses.Noise2Score(law),
        losses.Noise2Self(), losses.Noise2Void(), losses.Splitting(), losses.BlindSpotSURE(law),
    ]  # fmt: skip
    return named(*found) | {
        "Noise2Self single": losses.Noise2Self(test="single"),
        "Splitting one": losses.Splitting(test="one"),
        "Splitting plain": losses.Splitting(test="plain"),
    }


def scenes(problem, split):
    """(x, A): tiles of the photographs of one split, and the operator of each."""
    x = data.load("photos", split, SIZE)
    if split == "test":
        x = x[:: len(x) // IMAGES][:IMAGES]
    if problem == "inpainting":
        return x, operators.Inpainting(torch.rand(x.shape, generator=stream(0, split)) < KEPT)
    if problem == "MRI ×2":
        return torch.cat([x, 0 * x], 1), operators.MRI(_columns((SIZE, SIZE), len(x), split))
    return x, operators.Identity()


def _columns(size, count, name):
    return masks.gaussian(size, ACCELERATION, count=count, generator=stream(0, name))


def _centre():
    """The columns in the middle, which every mask measures."""
    return round(0.32 * SIZE / ACCELERATION)


def network(problem, name):
    """f(y, A), not yet trained."""
    if name == "BlindSpotSURE":
        return models.BackProjection(models.BlindSpot(widths=WIDTHS, spread=True))
    return models.BackProjection(models.UNet(2 if problem == "MRI ×2" else 1, WIDTHS))


def one(problem, name, seed, scale, where):
    """Train with one loss, and compare its held-out score with the risk."""
    loss, law = methods(problem)[name], LAWS[problem].to(where)
    train_on, test = (
        measured(loss, *scenes(problem, split), law, seed + more)
        for split, more in (("train", 0), ("test", 1000))
    )
    options = {"steps": STEPS[scale], "batch": BATCH, "lr": RATE}
    f, _ = train(lambda: network(problem, name), loss, train_on, where, seed, **options)
    scores = loss.scores(test.to(where).A)
    smooth = type(law) is noise.Gaussian or not isinstance(loss, losses.R2R)
    x = scenes(problem, "test")[0].to(where)
    score, risk, tested = compare(f, loss, test, x, law, smooth and not scores)
    return {"score": score, "risk": risk, "tested": tested, "scores": scores}


@torch.no_grad()
def compare(f, loss, test, x, law, used=False):
    """Of each group of images: loss − offset, the true risk of x̂, and, if `used`, SURE of x̂."""
    found, sure = ([], [], []), losses.SURE(law).eval()
    f.eval(), loss.eval()
    for i, items in enumerate(torch.arange(len(test)).tensor_split(GROUPS)):
        y, A, *given = test.batch(items)
        value = loss(f, y, A, *given, generator=stream(i, "score"))
        x_hat = loss.reconstruct(f, y, A, generator=stream(i, "draws"))
        found[0].append(value - loss.offset(law, y, A))
        found[1].append((A(x_hat) - A(x[items])).square().mean())
        if used:
            estimator = validation.Tested(f, loss, seed=i)
            found[2].append(sure(estimator, y, A, generator=stream(i, "probes")))
    return [[float(value) for value in values] for values in found]


def measure(scale, seeds, json_path=None):
    """All rows. Returns {"meta", "rows"}."""
    cells = [(problem, name) for problem in LAWS for name in methods(problem)]
    results, meta = sweep(one, cells, scale, seeds, json_path)
    return {"meta": meta, "rows": [row(*cell, ours) for cell, ours in results.items()]}


def row(problem, name, results):
    """One row; a seed has other noise and another network, so that errors are those of a mean."""
    score, risk = (torch.tensor([r[key] for r in results]) for key in ("score", "risk"))
    z, error = _z(score - risk)
    own = {"score": float(score.mean()), "score_error": _error(score)}
    own |= {"risk": float(risk.mean()), "difference_error": error, "z": z}
    tested = torch.tensor([r["tested"] for r in results])
    own |= {"tested": float(tested.mean()) if tested.numel() else None,
            "tested_z": _z(tested - risk)[0] if tested.numel() else None}  # fmt: skip
    shared = {"problem": problem, "method": name, "scores": results[0]["scores"]}
    return shared | {"seeds": len(results)} | own


def _error(values):
    """The standard error of the mean over seeds and groups."""
    return float(values.std() / math.sqrt(values.numel()))


def _z(difference):
    error = _error(difference)
    return (float(difference.mean()) / error if error else 0.0), error


def show(table):
    """Print a line for each loss."""
    report.show(table)
    print("score: held-out loss − offset; risk: of what reconstruct returns; z: how far a score is "
          "from it in standard errors; SURE of used: what `select` asks for.")  # fmt: skip
