"""noise.tweedie against the exact posterior mean, law by law, and mutants of each formula."""

import pytest
import torch
from montecarlo import generator
from mutants import missed
from problems import COUNTS, KERNEL, MIXTURE, SPECKLE
from scipy.special import gammaincinv
from slips import slip

from course_lib import noise
from course_lib.noise.poisson import bounded_exp
from course_lib.operators.blur import transfer

BRIGHT, DARK = (0.02, 3.0, 0.15), (0.3, 3.0, 0.4)  # gain, and the Gamma prior's shape and scale


def grid(low, high):
    return torch.linspace(low, high, 401, dtype=torch.float64)


def gaussian_error(model=noise.Gaussian):
    y = grid(-4, 4)
    told = model(MIXTURE.noise.sigma).tweedie(y, MIXTURE.score(y))
    return float((told - MIXTURE.posterior_mean(y)).abs().max())


def correlated_error(model=noise.CorrelatedGaussian):
    """Stationary x and noise on a torus: E[x | y] and the score are filters of y."""
    g, size = generator(), (8, 10)
    S = 2 * torch.rand(8, 6, generator=g, dtype=torch.float64)
    N = transfer(KERNEL, size).abs().square()
    y = torch.randn(3, 1, *size, generator=g, dtype=torch.float64)
    mean, score = (
        torch.fft.irfft2(h * torch.fft.rfft2(y), s=size) for h in (S / (S + N), -1 / (S + N))
    )
    return float((model(KERNEL).tweedie(y, score) - mean).abs().max())


