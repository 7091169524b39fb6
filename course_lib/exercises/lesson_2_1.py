"""Checks of lesson 2.1: the recorrupted pair, the average at test time, photon thinning."""

import torch

from .. import noise


def a(r2r_pair):
    """r2r_pair(y, sigma, alpha, w) → (y1, y2), w of unit variance, the course's α."""
    g = torch.Generator().manual_seed(0)
    for shape, sigma, alpha in [((2, 1, 5, 7), 0.3, 0.2), ((64,), 0.7, 0.8), ((9, 4), 1.6, 0.35)]:
        y, w = torch.rand(shape, generator=g), torch.randn(shape, generator=g)
        pair = r2r_pair(y, sigma, alpha, w)
        if (message := _pair_of(pair, y)) is not None:
            return message
        if (message := _gaussian(*pair, y, sigma, alpha, w)) is not None:
            return message
    return None


def _gaussian(y1, y2, y, sigma, alpha, w):
    def first(s, share):
        return y + s * (share / (1 - share)) ** 0.5 * w

    right = first(sigma, alpha)
    if not _same(y1, right):
        if _same(y1, first(sigma, 1 - alpha)):
            return (
                "y1 has the noise of 1 − α: the slide's convention. In the course's, y1 = y + "
                "σ√(α/(1−α)) w, so that a small α adds little noise."
            )
        if _same(y1, first(sigma**2, alpha)):
            return "y1 is scaled by σ²; the standard deviation of the added noise takes σ."
        if _same(y1, first(1, alpha)):
            return "y1 does not depend on σ; here w has unit variance, so multiply it by σ."
        if _same(y1, y + sigma * alpha / (1 - alpha) * w):
            return "the root is missing in y1: τ² = α/(1−α) is a ratio of variances."
        return "y1 is not y + σ√(α/(1−α)) w."
    if _same(y2, (y - (1 - alpha) * y1) / alpha):
        return None
    if _same(y2, (y - alpha * y1) / (1 - alpha)):
        return "y2 uses the other convention: exchange α and 1 − α in it (they agree at 1/2)."
    if _same(y2, y - (1 - alpha) * y1):
        return "y2 has mean αx: you forgot to divide by α."
    if _same(y2, first(sigma, 1 - alpha)):
        return "y2 adds the noise that it must subtract: the two parts are positively correlated."
    if _same(y2, 2 * y - right):
        return "y2 = y − τw is right for α = 1/2 only: subtract w/τ, not τw."
    if _same(y2, y):
        return "y2 is y itself, as in Noisier2Noise; it is not independent of y1."
    return "y1 is right, y2 is not: solve y = (1 − α) y1 + α y2 for y2."


def b(averaged):
    """averaged(f, y, sigma, alpha, draws, generator) → (1/N) Σ_i f(y1_i)."""
    for seed, (sigma, alpha, draws) in enumerate([(0.3, 0.2, 6), (0.8, 0.7, 4)]):
        g = torch.Generator().manual_seed(seed)
        y = torch.rand(2, 1, 64, 64, generator=g)
        inputs, outputs = [], []

        def f(u, inputs=inputs, outputs=outputs):
            inputs.append(u.clone())
            outputs.append(torch.tanh(3 * u) + u.square())
            return outputs[-1]

        x_hat = averaged(f, y, sigma, alpha, draws, g)
        if not torch.is_tensor(x_hat) or x_hat.shape != y.shape:
            return f"the result must be a tensor of y's shape {tuple(y.shape)}."
        if (message := _average(x_hat, inputs, outputs, y, sigma, alpha, draws)) is not None:
            return message
    return None


def _average(x_hat, inputs, outputs, y, sigma, alpha, draws):
    if not inputs:
        return "f was never evaluated."
    spread = [((u - y).std() / sigma).item() for u in inputs]
    if max(spread) < 1e-6:
        return "f saw y itself: recorrupt the input, f was trained at the noise level of y1."
    if len(inputs) == 1:
        return (
            "f was evaluated once: average the outputs f(y1), not the inputs y1 (f is nonlinear), "
            "and one draw is not enough."
        )
    if len(inputs) != draws:
        return f"f was evaluated {len(inputs)} times for draws = {draws}."
    if torch.equal(inputs[0], inputs[1]):
        return "all recorruptions are the same: draw a new w in each turn of the loop."
    tau = (alpha / (1 - alpha)) ** 0.5
    seen = sum(spread) / len(spread)
    if not _near(seen, tau):
        mistakes = {
            "the input has the noise of 1 − α: the slide's convention; use √(α/(1−α)).": 1 / tau,
            "the added noise is scaled by σ²; its standard deviation takes σ.": tau * sigma,
            "the added noise does not depend on σ; multiply w by σ√(α/(1−α)).": tau / sigma,
            "the root is missing: τ² = α/(1−α) is a ratio of variances.": tau**2,
            "the added noise does not depend on α; multiply w by σ√(α/(1−α)).": 1.0,
        }
        for sentence, level in mistakes.items():
            if _near(seen, level):
                return sentence
        return f"the added noise has {seen:.2f} times the standard deviation σ, not {tau:.2f}."
    total = sum(outputs)
    if _same(x_hat, total / draws):
        return None
    if _same(x_hat, total):
        return "the result is the sum of the outputs: divide by draws."
    if _same(x_hat, outputs[-1]) or _same(x_hat, outputs[-1] / draws):
        return "only the last output counts: add them up over the loop."
    return "the result is not the mean of the outputs of f."


