"""Measurements hold y and never x; pairs, crops, operators of a batch."""

import gc
import weakref

import pytest
import torch
from montecarlo import generator, summary

from course_lib import noise, operators
from course_lib.data import Pairs, simulate

GAUSSIAN = noise.Gaussian(0.1)
POISSON = noise.Poisson(0.1)
A = operators.Identity()


def images(n=6, size=12):
    return torch.rand(n, 1, size, size, generator=generator())


def tensors(item, seen=None):
    """Every tensor that can be reached from an object through its attributes and containers."""
    seen = set() if seen is None else seen
    if id(item) in seen:
        return
    seen.add(id(item))
    if torch.is_tensor(item):
        yield item
    children = list(vars(item).values()) if hasattr(item, "__dict__") else []
    if isinstance(item, dict):
        children += item.values()
    if isinstance(item, (list, tuple, set)):
        children += item
    for child in children:
        yield from tensors(child, seen)


OPERATORS = {
    "identity": lambda: A,
    "mask": lambda: operators.Inpainting(torch.ones(12, 12)),
    "mask an image": lambda: operators.Inpainting(torch.ones(6, 1, 12, 12)),
    "blur": lambda: operators.Blur(torch.ones(1, 1)),
}


@pytest.mark.parametrize("where", OPERATORS)
@pytest.mark.parametrize("copies", [1, 2])
def test_no_ground_truth_can_be_reached(where, copies):
    """Even where Ax = x, and noise so small that a leak would show: every tensor is walked."""
    x = images()
    data = simulate(x, OPERATORS[where](), noise.Gaussian(0.01), copies=copies)
    found = [t for t in tensors(data) if t.shape == x.shape and t.unique().numel() > 2]
    assert len(found) == copies
    for t in found:
        assert (t - x).std() == pytest.approx(0.01, rel=0.1)
    assert all(not torch.is_tensor(v) or v is not x for v in vars(data).values())


@pytest.mark.parametrize("where", OPERATORS)
def test_the_ground_truth_is_forgotten(where):
    x = images()
    alive = weakref.ref(x)
    data = simulate(x, OPERATORS[where](), POISSON)
    del x
    gc.collect()
    assert alive() is None and len(data) == 6


def test_that_walk_would_find_a_leak():
    x = images()
    assert any(torch.equal(t, x) for t in tensors(Pairs(x, A, GAUSSIAN)))


def test_an_item_is_y_and_its_operator():
    x = images()
    y, B = simulate(x, A, GAUSSIAN)[2]
    assert y.shape == (1, 12, 12) and isinstance(B, operators.Identity)
    (y_a, y_b), _ = simulate(x, A, GAUSSIAN, copies=2)[2]
    assert y_a.shape == y_b.shape == (1, 12, 12) and not torch.equal(y_a, y_b)
    y, _, truth = Pairs(x, A, GAUSSIAN)[2]
    assert torch.equal(truth, x[2]) and not torch.equal(y, truth)
    assert len(list(iter_items(simulate(x, A, GAUSSIAN)))) == 6


def iter_items(data):
    return (data[i] for i in range(len(data)))


def test_the_noise_is_fixed_by_the_seed_and_the_same_for_both_kinds():
    x = images()
    batch = torch.tensor([0, 3])
    one, again = (simulate(x, A, GAUSSIAN, seed=1).batch(batch)[0] for _ in range(2))
    assert torch.equal(one, again)
    assert torch.equal(one, Pairs(x, A, GAUSSIAN, seed=1).batch(batch)[0])
    assert torch.equal(one, simulate(x, A, GAUSSIAN, seed=1, copies=2).batch(batch)[0][0])
    assert not torch.equal(one, simulate(x, A, GAUSSIAN, seed=2).batch(batch)[0])


def test_a_signal_of_the_same_seed_is_independent_of_its_noise():
    """x ~ N(0, 1) drawn with seed 3, measured with seed 3."""
    x = torch.randn(40, 1, 24, 24, generator=generator(3))
    y, _ = simulate(x, A, GAUSSIAN, seed=3).batch(torch.arange(40))
    assert abs(summary((y - x) * x).z()) < 4


def test_the_two_copies_are_independent_and_of_the_right_noise():
    x = images(40, 24)
    y_a, y_b = simulate(x, A, GAUSSIAN, copies=2).batch(torch.arange(40))[0]
    assert abs(summary((y_a - x) * (y_b - x)).z()) < 4
    for y in (y_a, y_b):
        assert abs(summary((y - x).square()).z(0.01)) < 4


