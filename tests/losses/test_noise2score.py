"""Noise2Score: AR-DAE's optimum is the score of the smoothed density; its loss, R2R's and SURE's
are one for Gaussian noise; the blind η of each image.
"""

import pytest
import torch
from montecarlo import generator, summary
from mutants import missed
from problems import (
    COUNTS,
    FIELD,
    MIXTURE,
    PROBLEMS,
    SHAPE,
    SPECKLE,
    STEP,
    Claim,
    assert_unbiased,
    mixing,
    pointwise,
)
from slips import slip

from course_lib import losses, noise, operators, priors
from course_lib.losses import noise2score

A = operators.Identity()
DELTA = 0.5


def smoothed_score(prior, delta):
    """y1 ↦ ∇ log q(y1), q = ∫ p(y) N(y1; y, δ² v(y)) dy, the sum or integral over y by a grid."""
    if isinstance(prior, priors.GammaPoisson):
        y = prior.noise.gain * torch.arange(80, dtype=torch.float64)
        log_p = prior.log_prob(y)
    elif isinstance(prior, priors.GaussianMixture):
        y = torch.linspace(-4, 5, 451, dtype=torch.float64)
        v = prior.std**2 + prior.noise.sigma**2
        log_p = (prior.weights.log() - (y[:, None] - prior.means).square() / (2 * v)).logsumexp(-1)
    else:
        y = torch.logspace(-1.5, 1.5, 601, dtype=torch.float64)
        a, b, looks = prior.a, prior.b, prior.noise.looks
        log_p = (looks - 1) * y.log() - (a + looks) * (b + looks * y).log() + y.log()  # dy = y dr
    width = delta * prior.noise.spread(y).sqrt()

    def score(y1):
        u = (y1.flatten()[:, None] - y) / width
        r = torch.softmax(log_p - width.log() - u.square() / 2, dim=-1)
        return -(r * u / width).sum(-1).view(y1.shape)

    return score


PRIORS = {"gaussian": MIXTURE, "poisson": COUNTS, "gamma": SPECKLE}
SCORES = {name: smoothed_score(prior, DELTA) for name, prior in PRIORS.items()}
DIRECTIONS = [lambda y: torch.tanh(1.5 * y), lambda y: torch.exp(-y.square()), torch.ones_like]


def slopes(name, make=losses.Noise2Score, factor=1.0, repeats=20):
    """The largest |z| of the loss's slopes at f = y + w·factor·∇log q: about 1 at the optimum."""
    prior, score = PRIORS[name], SCORES[name]
    model, loss, g = prior.noise, make(prior.noise, DELTA), generator()
    found = []
    for _ in range(repeats):
        y = model(prior.sample((128, 1, 3, 3), g).double(), g)
        e = torch.zeros(3, dtype=torch.float64, requires_grad=True)

        def f(y1, A, e=e):
            w = (1 + DELTA**2) * model.spread(y1)
            return (
                y1
                + w * factor * score(y1)
                + w * sum(c * h(y1) for c, h in zip(e, DIRECTIONS, strict=True))
            )

        found.append(torch.autograd.grad(loss(f, y, A, generator=g), e)[0])
    return max(abs(summary(column).z()) for column in torch.stack(found).T)


@pytest.mark.parametrize("name", PRIORS)
def test_the_optimum_is_the_score_of_the_smoothed_density(name):
    assert slopes(name) < 4


@pytest.mark.parametrize("name", PRIORS)
def test_a_score_that_is_a_little_too_large_is_not_optimal(name):
    assert slopes(name, factor=1.2) > 6


def written(signs=(1, -1), input=lambda y, y1: (y1, y1), t=lambda t: t, cross=2, step=lambda s: s):
    """`ar_dae` as it is displayed; input: what f is given, and what is taken from it."""

    def ar_dae(f, y, A, u, width, weight):
        total = 0
        for sign in signs:
            y1 = y + sign * width * u
            given, less = input(y, y1)
            d, tilt = f(given, A) - less, t(sign * weight(y1) * u / step(width))
            total = total + (d.square() + cross * d * tilt).mean() / 2
        return total

    return ar_dae


AR_DAE = {
    "sign": written(t=lambda t: -t),
    "factor": written(cross=1),
    "step forgotten": written(step=lambda s: 1),
    "one sign of u": written(signs=(1, 0.5)),
    "unperturbed input": written(input=lambda y, y1: (y, y)),
    "target y": written(input=lambda y, y1: (y1, y)),
}


