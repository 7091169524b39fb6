"""The checks of lesson 1.2: the Wiener filter, a posterior mean, the best estimator for L1."""

import torch

from .answers import close


def a(wiener):
    """Exercise 1.2.a: E[x | y] = C (C + σ²I)⁻¹ y for x ~ N(0, C), one signal per row of y."""
    g = torch.Generator().manual_seed(21)
    for _ in range(3):
        n = int(torch.randint(3, 7, (1,), generator=g))
        B = torch.randn(n, n, generator=g, dtype=torch.float64)
        C, eye = B @ B.T / n, torch.eye(n, dtype=torch.float64)
        sigma = 0.3 + float(torch.rand((), generator=g))
        y = torch.randn(5, n, generator=g, dtype=torch.float64)
        inverse = torch.linalg.inv(C + sigma**2 * eye)
        answer = wiener(y, C, sigma)
        if close(answer, y @ C @ inverse):
            continue
        if answer.shape != y.shape:
            return f"y has shape {tuple(y.shape)} and your answer {tuple(answer.shape)}."
        mistakes = {
            "you added σ to the covariance; the noise has covariance σ²I.": (
                y @ C @ torch.linalg.inv(C + sigma * eye)
            ),
            "this is σ²(C + σ²I)⁻¹y, the estimate of the noise; subtract it from y.": (
                sigma**2 * y @ inverse
            ),
            "(C + σ²I)⁻¹y still has to be multiplied by C.": y @ inverse,
            "you added σ² to every entry of C; noise that is white adds it on the diagonal, σ²I.": (
                y @ (C @ torch.linalg.inv(C + sigma**2)).T
            ),
            "each pixel was shrunk by its own variance; use the whole matrix C, which knows the "
            "neighbours.": y * C.diagonal() / (C.diagonal() + sigma**2),
            "this is y itself: σ has not been used.": y,
        }
        for sentence, wrong in mistakes.items():
            if close(answer, wrong):
                return sentence
        error = float((answer - y @ C @ inverse).norm())
        return f"with σ = {sigma:.2f} and n = {n} it is off by {error:.2g}."
    return None


def b(posterior_mean):
    """Exercise 1.2.b: E[x | y] when x is one of K known signals, each with probability 1/K."""
    g = torch.Generator().manual_seed(22)
    for _ in range(3):
        n, K = (int(torch.randint(3, 7, (1,), generator=g)) for _ in range(2))
        signals = torch.randn(K, n, generator=g, dtype=torch.float64)
        sigma = 0.5 + 0.4 * float(torch.rand((), generator=g))
        y = signals[0] + sigma * torch.randn(n, generator=g, dtype=torch.float64)
        d = (y - signals).square().sum(1)
        answer = posterior_mean(y, signals, sigma)
        if close(answer, torch.softmax(-d / (2 * sigma**2), 0) @ signals):
            continue
        if answer.shape != y.shape:
            return f"y has shape {tuple(y.shape)} and your answer {tuple(answer.shape)}."
        mistakes = {
            "the exponent lacks the factor 1/2: it is −‖y − x_k‖²/(2σ²).": (
                torch.softmax(-d / sigma**2, 0) @ signals
            ),
            "you divided by 2σ; the exponent is −‖y − x_k‖²/(2σ²).": (
                torch.softmax(-d / (2 * sigma), 0) @ signals
            ),
            "the distance is not squared: the exponent is −‖y − x_k‖²/(2σ²).": (
                torch.softmax(-d.sqrt() / (2 * sigma**2), 0) @ signals
            ),
            "the weights grow with the distance: the sign of the exponent is wrong.": (
                torch.softmax(d / (2 * sigma**2), 0) @ signals
            ),
            "this is the nearest signal, the most probable one; the mean weighs all of them.": (
                signals[d.argmin()]
            ),
            "this is the plain mean of the signals; the weights must depend on y.": signals.mean(0),
            "the weights do not sum to 1: divide by their sum.": (
                torch.exp(-d / (2 * sigma**2)) @ signals
            ),
        }
        for sentence, wrong in mistakes.items():
            if close(answer, wrong):
                return sentence
        return f"with K = {K} signals and σ = {sigma:.2f} the answer is another one."
    return None


def c(best):
    """Exercise 1.2.c: the c that minimises Σ_k w_k |x_k − c|, a weighted median."""
    g = torch.Generator().manual_seed(23)
    for _ in range(4):
        values, weights, median, wrong = _instance(g)
        answer = torch.as_tensor(best(values, weights)).double().flatten()
        if answer.numel() != 1:
            return "the answer must be one number."
        cost, least = (float((weights * (values - v).abs()).sum()) for v in (answer, median))
        if cost <= least * (1 + 1e-3):
            continue
        for sentence, value in wrong.items():
            if torch.isclose(answer[0], value, rtol=1e-4):
                return sentence
        return f"your value costs {cost:.3f} on average and the best one {least:.3f}."
    return None


def _instance(g):
    """Values and weights whose weighted median differs from every likely mistake."""
    while True:
        K = 2 * int(torch.randint(2, 5, (1,), generator=g)) + 1
        values = 2 * torch.randn(K, generator=g, dtype=torch.float64)
        weights = torch.rand(K, generator=g, dtype=torch.float64) ** 2
        weights /= weights.sum()
        order = values.argsort()
        median = values[order][(weights[order].cumsum(0) < 0.5).sum()]
        wrong = {
            "this is the mean, which minimises the squared error.": (weights * values).sum(),
            "this is the most probable value, which need not be in the middle.": (
                values[weights.argmax()]
            ),
            "this is the median of the values without their weights.": values.median(),
            "the weights were summed without sorting the values first.": (
                values[(weights.cumsum(0) < 0.5).sum()]
            ),
        }
        if len({round(float(v), 6) for v in (median, *wrong.values())}) == 5:
            return values, weights, median, wrong
