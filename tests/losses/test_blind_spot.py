"""Blind-spot losses: E[loss] = risk, the posterior mean, the optimum, and what it costs."""

import math

import pytest
import torch
from montecarlo import generator, summary
from mutants import missed
from problems import FIELD, PROBLEMS, RIDGE, Claim, Problem, assert_unbiased
from slips import scales, slip

from course_lib import losses, models, noise, operators, priors

A = operators.Identity()
INDEPENDENT = [key for key in PROBLEMS if key in (
    "gaussian, mixture", "gaussian, field", "poisson", "gamma", "poisson-gaussian", "binomial"
)]  # fmt: skip


def mean_of_neighbours(u):
    """A non-linear function of the two neighbours, not of the pixel."""
    left, right = u.roll(1, -1), u.roll(-1, -1)
    return torch.tanh(0.7 * left - 0.4 * right) + 0.3 * right


def blind(u):
    """(μ, κ) of every pixel, from its neighbours alone."""
    return torch.cat([mean_of_neighbours(u), 1.5 * torch.sin(2 * u.roll(1, -2)) - 0.5], dim=1)


def posterior(problem, y, g):
    """The estimator that the loss judges, written out from s² and σ² = 1."""
    mu, kappa = problem.f(y, A).chunk(2, dim=1)
    s2 = kappa.exp()
    return (s2 * y + mu) / (s2 + 1)


CLAIM = Claim(losses.BlindSpotSURE, posterior)


def problem(key):
    made = PROBLEMS[key]()
    made.phi = blind
    return made


@pytest.mark.parametrize("key", INDEPENDENT)
def test_sure_of_a_blind_spot_is_the_risk_for_every_independent_noise(key):
    made = problem(key)
    assert_unbiased(losses.BlindSpotSURE(made.noise), CLAIM, made)


class Written(losses.BlindSpotSURE):
    """The loss as it is displayed, a piece at a time."""

    def kept(self, a):
        return (1 - a).square()

    def target(self, y):
        return y

    def divergence(self, a, v):
        return 2 * a * v

    def level(self, v):
        return v

    def spread(self, noise, y):
        return noise.variance(y)

    def forward(self, f, y, A, noise=None, generator=None):
        mu, kappa = f(y, A).chunk(2, dim=1)
        a, v = 1 / (1 + torch.exp(-kappa)), self.spread(self.noise, y)
        fit = self.kept(a) * (self.target(y) - mu).square()
        return (fit + self.divergence(a, v) - self.level(v)).mean()


SURE_SLIPS = {
    "factor 1": slip(Written, divergence=lambda s, a, v: a * v),
    "factor 3": slip(Written, divergence=lambda s, a, v: 3 * a * v),
    "sign flipped": slip(Written, divergence=lambda s, a, v: -2 * a * v),
    "divergence of the mean": slip(Written, divergence=lambda s, a, v: 0 * v),
    "variance missing": slip(Written, level=lambda s, v: 0),
    "weight not squared": slip(Written, kept=lambda s, a: 1 - a),
    "weight swapped": slip(Written, kept=lambda s, a: a.square()),
    "wrong σ": slip(Written, spread=lambda s, noise, y: 1.5**2 * noise.variance(y)),
    "σ for σ²": slip(Written, spread=lambda s, noise, y: noise.variance(y).sqrt()),
    "x leaks": slip(Written, target=lambda s, y: s.problem.x),
    "offset": slip(
        losses.BlindSpotSURE, offset=lambda s, noise, y, A=None: noise.variance(y).mean()
    ),
    **scales(losses.BlindSpotSURE),
}


@pytest.mark.parametrize("name", SURE_SLIPS)
def test_a_slip_of_its_sure_is_caught(name):
    made = problem("gaussian, mixture")
    loss = SURE_SLIPS[name](made.noise)
    loss.problem = made
    with pytest.raises(AssertionError, match="biased|too noisy"):
        assert_unbiased(loss, CLAIM, made)


