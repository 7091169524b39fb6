"""The table of part 4: its cells, its references, what a run measures."""

import pytest
import torch
from montecarlo import generator

from course_lib import groups, losses, operators
from course_lib.experiments import equivariance as table


@pytest.mark.parametrize("problem", table.LAWS)
def test_every_problem_has_its_references_and_its_failure(problem):
    names = list(table.methods(problem))
    assert names[:4] == ["Supervised group", "Supervised", "A†y", "MeasurementConsistency"]
    assert ("REI" in names) == (table.LAWS[problem] is not None and table.kind(problem) != "blur")
    assert ("ScaleEI" in names) == (table.kind(problem) == "blur")
    assert ("MOEI" in names) == ("masks" in problem)
    x, A = table.scenes(problem, "test")
    assert x.shape[-2:] == (64, 64) and A.count in (1, len(x)) and len(x) > max(table.SEEN[problem])


@pytest.mark.parametrize(
    "problem, name",
    [
        ("inpainting 0.5", "Supervised group"),
        ("CT counts", "REI"),
        ("MRI ×4 masks", "MOEI"),
        ("blur 2.4", "ScaleEI"),
    ],
)
def test_two_steps_of_a_run(problem, name):
    found = table.one(problem, name, 2, 0, "cpu")
    start = table.one(problem, "A†y", 2, 0, "cpu")
    psnr, before = (sum(r["psnr"]) / len(r["psnr"]) for r in (found, start))
    assert abs(psnr - before) < 2  # the networks start there
    assert found["train_evals"] == table.methods(problem)[name].train_evals
    assert len(found["picture_db"]) == 2 and ("hidden" in found) == (problem[0] in "iM")


def test_train_and_test_images_differ():
    for problem in ("inpainting 0.5", "CT 20 views", "MRI ×2"):
        x, other = (table.scenes(problem, split)[0] for split in ("train", "test"))
        assert not any((u == other).flatten(1).all(1).any() for u in x)


def test_supervised_with_the_group_turns_there_and_back():
    """The expectation over g of a linear f that is not equivariant, and its mean at test time."""
    M = torch.randn(16, 16, generator=generator(), dtype=torch.float64) / 4
    x = torch.randn(512, 1, 4, 4, generator=generator(1), dtype=torch.float64)
    A = operators.Identity()
    every = groups.Rotation(90).elements((4, 4))
    T = operators.dense(every, (1, 4, 4)).double().reshape(4, 16, 16)

    def f(y, B):
        return (B.adjoint(y).flatten(1) @ M.T).view_as(x)

    right = torch.stack(
        [((t @ M @ t.T - torch.eye(16)) @ x.flatten(1).T).square().mean() for t in T]
    )
    torch.manual_seed(0)
    loss = table.SupervisedGroup(groups.Rotation(90))
    found = torch.stack([loss(f, x, A, x) for _ in range(20)])
    assert abs(found.mean() - right.mean()) < 5 * found.std() / 20**0.5
    assert isinstance(loss, losses.Supervised) and loss.test_evals == 8
