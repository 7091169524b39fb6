"""The blind spot by autograd on every pixel, and each way to open it by mistake."""

import pytest
import torch
from montecarlo import generator
from problems import mutant

from course_lib.models import blind_spot
from course_lib.models.blind_spot import BlindSpot
from course_lib.models.pixel_shuffle import PixelShuffle, cut, join

WIDTHS = (4, 6, 6)


def net(seed=0, kind=BlindSpot, **options):
    torch.manual_seed(seed)
    return kind(widths=WIDTHS, hidden=8, **options).double()


def images(*shape, seed=0):
    return torch.randn(*shape, generator=generator(seed), dtype=torch.float64)


def jacobian(f, y):
    """Σ over output channels of |∂f_i/∂y_j|, for one gray image: (pixels, pixels)."""
    J = torch.autograd.functional.jacobian(f, y, vectorize=True)
    n = y.numel()
    return J.reshape(-1, n, n).abs().sum(0)


def seen(make, shape=(8, 8), seeds=3):
    """The largest |∂f_i/∂y_j| over weights and images: what i can see, and what it cannot."""
    parts = [jacobian(make(seed), images(1, 1, *shape, seed=seed)) for seed in range(seeds)]
    return torch.stack(parts).amax(0)


def assert_blind_and_complete(make, shape=(8, 8)):
    """Exactly zero on the diagonal, and on it alone."""
    J = seen(make, shape)
    assert (J.diagonal() == 0).all(), "a pixel sees itself"
    assert (J + torch.eye(len(J)) > 0).all(), "a pixel misses another"


@pytest.mark.parametrize("spread", [False, True])
@pytest.mark.parametrize("shape", [(8, 8), (4, 12), (16, 8)])
def test_each_pixel_sees_every_pixel_but_itself(shape, spread):
    assert_blind_and_complete(lambda seed: net(seed, spread=spread), shape)


def test_the_check_sees_that_a_u_net_is_not_blind():
    from course_lib.models import UNet

    def make(seed):
        torch.manual_seed(seed)
        return UNet(widths=(4, 6)).double()

    with pytest.raises(AssertionError, match="sees itself"):
        assert_blind_and_complete(make)


MUTANTS = {  # of the class: the change, and what the check then says
    "output not moved": ("shift(self.features(y, pool))", "self.features(y, pool)",
                         "sees itself"),
    "two rotations": ("((0, 2), (1, 3))", "((0, 2), (0, 2))", "misses"),
    "one rotation": ("((0, 2), (1, 3))", "((0, 0), (0, 0))", "misses"),
    "not turned back": ("u.rot90(-k, (2, 3))", "u", "sees itself"),
    "turned twice instead of back": ("u.rot90(-k, (2, 3))", "u.rot90(k, (2, 3))", "sees itself"),
    "pool without shift": ("(y, pool)", "(y, nn.AvgPool2d(2))", "sees itself"),
    "a wider convolution at the end": ("self.join(torch.cat(views, dim=1))",
        "self.join(nn.functional.avg_pool2d(torch.cat(views, dim=1), 3, 1, 1))", "sees itself"),
    "a residual": ("mu = near(y) +", "mu = y +", "sees itself"),
}  # fmt: skip


@pytest.mark.parametrize("name", MUTANTS)
def test_a_mutant_of_the_network_is_caught(name):
    old, new, words = MUTANTS[name]
    changed = mutant(BlindSpot, old, new)
    with pytest.raises(AssertionError, match=words):
        assert_blind_and_complete(lambda seed: net(seed, changed))


PARTS = {
    "convolution that looks down": (blind_spot.Up, "[..., :-2, :]", "[..., 2:, :]", "sees itself"),
    "convolution that looks both ways": (blind_spot.Up, "[..., :-2, :]", "[..., 1:-1, :]",
                                         "sees itself"),
    "shift up": (blind_spot.shift, "(0, 0, 1, 0))[..., :-1, :]", "(0, 0, 0, 1))[..., 1:, :]",
                 "sees itself"),
    "shift by two": (blind_spot.shift, "(0, 0, 1, 0))[..., :-1, :]", "(0, 0, 2, 0))[..., :-2, :]",
                     "misses"),
    "shift that repeats the border": (blind_spot.shift, "(u, (0, 0, 1, 0))",
                                      "(u, (0, 0, 1, 0), mode='replicate')", "sees itself"),
    "shift around the border": (blind_spot.shift,
                                "nn.functional.pad(u, (0, 0, 1, 0))[..., :-1, :]", "u.roll(1, 2)",
                                "sees itself"),
    "neighbours and the pixel": (blind_spot.near, "[2, 0, 2]", "[2, 1, 2]", "sees itself"),
    "neighbours repeated at the border": (blind_spot.near, '"reflect"', '"replicate"',
                                          "sees itself"),
    "pool not shifted": (blind_spot.pool, "avg_pool2d(shift(u), 2)", "avg_pool2d(u, 2)", "itself"),
}  # fmt: skip


