"""What a law can't know, hold or draw: wrong gains, huge counts, black pixels, odd input."""

import copy
import math
import warnings

import pytest
import torch
from montecarlo import correlations, generator, summary

from course_lib import losses, noise, operators
from course_lib.noise.counts import divisor

LAWS = {
    "gaussian": noise.Gaussian(0.1),
    "correlated": noise.CorrelatedGaussian(torch.tensor([[0.1, 0.2]])),
    "heteroscedastic": noise.HeteroscedasticGaussian(torch.tensor([[[[0.1]]], [[[0.2]]]])),
    "poisson": noise.Poisson(0.125),
    "gamma": noise.Gamma(4.0),
    "poisson-gaussian": noise.PoissonGaussian(0.125, 0.1),
    "binomial": noise.Binomial(8),
}
X = torch.full((2, 1, 16, 16), 0.5)


def photons(rate, shape=(4, 1, 32, 32), seed=0, dtype=torch.float32):
    return torch.poisson(torch.full(shape, float(rate), dtype=dtype), generator=generator(seed))


@pytest.mark.parametrize("rate", [0.05, 3.0, 20.0, 5e3])
@pytest.mark.parametrize("factor", [2, 3, 100, 10_000])
@pytest.mark.parametrize("use", ["variance", "split", "twins"])
def test_a_gain_that_divides_the_true_one_is_reported_once(rate, factor, use):
    y, law = 100 * photons(rate), noise.Poisson(100 / factor)
    call = {"variance": law.variance, "split": lambda y: law.split(y, 0.5),
            "twins": lambda y: law.twins(y, 0.5)}[use]  # fmt: skip
    with pytest.warns(UserWarning, match=rf"divisor {factor}: the gain is probably 100,") as told:
        call(y), call(y), call(100 * photons(rate, seed=1))
    assert len(told) == 1


def test_the_true_gain_and_what_tells_nothing_are_silent():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for gain in (1e-3, 0.1, 100.0):
            for rate in (0.01, 0.3, 2.0, 30.0, 1e4, 1e6, 3e7, 1e9):
                for dtype in (torch.float32, torch.float64):
                    noise.Poisson(gain).variance(gain * photons(rate, dtype=dtype))
        flat = noise.Poisson(0.5)
        flat.variance(torch.full((1, 1, 32, 32), 7.0))  # all counts alike
        flat.variance(torch.zeros(1, 1, 32, 32))
        flat.variance(2 * photons(20, (1, 1, 4, 4)))  # too few
        noise.Binomial(6).variance(noise.Binomial(6)(torch.rand(4, 1, 32, 32), generator()))


def test_more_trials_than_there_were_are_reported_once():
    y = noise.Binomial(6)(torch.rand(4, 1, 32, 32, generator=generator()), generator(1))
    law = noise.Binomial(24)
    with pytest.warns(UserWarning, match="divisor 4: probably there were 6 trials,") as told:
        law.split(y, 0.5), law.variance(y)
    assert len(told) == 1


def test_the_divisor_is_that_of_the_whole_numbers():
    g = generator()
    z = torch.randint(1, 1000, (5000,), generator=g).double()
    assert [divisor(k * z) for k in (1, 2, 7, 1000)] == [1, 2, 7, 1000]
    odd = torch.cat([2 * z, torch.ones(5000).double()])
    assert divisor(odd[torch.randperm(10_000, generator=g)]) == 1


def test_a_copy_of_a_law_is_a_law_of_its_own():
    y, law = 2 * photons(20), noise.Poisson(1.0)
    for each in (law, copy.deepcopy(law)):
        with pytest.warns(UserWarning, match="divisor 2"):
            each.variance(y)


@pytest.mark.parametrize("gain", [1e-6, 1e-8, 1e-9, 3e-10])
@pytest.mark.parametrize("alpha", [0.25, 0.5])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_pair_of_huge_counts_is_independent(gain, alpha, dtype):
    x, law = torch.full((40_000,), 0.7, dtype=dtype), noise.Poisson(gain)
    parts = [p.double() - 0.7 for p in law.split(law(x, generator()), alpha, generator(1))]
    assert correlations(*(p[None] for p in parts)).abs().max() < 4
    for part, share in zip(parts, (1 - alpha, alpha), strict=True):
        assert abs(summary(part.square()).z(0.7 * gain / share)) < 4


@pytest.mark.parametrize("gain", [1e-10, 1e-13, 1e-38])
def test_counts_that_can_t_be_drawn_are_refused(gain):
    law, message = noise.Poisson(gain), f"the gain {gain:g} makes .* at most 4e\\+09 can be drawn"
    for call in (law, law.variance, lambda y: law.split(y, 0.5), noise.PoissonGaussian(gain, 1.0)):
        with pytest.raises(ValueError, match=message):
            call(X)
    with pytest.raises(ValueError, match="999999999"):
        noise.Binomial(2e9)


