"""The cases of lesson 2.5: look up, the best blind filter, the posterior mean, a projection."""

import torch
from torch.nn.functional import conv2d, pad

from .case import Case, Draw


def look_up():
    """look_up(u, weight): a convolution with two rows of zeros at the top, none at the bottom."""
    draw = Draw(251)
    for shape, outputs in (((2, 1, 5, 7), 3), ((1, 3, 6, 4), 2)):
        u, weight = draw.normal(*shape).float(), draw.normal(outputs, shape[1], 3, 3).float()

        def padded(*sides, mode="constant", u=u, weight=weight):
            return conv2d(pad(u, sides, mode=mode), weight)

        right = padded(1, 1, 2, 0)
        mistakes = {
            "this is the ordinary convolution: row i sees row i + 1, below it.": padded(1, 1, 1, 1),
            "this looks down: the two rows of zeros belong at the top.": padded(1, 1, 0, 2),
            "this looks to the left: pad two rows, not two columns.": padded(2, 0, 1, 1),
            "this looks to the right: pad two rows, not two columns.": padded(0, 2, 1, 1),
            "columns i − 2 to i are seen: pad one column on each side.": padded(2, 0, 2, 0),
            "row i itself is left out: it is seen too.": padded(1, 1, 3, 0)[..., :-1, :],
            "the kernel is upside down: pad only.": padded(1, 1, 2, 0, weight=weight.flip(2)),
            "outside are zeros, not the repeated border.": padded(1, 1, 2, 0, mode="replicate"),
        }
        wanted = f"shape {tuple(right.shape)}: two rows and two columns of zeros are to be added"
        yield Case((u, weight), right, mistakes, wanted)


def blind_filter():
    """blind_filter(K): I − D⁻¹ P."""
    draw = Draw(252)
    for n in (3, 6):
        factor, eye = draw.normal(n, n), torch.eye(n)
        K = (factor @ factor.T).float() + eye
        P = torch.linalg.inv(K)
        d = P.diagonal()[:, None]
        right = eye - P / d
        mistakes = {
            "the columns are divided instead of the rows: P / d[:, None].": eye - P / d.T,
            "this is UNSURE's filter: divide row i by P_ii, not the mean.": eye - P / d.mean(),
            "P is the inverse of K; you used K itself.": eye - K / K.diagonal()[:, None],
            "the diagonal D is missing: row i is divided by P_ii.": eye - P,
            "row i is divided by P_ii, not multiplied by it.": eye - P * d,
            "the sign is flipped: the diagonal is zero, but B predicts −μ.": -right,
            "the identity is missing: this has ones on its diagonal.": P / d,
            "row i is divided by P_ii, not by its root.": eye - P / d.sqrt(),
        }
        yield Case((K,), right, mistakes, f"B, {n} × {n}", "the diagonal of B should be 0")


def posterior_mean():
    """posterior_mean(y, mu, s2, sigma): (s² y + σ² μ)/(s² + σ²)."""
    draw = Draw(253)
    for _ in range(2):
        (y, mu), s2 = draw.normal(2, 2, 1, 3, 4), draw.uniform(2, 1, 3, 4, low=0.1, high=1.1)
        sigma, s = draw.number(0.3, 1.3), s2.sqrt()
        v = sigma**2

        def weighted(a, b, y=y, mu=mu):
            return (a * y + b * mu) / (a + b)

        mistakes = {
            "the weights are swapped: a large s² leaves more to y.": weighted(v, s2),
            "σ is a standard deviation: its square belongs beside s².": weighted(s2, sigma),
            "s2 is a variance already: do not square it.": weighted(s2**2, v),
            "the weights are variances; you took standard deviations.": weighted(s, sigma),
            "the weights must add up to 1: divide by s² + σ².": s2 * y + v * mu,
            "this is the mean of y and μ; weigh each by the other's variance.": (y + mu) / 2,
            "this is μ alone: the pixel is still hidden.": mu,
        }
        yield Case((y, mu, s2, sigma), weighted(s2, v), mistakes, recall="with s² = 0 it must be μ")


def risk_of_projection():
    """risk_of_projection(misfit, r, n, sigma): misfit − σ² (1 − 2r/n)."""
    draw = Draw(254)
    for r, n in ((3, 10), (7, 9), (20, 784)):
        sigma, misfit, share = draw.number(0.2, 1.2), draw.number(0.5, 1.5), r / n
        v = sigma**2
        mistakes = {
            "the factor 2 is missing: the key term counts twice.": misfit - v * (1 - share),
            "this is for a blind spot, whose divergence is 0, not r.": misfit - v,
            "σ must be squared.": misfit - sigma * (1 - 2 * share),
            "the sign is flipped: subtract σ² (1 − 2r/n).": misfit + v * (1 - 2 * share),
            "divide the rank r by n: all numbers are per pixel.": misfit - v * (1 - 2 * r),
            "the noise that passes counts up, not down: 1 − 2r/n.": misfit - v * (1 + 2 * share),
            "this is the noise that passes, σ² r/n; the lost signal is missing.": v * share,
        }
        yield Case((misfit, r, n, sigma), misfit - v * (1 - 2 * share), mistakes)


EXERCISES = {"a": look_up, "b": blind_filter, "c": posterior_mean, "d": risk_of_projection}
