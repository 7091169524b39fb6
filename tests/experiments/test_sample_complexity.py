"""Sample complexity: each closed form against simulation, its mutants, and the recorded table."""

import pytest
import torch
from montecarlo import generator, summary
from problems import mutant

from course_lib import experiments
from course_lib.experiments import gaussian_model, sample_complexity

S, SIGMA, ALPHA = sample_complexity.spectrum(), 0.5, 0.2
EXACT = ("Supervised", "SURE", "Noise2Noise", "R2R, one draw")


def simulated(method, N, repeats=1000):
    F = gaussian_model.learn(method, S, SIGMA, N, ALPHA, repeats, generator(N))
    return summary(gaussian_model.excess(F, S, SIGMA))


def assert_closed_form(theory, method):
    for N in (16, 40, 1000):
        found = simulated(method, N)
        assert abs(found.z(theory(method, S, SIGMA, N, ALPHA))) < 4, (method, N)
        assert found.error < 0.1 * found.mean


@pytest.mark.parametrize("method", EXACT)
def test_the_closed_form_is_the_mean_of_the_simulation(method):
    assert_closed_form(gaussian_model.theory, method)


@pytest.fixture(scope="module")
def fresh():
    """{N: the simulated excess with fresh draws}."""
    return {N: simulated("R2R, fresh draws", N, 8000) for N in (200, 400)}


def assert_first_order(theory, fresh):
    """The excess is lost + a/N + O(1/N²): a from two N, free of the second order, is theory's."""
    excess, error = ([getattr(fresh[N], k) for N in (200, 400)] for k in ("mean", "error"))
    lost = float((((S / (S + SIGMA**2 / (1 - ALPHA))) - S / (S + SIGMA**2)).square()
                  * (S + SIGMA**2)).mean())  # fmt: skip
    a = 2 * 400 * (excess[1] - lost) - 200 * (excess[0] - lost)
    a_error = ((2 * 400 * error[1]) ** 2 + (200 * error[0]) ** 2) ** 0.5
    claimed = 10**6 * (theory("R2R, fresh draws", S, SIGMA, 10**6, ALPHA) - lost)
    assert a_error < 0.02 * a and abs(a - claimed) < 4 * a_error


def test_with_fresh_draws_the_first_order_is_right(fresh):
    assert_first_order(gaussian_model.theory, fresh)


@pytest.mark.parametrize("old, new", [
    ("c**2 * float", "c * float"),
    ("(K * M + (K * M).sum())", "(K * M).sum()"),
    ("+ 2 * float(((S / K1 - S / K) * K * bias).mean())", ""),
    ("2 * float(((S / K1 - S / K) * K * bias)", "float(((S / K1 - S / K) * K * bias)"),
    ("bias = -c * K", "bias = c * K"),
    ("return lost + variance", "return variance"),
])  # fmt: skip
def test_a_wrong_first_order_is_caught(old, new, fresh):
    with pytest.raises(AssertionError):
        assert_first_order(mutant(gaussian_model.theory, old, new), fresh)


def test_r2r_with_fresh_draws_becomes_sure():
    args = S, SIGMA, 40, 1e-7, 20
    fresh, sure = (
        gaussian_model.learn(m, *args, generator()) for m in ("R2R, fresh draws", "SURE")
    )
    torch.testing.assert_close(fresh, sure, atol=1e-4, rtol=1e-4)


def test_what_is_learned_minimises_the_loss_of_its_method():
    """SURE's F̂ = I − σ²K̂⁻¹ is a stationary point of (1/N) Σ ‖y − Fy‖² + 2σ² tr F."""
    g = generator()
    F = gaussian_model.learn("SURE", S, SIGMA, 50, ALPHA, 1, g)[0].requires_grad_()
    g = generator()
    x = S.sqrt() * torch.randn(1, 50, 8, dtype=torch.float64, generator=g)
    y = (x + SIGMA * torch.randn(1, 50, 8, dtype=torch.float64, generator=g))[0]
    value = (y - y @ F.T).square().sum() / 50 + 2 * SIGMA**2 * F.trace()
    (gradient,) = torch.autograd.grad(value, F)
    assert gradient.abs().max() < 1e-10