@pytest.mark.parametrize("looks", [0.02, 0.1, 1.0, 1e9])
def test_the_pair_of_few_or_many_looks_is_independent(looks):
    """In float32, where a Gamma variable of 0.01 looks is 0 in half of the pixels."""
    law, n = noise.Gamma(looks), 40_000
    pair = law.split(law(torch.full((n,), 0.7), generator()), 0.5, generator(1))
    if looks > 10:
        features = [p.double()[None] for p in pair]
    else:
        features = [torch.stack([(p > t).double() for t in (1e-3, 0.1, 1.0)]) for p in pair]
    assert correlations(*features).abs().max() < 4


@pytest.mark.parametrize("bad", [0, -1, 1e-3, 1e12, math.nan, math.inf])
def test_looks_that_can_t_be_drawn_are_refused(bad):
    with pytest.raises(ValueError, match=r"looks is .*; it must be a positive number, from 0.01"):
        noise.Gamma(bad)


SCORES = {"network 0": lambda y, v: -y / v, "network 1": lambda y, v: (1 - y) / v,
          "wild": lambda y, v: 1e6 / v.sqrt(), "wild down": lambda y, v: -1e6 / v.sqrt(),
          "none": lambda y, v: 0 * y}  # fmt: skip
DARK = {
    **{f"gamma {k:g}": noise.Gamma(k) for k in (0.3, 1.0, 1.5, 2.0, 5.0, 25.0)},
    **{f"poisson {k:g}": noise.Poisson(k) for k in (1e-4, 0.02, 1.0)},
    **{f"camera {k:g}": noise.PoissonGaussian(k, 0.01) for k in (1e-4, 0.02, 1.0)},
    "gaussian": noise.Gaussian(0.1),
}


@pytest.mark.parametrize("score", SCORES)
@pytest.mark.parametrize("name", DARK)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_black_pixels_have_a_finite_posterior_mean(name, score, dtype):
    """With and without the slope, of an image with black pixels and of a black image."""
    law = DARK[name]
    bright = torch.tensor([0.0, 1.0, 0.0, 3.0, 100.0], dtype=dtype)
    for y in (bright, 0 * bright):
        v = law.spread(y)
        s = SCORES[score](y, v)
        for slope in (None, 0 * y, -1 / v, 1 / v, 1e6 / v):
            x_hat = law.tweedie(y, s, slope)
            assert torch.isfinite(x_hat).all()
            if name.startswith("gamma"):
                assert (x_hat >= 0).all() and not x_hat[y == 0].any()
            if name.startswith("poisson"):
                assert (x_hat >= 0).all() and (x_hat <= 12 * (y + law.gain)).all()


def test_the_exponential_of_a_score_that_is_right_is_not_bounded():
    """Of a Gamma prior: the bound bites where y is ten times darker than x, in no draw of these."""
    gain, law = 0.02, noise.Poisson(0.02)
    for x in (0.02, 0.3, 3.0):
        y = law(torch.full((5_000,), x).double(), generator())
        s = torch.log(x / (y + gain)) / gain  # of a known x: p(y + γ)/p(y) = x/(y + γ)
        torch.testing.assert_close(
            law.tweedie(y, s, 0 * y), torch.full_like(y, x), rtol=1e-9, atol=0
        )


@pytest.mark.parametrize("law", [noise.Gamma(1.0), noise.Gamma(5.0), noise.Poisson(1e-3)])
def test_noise2score_of_an_image_with_black_pixels_is_finite(law):
    y = torch.cat([torch.zeros(1, 1, 8, 8), law(X[:1, :, :8, :8], generator())])
    loss, A = losses.Noise2Score(law), operators.Identity()
    for f in (lambda y, A: y, lambda y, A: 0.5 + 0 * y, lambda y, A: 0 * y):
        for image in (y, y[:1]):
            assert torch.isfinite(loss.reconstruct(f, image, A)).all()
            assert torch.isfinite(loss(f, image, A, generator=generator()))


@pytest.mark.parametrize("sigma", [None, 0.1])
def test_blind_noise2score_of_a_network_that_changes_little_is_y(sigma):
    y, loss = noise.Gaussian(0.1)(X, generator()), losses.BlindNoise2Score(sigma=sigma)
    A = operators.Identity()
    for change, bound in ((0.0, 0.0), (1e-30, 1e-6), (1e-6, 2e-4), (1e-4, 0.02)):
        x_hat = loss.reconstruct(lambda y, A, e=change: y * (1 - e), y, A, generator=generator(1))
        assert (x_hat - y).abs().max() <= bound * y.abs().max()


