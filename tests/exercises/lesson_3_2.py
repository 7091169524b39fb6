"""Exercises of lesson 3.2: the right answer passes, each likely mistake is named."""

import torch

from course_lib import operators


def split(h, y, A):
    kept = (~h).to(y.dtype)
    return kept * y, operators.Inpainting(kept) @ A


def loss(x_hat, y, A, weight):
    return (weight * (A(x_hat) - y).square()).mean()


def squares(f, y, A, h):
    return (A(f(*split(h, y, A))) - y).square()


def fits(masks, kept):
    return (masks >= kept).all(1).double()


def mean_mask(chance, masks):
    return (chance[:, None] * masks).sum(0) / chance.sum()


def chances(masks, kept, p):
    return fits(masks, kept) * p ** (masks.sum(1) - kept.sum())


def Q(masks, kept, p):
    return mean_mask(chances(masks, kept, p), masks)


def weight(h, p, pi):
    return h * (1 - pi * (1 - p)) / (pi * p).clamp_min(1e-12)


def outputs(f, y, A, hidden):
    return torch.stack([f(*split(h, y, A)) for h in hidden])


def count(hidden):
    return torch.stack(hidden).double().sum(0)


RIGHT = {
    "3.2.a": lambda f, y, A, h, p: loss(f(*split(h, y, A)), y, A, h / p),
    "3.2.b": Q,
    "3.2.c": weight,
    "3.2.d": lambda f, y, A, hidden: outputs(f, y, A, hidden).mean(0),
}

