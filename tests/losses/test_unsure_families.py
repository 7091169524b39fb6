"""UNSURE for correlated and for Poisson-Gaussian noise: the constrained optimum in closed form,
multipliers that find it, stay positive, and survive a checkpoint.
"""

import pytest
import torch
from montecarlo import generator
from problems import KERNEL, SMOOTH, Claim, Problem, assert_unbiased
from slips import slip

from course_lib import losses, noise, operators
from course_lib.losses import multipliers
from course_lib.losses.multipliers import START
from course_lib.operators.blur import transfer

A = operators.Identity()

# --- Correlated noise: a stationary Gaussian signal on a torus, so that all is a filter. ---

SIZE, REACH = (12, 12), 1
LAW = noise.CorrelatedGaussian(SMOOTH)


def irfft(spectrum, size=SIZE):
    return torch.fft.irfft2(spectrum, s=size)


def powers():
    """(S, N, their sum P), at the frequencies of rfft2: a signal like photographs, smooth noise."""
    rows, columns = torch.fft.fftfreq(12).double()[:, None], torch.fft.rfftfreq(12).double()
    S = 0.01 / (rows.square() + columns.square() + 0.005)
    N = transfer(SMOOTH, SIZE).abs().square()[0, 0]
    return S, N, S + N


S, N, P = powers()
LAGS = [(i, j) for i in range(-REACH, REACH + 1) for j in range(-REACH, REACH + 1)]


def solve(P):
    """η* from Σ_l η_l a(k − l) = δ_k, and the filter 1 − Σ_η/P."""
    a = irfft(1 / P)
    system = torch.tensor(
        [[a[(k[0] - m[0]) % 12, (k[1] - m[1]) % 12] for m in LAGS] for k in LAGS]
    ).double()
    one = torch.tensor([float(k == (0, 0)) for k in LAGS]).double()
    eta = torch.linalg.solve(system, one).view(2 * REACH + 1, -1)
    return eta, 1 - transfer(eta, SIZE).real[0, 0] / P


ETA, GAIN = solve(P)


def mean(spectrum):
    """The mean over all frequencies: the value of a correlation at lag 0."""
    return float(irfft(spectrum)[0, 0])


def test_the_optimum_meets_every_constraint_and_its_risk_is_the_multiplier_less_the_variance():
    traces = irfft(GAIN)
    assert max(abs(float(traces[k])) for k in LAGS) < 1e-12
    risk = mean(S * (1 - GAIN) ** 2 + N * GAIN**2)
    assert risk == pytest.approx(float(ETA[REACH, REACH]) - LAW.sigma**2, rel=1e-9)
    isotropic = 1 - (1 / mean(1 / P)) / P
    assert mean(S * N / P) < risk < 0.6 * mean(S * (1 - isotropic) ** 2 + N * isotropic**2)
    assert transfer(ETA, SIZE).real.min() > 0


def test_on_white_noise_every_further_lag_costs():
    """The price of robustness: at white noise of the same variance, L = 1 lies under L = 0."""
    white = S + LAW.sigma**2
    gains = 1 - 1 / mean(1 / white) / white, solve(white)[1]
    one, three = (mean(S * (1 - h) ** 2 + LAW.sigma**2 * h**2) for h in gains)
    assert three > 1.2 * one


def filtered(u, eta):
    """f for the multipliers η: y + Σ_η ∇log p(y)."""
    return irfft((1 - transfer(eta, SIZE).real / P) * torch.fft.rfft2(u))


def sample(g, batch=64):
    w = torch.fft.rfft2(torch.randn(batch, 1, *SIZE, generator=g, dtype=torch.float64))
    return irfft(P.sqrt() * w)


