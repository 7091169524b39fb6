"""The held-out table: every loss has its place, and its score is the risk where it says so."""

import math

import pytest
import torch

from course_lib import data, experiments, groups, losses, noise, operators, validation
from course_lib.experiments import held_out
from course_lib.experiments.sweep import measured

CELLS = [(problem, name) for problem in held_out.LAWS for name in held_out.methods(problem)]


def test_every_loss_has_a_row_or_is_no_risk():
    kinds = {
        name for name in losses.__all__
        if isinstance(getattr(losses, name), type) and name not in ("Loss", "Sum")
    }  # fmt: skip
    rows = {type(held_out.methods(problem)[name]).__name__ for problem, name in CELLS}
    assert rows | set(held_out.NO_RISK) == kinds and not rows & set(held_out.NO_RISK)
    for problem, name in CELLS:
        assert name.split()[0] == type(held_out.methods(problem)[name]).__name__


def test_what_is_no_risk_says_so():
    y, law = torch.rand(2, 1, 8, 8), noise.Gaussian(0.1)
    shifts = groups.Shift()
    given = {"BlindSpotLikelihood": (law,), "EquivariantSplitting": (0.2, shifts),
             "EI": (shifts,), "MOEI": (shifts,)}  # fmt: skip
    for name in held_out.NO_RISK:
        loss = getattr(losses, name)(*given.get(name, ()))
        with pytest.raises(NotImplementedError, match="not the risk plus a constant"):
            loss.offset(law, y)


@pytest.fixture
def short(monkeypatch):
    """Two steps, 8 images in 4 groups."""
    monkeypatch.setattr(held_out, "STEPS", {"quick": 2})
    monkeypatch.setattr(held_out, "IMAGES", 8)
    monkeypatch.setattr(held_out, "GROUPS", 4)


@pytest.mark.parametrize("problem, name", [
    ("denoising", "Supervised"), ("denoising", "Noise2Noise"), ("denoising", "Splitting one"),
    ("denoising", "BlindSpotSURE"), ("Poisson", "R2R"), ("inpainting", "Splitting"),
    ("MRI ×2", "WeightedSSDU"),
])  # fmt: skip
def test_two_steps_give_every_figure(problem, name, short):
    result = held_out.one(problem, name, 0, "quick", "cpu")
    again = held_out.one(problem, name, 0, "quick", "cpu")
    assert result == again
    row = held_out.row(problem, name, [result, again])
    assert len(result["score"]) == len(result["risk"]) == 4 and row["seeds"] == 2
    assert 0 < row["risk"] < 1 and math.isfinite(row["z"])
    assert (row["tested"] is None) == (row["scores"] or (problem, name) == ("Poisson", "R2R"))


