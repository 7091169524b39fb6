"""WeightedSSDU: over random masks it is the supervised risk on all entries that f does not see.

Its identity is a sum over masks and needs no noise: it is checked to rounding, by going through
all masks. Noise adds the offset, which is checked by Monte Carlo.
"""

from itertools import combinations

import pytest
import torch
from montecarlo import estimate, generator
from mutants import missed
from slips import level, slip
from undersampled import SCENES, nonlinear, rows_of

from course_lib import losses, operators
from course_lib.losses import masking

# Entries (columns) 0 … 3: 1 is always measured, 1 and 3 are never hidden. All probabilities are
# quarters, so that masks of four equally likely levels of u in each entry are a complete list.
PI = torch.tensor([0.25, 1.0, 0.5, 0.75]).double()
P = torch.tensor([0.25, 0.0, 0.75, 0.0]).double()
LEVELS = (torch.arange(4).double() + 0.5) / 4
SIGNALS = {
    "pixels": (
        operators.Inpainting,
        operators.Identity(),
        torch.randn(1, 1, 1, 4, generator=generator(1), dtype=torch.float64),
    ),
    "columns of k-space": (
        rows_of,
        operators.MRI(torch.ones(3, 4).double()),
        torch.randn(1, 2, 3, 4, generator=generator(2), dtype=torch.float64),
    ),
}


def lists(p):
    """All (u_0, …, u_3), each alone in what it decides: an entry of probability 1 or 0 is fixed."""
    free = [LEVELS if 0 < q < 1 else LEVELS[:1] for q in p]
    return torch.cartesian_prod(*free)


INDEPENDENT = (lists(PI) < PI).double()


def both_sides(where, monkeypatch, M=INDEPENDENT):
    """(E L, the right-hand side) for one signal, over all masks M and all splits h."""
    kind, F, x = SIGNALS[where]
    pi, u = M.mean(0), lists(P)
    pairs = [M.repeat_interleave(len(u), 0), u.repeat(len(M), 1)]
    M, u = (part[:, None, None] for part in pairs)
    A, x, returned = kind(M), x.expand(len(M), -1, -1, -1), []
    monkeypatch.setattr(masking, "uniform", lambda *_: u)

    def f(y_a, A_a):
        returned.append(nonlinear(y_a, A_a))
        return returned[-1]

    value = losses.WeightedSSDU(P.view(1, 1, 1, 4), pi.view(1, 1, 1, 4))(f, A(x), A)
    unseen = (P > 0) * (1 - M * (u >= P))
    return float(value), float((unseen * (F(returned[0]) - F(x)).square()).mean())


@pytest.mark.parametrize("where", SIGNALS)
def test_the_loss_is_the_supervised_risk_on_all_that_f_does_not_see(where, monkeypatch):
    value, risk = both_sides(where, monkeypatch)
    assert value == pytest.approx(risk, rel=1e-12)


class Written(losses.WeightedSSDU):
    """The weights of the hidden, h_i/(1 − K_i), a piece at a time."""

    def numbers(self):
        return self.p, self.density

    def K(self, p, pi):
        return torch.nan_to_num((1 - pi) / (1 - pi * (1 - p)))  # 0/0: always seen

    def power(self):
        return 1.0

    def weight(self, h):
        p, pi = self.numbers()
        return h / (1 - self.K(p, pi)).clamp_min(1e-12) ** self.power()


WEIGHT_SLIPS = {
    "weights without K": slip(Written, K=lambda s, p, pi: 1 - p),
    "no weights": slip(Written, K=lambda s, p, pi: 0 * p),
    "root of the weights, which are for the residual": slip(Written, power=lambda s: 0.5),
    "density forgotten": slip(Written, K=lambda s, p, pi: 1 - p / (1 - pi * (1 - p))),
    "K of the hidden": slip(Written, K=lambda s, p, pi: 1 - pi * p / (1 - pi * p)),
    "mean of the density": slip(Written, numbers=lambda s: (s.p, s.density.mean())),
    "p for 1 − p": slip(Written, numbers=lambda s: (1 - s.p, s.density)),
}


