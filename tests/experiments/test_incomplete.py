"""The table of incomplete measurements: what its networks see, its arithmetic, its bars."""

import pytest
import torch

from course_lib import data, experiments, losses, operators
from course_lib.experiments import incomplete, report


@pytest.fixture
def short(monkeypatch):
    """Two steps on small images."""
    monkeypatch.setattr(incomplete, "STEPS", {"quick": 2})
    monkeypatch.setattr(incomplete, "SIZE", {"quick": 32})
    monkeypatch.setattr(incomplete, "WIDTHS", (4, 8))


@pytest.mark.parametrize("problem", incomplete.LAWS)
def test_train_and_test_are_different_subjects(problem):
    name = "photos" if problem == "inpainting" else "mri"
    size = 64 if problem == "inpainting" else 32
    assert not set(data.sources(name, "train", size)) & set(data.sources(name, "test", size))
    x, A = incomplete.scenes(problem, "train", 32)
    assert len(A(x)) == len(x) == len(A.mask)
    assert len(A.mask.flatten(1).unique(dim=0)) > 0.9 * len(x)  # a mask of its own for each


def test_a_quarter_of_the_columns_is_measured_and_the_density_says_how_often():
    x, A = incomplete.scenes("MRI ×4", "train", 64)
    columns = A.mask[:, 0, 0].sum(1)
    assert (columns == 16).all()
    weighted = incomplete.methods("MRI ×4", 64)["WeightedSSDU"]
    assert weighted.density.shape == (1, 1, 1, 64)
    assert weighted.density.sum() == pytest.approx(16, abs=1e-4)


@pytest.mark.parametrize("problem", incomplete.LAWS)
def test_only_supervised_is_given_x(problem, short):
    methods = incomplete.methods(problem, 32)
    assert methods.pop("zero-filled") is None
    for name, loss in methods.items():
        assert (name == "Supervised") == isinstance(loss, losses.Supervised)
        first = loss.terms[-1] if isinstance(loss, losses.Sum) else loss
        assert type(first).__name__ == name.split()[0]


@pytest.mark.parametrize("problem, name", [
    ("MRI ×4", "zero-filled"), ("MRI ×4", "Supervised"), ("MRI ×4", "WeightedSSDU"),
    ("MRI ×4, σ = 0.05", "MOI stop"), ("MRI ×4, σ = 0.05", "ENSURE"),
    ("inpainting", "Noise2Inverse"),
])  # fmt: skip
def test_two_steps_give_every_figure(problem, name, short):
    one = incomplete.one(problem, name, 0, "quick", "cpu")
    again = incomplete.one(problem, name, 0, "quick", "cpu")
    assert one["psnr"] == again["psnr"] and len(one["psnr"]) == len(one["ssim"])
    assert 5 < sum(one["psnr"]) / len(one["psnr"]) < 40
    trained = name != "zero-filled"
    assert (one["train_evals"] > 0) == trained == (one["s_per_step"] is not None)


def test_zero_filled_is_the_pseudo_inverse(short):
    x, A = incomplete.scenes("MRI ×4", "test", 32)
    x_hat = operators.fourier.magnitude(A.adjoint(A(x)))
    mse = (x_hat - operators.fourier.magnitude(x)).square().flatten(1).mean(1)
    found = torch.tensor(incomplete.one("MRI ×4", "zero-filled", 0, "quick", "cpu")["psnr"])
    torch.testing.assert_close(found, -10 * mse.log10())


def test_the_gap_is_paired_and_its_interval_is_over_seeds():
    results = {
        name: [
            {"psnr": psnr, "ssim": [0.9, 0.7], "train_evals": 1, "test_evals": 1,
             "s_per_step": 0.1 * (1 + seed)} for seed, psnr in enumerate(values)
        ]
        for name, values in (("Supervised", ([30.0, 20.0], [31.0, 21.0])),
                             ("SSDU", ([29.0, 19.5], [30.5, 20.5])))
    }  # fmt: skip
    best, ours = results["Supervised"], results["SSDU"]
    row = report.row("MRI ×4", "SSDU", ours, best)
    assert row["gap_db"] == pytest.approx((0.75 + 0.5) / 2)
    assert row["gap_ci95_db"] == pytest.approx(12.706 * 0.25 / 2, rel=1e-3)  # t, one degree
    assert row["psnr_db"] == pytest.approx((29.75 + 20.0) / 2)
    assert row["ssim"] == pytest.approx(0.8) and row["s_per_step"] == pytest.approx(0.15)
    assert report.row("MRI ×4", "SSDU", ours[:1], best[:1])["gap_ci95_db"] is None


def recorded():
    table = experiments.recorded("incomplete")
    return table["meta"], {(r["problem"], r["method"]): r for r in table["rows"]}


def test_the_recorded_run_has_every_row_and_says_where_it_comes_from():
    meta, rows = recorded()
    assert meta["scale"] == "full" and {"python", "torch", "numpy"} <= meta["versions"].keys()
    wanted = [(p, n) for p in incomplete.LAWS
              for n in incomplete.methods(p, 128)]  # fmt: skip
    assert list(rows) == wanted
    for row in rows.values():
        assert row["ci95_db"] > 0 and row["ci95_ssim"] > 0


SPLITTING = ("SSDU", "WeightedSSDU", "Noise2Inverse", "RobustSSDU", "Splitting")


@pytest.mark.parametrize("problem", incomplete.LAWS)
def test_the_recorded_run_meets_its_goals(problem):
    """Best splitting within 1.0 dB of supervised, MOI within 0.5, naive no better than A†y."""
    _, rows = recorded()
    own = {name: row for (p, name), row in rows.items() if p == problem}
    best = min(own[name]["gap_db"] for name in SPLITTING if name in own)
    naive, filled = (own[name]["psnr_db"] for name in ("MeasurementConsistency", "zero-filled"))
    assert best <= 1.0
    assert min(own[name]["gap_db"] for name in ("MOI", "MOI stop")) <= 0.5
    assert naive <= filled + 0.1