def test_the_score_and_the_risk_are_those_of_a_known_estimator():
    """f(y) = y/2: risk ‖x‖²/4m + σ²/4, and Noise2Noise's score is ‖y_a/2 − y_b‖²/m − σ²."""
    x = torch.rand(128, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    law = noise.Gaussian(0.1)
    test = data.simulate(x, operators.Identity(), law, copies=2)
    f = torch.nn.Module()
    f.forward = lambda y, A: y / 2
    score, risk, tested = held_out.compare(f, losses.Noise2Noise(), test, x, law, used=False)
    assert tested == [] and len(score) == held_out.GROUPS
    expected = float(x.square().mean() / 4 + 0.01 / 4)
    assert sum(risk) / len(risk) == pytest.approx(expected, rel=0.01)
    y_a, y_b = test.tensors
    exact = float((y_a / 2 - y_b).square().mean()) - 0.01
    assert sum(score) / len(score) == pytest.approx(exact, rel=1e-5)


def test_a_row_counts_in_standard_errors_of_the_paired_difference():
    score, risk = [[1.0, 2.0, 3.0, 4.0]], [[0.9, 2.1, 2.9, 3.9]]
    one = {"score": score[0], "risk": risk[0], "tested": [], "scores": True}
    row = held_out.row("denoising", "SURE", [one])
    assert row["score"] == 2.5 and row["risk"] == pytest.approx(2.45)
    assert row["score_error"] == pytest.approx(1.29099 / 2, rel=1e-4)
    assert row["difference_error"] == pytest.approx(0.1 / 2) and row["z"] == pytest.approx(1.0)
    assert row["tested"] is None and row["tested_z"] is None


@pytest.mark.parametrize("problem, name", CELLS)
def test_select_refuses_what_the_table_flags(problem, name, monkeypatch):
    """And scores its test-time estimator by SURE instead."""
    monkeypatch.setattr(held_out, "IMAGES", 4)
    loss, law = held_out.methods(problem)[name], held_out.LAWS[problem]
    test = measured(loss, *held_out.scenes(problem, "test"), law, 0)
    f = held_out.network(problem, name)
    if loss.scores(test.A):
        assert validation.select({"f": (f, loss)}, test, law, groups=2).best == "f"
    else:
        with pytest.raises(ValueError, match="is not the risk of what it reconstructs"):
            validation.select({"f": (f, loss)}, test, law, groups=2)


OPERATORS = {
    "blur": operators.Blur(torch.ones(3, 3) / 9),
    "inpainting": operators.Inpainting(
        torch.rand(16, 16, generator=torch.Generator().manual_seed(1)) < 0.7
    ),
    "decimation": operators.Decimation(2),
}


@pytest.mark.parametrize("A", OPERATORS.values(), ids=OPERATORS)
@pytest.mark.parametrize("problem, name", [cell for cell in CELLS if cell[0] == "denoising"])
def test_a_score_under_another_operator_is_the_risk_or_is_none(problem, name, A):
    """For any f, on smooth random images; a loss may refuse the operator."""
    law, loss, g = held_out.LAWS[problem], held_out.methods(problem)[name], torch.Generator()
    x = torch.nn.functional.interpolate(torch.rand(64, 1, 4, 4, generator=g.manual_seed(0)), 16)
    copies = 2 if name == "Noise2Noise" else 1
    test = data.simulate(x, A, law, copies=copies)
    f = torch.nn.Module()
    f.forward = lambda y, A: 0.8 * A.adjoint(y) + 0.1
    try:
        if not loss.scores(test.A) or name in ("Supervised", "BlindSpotSURE"):
            return
        score, risk, _ = held_out.compare(f, loss, test, x, law)
    except (ValueError, NotImplementedError):
        return
    difference = torch.tensor(score) - torch.tensor(risk)
    assert abs(difference.mean()) < 4 * difference.std() / len(score) ** 0.5


def recorded():
    return {(r["problem"], r["method"]): r for r in experiments.recorded("held-out")["rows"]}


def test_the_recorded_run_has_every_row():
    rows = recorded()
    assert sorted(rows) == sorted(CELLS)
    for (problem, name), row in rows.items():
        A = operators.Inpainting(torch.ones(8, 8)) if problem == "inpainting" else (
            operators.MRI(torch.ones(8, 8)) if "MRI" in problem else operators.Identity()
        )  # fmt: skip
        assert row["scores"] == held_out.methods(problem)[name].scores(A)


@pytest.mark.parametrize("problem, name", CELLS)
def test_what_is_scored_is_what_is_used(problem, name):
    """The recorded score is the risk of what is used, or `select` refuses it and SURE's is."""
    row = recorded()[problem, name]
    bound = 4
    if row["scores"]:
        assert abs(row["z"]) < bound
        assert row["difference_error"] < 0.1 * row["risk"]  # else it could not fail
    elif row["tested"] is not None:
        assert abs(row["tested_z"]) < bound
        assert abs(row["tested"] - row["risk"]) < 0.1 * row["risk"]


def test_where_a_loss_says_that_its_score_is_of_another_estimator_it_often_is():
    """The flag is no excuse: most of the scores that carry it are far from the risk."""
    flagged = [row for row in recorded().values() if not row["scores"]]
    assert len(flagged) >= 12 and sum(abs(row["z"]) > 5 for row in flagged) > len(flagged) / 2