BAD = {  # what is no y, and what is said of it
    "integers": (X.long(), ValueError, "holds torch.int64 values"),
    "bytes": (X.byte(), ValueError, "holds torch.uint8 values"),
    "booleans": (X > 0, ValueError, "holds torch.bool values"),
    "half": (X.half(), ValueError, r"holds torch.float16 values, too coarse for a noise law; give"),
    "bfloat16": (X.bfloat16(), ValueError, "holds torch.bfloat16 values, too coarse"),
    "NaN": (X / 0 * 0, ValueError, "holds 512 NaN"),
    "a number": (0.5, TypeError, "is a float; make it a tensor"),
    "a list": ([0.5], TypeError, "is a list; make it a tensor"),
}


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("name", LAWS)
def test_every_law_says_what_y_must_be(name, bad):
    law, (y, kind, message) = LAWS[name], BAD[bad]
    uses = {"Ax": law, "y": law.variance}
    if name != "poisson-gaussian":
        uses["y, split"] = lambda y: law.split(y, 0.5)
    if name != "binomial":
        uses["y, twins"] = lambda y: law.twins(y, 0.5)
    for use, call in uses.items():
        with pytest.raises(kind, match=rf"^{use.split(',')[0]} {message}[^\n]*$"):
            call(y)


@pytest.mark.parametrize("name", LAWS)
@pytest.mark.parametrize("bad", [3, "cpu", 0.5])
def test_a_seed_is_no_generator(name, bad):
    law = LAWS[name]
    y = law(X, generator())
    calls = [lambda: law(X, generator=bad), lambda: law.split(y, 0.5, generator=bad),
             lambda: law.twins(y, 0.5, generator=bad)]  # fmt: skip
    for call in calls[: {"poisson-gaussian": 1, "binomial": 2}.get(name, 3)]:
        with pytest.raises(
            TypeError, match=rf"generator is {bad!r}; make one with torch.Generator"
        ):
            call()


@pytest.mark.parametrize("make, message", [
    (lambda v: noise.Gaussian(v), "sigma"), (lambda v: noise.Poisson(v), "gain"),
    (lambda v: noise.Gamma(v), "looks"), (lambda v: noise.PoissonGaussian(v, 0.1), "gain"),
    (lambda v: noise.PoissonGaussian(0.1, v), "sigma"), (lambda v: noise.Binomial(v), "trials"),
])  # fmt: skip
@pytest.mark.parametrize("bad", [None, "a", torch.ones(2), [0.1, 0.2], math.nan, -1, 0, math.inf])
def test_a_parameter_that_is_no_number_is_named(make, message, bad):
    with pytest.raises((ValueError, TypeError), match=rf"^{message} (is|has)[^\n]*; [^\n]*\.$"):
        make(bad)


def test_one_sigma_an_image_has_a_law_of_its_own():
    with pytest.raises(ValueError, match=r"sigma has shape \(2,\); noise.HeteroscedasticGaussian"):
        noise.Gaussian(torch.tensor([0.1, 0.2]))


@pytest.mark.parametrize("name", ["correlated", "heteroscedastic"])
def test_a_law_keeps_its_own_numbers(name):
    given = torch.rand(2, 3, generator=generator()) + 0.1
    law = {"correlated": noise.CorrelatedGaussian,
           "heteroscedastic": noise.HeteroscedasticGaussian}[name](given)  # fmt: skip
    before = law.variance(torch.zeros(1, 1, 2, 3)).clone()
    given.zero_()
    assert torch.equal(law.variance(torch.zeros(1, 1, 2, 3)), before)
    assert law(torch.zeros(1, 1, 2, 3), generator()).any()


USES = {  # how each identity is used
    "variance": lambda law: law.variance(X),
    "split": lambda law: law.split(X, 0.5),
    "stein": lambda law: (law.twins(X, 0.5), law.stein(lambda u: u, X)),
    "tweedie": lambda law: law.tweedie(X, -X),
}


@pytest.mark.parametrize("identity", USES)
@pytest.mark.parametrize("name", [*LAWS, "none"])
def test_a_law_does_what_it_says_it_has_and_names_the_losses_that_remain(name, identity):
    law = LAWS.get(name, noise.Noise())
    if identity in law.identities:
        law.needs(identity)
        USES[identity](law)
        return
    needing = {"split": "R2R", "stein": "SURE"}.get(identity, "Noise2Score")
    for call in (USES[identity], lambda law: law.needs(identity)):
        with pytest.raises(
            NotImplementedError, match=rf"^{type(law).__name__} has no .*; use"
        ) as e:
            call(law)
        assert str(e.value).endswith(f"use {law.remaining}.") and needing not in law.remaining