def test_it_is_its_formula():
    made = problem("poisson")
    y = made.observe(generator())
    one, two = (kind(made.noise)(made.f, y, A) for kind in (losses.BlindSpotSURE, Written))
    torch.testing.assert_close(one, two, rtol=1e-12, atol=1e-14)


def test_a_handful_of_systematic_slips_of_its_sure_is_caught():
    made = problem("gaussian, mixture")

    def refused():
        assert_unbiased(losses.BlindSpotSURE(made.noise), CLAIM, made)

    assert len(missed(losses.BlindSpotSURE.entries, refused)) < 2


def test_it_is_sure_exactly_when_the_posterior_mean_is_given_to_sure():
    """Entry by entry the divergence is a: no expectation is needed."""
    made = problem("gaussian, mixture")
    y, loss = made.observe(generator())[:4], losses.BlindSpotSURE(made.noise)

    def f(u, A):
        return loss.reconstruct(made.f, u, A)

    exact = losses.SURE(made.noise, "exact")(f, y, A)
    torch.testing.assert_close(loss(made.f, y, A), exact, rtol=1e-12, atol=1e-14)


def test_a_network_that_sees_its_pixel_fools_it():
    """The assumption is needed: f(y) = (y, κ) is scored as if it were perfect and is not."""
    made = problem("gaussian, mixture")
    made.phi = lambda u: torch.cat([u, torch.full_like(u, -20.0)], dim=1)
    with pytest.raises(AssertionError, match="biased"):
        assert_unbiased(losses.BlindSpotSURE(made.noise), CLAIM, made)


def test_the_naive_loss_of_a_blind_mean_is_the_risk_plus_the_variance():
    class Naive(losses.MeasurementConsistency):
        def offset(self, noise, y, A=None):
            return noise.variance(y).mean()

    def mean(problem, y, g):
        return problem.f(y, A)

    for key in INDEPENDENT:
        made = PROBLEMS[key]()
        made.phi = mean_of_neighbours
        assert_unbiased(Naive(), Claim(lambda _: Naive(), mean), made)
    made = PROBLEMS["correlated"]()  # the neighbours share the noise of the pixel
    made.phi = mean_of_neighbours
    with pytest.raises(AssertionError, match="biased"):
        assert_unbiased(Naive(), Claim(lambda _: Naive(), mean), made)


# Exact Gaussian signals: what the best network is, and the posterior mean


def conditional(C, variance):
    """(B, s²) for y ~ N(0, C + σ²I): E[x_i | y_j, j ≠ i] = (B y)_i, with variance s_i²."""
    P = torch.linalg.inv(C + variance * torch.eye(len(C), dtype=C.dtype))
    d = P.diagonal()
    return torch.eye(len(C), dtype=C.dtype) - P / d[:, None], 1 / d - variance


def optimal(prior_covariance, variance):
    """The blind-spot network f(y, A) = (μ, κ) that is exact for Gaussian signals."""
    B, s2 = conditional(prior_covariance.double(), variance)

    def f(y, A):
        return torch.cat([y @ B.T, (s2 / variance).log().expand_as(y)], dim=1)

    return f


def test_the_conditional_law_is_that_of_a_direct_regression():
    C, variance = RIDGE.double(), FIELD.noise.sigma**2
    B, s2 = conditional(C, variance)
    assert (B.diagonal().abs() < 1e-12).all()
    for i in range(9):
        rest = [j for j in range(9) if j != i]
        K = C[rest][:, rest] + variance * torch.eye(8, dtype=torch.float64)
        gain = torch.linalg.solve(K, C[rest, i])
        torch.testing.assert_close(B[i, rest], gain, rtol=1e-10, atol=1e-12)
        torch.testing.assert_close(s2[i], C[i, i] - gain @ C[rest, i], rtol=1e-10, atol=1e-12)


