"""The problems on which a loss must be unbiased, and the one check that decides whether it is.

A `Problem` is the truth: a signal model, an operator, a noise law and a reconstructor f. A `Claim`
is what a loss says of itself: whose risk it estimates. `assert_unbiased` compares the two on the
same x and y. The same function judges the real losses and their mutants.
"""

import inspect
import sys
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from montecarlo import estimate, generator

from course_lib import losses, noise, operators, priors

SHAPE = (512, 1, 3, 3)


def pointwise(u):
    return torch.tanh(1.5 * u) + 0.3 * u


def mixing(u):
    """Neighbours enter non-linearly, so that ∂f_i/∂y_i depends on them."""
    right = u.roll(1, -1)
    return torch.tanh(1.5 * u - 0.8 * right) + 0.3 * u + 0.2 * right


@dataclass
class Problem:
    signal: Callable  # generator -> x
    noise: noise.Noise
    phi: Callable = mixing
    A: operators.Operator = field(default_factory=operators.Identity)
    x: torch.Tensor = None  # the last signal drawn: what only a leak could know

    def f(self, y, A):
        return self.phi(A.adjoint(y))

    def observe(self, g, copies=1):
        self.x = self.signal(g)
        parts = [self.noise(self.A(self.x), generator=g) for _ in range(copies)]
        return parts[0] if copies == 1 else tuple(parts)

    def risk(self, x_hat):
        return (self.A(x_hat) - self.A(self.x)).square().mean()


MIXTURE = priors.GaussianMixture([0.3, 0.5, 0.2], [-1.0, 0.2, 1.5], 0.25, 0.4)
COUNTS = priors.GammaPoisson(3.0, 0.4, 0.3)
SPECKLE = priors.InverseGammaGamma(8.0, 7.0, 4.0)
RIDGE = torch.tensor([[0.9 ** abs(i - j) for j in range(9)] for i in range(9)])
FIELD = priors.GaussianPrior(RIDGE, 0.5)
KERNEL = torch.tensor([[0.05, 0.1, 0.0], [0.2, 0.3, 0.1], [0.0, 0.15, 0.1]], dtype=torch.float64)
SMOOTH = torch.tensor([[0.1, 0.2], [0.3, 0.4]], dtype=torch.float64)
MASK = torch.tensor([[1, 0, 1], [1, 1, 1], [0, 1, 1]]).double()


def iid(prior):
    return lambda g: prior.sample(SHAPE, g).double()


def rates(g):
    return torch.rand(SHAPE, generator=g, dtype=torch.float64)


PROBLEMS = {
    "gaussian, mixture, pointwise": lambda: Problem(iid(MIXTURE), MIXTURE.noise, pointwise),
    "gaussian, mixture": lambda: Problem(iid(MIXTURE), MIXTURE.noise),
    "gaussian, field": lambda: Problem(lambda g: FIELD.sample(512, g).double(), FIELD.noise),
    "gaussian, inpainting": lambda: Problem(
        iid(MIXTURE), MIXTURE.noise, A=operators.Inpainting(MASK)
    ),
    "gaussian, blur": lambda: Problem(iid(MIXTURE), MIXTURE.noise, A=operators.Blur(SMOOTH)),
    "correlated": lambda: Problem(iid(MIXTURE), noise.CorrelatedGaussian(KERNEL)),
    "correlated, blur": lambda: Problem(
        iid(MIXTURE), noise.CorrelatedGaussian(KERNEL), A=operators.Blur(SMOOTH)
    ),
    "poisson, pointwise": lambda: Problem(iid(COUNTS), COUNTS.noise, pointwise),
    "poisson": lambda: Problem(iid(COUNTS), COUNTS.noise),
    "poisson, inpainting": lambda: Problem(iid(COUNTS), COUNTS.noise, A=operators.Inpainting(MASK)),
    "poisson, blur": lambda: Problem(iid(COUNTS), COUNTS.noise, A=operators.Blur(SMOOTH)),
    "gamma, pointwise": lambda: Problem(iid(SPECKLE), SPECKLE.noise, pointwise),
    "gamma": lambda: Problem(iid(SPECKLE), SPECKLE.noise),
    "gamma, blur": lambda: Problem(iid(SPECKLE), SPECKLE.noise, A=operators.Blur(SMOOTH)),
    "poisson-gaussian, pointwise": lambda: Problem(
        iid(COUNTS), noise.PoissonGaussian(0.3, 0.25), pointwise
    ),
    "poisson-gaussian": lambda: Problem(iid(COUNTS), noise.PoissonGaussian(0.3, 0.25)),
    "poisson-gaussian, blur": lambda: Problem(
        iid(COUNTS), noise.PoissonGaussian(0.3, 0.25), A=operators.Blur(SMOOTH)
    ),
    "binomial": lambda: Problem(rates, noise.Binomial(8)),
    "binomial, inpainting": lambda: Problem(rates, noise.Binomial(8), A=operators.Inpainting(MASK)),
}


