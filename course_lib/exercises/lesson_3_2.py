"""The checks of lesson 3.2: the splitting loss, Q given what f sees, the K weight, the average."""

import torch

from .. import operators
from .answers import close, shown_by


def _scene(shape, generator):
    """(f, y, A): an f(y, A) that shows what it was given, and random masks, one for each image."""
    A = operators.Inpainting((torch.rand(shape, generator=generator) < 0.8).double())
    y = A(torch.randn(shape, generator=generator).double())

    def f(u, B):
        return 0.4 * u.roll(1, -1) + torch.tanh(u) + 0.5 * B.adjoint(B(torch.ones_like(u))).roll(1)

    return f, y, A


def _hide(h, y, A):
    """(y_a, A_a)."""
    kept = (~h).to(y.dtype)
    return kept * y, operators.Inpainting(kept) @ A


def a(splitting_loss):
    """Exercise 3.2.a: (1/m) Σ_i (h_i/p)(A f(y_a, A_a) − y)_i²."""
    generator = torch.Generator().manual_seed(321)
    for shape, p in (((2, 1, 4, 5), 0.4), ((3, 1, 6, 4), 0.25)):
        f, y, A = _scene(shape, generator)
        h = torch.rand(shape, generator=generator) < p
        answer = torch.as_tensor(splitting_loss(f, y, A, h, p)).double()
        if answer.numel() != 1:
            return "the answer must be one number, a mean over all entries of y."
        answer = answer.reshape(())
        y_a, A_a = _hide(h, y, A)

        def mean(x_hat, weight=h / p, B=A, target=y):
            return (weight * (B(x_hat) - target).square()).mean()

        right = mean(f(y_a, A_a))
        if close(answer, right):
            continue
        squares = (A(f(y_a, A_a)) - y).square()
        mistakes = {
            "f saw the hidden entries: give it y with these set to 0, and A_a.": mean(f(y, A)),
            "give f the operator A_a, not A: it must not know what was measured.": mean(f(y_a, A)),
            "f was given A_a and yet all of y: set the hidden entries to 0.": mean(f(y, A_a)),
            "measure the output by A: A_a is 0 on the entries that you ask for.": (
                mean(f(y_a, A_a), B=A_a)
            ),
            "f was given the hidden entries and should get the kept ones.": (
                mean(f(*_hide(~h, y, A)))
            ),
            "divide by p: the answer should not depend on how much is hidden.": right * p,
            "only hidden entries count: weigh the squares by h / p.": squares.mean(),
            "divide by m p, not by the number of entries that happen to be hidden.": (
                squares[h].mean()
            ),
            "compare with y; you compared with its kept part.": mean(f(y_a, A_a), target=y_a),
            "this is the sum: divide by the number m of all entries.": right * y.numel(),
            "square the differences.": (h / p * (A(f(y_a, A_a)) - y)).mean(),
        }
        kept = squares[~h].mean(), *(mean(f(y_a, A_a), ~h / q) for q in (p, 1 - p))
        if any(close(answer, wrong) for wrong in kept):
            return "this is the mean over the kept entries: take the hidden ones."
        return shown_by(answer, mistakes) or f"the loss is {right:.4f}, not {answer:.4f}."
    return None


def b(given_seen):
    """Exercise 3.2.b: the diagonal of E[AᵀA | SA] by Bayes' rule."""
    generator = torch.Generator().manual_seed(322)
    for G, n, p in ((6, 5, 0.3), (9, 6, 0.7)):
        masks = (torch.rand(G, n, generator=generator) < 0.6).double()
        masks[0, :3] = 1
        masks[1] = masks[0].clone()
        masks[1, 3:] = 1 - masks[0, 3:]
        masks[2] = 1
        kept = torch.zeros(n).double()
        kept[:2] = 1
        masks[3, 0] = 0
        answer = torch.as_tensor(given_seen(masks, kept, p)).double()
        if answer.shape != (n,):
            return (
                f"the answer has shape {tuple(answer.shape)}; the diagonal of Q is (n,) = {(n,)}."
            )
        fits, more = (masks >= kept).all(1).double(), masks.sum(1) - kept.sum()

        def mean(chance, masks=masks):
            return (chance[:, None] * masks).sum(0) / chance.sum()

        chance = fits * p**more
        right = mean(chance)
        if close(answer, right):
            continue
        mistakes = {
            "this is E[AᵀA], over all masks: use what f sees.": masks.mean(0),
            "masks that do not hold all of `kept` can't have led to it: leave them out.": (
                mean(p**more)
            ),
            "the masks that fit are not equally likely: a larger one had more to hide.": mean(fits),
            "each entry was hidden with probability p; you took 1 − p.": mean(
                fits * (1 - p) ** more
            ),
            "divide by the sum of the probabilities: they are given `kept`.": (
                (chance[:, None] * masks).sum(0)
            ),
            "divide by the sum of the probabilities, not by the number of masks.": (
                (chance[:, None] * masks).mean(0)
            ),
            "this is what f sees: other entries may have been measured too.": kept,
            "this is the share of the hidden ones alone; Q counts the kept entries too.": (
                right - kept
            ),
        }
        return shown_by(answer, mistakes) or (
            f"with {G} masks it differs by up to {(answer - right).abs().max():.3g}: it is the "
            "mean of the masks, weighted by the probability of each given `kept`."
        )
    return None


