"""The exact signal models: moments, posterior means by quadrature, Tweedie, Robbins, the MMSE."""

import math

import pytest
import torch
from montecarlo import generator, summary
from problems import COUNTS, FIELD, MIXTURE, RIDGE, SPECKLE

from course_lib import priors

N = 200_000
SCALAR = {"mixture": MIXTURE, "counts": COUNTS, "speckle": SPECKLE}


def by_quadrature(prior, y):
    """E[x | y] = ∫ x p(x) p(y | x) dx / ∫ p(x) p(y | x) dx on a fine grid, from the two laws."""
    if isinstance(prior, priors.GaussianMixture):
        x = torch.linspace(-6, 6, 20001, dtype=torch.float64)
        density = torch.exp(-((x[:, None] - prior.means) ** 2) / (2 * prior.std**2))
        density = (density @ prior.weights)[:, None]
        likelihood = torch.exp(-((y - x[:, None]) ** 2) / (2 * prior.noise.sigma**2))
    else:
        x = torch.exp(torch.linspace(-12, 6, 20001, dtype=torch.float64))  # dx = x d(log x)
        if isinstance(prior, priors.GammaPoisson):
            density = (x**prior.shape * torch.exp(-x / prior.scale))[:, None]
            mean = x[:, None] / prior.noise.gain
            likelihood = mean ** (y / prior.noise.gain) * torch.exp(-mean)
        else:
            density = (x**-prior.a * torch.exp(-prior.b / x))[:, None]
            looks = prior.noise.looks
            likelihood = x[:, None] ** -looks * torch.exp(-looks * y / x[:, None])
    weights = density * likelihood
    return (x[:, None] * weights).sum(0) / weights.sum(0)


def some(prior):
    """Measurements over the range that matters."""
    if prior is MIXTURE:
        return torch.linspace(-3, 3, 41, dtype=torch.float64)
    if prior is COUNTS:
        return prior.noise.gain * torch.arange(0, 30, dtype=torch.float64)
    return torch.linspace(0.05, 5, 41, dtype=torch.float64)


@pytest.mark.parametrize("name", SCALAR)
def test_the_posterior_mean_is_the_integral_that_defines_it(name):
    prior, y = SCALAR[name], some(SCALAR[name])
    torch.testing.assert_close(
        prior.posterior_mean(y), by_quadrature(prior, y), rtol=1e-8, atol=1e-10
    )


@pytest.mark.parametrize("name", SCALAR)
def test_the_mmse_is_the_error_of_the_posterior_mean(name):
    prior, g = SCALAR[name], generator()
    x = prior.sample((N,), g).double()
    y = prior.noise(x, g)
    found = summary((prior.posterior_mean(y) - x).square())
    assert abs(found.z(prior.mmse())) < 4 and found.error < 0.02 * prior.mmse()


@pytest.mark.parametrize("name", SCALAR)
def test_no_other_estimator_does_better(name):
    """The error is orthogonal to functions of y, so moving away along any of them costs."""
    prior, g = SCALAR[name], generator()
    x = prior.sample((N,), g).double()
    y = prior.noise(x, g)
    error = prior.posterior_mean(y) - x
    for h in (torch.ones_like(y), y, torch.tanh(2 * y), torch.cos(3 * y)):
        assert abs(summary(error * h).z()) < 4


MOMENTS = {  # E x, Var x
    "mixture": (0.1, 0.3 + 0.02 + 0.45 - 0.01 + 0.0625),
    "counts": (3 * 0.4, 3 * 0.4**2),
    "speckle": (7 / 7, 49 / (7**2 * 6)),
}


@pytest.mark.parametrize("name", SCALAR)
def test_samples_have_the_moments_of_the_prior(name):
    mean, variance = MOMENTS[name]
    x = SCALAR[name].sample((N,), generator()).double()
    assert abs(summary(x).z(mean)) < 4
    assert abs(summary((x - mean).square()).z(variance)) < 4


