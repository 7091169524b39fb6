"""`course bench`: ours beside the reference library's (deepinv 0.5), in one process, in turns.

Both sides get the same inputs, and the losses the same network. A row has the median time of each
and the median of the ratios of neighbouring runs, which says more than the times where a machine
is shared. `make bench` sets up an environment with both libraries (tests/peer.sh).
"""

import json
import statistics
import subprocess
import sys
import time
import warnings

import torch
from tqdm.auto import tqdm

from .. import losses, models, noise, operators
from .._random import stream
from . import report

REPEATS = {"quick": 5, "full": 25}
FEW = ("Supervised", "R2R", "SURE")  # at the larger size
SIGMA, ANGLES = 0.1, 60


def inputs():
    """What both sides work on, by name."""
    g = stream(0, "course bench")
    r = torch.arange(9.0) - 4
    k = torch.exp(-(r[:, None] ** 2 + r**2) / 8)
    return {
        "x": torch.rand(8, 1, 128, 128, generator=g),
        "complex": torch.randn(8, 2, 128, 128, generator=g),
        "pixels": (torch.rand(1, 1, 128, 128, generator=g) < 0.5).float(),
        "kernel": k / k.sum(),
        "columns": operators.masks.gaussian((128, 128), 4, generator=g),
        "angles": torch.arange(ANGLES) * 180.0 / ANGLES,
        "masks": (torch.rand(8, 1, 64, 64, generator=g) < 0.7).float(),
    }


def operator_cases(inp):
    """{name: (ours, theirs)}, functions without arguments."""
    from deepinv import physics as P

    shape, x, z = (1, 128, 128), inp["x"], inp["complex"]
    pixels, kernel, columns, angles = (inp[k] for k in ("pixels", "kernel", "columns", "angles"))
    theirs = P.Tomography(angles, 128, circle=True, normalize=False)
    half = P.Downsampling(img_size=shape, filter=None, factor=2)
    pairs = {
        "inpainting": (operators.Inpainting(pixels), P.Inpainting(shape, pixels), x),
        "blur": (operators.Blur(kernel), P.BlurFFT(img_size=shape, filter=kernel[None, None]), x),
        "MRI ×4": (operators.MRI(columns), P.MRI(columns, img_size=(2, 128, 128)), z),
        "Radon": (operators.Radon(angles, 128, detectors=128), theirs, x),
        "decimation": (operators.Decimation(2), half, x),
    }
    cases = {}
    for name, (A, B, x) in pairs.items():
        y, w = A(x), B.A(x)
        cases[f"{name} A"] = (lambda A=A, x=x: A(x)), (lambda B=B, x=x: B.A(x))
        cases[f"{name} Aᵀ"] = (lambda A=A, y=y: A.adjoint(y)), (lambda B=B, w=w: B.A_adjoint(w))
    A, B, _ = pairs["Radon"]
    y, w = A(x), B.A(x)
    cases["Radon FBP"] = (lambda: A.filtered_backprojection(y)), (lambda: B.fbp(w))
    cases["Radon A†"] = (lambda: A.pinv(y)), (lambda: B.A_dagger(w))
    return cases


class Network(torch.nn.Module):
    """f(y, A) = net(Aᵀy), net the reference library's U-Net, as its ArtifactRemoval("adjoint")."""

    def __init__(self, widths):
        import deepinv

        super().__init__()
        torch.manual_seed(0)
        self.net = deepinv.models.UNet(1, 1, batch_norm=False, channels_per_scale=widths)

    def forward(self, y, A):
        return self.net(A.adjoint(y))


def step(f, value):
    """A training step: Adam on the weights of f for the loss that `value` computes."""
    optimizer = torch.optim.Adam(f.parameters(), lr=1e-4)

    def run():
        optimizer.zero_grad(set_to_none=True)
        loss = value(f)
        loss.backward()
        optimizer.step()
        return loss.item()

    return run


