"""The cases of lesson 3.3: MOI's second term, the choice of A′, the rank over G masks, a curve."""

from functools import partial

import torch

from .. import operators
from .case import Case, Draw


def cross_term():
    """cross_term(f, y, A, A_other): the mean of (f(A′x̂, A′) − x̂)², its gradient in both places."""
    draw = Draw(331)
    for shape in ((2, 1, 3, 4), (3, 1, 5, 5)):
        A, B = (operators.Inpainting(draw.mask(*shape, share=0.6).double()) for _ in range(2))
        y, c = A(draw.normal(*shape)), torch.tensor(0.7).double().requires_grad_()

        def f(u, A, c=c):
            return torch.tanh(u) + c * u.roll(1, -1) + c**2 * A(torch.ones_like(u)).roll(1, -2)

        x_hat = f(y, A)
        again = f(B(x_hat), B)
        right = (again - x_hat).square().mean()

        def square(u, v=x_hat):
            return (u - v).square().mean()

        mistakes = {
            "this is a sum over the entries: take the mean.": right * y.numel(),
            "this asks for y from A′x̂: compare with x̂.": square(again, y),
            "the second f needs A′, the operator of its measurement, not A.": square(
                f(B(x_hat), A)
            ),
            "measure x̂ with A′, not with A, before the second f.": square(f(A(x_hat), B)),
            "A′ is missing: you measured again with A.": square(f(A(x_hat), A)),
            "measure x̂ with A′ before f sees it again.": square(f(x_hat, B)),
            "this is measurement consistency, the first term.": square(A(x_hat), y),
            "compare the images, not what A′ sees of them.": square(B(again), B(x_hat)),
            "the first f reconstructs y with A, not with A′.": square(f(B(f(y, B)), B), f(y, B)),
            "this measures y again: reconstruct it first.": square(f(B(y), B), y),
            "square the differences; you took absolute values.": (again - x_hat).abs().mean(),
            "this is the root of the mean square; leave out the root.": right.sqrt(),
        }
        slope = torch.autograd.grad(right, c, retain_graph=True)[0]
        wanted, then = "one number, the mean over all entries", partial(_gradient, c, slope)
        yield Case((f, y, A, B), right, mistakes, wanted, then=then)


def _gradient(c, slope, loss):
    """The value is right; is its slope in c, the parameter of f?"""
    if not getattr(loss, "requires_grad", False):
        return "the value is right, but no gradient reaches f: no detach, no no_grad, no item."
    total = loss.real.sum()
    given = torch.autograd.grad(total, c, allow_unused=True, materialize_grads=True)[0]
    if not torch.isclose(given, slope, rtol=1e-4):
        return "the value is right, but a detach stops the gradient in one of the two places."
    return None


def choose():
    """choose(g, G, generator): h ≠ g, uniform over the other G − 1 operators."""
    for G in (3, 5):
        g = torch.arange(G).repeat(4000)
        yield Case((g, G, torch.Generator()), g, verdict=partial(_chosen, g, G))


def _chosen(g, G, h):
    if h.is_floating_point() or h.min() < 0 or h.max() >= G:
        return f"operators are the integers 0 … {G - 1}: no floats, and wrap around with % G."
    if (h == g).any():
        return f"for {(h == g).double().mean():.0%} of the images A′ is A, which says nothing."
    share = torch.bincount((h - g) % G, minlength=G)[1:] / len(g)
    if (share == 0).any():
        return f"of {G - 1} other operators {int((share > 0).sum())} ever come: draw from all."
    bound = 6 * ((G - 2) / (G - 1) ** 2 / len(g)) ** 0.5  # six standard errors
    if (share - 1 / (G - 1)).abs().max() > bound:
        return f"the others come in shares of {share.min():.2f} to {share.max():.2f}, not equally."
    return None


def ranks():
    """ranks(masks): how many pixels the first 1 … G masks measure."""
    draw = Draw(333)
    for G, size in ((4, (3, 4)), (6, (5, 5))):
        masks = draw.mask(G, *size, share=0.35).double()
        masks[:, 0, 0] = 0  # never measured
        total, n = masks.sum((1, 2)), masks[0].numel()
        right = (masks.cumsum(0) > 0).sum((1, 2))
        as_matrix = torch.linalg.matrix_rank(masks.cumsum(0))
        mistakes = {
            "these are the measurements of each mask alone: count all up to it.": total,
            "a pixel that two masks measure counts once.": total.cumsum(0),
            "these are pixels of all masks; one mask is enough.": masks.cumprod(0).sum((1, 2)),
            "this is the share of the pixels: the rank is their number.": right / n,
            "these are the pixels that nobody measures.": n - right,
            "this is the rank of all G masks; give G numbers.": [right[-1], right[-1].expand(G)],
            "this is a rank of the sum as a matrix; count the pixels.": as_matrix,
        }
        yield Case((masks,), right, mistakes, f"({G},) numbers")


def evaluations_until():
    """evaluations_until(steps, psnr, goal, evals): until the curve first reaches the goal."""
    for steps, psnr, goal, evals in (
        ([0, 20, 40, 60], [10.0, 14.0, 19.0, 21.0], 18.0, 3),
        ([0, 10, 20, 30], [11.0, 16.0, 18.0, 17.0], 16.0, 2),  # equal is enough
        ([0, 10, 20, 30], [11.0, 19.0, 15.0, 20.0], 18.0, 4),  # and it need not stay there
        ([0, 5], [12.0, 13.0], 11.0, 2),
    ):
        reached = [i for i, value in enumerate(psnr) if value >= goal]
        stays = max((i + 1 for i, value in enumerate(psnr) if value < goal), default=0)
        above = next(i for i, value in enumerate(psnr) if value > goal)
        mistakes = {
            f"these are steps; each costs {evals} evaluations.": steps[reached[0]],
            "equal is enough: the PSNR must be at least the goal.": steps[above] * evals,
            "this is when it stays above for good: take the first time.": steps[stays] * evals,
            "take the first time that it is reached, not the last.": steps[reached[-1]] * evals,
            "this is the place in the list; the step is steps[i].": reached[0] * evals,
        }
        recall = f"for psnr = {psnr} at steps {steps}"
        yield Case((steps, psnr, goal, evals), steps[reached[0]] * evals, mistakes, "", recall)
    yield Case(([0, 50, 100], [12.0, 13.0, 14.0], 20.0, 3), None)


EXERCISES = {"a": cross_term, "b": choose, "c": ranks, "d": evaluations_until}