def ascent(make, start, steps=400, unit=1.0):
    """η after training with f at its own optimum for the current η: averaged over the last half."""
    loss, g, total = make(REACH, eta=start * unit**2).train(), generator(), 0
    for step in range(steps):
        eta = loss.eta.double() / unit**2
        loss(lambda u, A, eta=eta: unit * filtered(u / unit, eta), unit * sample(g), A, generator=g)
        total = total + (loss.eta.double() if step >= steps // 2 else 0)
    return total / (steps - steps // 2)


@pytest.mark.parametrize("start", [0.3 * float(ETA[REACH, REACH]), 3 * float(ETA[REACH, REACH])])
def test_the_ascent_finds_all_multipliers_from_both_sides(start):
    found = ascent(losses.UNSURECorrelated, start)
    assert (found - ETA).abs().max() < 0.03 * ETA.max()


def test_the_ascent_does_not_depend_on_the_unit_of_y():
    one, two = (ascent(losses.UNSURECorrelated, 0.1, 40, unit) for unit in (1.0, 255.0))
    torch.testing.assert_close(two / 255.0**2, one, rtol=1e-3, atol=1e-5)


def coloured(loss, p, power):
    """A probe of covariance Σ_η, filtered once more by a power of the spectrum of η."""
    return irfft(loss.spectrum(p) ** power * torch.fft.rfft2(p), p.shape[-2:])


WRONG_ASCENTS = {
    "descent": {"ascend": lambda s, right, t: right(-t)},
    "probe not whitened": {
        "slope": lambda s, right, p, Jp, y: right(coloured(s, p, 1), Jp, y),
    },
    "lags not around zero": {"slope": lambda s, right, *a: right(*a).roll((1, 1), (0, 1))},
    "lags beyond the reach count": {"slope": lambda s, right, *a: right(*a) + 0.05},
}


@pytest.mark.parametrize("name", WRONG_ASCENTS)
def test_a_slip_of_the_ascent_of_lags_is_caught(name):
    wrong = slip(losses.UNSURECorrelated, **WRONG_ASCENTS[name])
    found = ascent(wrong, 0.5 * float(ETA[REACH, REACH]))
    assert not (found - ETA).abs().max() < 0.03 * ETA.max()


def test_the_traces_are_those_of_a_known_filter():
    """f = 0.6 y + 0.2 (y shifted by one column): t_0 = 0.6, t_±1 = 0.1 after averaging over ±."""
    loss, g, seen = losses.UNSURECorrelated(1, eta=0.3), generator(), []
    loss.eta = ETA.float()
    loss.ascend = seen.append
    y = sample(g, 2000)
    loss(lambda u, A: 0.6 * u + 0.2 * u.roll(1, -1), y, A, generator=g)
    right = torch.tensor([[0, 0, 0], [0.1, 0.6, 0.1], [0, 0, 0]])
    torch.testing.assert_close(seen[0], right, rtol=0, atol=0.01)


# At the true covariance it is SURE of that covariance, up to the variance: 3×3 tori, all lags.

TRUE = torch.fft.irfft2(transfer(KERNEL, (3, 3)).abs().square()[0, 0], s=(3, 3))


def told(model, make=losses.UNSURECorrelated):
    loss = make(1, tau=1e-3).eval()
    loss.eta = TRUE.roll((1, 1), (0, 1))
    return loss


def correlated_problem():
    from problems import PROBLEMS

    return PROBLEMS["correlated, blur"]()


def plain(problem, y, g):
    return problem.f(y, problem.A)


def test_at_the_true_covariance_it_is_the_risk_plus_the_variance():
    problem = correlated_problem()
    assert_unbiased(told(problem.noise), Claim(told, plain), problem)


def probed(change):
    """Another pair (p, q) of probes."""
    return lambda s, right, y, generator=None: change(s, *right(y, generator))


PROBES = {  # slips of any of these losses: a wrong factor or sign of the divergence
    "divergence halved": probed(lambda s, p, q: (p, q / 2)),
    "divergence doubled": probed(lambda s, p, q: (p, 2 * q)),
    "divergence with the wrong sign": probed(lambda s, p, q: (p, -q)),
}
CORRELATED_SLIPS = PROBES | {
    "whitened on one side": probed(lambda s, p, q: (p, coloured(s, q, -1))),
    "coloured twice": probed(lambda s, p, q: 2 * (coloured(s, p, 0.5),)),
}


@pytest.mark.parametrize("name", CORRELATED_SLIPS)
def test_a_slip_of_the_correlated_loss_is_caught(name):
    problem = correlated_problem()
    loss = told(problem.noise, slip(losses.UNSURECorrelated, probes=CORRELATED_SLIPS[name]))
    with pytest.raises(AssertionError, match="biased|too noisy"):
        assert_unbiased(loss, Claim(told, plain), problem)


def test_the_multipliers_stay_a_covariance_whatever_the_traces():
    loss, g = losses.UNSURECorrelated(2, eta=0.1, rate=0.5), generator()
    for _ in range(300):
        t = 100 * torch.randn(5, 5, generator=g) ** 3
        loss.ascend((t + t.flip(0, 1)) / 2)
        assert loss.eta[2, 2] > 0
        assert (
            loss.spectrum(torch.ones(SIZE)).min() > 0
            and transfer(loss.eta, SIZE).real.min() > -0.05
        )
        loss.eta = loss.eta / loss.eta[2, 2]
    unguarded = slip(losses.UNSURECorrelated, confine=lambda s: None)(2, eta=0.1, rate=0.5)
    unguarded.ascend(torch.ones(5, 5) - 2 * torch.eye(5))
    for _ in range(20):
        unguarded.ascend(torch.ones(5, 5))
    assert transfer(unguarded.eta, SIZE).real.min() < -0.05 * unguarded.eta[2, 2]


def test_an_image_smaller_than_the_lags_is_refused():
    with pytest.raises(
        ValueError, match="too small for a reach of 2; it needs at least 5 on a side"
    ):
        losses.UNSURECorrelated(2)(lambda u, A: u, torch.rand(1, 1, 4, 4), A)


# --- Poisson-Gaussian noise: x one of two values, so that p is a mixture over the count. ---

TRUE_GAIN, SIGMA = 0.05, 0.15
VALUES, WEIGHTS = (0.4, 1.6), (0.5, 0.5)
Y = torch.linspace(-1.0, 4.0, 1601, dtype=torch.float64)


def density():
    """p, s = p'/p and s' on the grid Y."""
    z = torch.arange(100, dtype=torch.float64)
    rates = torch.tensor(VALUES, dtype=torch.float64)[:, None] / TRUE_GAIN
    masses = torch.exp(z * rates.log() - rates - torch.lgamma(z + 1))
    mass = (torch.tensor(WEIGHTS, dtype=torch.float64)[:, None] * masses).sum(0)
    u = (Y[:, None] - TRUE_GAIN * z) / SIGMA
    bells = mass * torch.exp(-u.square() / 2) / (SIGMA * (2 * torch.pi) ** 0.5)
    p, first, second = (
        bells.sum(1),
        (-bells * u).sum(1) / SIGMA,
        (bells * (u**2 - 1)).sum(1) / SIGMA**2,
    )
    return p, first / p, second / p - (first / p) ** 2


p, s, ds = density()


def expect(h):
    return float(torch.trapezoid(p * h, Y))


def optimum():
    """(η*, γ*) of the two linear equations in UNSUREPoissonGaussian's docstring."""
    e = [expect(Y**k * s**2) for k in range(3)]
    system = torch.tensor([[e[0], e[1]], [e[1], e[2] - 1]], dtype=torch.float64)
    return torch.linalg.solve(system, torch.tensor([1.0, expect(Y)], dtype=torch.float64))


THETA = optimum()


def curve(eta, gain):
    """(f, f') on the grid, f = y + γ + (γy + η)s."""
    v = gain * Y + eta
    return Y + gain + v * s, 1 + gain * s + v * ds


def test_the_optimum_meets_both_constraints():
    eta, gain = THETA.tolist()
    assert eta > 0 and gain > 0
    _, df = curve(eta, gain)
    assert expect(df) == pytest.approx(0, abs=1e-8)
    assert expect(Y * df) == pytest.approx(0, abs=1e-8)


def test_it_is_the_best_f_that_meets_them():
    """Along a direction d with E d' = E y d' = 0 the misfit has no first order."""
    shapes = [torch.tanh(2 * Y), torch.exp(-Y.square()), Y, s]
    slopes = [torch.gradient(d, spacing=(Y,), edge_order=2)[0] for d in shapes]
    rows = torch.tensor([[expect(h) for h in slopes], [expect(Y * h) for h in slopes]])
    null = torch.linalg.svd(rows.double()).Vh[2:]
    f, _ = curve(*THETA.tolist())
    for weights in null:
        d = sum(w * shape for w, shape in zip(weights, shapes, strict=True))
        assert expect((f - Y) * d) == pytest.approx(0, abs=2e-4)
        assert expect(d**2) > 0.01


def interpolated(values):
    def f(u, A=None):
        at = ((u - Y[0]) / (Y[1] - Y[0])).clamp(0, len(Y) - 1.001)
        low = at.long()
        return values[low] + (at - low) * (values[low + 1] - values[low])

    return f


def observe(g, count=4096):
    x = torch.tensor(VALUES).double()[torch.randint(2, (count, 1, 1, 1), generator=g)]
    return noise.PoissonGaussian(TRUE_GAIN, SIGMA)(x, g)


def pg_ascent(make, start, steps=1500, unit=1.0):
    loss, g = (
        make(*(v * unit**k for v, k in zip(start, (2, 1), strict=True)), tau=0.05).train(),
        generator(),
    )
    total = torch.zeros(2)
    for step in range(steps):
        theta = float(loss.eta) / unit**2, float(loss.gain) / unit
        f = interpolated(curve(*theta)[0])
        loss(lambda u, A, f=f: unit * f(u / unit), unit * observe(g), A, generator=g)
        total += torch.stack([loss.eta, loss.gain]) * (step >= steps // 2)
    return (total / (steps - steps // 2)).double()


@pytest.mark.parametrize("start", [(0.2, 0.2), (0.005, 0.02)])
def test_the_ascent_finds_gain_and_level_from_both_sides(start):
    torch.testing.assert_close(
        pg_ascent(losses.UNSUREPoissonGaussian, start), THETA, rtol=0.1, atol=0
    )


def test_that_ascent_does_not_depend_on_the_unit_of_y():
    one, two = (pg_ascent(losses.UNSUREPoissonGaussian, (0.05, 0.05), 30, u) for u in (1.0, 255.0))
    torch.testing.assert_close(two / torch.tensor([255.0**2, 255.0]), one, rtol=1e-3, atol=0)


PG_ASCENTS = {
    "both along the second": {"ascend": lambda s, right, v: right(v[[1, 1]])},
    "both along the first": {"ascend": lambda s, right, v: right(v[[0, 0]])},
    "the gain descends": {"ascend": lambda s, right, v: right(v * torch.tensor([1, -1]))},
    "weighted by y twice": {"slope": lambda s, right, p, Jp, y: right(y * p, Jp, y)},
    "towards another slope": {"slope": lambda s, right, *a: right(*a) + 0.1},
}


@pytest.mark.parametrize("name", PG_ASCENTS)
def test_a_slip_of_the_ascent_of_gain_and_level_is_caught(name):
    wrong = slip(losses.UNSUREPoissonGaussian, **PG_ASCENTS[name])
    found = pg_ascent(wrong, (0.1, 0.02), 800)
    assert not torch.allclose(found, THETA, rtol=0.1, atol=0)


def linear(u):
    return 0.6 * u + 0.25 * u.roll(1, -1) - 0.1


def gains(model, make=losses.UNSUREPoissonGaussian):
    return make(eta=model.sigma**2, gain=model.gain).eval()


def counting_problem():
    def signal(g):
        return 2 * torch.tensor(VALUES).double()[torch.randint(2, (512, 1, 3, 3), generator=g)]

    return Problem(signal, noise.PoissonGaussian(TRUE_GAIN, SIGMA), linear)


def test_at_the_true_gain_and_level_it_is_the_risk_plus_the_variance():
    """For a linear f, for which the first order in the gain is exact."""
    problem = counting_problem()

    def make(model):
        loss = gains(model)
        loss.tau = 1e-3
        return loss

    assert_unbiased(make(problem.noise), Claim(make, plain), problem)


def levelled(v):
    """Probes of the variance v(s, y) in the place of γy + η."""

    def probes(s, right, y, generator=None):
        p, _ = right(y, generator)
        return p, v(s, y) / s.power(y) * p

    return probes


PG_SLIPS = PROBES | {
    "no read-out noise": levelled(lambda s, y: s.gain * y),
    "no photon noise": levelled(lambda s, y: s.gain + s.eta),
}


@pytest.mark.parametrize("name", PG_SLIPS)
def test_a_slip_of_the_poisson_gaussian_loss_is_caught(name):
    problem = counting_problem()
    loss = gains(problem.noise, slip(losses.UNSUREPoissonGaussian, probes=PG_SLIPS[name]))
    loss.tau = 1e-3
    with pytest.raises(AssertionError, match="biased|too noisy"):
        assert_unbiased(loss, Claim(gains, plain), problem)


@pytest.mark.parametrize("theorem", [
    test_at_the_true_covariance_it_is_the_risk_plus_the_variance,
    test_at_the_true_gain_and_level_it_is_the_risk_plus_the_variance,
])  # fmt: skip
def test_a_forgotten_variance_is_caught(theorem, monkeypatch):
    monkeypatch.setattr(
        multipliers.Multipliers, "offset", lambda loss, noise, y, A=None: 0 * y.sum()
    )
    with pytest.raises(AssertionError, match="biased"):
        theorem()


def test_a_mean_that_is_not_positive_is_refused():
    with pytest.raises(ValueError, match="above zero"):
        losses.UNSUREPoissonGaussian()(lambda u, A: u, -torch.ones(1, 1, 2, 2), A)


# --- What both share: momentum, state, evaluation mode. ---

BOTH = {
    "correlated": (lambda: losses.UNSURECorrelated(1, eta=0.01, momentum=0.8), torch.eye(3) / 4),
    "poisson-gaussian": (
        lambda: losses.UNSUREPoissonGaussian(eta=1e-3, gain=3e-3, momentum=0.8),
        torch.tensor([0.5, 0.2]),
    ),
}


@pytest.mark.parametrize("name", BOTH)
def test_the_momentum_works(name):
    """After k equal slopes t the velocity is (1 − μ^k) t, and the multipliers move along it."""
    make, t = BOTH[name]
    loss = make()
    before = [b.clone() for b in loss.buffers()]
    for k in range(1, 6):
        loss.ascend(t)
        torch.testing.assert_close(loss.velocity, (1 - 0.8**k) * t)
    gone = sum(1 - 0.8**k for k in range(1, 6))
    if t.ndim == 1:
        torch.testing.assert_close(torch.log(loss.eta / before[1]), 0.02 * gone * t[0])
        torch.testing.assert_close(torch.log(loss.gain / before[2]), 0.02 * gone * t[1])
    else:
        center, moved = before[1][1, 1], loss.eta[1, 1] / before[1][1, 1]
        assert center > 0 and torch.log(moved) == pytest.approx(0.02 * gone * 0.25, rel=0.05)


@pytest.mark.parametrize("name", BOTH)
@pytest.mark.parametrize("wrong", [
    lambda s, slope: s.velocity.copy_((1 - s.momentum) * slope),
    lambda s, slope: s.velocity.mul_(s.momentum).add_(slope),
    lambda s, slope: s.velocity.mul_(s.momentum).add_((1 - s.momentum) * slope) * 0 + slope,
])  # fmt: skip
def test_a_slip_of_the_momentum_is_caught(name, wrong, monkeypatch):
    """The last one, a velocity that is kept and not used, is in a public library."""
    monkeypatch.setattr(multipliers.Multipliers, "accelerate", wrong)
    with pytest.raises(AssertionError):
        test_the_momentum_works(name)


@pytest.mark.parametrize("name", BOTH)
def test_the_state_is_saved_and_restored_bit_for_bit(name, tmp_path):
    make, _ = BOTH[name]
    y = 0.5 + 0.1 * torch.randn(4, 1, 8, 8, generator=generator())

    def run(loss, steps, g):
        for _ in range(steps):
            loss(lambda u, A: 0.7 * u + 0.1 * u.roll(1, -1), y, A, generator=g)
        return loss

    whole = run(make(), 10, generator(1))
    g = generator(1)
    torch.save(run(make(), 4, g).state_dict(), tmp_path / "half.pt")
    resumed = make()
    resumed.load_state_dict(torch.load(tmp_path / "half.pt", weights_only=True))
    run(resumed, 6, g)
    for key, value in whole.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[key])
    assert not torch.equal(whole.eta, make().eta) and whole.velocity.any()


@pytest.mark.parametrize("name", BOTH)
def test_only_training_moves_the_multipliers(name):
    loss = BOTH[name][0]().eval()
    state = {k: v.clone() for k, v in loss.state_dict().items()}
    loss(lambda u, A: u, torch.rand(2, 1, 8, 8, generator=generator()), A, generator=generator())
    assert all(torch.equal(v, state[k]) for k, v in loss.state_dict().items())
    assert not list(loss.parameters())


@pytest.mark.parametrize("make", [losses.UNSURECorrelated, losses.UNSUREPoissonGaussian])
@pytest.mark.parametrize("wrong", [{"momentum": 1.0}, {"rate": 0.0}, {"tau": -1.0}, {"eta": 0.0}])
def test_a_wrong_setting_is_refused(make, wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        make(**wrong)


# --- Without a start: the level of the first y, once. ---

FAMILY = {
    "UNSURE": losses.UNSURE,
    "UNSURECorrelated": losses.UNSURECorrelated,
    "UNSUREPoissonGaussian": losses.UNSUREPoissonGaussian,
}


WHITE = noise.Gaussian(0.1)


def noisy(law=WHITE):
    ramp = torch.linspace(0.2, 1, 48)
    return law((ramp[:, None] * ramp).expand(8, 1, 48, 48), generator())


def begun(make, y, training=False):
    loss = make().train(training)
    loss(lambda u, A: 0.5 * u, y, A, generator=generator())
    return loss


@pytest.mark.parametrize("name", FAMILY)
def test_the_start_is_the_level_of_the_first_y(name):
    loss = begun(FAMILY[name], y := noisy())
    tolerance = 0.6 if name == "UNSURECorrelated" else 0.15  # of C_0 at a reach of 2
    assert float(loss.power(y)) == pytest.approx(START * 0.01, rel=tolerance)
    state = {k: v.clone() for k, v in loss.state_dict().items()}
    loss(lambda u, A: u, 7 * y, A, generator=generator())
    assert all(torch.equal(v, state[k]) for k, v in loss.state_dict().items())
    resumed = FAMILY[name]()
    resumed.load_state_dict(state)
    resumed.eval()(lambda u, A: u, 7 * y, A, generator=generator())
    assert torch.equal(resumed.eta, state["eta"])


@pytest.mark.parametrize("name", FAMILY)
@pytest.mark.parametrize("unit", [2.0**-16, 2.0**-4, 2.0**8])
def test_a_step_is_the_same_in_every_unit_to_the_bit(name, unit):
    """Start, value and ascent, for a unit that is a power of two."""
    one, other = (begun(FAMILY[name], u * noisy(), training=True) for u in (1.0, unit))
    powers = {"eta": 2, "gain": 1, "velocity": 0}
    for key, value in one.state_dict().items():
        assert torch.equal(value * unit ** powers[key], other.state_dict()[key]) and value.any()


def test_the_start_of_correlated_noise_is_its_autocorrelation():
    kernel = 0.1 * torch.ones(2, 2) / 2
    loss = begun(lambda: losses.UNSURECorrelated(1), noisy(law=noise.CorrelatedGaussian(kernel)))
    right = START * 0.01 * torch.tensor([0.5, 1, 0.5]).outer(torch.tensor([0.5, 1, 0.5]))
    torch.testing.assert_close(loss.eta, right, rtol=0.25, atol=1e-4)
    assert loss.spectrum(torch.ones(48, 48)).min() > 0


def test_the_start_of_photon_noise_is_its_gain_and_level():
    y = noisy(law=noise.PoissonGaussian(0.02, 0.05))
    loss = begun(losses.UNSUREPoissonGaussian, y)
    assert float(loss.gain) == pytest.approx(START * 0.02, rel=0.2)
    assert (float(loss.eta) / START) ** 0.5 == pytest.approx(0.05, rel=0.2)
    loss = begun(lambda: losses.UNSUREPoissonGaussian(gain=0.5), y)
    assert float(loss.gain) == 0.5 and 0 < float(loss.eta) < 0.01


@pytest.mark.parametrize("name", FAMILY)
def test_a_start_that_is_given_stays(name):
    loss = begun(lambda: FAMILY[name](eta=0.3), noisy())
    assert float(loss.eta.max()) == pytest.approx(0.3)


@pytest.mark.parametrize("name", FAMILY)
def test_entries_that_are_not_measured_do_not_count_in_the_start(name):
    M = operators.Inpainting((torch.rand(1, 1, 48, 48, generator=generator()) < 0.5).float())
    y = M(noisy())
    loss = FAMILY[name]().eval()
    loss(lambda u, A: 0.5 * u, y, M, generator=generator())
    assert float(loss.power(y)) == pytest.approx(START * 0.01, rel=0.4)


def test_a_y_too_small_for_a_start_asks_for_one():
    with pytest.raises(ValueError, match="4 entries an image, too few .* give sigma .or eta"):
        losses.UNSURE()(lambda u, A: u, torch.rand(5, 1, 2, 2), A)
