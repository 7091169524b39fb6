"""What a family of operators {A_g} measures together: the rank of Σ_g A_gᵀA_g, computed.

The images of a group T_g make A_g = A T_g of one operator A. Learning without ground truth needs
full rank; the cases are those of the tutorial, on n = 8 pixels or 8×8.
"""

import pytest
import torch
from linear import rand
from montecarlo import generator

from course_lib.operators import MRI, Blur, Inpainting, Operator, Radon, dense, masks


class Turned(Operator):
    """A T_g for the transformation T_g of images."""

    def __init__(self, A, transform):
        super().__init__()
        self.A, self.transform = A, transform

    def forward(self, x):
        return self.A(self.transform(x))


def rank(A, transforms, shape):
    """The rank of all rows of A T_g together, for images of `shape`."""
    M = torch.cat([dense(Turned(A.double(), T), shape) for T in transforms])
    return int(torch.linalg.matrix_rank(M, rtol=1e-8))


def row(*kept):
    mask = torch.zeros(1, 8)
    mask[0, list(kept)] = 1
    return mask


SHIFTS = [lambda x, g=g: x.roll(g, -1) for g in range(8)]
REFLECTIONS = [lambda x: x, lambda x: x.flip(-1)]
QUARTERS = [lambda x, g=g: x.rot90(g, (-2, -1)) for g in range(4)]
NONE = [lambda x: x]
LINE, COMPLEX = (1, 1, 8), (2, 1, 8)  # a complex image has two real numbers a pixel


@pytest.mark.parametrize("A, group, shape, expected", [
    (Inpainting(row(0, 3, 4)), NONE, LINE, 3),
    (Inpainting(row(0, 3, 4)), SHIFTS, LINE, 8),
    (Inpainting(row(0, 3, 4)), REFLECTIONS, LINE, 4),
    (MRI(row(0, 3, 4)), NONE, COMPLEX, 2 * 3),
    (MRI(row(0, 3, 4)), SHIFTS, COMPLEX, 2 * 3),  # shifts commute with A: nothing is gained
    (MRI(row(0, 2, 3)), REFLECTIONS, COMPLEX, 2 * 5),  # k → −k: 2, 3 add 6, 5; −4 is itself
    (Blur(torch.tensor([[0.5, 0.5]])), SHIFTS, LINE, 7),
    (Blur(torch.tensor([[0.7, 0.3]])), SHIFTS, LINE, 8),
])  # fmt: skip
def test_the_rank_of_eight_pixels(A, group, shape, expected):
    assert rank(A, group, shape) == expected


def test_random_masks_fill_the_space():
    """Half of the 8 pixels each: 1, 2, 3, 4 masks measure 4, 6, 7, 8 of them, for this draw."""
    kept = [(0, 1, 2, 3), (0, 1, 4, 5), (0, 2, 4, 6), (1, 3, 5, 7)]
    A = Inpainting(torch.stack([row(*k) for k in kept])[:, None])
    ranks = [torch.linalg.matrix_rank(dense(A[:g], LINE)) for g in (1, 2, 3, 4)]
    assert ranks == [4, 6, 7, 8]
    drawn = torch.rand(4, 4000, 8, generator=generator()).argsort(-1) < 4
    found = drawn.cumsum(0).bool().double().sum(-1).mean(1)
    expected = 8 * (1 - 0.5 ** torch.arange(1, 5))
    torch.testing.assert_close(found, expected.double(), rtol=0, atol=0.08)


def columns(*kept):
    return MRI(row(*kept).expand(8, 8))


def test_quarter_turns_do_not_complete_mri_lines():
    """3/8 of the columns, and by a turn of the rows: 1 − (1 − 3/8)² = 61 % of k-space."""
    A = columns(3, 4, 5)
    assert A.mask.mean() == 0.375 and rank(A, NONE, (2, 8, 8)) == 2 * 24
    assert rank(A, QUARTERS, (2, 8, 8)) == 2 * 39 == 0.609375 * 128
    lopsided = columns(2, 4, 5)  # half a turn, k → −k, adds the columns 3 and 6: 1 − (1 − 5/8)²
    assert rank(lopsided, QUARTERS[:2], (2, 8, 8)) == 2 * 39
    assert rank(lopsided, QUARTERS, (2, 8, 8)) == 2 * 55


@pytest.mark.parametrize("maker", [masks.random, masks.equispaced, masks.gaussian])
def test_coverage_at_full_size(maker):
    """The same at 128², counted on the mask: the rank of M F is twice its number of ones."""
    mask = maker((128, 128), 8 / 3, generator=generator())
    assert mask.mean() == 0.375
    assert mask.maximum(mask.rot90(1, (-2, -1))).mean() == 0.609375


def test_other_masks_do_complete_them():
    """What turns cannot, several operators can: every line is measured by one of 40 masks."""
    many = masks.random((8, 8), 4, centre=1, count=40, generator=generator())
    M = dense(MRI(many).double(), (2, 8, 8))
    assert torch.linalg.matrix_rank(M) == 128
    for acceleration in (4, 8):
        many = masks.gaussian((1, 128), acceleration, count=200, generator=generator())
        assert many.amax(0).all()


def test_arbitrary_angles_complete_few_views():
    """CT from 3 views: turning the image by other angles is measuring other views."""
    few, more = (Radon(torch.arange(0, 180, 180 / n).double(), 6) for n in (3, 30))
    assert torch.linalg.matrix_rank(dense(few, (1, 6, 6))) < 36
    assert torch.linalg.matrix_rank(dense(more, (1, 6, 6))) == 36


def test_what_mri_does_not_measure_is_its_null_space():
    A = MRI(masks.random((8, 8), 4, generator=generator()).double())
    x = rand(1, 2, 8, 8)
    hidden = x - A.pinv(A(x))
    assert A(hidden).abs().max() < 1e-12 and hidden.norm() > 0.5 * x.norm()
    torch.testing.assert_close(A.pinv(A(hidden + x)), A.pinv(A(x)), rtol=0, atol=1e-12)
