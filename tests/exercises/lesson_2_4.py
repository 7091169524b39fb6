"""Exercises of lesson 2.4: the right answer passes, each likely mistake is named."""

import torch


def inverse(K):
    return torch.linalg.inv(K)


def outputs(f, y, hidden):
    return [f(y.masked_fill(m, 0.0)) for m in hidden]


def stitched(f, y, hidden):
    return sum(m * out for m, out in zip(hidden, outputs(f, y, hidden), strict=True))


RIGHT = {
    "2.4.a": lambda out, y, h: (out - y)[h].square().mean(),
    "2.4.b": stitched,
    "2.4.c": lambda K, y: y - y @ inverse(K) / inverse(K).diagonal(),
    "2.4.d": lambda out, h: (h * out).sum(0) / h.sum(0),
}

WRONG = [
    ("2.4.a", lambda out, y, h: (h * (out - y)).square().mean(), "number of hidden pixels, not"),
    ("2.4.a", lambda out, y, h: (out - y).square().mean(), "kept ones must not"),
    ("2.4.a", lambda out, y, h: (out - y)[~h].square().mean(), "over the kept"),
    ("2.4.a", lambda out, y, h: (out - y)[h].square().sum(), "this is a sum"),
    ("2.4.a", lambda out, y, h: (out - y)[h].mean(), "square the differences."),
    ("2.4.a", lambda out, y, h: (out - y)[h].abs().mean(), "absolute"),
    ("2.4.a", lambda out, y, h: (out - y)[h].square().mean().sqrt(), "root"),
    ("2.4.a", lambda out, y, h: (out - y)[h].square(), "one number"),
    ("2.4.a", lambda out, y, h: 0.0, "not 0."),
    ("2.4.b", lambda f, y, hidden: f(y), "f saw the hidden"),
    ("2.4.b", lambda f, y, hidden: sum(m * f(y) for m in hidden), "f saw the hidden"),
    ("2.4.b", lambda f, y, hidden: sum(m * f(m * y) for m in hidden), "only the hidden"),
    (
        "2.4.b",
        lambda f, y, hidden: sum(
            ~m * u for m, u in zip(hidden, outputs(f, y, hidden), strict=True)
        ),
        "not the others",
    ),
    ("2.4.b", lambda f, y, hidden: sum(outputs(f, y, hidden)), "this is the sum"),
    ("2.4.b", lambda f, y, hidden: sum(outputs(f, y, hidden)) / len(hidden), "the mean of the"),
    ("2.4.b", lambda f, y, hidden: stitched(f, y, hidden) / len(hidden), "nothing is left"),
    ("2.4.b", lambda f, y, hidden: hidden[-1] * outputs(f, y, hidden)[-1], "only the last mask"),
    ("2.4.b", lambda f, y, hidden: y[0], "the answer has shape"),
    ("2.4.b", lambda f, y, hidden: y, "differs by up to"),
    ("2.4.c", lambda K, y: y @ inverse(K) / inverse(K).diagonal(), "subtract it from y"),
    ("2.4.c", lambda K, y: y + y @ inverse(K) / inverse(K).diagonal(), "sign is flipped"),
    ("2.4.c", lambda K, y: y - y @ inverse(K), "divide by the diagonal of K⁻¹, entry"),
    ("2.4.c", lambda K, y: y - y @ K / K.diagonal(), "has its inverse"),
    ("2.4.c", lambda K, y: y - y @ inverse(K) / K.diagonal(), "not by K_ii"),
    ("2.4.c", lambda K, y: y - y @ inverse(K) * K.diagonal(), "not the inverse of the diagonal"),
    ("2.4.c", lambda K, y: 0 * y, "not by the whole matrix"),
    ("2.4.c", lambda K, y: y, "y itself"),
    ("2.4.c", lambda K, y: y.roll(1, 1), "differs by up to"),
    ("2.4.c", lambda K, y: y[0], "the answer has shape"),
    ("2.4.d", lambda out, h: out.mean(0) / h.sum(0), "slide's formula"),
    ("2.4.d", lambda out, h: (h * out).mean(0) / h.sum(0), "further 1/N"),
    ("2.4.d", lambda out, h: out.sum(0) / h.sum(0), "its own mask"),
    ("2.4.d", lambda out, h: out.mean(0), "mean of all outputs"),
    ("2.4.d", lambda out, h: (h * out).mean(0), "not by N"),
    ("2.4.d", lambda out, h: (h * out).sum(0), "this is the sum"),
    ("2.4.d", lambda out, h: (~h * out).sum(0) / (~h).sum(0).clamp_min(1), "was kept"),
    ("2.4.d", lambda out, h: (h * out).sum(0) / h.sum(0).double().mean(), "mean of the counts"),
    ("2.4.d", lambda out, h: out, "over the first axis"),
    ("2.4.d", lambda out, h: out[0], "differs by up to"),
]
