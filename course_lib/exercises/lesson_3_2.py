"""The cases of lesson 3.2: the splitting loss, Q given what f sees, the K weight, the average."""

import torch

from .. import operators
from .case import Case, Draw


def f(u, A):
    """A reconstructor that shows what it was given."""
    return 0.4 * u.roll(1, -1) + torch.tanh(u) + 0.5 * A.adjoint(A(torch.ones_like(u))).roll(1)


def _scene(draw, shape):
    """(y, A): random masks, one for each image, and what they measure."""
    A = operators.Inpainting(draw.mask(*shape, share=0.8).double())
    return A(draw.normal(*shape)), A


def _hide(h, y, A):
    """(y_a, A_a)."""
    kept = (~h).to(y.dtype)
    return kept * y, operators.Inpainting(kept) @ A


def splitting_loss():
    """splitting_loss(f, y, A, h, p): (1/m) Σ_i (h_i/p)(A f(y_a, A_a) − y)_i²."""
    draw = Draw(321)
    for shape, p in (((2, 1, 4, 5), 0.4), ((3, 1, 6, 4), 0.25)):
        (y, A), h = _scene(draw, shape), draw.mask(*shape, share=p)
        y_a, A_a = _hide(h, y, A)

        def loss(*seen, B=A, target=y, weight=h / p):
            return (weight * (B(f(*seen)) - target).square()).mean()

        right, d, other = loss(y_a, A_a), A(f(y_a, A_a)) - y, _hide(~h, y, A)
        kept = [~h / q for q in (p, 1 - p, 1, (~h).double().mean())]  # other weights
        mistakes = {
            "f saw the hidden entries: give it y with these set to 0, and A_a.": loss(y, A),
            "give f the operator A_a, not A: it must not know what was measured.": loss(y_a, A),
            "f was given A_a and all of y: hide entries.": loss(y, A_a),
            "measure the output by A: A_a is 0 where you ask.": loss(y_a, A_a, B=A_a),
            "f was given the hidden entries, not the kept ones.": loss(*other),
            "h is true where hidden; you read it as kept.": [loss(*other, weight=w) for w in kept],
            "divide by p: the answer should not depend on how much is hidden.": right * p,
            "only hidden entries count: weigh the squares by h / p.": d.square().mean(),
            "divide by m p, not by how many happen to be hidden.": d[h].square().mean(),
            "this is the mean over the kept entries.": [loss(y_a, A_a, weight=w) for w in kept],
            "compare with y; you compared with its kept part.": loss(y_a, A_a, target=y_a),
            "this is the sum: divide by the number m of all entries.": right * y.numel(),
            "square the differences.": (h / p * d).mean(),
        }
        yield Case((f, y, A, h, p), right, mistakes, "one number, a mean over all entries of y")


def given_seen():
    """given_seen(masks, kept, p): the diagonal of E[AᵀA | SA] by Bayes' rule."""
    draw = Draw(322)
    for G, n, p in ((6, 5, 0.3), (9, 6, 0.7)):
        masks, kept = draw.mask(G, n, share=0.6).double(), torch.zeros(n).double()
        masks[0, :3], masks[2], masks[3, 0], kept[:2] = 1, 1, 0, 1
        masks[1] = torch.cat([masks[0, :3], 1 - masks[0, 3:]])
        fits, more = (masks >= kept).all(1), masks.sum(1) - kept.sum()

        def mean(chance, masks=masks):
            return chance.double() @ masks / chance.sum()

        chance = fits * p**more
        right = mean(chance)
        mistakes = {
            "this is E[AᵀA], over all masks: use what f sees.": masks.mean(0),
            "masks without all of `kept` can't have led to it: leave them out.": mean(p**more),
            "the masks that fit are not equally likely: a larger one had more to hide.": mean(fits),
            "each entry was hidden with chance p, not 1 − p.": mean(fits * (1 - p) ** more),
            "divide by the sum of the probabilities: they are given `kept`.": chance @ masks,
            "divide by the sum of the chances, not by the number of masks.": chance @ masks / G,
            "this is what f sees: other entries may have been measured too.": kept,
            "this is the share of the hidden ones alone; Q counts the kept, too.": right - kept,
        }
        recall = "the mean of the masks, each with its probability given `kept`"
        wanted = f"the diagonal of Q, ({n},)"
        yield Case((masks, kept, p), right, mistakes, wanted, recall)


def k_weight():
    """k_weight(h, p, pi): h (1 − π(1 − p))/(π p), 0 where p = 0."""
    draw = Draw(323)
    for n in (7, 12):
        pi, p = draw.uniform(n, low=0.2), draw.uniform(n, low=0.1, high=0.8)
        pi[3], p[:2] = 1.0, 0.0
        h = (draw.mask(n, share=0.6) & (p > 0)).double()
        h[2] = 1
        missed, target = 1 - pi * (1 - p), pi * p
        safe = target.clamp_min(1e-12)
        right = h * missed / safe
        mistakes = {
            "where p is 0 you divide by 0: use clamp_min.": h / (target / missed),
            "this is 1 / p, which weighs for the splits and forgets π.": h / p.clamp_min(1e-12),
            "this is 1 − K: divide by it.": h * target / missed,
            "this is 1 / K; the weight is 1 / (1 − K).": h * missed / (1 - pi).clamp_min(1e-12),
            "multiply by h: only hidden entries are targets.": missed / safe,
            "this is the square root, for the residual and not its square.": right.sqrt(),
            "the chance to be unseen is 1 − π(1 − p), not 1 − π p.": h * (1 - target) / safe,
            "the chance to be unseen is 1 − π(1 − p), not 1 − π.": h * (1 - pi) / safe,
            "this is 1 / (π p), for the risk on all entries, seen ones included.": h / safe,
        }
        yield Case((h, p, pi), right, mistakes, f"one weight per entry, ({n},)")


def average_over_splits():
    """average_over_splits(f, y, A, hidden): (1/N) Σ_t f(S_t y, S_t A)."""
    draw = Draw(324)
    for shape, N in (((2, 1, 4, 5), 4), ((1, 1, 3, 6), 7)):
        (y, A), h = _scene(draw, shape), draw.mask(N, *shape, share=0.4)
        h[0] |= ~h.any(0)  # every entry at least once
        count = h.sum(0)
        splits, opposite = ([_hide(m, y, A) for m in masks] for masks in (h, ~h))
        outputs = torch.stack([f(*split) for split in splits])
        right = outputs.mean(0)
        mistakes = {
            "this is f(y, A), the plain way: hide the entries of each mask first.": f(y, A),
            "f was given A: a split's operator is A_a.": sum(f(y_a, A) for y_a, _ in splits) / N,
            "f was given A_a and all of y: hide entries.": sum(f(y, A_a) for _, A_a in splits) / N,
            "f was given the hidden entries, not the kept ones.": sum(f(*s) for s in opposite) / N,
            "this is the slide's formula: it divides by N and by Σ h.": right / count,
            "this is (2.4.6), for A = I: take the plain mean.": (h * outputs).sum(0) / count,
            "this is the sum: divide by the number of masks.": right * N,
            "this is the output of one mask: average over all of them.": outputs[-1],
        }
        yield Case((f, y, A, list(h)), right, mistakes, f"one image each, {shape}")


EXERCISES = {"a": splitting_loss, "b": given_seen, "c": k_weight, "d": average_over_splits}