def step_cases(size=64, batch=8, widths=(16, 32, 64), precision="float32"):
    """{loss: (ours, theirs)}: one training step on `batch` images of size², the same network."""
    from deepinv import loss as L
    from deepinv import models as M
    from deepinv import physics as P

    g, widths = stream(0, "course bench, steps"), list(widths)
    x = torch.rand(batch, 1, size, size, generator=g)
    y = x + SIGMA * torch.randn(x.shape, generator=g)
    mask = (torch.rand(x.shape, generator=g) < 0.7).float()
    law, identity, masked = noise.Gaussian(SIGMA), operators.Identity(), operators.Inpainting(mask)
    noisy = P.GaussianNoise(SIGMA)
    denoise = P.Denoising(noisy)
    four = [P.Inpainting((1, size, size), m[None], noise_model=noisy) for m in mask[:4]]

    def ours(loss, A=identity, y=y, *truth):
        f = Network(widths)
        f = models.Mixed(f) if precision == "bf16" else f
        draws = torch.Generator().manual_seed(0)
        return step(f, lambda f: loss(f, y, A, *truth, generator=draws))

    def theirs(*terms, physics=denoise, y=y):
        f = M.ArtifactRemoval(Network(widths).net, mode="adjoint")
        for term in terms:
            f = term.adapt_model(f)
        f.train()
        more = {} if isinstance(f, M.ArtifactRemoval) else {"update_parameters": True}

        def value(f):
            found = f(y, physics, **more)
            parts = (t(x_net=found, x=x, y=y, physics=physics, model=f).mean() for t in terms)
            return sum(parts)

        return step(f, value)

    consistency = losses.MeasurementConsistency()
    return {
        "Supervised": (ours(losses.Supervised(), identity, y, x), theirs(L.SupLoss())),
        "R2R": (ours(losses.R2R(law, 0.15)), theirs(L.R2RLoss(alpha=0.15))),
        "SURE": (ours(losses.SURE(law)), theirs(L.SureGaussianLoss(SIGMA))),
        "UNSURE": (ours(losses.UNSURE()), theirs(L.SureGaussianLoss(SIGMA, unsure=True))),
        "Splitting": (ours(losses.Splitting(0.1)), theirs(L.SplittingLoss(split_ratio=0.9))),
        "Neighbor2Neighbor": (ours(losses.Neighbor2Neighbor()), theirs(L.Neighbor2Neighbor())),
        "MC + MOI": (
            ours(consistency + losses.MOI(), masked, masked(x)),
            theirs(L.MCLoss(), L.MOILoss(physics=four), physics=four[0], y=four[0].A(x)),
        ),
    }


def ratio(ours, theirs, repeats):
    """(median seconds of ours, of theirs, median of the ratios of neighbouring runs)."""
    for run in (ours, theirs, ours, theirs):
        run()
    began = time.perf_counter()
    theirs()
    times = max(1, min(50, int(0.05 / max(time.perf_counter() - began, 1e-6))))
    found = []
    for _ in range(repeats):
        pair = []
        for run in (ours, theirs):
            began = time.perf_counter()
            for _ in range(times):
                run()
            pair.append((time.perf_counter() - began) / times)
        found.append(pair)
    a, b = zip(*found, strict=True)
    each = statistics.median(one / other for one, other in found)
    return statistics.median(a), statistics.median(b), each


IMPORT = "import time, torch; t = time.perf_counter(); import {}; print(time.perf_counter() - t)"
PEAK = """
import warnings
warnings.filterwarnings("ignore")
import torch
from course_lib.experiments import bench
step = bench.step_cases()["SURE"][{}]
for _ in range(3): step()
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(int(peak.split()[1]) / 1024)
"""


def alone(code):
    """What a process of its own prints: one number."""
    command = [sys.executable, "-W", "ignore", "-c", code]
    found = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(found.stdout.split()[-1])


def measure(scale="quick", seeds=None, json_path=None):
    """All cases. Raises ValueError where the reference library is not installed."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import deepinv
    except ImportError as error:
        raise ValueError(
            "course bench compares with the reference library, which is not installed here; "
            "`make bench` sets up an environment with both."
        ) from error
    began, rows, inp = time.perf_counter(), [], inputs()

    def add(kind, cases):
        for name, (ours, theirs) in tqdm(cases.items(), desc=kind, leave=False):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                a, b, r = ratio(ours, theirs, REPEATS[scale])
            found = {"ms": 1e3 * a, "their_ms": 1e3 * b, "ratio": r}
            rows.append({"method": name, "problem": kind, **found})

    with torch.no_grad():
        add("operator", operator_cases(inp))
    add("step 8×64²", step_cases())
    add("step 2×128²", step_cases(128, 2))
    wide = step_cases(256, 8, (8, 16))
    add("step 8×256²", {name: wide[name] for name in FEW})
    for kind, shape in (("step 8×64² bf16", ()), ("step 8×256² bf16", (256, 8, (8, 16)))):
        cases = step_cases(*shape, precision="bf16")
        add(kind, {"Supervised": cases["Supervised"]})
    names = ("course_lib", "deepinv", "course_lib.noise", "course_lib.losses")
    extra = {
        "import_s": {name: alone(IMPORT.format(name)) for name in names},
        "peak_mb_of_a_sure_step": {name: alone(PEAK.format(i)) for i, name in enumerate(names[:2])},
    }
    meta = report.meta(scale, "cpu", [], time.perf_counter() - began)
    return {"meta": meta | {"deepinv": deepinv.__version__}, "rows": rows} | extra


def show(table):
    """Print the ratios, the imports and the memory."""
    report.show(table)
    print(json.dumps({k: table[k] for k in ("import_s", "peak_mb_of_a_sure_step")}, indent=1))
