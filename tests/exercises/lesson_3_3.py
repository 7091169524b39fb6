"""Exercises of lesson 3.3: the right answer passes, each likely mistake is named."""

import torch


def again(f, y, A, B):
    return f(B(f(y, A)), B)


def square(u, v):
    return (u - v).square().mean()


def shifted(g, G, generator, low=1):
    return (g + torch.randint(low, G, g.shape, generator=generator)) % G


def near_half(g, G, generator):
    """Never itself, all others come, but the next one half of the time."""
    step = torch.randint(1, 2 * G - 2, g.shape, generator=generator).clamp_max(G - 1)
    return (g + step) % G


def always_the_same(g, G, generator):
    return shifted(g, G, torch.Generator().manual_seed(1))


def until(steps, psnr, goal, evals):
    return next((s * evals for s, v in zip(steps, psnr, strict=True) if v >= goal), None)


def last_time(steps, psnr, goal, evals):
    reached = [s * evals for s, v in zip(steps, psnr, strict=True) if v >= goal]
    return reached[-1] if reached else None


def for_good(steps, psnr, goal, evals):
    late = [s * evals for i, s in enumerate(steps) if all(v >= goal for v in psnr[i:])]
    return late[0] if late else None


RIGHT = {
    "3.3.a": lambda f, y, A, B: square(again(f, y, A, B), f(y, A)),
    "3.3.b": shifted,
    "3.3.c": lambda m: (m.cumsum(0) > 0).flatten(1).sum(1),
    "3.3.d": until,
}

WRONG = [
    ("3.3.a", lambda f, y, A, B: (again(f, y, A, B) - f(y, A)).square().sum(), "sum over"),
    ("3.3.a", lambda f, y, A, B: (again(f, y, A, B) - f(y, A)).square(), "one number"),
    ("3.3.a", lambda f, y, A, B: square(again(f, y, A, B), y), "compare with x̂"),
    ("3.3.a", lambda f, y, A, B: square(f(B(f(y, A)), A), f(y, A)), "its measurement, not A."),
    ("3.3.a", lambda f, y, A, B: square(f(A(f(y, A)), B), f(y, A)), "measure x̂ with A′, not"),
    ("3.3.a", lambda f, y, A, B: square(again(f, y, A, A), f(y, A)), "A′ is missing"),
    ("3.3.a", lambda f, y, A, B: square(f(f(y, A), B), f(y, A)), "before f sees it"),
    ("3.3.a", lambda f, y, A, B: square(A(f(y, A)), y), "first term"),
    ("3.3.a", lambda f, y, A, B: square(B(again(f, y, A, B)), B(f(y, A))), "compare the images"),
    ("3.3.a", lambda f, y, A, B: square(again(f, y, B, B), f(y, B)), "the first f"),
    ("3.3.a", lambda f, y, A, B: square(f(B(y), B), y), "reconstruct it first"),
    ("3.3.a", lambda f, y, A, B: (again(f, y, A, B) - f(y, A)).abs().mean(), "absolute"),
    ("3.3.a", lambda f, y, A, B: square(again(f, y, A, B), f(y, A)).sqrt(), "the root"),
    ("3.3.a", lambda f, y, A, B: 0.0, "not 0."),
    ("3.3.a", lambda f, y, A, B: square(again(f, y, A, B), f(y, A)).item(), "no gradient"),
    ("3.3.a", lambda f, y, A, B: square(again(f, y, A, B), f(y, A).detach()), "a detach stops"),
    ("3.3.a", lambda f, y, A, B: square(f(B(f(y, A).detach()), B), f(y, A)), "a detach stops"),
    ("3.3.b", lambda g, G, r: shifted(g, G, r, 0), "which says nothing"),
    ("3.3.b", lambda g, G, r: (g + 1) % G, "1 ever come"),
    ("3.3.b", lambda g, G, r: g + 1, "wrap around"),
    ("3.3.b", lambda g, G, r: shifted(g, G, r).float(), "integers"),
    ("3.3.b", lambda g, G, r: shifted(g, G, r)[0], "has shape"),
    ("3.3.b", near_half, "come in shares"),
    ("3.3.b", always_the_same, "draw anew"),
    ("3.3.b", lambda g, G, r: shifted(g, G, None), "global generator"),
    ("3.3.c", lambda m: m.flatten(1).sum(1), "each mask alone"),
    ("3.3.c", lambda m: m.flatten(1).sum(1).cumsum(0), "counts once"),
    ("3.3.c", lambda m: m.cumprod(0).flatten(1).sum(1), "one mask is enough"),
    ("3.3.c", lambda m: (m.cumsum(0) > 0).flatten(1).double().mean(1), "the share"),
    ("3.3.c", lambda m: (m.cumsum(0) == 0).flatten(1).sum(1), "nobody measures"),
    ("3.3.c", lambda m: (m.sum(0) > 0).sum().expand(len(m)), "G numbers"),
    ("3.3.c", lambda m: torch.linalg.matrix_rank(m.cumsum(0)), "count the pixels"),
    ("3.3.c", lambda m: (m.sum(0) > 0).sum(), "G numbers"),
    ("3.3.c", lambda m: torch.zeros(len(m)), "differs by"),
    ("3.3.d", lambda s, p, goal, e: until(s, p, goal, 1), "each costs 3"),
    ("3.3.d", last_time, "not the last"),
    ("3.3.d", for_good, "above for good"),
    ("3.3.d", lambda s, p, goal, e: until(list(range(len(s))), p, goal, e), "place in the list"),
    ("3.3.d", lambda s, p, goal, e: until(s, p, goal, e) or 0, "the answer is None"),
    ("3.3.d", lambda s, p, goal, e: until(s, p, goal + 0.1, e), "equal is enough"),
    ("3.3.d", lambda s, p, goal, e: None, "did you forget"),
    ("3.3.d", lambda s, p, goal, e: 7, "the answer is None, not 7"),
]