def test_each_image_keeps_its_operator():
    x, mask = images(), (torch.rand(6, 1, 12, 12, generator=generator(1)) < 0.5).float()
    data = simulate(x, operators.Inpainting(mask), noise.Gaussian(1e-6))
    y, B = data.batch(torch.tensor([4, 1]))
    torch.testing.assert_close(y, B(x[[4, 1]]), rtol=0, atol=1e-5)
    assert torch.equal(B.mask, mask[[4, 1]])
    y, B = data[3]
    torch.testing.assert_close(y, B(x[[3]])[0], rtol=0, atol=1e-5)


def test_crops_are_windows_turned_and_flipped():
    """Every crop is one of the windows of its image, in one of eight poses; all poses come."""
    x = torch.arange(36.0).view(1, 1, 6, 6) / 36 + 1
    data = simulate(x, A, noise.Gaussian(1e-7), crop=4)
    g, poses = generator(), set()
    for _ in range(150):
        y, _ = data.batch(torch.tensor([0]), g)
        assert y.shape == (1, 1, 4, 4)
        matches = [
            (top, left, turn, flip)
            for top in range(3)
            for left in range(3)
            for turn in range(4)
            for flip in range(2)
            if torch.allclose(y, pose(x, top, left, turn, flip), atol=1e-5)
        ]
        assert len(matches) == 1
        poses.add(matches[0])
    assert {p[:2] for p in poses} == {(a, b) for a in range(3) for b in range(3)}
    assert {p[2:] for p in poses} == {(a, b) for a in range(4) for b in range(2)}


def pose(x, top, left, turn, flip):
    window = x[..., top : top + 4, left : left + 4].rot90(turn, (-2, -1))
    return window.flip(-1) if flip else window


@pytest.mark.parametrize("make", [Pairs, lambda *a, **k: simulate(*a, copies=2, **k)])
def test_the_parts_of_a_crop_stay_aligned(make):
    data = make(images(), A, noise.Gaussian(1e-6), crop=5)
    parts = data.batch(torch.tensor([0, 5, 5]), generator(3))
    first, second = (parts[0], parts[2]) if len(parts) == 3 else parts[0]
    torch.testing.assert_close(first, second, rtol=0, atol=1e-4)


def test_the_crop_is_drawn_from_the_generator_alone():
    data, batch = simulate(images(), A, GAUSSIAN, crop=5), torch.tensor([0, 1])
    one, same, other = (data.batch(batch, generator(seed))[0] for seed in (1, 1, 2))
    assert torch.equal(one, same) and not torch.equal(one, other)


def test_cropped_counts_are_still_counts():
    y, _ = simulate(images(), A, POISSON, crop=5).batch(torch.tensor([0, 1]), generator())
    counts = y / POISSON.gain
    assert counts.max() >= 1 and (counts - counts.round()).abs().max() < 1e-4
    POISSON.split(y, 0.5, generator())  # which refuses anything else


def test_to_moves_measurements_and_operator():
    data = simulate(images(), operators.Inpainting(torch.ones(12, 12)), GAUSSIAN)
    assert data.to("meta") is data
    assert {t.device.type for t in tensors(data)} == {"meta"}


@pytest.mark.parametrize("crop", [0, 13])
def test_a_crop_that_does_not_fit_is_refused(crop):
    told = "crop is 0; it must be" if crop == 0 else r"crop = 13 does not fit images of \(12, 12\)"
    with pytest.raises(ValueError, match=told):
        simulate(images(), A, GAUSSIAN, crop=crop)


def test_a_crop_through_an_operator_is_refused():
    blur = operators.Blur(torch.ones(2, 2))
    with pytest.raises(ValueError, match="crop = 5 needs A = I, not Blur; crop x first"):
        simulate(images(), blur, GAUSSIAN, crop=5)


def test_equal_copies_are_refused():
    with pytest.raises(ValueError, match="noise=None makes 2 equal copies.*recorded copies"):
        simulate(images(), A, None, copies=2)


def test_without_noise_y_is_ax():
    x, mask = images(), (torch.rand(6, 1, 12, 12, generator=generator(1)) < 0.5).float()
    B, batch = operators.Inpainting(mask), torch.tensor([4, 1])
    y, A_g = simulate(x, B, None).batch(batch)
    assert torch.equal(y, mask[batch] * x[batch])
    y, A_g, truth = Pairs(x, B, None).batch(batch)
    assert torch.equal(y, A_g(truth)) and torch.equal(truth, x[batch])
    assert torch.equal(A_g.mask, mask[batch])
