"""The check of `test_unbiased` fails on every slip: a factor, a sign, a level, a leak.

Each loss stands here as its docstring displays it, with a method for each piece of the formula: so
it agrees with the real one, and a slip is a subclass of one wrong piece. What arithmetic alone can
get wrong is changed on the syntax tree of the real one (`mutants.missed`).
"""

from dataclasses import replace

import pytest
import torch
from montecarlo import generator
from mutants import missed
from problems import CLAIMS, KERNEL, PROBLEMS, STEP, assert_unbiased, bias
from slips import offsets, scales, seen, slip, truth

from course_lib import losses, noise
from course_lib.losses import antithetic, base
from course_lib.noise import divergence
from course_lib.operators.blur import transfer


class Noise2Noise(losses.Noise2Noise):
    def given(self, y):
        return y[0]

    def target(self, y):
        return y[1]

    def forward(self, f, y, A, noise=None, generator=None):
        return (A(f(self.given(y), A)) - seen(A, self.target(y))).square().mean()


class R2R(losses.R2R):
    def share(self):
        return self.alpha

    def pair(self, y, y1, y2):
        """What f is given, and what it is compared with."""
        return y1, y2

    def forward(self, f, y, A, noise=None, generator=None):
        u, target = self.pair(y, *self.noise.split(y, self.share(), generator))
        return (A(f(u, A)) - seen(A, target)).square().mean()


class Noisier2Noise(losses.Noisier2Noise):
    def scale(self):
        return 1 / self.alpha**2

    def share(self):
        return self.alpha

    def pair(self, y, y1):
        return y1, y

    def forward(self, g, y, A, noise=None, generator=None):
        u, target = self.pair(y, self.noise.split(y, self.share(), generator)[0])
        return self.scale() * (g(u, A) - target).square().mean()


class SURE(losses.SURE):
    def data(self, y):
        return y

    def target(self, y):
        return y

    def divergence(self, S, y):
        return 2 * S / y.numel()

    def level(self, v):
        return -v.mean()

    def forward(self, f, y, A, noise=None, generator=None):
        y = self.data(y)
        Af = A(f(y, A))
        S = self.noise.stein(lambda u: A(f(u, A)), y, Af, self.method, self.tau, generator)
        fit = (Af - seen(A, self.target(y))).square().mean()
        return fit + self.divergence(S, y) + self.level(seen(A, self.noise.variance(y)))


class Antithetic(losses.SURE):
    """SURE with twins; in evaluation mode with the misfit at y."""

    def forward(self, f, y, A, noise=None, generator=None):
        tau = self.tau if self.training else min(self.tau, antithetic.STILL)
        plus, minus, q = self.noise.twins(y, tau, generator)
        a, b, target = A(f(plus, A)), A(f(minus, A)), seen(A, y)
        at = (a, b) if self.training else 2 * (A(f(y, A)),)
        fit = sum((Af - target).square() for Af in at) / 2
        return (fit + 2 * q * (a - b) - seen(A, self.noise.variance(y))).mean()


WRITTEN = {"Noise2Noise": Noise2Noise, "R2R": R2R, "Noisier2Noise": Noisier2Noise, "SURE": SURE,
           "SURE antithetic": Antithetic}  # fmt: skip