@pytest.mark.parametrize("name", WEIGHT_SLIPS)
def test_a_slip_of_the_weights_is_refused(name, monkeypatch):
    monkeypatch.setattr(losses, "WeightedSSDU", WEIGHT_SLIPS[name])
    value, risk = both_sides("pixels", monkeypatch)
    assert not abs(value - risk) < 1e-2 * risk


def test_the_weights_are_their_formula(monkeypatch):
    one = both_sides("pixels", monkeypatch)
    monkeypatch.setattr(losses, "WeightedSSDU", Written)
    assert both_sides("pixels", monkeypatch) == pytest.approx(one, rel=1e-12)


def test_a_handful_of_systematic_slips_of_the_weights_is_refused(monkeypatch):
    def refused():
        value, risk = both_sides("pixels", monkeypatch)
        return not abs(value - risk) < 1e-9 * risk

    assert len(missed(losses.WeightedSSDU.weight, refused)) < 2


def test_masks_of_a_fixed_number_of_columns_obey_it_approximately(monkeypatch):
    """Two of the three columns 0, 2, 3, and always 1: what is seen tells how much was hidden."""
    picked = torch.zeros(3, 4, dtype=torch.float64)
    picked[:, 1] = 1
    for row, pair in zip(picked, combinations((0, 2, 3), 2), strict=True):
        row[list(pair)] = 1
    for where in SIGNALS:
        value, risk = both_sides(where, monkeypatch, picked)
        assert 1e-3 * risk < abs(value - risk) < 0.25 * risk


def excess(scene, repeats=40, never=(0.5,)):
    """E[loss] − offset − risk of `both_sides`, with noise, by pairs; π in `never`: never hidden."""
    hidden = scene.hidden * ~sum((scene.density - pi).abs() < 1e-6 for pi in never).bool()
    loss = losses.WeightedSSDU(hidden, scene.density)

    def difference(g):
        y, calls = scene.observe(g), []

        def f(u, A_a):
            calls.append((A_a, nonlinear(u, A_a)))
            return calls[-1][1]

        value = loss(f, y, scene.A, generator=g)
        A_a, x_hat = calls[0]
        unseen = (hidden > 0) * (1 - A_a.outer.mask * A_a.inner.mask)
        risk = (unseen * scene.errors(x_hat, scene.full)).mean()
        return value - loss.offset(scene.noise, y, scene.A) - risk

    return estimate(difference, repeats)


@pytest.mark.parametrize("where", ["gaussian, pixels", "gaussian, columns"])
def test_noise_adds_the_offset(where):
    found = excess(SCENES[where]())
    assert abs(found.z()) < 4 and found.error < 0.01


OFFSET_SLIPS = {
    "without K": lambda p, pi: p > 0,
    "density forgotten": lambda p, pi: (p > 0) * (1 - pi * (1 - p)),
    "of the never hidden too": lambda p, pi: (1 - pi * (1 - p)) / pi,
}


@pytest.mark.parametrize("name", OFFSET_SLIPS)
def test_a_slip_of_the_offset_is_refused(name, monkeypatch):
    def offset(self, noise, y, A=None):
        return (OFFSET_SLIPS[name](self.p, self.density) * level(noise, y, A)).mean()

    monkeypatch.setattr(losses, "WeightedSSDU", slip(losses.WeightedSSDU, offset=offset))
    assert abs(excess(SCENES["gaussian, columns"](), 32, (0.5, 0.8)).z()) > 5


@pytest.mark.parametrize("kind", [
    lambda pi: losses.WeightedSSDU(0.5, pi),
    lambda pi: losses.ENSURE(SCENES["gaussian, pixels"]().noise, pi),
])  # fmt: skip
@pytest.mark.parametrize("pi", [[0.0, 0.5], [0.5, 1.5], [-0.25, 1.0]])
def test_a_density_outside_0_1_is_refused(kind, pi):
    bad = next(p for p in pi if not 0 < p <= 1)
    words = rf"density .*{bad:g}\b.*; an entry that is never measured can't"
    with pytest.raises(ValueError, match=words) as caught:
        kind(torch.tensor(pi))
    assert str(caught.value).count("\n") == 0
    assert kind(torch.tensor([0.5, 1.0])).density.shape == (1, 1, 1, 2)
