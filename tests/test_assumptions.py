"""What the data contradict is said in one sentence, and of sound data nothing is said."""

import warnings

import pytest
import torch
from montecarlo import generator

from course_lib import assumptions, data, groups, losses, models, noise, operators, training
from course_lib.assumptions import AssumptionWarning

I = operators.Identity()  # noqa: E741
SETS = {name: data.load(name)[:, :1] for name in ("digits", "mri", "particles")}
SETS["photos"] = data.load("photos", "train", 64)


def images(name, seed=0, count=8):
    x = SETS[name]
    return x[torch.randint(len(x), (count,), generator=generator(seed))][..., :64, :64].clamp(0, 1)


def said(loss, y, A=I, law=None):
    """The sentences of `report`."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        told = assumptions.report(loss, y, A, law)
    caught = [w for w in caught if w.category is AssumptionWarning]  # Python may warn of its own
    assert len(caught) == told
    return str(caught[0].message) if caught else ""


LAWS = {
    "weak": noise.Gaussian(0.003),
    "white": noise.Gaussian(0.05),
    "strong": noise.Gaussian(0.5),
    "photons": noise.Poisson(0.002),
    "few photons": noise.Poisson(0.2),
    "hardly any photon": noise.Poisson(5.0),
    "one look": noise.Gamma(1),
    "looks": noise.Gamma(25),
    "camera": noise.PoissonGaussian(0.02, 0.05),
}


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("law", LAWS)
def test_of_sound_data_nothing_is_said(name, law):
    model = LAWS[law]
    for seed in range(2):
        y = model(images(name, seed), generator(seed + 10))
        assert not said(losses.SURE(model), y)
        assert not said(losses.R2R(model), y) if law != "camera" else True
        assert not said(losses.SURE(model) + 0.1 * losses.MeasurementConsistency(), y)
        for loss in (losses.Noise2Void(), losses.Noise2Self(), losses.UNSUREPoissonGaussian()):
            assert not said(loss, y)
        if isinstance(model, noise.Gaussian):
            assert not said(losses.UNSURE(), y) and not said(losses.BlindNoise2Score(), y)


@pytest.mark.parametrize("name", SETS)
def test_nothing_is_assumed_of_data_without_noise(name):
    x = images(name)
    for loss in (losses.MeasurementConsistency(), losses.Supervised(), losses.Noise2Noise()):
        assert not said(loss, (x, x) if isinstance(loss, losses.Noise2Noise) else x)
    for loss in (losses.Noise2Void(), losses.Splitting(), losses.UNSURE()):
        assert not said(loss, x)


def test_of_incomplete_data_nothing_is_said():
    x, g = images("photos"), generator()
    mri = operators.MRI(operators.masks.gaussian((64, 64), acceleration=4, count=8))
    cases = [
        (mri, torch.cat([x, 0.3 * x], 1)),
        (operators.Inpainting((torch.rand(8, 1, 64, 64, generator=g) < 0.5).float()), x),
        (operators.Blur(torch.ones(3, 3) / 9), x),
    ]
    for sigma in (0.002, 0.05):
        for A, image in cases:
            law = noise.Gaussian(sigma)
            y = data.simulate(image, A, law).tensors[0]
            assert not said(losses.SURE(law), y, A) and not said(losses.UNSURE(), y, A)
            assert not said(losses.SURE(law), y, A, law)


def test_of_eight_bits_and_levels_that_travel_nothing_is_said():
    x = 0.2 + 0.5 * images("photos")
    y = noise.Gaussian(0.03)(x, generator())
    for loss in (losses.SURE(noise.Gaussian(0.03)), losses.UNSURE(), losses.Noise2Void()):
        assert not said(loss, (255 * y).round() / 255)
    law = noise.HeteroscedasticGaussian(torch.linspace(0.02, 0.2, 8).view(8, 1, 1, 1))
    assert not said(losses.SURE(noise.Gaussian(1.0)), law(x, generator()), law=law)


BOX = torch.ones(2, 2) / 2
BROKEN = {
    "clipped": (lambda x, g: noise.Gaussian(0.1)(x, g).clamp(0, 1), "extremes of their image"),
    "eight bits, clipped": (
        lambda x, g: (255 * noise.Gaussian(0.1)(x, g)).round().clamp(0, 255) / 255,
        "extremes of their image",
    ),
    "shared": (
        lambda x, g: noise.CorrelatedGaussian(0.1 * BOX)(x, g),
        "neighbours share",
    ),
    "shared along rows": (
        lambda x, g: noise.CorrelatedGaussian(0.1 * torch.ones(1, 2) / 2**0.5)(x, g),
        "neighbours share",
    ),
}


@pytest.mark.parametrize("name", ["photos", "mri"])
@pytest.mark.parametrize("case", BROKEN)
def test_of_a_broken_assumption_one_sentence_is_said(case, name):
    make, words = BROKEN[case]
    for seed in range(3):
        y = make(images(name, seed), generator(seed + 20))
        for loss in (
            losses.SURE(noise.Gaussian(0.1)),
            losses.UNSURE(),
            losses.R2R(noise.Gaussian(0.1)),
        ):
            assert words in said(loss, y)


@pytest.mark.parametrize("name", SETS)
def test_noise_weaker_than_told_is_sure_far_below_zero(name):
    y = noise.Gaussian(0.1)(images(name), generator())
    assert "SURE is far below 0" in said(losses.SURE(noise.Gaussian(0.17)), y)
    assert "SURE is far below 0" in said(
        losses.SURE(noise.Gaussian(0.1)), y, law=noise.Gaussian(0.2)
    )
    if name != "digits":  # too few pixels are not black
        y = noise.PoissonGaussian(0.02, 0.01)(images(name), generator())
        assert "far below 0" in said(losses.SURE(noise.PoissonGaussian(0.07, 0.01)), y)


def test_saturated_counts_are_clipped_and_black_ones_are_not():
    y = noise.Poisson(0.02)(images("photos"), generator())
    assert "extremes" in said(losses.SURE(noise.Poisson(0.02)), y.clamp_max(0.5))
    assert not said(losses.SURE(noise.Poisson(0.02)), y * (torch.arange(64) > 20))


def test_the_right_loss_for_shared_noise_is_not_reproached():
    law = noise.CorrelatedGaussian(0.1 * BOX)
    y = law(images("photos"), generator())
    assert not said(losses.SURE(law), y) and not said(losses.UNSURECorrelated(), y)


# --- While training. ---


class Scale(torch.nn.Module):
    """f(y) = a y: cannot learn any noise by heart."""

    def __init__(self, a=1.0):
        super().__init__()
        self.a = torch.nn.Parameter(torch.tensor(a))

    def forward(self, y, A):
        return self.a * A.pinv(y)


def told_by_fit(f, loss, measurements, steps=60):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        training.fit(f, loss, measurements, steps=steps, every=20, progress=False)
    return [str(w.message) for w in caught if w.category is AssumptionWarning]


def test_a_training_loop_says_it_once():
    x = images("photos", count=16)
    clipped = data.Measurements(noise.Gaussian(0.1)(x, generator()).clamp(0, 1), I)
    assert len(told_by_fit(Scale(), losses.UNSURE(), clipped)) == 1


class Mean(Scale):
    """f(y) = a times the mean of the image: with hardly any noise in it."""

    def forward(self, y, A):
        x = A.pinv(y)
        return self.a * x.mean((2, 3), keepdim=True).expand_as(x)


def flat_k_space(sigma):
    x = 0.5 + torch.rand(16, 2, 1, 1, generator=generator()).expand(16, 2, 16, 16)
    A = operators.MRI(operators.masks.gaussian((16, 16), acceleration=2, count=16))
    return data.simulate(x, A, noise.Gaussian(sigma))


@pytest.mark.parametrize("term", [None, losses.MOI()])
def test_a_risk_below_zero_is_said_where_details_can_not_tell(term):
    """Few entries, and an operator: only the values of the loss show that σ is a third of it."""
    for sigma, count in ((0.1, 1), (0.3, 0)):
        loss = losses.SURE(noise.Gaussian(0.3))
        loss = loss if term is None else loss + 0.1 * term
        found = told_by_fit(Mean(), loss, flat_k_space(sigma))
        assert len(found) == count
        assert all("puts the risk at -" in f and "far below 0" in f for f in found)


def test_a_multiplier_that_runs_away_is_said():
    sound = data.simulate(images("photos", count=16), I, noise.Gaussian(0.1), crop=32)
    f = models.BackProjection(models.UNet(widths=(4, 8)))
    assert not told_by_fit(f, losses.UNSURE(), sound)
    frozen = Scale()
    frozen.a.register_hook(lambda gradient: 0 * gradient)  # f(y) = y: its divergence stays 1
    (sentence,) = told_by_fit(frozen, losses.UNSURE(rate=0.2), sound)
    assert "run away" in sentence
    (sentence,) = told_by_fit(Scale(0.0), losses.UNSURE(eta=1e-5), sound, steps=20)
    assert "tends to 0" in sentence


@pytest.mark.parametrize("loss", [losses.UNSURECorrelated(), losses.UNSUREPoissonGaussian()])
def test_of_its_family_too(loss):
    y = noise.PoissonGaussian(0.02, 0.05)(images("photos"), generator())
    assert not assumptions.report_values(loss, [], y, I)
    loss.eval()(lambda u, A: u, y, I, generator=generator())
    assert not assumptions.report_values(loss, [], y, I)
    loss.eta *= 1e3
    with pytest.warns(AssumptionWarning, match="run away"):
        assert assumptions.report_values(loss, [], y, I)


@pytest.mark.parametrize("law", [noise.Poisson(0.02), noise.Gamma(25)])
def test_the_noise_of_one_batch_is_not_taken_for_that_of_all(law):
    """Dark batches, and a bright one at which the check looks: R2R's offset is not the same."""
    loss, g = losses.R2R(law), generator()
    dark = law(torch.full((8, 1, 32, 32), 0.05), g)
    values = [float(loss(lambda y, A: y.mean() + 0 * y, dark, I, generator=g)) for _ in range(40)]
    bright = law(torch.full((8, 1, 32, 32), 0.9), g)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not assumptions.report_values(loss, values, bright, I)


@pytest.mark.parametrize(
    "A, group, useless",
    [
        (operators.Blur(torch.ones(3, 3) / 9), groups.Shift(), True),
        (operators.Blur(torch.ones(3, 3) / 9), groups.Scale(), False),
        (operators.Inpainting(torch.rand(1, 1, 16, 16) < 0.5), groups.Shift(), False),
        (operators.Inpainting(torch.rand(4, 1, 16, 16) < 0.5), groups.Shift(), False),
        (operators.Radon(torch.arange(0.0, 180, 20), 16), groups.Rotation(90), False),
    ],
    ids=["blur, shifts", "blur, scale", "inpainting, shifts", "masks, shifts", "CT, turns"],
)
def test_a_group_that_A_commutes_with_is_told(A, group, useless):
    y = A(torch.rand(4, 1, 16, 16, generator=generator()))
    loss = losses.MeasurementConsistency() + losses.EI(group)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        if useless:
            with pytest.raises(assumptions.AssumptionWarning, match="AᵀA commutes with Shift"):
                assumptions.report(loss, y, A)
        else:
            assert not assumptions.report(loss, y, A)
