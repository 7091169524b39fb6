"""SSDU, Noise2Inverse and RobustSSDU: E L = the stated risk + offset, and what f sees.

The risk is judged from what f was given and returned, with a random operator for each image.
Every check is also applied to mutants of the real source, which it refuses.
"""

import pytest
import torch
from montecarlo import estimate, generator
from undersampled import SCENES, swap, watched

from course_lib import losses

LOSSES = {
    "SSDU": lambda s: losses.SSDU(s.hidden),
    "Noise2Inverse": lambda s: losses.Noise2Inverse(s.hidden),
    "r2r": lambda s: losses.RobustSSDU(s.noise, s.hidden, alpha=0.3),
    "sure": lambda s: losses.RobustSSDU(s.noise, s.hidden, kept="sure", tau=0.5),
}
ROBUST = ("gaussian, pixels", "gaussian, columns", "poisson, pixels")
CASES = [("SSDU", where) for where in SCENES] + [("Noise2Inverse", "gaussian, columns")]
CASES += [(key, where) for key in ("r2r", "sure") for where in ROBUST]


def excess(key, scene, repeats=40):
    """E[loss] − offset − the risk that its docstring states, by pairs on the same y and masks."""
    loss = LOSSES[key](scene)

    def difference(g):
        y = scene.observe(g)
        value, calls = watched(loss, y, scene.A, g)
        kept, p = calls[0][1].outer.mask, scene.hidden
        weight = (1 - kept) / p.clamp_min(1e-9) + (kept if key in ("r2r", "sure") else 0)
        risk = (weight * scene.errors(calls[0][2])).mean()
        return value - loss.offset(scene.noise, y, scene.A) - risk

    return estimate(difference, repeats)


@pytest.mark.parametrize("key, where", CASES)
def test_the_loss_is_the_stated_risk_plus_the_offset(key, where):
    scene = SCENES[where]()
    found = excess(key, scene)
    assert abs(found.z()) < 4, f"biased by {found.mean:.4f} ± {found.error:.4f}"
    assert found.error < 0.1 * scene.noise.variance(scene.observe(generator())).mean()


def leak(key, where):
    """How far f's input moves with the hidden values, and how far A_a is from diag(1 − h) A."""
    scene, worst = SCENES[where](), 0.0
    loss, y = LOSSES[key](scene), scene.observe(generator())
    x = torch.randn(scene.x.shape, generator=generator(1), dtype=y.dtype)
    _, before = watched(loss, y, scene.A, generator(2))
    kept = before[0][1].outer.mask
    _, after = watched(loss, y + 600 * (1 - kept), scene.A, generator(2))
    assert 0 < kept.mean() < 1 and len(before) == loss.train_evals
    for (u, A_a, _), (changed, _, _) in zip(before, after, strict=True):
        for gap in (u - changed, (1 - kept) * u, A_a(x) - kept * scene.A(x)):
            worst = max(worst, float(gap.abs().max()))
        assert (kept * u).any()
    return worst


@pytest.mark.parametrize("key, where", [c for c in CASES if c[1].startswith("gaussian")])
def test_f_is_given_nothing_of_what_is_hidden(key, where):
    assert leak(key, where) == 0


