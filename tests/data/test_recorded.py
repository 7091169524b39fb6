"""Recorded measurements: checked against A, with their own law, through batches, crops, loaders."""

import copy

import pytest
import torch
from montecarlo import generator
from torch.utils.data import DataLoader, Subset, random_split

from course_lib import data, losses, models, noise, operators, training

I = operators.Identity()  # noqa: E741
LAW = noise.Gaussian(0.1)


def columns(n=4, size=16):
    return operators.MRI(operators.masks.gaussian((size, size), 4, count=n, generator=generator()))


A = columns()
K = A(torch.randn(4, 2, 16, 16, generator=generator(1)))


def test_recorded_y_is_held_as_it_was_and_is_the_sets_own():
    y = K.clone()
    items = data.Measurements(y, A)
    assert torch.equal(items.tensors[0], K)
    y.zero_()
    assert torch.equal(items.batch(torch.arange(4))[0], K)


def test_a_recorded_pair_is_a_pair():
    y_a, y_b = torch.rand(3, 1, 8, 8), torch.rand(3, 1, 8, 8)
    pair, _ = data.Measurements((y_a, y_b), I).batch(torch.tensor([2, 0]))
    assert torch.equal(pair[0], y_a[[2, 0]]) and torch.equal(pair[1], y_b[[2, 0]])
    assert losses.Noise2Noise()(lambda y, A: y, pair, I) == (pair[0] - pair[1]).square().mean()


def test_what_the_operator_does_not_measure_is_no_measurement():
    """Fully sampled k-space given with a mask: the rest would be the ground truth."""
    full = torch.randn(4, 2, 16, 16, generator=generator(2))
    kept = data.Measurements(full, A).tensors[0]
    assert torch.equal(kept, A.mask * full) and (full[A.mask.expand_as(full) == 0] != 0).all()


@pytest.mark.parametrize(
    "make, told",
    [
        (lambda: data.Measurements(K[:3], A), "4 operators for 3 measurements"),
        (lambda: data.Measurements(K[..., :9], A), "16, 9.* MRI was made for"),
        (lambda: data.Measurements(K[:, :1], A), "1.* MRI (takes|was made for).* 2"),
        (lambda: data.Measurements(torch.rand(2, 1, 3, 9), operators.Radon([0.0], 8)), "Radon was"),
        (lambda: data.Measurements((K, K[:2]), A), "a copy of y has shape"),
        (lambda: data.Measurements((), A), "empty"),
        (lambda: data.Measurements(K[:0], A), "no image at all"),
        (lambda: data.Measurements(K * torch.nan, A), "NaN"),
        (lambda: data.Measurements(K.int(), A), "int32"),
        (lambda: data.Measurements(K, None), "A is a NoneType"),
        (lambda: data.Measurements(K, A, noise=0.1), "noise is a float"),
        (lambda: data.simulate(K, I, 0.1), "noise is a float"),
        (lambda: data.Measurements(K, A, crop=4), "crop = 4 needs A = I"),
        (
            lambda: data.Measurements(
                K, A, noise=noise.HeteroscedasticGaussian(torch.ones(3, 1, 1, 1))
            ),
            "3 laws for 4",
        ),
        (lambda: data.Measurements(K, A, LAW), "positional"),  # the old form: images and a law
    ],
)  # fmt: skip
def test_what_can_not_be_is_refused(make, told):
    with pytest.raises((ValueError, TypeError), match=told):
        make()


SIGMA = torch.tensor([0.02, 0.2, 0.5]).view(3, 1, 1, 1)


@pytest.mark.parametrize("crop", [None, 8])
def test_the_level_of_an_image_travels_with_it(crop):
    law = noise.HeteroscedasticGaussian(SIGMA)
    items = data.simulate(torch.zeros(3, 1, 64, 64), I, law, crop=crop)
    order = torch.tensor([2, 0, 2, 1])
    y, _, own = items.batch(order, generator())
    assert torch.equal(own.sigma, SIGMA[order])
    assert torch.allclose((y / own.sigma).std((1, 2, 3)), torch.ones(4), atol=0.3)
    y1, y2 = own.split(y, 0.5, generator())
    assert torch.allclose((y1 - y2).std((1, 2, 3)), 2 * own.sigma.flatten(), rtol=0.3)