SLIPS = {
    "Noise2Noise": {
        "target is the input": slip(Noise2Noise, target=lambda s, y: y[0]),
        "x leaks into the target": slip(Noise2Noise, target=lambda s, y: truth(s)),
        "x leaks into the input": slip(Noise2Noise, given=lambda s, y: truth(s)),
        "input is the mean of the pair": slip(Noise2Noise, given=lambda s, y: (y[0] + y[1]) / 2),
        **scales(losses.Noise2Noise),
        **offsets(losses.Noise2Noise, both=lambda s, noise, y, A: 2 * noise.variance(y[1]).mean()),
    },
    "R2R": {
        "no recorruption": slip(R2R, pair=lambda s, y, y1, y2: (y, y2)),
        "target is y": slip(R2R, pair=lambda s, y, y1, y2: (y1, y)),
        "target is y1": slip(R2R, pair=lambda s, y, y1, y2: (y1, y1)),
        "pair swapped": slip(R2R, pair=lambda s, y, y1, y2: (y2, y1)),
        "x leaks into the target": slip(R2R, pair=lambda s, y, y1, y2: (y1, truth(s))),
        "x leaks into the input": slip(R2R, pair=lambda s, y, y1, y2: (truth(s), y2)),
        "alpha of the slides": slip(R2R, share=lambda s: 1 - s.alpha),
        "wrong alpha": slip(R2R, share=lambda s: s.alpha + 0.25),
        **scales(losses.R2R),
        **offsets(
            losses.R2R,
            without_alpha=lambda s, noise, y, A: noise.variance(y).mean(),
            of_y1=lambda s, noise, y, A: noise.variance(y).mean() / (1 - s.alpha),
        ),
    },
    "Noisier2Noise": {
        "scale missing": slip(Noisier2Noise, scale=lambda s: 1),
        "scale 1/alpha": slip(Noisier2Noise, scale=lambda s: 1 / s.alpha),
        "wrong alpha": slip(Noisier2Noise, share=lambda s: 0.5),
        "no noise added": slip(Noisier2Noise, pair=lambda s, y, y1: (y, y)),
        "x leaks into the target": slip(Noisier2Noise, pair=lambda s, y, y1: (y1, truth(s))),
        **scales(losses.Noisier2Noise),
        **offsets(losses.Noisier2Noise),
    },
    "SURE": {
        "factor 1": slip(SURE, divergence=lambda s, right, S, y: right(S / 2, y)),
        "factor 3": slip(SURE, divergence=lambda s, right, S, y: right(1.5 * S, y)),
        "the slides' sign": slip(SURE, divergence=lambda s, right, S, y: -right(S, y)),
        "divergence missing": slip(SURE, divergence=lambda s, S, y: 0),
        "divergence of one image": slip(SURE, divergence=lambda s, S, y: 2 * S / y[0].numel()),
        "un-normalised divergence": slip(SURE, divergence=lambda s, S, y: 2 * S),
        "variance missing": slip(SURE, level=lambda s, v: 0),
        "variance added": slip(SURE, level=lambda s, v: v.mean()),
        "σ for σ²": slip(SURE, level=lambda s, v: -v.sqrt().mean()),
        "x leaks into the target": slip(SURE, target=lambda s, y: truth(s)),
        "x leaks into the input": slip(SURE, data=lambda s, y: truth(s)),
        **scales(losses.SURE),
    },
    "UNSURE": {
        "offset missing": slip(losses.UNSURE, offset=lambda s, noise, y, A=None: 0),
        "multiplier is a standard deviation": slip(
            losses.UNSURE, forward=lambda s, right, *a, **k: [s.eta.sqrt_(), right(*a, **k)][1]
        ),
        **scales(losses.UNSURE),
    },
}  # fmt: skip

ON = {
    "Noise2Noise": ["gaussian, mixture", "gaussian, blur", "poisson", "gamma", "binomial"],
    "R2R": ["gaussian, mixture", "gaussian, blur", "correlated", "poisson", "gamma", "binomial"],
    "Noisier2Noise": ["gaussian, mixture", "correlated"],
    "SURE exact": ["poisson"],
    "SURE mc": ["gaussian, mixture", "gaussian, blur", "correlated"],
    "UNSURE": ["gaussian, mixture", "gaussian, blur"],
}
CASES = [(key, name) for key in ON for name in SLIPS[key.split()[0]]]


def caught(loss, claim, problem):
    """Does the check that the real loss passes refuse this one? A quarter of it will often do."""
    try:
        if abs(bias(loss, claim, problem, 8).z()) < 8:
            assert_unbiased(loss, claim, problem)
            return False
    except (AssertionError, ValueError) as error:
        assert any(why in str(error) for why in ("biased", "too noisy", "not a multiple"))
    return True


