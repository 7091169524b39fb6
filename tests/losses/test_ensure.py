"""ENSURE: the error on every entry, given that it is measured, each counted alike."""

import pytest
import torch
from montecarlo import estimate, generator
from mutants import missed
from slips import scales, seen, slip
from undersampled import SCENES

from course_lib import losses

TAU = 0.5


def excess(where, blank=False, repeats=40):
    """E[loss] − offset − (1/m) Σ_i E[(F f(y⁺, A) − Fx)_i² | i is measured], by pairs.

    blank: y = 0 where nothing is measured, instead of noise.
    """
    scene = SCENES[where]()
    loss = losses.ENSURE(scene.noise, scene.density, TAU)

    def difference(g):
        y, returned = scene.observe(g), []

        def f(u, A):
            returned.append(scene.f(u, A))
            return returned[-1]

        inner = getattr(scene.A, "inner", scene.A)
        y = inner.mask * y if blank else y
        value = loss(f, y, scene.A, generator=g)
        share = inner.mask / scene.density
        risk = (share * scene.errors(returned[0], scene.full)).mean()
        return value - loss.offset(scene.noise, y, scene.A) - risk

    return estimate(difference, repeats)


@pytest.mark.parametrize(
    "where, blank",
    [
        ("gaussian, pixels", False),
        ("gaussian, pixels", True),
        ("gaussian, columns", False),
        ("gaussian, columns", True),
        ("poisson, pixels", False),
    ],
)
def test_the_loss_is_the_error_on_all_entries_alike(where, blank):
    found = excess(where, blank)
    assert abs(found.z()) < 4, f"biased by {found.mean:.4f} ± {found.error:.4f}"
    assert found.error < 0.02


class Written(losses.ENSURE):
    """The loss as it is displayed, a piece at a time."""

    def at(self, y, plus, minus):
        return plus, minus

    def fit(self, a, b):
        return (a.square() + b.square()) / 2

    def divergence(self, S):
        return 2 * S

    def level(self, v):
        return v

    def divided(self, L, fit):
        return L / self.density

    def forward(self, f, y, A, noise=None, generator=None):
        plus, minus, q = self.noise.twins(y, self.tau, generator)
        a, b = (A(f(u, A)) - seen(A, y) for u in self.at(y, plus, minus))
        fit = self.fit(a, b)
        L = fit + self.divergence(q * (a - b)) - self.level(seen(A, self.noise.variance(y)))
        return self.divided(L, fit).mean()


SLIPS = {
    "density forgotten": slip(Written, divided=lambda s, L, fit: L),
    "density the wrong way up": slip(Written, divided=lambda s, L, fit: L * s.density),
    "root of the density": slip(Written, divided=lambda s, L, fit: L / s.density.sqrt()),
    "mean of the density": slip(Written, divided=lambda s, L, fit: L / s.density.mean()),
    "density of the fit alone": slip(
        Written, divided=lambda s, L, fit: L + (1 / s.density - 1) * fit
    ),
    "factor 1": slip(Written, divergence=lambda s, S: S),
    "factor 3": slip(Written, divergence=lambda s, S: 3 * S),
    "sign": slip(Written, divergence=lambda s, S: -2 * S),
    "fit not halved": slip(Written, fit=lambda s, a, b: a.square() + b.square()),
    "variance forgotten": slip(Written, level=lambda s, v: 0),
    "σ for σ²": slip(Written, level=lambda s, v: v.sqrt()),
    "at y": slip(Written, at=lambda s, y, plus, minus: (y, minus)),
    **scales(losses.ENSURE),
}


@pytest.mark.parametrize("name", SLIPS)
def test_a_slip_of_the_loss_is_refused(name, monkeypatch):
    monkeypatch.setattr(losses, "ENSURE", SLIPS[name])
    assert abs(excess("gaussian, pixels", repeats=20).z()) > 5


def test_a_handful_of_systematic_slips_is_refused():
    def refused():
        return abs(excess("gaussian, pixels", repeats=20).z()) > 5

    assert len(missed(losses.ENSURE.entries, refused)) < 2


def test_the_loss_is_its_formula():
    scene = SCENES["gaussian, columns"]()
    y = scene.observe(generator())
    pair = (kind(scene.noise, scene.density) for kind in (losses.ENSURE, Written))
    one, two = (loss(scene.f, y, scene.A, generator=generator(1)) for loss in pair)
    torch.testing.assert_close(one, two, rtol=1e-12, atol=0)


def test_with_every_entry_measured_it_is_sure():
    scene = SCENES["gaussian, columns"]()
    y = scene.observe(generator())
    ensure, sure = losses.ENSURE(scene.noise, 1.0, TAU), losses.SURE(scene.noise, tau=TAU)
    one, two = (loss(scene.f, y, scene.full, generator=generator(1)) for loss in (ensure, sure))
    torch.testing.assert_close(one, two, rtol=1e-12, atol=0)
    assert ensure.train_evals == sure.train_evals == 2


def test_the_step_is_positive():
    with pytest.raises(ValueError, match="tau is 0; it must be a positive number"):
        losses.ENSURE(SCENES["gaussian, pixels"]().noise, 0.5, tau=0)
