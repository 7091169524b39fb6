"""stein(f, y) estimates E f(y)ᵀ(y − x): by integration in one pixel, by pairs in many."""

import math

import pytest
import torch
from montecarlo import estimate, generator
from mutants import missed
from problems import COUNTS, KERNEL, MIXTURE, PROBLEMS, SPECKLE, pointwise
from slips import slip

from course_lib import noise, operators, priors
from course_lib.noise import divergence


def gaussian_grid():
    y = torch.linspace(-6, 6, 4001, dtype=torch.float64)
    v = MIXTURE.std**2 + MIXTURE.noise.sigma**2
    p = torch.exp(-((y[:, None] - MIXTURE.means) ** 2) / (2 * v)) @ MIXTURE.weights
    return y, p / p.sum()


def count_grid(gain=COUNTS.noise.gain):
    prior = priors.GammaPoisson(COUNTS.shape, COUNTS.scale, gain)
    y = gain * torch.arange(0, int(40 / gain), dtype=torch.float64)
    return prior, y, prior.log_prob(y).exp()


def speckle_grid():
    """y on a logarithmic grid, p(y) ∝ y^(ℓ−1) (b + ℓy)^−(a+ℓ)."""
    a, b, looks = SPECKLE.a, SPECKLE.b, SPECKLE.noise.looks
    y = torch.exp(torch.linspace(-9, 6, 8001, dtype=torch.float64))
    p = y ** (looks - 1) * (b + looks * y) ** -(a + looks) * y
    return y, p / p.sum()


def key_term(prior, y, p, f=pointwise):
    """E f(y)(y − x) = E f(y)(y − E[x | y])."""
    return float((p * f(y) * (y - prior.posterior_mean(y))).sum())


def by_pixel(model, y, p, f=pointwise):
    """E stein, one pixel an image, each image weighted by its probability."""
    weights = p.view(-1, 1)

    def weighted(u):  # E Σ_i p_i stein_i: weigh f, since stein is linear in it
        return weights * f(u)

    return float(model.stein(weighted, y.view(-1, 1), method="exact"))


def test_gaussian_noise_exactly():
    y, p = gaussian_grid()
    assert by_pixel(MIXTURE.noise, y, p) == pytest.approx(key_term(MIXTURE, y, p), rel=1e-9)


@pytest.mark.parametrize("gain", [0.05, 0.3, 1.0])
def test_poisson_noise_exactly(gain):
    prior, y, p = count_grid(gain)
    assert float(p.sum()) == pytest.approx(1, abs=1e-9)
    assert by_pixel(prior.noise, y, p) == pytest.approx(key_term(prior, y, p), rel=1e-8)


def test_gamma_noise_exactly():
    y, p = speckle_grid()
    assert by_pixel(SPECKLE.noise, y, p) == pytest.approx(key_term(SPECKLE, y, p), rel=1e-6)


def hermite(nodes=40):
    import numpy as np

    w, weight = np.polynomial.hermite_e.hermegauss(nodes)
    return torch.tensor(w), torch.tensor(weight / math.sqrt(2 * math.pi))


def readout_grid(gain, sigma):
    """(y, p(y), E[x | z]) for y = γz + σw, one entry for each pair of z and w."""
    prior, counts, p = count_grid(gain)
    w, weight = hermite()
    y = counts[:, None] + sigma * w
    mean = prior.posterior_mean(counts)[:, None].expand_as(y)
    return y.flatten(), (p[:, None] * weight).flatten(), mean.flatten()


def test_poisson_gaussian_noise_exactly():
    y, p, mean = readout_grid(0.3, 0.25)
    truth = float((p * pointwise(y) * (y - mean)).sum())
    assert by_pixel(noise.PoissonGaussian(0.3, 0.25), y, p) == pytest.approx(truth, rel=1e-7)


def slopes(y, order):
    """f' or f'' of f = tanh(1.5u) + 0.3u."""
    t = torch.tanh(1.5 * y)
    return 1.5 * (1 - t**2) + 0.3 if order == 1 else -4.5 * t * (1 - t**2)