@pytest.mark.parametrize("key, name", CASES)
def test_a_slip_of_the_loss_is_caught(key, name, monkeypatch):
    claim, family = CLAIMS[key], key.split()[0]
    monkeypatch.setattr(losses, family, SLIPS[family][name])
    for where in ON[key]:
        problem = PROBLEMS[where]()
        loss = claim.make(problem.noise)
        loss.problem = problem
        if caught(loss, claim, problem):
            return
    pytest.fail("no problem catches this slip")


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("where", ["gaussian, blur", "gaussian, inpainting", "poisson, inpainting"])
@pytest.mark.parametrize("key", ["Noise2Noise", "R2R", "SURE exact", "SURE antithetic"])
def test_the_loss_is_its_formula(key, where, training, monkeypatch):
    """What is written out here, without a slip, is the real loss to rounding."""
    problem, claim = PROBLEMS[where](), CLAIMS[key]
    y = problem.observe(generator(), claim.copies)
    real = claim.make(problem.noise).train(training)
    family = type(real).__name__
    monkeypatch.setattr(losses, family, WRITTEN.get(key, WRITTEN[family]))
    written = claim.make(problem.noise).train(training)
    one, two = (loss(problem.f, y, problem.A, generator=generator(1)) for loss in (real, written))
    torch.testing.assert_close(one, two, rtol=1e-12, atol=1e-14)


FORMULA = {  # the function in which the formula stands
    "Noise2Noise": base.misfit,
    "R2R": losses.R2R.entries,
    "Noisier2Noise": losses.Noisier2Noise.entries,
    "SURE antithetic": antithetic.stein,
    "UNSURE": losses.UNSURE.entries,
}


@pytest.mark.parametrize("key", FORMULA)
def test_a_handful_of_systematic_slips_is_caught(key):
    """Of the mutants of a formula on the syntax tree, one of which may change nothing here."""
    problem, claim = PROBLEMS["gaussian, mixture"](), CLAIMS[key]

    def refused():
        return caught(claim.make(problem.noise), claim, problem)

    assert len(missed(FORMULA[key], refused)) < 2


# The misfit and the divergence with which SURE and UNSURE are trained: (fit, d).
def antithetic_slips(right):
    def one_side(f, y, A, plus, minus, training):
        f_plus, f_minus = A(f(plus, A)), A(f(minus, A))
        return (f_plus - y).square() / 2, f_plus - f_minus

    def leak(problem):
        def leaking(f, y, A, plus, minus, training):
            return right(f, problem.A(problem.x), A, plus, minus, training)

        return leaking

    def changed(h):
        return lambda problem: lambda *arguments: h(*right(*arguments))

    return {
        "sign flipped": changed(lambda fit, d: (fit, -d)),
        "fit not halved": changed(lambda fit, d: (2 * fit, d)),
        "fit at one side only": lambda problem: one_side,
        "no divergence": changed(lambda fit, d: (fit, 0 * d)),
        "divergence to one side, not rescaled": changed(lambda fit, d: (fit, d / 2)),
        "x leaks into the target": leak,
    }


ANTITHETIC = antithetic_slips(antithetic.antithetic)


@pytest.mark.parametrize("key", ["SURE antithetic", "UNSURE"])
@pytest.mark.parametrize("name", ANTITHETIC)
def test_a_slip_of_the_antithetic_divergence_is_caught(key, name, monkeypatch):
    problem = PROBLEMS["gaussian, mixture"]()
    module = antithetic if key.startswith("SURE") else losses.multipliers
    monkeypatch.setattr(module, "antithetic", ANTITHETIC[name](problem))
    assert caught(CLAIMS[key].make(problem.noise), CLAIMS[key], problem)


def unit_probe(s, y, tau, generator=None):
    p = torch.randn(y.shape, generator=generator, dtype=y.dtype)
    return y + tau * p, y - tau * p, p / (2 * tau)


def weighted(change):
    """The weight q of the twins times a function of α."""

    def method(s, right, y, tau, generator=None):
        plus, minus, q = right(y, tau, generator)
        return plus, minus, q * change(tau**2 / (1 + tau**2))

    return method


def moved(change):
    """(y⁺, y⁻, q) of a function of (y, y⁺, y⁻, q, α)."""

    def method(s, right, y, tau, generator=None):
        return change(y, *right(y, tau, generator), tau**2 / (1 + tau**2))

    return method


