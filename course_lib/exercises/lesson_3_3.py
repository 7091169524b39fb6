"""The checks of lesson 3.3: MOI's second term, the choice of A′, the rank over G masks, a curve."""

import torch

from .answers import close, shown_by


class _Masked:
    """A mask of (B, 1, H, W) as an operator that is its own adjoint."""

    def __init__(self, mask):
        self.mask = mask

    def __call__(self, x):
        return self.mask * x

    adjoint = pinv = __call__


def a(cross_term):
    """Exercise 3.3.a: the mean of (f(A′x̂, A′) − x̂)², with its gradient in both places."""
    generator = torch.Generator().manual_seed(331)
    for shape in ((2, 1, 3, 4), (3, 1, 5, 5)):
        A, B = (_Masked((torch.rand(shape, generator=generator) < 0.6).double()) for _ in range(2))
        y = A(torch.randn(shape, generator=generator).double())
        c = torch.tensor(0.7, dtype=torch.float64, requires_grad=True)

        def f(u, A, c=c):
            return torch.tanh(u) + c * u.roll(1, -1) + c**2 * A.mask.roll(1, -2)

        def slope(value, c=c):
            return torch.autograd.grad(value, c, allow_unused=True)[0]

        answer = torch.as_tensor(cross_term(f, y, A, B))
        if answer.numel() != 1:
            return "the answer must be one number, the mean over all entries."
        x_hat = f(y, A)
        again = f(B(x_hat), B)
        right = (again - x_hat).square().mean()
        value = answer.detach().double().reshape(())
        if not close(value, right.detach()):
            mistakes = {
                "this is a sum over the entries: take the mean.": (again - x_hat).square().sum(),
                "this asks for y from A′x̂: compare with x̂.": (again - y).square().mean(),
                "the second f needs the operator of its measurement, A′, not A.": (
                    (f(B(x_hat), A) - x_hat).square().mean()
                ),
                "measure x̂ with A′, not with A, before the second f.": (
                    (f(A(x_hat), B) - x_hat).square().mean()
                ),
                "A′ is missing: you measured again with A.": (
                    (f(A(x_hat), A) - x_hat).square().mean()
                ),
                "measure x̂ with A′ before f sees it again.": (f(x_hat, B) - x_hat).square().mean(),
                "this is measurement consistency, the first term.": (A(x_hat) - y).square().mean(),
                "compare the images, not what A′ sees of them.": (
                    (B(again) - B(x_hat)).square().mean()
                ),
                "the first f reconstructs y with A, not with A′.": (
                    (f(B(f(y, B)), B) - f(y, B)).square().mean()
                ),
                "this measures y again: reconstruct it first.": (f(B(y), B) - y).square().mean(),
                "square the differences; you took absolute values.": (again - x_hat).abs().mean(),
                "this is the root of the mean square; leave out the root.": right.sqrt(),
            }
            return shown_by(value, {k: v.detach() for k, v in mistakes.items()}) or (
                f"the mean square is {right.item():.4f}, not {answer.item():.4f}."
            )
        got = slope(answer) if answer.requires_grad else None
        if got is None:
            return "the value is right, but no gradient reaches f: no detach, no no_grad, no item."
        if not torch.isclose(got, slope((f(B(f(y, A)), B) - f(y, A)).square().mean())):
            return "the value is right, but a detach stops the gradient in one of the two places."
    return None


