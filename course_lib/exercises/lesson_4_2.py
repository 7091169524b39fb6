"""The cases of lesson 4.2: the average over a group, the map of EI, a ghost."""

import torch

from .case import Case, Draw


def average():
    """average(f, y, A, T): (1/|G|) Σ_g T_g f(y, A T_g)."""
    draw = Draw(421)
    for G, m, n in ((3, 3, 5), (4, 2, 4)):
        A, y = draw.normal(m, n), draw.normal(m)
        T = torch.linalg.qr(draw.normal(G, n, n))[0]

        def f(y, A):
            return torch.tanh(A.mT @ y) + 0.1 * A.square().sum(0)

        each = torch.stack([f(y, A @ t) for t in T])
        turned = torch.einsum("gij,gj->gi", T, each)
        mistakes = {
            "turn each answer by T_g: f(y, A T_g) is the image T_g⁻¹x.": each.mean(0),
            "T_g⁻¹ turns the wrong way: f(y, A T_g) is already T_g⁻¹x.": torch.einsum(
                "gji,gj->gi", T, each
            ).mean(0),
            "f needs the operator A T_g, not A.": (T @ f(y, A)).mean(0),
            "this is f(y, A), without the group.": f(y, A),
            "the operator is A T_g, not A T_g⁻¹.": torch.stack([t @ f(y, A @ t.T) for t in T]).mean(
                0
            ),
            "this is a sum over g: divide by |G|.": turned.sum(0),
            "divide by |G|, not by the number of pixels.": turned.sum(0) / n,
            "take the mean over g.": turned,
            "take the mean over g, and return one image.": turned[0],
        }
        yield Case((f, y, A, T), turned.mean(0), mistakes, f"an image ({n},)")


def disagreement():
    """disagreement(f, A, T, y): the mean over g of T_g⁻¹ (f(A T_g x̂) − T_g x̂)²."""
    draw = Draw(422)
    for G, m, n in ((3, 3, 5), (4, 4, 6)):
        A, y, W = draw.normal(m, n), draw.normal(m), draw.normal(n, m)
        T = torch.stack([torch.eye(n).double()[draw.normal(n).argsort()] for _ in range(G)])

        def f(y, W=W):
            return torch.tanh(W.to(y.dtype) @ y)

        x_hat = f(y)
        off = torch.stack([f(A @ t @ x_hat) - t @ x_hat for t in T])

        def back(u, T=T):
            return torch.einsum("gji,gj->gi", T, u)

        squares = off.square()
        right = back(squares).mean(0)
        mistakes = {
            "turn each map back by T_g⁻¹ before the mean.": squares.mean(0),
            "T_g turns it once more; its inverse is T_gᵀ.": torch.einsum(
                "gij,gj->gi", T, squares
            ).mean(0),
            "square before the mean over g: errors of both signs cancel.": back(off).mean(0) ** 2,
            "square the differences; you took absolute values.": back(off.abs()).mean(0),
            "square the differences.": back(off).mean(0),
            "this is a sum over g: take the mean.": back(squares).sum(0),
            "give a map, one number for each pixel.": [right.mean(), right.sum()],
            "leave out the root.": right.sqrt(),
            "take the mean over g.": back(squares),
            "the target is T_g x̂, not x̂.": back(
                torch.stack([(f(A @ t @ x_hat) - x_hat).square() for t in T])
            ).mean(0),
        }
        yield Case((f, A, T, y), right, mistakes, f"a map ({n},)")


def ghost():
    """ghost(v, mask): the part of v that A and A T_g, T_g the mirror, never see, symmetric."""
    draw = Draw(423)
    for size in ((4, 6), (5, 7)):
        v, mask = draw.normal(*size), draw.mask(*size, share=0.4).double()
        mask[0, :2] = torch.tensor([0.0, 1.0])
        mask[0, -2:] = torch.tensor([0.0, 0.0])  # one pair unseen, one seen from one side
        mirror = mask.flip(-1)
        unseen = (mask == 0) & (mirror == 0)
        right = (v + v.flip(-1)) / 2 * unseen
        mistakes = {
            "the mirror image of the mask sees a part of this: zero it there too.": [
                (v + v.flip(-1)) / 2 * (1 - mask),
                (v * (1 - mask) + (v * (1 - mask)).flip(-1)) / 2,
            ],
            "this is not its own mirror image.": [v * unseen, v * (1 - mask)],
            "halve the sum: closest to v is the mean of v and its mirror image.": 2 * right,
            "both masks measure where this is not zero; you kept what is seen.": [
                (v + v.flip(-1)) / 2 * ~unseen,
                (v + v.flip(-1)) / 2 * mask * mirror,
            ],
            "this is not zero where the mask measures.": (v + v.flip(-1)) / 2,
            "left to right is the last axis; you mirrored the first.": (
                (v + v.flip(0)) / 2 * ((mask == 0) & (mask.flip(0) == 0))
            ),
            "zero it where either of the two masks measures.": (v + v.flip(-1))
            / 2
            * ((mask == 0) | (mirror == 0)),
            "nothing is a ghost, but not the closest one.": torch.zeros_like(v),
        }
        yield Case((v, mask), right, mistakes, f"a pattern {size}")


EXERCISES = {"a": average, "b": disagreement, "c": ghost}
