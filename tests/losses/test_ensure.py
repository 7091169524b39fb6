"""ENSURE: the error on every entry, given that it is measured, each counted alike."""

import pytest
import torch
from montecarlo import estimate, generator
from undersampled import SCENES, swap

from course_lib import losses

TAU = 0.5


def excess(where, blank=False, repeats=40):
    """E[loss] − offset − (1/m) Σ_i E[(F f(y⁺, A) − Fx)_i² | i is measured], by pairs.

    blank: y = 0 where nothing is measured, instead of noise; then a known constant is missing.
    """
    scene = SCENES[where]()
    loss = losses.ENSURE(scene.noise, scene.density, TAU)

    def difference(g):
        y, returned = scene.observe(g), []

        def f(u, A):
            returned.append(scene.f(u, A))
            return returned[-1]

        inner = getattr(scene.A, "inner", scene.A)
        v = scene.noise.variance(y)
        y = inner.mask * y if blank else y
        value = loss(f, y, scene.A, generator=g)
        constant = ((1 - inner.mask) * v / scene.density).mean() if blank else 0
        share = inner.mask / scene.density
        risk = (share * scene.errors(returned[0], scene.full)).mean()
        return value + constant - loss.offset(scene.noise, y, scene.A) - risk

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


MUTANTS = {
    "density forgotten": ("L / self.density.to(y.dtype)", "L"),
    "density the wrong way up": ("L / self.density", "L * self.density"),
    "root of the density": ("self.density.to(y.dtype)", "self.density.to(y.dtype).sqrt()"),
    "mean of the density": ("self.density.to(y.dtype)", "self.density.mean()"),
    "density of the fit alone": ("(L / self.density.to(y.dtype))",
                                 "(L + (1 / self.density - 1) * fit)"),
    "factor 1": ("2 * q", "1 * q"),
    "factor 3": ("2 * q", "3 * q"),
    "sign": ("2 * q * (plus - minus)", "2 * q * (minus - plus)"),
    "fit not halved": ("square()) / 2", "square())"),
    "variance forgotten": (" - self.noise.variance(y)", ""),
    "at y": ("measured(f, plus, A), measured(f, minus, A)",
             "measured(f, y, A), measured(f, minus, A)"),
}  # fmt: skip


@pytest.mark.parametrize("name", MUTANTS)
def test_a_mutant_of_the_loss_is_refused(name, monkeypatch):
    swap(monkeypatch, "ENSURE", "forward", *MUTANTS[name])
    assert abs(excess("gaussian, pixels", repeats=20).z()) > 5


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