def poisson_bias(gain):
    prior, y, p = count_grid(gain)
    return float((p * gain * y * slopes(y, 1)).sum()) - key_term(prior, y, p)


def test_first_order_poisson_has_a_bias_of_second_order_in_the_gain():
    """γy f' − y(f(y) − f(y − γ)) = γ²y f''/2 + O(γ³): halve the gain, quarter the bias."""
    for gain in (0.02, 0.01):
        prior, y, p = count_grid(gain)
        second = float((p * gain**2 * y * slopes(y, 2)).sum()) / 2
        assert poisson_bias(gain) == pytest.approx(second, rel=0.05)
    assert poisson_bias(0.3) < -0.01
    assert poisson_bias(0.02) / poisson_bias(0.01) == pytest.approx(4, rel=0.05)


def test_poisson_gaussian_orders():
    """SCIENCE 1.9: −γσ²f'' then −γ²y f''/2 repair the first order; with + it gets worse."""
    gain, sigma = 0.1, 0.25
    y, p, mean = readout_grid(gain, sigma)
    truth = float((p * pointwise(y) * (y - mean)).sum())
    first = float((p * (gain * y + sigma**2) * slopes(y, 1)).sum()) - truth
    crossed = float((p * gain * sigma**2 * slopes(y, 2)).sum())
    quadratic = float((p * gain**2 * y * slopes(y, 2)).sum()) / 2
    assert first < 0 and abs(first + -crossed - quadratic) < 0.25 * abs(first)
    assert abs(first - crossed) < abs(first) < abs(first + crossed)


@pytest.mark.parametrize(
    "where, method",
    [
        ("gaussian, field", "exact"),
        ("gaussian, field", "hutchinson"),
        ("gaussian, field", "mc"),
        ("correlated, blur", "exact"),
        ("correlated, blur", "hutchinson"),
        ("correlated, blur", "mc"),
        ("poisson", "exact"),
        ("gamma", "exact"),
        ("poisson-gaussian", "exact"),
    ],
)
def test_many_pixels_by_pairs(where, method):
    assert abs(key_term_error(PROBLEMS[where](), method).z()) < 4


@pytest.mark.parametrize("where", ["poisson", "gamma", "poisson-gaussian"])
@pytest.mark.parametrize("method", ["hutchinson", "mc"])
def test_first_order_methods_are_biased_there(where, method):
    assert key_term_error(PROBLEMS[where](), method).z() < -6


def key_term_error(problem, method):
    """stein − f(y)ᵀ(y − x), per pixel."""

    def draw(g):
        y = problem.observe(g)
        f = lambda u: problem.A(problem.f(u, problem.A))  # noqa: E731
        value = problem.noise.stein(f, y, method=method, tau=1e-3, generator=g)
        return (value - (f(y) * (y - problem.A(problem.x))).sum()) / y.numel()

    return estimate(draw)


def hudson(change, weight=lambda s, y: y):
    """Σ w_i (f_i(y) − f_i(y with entry i moved by `change`)) of a law."""

    def stein_exact(s, f, y, fy):
        return (weight(s, y) * (fy - divergence.finite(f, y, change(s, y)))).sum()

    return stein_exact


