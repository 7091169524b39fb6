"""The check of `test_unbiased` fails on every mutant: a factor, a sign, a level, a leak.

Each row changes one expression of the real source, so the mutant is the loss but for that slip.
"""

from dataclasses import replace

import pytest
from problems import CLAIMS, KERNEL, PROBLEMS, STEP, assert_unbiased, mutant

from course_lib import losses, noise
from course_lib.noise import divergence

LOSS_MUTANTS = {
    "Noise2Noise": {
        "target is the input": ("- y_b).square", "- y_a).square"),
        "x leaks into the target": ("- y_b).square", "- truth.A(truth.x)).square"),
        "x leaks into the input": ("measured(f, y_a, A)", "measured(f, truth.A(truth.x), A)"),
        "input is the mean of the pair": ("measured(f, y_a, A)", "measured(f, (y_a + y_b) / 2, A)"),
        "un-normalised sum": (".square().mean()", ".square().sum()"),
        "half the square": (".square().mean()", ".square().mean() / 2"),
        "offset missing": ("noise.variance(_pair(y)[1]).mean()", "0"),
        "offset of the difference": ("noise.variance(_pair(y)[1])", "2 * noise.variance(y[1])"),
    },
    "R2R": {
        "no recorruption": ("measured(f, y1, A)", "measured(f, y, A)"),
        "target is y": ("- y2).square", "- y).square"),
        "target is y1": ("- y2).square", "- y1).square"),
        "pair swapped": ("y1, y2 =", "y2, y1 ="),
        "x leaks into the target": ("- y2).square", "- truth.A(truth.x)).square"),
        "x leaks into the input": ("measured(f, y1, A)", "measured(f, truth.A(truth.x), A)"),
        "un-normalised sum": (".square().mean()", ".square().sum()"),
        "half the square": (".square().mean()", ".square().mean() / 2"),
        "alpha of the slides": ("split(y, self.alpha, generator)\n", "split(y, 1 - self.alpha)\n"),
        "wrong alpha": ("split(y, self.alpha, generator)\n", "split(y, self.alpha + 0.25)\n"),
        "offset missing": ("noise.variance(y).mean() / self.alpha", "0"),
        "offset without alpha": (".mean() / self.alpha", ".mean()"),
        "offset of y1": (".mean() / self.alpha", ".mean() / (1 - self.alpha)"),
    },
    "Noisier2Noise": {
        "scale missing": (".mean() / self.alpha**2", ".mean()"),
        "scale 1/alpha": (".mean() / self.alpha**2", ".mean() / self.alpha"),
        "wrong alpha": ("y1, _ = self.noise.split(y, self.alpha, generator)\n        return",
                        "y1, _ = self.noise.split(y, 0.5, generator)\n        return"),
        "no noise added": ("measured(g, y1, A)", "measured(g, y, A)"),
        "x leaks into the target": ("- y).square", "- truth.A(truth.x)).square"),
        "un-normalised sum": (".square().mean()", ".square().sum()"),
        "offset missing": ("noise.variance(y).mean() / self.alpha", "0"),
    },
    "SURE": {
        "factor 1": ("2 * S", "1 * S"),
        "factor 3": ("2 * S", "3 * S"),
        "sign flipped": ("2 * S", "-2 * S"),
        "divergence missing": ("2 * S", "0 * S"),
        "divergence of one image": ("2 * S)", "2 * S * len(y))"),
        "un-normalised divergence": ("2 * S) /", "2 * S * y.numel()) /"),
        "un-normalised sum": ("/ y.numel()", "/ 1"),
        "variance missing": ("- self.noise.variance(y).mean()", ""),
        "variance added": ("- self.noise.variance", "+ self.noise.variance"),
        "x leaks into the target": ("(Af - y)", "(Af - truth.A(truth.x))"),
        "x leaks into the input": ("Af = measured(f, y, A)",
                                   "y = truth.A(truth.x); Af = measured(f, y, A)"),
    },
    "UNSURE": {
        "factor 1": ("2 * eta * div", "1 * eta * div"),
        "factor 3": ("2 * eta * div", "3 * eta * div"),
        "sign flipped": ("+ 2 * eta", "- 2 * eta"),
        "multiplier is a standard deviation": ("2 * eta * div", "2 * eta.sqrt() * div"),
        "un-normalised divergence": ("eta * div)", "eta * div * y.numel())"),
        "un-normalised sum": ("div) / y.numel()", "div)"),
        "fit halved": ("(fit +", "(fit / 2 +"),
        "offset missing": ("noise.variance(y).mean()", "0"),
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
CASES = [(key, name) for key in ON for name in LOSS_MUTANTS[key.split()[0]]]


def caught(loss, claim, problem):
    """Does the check that the real loss passes refuse this one?"""
    try:
        assert_unbiased(loss, claim, problem)
    except (AssertionError, ValueError) as error:
        assert any(why in str(error) for why in ("biased", "too noisy", "not a multiple"))
        return True
    return False


@pytest.mark.parametrize("key, name", CASES)
def test_a_mutant_of_the_loss_is_caught(key, name, monkeypatch):
    claim, family = CLAIMS[key], key.split()[0]
    original = getattr(losses, family)
    for where in ON[key]:
        problem = PROBLEMS[where]()
        changed = mutant(original, *LOSS_MUTANTS[family][name], truth=problem)
        monkeypatch.setattr(losses, family, changed)
        if caught(claim.make(problem.noise), claim, problem):
            return
    pytest.fail("no problem catches this mutant")


# One expression of the divergence that SURE and UNSURE are trained with.
ANTITHETIC = {
    "sign flipped": ("(plus - minus)).sum()", "(minus - plus)).sum()"),
    "fit not halved": (".sum()) / 2", ".sum())"),
    "fit at one side only": ("(minus - y).square()", "0 * y"),
    "no probe": ("(q * (plus", "(0 * q * (plus"),
    "x leaks into the target": ("(plus - y)", "(plus - truth.A(truth.x))"),
}


@pytest.mark.parametrize("key", ["SURE antithetic", "UNSURE"])
@pytest.mark.parametrize("name", ANTITHETIC)
def test_a_mutant_of_the_antithetic_divergence_is_caught(key, name, monkeypatch):
    problem = PROBLEMS["gaussian, mixture"]()
    changed = mutant(divergence.antithetic, *ANTITHETIC[name], truth=problem)
    module = losses.sure if key.startswith("SURE") else losses.unsure
    monkeypatch.setattr(module, "antithetic", changed)
    assert caught(CLAIMS[key].make(problem.noise), CLAIMS[key], problem)


TWINS = {  # of a symmetric probe
    "step missing": ("q / (2 * tau)", "q / 2"),
    "half missing": ("q / (2 * tau)", "q / tau"),
    "one side only": ("y - tau * p", "y"),
    "probe of unit variance": (
        "p, q = self.probes(_checks.single(y), generator)",
        "p = q = normal_like(y, generator)",
    ),
}
SHARED = {  # of a law with an independent split
    "weight of the slides' alpha": ("(1 - alpha) ** 2 / (2 * alpha)", "alpha**2 / (2 - 2 * alpha)"),
    "weight of independent shares": ("(1 - alpha) ** 2", "(1 - alpha)"),
    "weight of symmetric twins": ("(1 - alpha) ** 2 / (2", "(1 - alpha) / (4"),
    "shares not disjoint": ("self.share(y - s, alpha / (1 - alpha), 1 - alpha,",
                            "self.share(y, alpha, 1.0,"),
    "first twin not rescaled": ("plus, minus = (y - s) / (1 - alpha)", "plus, minus = (y - s)"),
    "wrong alpha": ("alpha = tau**2 / (1 + tau**2)", "alpha = tau**2"),
}  # fmt: skip
TWIN_CASES = [("twins", name, "gaussian, mixture") for name in TWINS]
TWIN_CASES += [("shared_twins", name, law) for name in SHARED for law in ("poisson", "gamma")]


@pytest.mark.parametrize("method, name, where", TWIN_CASES)
def test_a_mutant_of_the_twins_is_caught(method, name, where, monkeypatch):
    changes = TWINS if method == "twins" else SHARED
    problem, claim = PROBLEMS[where](), CLAIMS["SURE antithetic"]
    original = getattr(noise.Noise, method)
    changed = mutant(original, *changes[name])
    monkeypatch.setattr(noise.Noise, method, changed)
    assert caught(claim.make(problem.noise), replace(claim, estimator=_first_split), problem)


def _first_split(problem, y, g):
    """f at R2R's y1 of the same law as the first twin, drawn by `split`, which is not mutated."""
    return problem.f(problem.noise.split(y, STEP**2 / (1 + STEP**2), g)[0], problem.A)


@pytest.mark.parametrize("family", ["SURE", "R2R", "Noise2Noise"])
def test_a_residual_without_the_operator_is_caught(family, monkeypatch):
    problem = PROBLEMS["gaussian, blur"]()
    forgetful = mutant(losses.sure.measured, "(onto or A)(f(y, A))", "f(y, A)")
    claim = CLAIMS["SURE mc" if family == "SURE" else family]
    monkeypatch.setitem(vars(getattr(losses, family.lower())), "measured", forgetful)
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
def test_a_wrong_noise_level_is_caught(key, where, told):
    assert caught(CLAIMS[key].make(told()), CLAIMS[key], PROBLEMS[where]())


# (claim, problem, class, arguments, expression, slip): one expression of a noise model changed.
PRINTED = ("(alpha / (1 - alpha)) ** 0.5", "((1 - alpha) / alpha) ** 0.5")  # with its y_b: E1
NOISE_MUTANTS = {
    "R2R as the slides print it": ("R2R", "gaussian, mixture", noise.Gaussian, (0.4,), *PRINTED),
    "Gaussian: same sign in y1 and y2": (
        "R2R", "gaussian, mixture", noise.Gaussian, (0.4,),
        "y1, (y - (1 - alpha) * y1) / alpha", "y1, 2 * y - (y - (1 - alpha) * y1) / alpha",
    ),
    "Gaussian: fresh noise in y2": (
        "R2R", "gaussian, mixture", noise.Gaussian, (0.4,),
        "y1, (y - (1 - alpha) * y1) / alpha",
        "y1, y - ((1 - alpha) / alpha) ** 0.5 * self.draw(y, generator)",
    ),
    "Gaussian: sigma for its square": (
        "SURE exact", "gaussian, mixture", noise.Gaussian, (0.4,),
        "self.sigma**2 * divergence", "self.sigma * divergence",
    ),
    "Correlated: recorrupted with the kernel twice": (
        "R2R", "correlated", noise.CorrelatedGaussian, (KERNEL,), "K * w", "K * K * w",
    ),
    "Poisson: y2 not scaled": (
        "R2R", "poisson", noise.Poisson, (0.3,), "s / alpha", "s",
    ),
    "Poisson: alpha of the slides": (
        "R2R", "poisson", noise.Poisson, (0.3,),
        "torch.full_like(z, alpha)", "torch.full_like(z, 1 - alpha)",
    ),
    "Poisson: thinned by independent counts": (
        "R2R", "poisson", noise.Poisson, (0.3,),
        "torch.binomial, z, torch.full_like(z, alpha)", "torch.poisson, alpha * z",
    ),
    "Poisson: a photon added": (
        "SURE exact", "poisson", noise.Poisson, (0.3,), "f, y, -self.gain", "f, y, self.gain",
    ),
    "Poisson: sign": (
        "SURE exact", "poisson", noise.Poisson, (0.3,),
        "(fy - divergence.finite(f, y, -self.gain))", "(divergence.finite(f, y, -self.gain) - fy)",
    ),
    "Poisson: first order taken for exact": (
        "SURE exact", "poisson", noise.Poisson, (0.3,),
        "(fy - divergence.finite(f, y, -self.gain))", "self.gain * divergence.partials(f, y)",
    ),
    "Poisson: variance without the gain": (
        "SURE exact", "poisson", noise.Poisson, (0.3,),
        "self.gain * self.gain * self.counts(y)", "y",
    ),
    "Gamma: shapes swapped": (
        "R2R", "gamma", noise.Gamma, (4.0,),
        "looks * alpha, looks * (1 - alpha)", "looks * (1 - alpha), looks * alpha",
    ),
    "Gamma: a fixed share": (
        "R2R", "gamma", noise.Gamma, (4.0,),
        "w = beta_like(looks * alpha, looks * (1 - alpha), _checks.single(y), generator)",
        "w = alpha",
    ),
    "Gamma: the rest keeps all looks": (
        "SURE antithetic", "gamma", noise.Gamma, (4.0,), "rest * self.looks", "self.looks",
    ),
    "Gamma: variance as if y were x": (
        "SURE exact", "gamma", noise.Gamma, (4.0,), "/ (self.looks + 1)\n", "/ self.looks\n",
    ),
    "Gamma: t uniform instead of its power": (
        "SURE exact", "gamma", noise.Gamma, (4.0,),
        "self.nodes, 0, self.looks - 1", "self.nodes, 0, 0",
    ),
    "Poisson-Gaussian: slopes at y": (
        "SURE exact", "poisson-gaussian, pointwise", noise.PoissonGaussian, (0.3, 0.25),
        "(y - self.gain * e,)", "(y,)",
    ),
    "Poisson-Gaussian: read-out noise forgotten": (
        "SURE exact", "poisson-gaussian", noise.PoissonGaussian, (0.3, 0.25),
        "+ self.sigma**2 * slopes", "",
    ),
    "Poisson-Gaussian: sign of the read-out term": (
        "SURE exact", "poisson-gaussian", noise.PoissonGaussian, (0.3, 0.25),
        "+ self.sigma**2 * slopes", "- self.sigma**2 * slopes",
    ),
    "Binomial: as many draws as are left": (
        "R2R", "binomial", noise.Binomial, (8,),
        "self.trials - successes, round(drawn)", "self.trials - successes, 4",
    ),
    "Binomial: y1 not scaled": (
        "R2R", "binomial", noise.Binomial, (8,), "(z - w) / (self.trials - drawn)", "(z - w) / 8",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", NOISE_MUTANTS)
def test_a_mutant_of_the_noise_model_is_caught(name):
    key, where, model, arguments, old, new = NOISE_MUTANTS[name]
    told = mutant(model, old, new)(*arguments)
    assert caught(CLAIMS[key].make(told), CLAIMS[key], PROBLEMS[where]())


DIVERGENCE_MUTANTS = {  # a change of a function of `divergence`
    "the slides' order, minus the divergence": ("f(y + tau * p) - fy", "fy - f(y + tau * p)"),
    "step forgotten": (".sum() / tau", ".sum()"),
    "an unrelated second probe": ("(q * (f", "(torch.randn_like(q) * (f"),
    "mean over the pixels": (".sum() / tau", ".mean() / tau"),
}


@pytest.mark.parametrize("name", DIVERGENCE_MUTANTS)
def test_a_mutant_of_the_forward_divergence_is_caught(name, monkeypatch):
    changed = mutant(divergence.monte_carlo, *DIVERGENCE_MUTANTS[name])
    monkeypatch.setattr(divergence, "monte_carlo", changed)
    problem, claim = PROBLEMS["gaussian, mixture"](), CLAIMS["SURE mc"]
    assert caught(claim.make(problem.noise), claim, problem)