def b(choose):
    """Exercise 3.3.b: h ≠ g, uniform over the other G − 1 operators."""
    generator = torch.Generator().manual_seed(332)
    for G in (3, 5):
        g = torch.arange(G).repeat(4000)
        h = torch.as_tensor(choose(g, G, generator))
        if h.shape != g.shape:
            return f"the answer has shape {tuple(h.shape)}; give one number an image, as in g."
        if h.is_floating_point() or h.min() < 0 or h.max() >= G:
            return f"operators are the integers 0 … {G - 1}; wrap around with % G."
        if (h == g).any():
            return f"for {(h == g).float().mean():.0%} of the images A′ is A, which says nothing."
        step = (h - g) % G
        counts = torch.bincount(step, minlength=G)[1:]
        if (counts == 0).any():
            return f"of {G - 1} other operators {int((counts > 0).sum())} ever come: draw from all."
        share = counts / len(g)
        bound = 6 * (share.mean() * (1 - share.mean()) / len(g)) ** 0.5
        if (share - 1 / (G - 1)).abs().max() > bound:
            return (
                f"the others come in shares of {share.min():.2f} to {share.max():.2f}; all should "
                f"be {1 / (G - 1):.2f}."
            )
        if torch.equal(h, torch.as_tensor(choose(g, G, generator))):
            return "a second call gives the same A′: draw anew from `generator` each time."
    return None


def c(ranks):
    """Exercise 3.3.c: how many pixels the first 1 … G masks measure."""
    generator = torch.Generator().manual_seed(333)
    for G, size in ((4, (3, 4)), (6, (5, 5))):
        masks = (torch.rand(G, *size, generator=generator) < 0.35).double()
        masks[:, 0, 0] = 0  # never measured
        answer = torch.as_tensor(ranks(masks)).double()
        if answer.shape != (G,):
            return f"the answer has shape {tuple(answer.shape)}; give (G,) = ({G},) numbers."
        right = (masks.cumsum(0) > 0).flatten(1).sum(1).double()
        if close(answer, right):
            continue
        total = masks.flatten(1).sum(1)
        mistakes = {
            "these are the measurements of each mask alone: count the pixels of all up to it.": (
                total
            ),
            "a pixel that two masks measure counts once.": total.cumsum(0),
            "these are the pixels that all masks measure; one mask is enough.": (
                masks.cumprod(0).flatten(1).sum(1)
            ),
            "this is the share of the pixels: the rank is their number.": right / masks[0].numel(),
            "these are the pixels that nobody measures.": masks[0].numel() - right,
            "this is the rank for all G masks; give one for the first mask, the first two, …": (
                right[-1].expand(G)
            ),
            "this is the rank of the sum of the masks as matrices of pixels; count the pixels.": (
                torch.linalg.matrix_rank(masks.cumsum(0)).double()
            ),
        }
        return shown_by(answer, mistakes) or (
            f"the ranks are {right.long().tolist()}, not {answer.tolist()}."
        )
    return None


def d(evaluations_until):
    """Exercise 3.3.d: evals × the first step at which the curve reaches the goal, or None."""
    cases = [
        ([0, 20, 40, 60], [10.0, 14.0, 19.0, 21.0], 18.0, 3, 120),
        ([0, 10, 20, 30], [11.0, 16.0, 18.0, 17.0], 16.0, 1, 10),  # equal is enough
        ([0, 50, 100], [12.0, 13.0, 14.0], 20.0, 3, None),
        ([0, 5], [12.0, 13.0], 11.0, 2, 0),
    ]
    for steps, psnr, goal, evals, right in cases:
        answer = evaluations_until(list(steps), list(psnr), goal, evals)
        if answer == right and (answer is None) == (right is None):
            continue
        said = f"for psnr = {psnr} at steps {steps}, goal {goal:g}, evals {evals}"
        if right is None:
            return f"{said}: the goal is never reached, so the answer is None, not {answer}."
        if answer is None:
            return f"{said}: the goal is reached (equal is enough), so not None but {right}."
        reached = [step for step, value in zip(steps, psnr, strict=True) if value >= goal]
        if evals > 1 and answer == right // evals and right:
            return f"{said}: these are steps; each costs {evals} evaluations."
        above = [step for step, value in zip(steps, psnr, strict=True) if value > goal]
        if above and answer == above[0] * evals != right:
            return f"{said}: equal is enough, so it took {right} evaluations, not {answer}."
        if answer == reached[-1] * evals:
            return f"{said}: take the first time that the goal is reached, not the last."
        if answer == steps.index(reached[0]) * evals and answer != right:
            return f"{said}: this is the place in the list; the step is steps[i]."
        return f"{said}: it took {right} evaluations, not {answer}."
    return None
