"""No free lunch: the arithmetic on made-up cells, the parts on two steps, the recorded table."""

import pytest
import torch

from course_lib import data, experiments, losses, models, noise, operators
from course_lib._random import stream
from course_lib.experiments import networks, parallel, questions, rivals, sweep
from course_lib.experiments import no_free_lunch as table

REFUSED = {  # (method, question): what the refusal names
    ("Supervised", "one copy"): "needs x",
    ("R2R", "Poisson-Gaussian"): "no independent split",
    ("blind-spot posterior", "correlated"): "CorrelatedGaussian",
}


@pytest.fixture
def short(monkeypatch):
    for size in ("exact", "quick"):
        monkeypatch.setitem(networks.STEPS, size, 2)
        monkeypatch.setitem(networks.WIDTHS, size, (2, 4))


def test_the_evaluations_are_counted():
    """Erratum E9: Noise2Void's network runs once in test, and so does a blind-spot network."""
    counts = {name: rivals.evaluations(name) for name in rivals.METHODS}
    assert counts["Noise2Noise"] == counts["Noise2Void"] == counts["blind-spot mean"] == (1, 1)
    assert counts["SURE"] == counts["UNSURE"] == (2, 1)
    assert counts["R2R"][0] == 1 and counts["R2R"][1] > 1
    assert counts["Noise2Self"] == (1, 9)
    law, x = noise.Gaussian(0.1), torch.full((1, 1, 16, 16), 0.5)
    for name, method in rivals.METHODS.items():
        calls, loss = [], method.make(law, 10)
        if method.net == "prior":
            continue
        real = networks.network(method.net, "quick", x)

        def f(y, A, real=real, calls=calls):
            calls.append(1)
            return real(y, A)

        y = tuple(law(x) for _ in range(method.copies))
        loss(f, y if method.copies > 1 else y[0], operators.Identity(), *[x] * loss.needs_x)
        trained = len(calls)
        loss.eval().reconstruct(f, y[0], operators.Identity())
        assert counts[name] == (trained, len(calls) - trained), name
        assert method.copies == loss.copies


def test_a_deep_image_prior_pays_at_test_time(short, monkeypatch):
    """Its count, (0, steps + 2), is the number of times that its network runs for one image."""
    calls, real = [], models.DeepImagePrior.forward
    monkeypatch.setattr(
        models.DeepImagePrior, "forward", lambda f, y, A: calls.append(1) or real(f, y, A)
    )
    f = networks.network("prior", "quick", None)
    f(torch.full((1, 1, 16, 16), 0.5), operators.Identity())
    assert rivals.evaluations("deep image prior") == (0, len(calls))


def test_tiles_are_put_back_where_they_were():
    y = torch.rand(2, 1, 16, 24, generator=stream(0, "y"))
    assert torch.equal(networks.Tiled(torch.nn.Identity(), 8)(y), y)
    seen = []
    networks.Tiled(lambda t: seen.append(t) or t, 8)(y)
    assert torch.equal(seen[0][4], y[0, :, 8:16, 8:16])


def test_standardised_values_are_brought_back():
    """A network that returns u and the spread κ: x̂ is y again, κ as it is."""
    y = 0.5 + 0.1 * torch.randn(2, 1, 4, 4, generator=stream(0, "y"))
    seen = []
    f = networks.Standardised(lambda u: seen.append(u) or torch.cat([u, 3 + 0 * u], 1), 0.5, 0.1)
    x_hat, kappa = f(y).chunk(2, 1)
    torch.testing.assert_close(x_hat, y)
    assert (kappa == 3).all() and 0.5 < float(seen[0].std()) < 2


def test_each_image_has_its_own_prior(short):
    """What is fitted to an image does not depend on the batch that it came in."""
    y = torch.rand(2, 1, 16, 16, generator=stream(0, "y"))
    f = networks.network("prior", "exact", y)
    assert torch.equal(f(y, operators.Identity())[:1], f(y[:1], operators.Identity()))


