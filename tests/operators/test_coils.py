"""Coil maps: the simulated ones, and the estimate from the middle of k-space."""

import math

import pytest
import torch
from linear import rand
from montecarlo import generator
from problems import mutant

from course_lib.operators import MultiCoilMRI, coils, fourier, masks

SIZE = (48, 48)


def phantom(size):
    """A complex image that fills an ellipse, as (1, 2, H, W), and the ellipse."""
    y, x = (torch.linspace(-1, 1, n, dtype=torch.float64) for n in size)
    y = y[:, None]
    inside = (x / 0.7) ** 2 + (y / 0.85) ** 2 < 1
    density = inside * (
        1 + 0.5 * (9 * x).sin() * (7 * y).cos() + 0.4 * ((x - 0.2) ** 2 + y**2 < 0.1)
    )
    z = torch.polar(density, x + 0.5 * y**2)
    return fourier.to_channels(z[None, None]), inside


def agreement(estimated, maps, inside):
    """The worst |⟨S, Ŝ⟩| inside: 1 when Ŝ is S up to a phase per pixel."""
    return float((estimated.conj() * maps).sum(0).abs()[inside].min())


def measured(count, mask, size=SIZE):
    x, inside = phantom(size)
    maps = coils.birdcage(count, size)
    A = MultiCoilMRI(mask, maps)
    return A(x), maps.to(torch.complex128), inside, A


@pytest.mark.parametrize("count", [1, 4, 7])
def test_simulated_maps_are_smooth_and_of_norm_one(count):
    maps = coils.birdcage(count, (32, 20))
    assert maps.shape == (count, 32, 20) and maps.is_complex()
    torch.testing.assert_close(maps.abs().square().sum(0), torch.ones(32, 20))
    assert max(maps.diff(dim=axis).abs().max() for axis in (1, 2)) < 0.12
    if count > 1:  # each is strongest on its own side
        assert len(set(maps.abs().flatten(1).argmax(1).tolist())) == count


@pytest.mark.parametrize("count", [2, 4, 8])
@pytest.mark.parametrize(
    "acceleration, centre, size", [(1, 24, SIZE), (3, 16, SIZE), (1, 20, (45, 32))]
)
def test_the_estimate_is_the_maps(count, acceleration, centre, size):
    mask = masks.gaussian(size, acceleration, centre, generator=generator())
    y, maps, inside, _ = measured(count, mask, size)
    estimated = coils.estimate(y, centre)[0]
    assert agreement(estimated, maps, inside) > 0.99
    norms = torch.linalg.vector_norm(estimated, dim=0)
    assert torch.allclose(norms[inside], torch.ones(()).double())
    assert ((norms < 1e-12) | ((norms - 1).abs() < 1e-6)).all() and not norms.all()