@pytest.mark.parametrize("name", AR_DAE)
def test_a_slip_of_ar_dae_is_caught(name, monkeypatch):
    monkeypatch.setattr(noise2score, "ar_dae", AR_DAE[name])
    assert slopes("gaussian") > 6


class Written(losses.Noise2Score):
    """The loss as it is displayed, a piece at a time."""

    def sharpen(self):
        return 1 + self.delta**2

    def width(self, v):
        return self.delta * v.sqrt()

    def weight(self, y, y1):
        return self.noise.spread(y1)

    def constant(self, v):
        return v.mean()

    def forward(self, f, y, A, noise=None, generator=None):
        v = self.noise.spread(y)
        u = torch.randn(y.shape, generator=generator, dtype=y.dtype)
        c = self.sharpen()
        value = written()(f, y, A, u, self.width(v), lambda y1: c * self.weight(y, y1))
        return value + c * self.constant(v)


@pytest.mark.parametrize("name", PRIORS)
def test_the_loss_is_its_formula(name):
    model = PRIORS[name].noise
    y = model(PRIORS[name].sample(SHAPE, generator()).double(), generator(1))
    one, two = (kind(model, DELTA)(lambda u, A: mixing(u), y, A, generator=generator(2))
                for kind in (losses.Noise2Score, Written))  # fmt: skip
    torch.testing.assert_close(one, two, rtol=1e-10, atol=0)


@pytest.mark.parametrize("name", ["poisson", "gamma"])
def test_a_slip_of_a_weight_at_the_wrong_point_is_caught(name):
    """The weight may depend on y1 alone: taken at y, it adds v' to the score."""
    assert slopes(name, slip(Written, weight=lambda s, y, y1: s.noise.spread(y))) > 6


TRAINING = {
    "step with the variance": slip(Written, width=lambda s, v: s.delta * v),
    "weight without (1 + δ²)": slip(Written, sharpen=lambda s: 1),
    "weight with δ": slip(Written, sharpen=lambda s: 1 + s.delta),
}


@pytest.mark.parametrize("name", TRAINING)
def test_a_slip_of_the_training_loss_is_caught(name):
    assert slopes("gaussian", TRAINING[name]) > 6


def _smoothed(problem, y, g):
    return problem.f(y + STEP * problem.noise.probes(y, g)[0], problem.A)


GAUSSIAN = ["gaussian, mixture", "gaussian, mixture, pointwise", "gaussian, field"]


@pytest.mark.parametrize("where", GAUSSIAN)
def test_for_gaussian_noise_it_is_the_risk_of_f_at_y1(where):
    problem = PROBLEMS[where]()
    claim = Claim(lambda model: losses.Noise2Score(model, STEP), _smoothed)
    assert_unbiased(claim.make(problem.noise), claim, problem)


CONSTANTS = {
    "variance forgotten": slip(Written, constant=lambda s, v: 0),
    "σ for σ²": slip(Written, constant=lambda s, v: v.sqrt().mean()),
    "an offset": slip(losses.Noise2Score, offset=lambda s, noise, y, A: noise.variance(y).mean()),
}


@pytest.mark.parametrize("name", CONSTANTS)
def test_a_slip_of_the_constant_is_caught(name):
    problem = PROBLEMS["gaussian, mixture"]()
    claim = Claim(lambda model: CONSTANTS[name](model, STEP), _smoothed)
    with pytest.raises(AssertionError):
        assert_unbiased(claim.make(problem.noise), claim, problem)


@pytest.mark.parametrize("function", [losses.Noise2Score.entries, noise2score.ar_dae])
def test_a_handful_of_systematic_slips_is_caught(function):
    problem = PROBLEMS["gaussian, mixture"]()
    claim = Claim(lambda model: losses.Noise2Score(model, STEP), _smoothed)

    def refused():
        assert_unbiased(claim.make(problem.noise), claim, problem)

    assert len(missed(function, refused)) < 2