def joint(s, y, tau, generator=None):
    """The shares may overlap."""
    a = tau**2 / (1 + tau**2)
    plus, minus = ((y - s.share(y, a, 1.0, generator)) / (1 - a) for _ in range(2))
    return plus, minus, (1 - a) ** 2 / (2 * a) * (plus - minus)


def unscaled(y, plus, minus, q, a):
    plus = (1 - a) * plus
    return plus, minus, (1 - a) ** 2 / (2 * a) * (plus - minus)


TWINS = {  # of a symmetric probe
    "step missing": lambda s, right, y, tau, g=None: (
        *right(y, tau, g)[:2],
        tau * right(y, tau)[2],
    ),
    "half missing": weighted(lambda a: 2),
    "one side only": moved(lambda y, plus, minus, q, a: (plus, y, q)),
    "probe of unit variance": unit_probe,
}
SHARED = {  # of a law with an independent split
    "weight of the slides' alpha": weighted(lambda a: (a / (1 - a)) ** 3),
    "weight of independent shares": weighted(lambda a: 1 / (1 - a)),
    "weight of symmetric twins": weighted(lambda a: 1 / (2 * (1 - a))),
    "shares not disjoint": joint,
    "first twin not rescaled": moved(unscaled),
    "wrong alpha": lambda s, right, y, tau, g=None: right(y, (tau**2 / (1 - tau**2)) ** 0.5, g),
}
TWIN_CASES = [(name, TWINS[name], "gaussian, mixture") for name in TWINS]
TWIN_CASES += [(name, SHARED[name], law) for name in SHARED for law in ("poisson", "gamma")]


@pytest.mark.parametrize("name, method, where", TWIN_CASES)
def test_a_slip_of_the_twins_is_caught(name, method, where):
    problem, claim = PROBLEMS[where](), CLAIMS["SURE antithetic"]
    law = problem.noise
    wrong = slip(type(law), twins=method)
    told = wrong(
        law.sigma if where.startswith("gaussian") else getattr(law, "gain", None) or law.looks
    )
    assert caught(claim.make(told), replace(claim, estimator=_first_split), problem)


def _first_split(problem, y, g):
    """f at R2R's y1 of the same law as the first twin, drawn by `split`, which is not changed."""
    return problem.f(problem.noise.split(y, STEP**2 / (1 + STEP**2), g)[0], problem.A)


@pytest.mark.parametrize("family", ["SURE", "R2R", "Noise2Noise"])
def test_a_slip_of_a_residual_without_the_operator_is_caught(family, monkeypatch):
    problem = PROBLEMS["gaussian, blur"]()
    claim = CLAIMS["SURE mc" if family == "SURE" else family]
    module = losses.sure if family == "SURE" else losses.base
    monkeypatch.setattr(module, "measured", lambda f, y, A, onto=None: f(y, A))
    assert caught(claim.make(problem.noise), claim, problem)


# What a loss is told about the noise, wrong: (claim, problem, the model it is given).
WRONG_LEVELS = [
    ("R2R", "gaussian, mixture", lambda: noise.Gaussian(0.4 * 1.2)),
    ("R2R", "gaussian, mixture", lambda: noise.Gaussian(0.4 / 1.2)),
    ("R2R", "correlated", lambda: noise.Gaussian(noise.CorrelatedGaussian(KERNEL).sigma)),
    ("R2R", "poisson", lambda: noise.Poisson(0.1)),
    ("R2R", "poisson", lambda: noise.Poisson(0.6)),
    ("R2R", "gamma", lambda: noise.Gamma(8.0)),
    ("R2R", "gamma", lambda: noise.Gamma(2.0)),
    ("R2R", "gamma", lambda: noise.Gaussian(0.4)),
    ("R2R", "binomial", lambda: noise.Binomial(16)),
    ("Noisier2Noise", "gaussian, mixture", lambda: noise.Gaussian(0.4 * 1.2)),
    ("SURE mc", "gaussian, mixture", lambda: noise.Gaussian(0.4 * 1.1)),
    ("SURE mc", "gaussian, mixture", lambda: noise.Gaussian(0.4 / 1.1)),
    ("SURE mc", "correlated", lambda: noise.Gaussian(noise.CorrelatedGaussian(KERNEL).sigma)),
    ("SURE exact", "poisson", lambda: noise.Poisson(0.1)),
    ("SURE exact", "poisson", lambda: noise.Gaussian(0.6)),
    ("SURE exact", "gamma", lambda: noise.Gamma(5.0)),
    ("SURE exact", "poisson-gaussian", lambda: noise.PoissonGaussian(0.3, 0.35)),
    ("SURE exact", "poisson-gaussian", lambda: noise.PoissonGaussian(0.2, 0.25)),
    ("UNSURE", "gaussian, mixture", lambda: noise.Gaussian(0.4 * 1.1)),
]


