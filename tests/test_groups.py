"""Group actions: orthogonal, the right way round; ranks of Σ_g T_gᵀAᵀA T_g on eight pixels."""

import pytest
import torch
from linear import assert_adjoint, rand
from montecarlo import generator
from problems import mutant
from scipy.ndimage import rotate

from course_lib import groups
from course_lib.operators import (
    Blur,
    CompressedSensing,
    Inpainting,
    Roll,
    Rotate,
    actions,
    dense,
)

LINE = (1, 1, 8)  # an image of eight pixels
GROUPS = {
    "shifts": groups.Shift(),
    "small shifts": groups.Shift(2),
    "quarter turns": groups.Rotation(90),
    "rotations": groups.Rotation(7.5),
    "mirror": groups.Reflection(),
    "the square's": groups.Rotation(90) * groups.Reflection(),
    "rotations and shifts": groups.Rotation(30) * groups.Shift(1),
}


@pytest.mark.parametrize("name", GROUPS)
@pytest.mark.parametrize("size", [5, 6])
def test_every_action_is_orthogonal(name, size):
    group, x = GROUPS[name], rand(4, 2, size, size)
    T = group.draw(x, generator())
    torch.testing.assert_close(T.adjoint(T(x)), x, rtol=0, atol=1e-12)
    torch.testing.assert_close(T(T.adjoint(x)), x, rtol=0, atol=1e-12)
    torch.testing.assert_close(T.pinv(T(x)), x, rtol=0, atol=1e-5)
    torch.testing.assert_close(T(x).norm(), x.norm(), rtol=1e-12, atol=0)
    assert_adjoint(T, x.shape)


@pytest.mark.parametrize("name", GROUPS)
def test_a_draw_is_one_of_the_elements_for_each_image(name):
    group, x = GROUPS[name], rand(6, 1, 4, 4)
    T = group.draw(x, generator())
    every = group.elements((4, 4))(x[:1])
    for drawn, image in zip(T(x[:1]), x, strict=True):
        assert any(torch.allclose(drawn, e) for e in every)
        assert drawn.shape == image.shape
    assert torch.equal(group.draw(x, generator())(x), T(x))
    assert not torch.equal(group.draw(x, generator(1))(x), T(x))


COUNTS = dict(zip(GROUPS, (16, 25, 4, 48, 2, 8, 108), strict=True))


@pytest.mark.parametrize("name", GROUPS)
def test_the_elements_are_all_there_once(name):
    images = GROUPS[name].elements((4, 4))(rand(1, 1, 4, 4))
    assert len(images) == COUNTS[name]
    assert GROUPS[name].count in (None, COUNTS[name]) and ("shifts" == name or GROUPS[name].count)
    distinct = len(images.flatten(1).mul(1e6).round().unique(dim=0))
    assert distinct == (16 if name == "small shifts" else COUNTS[name])  # 5 × 5 on 4 × 4 pixels


def test_a_shift_moves_down_and_to_the_right():
    x = rand(2, 1, 4, 5)
    assert torch.equal(Roll(torch.tensor([1, 2]))(x), x.roll((1, 2), (2, 3)))
    both = Roll(torch.tensor([[1, 2], [0, -1]]))(x)
    assert torch.equal(both[1:], x[1:].roll(-1, 3))


def bumps(n, size=1.6):
    i, j = torch.meshgrid(*[torch.arange(n).double()] * 2, indexing="ij")
    far = [(i - n / 2 + a) ** 2 + (j - n / 2 + b) ** 2 for a, b in ((5, 0), (0, -6), (-3, -3))]
    return sum(w * torch.exp(-f / (2 * size**2)) for w, f in zip((1, 0.5, 0.8), far, strict=True))


def assert_turns(Rotate):
    for n in (32, 33):
        x = bumps(n)
        for angle in (-160.0, -44.0, 30.0, 60.0, 90.0, 135.0, 290.0):
            found = Rotate(angle).double()(x[None, None])[0, 0].numpy()
            assert abs(found - rotate(x.numpy(), angle, reshape=False, order=5)).max() < 2e-3


def test_a_rotation_is_scipy_s():
    assert_turns(Rotate)


@pytest.mark.parametrize(
    "old, new",
    [
        ("-line[:, None] * theta.sin()", "line[:, None] * theta.sin()"),
        ("(theta / 2).tan()", "theta.tan()"),
        ("x.rot90(1, (2, 3))", "x.rot90(-1, (2, 3))"),
    ],
)
def test_a_wrong_rotation_is_caught(old, new):
    wrong = mutant(Rotate, old, new)
    with pytest.raises(AssertionError):
        assert_turns(wrong)