MUTANTS = {
    "patches not conjugated": ("spectrum, spectrum.conj()", "spectrum.conj(), spectrum"),
    "all singular vectors": ("s > threshold * s[0]", "s > -1"),
    "the smallest eigenvector": ("vector[..., -1]", "vector[..., 0]"),
    "transform of the wrong sign": ("fourier.ifft", "fourier.fft"),
    "coils exchanged": ("G.permute(2, 3, 0, 1)", "G.permute(2, 3, 1, 0)"),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_a_slip_in_the_estimate_is_caught(name, monkeypatch):
    monkeypatch.setattr(coils, "_espirit", mutant(coils._espirit, *MUTANTS[name]))
    y, maps, inside, _ = measured(4, torch.ones(SIZE))
    assert not agreement(coils.estimate(y)[0], maps, inside) > 0.99


def test_its_eigenvalue_is_one_inside():
    y, _, inside, _ = measured(4, torch.ones(SIZE))
    assert (coils.estimate(y, crop=0.99)[0].abs().sum(0) > 0)[inside].all()
    assert not coils.estimate(y, crop=1.01).any()


def test_it_explains_the_lines_that_it_was_not_made_from():
    y, _, _, A = measured(4, torch.ones(SIZE))
    half = masks.equispaced(SIZE, 2, centre=16, generator=generator())
    maps = coils.estimate(half * y, 16)
    x = MultiCoilMRI(half, maps).pinv(half * y, 100)
    missing = (1 - half) * (MultiCoilMRI(A.mask, maps)(x) - y)
    assert missing.norm() < 0.3 * ((1 - half) * y).norm()


def test_the_phase_is_that_of_the_principal_component():
    """The maps vary smoothly, although eigenvectors have no phase of their own."""
    y, _, inside, _ = measured(4, torch.ones(SIZE))
    estimated = coils.estimate(y)[0]
    steps = estimated.diff(dim=2).abs() * (inside[:, 1:] & inside[:, :-1])
    assert steps.max() < 0.05


def phase_left(estimate):
    """What is left of the phase of the coils' principal component in the maps, inside."""
    y, _, inside, _ = measured(4, torch.ones(SIZE))
    middle = fourier.to_complex(y[..., 12:36, 12:36])[0].flatten(1)
    principal = torch.linalg.eigh(middle @ middle.mH)[1][:, -1]
    component = torch.einsum("c,chw->hw", principal.conj(), estimate(y)[0])[inside]
    return float(component.angle().abs().max())


def test_the_phase_of_the_principal_component_is_0(monkeypatch):
    assert phase_left(coils.estimate) < 1e-6
    for slip in (("(phase.dtype), -phase)", "(phase.dtype), phase)"), ("-phase)", "0 * phase)")):
        wrong = mutant(coils._espirit, *slip)
        monkeypatch.setattr(coils, "_espirit", wrong)
        assert phase_left(coils.estimate) > 0.1
        monkeypatch.undo()


def test_a_simulated_coil_is_what_its_formula_says():
    """e^{iφ}/|q − r| up to the norm over the coils, with complex numbers, pixel by pixel."""
    C, n, d = 5, 9, 1.7
    maps, place = coils.birdcage(C, n, d), torch.linspace(-1, 1, n)
    for c in range(C):
        angle = 2 * math.pi * c / C
        for i, j in ((0, 0), (2, 7), (4, 4), (8, 3)):
            q = complex(place[j], place[i]) - d * complex(math.cos(angle), math.sin(angle))
            value = q / abs(q) ** 2 * complex(math.cos(angle), -math.sin(angle))
            alone = maps[:, i, j] / maps[c, i, j]  # up to the norm over the coils
            assert abs(complex(maps[c, i, j]) / abs(maps[c, i, j]) - value / abs(value)) < 1e-5
            others = [complex(place[j], place[i]) - d * complex(math.cos(a), math.sin(a))
                      for a in (2 * math.pi * k / C for k in range(C))]  # fmt: skip
            ratios = torch.tensor([abs(q) / abs(o) for o in others])
            torch.testing.assert_close(alone.abs(), ratios, rtol=1e-4, atol=1e-5)


def test_each_image_has_its_own_maps():
    y, _, _, _ = measured(3, torch.ones(SIZE))
    pair = torch.cat([y, y.flip(-1)])
    both = coils.estimate(pair)
    assert both.shape == (2, 3, *SIZE)
    torch.testing.assert_close(both[:1], coils.estimate(pair[:1]))


@pytest.mark.parametrize("arguments, message", [
    ((rand(1, 4, 16, 16), 17), r"centre is 17; .* fit in k-space, \(16, 16\)"),
    ((rand(1, 4, 16, 16), 6), "centre is 6; it must exceed kernel = 6"),
    ((rand(1, 4, 32, 32) * (torch.arange(32) % 2), 24), "centre is 24, not fully measured in y"),
    ((rand(1, 2, 32, 32), 24), "y has 2 channels"),
    ((rand(4, 32, 32), 24), "images are"),
])  # fmt: skip
def test_a_mistake_is_one_clear_sentence(arguments, message):
    with pytest.raises(ValueError, match=message):
        coils.estimate(*arguments)


@pytest.mark.parametrize("make, message", [
    *[(lambda d=d: coils.birdcage(4, SIZE, d), f"distance is {d:g} half-widths, which puts a coil")
      for d in (1.0, 0.5)],
    *[(lambda d=d: coils.birdcage(4, SIZE, d), f"distance is {d:g}; it must be a positive")
      for d in (0.0, -2.0, float("nan"), float("inf"))],
    (lambda: coils.birdcage(8, SIZE, 1.3), "distance is 1.3 half-widths"),
    (lambda: coils.birdcage(0, SIZE), "coils is 0"),
    (lambda: coils.birdcage(float("nan"), SIZE), "coils is nan"),
    (lambda: coils.birdcage(4, (8, 8, 8)), r"size is \(8, 8, 8\); use"),
    (lambda: coils.birdcage(4, (8, 2.5)), "size is 2.5"),
    (lambda: coils.birdcage(4, None), "size is None"),
    (lambda: coils.estimate(rand(1, 4, 16, 16), 0.08), "centre is 0.08"),
    (lambda: coils.estimate(rand(1, 4, 16, 16), 12.5), "centre is 12.5"),
    (lambda: coils.estimate(rand(1, 4, 16, 16), float("nan")), "centre is nan"),
    (lambda: coils.estimate(rand(1, 4, 16, 16), 12, 0), "kernel is 0"),
    *[(lambda t=t: coils.estimate(rand(1, 4, 16, 16), 12, threshold=t), f"threshold is {t:g}")
      for t in (0.0, 1.0, float("nan"))],
    (lambda: coils.estimate(rand(1, 4, 16, 16), 12, crop=float("nan")), "crop is nan"),
])  # fmt: skip
def test_nonsense_is_refused_in_one_sentence(make, message):
    with pytest.raises((ValueError, TypeError), match=rf"^{message}[^\n]*$"):
        make()


def test_coils_on_the_axes_may_be_near():
    assert coils.birdcage(4, 32, 1.2).shape == (4, 32, 32)
