"""Exercises of lesson 2.1: the right answer passes, each likely mistake is named."""

import torch

from course_lib import noise


def tau(alpha):
    return (alpha / (1 - alpha)) ** 0.5


def pair(y, sigma, alpha, w):
    y1 = y + sigma * tau(alpha) * w
    return y1, (y - (1 - alpha) * y1) / alpha


def with_y2(second):
    """The right y1 with y2 = second(y, y1, sigma, alpha, w)."""

    def wrong(y, sigma, alpha, w):
        y1 = pair(y, sigma, alpha, w)[0]
        return y1, second(y, y1, sigma, alpha, w)

    return wrong


def averaging(scale, inside=False, fresh=True, divide=True):
    """The test-time average, with an added noise of standard deviation scale(σ, α)."""

    def averaged(f, y, sigma, alpha, draws, generator):
        def draw():
            return y + scale(sigma, alpha) * torch.randn(y.shape, generator=generator)

        y1 = [draw() for _ in range(draws)] if fresh else [draw()] * draws
        if inside:
            return f(sum(y1) / draws)
        return sum(f(u) for u in y1) / (draws if divide else 1)

    return averaged


def last_only(f, y, sigma, alpha, draws, generator):
    for _ in range(draws):
        w = torch.randn(y.shape, generator=generator)
        x_hat = f(y + sigma * tau(alpha) * w)
    return x_hat


def thinning(first, second, prob=lambda alpha: alpha, count=lambda y, gain: y / gain):
    """The parts first(z − w, γ, α) and second(w, γ, α) of z photons, w ~ Bin(z, prob)."""

    def thin(y, gain, alpha, generator):
        z = count(y, gain).round()
        w = torch.binomial(z, torch.full_like(z, prob(alpha)), generator=generator)
        return first(z - w, gain, alpha), second(w, gain, alpha)

    return thin


def share1(z, gain, alpha):
    return gain * z / (1 - alpha)


def share2(w, gain, alpha):
    return gain * w / alpha


def counts(w, gain, alpha):
    return gain * w


def tossed_twice(y, gain, alpha, generator):
    z = (y / gain).round()
    one, two = (
        torch.binomial(z, torch.full_like(z, p), generator=generator) for p in (1 - alpha, alpha)
    )
    return share1(one, gain, alpha), share2(two, gain, alpha)


def of_y_itself(y, gain, alpha, generator):
    w = torch.binomial(y.floor(), torch.full_like(y, alpha), generator=generator)
    return (y - w) / (1 - alpha), w / alpha


def gaussian_split(y, gain, alpha, generator):
    return noise.Gaussian((gain * float(y.mean())) ** 0.5).split(y, alpha, generator)


def always_the_mean(y, gain, alpha, generator):
    z = (y / gain).round()
    w = (alpha * z).round()
    return share1(z - w, gain, alpha), share2(w, gain, alpha)


def noise_of(shape, own=None):
    """The test-time average with noise of shape(y), from another generator than the one given."""

    def averaged(f, y, sigma, alpha, draws, generator):
        source = {None: generator, "global": None}.get(own, own)
        source = torch.Generator().manual_seed(source) if isinstance(source, int) else source
        w = [torch.randn(shape(y), generator=source) for _ in range(draws)]
        return sum(f(y + sigma * tau(alpha) * one) for one in w) / draws

    return averaged


def rounded_gaussian(y, gain, alpha, generator):
    z = (y / gain).round()
    w = alpha * z + (z * alpha * (1 - alpha)).sqrt() * torch.randn(z.shape, generator=generator)
    w = w.round().clamp_min(0).minimum(z)
    return share1(z - w, gain, alpha), share2(w, gain, alpha)


right_average = averaging(lambda s, a: s * tau(a))

RIGHT = {"2.1.a": pair, "2.1.b": right_average, "2.1.c": thinning(share1, share2)}

