"""The R2R pair: independent given x, right means and variances, adding up to y."""

import pytest
import torch
from montecarlo import correlations, generator, summary
from mutants import missed
from problems import KERNEL
from slips import slip

from course_lib import noise

N = 200_000
X = 0.7
MODELS = {  # noise, Var(y | x)
    "gaussian": ((noise.Gaussian, 0.4), 0.16),
    "poisson": ((noise.Poisson, 0.3), 0.3 * X),
    "gamma": ((noise.Gamma, 4.0), X**2 / 4),
    "binomial": ((noise.Binomial, 8), X * (1 - X) / 8),
}
CASES = [(name, alpha) for name in MODELS for alpha in (0.25, 0.5, 0.75)]


def features(y):
    """Non-linear features of y: dependence shows in one of them even when correlation is zero."""
    c = (y - y.mean()) / y.std()
    return torch.stack([c, c**2, torch.tanh(3 * c), torch.cos(4 * c), (c > 0.5).double()])


def assert_independent_pair(model, variance, alpha):
    """E y1 = E y2 = x, Var y1 = Var y/(1 − α), Var y2 = Var y/α, no correlation of features."""
    y = model(torch.full((N,), X, dtype=torch.float64), generator())
    y1, y2 = model.split(y, alpha, generator(1))
    torch.testing.assert_close((1 - alpha) * y1 + alpha * y2, y, rtol=0, atol=1e-9)
    for part, share in ((y1, 1 - alpha), (y2, alpha)):
        assert abs(summary(part).z(X)) < 4
        assert abs(summary((part - X).square()).z(variance / share)) < 4
    assert correlations(features(y1), features(y2)).abs().max() < 4.5


@pytest.mark.parametrize("name, alpha", CASES)
def test_the_pair_is_independent_given_x(name, alpha):
    (kind, argument), variance = MODELS[name]
    assert_independent_pair(kind(argument), variance, alpha)


@pytest.mark.parametrize("name, alpha", [("poisson", 0.25), ("binomial", 0.25)])
def test_the_joint_histogram_is_the_product_of_its_margins(name, alpha):
    (kind, argument), _ = MODELS[name]
    y = kind(argument)(torch.full((N,), X, dtype=torch.float64), generator())
    y1, y2 = kind(argument).split(y, alpha, generator(1))
    (_, a), (_, b) = (part.mul(1e6).round().unique(return_inverse=True) for part in (y1, y2))
    joint = torch.zeros(int(a.max()) + 1, int(b.max()) + 1, dtype=torch.float64)
    joint.index_put_((a, b), torch.ones(N, dtype=torch.float64), accumulate=True)
    joint /= N
    product = joint.sum(1, keepdim=True) * joint.sum(0, keepdim=True)
    z = (joint - product) / (product.clamp_min(1e-4) / N).sqrt()
    assert z[product > 1e-4].abs().max() < 4.5


def test_the_parts_of_a_gamma_variable_follow_their_own_gamma_laws():
    from scipy import stats

    x, model = torch.full((20000,), X, dtype=torch.float64), noise.Gamma(4.0)
    y1, y2 = model.split(model(x, generator()), 0.25, generator(1))
    for part, looks in ((y1, 3.0), (y2, 1.0)):
        assert stats.kstest(part.numpy(), stats.gamma(looks, scale=X / looks).cdf).pvalue > 1e-3