def c(thin):
    """thin(y, gain, alpha, generator) → (y1, y2), the Poisson split."""
    for seed, (gain, alpha) in enumerate([(0.1, 0.2), (0.5, 0.7)]):
        g = torch.Generator().manual_seed(seed)
        x = 2 + torch.rand(4, 1, 64, 64, generator=g)
        y = noise.Poisson(gain)(x, g)
        pair = thin(y, gain, alpha, g)
        if (message := _pair_of(pair, y)) is not None:
            return message
        if (message := _poisson(*pair, y, gain, alpha)) is not None:
            return message
    return None


def _poisson(y1, y2, y, gain, alpha):
    z = y / gain
    if _whole(y2 * alpha / gain) and _same(y1 * (1 - alpha) + y2 * alpha, y):
        share = (y2.sum() * alpha / y.sum()).item()
        if abs(share - alpha) < 0.02:  # its standard error is below 0.002
            return _drawn(y2 * alpha / gain, z, alpha)
    for u, v, message in [
        (y1 * alpha, y2 * (1 - alpha), "the shares are exchanged: y2 gets the share α."),
        (y1, y2, "the parts add up to y, so their means are below x: divide by 1 − α and by α."),
        (y1, y2 * alpha, "y1 is not divided by its share 1 − α, so its mean is (1 − α) x."),
        (y1 * (1 - alpha), y2, "y2 is not divided by its share: you forgot to divide by α."),
        (y1 * gain * (1 - alpha), y2 * gain * alpha, _COUNTS),
        (y1 * gain, y2 * gain, _COUNTS),
    ]:
        if _same(u + v, y) and _whole(v / gain):
            return message
    if _same(y1 * (1 - alpha) + y2 * alpha, y):
        if _whole(y2 * alpha):
            return "the coins were tossed for y, not for the counts: divide y by the gain first."
        if _whole(y2 * alpha / gain):
            return "the coins have the wrong probability: w ~ Bin(z, α) and y2 = γw/α."
        return "that is the pair of another noise: here w counts photons, w ~ Bin(z, α)."
    if _whole(y1 * (1 - alpha) / gain) and _whole(y2 * alpha / gain):
        return (
            "(1 − α) y1 + α y2 is not y: draw w once, and give the other z − w photons to y1, so "
            "that no photon is counted twice or lost."
        )
    return "(1 − α) y1 + α y2 is not y: check what the two parts are divided by."


_COUNTS = "the parts are in counts, not in the units of y: multiply by the gain."


def _drawn(w, z, alpha):
    """None if w looks like Bin(z, α): its variance given z is zα(1 − α)."""
    ratio = ((w - alpha * z).square().sum() / (z * alpha * (1 - alpha)).sum()).item()
    if abs(ratio - 1) < 0.1:  # standard error about 0.011
        return None
    return (
        f"w has {ratio:.2f} times the variance of Bin(z, α) given z: toss one coin per photon with "
        "torch.binomial."
    )


def _pair_of(pair, y):
    if not isinstance(pair, tuple | list) or len(pair) != 2:
        return "return the two parts: return y1, y2."
    if any(not torch.is_tensor(u) or u.shape != y.shape for u in pair):
        return f"y1 and y2 must be tensors of y's shape {tuple(y.shape)}."
    return None


def _near(measured, level):
    """Whether two standard deviations agree; measured on 32 768 samples or more, to 0.4 %."""
    return abs(measured / level - 1) < 0.03


def _same(u, v):
    return torch.allclose(u, v, rtol=1e-3, atol=1e-4)


def _whole(u):
    return bool((u - u.round()).abs().max() < 1e-2)
