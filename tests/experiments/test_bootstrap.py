"""The table of the bootstrap: every cell runs, a row counts what is covered, and the recorded run.

The goal is a coverage of 80 to 97 % of 90 % regions where A is complete. The equivariant bootstrap
alone misses it: x̂ is smoother than x, and f errs less on it, as is proven for the linear MMSE
estimator (lesson 4.5). Tried at quick scale, on 128 of the tiles, 8 draws: D4 (20 to 23 %), shifts
(30 to 33 %, as the border enters the image), the bootstrap of a bootstrap, which multiplies ρ
by how much too short it is at x̂ (18 to 21 %). One factor from SURE meets it, "calibrated":
88 to 89 % with that of the test measurements, which the table takes, 95 to 98 % with that of
training photographs.
"""

import pytest
import torch

from course_lib import data, experiments
from course_lib.experiments import bootstrap, equivariance

CELLS = [(problem, name) for problem, names in bootstrap.NETWORKS.items() for name in names]
MISSED = {("denoising", "SURE", "equivariant"), ("denoising", "Supervised", "equivariant"),
          ("denoising", "SURE", "parametric"),
          ("denoising", "Supervised", "parametric")}  # fmt: skip


@pytest.mark.parametrize("problem, name", CELLS)
def test_one_step_gives_every_figure(problem, name, monkeypatch):
    monkeypatch.setattr(bootstrap, "IMAGES", 20)  # more than one batch; 90 % needs 9 for κ
    result = bootstrap.one(problem, name, 1, 3, 0, "cpu")
    again = bootstrap.one(problem, name, 1, 3, 0, "cpu")
    assert {k: v for k, v in result.items() if k != "s_per_step"} == {
        k: v for k, v in again.items() if k != "s_per_step"
    }
    assert tuple(result["radii"]) == bootstrap.methods(problem)
    for rho in result["radii"].values():
        rho = torch.tensor(rho)
        assert rho.shape == (len(bootstrap.LEVELS), 20) and rho.isfinite().all()
    rho = torch.tensor(result["radii"]["equivariant"])
    assert (rho.diff(dim=0) >= 0).all() and (rho > 0).all()


def test_train_and_test_are_other_images():
    for problem in bootstrap.NETWORKS:
        (x, _), (test, _) = (bootstrap.scenes(problem, split) for split in ("train", "test"))
        assert torch.cdist(x.flatten(1), test.flatten(1)).min() > 1e-3
        assert len(test) >= (48 if problem == "CT 20 views" else 100)  # all that there is


def test_the_risk_of_each_image_is_estimated_without_it():
    x, law = data.load("photos", "test", 64)[:24], bootstrap.LAW
    A = bootstrap.operators.Identity()
    y = law(x, generator=torch.Generator().manual_seed(0))
    f = lambda y, A: 0.7 * y + 0.1  # noqa: E731
    true = (f(y, A) - x).flatten(1).square().mean(1).sqrt()
    found = bootstrap.risk(f, y, A, law, torch.Generator().manual_seed(1), 4)
    assert (found / true - 1).abs().max() < 0.1


def test_a_row_counts_what_its_regions_hold():
    def result(scale):
        rho = [[scale * v] * 4 for v in (0.1, 0.3, 0.5, 0.7, 0.9)]
        return {"rmse": [0.2, 0.4, 0.6, 0.8], "radii": {"equivariant": rho}, "psnr": [20.0] * 4}

    row = bootstrap.row("denoising", "SURE", "equivariant", [result(1.0), result(0.5)], 3)
    assert row["coverage"] == (4 + 2) / 8 and row["images"] == 4 and row["test_evals"] == 4
    assert list(row["levels"].values()) == [0, 1 / 8, 3 / 8, 4 / 8, 6 / 8]
    ratio = [scale * 0.9 / v for scale in (1, 0.5) for v in (0.2, 0.4, 0.6, 0.8)]
    assert row["ratio"] == pytest.approx(sum(ratio) / 8)


def test_the_interval_is_that_of_a_binomial():
    assert bootstrap.interval(0, 20)[0] == 0
    assert bootstrap.interval(0, 20)[1] == pytest.approx(1 - 0.025 ** (1 / 20))
    assert bootstrap.interval(90, 100) == pytest.approx([0.8238, 0.9510], abs=1e-4)


def recorded():
    rows = experiments.recorded("bootstrap")["rows"]
    return {(r["problem"], r["network"], r["method"]): r for r in rows}


def test_the_recorded_run_has_every_row():
    wanted = [(p, n, m) for p, n in CELLS for m in bootstrap.methods(p)]
    assert list(recorded()) == wanted


@pytest.mark.parametrize("key", [k for k in recorded() if k[0] in bootstrap.COMPLETE])
def test_where_A_is_complete_the_goal_is_met_or_said_to_be_missed(key):
    assert (0.8 <= recorded()[key]["coverage"] <= 0.97) == (key not in MISSED)


def test_without_a_group_what_A_hides_is_not_counted():
    """Of a network that leaves its own x̂ nearly as they are; supervised CT does not, see 4.5."""
    for (problem, name, method), row in recorded().items():
        if problem not in bootstrap.COMPLETE and method == "parametric":
            assert row["ratio"] < 0.85 * recorded()[problem, name, "equivariant"]["ratio"]
            if (problem, name) != ("CT 20 views", "Supervised group"):
                assert row["coverage"] == 0 and row["ratio"] < 0.6


def test_it_prints_a_line_for_each_row(capsys):
    table = experiments.recorded("bootstrap")
    bootstrap.show(table)
    assert len(capsys.readouterr().out.splitlines()) == len(table["rows"]) + 3


def test_the_problems_are_those_of_the_table_equivariance():
    for problem in bootstrap.NETWORKS:
        if problem not in bootstrap.COMPLETE:
            assert bootstrap.scenes(problem, "test")[1] is equivariance.operator(problem)
