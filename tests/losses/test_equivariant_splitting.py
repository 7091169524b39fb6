"""Equivariant splitting: its expectation over masks and shifts, an equivariant estimator, slips."""

import itertools

import pytest
import torch
from montecarlo import estimate, generator
from slips import slip

from course_lib import groups, losses, operators
from course_lib.losses.base import apply
from course_lib.operators import dense

N = 6
P = torch.tensor([0.0, 0.4, 0.4, 0.5, 0.4, 0.4]).double()  # one pixel is always kept
SHIFTS = groups.Shift()
LINE = (1, 1, N)
T = dense(SHIFTS.elements((1, N)), LINE).double().reshape(N, N, N)
SEEN = torch.tensor([1.0, 1, 0, 1, 1, 0]).double()
A = operators.Inpainting(SEEN.view(1, 1, 1, N))
M = torch.randn(N, N, generator=generator(4), dtype=torch.float64) / N**0.5
C = torch.tensor([[0.7 ** min(abs(i - j), N - abs(i - j)) for j in range(N)] for i in range(N)])
ROOT = torch.linalg.cholesky(C.double())


def f(y, A):
    """M Aᵀy: linear, not equivariant."""
    return (A.adjoint(y).reshape(-1, N) @ M.T).view(-1, *LINE)


def closed_form(hidden_only):
    """E over h, g and x of the loss: f̄ = T_g M T_gᵀAᵀ diag(1 − h)."""
    total = 0.0
    D = torch.diag(SEEN)
    for h in itertools.product((0.0, 1.0), repeat=N):
        h = torch.tensor(h).double()
        weight = (h * P + (1 - h) * (1 - P)).prod()
        R = D @ T @ M @ T.mT @ D @ torch.diag(1 - h) - D  # (g, N, N), A f̄ − Ax
        error = torch.einsum("gij,jk,gik->gi", R, C.double(), R).mean(0)
        entries = h / P.clamp_min(1e-9) if hidden_only else torch.ones(N)
        total = total + weight * (entries * error).mean()
    return total


class Written(losses.EquivariantSplitting):
    """f̄, a piece at a time."""

    def back(self, T, x):
        return T(x)

    def inner(self, B, T):
        return B @ T

    def drawn(self, y, g):
        return self.group.draw(y, g)

    def entries(self, f, y, A, noise=None, generator=None):
        T = self.drawn(y, generator)
        return losses.Splitting.entries(
            self, lambda u, B: self.back(T, apply(f, u, self.inner(B, T))), y, A, noise, generator
        )


def excess(kind, target):
    loss = kind(P.view(1, 1, 1, N), SHIFTS, target=target)
    truth = closed_form(target == "hidden")

    def difference(g):
        x = (torch.randn(128, N, generator=g, dtype=torch.float64) @ ROOT.T).view(-1, *LINE)
        return loss(f, A(x), A, generator=g) - truth

    return estimate(difference, 150), float(truth)


@pytest.mark.parametrize("target", ["all", "hidden"])
@pytest.mark.parametrize("kind", [losses.EquivariantSplitting, Written])
def test_the_expectation_is_that_of_the_averaged_family(kind, target):
    found, truth = excess(kind, target)
    assert abs(found.z()) < 4 and found.error < 0.02 * truth


SLIPS = {
    "T⁻¹ for T": slip(Written, back=lambda s, T, x: T.adjoint(x)),
    "A without T": slip(Written, inner=lambda s, B, T: B),
    "T on the wrong side": slip(Written, inner=lambda s, B, T: T @ B),
    "no turn at all": slip(Written, back=lambda s, T, x: x, inner=lambda s, B, T: B),
    "one element alone": slip(
        Written, drawn=lambda s, y, g: s.group.elements(y.shape[-2:])[torch.ones(len(y)).long()]
    ),
    "half the square": slip(Written, entries=lambda s, right, *a, **k: right(*a, **k) / 2),
}


@pytest.mark.parametrize("name", SLIPS)
def test_a_slip_is_caught(name):
    assert abs(excess(SLIPS[name], "all")[0].z()) > 6


SQUARE = operators.Inpainting((torch.rand(1, 1, 6, 6, generator=generator(2)) < 0.6).double())
W = torch.randn(36, 36, generator=generator(3), dtype=torch.float64) / 6


def square(y, A):
    return (A.adjoint(y).flatten(1) @ W.T).view_as(y)


class Three(losses.EquivariantSplitting):
    """An average over three of four quarter turns."""

    def element(self, t, like, generator):
        return super().element(t % 3, like, generator)


@pytest.mark.parametrize("kind", [losses.EquivariantSplitting, Three])
@pytest.mark.parametrize("group", [groups.Rotation(90), groups.D4()], ids=["C4", "D4"])
def test_what_is_reconstructed_is_equivariant(kind, group):
    """f̄(y, A T_h) = T_h⁻¹ f̄(y, A), if every element is in the average once."""
    loss = kind(0.4, group, test="plain", draws=group.count)
    y = SQUARE(torch.rand(2, 1, 6, 6, generator=generator()).double())
    h = group.elements((6, 6))[1]
    one, other = loss.reconstruct(square, y, SQUARE), loss.reconstruct(square, y, SQUARE @ h)
    assert torch.allclose(h.adjoint(one), other, atol=1e-12) == (kind is not Three)


def test_at_test_time_masks_hide_what_the_loss_hides_and_draws_are_counted():
    seen = []

    def look(y, A):
        seen.append((y != 0).double().mean().item())
        return A.adjoint(y)

    y = torch.ones(8, 1, 6, 6).double()
    loss = losses.EquivariantSplitting(0.25, groups.D4())
    loss.reconstruct(look, y, operators.Identity(), generator=generator())
    assert len(seen) == loss.test_evals == 8
    assert abs(sum(seen) / 8 - 0.75) < 0.03
    seen.clear()
    loss = losses.EquivariantSplitting(0.25, groups.D4() * groups.Shift(), test="plain", draws=3)
    loss.reconstruct(look, y, operators.Identity(), generator=generator())
    assert seen == [1, 1, 1]


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: losses.EquivariantSplitting(0.2, groups.Scale()), "Scale has none"),
        (lambda: losses.EquivariantSplitting(0.2, groups.Amplitude()), "needs T_g⁻¹ = T_gᵀ"),
        (lambda: losses.EquivariantSplitting(0.2, groups.D4(), test="one"), "test is 'one'"),
        (lambda: losses.EquivariantSplitting(1.0, groups.D4()), "hidden"),
    ],
)
def test_bad_input_is_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()
