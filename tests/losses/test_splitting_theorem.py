"""The theorem of splitting in closed form: n = 4, x ~ N(0, C), f linear for each set of inputs.

The minimiser of the splitting loss is E[x | Sy, SA] where Q = E[AᵀA | SA] has full rank. Here A
keeps some of four pixels, S some of those. The loss is the library's, on points whose second
moments are exactly those of x and of the noise, over all masks and splits: its value for linear f
is E L to rounding, and the minimiser is a linear system.
"""

from itertools import product

import pytest
import torch
from slips import slip
from undersampled import Robust

from course_lib import losses, noise, operators
from course_lib.losses import masking

N, SIGMA, ALPHA, TAU = 4, 0.6, 0.3, 0.5
C = torch.tensor([[0.8 ** abs(i - j) for j in range(N)] for i in range(N)]).double()
P = torch.tensor([0.0, 0.5, 0.5, 0.5]).double()  # pixel 0 is never hidden
SPLITS = torch.tensor([(0, *bits) for bits in product((0, 1), repeat=3)])  # h
ALL = torch.tensor([(1, *bits) for bits in product((0, 1), repeat=3)]).double()
ONE = ALL[-2:-1]  # pixel 3 is never measured
TWO = torch.tensor([[1, 1, 1, 0], [1, 0, 1, 1]]).double()


class Points(noise.Gaussian):
    """Gaussian noise whose draws are given, one after the other."""

    def __init__(self, draws):
        super().__init__(SIGMA)
        self.draws = draws

    def draw(self, y, generator=None):
        return self.draws


def points(masks, noisy):
    """(x, ε, w, A, h): all masks × all splits × 12 points with E[(x, ε, w)(x, ε, w)ᵀ] exact."""
    scale = SIGMA * torch.eye(N).double()
    root = torch.block_diag(torch.linalg.cholesky(C), scale if noisy else 0 * scale, scale)
    x, eps, w = ((12**0.5) * root.T).split(N, 1)
    m, s, k = torch.cartesian_prod(
        torch.arange(len(masks)), torch.arange(len(SPLITS)), torch.arange(12)
    ).T
    x, eps, w, M, h = (part[:, None, None] for part in (x[k], eps[k], w[k], masks[m], SPLITS[s]))
    return x, eps, w, operators.Inpainting(M), h


def seen_by(A):
    """Which set of inputs SA is, a number whose bits are the pixels."""
    mask = A.outer.mask * A.inner.mask
    return (mask.flatten(1) @ torch.tensor([1.0, 2, 4, 8]).double()).long()