@pytest.mark.parametrize("name", rivals.METHODS)
def test_two_steps_give_a_cell_of_each_half(name, short):
    cell = questions.one_exact(name, "MMSE-optimal", 0, "cpu")
    assert cell["mmse"] < 0.5 * cell["noisy"] and cell["mse"] > cell["mmse"]
    assert cell == questions.one_exact(name, "MMSE-optimal", 0, "cpu")


@pytest.mark.parametrize("condition", questions.photographs())
def test_two_steps_give_a_cell_of_each_condition(condition, short, monkeypatch):
    small = {s: data.load("photos", s, 256)[:2, :, :96, :96] for s in ("train", "test")}
    monkeypatch.setattr(data, "load", lambda name, split, size: small[split])
    for name in rivals.METHODS:
        cell = questions.one_photo(name, condition, 0, "quick", "cpu")
        why = REFUSED.get((name, condition))
        assert why in cell["refused"] if why else max(cell["centre"]) < 35, (name, cell)


def test_who_is_told_nothing_can_not_be_misled():
    for name, method in rivals.METHODS.items():
        alike = questions.same(name, "unknown level") == "MMSE-optimal"
        assert alike == (not method.told)
        assert (questions.same(name, "1.5 σ") == "Gaussian") == (not method.told)
        assert questions.same(name, "correlated") == "correlated"
    assert questions.same("Noise2Noise", "one copy") == "one copy"
    assert questions.same("SURE", "one copy") == "MMSE-optimal"


def test_one_copy_used_twice_is_the_naive_loss(short, monkeypatch):
    """Noise2Noise with y for both copies: input and target are the very same noise."""
    seen = []
    real = sweep.train
    monkeypatch.setattr(sweep, "train", lambda *a, **k: seen.append(a[2]) or real(*a, **k))
    x = torch.full((4, 1, 8, 8), 0.5)
    loss, f = rivals.train("Noise2Noise", noise.Gaussian(0.1), None, x, 0, "exact", None, 1, "cpu")
    (measurements,) = seen
    (y_a, y_b), A = measurements.batch(torch.arange(4), stream(0, "batch"))
    assert torch.equal(y_a, y_b)
    assert loss(f, (y_a, y_b), A) == losses.MeasurementConsistency()(f, y_a, A)


def test_levels_that_vary_have_the_mean_square_that_is_told():
    law = questions.Varying(0.03, 0.2)
    e = law(torch.zeros(4000, 1, 4, 4), generator=stream(0, "levels"))
    assert float(e.square().mean()) == pytest.approx(law.rms**2, rel=0.05)
    levels = e.flatten(1).std(1)
    assert levels.min() < 0.06 and levels.max() > 0.18


def test_the_wrong_gaussian_has_the_variance_of_the_photons():
    model, told = questions.exact()["unknown separable"]
    x = model.sample((500, 1, 16, 16), stream(0, "x"))
    y = model.noise(x, generator=stream(0, "y"))
    assert float((y - x).square().mean()) == pytest.approx(told.sigma**2, rel=0.02)


def test_the_gaps_are_paired_and_refusals_have_no_figure():
    results = {}

    def put(*key, **result):
        results.setdefault(key, []).append(result)

    for best, ours in [(30.0, 29.0), (31.0, 29.5)]:
        both = {"tile": [best, best], "centre": [best + 1, best + 3]}
        put("photographs", "Supervised", "Gamma", **both)
        put("photographs", "SURE", "Gamma", tile=[ours, ours], centre=[0, 0])
        put("photographs", "deep image prior", "Gamma", centre=[best, best])
        put("photographs", "R2R", "Gamma", refused="no split")
        put("exact", "SURE", "one copy", mse=0.02, mmse=0.01)
    row = table.row("photographs", "SURE", "Gamma", results)
    assert row["gap_db"] == 1.25
    assert row["gap_ci95_db"] == pytest.approx(12.706 * 0.25, rel=1e-3)
    assert table.row("photographs", "deep image prior", "Gamma", results)["gap_db"] == 2.0
    row = table.row("photographs", "R2R", "Gamma", results)
    assert row["gap_db"] is None and row["note"] == "no split"
    row = table.row("exact", "SURE", "one copy", results)
    assert row["gap_db"] == pytest.approx(3.0103, rel=1e-4)