@pytest.mark.parametrize("name", [*SCALAR, "field"])
def test_samples_repeat_with_the_seed_and_have_the_shape_asked_for(name):
    prior, shape = (FIELD, 3) if name == "field" else (SCALAR[name], (3, 1, 2, 5))
    x = prior.sample(shape, generator(7))
    assert x.shape == ((3, 1, 1, 9) if name == "field" else shape)
    assert torch.equal(x, prior.sample(shape, generator(7)))
    assert not torch.equal(x, prior.sample(shape, generator(8)))


def test_tweedie_gaussian():
    """E[x | y] = y + σ² s(y), to rounding, for both Gaussian models."""
    y = some(MIXTURE)
    tweedie = y + MIXTURE.noise.sigma**2 * MIXTURE.score(y)
    torch.testing.assert_close(tweedie, MIXTURE.posterior_mean(y), rtol=0, atol=1e-13)
    y = torch.randn(5, 1, 1, 9, generator=generator(), dtype=torch.float64)
    tweedie = y + FIELD.noise.sigma**2 * FIELD.score(y)
    torch.testing.assert_close(tweedie, FIELD.posterior_mean(y), rtol=0, atol=1e-13)


def test_the_score_is_the_gradient_of_the_log_density():
    """log p(y) written out, differentiated by autograd."""
    y = some(MIXTURE).requires_grad_()
    v = MIXTURE.std**2 + MIXTURE.noise.sigma**2
    log_p = torch.logsumexp(
        MIXTURE.weights.log() - (y[:, None] - MIXTURE.means) ** 2 / (2 * v), dim=1
    )
    (gradient,) = torch.autograd.grad(log_p.sum(), y)
    torch.testing.assert_close(MIXTURE.score(y.detach()), gradient, rtol=0, atol=1e-12)

    y = torch.randn(4, 9, generator=generator(), dtype=torch.float64).requires_grad_()
    law = torch.distributions.MultivariateNormal(
        torch.zeros(9, dtype=torch.float64), RIDGE.double() + 0.25 * torch.eye(9)
    )
    (gradient,) = torch.autograd.grad(law.log_prob(y).sum(), y)
    score = FIELD.score(y.detach().view(4, 1, 1, 9)).view(4, 9)
    torch.testing.assert_close(score, gradient, rtol=0, atol=1e-6)

    y = some(SPECKLE).requires_grad_()
    (gradient,) = torch.autograd.grad(speckle_log_density(y).sum(), y)
    torch.testing.assert_close(SPECKLE.score(y.detach()), gradient, rtol=1e-12, atol=1e-12)


def speckle_log_density(y):
    """log ∫ p(x) p(y | x) dx: the integral is a Gamma function."""
    a, b, looks = SPECKLE.a, SPECKLE.b, SPECKLE.noise.looks
    constant = a * math.log(b) + looks * math.log(looks) + math.lgamma(a + looks)
    constant -= math.lgamma(a) + math.lgamma(looks)
    return constant + (looks - 1) * y.log() - (a + looks) * (b + looks * y).log()


def test_that_log_density_is_one():
    y = torch.exp(torch.linspace(-12, 8, 20001, dtype=torch.float64))
    mass = torch.trapezoid(speckle_log_density(y).exp(), y)
    assert float(mass) == pytest.approx(1, abs=1e-5)


def test_robbins_for_poisson_noise():
    """E[x | y] = (y + γ) p(y + γ)/p(y); without the first γ, as sometimes coded, it is wrong."""
    y, gain = some(COUNTS), COUNTS.noise.gain
    ratio = (COUNTS.log_prob(y + gain) - COUNTS.log_prob(y)).exp()
    torch.testing.assert_close((y + gain) * ratio, COUNTS.posterior_mean(y), rtol=1e-12, atol=0)
    assert not torch.allclose(y * ratio, COUNTS.posterior_mean(y), rtol=1e-2)