def least(make, masks, noisy, monkeypatch):
    """For each set S of inputs (W_S, rank): the W of least norm that minimises E L, f = W_S y_a,
    and how many of the 4 |S| numbers in W_S the loss determines."""
    x, eps, w, A, h = points(masks, noisy)
    monkeypatch.setattr(masking, "uniform", lambda *_: torch.where(h == 1, 0.1, 0.9).double())
    loss, y, inputs = make(Points(w)), A(x) + A(eps), []

    def value(W):
        def f(y_a, A_a):
            inputs.append(seen_by(A_a))
            seen = A_a.outer.mask * A_a.inner.mask
            return (W[inputs[-1]] @ (seen * y_a).view(-1, N, 1)).view_as(y_a)

        return loss(f, y, A)

    W = torch.zeros(16, N, N, dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(value(W), W, create_graph=True)
    found = {}
    for S in inputs[0].unique().tolist():
        rows = [torch.autograd.grad(g, W, retain_graph=True)[0][S].flatten()
                for g in gradient[S].flatten()]  # fmt: skip
        H = torch.stack(rows)
        best = -torch.linalg.pinv(H, rtol=1e-9) @ gradient[S].detach().flatten()
        found[S] = best.view(N, N), int(torch.linalg.matrix_rank(H, rtol=1e-9))
    return found


def pixels(S):
    return torch.tensor([(S >> i) & 1 for i in range(N)]).double()


def posterior(S, variance):
    """W with W Sy = E[x | Sy] for noise of this variance."""
    keep = torch.diag(pixels(S))
    return C @ keep @ torch.linalg.pinv(keep @ (C + variance * torch.eye(N).double()) @ keep)


def Q(masks, S):
    """E[AᵀA | SA]: over the masks that contain S, with the chance that the rest was hidden."""
    s = pixels(S)
    fitting = masks[((1 - masks) * s).sum(1) == 0]
    chance = (0.5 ** fitting[:, 1:].sum(1))[:, None]
    return torch.diag((chance * fitting).sum(0) / chance.sum())


def close(a, b):
    torch.testing.assert_close(a, b, rtol=0, atol=1e-12)


FULL = {
    "full loss": lambda law: losses.Splitting(P, fill="zero", target="all", test="plain"),
    "SSDU": lambda law: losses.SSDU(P),
    "WeightedSSDU": lambda law: losses.WeightedSSDU(P, torch.tensor([1.0, 0.5, 0.5, 0.5])),
    "Noise2Inverse": lambda law: losses.Noise2Inverse(P),
}


@pytest.mark.parametrize("key", FULL)
def test_with_all_masks_f_is_the_posterior_mean_to_rounding(key, monkeypatch):
    """Without noise. The losses on hidden entries alone leave the inputs to the data, y = x."""
    found = least(FULL[key], ALL, False, monkeypatch)
    assert len(found) == 8
    for S, (W, rank) in found.items():
        assert torch.linalg.matrix_rank(Q(ALL, S)) == N
        exact, rows = posterior(S, 0), slice(None) if key == "full loss" else pixels(S) == 0
        close(W[rows], exact[rows])
        assert rank == len(exact[rows]) * pixels(S).sum()
        close(exact[pixels(S) == 1], torch.diag(pixels(S))[pixels(S) == 1])


def test_with_one_mask_the_rank_is_three_and_the_unseen_pixel_is_undetermined(monkeypatch):
    for S, (W, rank) in least(FULL["full loss"], ONE, False, monkeypatch).items():
        exact = posterior(S, 0)
        assert torch.linalg.matrix_rank(Q(ONE, S)) == 3 and rank == 3 * pixels(S).sum()
        close(W[:3], exact[:3])
        assert not W[3].any() and exact[3].abs().max() > 0.5


def test_with_two_masks_f_is_right_for_exactly_the_inputs_that_both_could_give(monkeypatch):
    found, ranks = least(FULL["full loss"], TWO, False, monkeypatch), []
    for S, (W, _) in found.items():
        ranks.append(int(torch.linalg.matrix_rank(Q(TWO, S))))
        error = (W - posterior(S, 0)).abs().max()
        assert error < 1e-12 if ranks[-1] == N else error > 0.1
    assert ranks.count(N) == 2 and ranks.count(3) == 4  # {0} and {0, 2} are parts of both masks


# Noisy measurements


def test_the_full_loss_is_the_identity_on_the_input_entries(monkeypatch):
    for S, (W, rank) in least(FULL["full loss"], ALL, True, monkeypatch).items():
        seen = pixels(S) == 1
        close(W[seen], torch.diag(pixels(S))[seen])
        close(W[~seen], posterior(S, SIGMA**2)[~seen])
        assert rank == N * seen.sum()


@pytest.mark.parametrize("key", ["SSDU", "WeightedSSDU", "Noise2Inverse"])
def test_the_complement_alone_leaves_the_inputs_undetermined(key, monkeypatch):
    for S, (W, rank) in least(FULL[key], ALL, True, monkeypatch).items():
        seen = pixels(S) == 1
        close(W[~seen], posterior(S, SIGMA**2)[~seen])
        assert not W[seen].any() and rank == (~seen).sum() * seen.sum()


ROBUST = {  # the loss, and the noise of what f is given: y1 of R2R, y⁺ of SURE
    "r2r": (lambda law: losses.RobustSSDU(law, P, alpha=ALPHA), SIGMA**2 / (1 - ALPHA)),
    "sure": (lambda law: losses.RobustSSDU(law, P, "sure", tau=TAU), SIGMA**2 * (1 + TAU**2)),
}


@pytest.mark.parametrize("key", ROBUST)
def test_with_a_term_for_the_inputs_f_is_the_posterior_mean(key, monkeypatch):
    make, variance = ROBUST[key]
    for S, (W, rank) in least(make, ALL, True, monkeypatch).items():
        close(W, posterior(S, variance))
        assert rank == N * pixels(S).sum()


def test_with_one_mask_it_is_so_on_what_that_mask_measures(monkeypatch):
    make, variance = ROBUST["r2r"]
    for S, (W, _) in least(make, ONE, True, monkeypatch).items():
        close(W[:3], posterior(S, variance)[:3])
        assert not W[3].any()


SLIPS = {
    "y instead of y2": ("r2r", slip(Robust, pair=lambda s, y, y1, y2: (y1, y))),
    "kept term forgotten": ("r2r", slip(Robust, inputs=lambda s, k: 0)),
    "another alpha": ("r2r", slip(Robust, share=lambda s: s.alpha / 2)),
    "factor 1": ("sure", slip(Robust, stein=lambda s, right, k, S, v: right(k, S / 2, v))),
    "factor 3": ("sure", slip(Robust, stein=lambda s, right, k, S, v: right(k, 1.5 * S, v))),
}


@pytest.mark.parametrize("name", SLIPS)
def test_a_slip_has_another_minimiser(name, monkeypatch):
    key, wrong = SLIPS[name]
    monkeypatch.setattr(losses, "RobustSSDU", wrong)
    make, variance = ROBUST[key]
    found = least(make, ALL, True, monkeypatch)
    assert max((W - posterior(S, variance)).abs().max() for S, (W, _) in found.items()) > 0.02