def test_a_stopped_table_goes_on(short, tmp_path, monkeypatch):
    """The second call measures only what the first did not."""
    few = {name: rivals.METHODS[name] for name in ("Supervised", "naive")}
    monkeypatch.setattr(table, "METHODS", few)
    monkeypatch.setattr(table, "HALVES", {"exact": list(questions.exact())})
    monkeypatch.setattr(parallel, "cores", lambda: 1)
    real, calls = questions.one_exact, []

    def counted(*run):
        calls.append(run)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return real(*run)

    monkeypatch.setattr(questions, "one_exact", counted)
    with pytest.raises(KeyboardInterrupt):
        table.measure("quick", range(1), tmp_path / "table.json")
    whole = table.measure("quick", range(1), tmp_path / "table.json")
    # Supervised under three laws and its refusal, naive under three: the others are the same runs
    assert len(set(calls)) == 7 and len(calls) == 8
    assert len(whole["rows"]) == 10


def recorded(half, scale="quick"):
    return table.grid(experiments.recorded("no-free-lunch", scale), half)


@pytest.mark.parametrize("scale, seeds", [("quick", [0, 1, 2]), ("full", [0])])
def test_the_recorded_table_has_every_cell(scale, seeds):
    meta = experiments.recorded("no-free-lunch", scale)["meta"]
    assert (meta["scale"], meta["seeds"]) == (scale, seeds)
    for half, wanted in table.HALVES.items():
        names, columns, cells = recorded(half, scale)
        assert names == list(rivals.METHODS) and columns == wanted
        for key, row in cells.items():
            assert (row["gap_db"] is None) == (key in REFUSED), key
            assert hasattr(losses, row["method"]) and row["network"] == rivals.METHODS[key[0]].net


def test_less_is_assumed_more_is_lost():
    """The recorded order on the exact model: MMSE < UNSURE < blind spot; the naive loss last."""
    _, _, cells = recorded("exact")
    gap = {name: cells[name, "MMSE-optimal"]["gap_db"] for name in rivals.METHODS}
    assert gap["Supervised"] < 0.8 and gap["SURE"] < gap["UNSURE"] < gap["blind-spot mean"]
    assert gap["naive"] > 6
    assert cells["Noise2Noise", "one copy"]["gap_db"] > 6
    assert cells["SURE", "unknown level"]["gap_db"] > gap["SURE"] + 1
    assert cells["UNSURE", "unknown level"]["gap_db"] == gap["UNSURE"]
    for name in ("SURE", "UNSURE", "blind-spot mean"):  # only independent copies survive this one
        coloured = cells[name, "unknown coloured"]["gap_db"]
        assert coloured > cells["Noise2Noise", "unknown coloured"]["gap_db"] + 0.5


def test_the_table_prints_both_halves(capsys):
    experiments.show("no-free-lunch", experiments.recorded("no-free-lunch"))
    text = capsys.readouterr().out
    assert "dB over the MMSE" in text and "dB under supervised" in text


@pytest.mark.parametrize("scale", ["quick", "full"])
def test_both_scales_support_the_same_conclusions(scale):
    _, _, cells = recorded("photographs", scale)
    gap = {key: row["gap_db"] for key, row in cells.items()}
    assert gap["SURE", "Gaussian"] < 0.3 < gap["Noise2Self", "Gaussian"] < 2
    assert gap["SURE", "1.5 σ"] > gap["SURE", "Gaussian"] + 3
    assert gap["SURE", "correlated"] < 0.3 and gap["naive", "correlated"] > 3
    assert gap["blind spot, shuffled", "correlated"] < gap["UNSURE", "correlated"] - 1
    assert gap["UNSURE", "σ varies"] > gap["Noise2Self", "σ varies"] + 1