@pytest.mark.parametrize("key, where, told", WRONG_LEVELS)
def test_a_slip_of_the_noise_level_is_caught(key, where, told):
    assert caught(CLAIMS[key].make(told()), CLAIMS[key], PROBLEMS[where]())


# Laws with one wrong method: (claim, problem, the wrong law).
def printed(s, y, alpha, generator=None):
    """R2R as the slides print it, in our α, with the y_b that makes up y: erratum E1."""
    y1 = y + ((1 - alpha) / alpha) ** 0.5 * s.draw(y, generator)
    return y1, (y - (1 - alpha) * y1) / alpha


def paired(change):
    """The pair changed: a function of (y, y1, y2, α)."""
    return lambda s, right, y, alpha, g=None: change(y, *right(y, alpha, g), alpha)


def fresh(s, right, y, alpha, generator=None):
    y1, _ = right(y, alpha, generator)
    return y1, y - ((1 - alpha) / alpha) ** 0.5 * s.draw(y, generator)


def twice(s, right, y, generator=None):
    K = transfer(s.kernel.to(y), y.shape[-2:])
    return torch.fft.irfft2(K * torch.fft.rfft2(right(y, generator)), s=y.shape[-2:])


def independent(s, y, alpha, rest, generator=None):
    return s.gain * torch.poisson(alpha * s.counts(y), generator=generator)


def added(s, f, y, fy):
    return (y * (fy - divergence.finite(f, y, s.gain))).sum()


def first_order(s, f, y, fy):
    return (y * s.gain * divergence.partials(f, y)).sum()


def uniform(s, f, y, fy):
    """t uniform on (0, 1), by the midpoints of a grid."""
    t = (torch.arange(16).double() + 0.5) / 16
    return (y * (fy - sum(divergence.finite(f, y, (v - 1) * y) for v in t) / 16)).sum()


def shapes_swapped(s, right, y, alpha, rest, generator=None):
    return right(y, 1 - alpha, rest, generator)


def slopes_at_y(s, right, f, y, fy):
    e = divergence.partials(f, y)
    shifted = sum(
        e * torch.func.jvp(f, (y - s.gain * e,), (e.expand_as(y).contiguous(),))[1]
        for e in divergence.pixels(y)
    )
    return right(f, y, fy) + s.sigma**2 * (e - shifted).sum()


def readout(factor):
    """The read-out term of Poisson-Gaussian noise, multiplied."""

    def method(s, right, f, y, fy):
        counts = (y * (fy - divergence.finite(f, y, -s.gain))).sum()
        return counts + factor * (right(f, y, fy) - counts)

    return method


