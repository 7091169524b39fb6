"""The cases of lesson 2.1: the recorrupted pair, the average at test time, photon thinning."""

from functools import partial

import torch

from .. import noise
from .answers import close, shown_by
from .case import Case, Draw

PAIR = "two tensors of the shape of y: return y1, y2"


def r2r_pair():
    """r2r_pair(y, sigma, alpha, w): y1 = y + σ√(α/(1−α)) w and y2 = (y − (1−α) y1)/α."""
    draw = Draw(211)
    for shape, sigma, alpha in (((2, 1, 5, 7), 0.3, 0.2), ((64,), 0.7, 0.8), ((9, 4), 1.6, 0.35)):
        y, w = draw.uniform(*shape).float(), draw.normal(*shape).float()
        tau = (alpha / (1 - alpha)) ** 0.5
        y1 = y + sigma * tau * w
        of_y1 = {
            "y1 has the noise of 1 − α: that is the slide's convention.": y + sigma / tau * w,
            "y1 is scaled by σ²; a standard deviation takes σ.": y + sigma**2 * tau * w,
            "y1 does not depend on σ; here w has unit variance: multiply it by σ.": y + tau * w,
            "the root is missing in y1: α/(1−α) is a ratio of variances.": y + sigma * tau**2 * w,
        }
        of_y2 = {
            "y2 uses the other convention: exchange α and 1 − α.": (y - alpha * y1) / (1 - alpha),
            "y2 has mean αx: you forgot to divide by α.": y - (1 - alpha) * y1,
            "y2 adds the noise that it must subtract: they are correlated.": y + sigma / tau * w,
            "y2 = y − τw is right for α = 1/2 only: subtract w/τ, not τw.": 2 * y - y1,
            "y2 is y itself, as in Noisier2Noise; it is not independent of y1.": y,
        }
        ask = partial(Case, (y, sigma, alpha, w), returns=PAIR)
        yield ask(y1, of_y1, part=0, recall="y1 is y + σ√(α/(1−α)) w")
        yield ask((y - (1 - alpha) * y1) / alpha, of_y2, part=1, recall="y = (1 − α) y1 + α y2")


def averaged():
    """averaged(f, y, sigma, alpha, draws, generator): (1/N) Σ_i f(y1_i)."""
    draw = Draw(212)
    for sigma, alpha, draws in ((0.3, 0.2, 6), (0.8, 0.7, 4)):
        y, inputs, outputs = draw.uniform(2, 1, 64, 64).float(), [], []

        def f(u, inputs=inputs, outputs=outputs):
            inputs.append(torch.as_tensor(u).clone())
            outputs.append(torch.tanh(3 * inputs[-1]) + inputs[-1].square())
            return outputs[-1].clone()

        arguments = f, y, sigma, alpha, draws, torch.Generator()
        verdict = partial(_average, y, sigma, alpha, draws, inputs, outputs)
        yield Case(arguments, y, {}, "one tensor of the shape of y", _MEAN, verdict=verdict)


_MEAN = "the result is not the mean of the outputs of f."


def _average(y, sigma, alpha, draws, inputs, outputs, answer):
    if not inputs or any(u.shape != y.shape for u in inputs):
        return "f was never evaluated on a whole y1."
    added = [(u - y) / sigma for u in inputs]
    if max(w.std() for w in added) < 1e-6:
        return "f saw y itself: recorrupt the input, f was trained at the noise level of y1."
    if len(inputs) == 1:
        return "f was evaluated once: average the outputs f(y1), not the inputs y1."
    if len(inputs) != draws:
        return f"f was evaluated {len(inputs)} times for draws = {draws}."
    if torch.equal(inputs[0], inputs[1]):
        return "all recorruptions are the same: draw a new w in each turn of the loop."
    w, tau = added[0], (alpha / (1 - alpha)) ** 0.5
    if any((w * w.roll(1, axis)).mean().abs() > 0.1 * w.square().mean() for axis in (0, 2, 3)):
        return "each pixel of each image needs noise of its own: torch.randn(y.shape, …)."
    seen = sum(w.std() for w in added) / draws
    levels = {
        "the input has the noise of 1 − α: the slide's convention; use √(α/(1−α)).": 1 / tau,
        "the added noise is scaled by σ²; its standard deviation takes σ.": tau * sigma,
        "the added noise does not depend on σ; multiply w by σ√(α/(1−α)).": tau / sigma,
        "the root is missing: τ² = α/(1−α) is a ratio of variances.": tau**2,
        "the added noise does not depend on α; multiply w by σ√(α/(1−α)).": 1.0,
    }
    if not close(seen, tau, 0.03):  # the standard error is 0.4 % or less
        named = shown_by(seen, levels, 0.03)
        return named or f"the added noise has {seen:.2f} times the standard deviation σ."
    total, last = sum(outputs), outputs[-1]
    mistakes = {
        "the result is the sum of the outputs: divide by draws.": total,
        "only the last output counts: add them up over the loop.": [last, last / draws],
    }
    return None if close(answer, total / draws) else shown_by(answer, mistakes) or ""