def test_a_map_of_levels_is_cut_turned_and_flipped_with_its_image():
    sigma = torch.rand(2, 1, 12, 20, generator=generator()) + 0.5
    items = data.Measurements(sigma, I, noise=noise.HeteroscedasticGaussian(sigma), crop=5)
    y, _, own = items.batch(torch.tensor([0, 1, 1, 0, 1, 0]), generator(3))
    assert torch.equal(own.sigma, y)
    rows = noise.HeteroscedasticGaussian(torch.rand(12, 1) + 0.1)  # one for all, along the rows
    y, _, own = data.simulate(torch.zeros(2, 1, 12, 20), I, rows, crop=5).batch(torch.arange(2))
    assert own.sigma.shape == y.shape


def test_one_law_for_all_stays_with_the_loss():
    """Then the batch is (y, A), and a loss that is told another level is believed."""
    assert len(data.simulate(torch.zeros(2, 1, 8, 8), I, LAW).batch(torch.arange(2))) == 2


WITH_A_LAW = {
    "SURE": losses.SURE,
    "R2R": losses.R2R,
    "Noisier2Noise": losses.Noisier2Noise,
    "RobustSSDU": lambda law: losses.RobustSSDU(law, 0.4),
    "RobustSSDU sure": lambda law: losses.RobustSSDU(law, 0.4, kept="sure"),
    "ENSURE": lambda law: losses.ENSURE(law, 0.5),
    "Noise2Score": losses.Noise2Score,
    "BlindSpotSURE": losses.BlindSpotSURE,
    "BlindSpotLikelihood": losses.BlindSpotLikelihood,
    "a sum": lambda law: losses.SURE(law) + losses.R2R(law),
}


@pytest.mark.parametrize("name", WITH_A_LAW)
def test_a_law_that_comes_with_y_replaces_the_losss_own(name):
    law = noise.HeteroscedasticGaussian(SIGMA)
    y = law(torch.rand(3, 1, 8, 8, generator=generator()), generator=generator(1))
    told, right = WITH_A_LAW[name](noise.Gaussian(0.7)), WITH_A_LAW[name](law)

    def f(y, A):
        return torch.cat([0.5 * y] * (2 if "Blind" in name else 1), 1)

    def value(loss, *given):
        return loss(f, y, I, *given, generator=generator(2))

    assert value(told, law) == value(right) != value(told)
    x_hat = told.reconstruct(f, y, I, law, generator=generator(2))
    assert torch.equal(x_hat, right.reconstruct(f, y, I, generator=generator(2)))


