"""The cases of lesson 1.2: the Wiener filter, a posterior mean, the best estimator for L1."""

import torch

from .case import Case, Draw


def wiener():
    """wiener(y, C, sigma): E[x | y] = C (C + σ²I)⁻¹ y for x ~ N(0, C), a signal a row."""
    draw = Draw(21)
    for n, batch in ((5, 5), (3, 5), (6, 2)):
        B, sigma, y = draw.normal(n, n), draw.number(0.3, 1.3), draw.normal(batch, n)
        C, eye, inv = B @ B.T / n, torch.eye(n).double(), torch.linalg.inv
        inverse, v = inv(C + sigma**2 * eye), C.diagonal()
        mistakes = {
            "you added σ to C; the noise has covariance σ²I.": y @ C @ inv(C + sigma * eye),
            "this is the estimate of the noise: subtract it from y.": sigma**2 * y @ inverse,
            "(C + σ²I)⁻¹y still has to be multiplied by C.": y @ inverse,
            "you added σ² to every entry, not on the diagonal of C.": y @ (C @ inv(C + sigma**2)).T,
            "each pixel was shrunk by its own variance; C knows more.": y * v / (v + sigma**2),
            "this is y itself: σ has not been used.": y,
        }
        if n == batch:
            order = "the formula is for columns and y has rows: C stands on the right, y @ C @ …"
            mistakes[order] = [C @ inverse @ y, inverse @ C @ y.T]
        yield Case((y, C, sigma), y @ C @ inverse, mistakes)


def list_mean():
    """list_mean(y, signals, sigma): E[x | y] when x is one of K signals, each with chance 1/K."""
    draw = Draw(22)
    for K, n in ((3, 5), (6, 4), (4, 3)):
        signals, sigma = draw.normal(K, n), draw.number(0.5, 0.9)
        y = signals[0] + sigma * draw.normal(n)
        d, v = (y - signals).square().sum(1), 2 * sigma**2

        def mean(exponent, signals=signals):
            return torch.softmax(exponent, 0) @ signals

        mistakes = {
            "the exponent lacks the factor 1/2: it is −‖y − x_k‖²/(2σ²).": mean(-2 * d / v),
            "you divided by 2σ; the exponent is −‖y − x_k‖²/(2σ²).": mean(-d / (2 * sigma)),
            "the distance is not squared: the exponent is −‖y − x_k‖²/(2σ²).": mean(-d.sqrt() / v),
            "the weights grow with the distance: the sign of the exponent is wrong.": mean(d / v),
            "this is the nearest signal, the likeliest; the mean weighs all.": signals[d.argmin()],
            "this is the plain mean of the signals; the weights must depend on y.": signals.mean(0),
            "the weights do not sum to 1: divide by their sum.": torch.exp(-d / v) @ signals,
        }
        yield Case((y, signals, sigma), mean(-d / v), mistakes)


def best_for_l1():
    """best_for_l1(values, weights): the c that minimises Σ_k w_k |x_k − c|, a weighted median."""
    draw = Draw(23)
    for K in (5, 7, 9, 5, 9):
        values, weights = 2 * draw.normal(K), draw.uniform(K) ** 2
        weights = weights / weights.sum()
        order = values.argsort()
        median = values[order][(weights[order].cumsum(0) < 0.5).sum()]
        unsorted = values[(weights.cumsum(0) < 0.5).sum()]

        def verdict(c, values=values, weights=weights, best=median):
            cost, least = ((weights * (values - v).abs()).sum() for v in (c, best))
            return None if cost <= 1.001 * least else ""

        mistakes = {
            "this is the mean, which minimises the squared error.": (weights * values).sum(),
            "this is the most probable value, maybe far from the middle.": values[weights.argmax()],
            "this is the median of the values without their weights.": values.median(),
            "the weights were summed without sorting the values.": unsorted,
        }
        recall = "another value costs less on average."
        yield Case((values, weights), median, mistakes, recall=recall, verdict=verdict)


EXERCISES = {"a": wiener, "b": list_mean, "c": best_for_l1}