def test_the_law_of_counts_sums_to_one_and_matches_samples():
    y = COUNTS.noise.gain * torch.arange(0, 400, dtype=torch.float64)
    p = COUNTS.log_prob(y).exp()
    assert float(p.sum()) == pytest.approx(1, abs=1e-12)
    g = generator()
    z = COUNTS.noise.counts(COUNTS.noise(COUNTS.sample((N,), g).double(), g))
    for k in range(6):
        assert abs(summary((z == k).double()).z(float(p[k]))) < 4


def test_the_tweedie_formula_of_gamma_noise_is_not_the_posterior_mean():
    """ℓy/((ℓ − 1) − y s(y)) = 1/E[1/x | y] = (b + ℓy)/(a + ℓ): a harmonic mean, smaller."""
    y, looks = some(SPECKLE), SPECKLE.noise.looks
    formula = looks * y / ((looks - 1) - y * SPECKLE.score(y))
    torch.testing.assert_close(formula, (SPECKLE.b + looks * y) / (SPECKLE.a + looks))
    assert (formula < SPECKLE.posterior_mean(y)).all()


def test_wiener_s_filter_is_the_linear_solution():
    y = torch.randn(5, 1, 1, 9, generator=generator(), dtype=torch.float64)
    C = RIDGE.double()
    W = C @ torch.linalg.inv(C + 0.25 * torch.eye(9, dtype=torch.float64))
    torch.testing.assert_close(FIELD.posterior_mean(y), y @ W.T, rtol=0, atol=1e-12)
    error = C - W @ C  # the posterior covariance
    assert FIELD.mmse() == pytest.approx(float(error.trace()) / 9, rel=1e-9)


def test_gaussian_samples_have_the_covariance_asked_for():
    x = FIELD.sample(N, generator()).double().view(N, 9)
    for i, j in [(0, 0), (0, 1), (2, 7), (8, 8)]:
        assert abs(summary(x[:, i] * x[:, j]).z(0.9 ** abs(i - j))) < 4
    x = x.view(N, 1, 1, 9)
    y = FIELD.noise(x, generator(1))
    found = summary((FIELD.posterior_mean(y) - x).square().mean((1, 2, 3)))
    assert abs(found.z(FIELD.mmse())) < 4 and found.error < 0.005 * FIELD.mmse()


def test_a_singular_covariance_is_a_subspace():
    U = torch.linalg.qr(torch.randn(6, 2, generator=generator(), dtype=torch.float64))[0]
    prior = priors.GaussianPrior(U @ U.T, 0.3)
    x = prior.sample(4, generator()).double().view(4, 6)
    torch.testing.assert_close(x @ U @ U.T, x, rtol=0, atol=1e-5)
    assert prior.mmse() == pytest.approx(2 / 6 * 0.09 / 1.09, rel=1e-6)


@pytest.mark.parametrize(
    "make, sentence",
    [
        (lambda: priors.GaussianPrior(torch.tensor([[1.0, 2.0], [0.0, 1.0]]), 0.1), "symmetric"),
        (lambda: priors.GaussianPrior(torch.diag(torch.tensor([1.0, -1.0])), 0.1), "eigenvalue -1"),
        (lambda: priors.GaussianPrior(torch.ones(3), 0.1), "not symmetric"),
        (lambda: priors.GaussianPrior(torch.eye(2), 0.0), "sigma is 0"),
        (lambda: priors.GaussianMixture([0.5, 0.6], [0, 1], 0.1, 0.1), "sum to 1"),
        (lambda: priors.GaussianMixture([1.0], [0], -0.1, 0.1), "std is -0.1"),
        (lambda: priors.GammaPoisson(0, 1, 1), "shape is 0"),
        (lambda: priors.InverseGammaGamma(2.0, 1, 1), "a is 2"),
    ],
)
def test_impossible_models_are_refused(make, sentence):
    with pytest.raises(ValueError, match=sentence):
        make()