GAUSS, PHOTON, LOOKS, BOTH, TRIALS = (
    lambda **m: slip(noise.Gaussian, **m)(0.4),
    lambda **m: slip(noise.Poisson, **m)(0.3),
    lambda **m: slip(noise.Gamma, **m)(4.0),
    lambda **m: slip(noise.PoissonGaussian, **m)(0.3, 0.25),
    lambda **m: slip(noise.Binomial, **m)(8),
)
LAWS = {
    "R2R as the slides print it": ("R2R", "gaussian, mixture", GAUSS(split=printed)),
    "Gaussian: same sign in y1 and y2": (
        "R2R", "gaussian, mixture", GAUSS(split=paired(lambda y, y1, y2, a: (y1, 2 * y - y2))),
    ),
    "Gaussian: fresh noise in y2": ("R2R", "gaussian, mixture", GAUSS(split=fresh)),
    "Gaussian: sigma for its square": (
        "SURE exact", "gaussian, mixture",
        GAUSS(stein_exact=lambda s, right, f, y, fy: right(f, y, fy) / s.sigma),
    ),
    "Correlated: recorrupted with the kernel twice": (
        "R2R", "correlated", slip(noise.CorrelatedGaussian, draw=twice)(KERNEL),
    ),
    "Poisson: y2 not scaled": (
        "R2R", "poisson", PHOTON(split=paired(lambda y, y1, y2, a: (y1, a * y2))),
    ),
    "Poisson: alpha of the slides": ("R2R", "poisson", PHOTON(share=shapes_swapped)),
    "Poisson: thinned by independent counts": ("R2R", "poisson", PHOTON(share=independent)),
    "Poisson: a photon added": ("SURE exact", "poisson", PHOTON(stein_exact=added)),
    "Poisson: sign": (
        "SURE exact", "poisson", PHOTON(stein_exact=lambda s, right, *a: -right(*a)),
    ),
    "Poisson: first order taken for exact": (
        "SURE exact", "poisson", PHOTON(stein_exact=first_order),
    ),
    "Poisson: variance without the gain": (
        "SURE exact", "poisson", PHOTON(variance=lambda s, y: y),
    ),
    "Gamma: shapes swapped": ("R2R", "gamma", LOOKS(share=shapes_swapped)),
    "Gamma: a fixed share": ("R2R", "gamma", LOOKS(share=lambda s, y, alpha, *_: alpha * y)),
    "Gamma: the rest keeps all looks": (
        "SURE antithetic", "gamma",
        LOOKS(share=lambda s, right, y, alpha, rest, g=None: right(y, alpha, 1.0, g)),
    ),
    "Gamma: variance as if y were x": (
        "SURE exact", "gamma", LOOKS(variance=lambda s, y: y.square() / s.looks),
    ),
    "Gamma: t uniform instead of its power": ("SURE exact", "gamma", LOOKS(stein_exact=uniform)),
    "Poisson-Gaussian: slopes at y": (
        "SURE exact", "poisson-gaussian, pointwise", BOTH(stein_exact=slopes_at_y),
    ),
    "Poisson-Gaussian: read-out noise forgotten": (
        "SURE exact", "poisson-gaussian", BOTH(stein_exact=readout(0)),
    ),
    "Poisson-Gaussian: sign of the read-out term": (
        "SURE exact", "poisson-gaussian", BOTH(stein_exact=readout(-1)),
    ),
    "Binomial: as many draws as are left": (
        "R2R", "binomial", TRIALS(split=lambda s, right, y, alpha, g=None: right(y, 0.5, g)),
    ),
    "Binomial: y1 not scaled": (
        "R2R", "binomial", TRIALS(split=paired(lambda y, y1, y2, a: ((1 - a) * y1, y2))),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", LAWS)
def test_a_slip_of_the_noise_model_is_caught(name):
    key, where, told = LAWS[name]
    assert caught(CLAIMS[key].make(told), CLAIMS[key], PROBLEMS[where]())


RIGHT = divergence.monte_carlo
DIVERGENCES = {  # of one step, in the place of `divergence.monte_carlo`
    "the slides' order, minus the divergence": lambda *arguments: -RIGHT(*arguments),
    "step forgotten": lambda f, y, fy, p, q, tau: tau * RIGHT(f, y, fy, p, q, tau),
    "an unrelated second probe": (
        lambda f, y, fy, p, q, tau: RIGHT(f, y, fy, p, torch.randn(q.shape, generator=generator(1),
                                                                   dtype=q.dtype), tau)
    ),
    "mean over the pixels": lambda f, y, fy, p, q, tau: RIGHT(f, y, fy, p, q, tau) / q.numel(),
}  # fmt: skip


@pytest.mark.parametrize("name", DIVERGENCES)
def test_a_slip_of_the_forward_divergence_is_caught(name, monkeypatch):
    monkeypatch.setattr(divergence, "monte_carlo", DIVERGENCES[name])
    problem, claim = PROBLEMS["gaussian, mixture"](), CLAIMS["SURE mc"]
    assert caught(claim.make(problem.noise), claim, problem)