@pytest.mark.parametrize("name", PARTS)
def test_a_mutant_of_a_part_is_caught(name, monkeypatch):
    target, old, new, words = PARTS[name]
    monkeypatch.setattr(blind_spot, target.__name__, mutant(target, old, new))
    with pytest.raises(AssertionError, match=words):
        assert_blind_and_complete(net)


def test_shapes_and_images_of_a_batch_apart():
    f, y = net(spread=True, channels=2), images(3, 2, 8, 12)
    assert f(y).shape == (3, 4, 8, 12)
    changed = torch.cat([y[:2], 100 * y[2:]])
    torch.testing.assert_close(f(y)[:2], f(changed)[:2], rtol=1e-12, atol=1e-14)


def test_colours_of_the_same_pixel_are_hidden_too():
    f, y = net(channels=2), images(1, 2, 4, 4)
    J = torch.autograd.functional.jacobian(f, y).reshape(2, 16, 2, 16)
    assert (J.diagonal(dim1=1, dim2=3) == 0).all() and J.abs().sum() > 0


def test_the_budget():
    full = BlindSpot(spread=True)
    assert sum(p.numel() for p in full.parameters()) <= 125_000


def test_gradients_reach_every_weight():
    f = net(spread=True)
    f(images(2, 1, 8, 8)).square().sum().backward()
    assert all(weight.grad.abs().sum() > 0 for weight in f.parameters())


@pytest.mark.parametrize(
    "shape, words",
    [
        ((1, 1, 2, 8), "at least 4, for this BlindSpot"),
        ((1, 1, 8, 10), "multiples of 4"),
        ((1, 3, 8, 8), "made for 1"),
        ((1, 8, 8), "images are"),
    ],
)
def test_an_image_that_does_not_fit_is_refused(shape, words):
    with pytest.raises(ValueError, match=words):
        net()(images(*shape))


def test_one_pixel_has_no_neighbours():
    with pytest.raises(ValueError, match="at least 2, for this BlindSpot"):
        BlindSpot(widths=(4,))(torch.zeros(1, 1, 1, 1))


# The pixel shuffle


def test_cut_takes_every_sth_pixel_and_join_undoes_it():
    y = images(2, 3, 6, 12)
    parts = cut(y, 3)
    assert parts.shape == (18, 3, 2, 4)
    assert torch.equal(parts[3 * 1 + 2], y[0, :, 1::3, 2::3])
    assert torch.equal(parts[9 + 0], y[1, :, 0::3, 0::3])
    assert torch.equal(join(parts, 3), y)


def grid(shape, s):
    """Do pixels i and j lie on the same of the s² grids? (pixels, pixels)"""
    rows, columns = torch.meshgrid(*map(torch.arange, shape), indexing="ij")
    of = (rows % s * s + columns % s).flatten()
    return of[:, None] == of


def assert_sees_its_grid_alone(make, shape=(8, 16), s=2):
    J, same = seen(make, shape), grid(shape, s)
    other = same & ~torch.eye(len(J), dtype=torch.bool)
    assert (J[~other] == 0).all() and (J[other] > 0).all()


@pytest.mark.parametrize("s", [1, 2])
@pytest.mark.parametrize("training", [True, False])
def test_a_shuffled_blind_spot_does_not_see_the_neighbours_either(training, s):
    """In both modes alike: what is scored is what was trained and what is used."""

    def make(seed):
        return PixelShuffle(net(seed), stride=s).train(training)

    assert_sees_its_grid_alone(make, (8, 16), s)


def test_a_mutant_of_the_shuffle_is_caught(monkeypatch):
    from course_lib.models import pixel_shuffle

    blocks = mutant(cut, "(B, C, H // s, s, W // s, s).permute(0, 3, 5, 1, 2, 4)",
                    "(B, C, s, H // s, s, W // s).permute(0, 2, 4, 1, 3, 5)")  # fmt: skip
    monkeypatch.setattr(pixel_shuffle, "cut", blocks)
    with pytest.raises(AssertionError):
        assert_sees_its_grid_alone(lambda seed: PixelShuffle(net(seed), stride=2))


def test_the_shuffle_keeps_more_output_channels():
    f = PixelShuffle(net(spread=True), stride=2)
    assert f(images(2, 1, 8, 16)).shape == (2, 2, 8, 16)


@pytest.mark.parametrize("shape", [(12, 16), (4, 8)])
def test_a_size_that_the_shuffle_cannot_cut_is_refused(shape):
    with pytest.raises(ValueError, match="multiples of 8, at least 8, for this PixelShuffle"):
        PixelShuffle(net(), stride=2)(images(1, 1, *shape))


def test_a_stride_below_one_is_refused():
    with pytest.raises(ValueError, match="stride is 0"):
        PixelShuffle(net(), stride=0)