def assert_posterior_mean(loss):
    y = FIELD.noise(FIELD.sample(64, generator()).double(), generator=generator(1))
    x_hat = loss.reconstruct(optimal(RIDGE, FIELD.noise.sigma**2), y, A)
    torch.testing.assert_close(x_hat, FIELD.posterior_mean(y), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", [losses.BlindSpotSURE, losses.BlindSpotLikelihood])
def test_the_posterior_mean_is_exact_for_gaussian_signals(kind):
    """Whatever the pixel and its neighbours know together: E[x | y], the MMSE estimator."""
    assert_posterior_mean(kind(FIELD.noise))


def rebuilt(change):
    """The reconstruction from (y, μ, κ)."""

    def reconstruct(self, f, y, A, noise=None, generator=None):
        return change(y, *f(y, A).chunk(2, dim=1))

    return slip(losses.BlindSpotSURE, reconstruct=reconstruct)


POSTERIOR_SLIPS = {
    "weights swapped": lambda y, mu, kappa: torch.lerp(y, mu, kappa.sigmoid()),
    "the blind mean": lambda y, mu, kappa: mu,
    "the noisy pixel": lambda y, mu, kappa: y,
    "a standard deviation for a variance": (
        lambda y, mu, kappa: torch.lerp(mu, y, (kappa / 2).sigmoid())
    ),
    "sign of κ": lambda y, mu, kappa: torch.lerp(mu, y, (-kappa).sigmoid()),
}


@pytest.mark.parametrize("name", POSTERIOR_SLIPS)
def test_a_slip_of_the_posterior_mean_is_caught(name):
    assert_posterior_mean(
        rebuilt(lambda y, mu, kappa: torch.lerp(mu, y, kappa.sigmoid()))(FIELD.noise)
    )
    with pytest.raises(AssertionError):
        assert_posterior_mean(rebuilt(POSTERIOR_SLIPS[name])(FIELD.noise))


def slopes(loss, repeats=64):
    """z-scores of the derivatives of E[loss] at the exact network, in four directions."""
    f, values = optimal(RIDGE, FIELD.noise.sigma**2), []
    g = generator(5)
    for _ in range(repeats):
        y = FIELD.noise(FIELD.sample(512, g).double(), generator=g)
        theta = torch.zeros(4, dtype=torch.float64, requires_grad=True)

        def moved(y, A, theta=theta):
            mu, kappa = f(y, A).chunk(2, dim=1)
            near = y.roll(1, -1)
            mu = mu + theta[0] * near + theta[1] * torch.tanh(near)
            return torch.cat([mu, kappa + theta[2] + theta[3] * near.square()], dim=1)

        values.append(torch.autograd.grad(loss(moved, y, A), theta)[0])
    return [summary(v).z() for v in torch.stack(values).T]


def assert_optimum(loss):
    assert all(abs(z) < 4 for z in slopes(loss)), "not at its optimum"


@pytest.mark.parametrize("kind", [losses.BlindSpotSURE, losses.BlindSpotLikelihood])
def test_the_exact_network_is_the_optimum_of_both_losses(kind):
    assert_optimum(kind(FIELD.noise))


class Likelihood(losses.BlindSpotLikelihood):
    def spread(self, kappa):
        """V, in units of the noise variance."""
        return 1 + kappa.exp()

    def level(self):
        return self.noise.sigma**2

    def misfit(self, r, V):
        return r.square() / V

    def log(self, V):
        return V.log()

    def forward(self, f, y, A, noise=None, generator=None):
        mu, kappa = f(y, A).chunk(2, dim=1)
        V = self.level() * self.spread(kappa)
        return (self.misfit(y - mu, V) + self.log(V)).mean() / 2


LIKELIHOOD_SLIPS = {
    "log of the deviation": slip(Likelihood, log=lambda s, V: V.log() / 2),
    "log missing": slip(Likelihood, log=lambda s, V: 0),
    "residual not squared": slip(Likelihood, misfit=lambda s, r, V: r.abs() / V),
    "precision squared": slip(Likelihood, misfit=lambda s, r, V: r.square() / V**2),
    "noise not added": slip(Likelihood, spread=lambda s, kappa: kappa.exp()),
    "s as a deviation": slip(Likelihood, spread=lambda s, kappa: 1 + (2 * kappa).exp()),
    "wrong σ": slip(Likelihood, level=lambda s: 2.25 * s.noise.sigma**2),
    "σ for σ²": slip(Likelihood, level=lambda s: s.noise.sigma),
}


@pytest.mark.parametrize("name", LIKELIHOOD_SLIPS)
def test_a_slip_of_the_likelihood_is_caught(name):
    with pytest.raises(AssertionError, match="not at its optimum"):
        assert_optimum(LIKELIHOOD_SLIPS[name](FIELD.noise))


def test_the_likelihood_is_that_of_torch_s_normal_law():
    y = FIELD.noise(FIELD.sample(8, generator()).double(), generator=generator(1))
    f, v = optimal(RIDGE, FIELD.noise.sigma**2), FIELD.noise.sigma**2
    mu, kappa = f(y, A).chunk(2, dim=1)
    law = torch.distributions.Normal(mu, (v * kappa.exp() + v).sqrt())
    value = losses.BlindSpotLikelihood(FIELD.noise)(f, y, A)
    torch.testing.assert_close(value, -law.log_prob(y).mean(), rtol=1e-10, atol=0)
    constant = math.log(2 * math.pi) / 2
    torch.testing.assert_close(value, Likelihood(FIELD.noise)(f, y, A) + constant)


# MMSE ≤ UNSURE ≤ blind spot


def risks(C, variance):
    """(MMSE, UNSURE, blind-spot mean), per pixel, for x ~ N(0, C)."""
    values = torch.linalg.eigvalsh(C.double())
    mmse = float((values * variance / (values + variance)).mean())
    return mmse, mmse / (1 - mmse / variance), float(conditional(C.double(), variance)[1].mean())


def circulant(spectrum):
    """The covariance of a stationary signal with this power spectrum."""
    n = len(spectrum)
    row = torch.fft.ifft(spectrum.to(torch.complex128)).real
    index = (torch.arange(n)[:, None] - torch.arange(n)) % n
    return row[index]


@pytest.mark.parametrize("n", [8, 33])
@pytest.mark.parametrize("power", [1.0, 2.0])
def test_for_stationary_gaussian_signals_the_blind_spot_equals_unsure(n, power):
    frequency = torch.fft.fftfreq(n).double().abs() * n
    mmse, unsure, blind_spot = risks(circulant(1 / (1 + frequency) ** power), 0.09)
    assert abs(blind_spot / unsure - 1) < 1e-10
    assert mmse < 0.95 * unsure


def test_and_so_do_the_estimators_themselves():
    """f_i = y_i − [K⁻¹y]_i/[K⁻¹]_ii is UNSURE's y + η* ∇log p(y), filter for filter."""
    C, variance = circulant(torch.tensor([4.0, 1.0, 0.3, 0.1, 0.3, 1.0])), 0.2
    K = C + variance * torch.eye(6, dtype=torch.float64)
    eta = 6 / torch.linalg.inv(K).trace()
    B, _ = conditional(C, variance)
    unsure = torch.eye(6, dtype=torch.float64) - eta * torch.linalg.inv(K)
    torch.testing.assert_close(B, unsure, rtol=1e-10, atol=1e-12)
    assert abs(unsure.trace()) < 1e-12


@pytest.mark.parametrize("seed", range(4))
def test_beyond_stationary_signals_the_order_is_strict(seed):
    factor = torch.randn(8, 8, generator=generator(seed), dtype=torch.float64)
    mmse, unsure, blind_spot = risks(factor @ factor.T / 8, 0.25)
    assert mmse < unsure * 0.99 and unsure < blind_spot * 0.999


def test_a_blind_spot_s_naive_loss_at_the_optimum_is_its_risk_plus_the_variance():
    """Monte Carlo against the closed form 1/[K⁻¹]_ii − σ²."""
    variance = FIELD.noise.sigma**2
    B, s2 = conditional(RIDGE.double(), variance)
    x = FIELD.sample(20_000, generator()).double()
    y = FIELD.noise(x, generator=generator(1))
    loss = losses.MeasurementConsistency()(lambda y, A: y @ B.T, y, A)
    spread = (y @ B.T - y).square().flatten(1).mean(1)
    assert abs(summary(spread).z(float(s2.mean()) + variance)) < 4
    assert abs(float(loss) - float(spread.mean())) < 1e-12
    assert abs(summary((y @ B.T - x).square().flatten(1).mean(1)).z(float(s2.mean()))) < 4


# A network learns it


def test_a_linear_blind_spot_learns_unsure_s_filter():
    """Not a formula but training: the naive loss over circular filters with a zero centre."""
    spectrum = 3.0 / (1 + torch.fft.fftfreq(16).double().abs() * 16) ** 2
    variance = 0.1
    prior = priors.GaussianPrior(circulant(spectrum), variance**0.5)
    y = prior.noise(prior.sample(20_000, generator()).double(), generator=generator(1))
    h = torch.zeros(15, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([h], max_iter=50, line_search_fn="strong_wolfe")

    def gains():
        return torch.fft.fft(torch.cat([h.new_zeros(1), h])).real

    def f(y, A):
        return torch.fft.ifft(gains() * torch.fft.fft(y)).real

    def closure():
        optimizer.zero_grad()
        value = losses.MeasurementConsistency()(f, y, A)
        value.backward()
        return value

    optimizer.step(closure)
    eta = 1 / (1 / (spectrum + variance)).mean()
    torch.testing.assert_close(gains().detach(), 1 - eta / (spectrum + variance), rtol=0, atol=0.03)


# Refusals


def test_correlated_noise_is_refused():
    law = noise.CorrelatedGaussian(torch.full((2, 2), 0.05))
    for kind in (losses.BlindSpotSURE, losses.BlindSpotLikelihood):
        with pytest.raises(ValueError, match="models.PixelShuffle"):
            kind(law)


def test_the_likelihood_refuses_other_laws_and_names_the_loss_that_remains():
    with pytest.raises(ValueError, match="not Poisson; use BlindSpotSURE"):
        losses.BlindSpotLikelihood(noise.Poisson(0.1))


def test_the_likelihood_has_no_offset():
    with pytest.raises(NotImplementedError, match="BlindSpotLikelihood is not the risk"):
        losses.BlindSpotLikelihood(noise.Gaussian(0.1)).offset(None, torch.zeros(1))


def test_another_operator_is_refused():
    loss = losses.BlindSpotSURE(noise.Gaussian(0.1))
    blur = operators.Blur(torch.tensor([[0.5, 0.5]]))
    with pytest.raises(ValueError, match="for A = I, not Blur; use SURE or R2R"):
        loss(None, torch.zeros(1, 1, 4, 4), blur)


def test_a_network_without_spread_is_refused():
    loss = losses.BlindSpotSURE(noise.Gaussian(0.1))
    f = models.BackProjection(models.BlindSpot(widths=(4, 4), hidden=4))
    with pytest.raises(ValueError, match="spread=True"):
        loss(f, torch.zeros(1, 1, 4, 4), A)


def test_one_evaluation_in_training_and_one_at_test_time():
    calls = []
    f = models.BackProjection(models.BlindSpot(widths=(4, 4), hidden=4, spread=True))
    loss = losses.BlindSpotSURE(noise.Gaussian(0.1))

    def counted(y, A):
        calls.append(1)
        return f(y, A)

    loss(counted, torch.zeros(1, 1, 4, 4), A)
    assert len(calls) == loss.train_evals == 1
    loss.reconstruct(counted, torch.zeros(1, 1, 4, 4), A)
    assert len(calls) == 2 and loss.test_evals == 1


def test_the_problem_s_own_f_is_blind():
    """These tests stand on it."""
    y = torch.randn(1, 1, 3, 3, generator=generator(), dtype=torch.float64)
    for part in (blind, mean_of_neighbours):
        J = torch.autograd.functional.jacobian(part, y).reshape(-1, 9, 9)
        assert (J.diagonal(dim1=1, dim2=2) == 0).all()
    assert isinstance(problem("poisson"), Problem)