def shared_counts(gain, shape, scale, n):
    """n pixels of one rate x ~ Gamma: (y, s, s', E[x | y]) and the MMSE, all exact."""
    g = generator()
    x = scale * torch._standard_gamma(torch.full((40_000 // n, 1), shape).double(), generator=g)
    z = torch.poisson((x / gain).expand(-1, n), generator=g)
    total, rate = shape + z.sum(1, keepdim=True), 1 / scale + n / gain
    s = (torch.digamma(total) - torch.digamma(z + 1) - torch.tensor(rate * gain).log()) / gain
    slope = (torch.polygamma(1, total) - torch.polygamma(1, z + 1)) / gain**2
    mean = (total / rate).expand(-1, n)
    return gain * z, s, slope, mean, (mean - x).square().mean()


def shared_speckle(looks, a, b, n):
    """The same for n pixels of one x ~ InverseGamma(a, b) under speckle."""
    g = generator()
    x = b / torch._standard_gamma(torch.full((40_000 // n, 1), a).double(), generator=g)
    u = torch._standard_gamma(torch.full((40_000 // n, n), looks).double(), generator=g) / looks
    y = x * u
    total, shape = b + looks * y.sum(1, keepdim=True), a + n * looks
    s = (looks - 1) / y - looks * shape / total
    slope = -(looks - 1) / y.square() + looks**2 * shape / total.square()
    mean = (total / (shape - 1)).expand(-1, n)
    return y, s, slope, mean, (mean - x).square().mean()


def excess(estimate, mean, mmse):
    """What an estimate adds to the MMSE, in units of it."""
    return float((estimate - mean).square().mean() / mmse)


def robbins_error(model=noise.Poisson):
    """With the difference of log p over one count in place of the score, exact at every y."""
    gain = COUNTS.noise.gain
    y = gain * torch.arange(60, dtype=torch.float64)
    difference = (COUNTS.log_prob(y + gain) - COUNTS.log_prob(y)) / gain
    told = model(gain).tweedie(y, difference, slope=torch.zeros(()))
    return float((told - COUNTS.posterior_mean(y)).abs().max())


def expanded_error(model=noise.Poisson, n=8, law=BRIGHT):
    y, s, slope, mean, mmse = shared_counts(*law, n)
    return excess(model(law[0]).tweedie(y, s, slope), mean, mmse)


def leading_error(model=noise.Poisson, n=8, law=BRIGHT):
    y, s, _, mean, mmse = shared_counts(*law, n)
    return excess(model(law[0]).tweedie(y, s), mean, mmse)


def speckle_error(model=noise.Gamma):
    y, s, slope, mean, mmse = shared_speckle(4.0, 8.0, 7.0, 2)
    return excess(model(4.0).tweedie(y, s, slope), mean, mmse)


def paper_error(model=noise.Gamma):
    """Without the slope: 1/E[1/x | y] = (b + ℓy)/(a + ℓ) for the conjugate prior."""
    y, prior = grid(0.3, 6), SPECKLE
    told = model(4.0).tweedie(y, prior.score(y))
    return float((told - (prior.b + 4 * y) / (prior.a + 4)).abs().max())


def camera(gain=0.1, sigma=0.1, model=noise.PoissonGaussian):
    """x one of two values; p is a mixture over the count. Returns (y, p, s, s', E[x | y])."""
    y, p, first, second, top = grid(-0.2, 2.2), 0, 0, 0, 0
    for weight, x in ((0.4, 0.5), (0.6, 1.1)):
        for z in range(80):
            w = torch.tensor(x / gain, dtype=torch.float64)
            mass = weight * torch.exp(z * w.log() - w - torch.lgamma(w.new_tensor(z + 1.0)))
            u = (y - gain * z) / sigma
            bell = mass * torch.exp(-u.square() / 2)
            p, first, top = p + bell, first - bell * u / sigma, top + x * bell
            second = second + bell * (u.square() - 1) / sigma**2
    return y, p, first / p, second / p - (first / p).square(), top / p


def both_error(model=noise.PoissonGaussian):
    y, p, s, slope, mean = camera()
    told = model(0.1, 0.1).tweedie(y, s, slope)
    return float((p * (told - mean).square()).sum() / p.sum())


def unsloped_error(model=noise.PoissonGaussian):
    """Without the slope it takes that of a well-known x, −1/(γ(y + γ/2) + σ²)."""
    y, s = grid(-0.2, 2.2), grid(-5, 5)
    slope = -1 / (0.1 * (y.clamp_min(0) + 0.1 / 2) + 0.1**2)
    law = model(0.1, 0.1)
    right = noise.PoissonGaussian(0.1, 0.1).tweedie(y, s, slope)
    return float((law.tweedie(y, s) - right).abs().max())


CHECKS = {  # what the real formula leaves, at most
    gaussian_error: 1e-12,
    correlated_error: 1e-12,
    robbins_error: 1e-10,
    expanded_error: 0.001,
    leading_error: 0.003,
    speckle_error: 1e-6,  # one speckle of 40 000 is darker than the bound
    paper_error: 1e-12,
    both_error: 2e-4,
    unsloped_error: 1e-12,
}


@pytest.mark.parametrize("check", CHECKS)
def test_the_formula_gives_the_exact_posterior_mean(check):
    assert check() < CHECKS[check]


def test_robbins_and_tweedie_together():
    """E[x | y] = (y + γ + σ² s(y + γ)) p(y + γ)/p(y) for Poisson-Gaussian noise, exactly."""
    gain, (y, p, s, _, mean) = 0.1, camera()
    step = round(gain / float(y[1] - y[0]))
    gain = float(y[step] - y[0])  # a whole number of steps of the grid
    y, p, s, _, mean = camera(gain)
    exact = (y[step:] + 0.1**2 * s[step:]) * p[step:] / p[:-step]
    torch.testing.assert_close(exact, mean[:-step], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("n, law", [(1, BRIGHT), (8, BRIGHT), (8, DARK)])
def test_the_poisson_formula_of_the_reference_library_misses_one_gain(n, law):
    y, s, _, mean, mmse = shared_counts(*law, n)
    gain = law[0]
    printed, first = y + gain * y * s, y + gain + gain * y * s
    assert abs((first - mean).mean()) < 0.05 * gain < 0.9 * gain < abs((printed - mean).mean())
    assert excess(first, mean, mmse) < excess(printed, mean, mmse)


def test_the_exponential_serves_better_than_the_first_order_where_x_is_well_known():
    y, s, _, mean, mmse = shared_counts(*BRIGHT, 8)
    first = y + 0.02 + 0.02 * y * s
    assert 30 * leading_error() < excess(first, mean, mmse)


def test_the_gamma_formula_without_the_slope_is_low_by_one_look_in_all():
    """1/E[1/x | y] = E[x | y] (a + ℓn − 1)/(a + ℓn) for n pixels that share x."""
    for n in (1, 8):
        y, s, _, mean, _ = shared_speckle(4.0, 8.0, 7.0, n)
        ratio = noise.Gamma(4.0).tweedie(y, s) / mean
        torch.testing.assert_close(ratio.median(), torch.tensor(1 - 1 / (8 + 4 * n)).double())


def test_a_wild_score_gives_no_wild_speckle():
    y = torch.tensor([0.5, 0.5, 0.0]).double()
    x_hat = noise.Gamma(25).tweedie(y, torch.tensor([48.0, 1e6, 1e9]).double())
    assert (x_hat >= 0).all() and (x_hat < 3 * 0.5).all()


def test_a_law_without_a_formula_says_so():
    with pytest.raises(NotImplementedError, match=r"Binomial.*Noise2Score.*use R2R"):
        noise.Binomial(4).tweedie(torch.ones(1), torch.zeros(1))


def mirrored(s, right, y, score, slope=None):
    """y − what should be added."""
    return 2 * y - right(y, score, slope)


def rooted(s, y, score, slope=None):
    """The square root of the covariance in the place of it."""
    K = transfer(s.kernel.to(y), y.shape[-2:])
    return y + torch.fft.irfft2(K.abs() * torch.fft.rfft2(score), s=y.shape[-2:])


def counted(front=lambda s, y: y + s.gain, step=lambda s: s.gain, curve=0.5):
    """Poisson with the slope: (y + γ) exp(γs + γ²s'/2), a piece at a time."""

    def tweedie(s, y, score, slope):
        steps = step(s) * score + curve * s.gain**2 * slope
        return front(s, y) * bounded_exp(steps, s.gain, s.gain * y)

    return tweedie


def leading(front=lambda s, y: y + s.gain / 2, ratio=bounded_exp):
    """Poisson without the slope: (y + γ/2) exp(γs)."""
    return lambda s, y, score: front(s, y) * ratio(s.gain * score, s.gain, s.gain * y)


def speckled(looks=1, sign=1, clamp=torch.clamp_min, both=torch.maximum, curve=1, power=2):
    """Gamma, a piece at a time: 1 look less, b against a², and what keeps it finite."""

    def tweedie(s, y, score, slope=None):
        u = max(float(gammaincinv(s.looks, 1e-5)) / s.looks, 1e-30)
        a = clamp((s.looks - looks - sign * y * score) / s.looks, u)
        if slope is None:
            return y / a
        b = curve * (s.looks - 1 + y.square() * slope) / s.looks**power
        return y * a / both(a.square() - b, u * a)

    return tweedie


def camera_mean(front=1.0, readout=lambda s: s.sigma**2, sign=1, curve=1):
    """Poisson-Gaussian: (y + γ + σ² (s + γs')) exp(γs + γ²s'/2), a piece at a time."""

    def tweedie(s, y, score, slope):
        gain = s.gain
        steps = gain * score + curve * gain**2 * slope / 2
        ratio = bounded_exp(steps, gain, gain * y.clamp_min(0) + s.sigma**2)
        return (y + front * gain + readout(s) * (score + sign * gain * slope)) * ratio

    return tweedie


RIGHT = [
    (expanded_error, noise.Poisson, counted()),
    (leading_error, noise.Poisson, leading()),
    (paper_error, noise.Gamma, speckled()),
    (speckle_error, noise.Gamma, speckled()),
    (both_error, noise.PoissonGaussian, camera_mean()),
]
SLIPS = [
    (gaussian_error, noise.Gaussian, lambda s, y, score: y + s.sigma * score),
    (gaussian_error, noise.Gaussian, mirrored),
    (correlated_error, noise.CorrelatedGaussian, rooted),
    (correlated_error, noise.CorrelatedGaussian, mirrored),
    (robbins_error, noise.Poisson, counted(front=lambda s, y: y)),
    (robbins_error, noise.Poisson, counted(step=lambda s: 1)),
    (expanded_error, noise.Poisson, counted(curve=1)),
    (expanded_error, noise.Poisson, counted(curve=-0.5)),
    (expanded_error, noise.Poisson, counted(curve=0)),
    (leading_error, noise.Poisson, leading(front=lambda s, y: y + s.gain)),
    (leading_error, noise.Poisson, leading(front=lambda s, y: y)),
    (leading_error, noise.Poisson, leading(ratio=lambda steps, gain, v: 1 + steps)),
    (paper_error, noise.Gamma, speckled(looks=0)),
    (paper_error, noise.Gamma, speckled(sign=-1)),
    (paper_error, noise.Gamma, speckled(clamp=torch.clamp_max)),
    (speckle_error, noise.Gamma, speckled(curve=0)),
    (speckle_error, noise.Gamma, speckled(curve=-1)),
    (speckle_error, noise.Gamma, speckled(power=1)),
    (both_error, noise.PoissonGaussian, camera_mean(front=0)),
    (both_error, noise.PoissonGaussian, camera_mean(sign=-1)),
    (both_error, noise.PoissonGaussian, camera_mean(curve=0)),
    (both_error, noise.PoissonGaussian, camera_mean(readout=lambda s: s.sigma)),
]


@pytest.mark.parametrize("check, model, right", RIGHT)
def test_the_formula_that_the_slips_change_is_right(check, model, right):
    assert check(slip(model, tweedie=right)) == pytest.approx(check(), rel=1e-6, abs=1e-12)


@pytest.mark.parametrize("check, model, wrong", SLIPS)
def test_a_slip_of_the_formula_is_caught(check, model, wrong):
    assert not check(slip(model, tweedie=wrong)) < CHECKS[check]


FORMULAS = {
    noise.Gaussian: [gaussian_error],
    noise.CorrelatedGaussian: [correlated_error],
    noise.Poisson: [robbins_error, expanded_error, leading_error],
    noise.Gamma: [paper_error, speckle_error],
    noise.PoissonGaussian: [both_error, unsloped_error],
}


@pytest.mark.parametrize("model", FORMULAS)
def test_a_handful_of_systematic_slips_is_caught(model):
    def refused():
        return any(not check() < CHECKS[check] for check in FORMULAS[model])

    assert len(missed(model.tweedie, refused, 8)) < 3