@pytest.mark.parametrize("loss", [losses.SURE(LAW), losses.R2R(LAW), losses.Noise2Score(LAW)])
def test_training_uses_the_law_of_each_image(loss):
    """f = c y on zeros: the best c is 0 under every image's own σ; told 0.1 alone it is not."""
    items = data.simulate(
        torch.zeros(30, 1, 32, 32), I, noise.HeteroscedasticGaussian(SIGMA.repeat(10, 1, 1, 1))
    )

    class Scale(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.c = torch.nn.Parameter(torch.tensor(0.5))

        def forward(self, y, A):
            return self.c * y

    found = []
    for told in (items, data.Measurements(items.tensors[0], I)):
        f = Scale()
        training.fit(f, copy.deepcopy(loss), told, steps=150, lr=0.05, progress=False)
        found.append(float(f.c.detach()))
    assert abs(found[0]) < 0.05 < 0.3 < found[1]


def test_sure_is_right_on_zero_filled_k_space():
    """Unmeasured entries count for nothing, recorded as 0 or simulated with noise everywhere."""
    x = torch.randn(400, 2, 16, 16, generator=generator(2))
    many, law = columns(400), noise.Gaussian(0.5)
    everywhere = law(many(x), generator=generator(3))

    def f(y, A):
        return 0.9 * A.pinv(y)

    for method in ("antithetic", "mc", "hutchinson"):
        loss = losses.SURE(law, method).eval()
        values = [
            loss(f, y, many, generator=generator(4)) for y in (everywhere, many.mask * everywhere)
        ]
        risk = (many(f(everywhere, many)) - many(x)).square().mean()
        assert torch.equal(*values) and abs(values[0] - risk) < 0.05 * risk, method


def test_torchs_loader_makes_the_batches_that_a_loss_takes():
    items = data.Measurements(K, A)
    (y, B), *rest = DataLoader(items, batch_size=3)
    assert torch.equal(y, K[:3]) and torch.equal(B.mask, A.mask[:3]) and len(rest) == 1
    law = noise.HeteroscedasticGaussian(0.1 + torch.rand(4, 1, 1, 1))
    y, B, own = next(iter(DataLoader(data.Measurements(K, A, noise=law), batch_size=4)))
    assert torch.equal(own.sigma, law.sigma) and torch.allclose(B(A.adjoint(y)), K, atol=1e-5)
    ((pair, _),) = DataLoader(data.Measurements((K, K), A), batch_size=4)
    assert torch.equal(pair[1], K)
    y, B, x = next(iter(DataLoader(data.Pairs(torch.rand(4, 2, 16, 16), A, LAW), batch_size=2)))
    assert losses.Supervised()(lambda y, A: A.pinv(y), y, B, x) > 0
    nested = operators.Inpainting(A.mask) @ A
    assert next(iter(DataLoader(data.Measurements(K, nested), batch_size=4)))[1].count == 4


def test_one_operator_for_all_stays_one_behind_the_loader():
    shared = operators.Inpainting(torch.ones(16, 16))
    _, B = next(iter(DataLoader(data.Measurements(K, shared), batch_size=4)))
    assert B.count == 1


def test_subsets_and_random_splits_train_like_the_set_itself():
    items = data.Measurements(K, A)
    one, two = random_split(items, [3, 1], generator=generator())
    y, B = data.batch_of(one, torch.tensor([1, 0]))
    chosen = [one.indices[1], one.indices[0]]
    assert torch.equal(y, K[chosen]) and torch.equal(B.mask, A.mask[chosen])
    f = models.MoDL(models.UNet(channels=2, widths=(2, 4)), iterations=1)
    history = training.fit(f, losses.SURE(LAW), one, steps=2, batch=2, held_out=two, progress=False)
    assert len(history.loss) == 2 and len(history.held_out) == 1
    nested = Subset(Subset(items, [3, 2, 1]), [2, 0])
    assert torch.equal(data.batch_of(nested, torch.arange(2))[0], K[[1, 3]])


def test_any_items_train():
    """A data set of somebody else: (y_i, A_i) from __getitem__ is enough."""
    items = [(K[i], A[i]) for i in range(4)]
    y, B = data.batch_of(items, torch.tensor([3, 1]))
    assert torch.equal(y, K[[3, 1]]) and B.count == 2
    with pytest.raises(TypeError, match="int is no data set.*__len__ and batch"):
        data.batch_of(3, torch.arange(1))


def test_supervised_training_without_truth_names_pairs():
    for items in (data.Measurements(K, A), data.Measurements(K, A, noise=LAW)):
        with pytest.raises(TypeError, match="data.Pairs"):
            losses.Supervised()(lambda y, A: A.pinv(y), *items.batch(torch.arange(4)))
    truth = data.Pairs(torch.rand(4, 2, 16, 16), A, LAW)
    with pytest.raises(TypeError, match="never sees x"):
        losses.SURE(LAW)(lambda y, A: A.pinv(y), *truth.batch(torch.arange(4)))


@pytest.mark.parametrize("i", [4, -5])
def test_an_item_beyond_the_last_ends_a_loop(i):
    with pytest.raises(IndexError):
        data.Measurements(K, A)[i]
    assert len(list(data.Measurements(K, A))) == 4