def test_a_slip_of_the_score_without_the_variance_is_caught():
    wrong = slip(losses.Noise2Score, score=lambda s, f, y, A, noise=None: f(y, A) - y)
    y = COUNTS.noise(COUNTS.sample(SHAPE, generator()).double(), generator(1))
    x_hat = wrong(COUNTS.noise).reconstruct(lambda u, A: pointwise(u), y, A)
    right = COUNTS.noise.tweedie(y, (pointwise(y) - y) / COUNTS.noise.spread(y))
    assert (x_hat - right).abs().max() > 0.01


def test_for_gaussian_noise_it_is_sure_and_r2r_over_both_signs():
    """The same u: the losses of two reconstructors differ by the same number, to rounding."""
    problem = PROBLEMS["gaussian, mixture"]()
    y, sigma = problem.observe(generator()), problem.noise.sigma

    def r2r(f):
        """R2R of α = δ²/(1 + δ²), y2 = y − σu/δ, averaged over u and −u."""
        u = torch.randn(y.shape, generator=generator(1), dtype=y.dtype)
        pairs = [(y + DELTA * s * sigma * u, y - s * sigma * u / DELTA) for s in (1, -1)]
        return sum((f(y1, A) - y2).square().mean() for y1, y2 in pairs) / 2

    def gap(loss):
        return loss(lambda y, A: mixing(y)) - loss(lambda y, A: pointwise(y))

    gaps = [
        gap(lambda f, loss=loss: loss(f, y, A, generator=generator(1)))
        for loss in (
            losses.Noise2Score(problem.noise, DELTA),
            losses.SURE(problem.noise, tau=DELTA),
        )
    ]
    torch.testing.assert_close(gaps[0], gaps[1], rtol=1e-10, atol=0)
    torch.testing.assert_close(gaps[0], gap(r2r), rtol=1e-10, atol=0)


@pytest.mark.parametrize("name", PRIORS)
def test_it_reconstructs_by_the_formula_of_the_noise(name):
    prior = PRIORS[name]
    y = prior.noise(prior.sample(SHAPE, generator()).double(), generator(1))
    loss = losses.Noise2Score(prior.noise)
    x_hat = loss.reconstruct(lambda u, A: pointwise(u), y, A)
    score = (pointwise(y) - y) / prior.noise.spread(y)
    torch.testing.assert_close(x_hat, prior.noise.tweedie(y, score))
    if name == "gaussian":
        torch.testing.assert_close(x_hat, pointwise(y))


def test_for_other_noise_it_does_not_claim_to_be_the_risk():
    with pytest.raises(NotImplementedError, match="not the risk plus a constant"):
        losses.Noise2Score(COUNTS.noise).offset(COUNTS.noise, torch.ones(1, 1, 2, 2))


# Blind: images of two noise levels, each with the exact score of its own smoothed density.

LEVELS, GUESS = (0.3, 0.6), 0.45  # so that δ·guess is not (1 + δ²)·guess²


def mixture(sigma):
    return priors.GaussianMixture([0.3, 0.5, 0.2], [-1.0, 0.2, 1.5], 0.25, sigma)


def blind(make=losses.BlindNoise2Score):
    """(η, what it should be, x̂, y + ηS) for one large image of each level."""
    loss = make(sigma=GUESS, delta=DELTA)
    step = DELTA * GUESS
    exact = [mixture((sigma**2 + step**2) ** 0.5) for sigma in LEVELS]

    def f(y, A):
        return y + (1 + DELTA**2) * GUESS**2 * torch.cat(
            [p.score(y[i : i + 1]) for i, p in enumerate(exact)]
        )

    g = generator()
    y = torch.cat([noise.Gaussian(s)(mixture(s).sample((1, 1, 300, 300), g), g) for s in LEVELS])
    y = y.double()
    # UNSURE at the noise level of y1: η = v/(1 − MMSE/v)
    right = [p.noise.sigma**2 / (1 - p.mmse() / p.noise.sigma**2) for p in exact]
    eta = loss.eta(f, y, A, generator=generator(3))
    x_hat = loss.reconstruct(f, y, A, generator=generator(3))
    S = torch.cat([p.score(y[i : i + 1]) for i, p in enumerate(exact)])
    torch.testing.assert_close(x_hat, y + eta * S)
    return eta.flatten(), torch.tensor(right, dtype=torch.float64)


def test_the_blind_multiplier_is_that_of_unsure_image_by_image():
    eta, right = blind()
    torch.testing.assert_close(eta, right, rtol=0.02, atol=0)
    assert right[1] > 2 * right[0]