def test_quarter_turns_are_exact_and_the_nyquist_frequency_stays_orthogonal():
    x = rand(1, 1, 6, 6)
    assert torch.equal(Rotate(90.0)(x), x.rot90(1, (2, 3)))
    assert torch.equal(Rotate(-270.0)(x), x.rot90(1, (2, 3)))
    lost = mutant(actions._slide, "t.round()", "t")
    y = lost(x, torch.full((6, 1), 0.5).double())
    assert y.norm() < x.norm() * (1 - 1e-6)  # a fraction of a pixel would lose it


def stacked_rank(A, group, shape=LINE):
    """rank Σ_g T_gᵀAᵀA T_g: the rows of A T_g for every g."""
    T = group.elements(shape[-2:])
    return int(torch.linalg.matrix_rank(dense(A @ T, shape).double(), rtol=1e-5))


def line(*pixels):
    m = torch.zeros(1, 8)
    m[0, list(pixels)] = 1
    return m


def test_ranks_with_shifts_of_eight_pixels():
    """A that does not commute with the shifts sees everything; one that does sees no more."""
    shifts = groups.Shift()
    three = Inpainting(line(0, 1, 3))
    assert torch.linalg.matrix_rank(dense(three, LINE)) == 3
    assert stacked_rank(three, shifts) == 8
    waves = torch.fft.irfft(torch.tensor([1.0, 1.0, 0, 0, 0]), n=8).roll(4)[None]
    assert torch.linalg.matrix_rank(dense(Blur(waves), LINE), rtol=1e-5) == 3
    assert stacked_rank(Blur(waves), shifts) == 3  # a mask of three Fourier coefficients
    zero = Blur(torch.tensor([[0.5, 0.5]]))  # vanishes at the highest frequency
    assert torch.linalg.matrix_rank(dense(zero, LINE), rtol=1e-5) == 7
    assert stacked_rank(zero, shifts) == 7
    assert stacked_rank(CompressedSensing.gaussian(1, (1, 8), 1, generator()), shifts) == 8


def test_reflection_alone_is_not_enough():
    three = Inpainting(line(0, 1, 7))  # mirrored, pixels 7, 6 and 0: one more is seen
    assert stacked_rank(three, groups.Reflection()) == 4
    assert stacked_rank(three, groups.Reflection() * groups.Shift()) == 8


def test_more_masks_see_more():
    """Random masks of four of eight pixels: rank Σ_g A_gᵀA_g is the number of pixels seen."""
    ranks = []
    order = torch.stack([torch.randperm(8, generator=generator(g)) for g in range(400)])
    masks = torch.zeros(400, 1, 1, 8).scatter(3, order[:, None, None, :4], 1.0)
    for count in (1, 2, 3, 4):
        A = Inpainting(masks[:count])
        seen = masks[:count].amax(0).sum()
        ranks.append(int(torch.linalg.matrix_rank(dense(A, LINE))))
        assert ranks[-1] == seen
    typical = [masks.unflatten(0, (-1, g)).amax(1).sum(-1).median() for g in (1, 2, 4, 5)]
    assert [int(t) for t in typical[:2]] == [4, 6]
    assert ranks[0] == 4 and ranks == sorted(ranks)


def test_four_masks_that_see_everything():
    """4, 6, 7 and 8 pixels seen by one, two, three and four masks."""
    masks = torch.cat([line(*p) for p in ((0, 1, 2, 3), (2, 3, 4, 5), (1, 3, 5, 6), (0, 4, 5, 7))])
    A = Inpainting(masks[:, None, None])
    ranks = [int(torch.linalg.matrix_rank(dense(A[: g + 1], LINE))) for g in range(4)]
    assert ranks == [4, 6, 7, 8]


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: groups.Shift(0), "limit is 0"),
        (lambda: groups.Rotation(7), "step is 7; it must divide 360 degrees"),
        (lambda: groups.Rotation(-1), "step is -1"),
        (
            lambda: groups.Rotation().draw(torch.ones(1, 1, 4, 5))(torch.ones(1, 1, 4, 5)),
            r"was made for \(B, C, N, N\)",
        ),
        (lambda: groups.Shift().draw(torch.ones(4, 5)), r"images are \(B, C, H, W\)"),
    ],
)
def test_bad_input_is_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()