@pytest.mark.parametrize("alpha", [0.2, 0.7])
def test_a_correlated_pair_is_independent_between_all_pixels(alpha):
    model = noise.CorrelatedGaussian(KERNEL)
    x = torch.full((N // 4, 1, 3, 4), X, dtype=torch.float64)
    y = model(x, generator())
    y1, y2 = (part.flatten(1).T for part in model.split(y, alpha, generator(1)))
    pairs = [(y1, y2), (y1**2, y2), (torch.tanh(3 * y1), torch.cos(4 * y2))]
    assert max(correlations(a, b).abs().max() for a, b in pairs) < 4.5
    for part, share in ((y1, 1 - alpha), (y2, alpha)):
        assert abs(summary((part[0] - X).square()).z(float(model.sigma) ** 2 / share)) < 4


def test_unknown_correlation_leaves_the_pair_dependent():
    """White recorruption of correlated noise: neighbours tell on each other."""
    model = noise.CorrelatedGaussian(KERNEL)
    y = model(torch.zeros(N // 4, 1, 3, 4, dtype=torch.float64), generator())
    y1, y2 = noise.Gaussian(model.sigma).split(y, 0.5, generator(1))
    z = correlations(y1.flatten(1).T, y2.flatten(1).T)
    assert z.abs().max() > 20


def recorrupted(factor):
    """y1 with `factor`(α) times the deviation of the recorruption, and the y2 that makes up y."""

    def split(s, y, alpha, generator=None):
        y1 = y + factor(alpha) * s.draw(y, generator)
        return y1, (y - (1 - alpha) * y1) / alpha

    return split


def share(factor):
    """The share drawn with another α."""
    return lambda s, right, y, alpha, rest, g=None: right(y, factor(alpha), rest, g)


def unscaled(s, right, y, alpha, generator=None):
    y1, y2 = right(y, alpha, generator)
    return (1 - alpha) * y1, y2


SLIPS = {
    "the slides' factor": ("gaussian", dict(split=recorrupted(lambda a: ((1 - a) / a) ** 0.5))),
    "too little noise": ("gaussian", dict(split=recorrupted(lambda a: 0.9 * (a / (1 - a)) ** 0.5))),
    "too much noise": ("gaussian", dict(split=recorrupted(lambda a: 1.3 * (a / (1 - a)) ** 0.5))),
    "y1 of photons not scaled": ("poisson", dict(split=unscaled)),
    "another α for photons": ("poisson", dict(share=share(lambda a: 0.3))),
    "photons thinned by independent counts": (
        "poisson", dict(share=lambda s, y, alpha, rest, g=None: torch.poisson(alpha * y, g)),
    ),
    "y1 of speckle not scaled": ("gamma", dict(split=unscaled)),
    "one look for all": (
        "gamma", dict(share=lambda s, right, y, alpha, *a: right(y, alpha, 1 / s.looks, *a[1:])),
    ),
    "a fixed share": ("gamma", dict(share=lambda s, y, alpha, *_: alpha * y)),
    "y1 of trials not scaled": ("binomial", dict(split=unscaled)),
    "another α for trials": (
        "binomial", dict(split=lambda s, right, y, alpha, g=None: right(y, 2 * alpha, g)),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SLIPS)
def test_a_slip_of_the_pair_is_caught(name):
    law, methods = SLIPS[name]
    (kind, argument), variance = MODELS[law]
    with pytest.raises((AssertionError, ValueError)):
        assert_independent_pair(slip(kind, **methods)(argument), variance, 0.25)


@pytest.mark.parametrize("law", MODELS)
def test_a_handful_of_systematic_slips_is_caught(law):
    (kind, argument), variance = MODELS[law]

    def refused():
        assert_independent_pair(kind(argument), variance, 0.25)

    assert len(missed(kind.split, refused, 4)) < 2


def test_alpha_of_the_other_authors():
    """Var(y1) = σ²/(1 − α): Pang's a = 1/2 is α = 0.2, the library's α = 0.15 is Pang's 0.42."""
    for alpha, pang in ((0.2, 0.5), (0.15, 0.42)):
        y = torch.zeros(N, dtype=torch.float64)
        y1, _ = noise.Gaussian(1.0).split(y, alpha, generator())
        assert float(y1.std()) == pytest.approx(pang, abs=0.005)


@pytest.mark.parametrize("name", MODELS)
def test_float32_images_are_split_in_float32_and_the_seed_decides(name):
    model = MODELS[name][0][0](MODELS[name][0][1])
    y = model(torch.full((2, 1, 4, 4), X), generator())
    first, again = model.split(y, 0.25, generator(5)), model.split(y, 0.25, generator(5))
    assert all(part.dtype == torch.float32 and part.shape == y.shape for part in first)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