SLIPS = {
    "the gain for y": ("poisson", "exact", hudson(lambda s, y: -s.gain, lambda s, y: s.gain)),
    "two photons less": ("poisson", "exact", hudson(lambda s, y: -2 * s.gain)),
    "the mean of t for its law": (
        "gamma", "exact", hudson(lambda s, y: -y / (s.looks + 1)),
    ),
    "quadrature not normalised": (
        "gamma", "exact", lambda s, right, f, y, fy: right(f, y, fy) - 2 * (y * fy).sum(),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SLIPS)
def test_a_slip_of_the_identity_is_caught(name):
    where, method, wrong = SLIPS[name]
    assert caught(where, method, {"stein_exact": wrong})


def test_a_slip_of_the_kernel_is_caught():
    def draw(s, right, y, generator=None):
        return 2 * right(y, generator)

    assert caught("correlated", "hutchinson", {"draw": draw})


@pytest.mark.parametrize("where", ["gaussian, field", "poisson", "gamma"])
def test_a_handful_of_systematic_slips_is_caught(where):
    kind = type(PROBLEMS[where]().noise)
    assert len(missed(kind.stein_exact, lambda: caught(where, "exact", {}), 4)) < 2


ARGUMENTS = {
    noise.CorrelatedGaussian: KERNEL, noise.Poisson: 0.3, noise.Gamma: 4.0, noise.Gaussian: 0.5,
}  # fmt: skip


def caught(where, method, methods):
    problem = PROBLEMS[where]()
    kind = type(problem.noise)
    problem.noise = Liar(problem.noise, slip(kind, **methods)(ARGUMENTS[kind]))
    return abs(key_term_error(problem, method).z()) > 4


class Liar:
    """y by the true law, stein by another's."""

    def __init__(self, law, told):
        self.law, self.stein = law, told.stein

    def __call__(self, Ax, generator):
        return self.law(Ax, generator=generator)


def test_the_exact_form_of_correlated_noise_is_the_trace():
    """Of Σ J, both as matrices, for a linear f of two images."""
    law, (H, W) = noise.CorrelatedGaussian(KERNEL), (3, 4)
    J = torch.randn(12, 12, generator=generator(), dtype=torch.float64)
    y = torch.randn(2, 1, H, W, generator=generator(1), dtype=torch.float64)
    columns = [law.covariance(e.view(1, 1, H, W)).flatten() for e in torch.eye(12).double()]
    exact = law.stein(lambda u: (u.flatten(1) @ J.T).view_as(u), y, method="exact")
    assert float(exact) == pytest.approx(2 * float((torch.stack(columns) @ J).trace()), rel=1e-10)


def test_the_first_order_of_gamma_is_the_mean_of_its_path():
    """For f = cy the exact identity and the first order agree: E(1 − t) = 1/(ℓ + 1)."""
    y = noise.Gamma(4.0)(torch.ones(2, 1, 3, 3, dtype=torch.float64), generator())
    with pytest.raises(ValueError, match="looks is 2000"):
        noise.Gamma(2000.0).stein(pointwise, y, method="exact")
    exact = noise.Gamma(4.0).stein(lambda u: 0.7 * u, y, method="exact")
    assert float(exact) == pytest.approx(float(0.7 * (y.square() / 5).sum()), rel=1e-10)


def test_quadrature_is_converged_also_for_few_looks():
    """The nodes of the quadrature against 64 of them, at ℓ = 1, 4 and 20."""
    y = torch.linspace(0.1, 5, 50, dtype=torch.float64).view(50, 1)
    for looks in (1.0, 4.0, 20.0):
        model, fine = noise.Gamma(looks), noise.Gamma(looks)
        fine.nodes = 64
        values = [m.stein(pointwise, y, method="exact") for m in (model, fine)]
        torch.testing.assert_close(*values, rtol=1e-6, atol=0)


def test_probes_have_the_variance_on_their_diagonal():
    """E[q pᵀ] = diag(v), v negative where a read-out made y negative."""
    model = noise.PoissonGaussian(0.3, 0.1)
    y = torch.tensor([-0.4, 0.0, 0.5, 2.0], dtype=torch.float64)

    def draw(i, j):
        def product(g):
            p, q = model.probes(y.expand(5000, 4), g)
            return (q[:, i] * p[:, j]).mean()

        return estimate(product, 50, seed=i)

    for i in range(4):
        assert abs(draw(i, i).z(float(model.variance(y)[i]))) < 4
    assert abs(draw(0, 2).z()) < 4


def test_the_operator_may_stand_between_f_and_y():
    """E (A f(y))ᵀ(y − Ax) with a blur: stein of u → A f(u)."""
    blur = operators.Blur(torch.tensor([[0.5, 0.5]], dtype=torch.float64))
    y = torch.rand(2, 1, 3, 4, generator=generator(), dtype=torch.float64)
    value = noise.Gaussian(0.4).stein(blur, y, method="exact")
    assert float(value) == pytest.approx(0.16 * 0.5 * y.numel(), rel=1e-12)