def test_the_order_of_the_methods():
    """With many signals SURE beats supervised where σ² < 2 MMSE, and N2N and R2R need more."""
    at = {m: gaussian_model.theory(m, S, SIGMA, 2000, ALPHA) for m in EXACT}
    assert at["SURE"] < at["Supervised"] < at["Noise2Noise"] < at["R2R, one draw"]
    best = gaussian_model.mmse(S, SIGMA)
    assert at["Noise2Noise"] / at["Supervised"] == pytest.approx(1 + SIGMA**2 / best)
    assert SIGMA**2 < 2 * best
    weak = 5 * S  # a stronger signal: MMSE nearer to σ²; still below 2 MMSE
    assert SIGMA**2 < 2 * gaussian_model.mmse(weak, SIGMA)
    smooth = S**3  # most of the noise can be removed: now σ² > 2 MMSE and the order turns
    assert SIGMA**2 > 2 * gaussian_model.mmse(smooth, SIGMA)
    turned = [gaussian_model.theory(m, smooth, SIGMA, 2000, ALPHA) for m in ("SURE", "Supervised")]
    assert turned[0] > turned[1]


MUTANTS = {
    "one degree of freedom forgotten": ("inverse = 1 / (N - n - 1)", "inverse = 1 / (N - n)"),
    "the target's noise forgotten": ("(best + v) * n", "best * n"),
    "R2R's target with sigma²": ("+ v / alpha", "+ v"),
    "R2R judged at y1": ("(K / K1).sum()) * inverse", "(K / K).sum()) * inverse"),
    "R2R's wrong filter forgotten": ("return lost + residual", "return residual"),
    "SURE's mean of the inverse": ("- 2 * N * inverse + 1", "- 1"),
    "SURE's factor": ("(v - best) * (second", "best * (second"),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_a_wrong_closed_form_is_caught(name):
    wrong = mutant(gaussian_model.theory, *MUTANTS[name])
    with pytest.raises(AssertionError):
        for method in EXACT:
            assert_closed_form(wrong, method)


def test_too_few_signals_are_named():
    with pytest.raises(ValueError, match="N is 11; the mean error is finite from n \\+ 4 = 12"):
        gaussian_model.theory("SURE", S, SIGMA, 11, ALPHA)
    for method in gaussian_model.METHODS:
        with pytest.raises(ValueError, match="N is 1; 8 pixels need at least 8 signals"):
            gaussian_model.learn(method, S, SIGMA, 1, ALPHA, 1, generator())


@pytest.mark.parametrize("method", sample_complexity.methods())
def test_two_steps_on_digits_give_an_error(method, monkeypatch):
    monkeypatch.setitem(sample_complexity.STEPS, "quick", 2)
    monkeypatch.setitem(sample_complexity.WIDTHS, "quick", (2, 4))
    result = sample_complexity.one(method, 3, 0, "quick", "cpu")
    assert 0 < result["mse"] < 0.3 and result["s_per_step"] > 0
    assert result["mse"] == sample_complexity.one(method, 3, 0, "quick", "cpu")["mse"]


def rows(problem, method):
    table = experiments.recorded("sample-complexity")
    found = [r for r in table["rows"] if (r["problem"], r["method"]) == (problem, method)]
    return {row["N"]: row for row in found}


@pytest.mark.parametrize("method", EXACT)
def test_the_recorded_errors_stand_on_their_closed_forms(method):
    for row in rows("exact", method).values():
        assert abs(row["mse"] - row["theory"]) < 2.2 * row["ci95_mse"], row


def test_the_recorded_digits_show_that_few_images_cost_more_without_truth():
    errors = {m: rows("digits", m) for m in sample_complexity.methods()}
    assert min(row["seeds"] for row in errors["SURE"].values()) >= 3
    for method in ("SURE", "Noise2Noise", "R2R"):
        few, many = (errors[method][N]["mse"] / errors["Supervised"][N]["mse"] for N in (16, 4000))
        assert few > 1.5 and many < 1.3, (method, few, many)


def test_the_table_prints_every_method(capsys):
    experiments.show("sample-complexity", experiments.recorded("sample-complexity"))
    text = capsys.readouterr().out
    assert "closed form" in text and text.count("Noise2Noise") >= 3
