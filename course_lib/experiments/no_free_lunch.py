"""`course table no-free-lunch`: every method under every question of the slides, measured.

Twice. On `chains`, where E[x | y] is exact, each cell is the excess over the MMSE in dB, on the
same test images: told the right noise, with one noisy copy, told 1.5 σ, and told "white Gaussian of
this variance" where the noise is Poisson, or correlated. On the photographs each cell is dB under
the supervised network of the same seed; there each method that asks for the noise is told the true
law, but for σ misspecified (1.5 σ) and varying (its root mean square). All plain networks start
from the same weights, and all methods see the same y. A method that refuses a law has a sentence in
place of a figure. The evaluations of f are counted, not quoted.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from tqdm.auto import tqdm

from .. import data, losses, metrics, models, noise, training
from .._random import stream
from ..operators import Identity
from . import denoising, report
from .chains import Chains, RowCorrelated
from .store import Store, beside

SIGMA = 0.1
WIDTHS = {"exact": (8, 16), "quick": (8, 16, 32), "full": (16, 32, 64)}
STEPS = {"exact": 400, "quick": 300, "full": 1000}
RATE = {"exact": 8e-3, "quick": 2e-3, "full": 2e-3}
CROP = {"quick": 32, "full": 64}
SEEDS = 3


@dataclass(frozen=True)
class Method:
    """How a row is trained: the loss, made from the law it is told, and the kind of network."""

    make: Callable  # (told law, steps) -> Loss
    told: bool = False  # does it use the law
    net: str = "plain"
    copies: int = 1


METHODS = {
    "Supervised": Method(lambda law, steps: losses.Supervised()),
    "Noise2Noise": Method(lambda law, steps: losses.Noise2Noise(), copies=2),
    "R2R": Method(lambda law, steps: losses.R2R(law, draws=10), told=True),
    "SURE": Method(lambda law, steps: losses.SURE(law), told=True),
    "Noise2Score": Method(lambda law, steps: losses.Noise2Score(law), told=True),
    "blind Noise2Score": Method(lambda law, steps: losses.BlindNoise2Score()),
    "UNSURE": Method(lambda law, steps: losses.UNSURE()),
    "UNSURE correlated": Method(lambda law, steps: losses.UNSURECorrelated()),
    "UNSURE Poisson-Gaussian": Method(lambda law, steps: losses.UNSUREPoissonGaussian()),
    "blind-spot posterior": Method(
        lambda law, steps: losses.BlindSpotSURE(law), told=True, net="spread"
    ),
    "blind-spot mean": Method(lambda law, steps: losses.MeasurementConsistency(), net="mean"),
    "Noise2Self": Method(lambda law, steps: losses.Noise2Self()),
    "Noise2Void": Method(lambda law, steps: losses.Noise2Void()),
    "Neighbor2Neighbor": Method(lambda law, steps: losses.Neighbor2Neighbor(ramp=steps)),
    "Splitting": Method(lambda law, steps: losses.Splitting(draws=10)),
    "naive": Method(lambda law, steps: losses.MeasurementConsistency()),
}


class Varying(noise.Noise):
    """y = Ax + σw, w ~ N(0, I), σ uniform in [low, high] and drawn once for each image."""

    def __init__(self, low, high):
        super().__init__()
        self.low, self.high = low, high

    def forward(self, Ax, generator=None):
        u = torch.rand(len(Ax), 1, 1, 1, generator=generator)
        w = torch.randn(Ax.shape, generator=generator)
        return Ax + (self.low + (self.high - self.low) * u) * w

    @property
    def rms(self):
        """√E σ²."""
        return ((self.low**2 + self.low * self.high + self.high**2) / 3) ** 0.5


def exact():
    """{question: (exact model, the law that the methods are told)}."""
    white, wrong = noise.Gaussian(SIGMA), noise.Gaussian(1.5 * SIGMA)
    chains = Chains(white)
    gain, levels = 0.065, (0.05, 0.25)
    counts = Chains(noise.Poisson(gain), levels)
    alike = noise.Gaussian((gain * sum(levels) / 2) ** 0.5)  # of the same mean variance
    return {
        "MMSE-optimal": (chains, white),
        "one copy": (chains, white),
        "unknown level": (chains, wrong),
        "unknown separable": (counts, alike),
        "unknown coloured": (Chains(RowCorrelated(SIGMA, 0.4)), white),
    }


def photographs():
    """{condition: (the noise, the law that the methods are told)}."""
    white, poisson, gamma = noise.Gaussian(SIGMA), noise.Poisson(0.02), noise.Gamma(25)
    both = noise.PoissonGaussian(0.01, 0.05)
    blurred, varying = noise.CorrelatedGaussian(torch.full((3, 3), SIGMA / 3)), Varying(0.03, 0.2)
    return {
        "Gaussian": (white, white),
        "Poisson": (poisson, poisson),
        "Gamma": (gamma, gamma),
        "Poisson-Gaussian": (both, both),
        "correlated": (blurred, blurred),
        "1.5 σ": (white, noise.Gaussian(1.5 * SIGMA)),
        "σ varies": (varying, noise.Gaussian(varying.rms)),
    }


def same(name, question):
    """The question whose network is the very same: who is told nothing can not be misled."""
    if METHODS[name].told:
        return "MMSE-optimal" if question == "one copy" else question
    if question == "one copy" and METHODS[name].copies == 1:
        return "MMSE-optimal"
    return {"unknown level": "MMSE-optimal", "1.5 σ": "Gaussian"}.get(question, question)


class Standardised(torch.nn.Module):
    """net on (y − mean)/std, brought back: the chains span a fifth of the range of photographs."""

    def __init__(self, net, mean, std):
        super().__init__()
        self.net, self.mean, self.std = net, mean, std

    def forward(self, y):
        u = self.net((y - self.mean) / self.std)
        mu, rest = u[:, :1], u[:, 1:]
        return torch.cat([mu * self.std + self.mean, rest], 1)


def network(kind, size, y):
    """The network of a method: a blind-spot network, or a plain one; for y of the exact model
    a small DnCNN on standardised values.
    """
    if kind != "plain":
        net = models.BlindSpot(widths=WIDTHS[size], spread=kind == "spread")
    elif size == "exact":
        net = models.DnCNN(depth=5, width=12)
    else:
        net = models.UNet(widths=WIDTHS[size])
    if size == "exact":
        net = Standardised(net, float(y.mean()), float(y.std()))
    return models.BackProjection(net)


def train(name, law, told, x, seed, size, crop=None, copies=None, device="cpu"):
    """(loss, f) trained on the images x under `law`, or the sentence with which it refuses."""
    method, A, steps = METHODS[name], Identity(), STEPS[size]
    copies = copies or method.copies
    kind = data.Pairs if name == "Supervised" else data.Measurements
    more = {} if name == "Supervised" else {"copies": copies}
    measurements = kind(x, A, law, seed=seed, crop=crop, **more)
    if copies < method.copies:  # the one copy stands for both
        measurements.tensors *= 2
    torch.manual_seed(seed)
    f = network(method.net, size, measurements.tensors[0]).to(device)
    try:
        loss = method.make(told, steps).to(device)
        loss(f, *measurements.batch(torch.arange(1)))
    except (NotImplementedError, ValueError) as error:
        return None, str(error)
    loss = method.make(told, steps).to(device)  # afresh: its multipliers have moved
    measurements.to(device)
    training.fit(f, loss, measurements, steps=steps, lr=RATE[size], seed=seed, progress=False)
    return loss, f


def one_exact(name, question, seed, device="cpu"):
    """One cell of the exact half: {"mse", "mmse"}, or {"refused"}."""
    if name == "Supervised" and question == "one copy":
        return {"refused": "Supervised needs x, not only y."}
    model, told = exact()[question]
    x = model.sample((2048, 1, 16, 32), stream(seed, "chains"))
    copies = 1 if question == "one copy" else None
    loss, f = train(name, model.noise, told, x, seed, "exact", None, copies, device)
    if loss is None:
        return {"refused": f}
    x = model.sample((256, 1, 16, 32), stream(seed, "test chains"))
    y = model.noise(x, generator=stream(seed, "test noise"))
    x_hat = denoising.denoise(loss, f, y, Identity(), device, batch=64)
    best = model.posterior_mean(y)
    return {"mse": _mse(x_hat, x), "mmse": _mse(best, x), "noisy": _mse(y, x)}


def one_photo(name, condition, seed, scale, device="cpu"):
    """One cell of the photographs: {"psnr"}, the mean over the test tiles, or {"refused"}."""
    law, told = photographs()[condition]
    x, test = data.load("photos", "train", 256), data.load("photos", "test", 256)
    test = test[::4] if scale == "quick" else test  # of nine tiles, one of each photograph
    loss, f = train(name, law, told, x, seed, scale, CROP[scale], None, device)
    if loss is None:
        return {"refused": f}
    y = law(test, generator=stream(seed, "test noise"))
    x_hat = denoising.denoise(loss, f, y, Identity(), device)
    return {"psnr": float(metrics.psnr(x_hat, test).mean()), "mse": _mse(x_hat, test)}


def _mse(x_hat, x):
    return float((x_hat - x).square().mean())


class Counted:
    """f, counting its calls."""

    def __init__(self, f):
        self.f, self.calls = f, 0

    def __call__(self, y, A):
        self.calls += 1
        return self.f(y, A)


def evaluations(name):
    """(in training, in test): how often the loss and its estimator call f, by counting."""
    method, A, x = METHODS[name], Identity(), torch.full((1, 1, 16, 16), 0.5)
    law = noise.Gaussian(SIGMA)
    f = Counted(network(method.net, "quick", x))
    loss, y = method.make(law, 10), [law(x) for _ in range(method.copies)]
    y = y[0] if method.copies == 1 else tuple(y)
    loss(f, y, A, *([x] if name == "Supervised" else []))
    trained, f.calls = f.calls, 0
    loss.eval().reconstruct(f, law(x), A)
    return trained, f.calls


def measure(scale, seeds=None, json_path=None):
    """All rows. Returns {"meta", "rows"}; finished runs are kept beside `json_path`."""
    began, store = time.perf_counter(), Store(beside(json_path))
    seeds = range(SEEDS if seeds is None else seeds)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    runs = [
        (half, name, question, seed)
        for seed in seeds
        for half, questions in (("exact", exact()), ("photographs", photographs()))
        for question in questions
        for name in METHODS
    ]
    for run in tqdm(runs, unit="cell"):
        half, name, question, seed = run
        key = _key(*run, scale)
        if key in store:
            continue
        start = time.perf_counter()
        if half == "exact":
            result = one_exact(name, key[2], seed, device)
        else:
            result = one_photo(name, key[2], seed, scale, device)
        store.put(key, result | {"seconds": round(time.perf_counter() - start, 2)})
    counts = {name: evaluations(name) for name in METHODS}
    rows = [
        row(half, name, question, seeds, scale, store) | _counts(counts[name])
        for half, questions in (("exact", exact()), ("photographs", photographs()))
        for name in METHODS
        for question in questions
    ]
    return {"meta": report.meta(scale, device, seeds, time.perf_counter() - began), "rows": rows}


def _counts(pair):
    return dict(zip(("train_evals", "test_evals"), pair, strict=True))


def _key(half, name, question, seed, scale):
    size = "exact" if half == "exact" else scale
    return (half, name, same(name, question), seed, STEPS[size], *WIDTHS[size])


def row(half, name, question, seeds, scale, store):
    """One cell: the mean over seeds of its gap, with the 95 % interval."""
    cell = {"problem": f"{half}: {question}", "method": name, "seeds": len(seeds)}
    results = [store[_key(half, name, question, seed, scale)] for seed in seeds]
    if "refused" in results[0]:
        return cell | {"gap_db": None, "gap_ci95_db": None, "note": results[0]["refused"]}
    if half == "exact":
        gaps = [10 * math.log10(r["mse"] / r["mmse"]) for r in results]
    else:
        best = [store[_key(half, "Supervised", question, seed, scale)] for seed in seeds]
        gaps = [b["psnr"] - r["psnr"] for b, r in zip(best, results, strict=True)]
        cell["psnr_db"] = sum(r["psnr"] for r in results) / len(results)
    gap, ci95 = metrics.interval(gaps)
    return cell | {"gap_db": gap, "gap_ci95_db": ci95 if len(gaps) > 1 else None, "note": None}


def grid(table, half):
    """(methods, questions, {(method, question): row}) of one half of a table."""
    prefix = f"{half}: "
    rows = [r for r in table["rows"] if r["problem"].startswith(prefix)]
    cells = {(r["method"], r["problem"].removeprefix(prefix)): r for r in rows}
    names, questions = (list(dict.fromkeys(k[i] for k in cells)) for i in (0, 1))
    return names, questions, cells


def show(table):
    """Print both halves, a line a method, in dB ± half the 95 % interval over seeds."""
    for half, what in (("exact", "dB over the MMSE"), ("photographs", "dB under supervised")):
        names, questions, cells = grid(table, half)
        print(f"{half}, {what}".ljust(34) + "".join(f"{q:>18}" for q in questions))
        for name in names:
            first = cells[name, questions[0]]
            evals = f"{first['train_evals']} train, {first['test_evals']} test"
            print(f"  {name:<24}".ljust(34) + "".join(_cell(cells[name, q]) for q in questions))
            if half == "exact":
                print(f"    evaluations: {evals}")
    report.about(table["meta"])


def _cell(row):
    if row["gap_db"] is None:
        return f"{'–':>18}"
    spread = "" if row["gap_ci95_db"] is None else f" ± {row['gap_ci95_db']:.2f}"
    return f"{row['gap_db']:.2f}{spread}".rjust(18)