class Blind(losses.BlindNoise2Score):
    def point(self, y, y1):
        """Where the score is taken."""
        return y1

    def power(self, S):
        """‖S‖²/n of each image."""
        return S.square().mean((1, 2, 3), keepdim=True)

    def eta(self, f, y, A, generator=None):
        step, c = self.scales(y)
        y1 = self.point(y, y + step * torch.randn(y.shape, generator=generator, dtype=y.dtype))
        return 1 / self.power((f(y1, A) - y1) / c)


BLIND_SLIPS = {
    "not divided by n": slip(Blind, power=lambda s, right, S: right(S) * S[0].numel()),
    "absolute values": slip(Blind, power=lambda s, S: S.abs().mean((1, 2, 3), keepdim=True)),
    "one η for the whole batch": slip(
        Blind, power=lambda s, S: S.square().mean().expand(len(S), 1, 1, 1)
    ),
    "score at y": slip(Blind, point=lambda s, y, y1: y),
    "weight without (1 + δ²)": slip(
        Blind, scales=lambda s, right, y: (right(y)[0], right(y)[1] / (1 + s.delta**2))
    ),
}


@pytest.mark.parametrize("name", BLIND_SLIPS)
def test_a_slip_of_the_blind_multiplier_is_caught(name):
    torch.testing.assert_close(*blind(Blind), rtol=0.02, atol=0)
    with pytest.raises(AssertionError):
        torch.testing.assert_close(*blind(BLIND_SLIPS[name]), rtol=0.02, atol=0)


@pytest.mark.parametrize("sigma", [0.2, 0.7])
def test_the_blind_multiplier_is_at_most_a_hundred_times_that_of_the_guess(sigma):
    y, loss = torch.rand(2, 1, 8, 8, generator=generator()), losses.BlindNoise2Score(0.5, sigma)
    most = 100 * (1 + 0.5**2) * sigma**2
    torch.testing.assert_close(
        loss.eta(lambda u, A: u, y, A, generator()), torch.full((2, 1, 1, 1), most)
    )
    near = loss.eta(lambda u, A: u + 0.11 * most**0.5 / 10, y, A, generator())
    assert (near < 0.9 * most).all()
    assert torch.equal(loss.reconstruct(lambda u, A: u, y, A, generator=generator()), y)


@pytest.mark.parametrize("guess", [0.3, 0.8])
def test_blind_training_needs_no_more_than_a_rough_guess(guess):
    """A filter trained on a Gaussian field: x̂ is near UNSURE's optimum for guesses that are off."""
    g = generator()
    x = FIELD.sample(4000, g).double()
    y = FIELD.noise(x, g)
    H = torch.eye(9, dtype=torch.float64, requires_grad=True)
    loss = losses.BlindNoise2Score(sigma=guess, delta=0.2)
    optimizer = torch.optim.LBFGS([H], max_iter=40)

    def closure():
        optimizer.zero_grad()
        value = sum(loss(lambda u, A: u @ H, y, A, generator=generator(k)) for k in range(4))
        value.backward()
        return value

    optimizer.step(closure)
    with torch.no_grad():
        S = (y @ H - y) / loss.scales(y)[1]
        eta = float(1 / S.square().mean())
    v = FIELD.noise.sigma**2
    assert eta == pytest.approx(v / (1 - FIELD.mmse() / v), rel=0.1 if guess < 0.5 else 0.25)


@pytest.mark.parametrize(
    "loss", [losses.Noise2Score(noise.Gaussian(0.1)), losses.BlindNoise2Score()]
)
def test_another_operator_is_refused(loss):
    y, B = torch.rand(1, 1, 4, 4), operators.Inpainting(torch.ones(4, 4))
    for call in (loss, loss.reconstruct):
        with pytest.raises(ValueError, match=r"A = I, not Inpainting; use SURE or R2R"):
            call(lambda u, A: u, y, B)


def test_a_level_that_can_not_be_estimated_is_asked_for():
    with pytest.raises(ValueError, match="give sigma"):
        losses.BlindNoise2Score()(lambda u, A: u, torch.rand(1, 1, 2, 2), A)


def test_a_law_without_a_formula_is_refused_before_training():
    with pytest.raises(NotImplementedError, match=r"Binomial.*use R2R or Noise2Noise"):
        losses.Noise2Score(noise.Binomial(4))