def c(k_weight):
    """Exercise 3.2.c: h (1 − π(1 − p))/(π p), 0 where p = 0."""
    generator = torch.Generator().manual_seed(323)
    for n in (7, 12):
        pi, p = 0.2 + 0.8 * torch.rand(2, n, generator=generator).double()
        p = 0.9 * (p - 0.2)
        pi[3], p[:2] = 1.0, 0.0
        h = ((torch.rand(n, generator=generator) < 0.6) & (p > 0)).double()
        h[2] = 1
        answer = torch.as_tensor(k_weight(h, p, pi)).double()
        if answer.shape != (n,):
            return f"the answer has shape {tuple(answer.shape)}; one weight per entry is {(n,)}."
        if answer.isnan().any() or answer.isinf().any():
            return "where p is 0 you divide by 0; the weight there is 0, so use clamp_min."
        seen = pi * (1 - p)
        right = h * (1 - seen) / (pi * p).clamp_min(1e-12)
        if close(answer, right):
            continue
        mistakes = {
            "this is 1 / p, which weighs for the splits and forgets π.": h / p.clamp_min(1e-12),
            "this is 1 − K: divide by it.": h * pi * p / (1 - seen),
            "this is 1 / K; the weight is 1 / (1 − K).": h * (1 - seen) / (1 - pi).clamp_min(1e-12),
            "multiply by h: only hidden entries are targets.": (
                (1 - seen) / (pi * p).clamp_min(1e-12)
            ),
            "this is the square root: (1 − K)^(−1/2) goes on the residual, this on its square.": (
                right.sqrt()
            ),
            "f does not see an entry with probability 1 − π(1 − p), not 1 − π p.": (
                h * (1 - pi * p) / (pi * p).clamp_min(1e-12)
            ),
            "f does not see an entry with probability 1 − π(1 − p), not 1 − π.": (
                h * (1 - pi) / (pi * p).clamp_min(1e-12)
            ),
            "this is 1 / (π p): its expectation is the risk on all entries, seen ones included.": (
                h / (pi * p).clamp_min(1e-12)
            ),
        }
        return shown_by(answer, mistakes) or (
            f"for {n} entries it differs by up to {(answer - right).abs().max():.3g}."
        )
    return None


def d(average_over_splits):
    """Exercise 3.2.d: (1/N) Σ_t f(S_t y, S_t A)."""
    generator = torch.Generator().manual_seed(324)
    for shape, draws in (((2, 1, 4, 5), 4), ((1, 1, 3, 6), 7)):
        f, y, A = _scene(shape, generator)
        hidden = list(torch.rand(draws, *shape, generator=generator) < 0.4)
        hidden[0] |= ~torch.stack(hidden).any(0)  # every entry at least once
        answer = torch.as_tensor(average_over_splits(f, y, A, hidden)).double()
        if answer.shape != shape:
            return f"the answer has shape {tuple(answer.shape)}; one image each is {shape}."
        h, count = torch.stack(hidden).double(), torch.stack(hidden).double().sum(0)
        outputs = torch.stack([f(*_hide(m, y, A)) for m in hidden])
        right = outputs.mean(0)
        if close(answer, right):
            continue

        def mean(give, hidden=hidden):
            return torch.stack([give(m) for m in hidden]).mean(0)

        mistakes = {
            "this is f(y, A), the plain way: hide the entries of each mask first.": f(y, A),
            "f was given A: the operator of a split is A_a, without the hidden entries.": (
                mean(lambda m, f=f, y=y, A=A: f(_hide(m, y, A)[0], A))
            ),
            "f was given A_a and yet all of y: set the hidden entries to 0.": (
                mean(lambda m, f=f, y=y, A=A: f(y, _hide(m, y, A)[1]))
            ),
            "f was given the hidden entries and should get the kept ones.": (
                mean(lambda m, f=f, y=y, A=A: f(*_hide(~m, y, A)))
            ),
            "this is the slide's formula: it divides by N and by how often an entry was hidden.": (
                right / count
            ),
            "this is (2.4.6), for A = I. Pixels are not entries of y here: take the plain mean.": (
                (h * outputs).sum(0) / count
            ),
            "this is the sum: divide by the number of masks.": outputs.sum(0),
            "this is the output of one mask: average over all of them.": outputs[-1],
        }
        return shown_by(answer, mistakes) or (
            f"with {draws} masks it differs by up to {(answer - right).abs().max():.3g}."
        )
    return None
