"""SSDU, Noise2Inverse and RobustSSDU: E L = the stated risk + offset, and what f sees.

The risk is judged from what f was given and returned, with a random operator for each image.
Every check is also applied to slips of these losses, which it refuses.
"""

import pytest
import torch
from montecarlo import estimate, generator
from mutants import missed
from slips import level, offsets, scales, slip
from undersampled import SCENES, Robust, Split, watched

from course_lib import losses, operators

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


def given_all(s, right, y, A, u):
    y_a, _, h = right(y, A, u)
    return y_a, operators.Inpainting(torch.ones_like(y)) @ A, h


SLIPS = {  # caught by `excess` on one of the scenes, or by `leak`
    "SSDU": {
        "not normalised": slip(Split, weight=lambda s, h: h),
        "normalised by the mean of p": slip(Split, weight=lambda s, h: h / s.p.mean()),
        "normalised by the mask's mean": slip(Split, weight=lambda s, h: h / h.double().mean()),
        "normalised twice": slip(Split, weight=lambda s, right, h: right(right(h))),
        "output mask missing": slip(Split, weight=lambda s, h: torch.ones_like(h)),
        "the kept in the loss": slip(Split, weight=lambda s, right, h: right(~h)),
        "measured by A_a": slip(Split, onto=lambda s, A, A_a: A_a),
        "f is given A": slip(Split, split=given_all),
        "f is given y": slip(Split, split=lambda s, right, y, A, u: (y, *right(y, A, u)[1:])),
        **scales(losses.SSDU),
        **offsets(
            losses.SSDU,
            protected_too=lambda s, noise, y, A: level(noise, y, A).mean(),
            hidden_share=lambda s, noise, y, A: (s.p * level(noise, y, A)).mean(),
        ),
    },
    "r2r": {
        "kept term forgotten": slip(Robust, inputs=lambda s, k: 0),
        "y instead of y2": slip(Robust, pair=lambda s, y, y1, y2: (y1, y)),
        "y1 instead of y2": slip(Robust, pair=lambda s, y, y1, y2: (y1, y1)),
        "y instead of y1": slip(Robust, pair=lambda s, y, y1, y2: (y, y2)),
        "pair swapped": slip(Robust, pair=lambda s, y, y1, y2: (y2, y1)),
        "kept term without its mask": slip(Robust, inputs=lambda s, k: 1),
        "hidden weight missing": slip(Robust, weight=lambda s, h: h),
        "hidden values given": slip(Robust, shown=lambda s, k, u: u),
        "measured by A_a": slip(Robust, onto=lambda s, A, A_a: A_a),
        "wrong alpha in the split": slip(Robust, share=lambda s: 1 - s.alpha),
        "(1 − p) forgotten": slip(
            Robust, offset=lambda s, n, y, A: (((s.p > 0) + 1 / s.alpha) * level(n, y, A)).mean()
        ),
        "p for 1 − p": slip(
            Robust, offset=lambda s, n, y, A: (((s.p > 0) + s.p / s.alpha) * level(n, y, A)).mean()
        ),
        "alpha forgotten in the offset": slip(
            Robust, offset=lambda s, n, y, A: (((s.p > 0) + 1 - s.p) * level(n, y, A)).mean()
        ),
        "wrong alpha in the offset": slip(
            Robust,
            offset=lambda s, n, y, A: (
                ((s.p > 0) + (1 - s.p) / (1 - s.alpha)) * level(n, y, A)
            ).mean(),
        ),
        "offset of the hidden missing": slip(
            Robust, offset=lambda s, n, y, A: ((1 - s.p) / s.alpha * level(n, y, A)).mean()
        ),
    },
    "sure": {
        "factor 1": slip(Robust, stein=lambda s, right, k, S, v: right(k, S / 2, v)),
        "factor 3": slip(Robust, stein=lambda s, right, k, S, v: right(k, 1.5 * S, v)),
        "sign": slip(Robust, stein=lambda s, right, k, S, v: right(k, -S, v)),
        "variance forgotten": slip(Robust, stein=lambda s, right, k, S, v: right(k, S, 0 * v)),
        "kept fit forgotten": slip(Robust, inputs=lambda s, k: 0),
        "divergence and variance of all": slip(
            Robust, stein=lambda s, right, k, S, v: right(1, S, v)
        ),
        "no SURE on the kept": slip(Robust, stein=lambda s, k, S, v: 0),
        "hidden weight missing": slip(Robust, weight=lambda s, h: h),
        "hidden values given": slip(Robust, shown=lambda s, k, u: u),
        "measured by A_a": slip(Robust, onto=lambda s, A, A_a: A_a),
        "offset of r2r": slip(
            Robust,
            offset=lambda s, n, y, A: (((s.p > 0) + (1 - s.p) / s.alpha) * level(n, y, A)).mean(),
        ),
    },
}
CLASS = {"SSDU": "SSDU", "r2r": "RobustSSDU", "sure": "RobustSSDU"}
WRITTEN = {"SSDU": Split, "r2r": Robust, "sure": Robust}


def refused(key):
    found = excess(key, SCENES["gaussian, pixels"](), 24)
    return abs(found.z()) > 5 or leak(key, "gaussian, columns") != 0


@pytest.mark.parametrize("key, name", [(key, name) for key in SLIPS for name in SLIPS[key]])
def test_a_slip_of_the_loss_is_refused(key, name, monkeypatch):
    monkeypatch.setattr(losses, CLASS[key], SLIPS[key][name])
    assert refused(key)


@pytest.mark.parametrize("key", WRITTEN)
def test_the_loss_is_its_formula(key, monkeypatch):
    scene = SCENES["gaussian, columns"]()
    y, real = scene.observe(generator()), LOSSES[key](scene)
    monkeypatch.setattr(losses, CLASS[key], WRITTEN[key])
    pair = (
        loss(scene.f, y, scene.A, generator=generator(1)) for loss in (real, LOSSES[key](scene))
    )
    torch.testing.assert_close(*pair, rtol=1e-12, atol=0)


def test_a_handful_of_systematic_slips_is_refused():
    def caught():
        return refused("r2r") or refused("sure")

    assert len(missed(losses.RobustSSDU.entries, caught, 8)) < 2


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
        loss(lambda u, A: net(A.adjoint(u)), y, scene.A, generator=generator(seed))
        for seed in (1, 1, 2)
    )
    loss.reconstruct(scene.f, y, scene.A, generator=generator(1))
    assert one == same != other
    assert torch.equal(torch.get_rng_state(), state)
    assert set(loss.state_dict()) == before and not list(loss.parameters())
    one.backward()
    assert net.weight.grad.abs().min() > 0