def thin():
    """thin(y, gain, alpha, generator): (y1, y2), the Poisson split."""
    draw = Draw(213)
    for gain, alpha in ((0.1, 0.2), (0.5, 0.7)):
        y = noise.Poisson(gain)(draw.uniform(4, 1, 64, 64, low=2, high=3).float(), draw.generator)
        verdict = partial(_split, y.double(), gain, alpha)
        arguments = y, gain, alpha, torch.Generator()
        yield Case(arguments, torch.stack([y, y]), returns=PAIR, verdict=verdict)


def _split(y, gain, alpha, answer):
    y1, y2 = answer
    z, one, two = y / gain, y1 * (1 - alpha) / gain, y2 * alpha / gain  # photons: all, z − w and w
    if close(one + two, z):
        if _whole(gain * two):
            return "the coins were tossed for y, not for the counts: divide y by the gain first."
        if _whole(two):
            return _drawn(two, z, alpha)
        return "that is the pair of another noise: here w counts photons, w ~ Bin(z, α)."
    for factor1, factor2, sentence in (
        (alpha, 1 - alpha, "the shares are exchanged: y2 gets the share α."),
        (1, 1, "the parts add up to y, so their means are below x: divide by 1 − α and by α."),
        (1, alpha, "y1 is not divided by its share 1 − α, so its mean is (1 − α) x."),
        (1 - alpha, 1, "y2 is not divided by its share: you forgot to divide by α."),
        (gain * (1 - alpha), gain * alpha, "the parts are in counts: multiply by the gain."),
        (gain, gain, "the parts are in counts: divide by the shares, multiply by the gain."),
    ):
        if close(y1 * factor1 + y2 * factor2, y) and _whole(y2 * factor2 / gain):
            return sentence
    if _whole(one) and _whole(two):
        return "(1 − α) y1 + α y2 is not y: draw w once, the other z − w photons go to y1."
    return "(1 − α) y1 + α y2 is not y: check what the two parts are divided by."


def _drawn(w, z, alpha):
    """None if w looks like Bin(z, α): range, mean, variance and skewness."""
    deviation, variance = w - alpha * z, (z * alpha * (1 - alpha)).sum()
    if abs(deviation.sum() / z.sum()) > 0.02:  # its standard error is below 0.002
        return "the coins have the wrong probability: w ~ Bin(z, α) and y2 = γw/α."
    ratio = deviation.square().sum() / variance
    if abs(ratio - 1) > 0.1:  # standard error about 0.011
        return f"w has {ratio:.2f} times the variance of Bin(z, α) given z: toss a coin per photon."
    skewness = deviation.pow(3).sum() / variance / (1 - 2 * alpha)
    if (w < 0).any() or (w > z + 0.5).any() or abs(skewness - 1) > 0.5:  # standard error 0.1
        return "w has the spread of Bin(z, α) and not its law: toss coins with torch.binomial."
    return None


def _whole(u):
    return bool((u - u.round()).abs().max() < 1e-2)


EXERCISES = {"a": r2r_pair, "b": averaged, "c": thin}
