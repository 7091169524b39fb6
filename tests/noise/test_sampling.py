"""Samples have the law they claim: moments, the whole distribution, and the variance estimate."""

import pytest
import torch
from montecarlo import generator, summary
from problems import KERNEL
from scipy import stats

from course_lib import noise

N = 200_000
X = 0.7
MODELS = {
    "gaussian": (lambda: noise.Gaussian(0.4), 0.16),
    "poisson": (lambda: noise.Poisson(0.3), 0.3 * X),
    "gamma": (lambda: noise.Gamma(4.0), X**2 / 4),
    "rough gamma": (lambda: noise.Gamma(0.6), X**2 / 0.6),
    "poisson-gaussian": (lambda: noise.PoissonGaussian(0.3, 0.25), 0.3 * X + 0.0625),
    "binomial": (lambda: noise.Binomial(8), X * (1 - X) / 8),
}


def sample(model, seed=0):
    return model(torch.full((N,), X, dtype=torch.float64), generator(seed))


@pytest.mark.parametrize("name", MODELS)
def test_the_mean_is_the_signal_and_the_variance_is_as_documented(name):
    make, variance = MODELS[name]
    y = sample(make())
    assert abs(summary(y).z(X)) < 4
    assert abs(summary((y - X).square()).z(variance)) < 4


@pytest.mark.parametrize("name", MODELS)
def test_the_variance_is_estimated_without_bias_from_y_alone(name):
    make, variance = MODELS[name]
    found = summary(make().variance(sample(make())))
    assert abs(found.mean - variance) <= 4 * found.error + 1e-12
    assert found.error < 0.02 * variance


@pytest.mark.parametrize(
    "model, law",
    [
        (noise.Gaussian(0.4), stats.norm(X, 0.4)),
        (noise.Gamma(4.0), stats.gamma(4.0, scale=X / 4)),
    ],
)
def test_continuous_laws_by_kolmogorov_and_smirnov(model, law):
    assert stats.kstest(sample(model)[:20000].numpy(), law.cdf).pvalue > 1e-3


@pytest.mark.parametrize(
    "model, unit, law",
    [
        (noise.Poisson(0.3), 0.3, stats.poisson(X / 0.3)),
        (noise.Binomial(8), 1 / 8, stats.binom(8, X)),
    ],
)
def test_discrete_laws_by_frequency(model, unit, law):
    z = (sample(model) / unit).round()
    for k in range(6):
        assert abs(summary((z == k).double()).z(law.pmf(k))) < 4


def test_correlated_noise_has_the_covariance_of_its_kernel():
    model = noise.CorrelatedGaussian(KERNEL)
    y = model(torch.zeros(N // 10, 1, 5, 6, dtype=torch.float64), generator())
    blurred = torch.zeros(5, 6, dtype=torch.float64)
    blurred[:3, :3] = KERNEL
    for shift in [(0, 0), (0, 1), (1, 0), (1, 1), (1, -1), (2, 1)]:
        expected = float((blurred * blurred.roll(shift, (0, 1))).sum())
        found = summary((y * y.roll(shift, (-2, -1))).mean((1, 2, 3)))
        assert abs(found.z(expected)) < 4 and found.error < 2e-3
    assert model.sigma**2 == pytest.approx(float(KERNEL.square().sum()))


def test_a_point_kernel_is_white_noise():
    x = torch.zeros(2, 1, 4, 4, dtype=torch.float64)
    white = noise.Gaussian(0.3)(x, generator())
    point = noise.CorrelatedGaussian(torch.tensor([[0.3]], dtype=torch.float64))(x, generator())
    torch.testing.assert_close(white, point)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_dtype_and_shape_are_kept_and_the_seed_decides(name, dtype):
    model = MODELS[name][0]()
    x = torch.full((2, 3, 4, 5), X, dtype=dtype)
    y = model(x, generator(3))
    assert y.dtype == dtype and y.shape == x.shape
    assert torch.equal(y, model(x, generator(3))) and not torch.equal(y, model(x, generator(4)))


@pytest.mark.parametrize("make", [MODELS[k][0] for k in ("poisson", "gamma", "poisson-gaussian")])
def test_rounding_below_zero_is_no_error_and_a_negative_signal_is(make):
    """A blurred black border is −1e-8 in float32, not a negative rate."""
    x = torch.tensor([1.0, -2e-8])
    assert torch.isfinite(make()(x, generator())).all()
    with pytest.raises(ValueError, match="-0.1"):
        make()(torch.tensor([1.0, -0.1]), generator())


def test_rounding_above_one_is_no_error_for_success_rates():
    y = noise.Binomial(4)(torch.tensor([1.0 + 1e-7, -1e-8]), generator())
    assert y.tolist() == [1.0, 0.0]