MUTANTS = {  # (class, method, old, new): caught by `excess` on one of the scenes, or by `leak`
    "SSDU": {
        "not normalised": ("weight", "h / self.p.clamp_min(1e-12)", "h"),
        "normalised by the mean of p": ("weight", "self.p.clamp_min(1e-12)", "self.p.mean()"),
        "normalised by the mask's mean": (
            "weight", "self.p.clamp_min(1e-12)", "h.double().mean()",
        ),
        "normalised twice": ("weight", "self.p.clamp_min(1e-12)", "self.p.clamp_min(1e-12) ** 2"),
        "output mask missing": ("weight", "h / self.p.clamp_min(1e-12)", "torch.ones_like(h)"),
        "the kept in the loss": ("weight", "h / self.p", "~h / self.p"),
        "measured by A_a": ("forward", "onto=A", "onto=A_a"),
        "f is given A": ("split", "Inpainting(kept) @ A, h", "Inpainting(kept**0) @ A, h"),
        "f is given y": ("split", "return kept * y", "return y"),
        "half the square": ("forward", ".square()).mean()", ".square()).mean() / 2"),
        "offset missing": ("offset", "((self.p > 0) * noise.variance(y)).mean()", "0"),
        "offset of protected entries too": ("offset", "(self.p > 0) * noise", "noise"),
        "offset over the hidden share": ("offset", "(self.p > 0) *", "self.p *"),
    },
    "r2r": {
        "kept term forgotten": ("forward", " + k * (Af - y2).square()", ""),
        "y instead of y2": ("forward", "(Af - y2)", "(Af - y)"),
        "y1 instead of y2": ("forward", "(Af - y2)", "(Af - y1)"),
        "y instead of y1": ("forward", "k * y1, A_a", "k * y, A_a"),
        "kept term without its mask": ("forward", "k * (Af - y2)", "(Af - y2)"),
        "hidden weight missing": ("forward", "self.weight(h)", "h"),
        "hidden values given": ("forward", "k * y1, A_a", "y1, A_a"),
        "measured by A_a": ("forward", "A_a, A)\n            return", "A_a)\n            return"),
        "wrong alpha in the split": ("forward", "self.alpha, gen", "1 - self.alpha, gen"),
        "(1 − p) forgotten": ("offset", "(1 - self.p) / self.alpha", "1 / self.alpha"),
        "p for 1 − p": ("offset", "(1 - self.p) / self.alpha", "self.p / self.alpha"),
        "alpha forgotten in the offset": ("offset", "(1 - self.p) / self.alpha", "(1 - self.p)"),
        "wrong alpha in the offset": ("offset", "/ self.alpha", "/ (1 - self.alpha)"),
        "offset of the hidden missing": ("offset", "(self.p > 0) + kept", "kept"),
    },
    "sure": {
        "factor 1": ("forward", "2 * S", "1 * S"),
        "factor 3": ("forward", "2 * S", "3 * S"),
        "sign": ("forward", "(2 * S", "(-2 * S"),
        "variance forgotten": ("forward", "- self.noise.variance(y)", ""),
        "kept fit forgotten": ("forward", "(hidden + k) * fit", "hidden * fit"),
        "divergence and variance of all": ("forward", "k * (2 * S", "(2 * S"),
        "no SURE on the kept": ("forward", " + k * (2 * S - self.noise.variance(y))", ""),
        "hidden weight missing": ("forward", "self.weight(h)", "h"),
        "hidden values given": ("forward", "k * part, A_a", "part, A_a"),
        "measured by A_a": ("forward", "k * part, A_a, A)", "k * part, A_a)"),
        "offset of r2r": ("offset", 'if self.kept == "r2r" else 0', ""),
    },
}  # fmt: skip
OWNER = {"SSDU": "Splitting", "r2r": "RobustSSDU", "sure": "RobustSSDU"}


def refused(key):
    found = excess(key, SCENES["gaussian, pixels"](), 24)
    return abs(found.z()) > 5 or leak(key, "gaussian, columns") != 0


@pytest.mark.parametrize("key, name", [(key, name) for key in MUTANTS for name in MUTANTS[key]])
def test_a_mutant_of_the_loss_is_refused(key, name, monkeypatch):
    swap(monkeypatch, OWNER[key], *MUTANTS[key][name])
    assert refused(key)


ALL = LOSSES | {
    "WeightedSSDU": lambda s: losses.WeightedSSDU(s.hidden, s.density),
    "ENSURE": lambda s: losses.ENSURE(s.noise, s.density),
    "MOI": lambda s: losses.MOI(s.noise),
}


@pytest.mark.parametrize("key", ALL)
def test_the_generator_decides_and_nothing_is_remembered(key):
    """Nor is the global generator used, nor f kept in the loss's state."""
    scene = SCENES["gaussian, columns"]()
    y, loss, net = scene.observe(generator()), ALL[key](scene), torch.nn.Linear(4, 4).double()
    torch.manual_seed(0)
    state, before = torch.get_rng_state(), set(loss.state_dict())
    one, same, other = (
        loss(lambda u, A: net(A.adjoint(u)), y, scene.A, generator(seed)) for seed in (1, 1, 2)
    )
    loss.reconstruct(scene.f, y, scene.A, generator=generator(1))
    assert one == same != other
    assert torch.equal(torch.get_rng_state(), state)
    assert set(loss.state_dict()) == before and not list(loss.parameters())
    one.backward()
    assert net.weight.grad.abs().min() > 0