WRONG = [
    ("3.2.a", lambda f, y, A, h, p: loss(f(y, A), y, A, h / p), "f saw the hidden"),
    ("3.2.a", lambda f, y, A, h, p: loss(f(split(h, y, A)[0], A), y, A, h / p), "A_a, not A"),
    ("3.2.a", lambda f, y, A, h, p: loss(f(y, split(h, y, A)[1]), y, A, h / p), "and all of y"),
    (
        "3.2.a",
        lambda f, y, A, h, p: loss(f(*split(h, y, A)), y, split(h, y, A)[1], h / p),
        "measure the output by A",
    ),
    ("3.2.a", lambda f, y, A, h, p: loss(f(*split(~h, y, A)), y, A, h / p), "the kept ones."),
    ("3.2.a", lambda f, y, A, h, p: loss(f(*split(~h, y, A)), y, A, ~h / p), "read it as kept"),
    ("3.2.a", lambda f, y, A, h, p: squares(f, y, A, ~h)[~h].mean(), "read it as kept"),
    ("3.2.a", lambda f, y, A, h, p: (h * squares(f, y, A, h)).mean(), "divide by p"),
    ("3.2.a", lambda f, y, A, h, p: squares(f, y, A, h).mean(), "only hidden entries count"),
    ("3.2.a", lambda f, y, A, h, p: squares(f, y, A, h)[~h].mean(), "over the kept"),
    ("3.2.a", lambda f, y, A, h, p: (~h / (1 - p) * squares(f, y, A, h)).mean(), "over the kept"),
    ("3.2.a", lambda f, y, A, h, p: (~h / p * squares(f, y, A, h)).mean(), "over the kept"),
    ("3.2.a", lambda f, y, A, h, p: squares(f, y, A, h)[h].mean(), "happen to be hidden"),
    (
        "3.2.a",
        lambda f, y, A, h, p: loss(f(*split(h, y, A)), ~h * y, A, h / p),
        "with its kept part",
    ),
    ("3.2.a", lambda f, y, A, h, p: (h / p * squares(f, y, A, h)).sum(), "this is the sum"),
    (
        "3.2.a",
        lambda f, y, A, h, p: (h / p * (A(f(*split(h, y, A))) - y)).mean(),
        "square the differences",
    ),
    ("3.2.a", lambda f, y, A, h, p: h / p * squares(f, y, A, h), "one number"),
    ("3.2.a", lambda f, y, A, h, p: 0.0, "not 0."),
    ("3.2.b", lambda masks, kept, p: masks.mean(0), "use what f sees"),
    (
        "3.2.b",
        lambda masks, kept, p: mean_mask(p ** (masks.sum(1) - kept.sum()), masks),
        "can't have led",
    ),
    ("3.2.b", lambda masks, kept, p: mean_mask(fits(masks, kept), masks), "not equally likely"),
    ("3.2.b", lambda masks, kept, p: Q(masks, kept, 1 - p), "not 1 − p"),
    (
        "3.2.b",
        lambda masks, kept, p: chances(masks, kept, p) @ masks,
        "by the sum of the probabilities: they",
    ),
    (
        "3.2.b",
        lambda masks, kept, p: chances(masks, kept, p) @ masks / len(masks),
        "not by the number of masks",
    ),
    ("3.2.b", lambda masks, kept, p: kept, "this is what f sees"),
    ("3.2.b", lambda masks, kept, p: Q(masks, kept, p) - kept, "the hidden ones alone"),
    ("3.2.b", lambda masks, kept, p: torch.diag(Q(masks, kept, p)), "the answer has shape"),
    ("3.2.b", lambda masks, kept, p: 0.5 * kept, "differs by up to"),
    ("3.2.c", lambda h, p, pi: h * (1 - pi * (1 - p)) / (pi * p), "divide by 0"),
    ("3.2.c", lambda h, p, pi: h / p.clamp_min(1e-12), "forgets π"),
    ("3.2.c", lambda h, p, pi: h * pi * p / (1 - pi * (1 - p)), "this is 1 − K"),
    (
        "3.2.c",
        lambda h, p, pi: h * (1 - pi * (1 - p)) / (1 - pi).clamp_min(1e-12),
        "this is 1 / K",
    ),
    ("3.2.c", lambda h, p, pi: weight(1.0, p, pi), "multiply by h"),
    ("3.2.c", lambda h, p, pi: weight(h, p, pi).sqrt(), "square root"),
    ("3.2.c", lambda h, p, pi: h * (1 - pi * p) / (pi * p).clamp_min(1e-12), "not 1 − π p"),
    ("3.2.c", lambda h, p, pi: h * (1 - pi) / (pi * p).clamp_min(1e-12), "not 1 − π."),
    ("3.2.c", lambda h, p, pi: h / (pi * p).clamp_min(1e-12), "seen ones included"),
    ("3.2.c", lambda h, p, pi: 0 * h, "differs by up to"),
    ("3.2.c", lambda h, p, pi: weight(h, p, pi)[0], "the answer has shape"),
    ("3.2.d", lambda f, y, A, hidden: f(y, A), "the plain way"),
    (
        "3.2.d",
        lambda f, y, A, hidden: sum(f(~h * y, A) for h in hidden) / len(hidden),
        "f was given A:",
    ),
    (
        "3.2.d",
        lambda f, y, A, hidden: sum(f(y, split(h, y, A)[1]) for h in hidden) / len(hidden),
        "and all of y",
    ),
    (
        "3.2.d",
        lambda f, y, A, hidden: outputs(f, y, A, [~h for h in hidden]).mean(0),
        "not the kept",
    ),
    (
        "3.2.d",
        lambda f, y, A, hidden: outputs(f, y, A, hidden).mean(0) / count(hidden),
        "slide's formula",
    ),
    (
        "3.2.d",
        lambda f, y, A, hidden: (
            (torch.stack(hidden) * outputs(f, y, A, hidden)).sum(0) / count(hidden)
        ),
        "for A = I",
    ),
    ("3.2.d", lambda f, y, A, hidden: outputs(f, y, A, hidden).sum(0), "this is the sum"),
    ("3.2.d", lambda f, y, A, hidden: outputs(f, y, A, hidden)[-1], "of one mask"),
    ("3.2.d", lambda f, y, A, hidden: outputs(f, y, A, hidden), "the answer has shape"),
    ("3.2.d", lambda f, y, A, hidden: 0 * y, "differs by up to"),
]