WRONG = [
    ("2.1.a", lambda y, s, a, w: pair(y, s, 1 - a, w), "the slide's convention"),
    ("2.1.a", lambda y, s, a, w: pair(y, s**2, a, w), "takes σ"),
    ("2.1.a", lambda y, s, a, w: pair(y, 1, a, w), "does not depend on σ"),
    ("2.1.a", lambda y, s, a, w: (y + s * a / (1 - a) * w, y), "the root is missing"),
    ("2.1.a", lambda y, s, a, w: (y, y), "y2 is y itself"),
    ("2.1.a", with_y2(lambda y, y1, s, a, w: (y - a * y1) / (1 - a)), "the other convention"),
    ("2.1.a", with_y2(lambda y, y1, s, a, w: y - (1 - a) * y1), "forgot to divide by α"),
    ("2.1.a", with_y2(lambda y, y1, s, a, w: y + s / tau(a) * w), "must subtract"),
    ("2.1.a", with_y2(lambda y, y1, s, a, w: y - s * tau(a) * w), "α = 1/2 only"),
    ("2.1.a", with_y2(lambda y, y1, s, a, w: y), "Noisier2Noise"),
    ("2.1.a", with_y2(lambda y, y1, s, a, w: 0 * y), "y = (1 − α) y1 + α y2"),
    ("2.1.a", lambda y, s, a, w: pair(y, s, a, w)[0], "return y1, y2"),
    ("2.1.a", lambda y, s, a, w: (y.flatten()[:2], y), "shape"),
    ("2.1.b", lambda f, y, s, a, n, g: f(y), "f saw y itself"),
    ("2.1.b", lambda f, y, s, a, n, g: y, "never evaluated"),
    ("2.1.b", lambda f, y, s, a, n, g: f(y).mean(), "shape"),
    ("2.1.b", averaging(lambda s, a: s * tau(a), inside=True), "not the inputs"),
    ("2.1.b", lambda f, y, s, a, n, g: right_average(f, y, s, a, n + 1, g), "times for draws"),
    ("2.1.b", averaging(lambda s, a: s * tau(a), fresh=False), "draw a new w"),
    ("2.1.b", averaging(lambda s, a: s / tau(a)), "the slide's convention"),
    ("2.1.b", averaging(lambda s, a: s**2 * tau(a)), "scaled by σ²"),
    ("2.1.b", averaging(lambda s, a: tau(a)), "does not depend on σ"),
    ("2.1.b", averaging(lambda s, a: s * tau(a) ** 2), "the root is missing"),
    ("2.1.b", averaging(lambda s, a: s), "does not depend on α"),
    ("2.1.b", averaging(lambda s, a: 5 * s * tau(a)), "times the standard deviation"),
    ("2.1.b", averaging(lambda s, a: s * tau(a), divide=False), "divide by draws"),
    ("2.1.b", noise_of(lambda y: y.shape[1:]), "noise of its own"),
    ("2.1.b", noise_of(lambda y: y.shape[-1:]), "noise of its own"),
    ("2.1.b", noise_of(lambda y: y.shape, "global"), "global generator"),
    ("2.1.b", noise_of(lambda y: y.shape, 3), "draw anew from `generator`"),
    ("2.1.b", last_only, "only the last output"),
    ("2.1.b", lambda *args: 2 * right_average(*args) - 1, "not the mean"),
    ("2.1.c", thinning(share1, counts), "forgot to divide by α"),
    ("2.1.c", thinning(counts, share2), "y1 is not divided"),
    ("2.1.c", thinning(counts, counts), "add up to y"),
    ("2.1.c", lambda *args: thinning(share1, share2)(*args)[::-1], "shares are exchanged"),
    ("2.1.c", thinning(share1, share2, prob=lambda a: 1 - a), "wrong probability"),
    ("2.1.c", thinning(share1, share2, prob=lambda a: 0.5), "wrong probability"),
    ("2.1.c", thinning(lambda *p: share1(*p) / p[1], lambda *p: share2(*p) / p[1]), "in counts"),
    ("2.1.c", of_y_itself, "divide y by the gain"),
    ("2.1.c", tossed_twice, "draw w once"),
    ("2.1.c", gaussian_split, "another noise"),
    ("2.1.c", rounded_gaussian, "not its law"),
    ("2.1.c", lambda y, gain, a, g: thinning(share1, share2)(y, gain, a, None), "global generator"),
    ("2.1.c", always_the_mean, "times the variance"),
    ("2.1.c", lambda y, gain, a, g: (y, 2 * y), "check what"),
    ("2.1.c", lambda y, gain, a, g: (y, y), "pair"),
    ("2.1.c", lambda y, gain, a, g: y, "return y1, y2"),
]