@dataclass(frozen=True)
class Claim:
    """What a loss estimates: the risk of `estimator(problem, y, g)`, from `copies` of y."""

    make: Callable  # noise -> loss
    estimator: Callable
    copies: int = 1
    repeats: int = 32  # draws of 512 images: what the standard error of `assert_unbiased` needs


ALPHA = 0.25


def _first_of_split(problem, y, g):
    return problem.f(problem.noise.split(y, ALPHA, generator=g)[0], problem.A)


def _unmixed(problem, y, g):
    """Noisier2Noise's image: h with g(y1) = (1 − α) y1 + α h(y1)."""
    y1 = problem.noise.split(y, ALPHA, generator=g)[0]
    return (problem.f(y1, problem.A) - (1 - ALPHA) * y1) / ALPHA


def _plain(problem, y, g):
    return problem.f(y, problem.A)


STEP = 0.5


def _smoothed(problem, y, g):
    """f at the first twin, the noisier input whose risk antithetic SURE estimates at any step τ."""
    return problem.f(problem.noise.twins(y, STEP, g)[0], problem.A)


def _eta(model):
    return losses.UNSURE(eta=model.sigma**2, tau=1e-3).eval()


CLAIMS = {
    "Noise2Noise": Claim(lambda _: losses.Noise2Noise(), lambda p, y, g: p.f(y[0], p.A), copies=2),
    "R2R": Claim(lambda model: losses.R2R(model, ALPHA), _first_of_split),
    "Noisier2Noise": Claim(lambda model: losses.Noisier2Noise(model, ALPHA), _unmixed),
    "SURE exact": Claim(lambda model: losses.SURE(model, "exact"), _plain, repeats=12),
    "SURE hutchinson": Claim(lambda model: losses.SURE(model, "hutchinson"), _plain),
    "SURE mc": Claim(lambda model: losses.SURE(model, "mc", tau=1e-3), _plain),
    "SURE antithetic": Claim(lambda model: losses.SURE(model, tau=STEP), _smoothed),
    "UNSURE": Claim(_eta, _plain),
}
APPLIES = {
    "Noise2Noise": list(PROBLEMS),
    "R2R": [key for key in PROBLEMS if not key.startswith("poisson-gaussian")],
    "Noisier2Noise": ["gaussian, mixture, pointwise", "gaussian, field", "correlated"],
    "SURE exact": [key for key in PROBLEMS if not key.startswith(("correlated", "binomial"))],
    "SURE hutchinson": [key for key in PROBLEMS if key.startswith(("gaussian", "correlated"))],
    "SURE mc": [key for key in PROBLEMS if key.startswith(("gaussian", "correlated"))],
    "SURE antithetic": [
        key for key in PROBLEMS if not key.startswith(("poisson-gaussian", "binomial"))
    ],
    "UNSURE": [key for key in PROBLEMS if key.startswith("gaussian")],
}


def bias(loss, claim, problem, repeats=32, seed=0):
    """E[loss] − offset − risk, by pairs that share x, y and the loss's own randomness."""

    def difference(g):
        y = problem.observe(g, claim.copies)
        state = g.get_state()
        risk = problem.risk(claim.estimator(problem, y, g))
        g.set_state(state)
        value = loss(problem.f, y, problem.A, generator=g)
        return value - loss.offset(problem.noise, y, problem.A) - risk

    return estimate(difference, repeats, seed)


def assert_unbiased(loss, claim, problem):
    """|z| < 4, with a standard error that is small beside the noise variance."""
    found = bias(loss, claim, problem, claim.repeats)
    told = f"{found.mean:.4f} ± {found.error:.4f}"
    assert abs(found.z()) < 4, f"biased by {told}"
    y = problem.observe(generator())
    assert found.error < 0.05 * problem.noise.variance(y).mean(), f"too noisy to judge: {told}"


def mutant(target, old, new, **names):
    """The class or function `target`, compiled again with `old` replaced by `new` in its source."""
    source = textwrap.dedent(inspect.getsource(target))
    assert source.count(old) == 1, f"{old!r} occurs {source.count(old)} times in {target}"
    namespace = vars(sys.modules[target.__module__]) | names
    exec(source.replace(old, new), namespace)
    return namespace[target.__name__]
