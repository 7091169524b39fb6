"""Cartesian masks: exactly the lines that were asked for, the protected middle, the density."""

import pytest
import torch
from montecarlo import generator

from course_lib.operators import MRI, masks

MAKERS = {"random": masks.random, "equispaced": masks.equispaced, "gaussian": masks.gaussian}


def every(test):
    return pytest.mark.parametrize("name", MAKERS)(test)


@every
@pytest.mark.parametrize("size", [(128, 128), (6, 97), (32, 24)])
@pytest.mark.parametrize("acceleration, centre", [(4, None), (8, None), (8, 0), (4, 5), (1, None)])
def test_the_lines(name, size, acceleration, centre):
    m = MAKERS[name](size, acceleration, centre, count=9, generator=generator())
    assert m.shape == (9, 1, *size) and ((m == 0) | (m == 1)).all()
    assert (m == m[:, :, :1]).all()
    assert (m[:, 0, 0].sum(1) == round(size[1] / acceleration)).all()
    protected = round(0.32 * size[1] / acceleration) if centre is None else centre
    first = size[1] // 2 - protected // 2
    assert m[..., first : first + protected].all()
    assert MRI(m)(torch.zeros(9, 2, *size)).shape == (9, 2, *size)


@every
def test_the_masks_differ_and_follow_the_generator(name):
    first = MAKERS[name]((8, 64), 4, count=5, generator=generator(1))
    again = MAKERS[name]((8, 64), 4, count=5, generator=generator(1))
    other = MAKERS[name]((8, 64), 4, count=5, generator=generator(2))
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert len(first.flatten(1).unique(dim=0)) > 1


@every
def test_every_line_is_measured_by_some_mask(name):
    m = MAKERS[name]((1, 32), 4, count=400, generator=generator())
    assert (m.mean((0, 1, 2)) > 0).all()


def test_random_lines_are_equally_likely():
    m = masks.random((1, 32), 4, centre=2, count=4000, generator=generator())
    frequency, p = m.mean((0, 1, 2)), 6 / 30
    outside = torch.cat([frequency[:15], frequency[17:]])
    assert ((outside - p).abs() < 4 * (p * (1 - p) / 4000) ** 0.5).all()


def test_gaussian_lines_follow_their_weights():
    """With one line to draw its law is the weights themselves; two of the lines are protected."""
    m = masks.gaussian((1, 20), 20 / 3, centre=2, std=0.25, count=8000, generator=generator())
    k = torch.cat([torch.arange(0, 9), torch.arange(11, 20)])
    p = torch.exp(-((k - 10) ** 2) / (2 * (0.25 * 20) ** 2))
    p = p / p.sum()
    found = m.mean((0, 1, 2))[k]
    assert ((found - p).abs() < 4 * (p * (1 - p) / 8000).sqrt()).all()


def test_equispaced_lines_are_evenly_spaced():
    m = masks.equispaced((1, 96), 8, centre=4, count=20, generator=generator())
    for line in m[:, 0, 0]:
        others = torch.cat([line[:46], line[50:]]).nonzero()[:, 0]
        assert len(others) == 8 and set(others.diff().tolist()) <= {11, 12}


@every
@pytest.mark.parametrize("acceleration, centre, message", [
    (40, None, "acceleration is 40, which measures 0 of 16 columns"),
    (0.5, None, "measures 32 of 16 columns; choose it from 1 to 16"),
    (0, None, "acceleration is 0; it must be a positive number"),
    (4, 5, "centre is 5 columns; choose a whole number from 0 to 4"),
    (4, -1, "centre is -1"),
    (4, 0.08, "centre is 0.08 columns; choose a whole number"),
    (4, float("nan"), "centre is nan"),
    (float("nan"), None, "acceleration is nan; it must be a positive number"),
])  # fmt: skip
def test_a_mistake_is_one_clear_sentence(name, acceleration, centre, message):
    with pytest.raises(ValueError, match=message):
        MAKERS[name]((8, 16), acceleration, centre)


@every
@pytest.mark.parametrize("size, message", [
    ((8,), r"size is \(8,\); use \(H, W\)"),
    ((8, 0), "size is 0; it must be a whole number"),
    ((8, 16.5), "size is 16.5; it must be a whole number"),
])  # fmt: skip
def test_a_size_is_two_whole_numbers(name, size, message):
    with pytest.raises(ValueError, match=message):
        MAKERS[name](size)


@every
@pytest.mark.parametrize("rows", [False, True])
def test_only_acquired_columns_are_measured(name, rows):
    acquired = torch.ones(48)
    acquired[:10] = acquired[41:] = acquired[13] = 0
    given = acquired.repeat(6, 1) if rows else acquired.bool()
    m = MAKERS[name]((6, 48), 3, 4, count=400, generator=generator(), acquired=given)
    assert (m[:, 0, 0].sum(1) == 10).all() and m[..., 22:26].all()  # 30 acquired
    assert torch.equal((m.mean((0, 1, 2)) > 0).float(), acquired)
    every = MAKERS[name]((6, 48), 3, 4, count=5, generator=generator(), acquired=torch.ones(48))
    assert torch.equal(every, MAKERS[name]((6, 48), 3, 4, count=5, generator=generator()))


@every
@pytest.mark.parametrize("acquired, message", [
    (torch.ones(15), r"acquired has shape \(15,\); .* for 8 x 16: \(W,\) or \(H, W\)"),
    (torch.eye(8, 16), r"acquired has shape \(8, 16\).* the same down each column"),
    (torch.arange(16), r"acquired has shape \(16,\); .* zeros and ones"),
    (torch.zeros(16), "not all 0"),
    (torch.tensor([1, 0] * 8), "centre is 2, but only 1 of these middle columns were acquired"),
])  # fmt: skip
def test_acquired_columns_that_are_none(name, acquired, message):
    with pytest.raises(ValueError, match=message):
        MAKERS[name]((8, 16), 2, 2, acquired=acquired)


@every
def test_a_number_is_the_size_of_a_square(name):
    square, pair = (MAKERS[name](size, 4, generator=generator()) for size in (16, (16, 16)))
    assert torch.equal(square, pair)
