"""The table of operators: both sides compute the same, whatever the times are."""

import numpy as np
import pytest
import torch

from course_lib import experiments
from course_lib.experiments import operators as table
from course_lib.operators import Radon


def test_rotating_and_summing_is_the_same_transform():
    angles, place = torch.tensor([0.0, 20.0, 90.0, 141.0]), torch.linspace(-1, 1, 48)
    spot = torch.exp(-((place - 0.2) ** 2 + (place[:, None] + 0.3) ** 2) / 0.1)[None, None]
    A = Radon(angles, 48)
    other = table.RotateAndSum(angles, 48, A.detectors)
    y, back = other.both(spot)
    for theirs, ours in ((y, A(spot)), (back, A.adjoint(A(spot)))):
        assert (theirs - ours).norm() < 0.05 * ours.norm()  # up to their interpolation


def test_both_ways_to_k_space_and_back_are_the_same():
    ours, plain = table.mri()
    (y, x), (v, z) = ours(), plain()
    np.testing.assert_allclose(np.linalg.norm(y), np.linalg.norm(v), rtol=1e-4)
    both = np.concatenate([z.real, z.imag], 1)  # the origin does not matter there and back
    np.testing.assert_allclose(x, both, atol=1e-5)


def test_the_least_time_is_kept():
    calls = []
    functions = [lambda: calls.append("a"), lambda: calls.append("b")]
    times = table.seconds(functions, 3)
    assert calls == ["a", "b"] * 3 and all(0 <= t < 1 for t in times)


def test_the_table(monkeypatch, capsys):
    monkeypatch.setattr(table, "REPEATS", {"quick": 1, "full": 1})
    monkeypatch.setattr(table, "SIZE", 16)
    monkeypatch.setattr(table, "ANGLES", 4)
    found = experiments.run_table("operators")
    assert [row["reference"] for row in found["rows"]] == [r for _, r in table.PROBLEMS.values()]
    for row in found["rows"]:
        assert row["ratio"] == pytest.approx(row["ms"] / row["reference_ms"])
    assert "ratio" in capsys.readouterr().out
