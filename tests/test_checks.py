"""Bad input: one sentence that names the value and says what to do."""

import pytest
import torch
from montecarlo import generator

from course_lib import losses, metrics, models, noise, operators, training, validation
from course_lib.data import Pairs, simulate

A = operators.Identity()
GAUSSIAN, POISSON = noise.Gaussian(0.1), noise.Poisson(0.1)
X = torch.rand(2, 1, 8, 8, generator=generator())
Y = POISSON(X, generator(1))
NAN = torch.where(torch.arange(8) == 3, torch.nan, X)


def f(y, A):
    return 0.5 * y


def unet():
    return models.BackProjection(models.UNet(widths=(2, 4, 4)))


IMAGES = {  # wrong shape, channels, type, values
    "two axes": (
        lambda: simulate(X[0, 0], A, GAUSSIAN),
        r"x has shape \(8, 8\).*x\[None, None",
    ),
    "three axes": (
        lambda: operators.Blur(torch.ones(2, 2))(X[0]),
        r"\(1, 8, 8\); images are \(B, C",
    ),
    "no tensor": (lambda: losses.SURE(GAUSSIAN)(f, [1.0], A), "y is a list; make it a tensor with"),
    "integers": (
        lambda: simulate((255 * X).byte(), A, GAUSSIAN),
        r"x holds torch.uint8 values; "
        r"scale it first, e.g. x.float\(\) / 255",
    ),
    "integer y": (
        lambda: losses.SURE(GAUSSIAN)(f, (255 * X).int(), A),
        "y holds torch.int32 values",
    ),
    "integer x": (lambda: losses.Supervised()(f, X, A, X.long()), "x holds torch.int64 values"),
    "NaN": (
        lambda: simulate(NAN, A, GAUSSIAN),
        "x holds 16 NaN or infinite values; replace or",
    ),
    "NaN in y": (lambda: losses.R2R(GAUSSIAN)(f, NAN, A), "y holds 16 NaN or infinite values"),
    "NaN in a pair": (lambda: losses.Noise2Noise()(f, (X, NAN), A), "y_b holds 16 NaN"),
    "infinite": (lambda: unet()(X / 0, A), "y holds 128 NaN or infinite values"),
    "channels": (
        lambda: unet()(X.expand(-1, 3, -1, -1), A),
        "y has 3 channels; this UNet was made for 1: make one with channels=3",
    ),
    "odd size": (
        lambda: unet()(X[..., :6], A),
        r"y is \(8, 6\) pixels; crop or pad it to multiples of 4",
    ),
    "f changes the shape": (
        lambda: losses.SURE(GAUSSIAN)(lambda y, A: y[..., :4], X, A),
        r"A f\(y, A\) has shape \(2, 1, 8, 4\) and y \(2, 1, 8, 8\)",
    ),
    "x of another shape": (
        lambda: losses.Supervised()(f, X, A, X[:1]),
        r"and x \(1, 1, 8, 8\); they must",
    ),
    "y is no pair": (
        lambda: losses.Noise2Noise()(f, X, A),
        "takes y of 2, not of 1 noisy copies; use R2R for one",
    ),
    "a pair for one": (lambda: losses.SURE(GAUSSIAN)(f, (X, X), A), "SURE takes y of 1, not of 2"),
    "integers compared": (
        lambda: metrics.psnr((255 * X).byte(), X),
        "x_hat holds torch.uint8 values; scale it first",
    ),
    "channels of a DnCNN": (
        lambda: models.DnCNN()(X.expand(-1, 2, -1, -1)),
        "y has 2 channels; this DnCNN was made for 1: make one with channels=2",
    ),
    "channels of a blind spot": (
        lambda: models.BlindSpot(widths=(2, 4))(X.expand(-1, 2, -1, -1)),
        "y has 2 channels; this BlindSpot was made for 1: make one with channels=2",
    ),
    "smaller than the lags": (
        lambda: losses.UNSURECorrelated(reach=4)(f, X, A),
        r"y is .*8, 8\), too small for a reach of 4; it needs at least 9",
    ),
    "unequal pair": (
        lambda: losses.Noise2Noise()(f, (X, X[:1]), A),
        r"y_a has shape .* and y_b \(1,",
    ),
}

NUMBERS = {  # levels and fractions
    **{
        f"sigma {bad:g}": (
            lambda bad=bad: noise.Gaussian(bad),
            f"sigma is {bad:g}; it must be a pos",
        )
        for bad in (0.0, -0.1, float("inf"), float("nan"))
    },
    "gain": (lambda: noise.Poisson(0), "gain is 0; it must be a positive number"),
    "looks": (lambda: noise.Gamma(-1), "looks is -1; it must be a positive number"),
    "read-out": (lambda: noise.PoissonGaussian(0.1, 0), "sigma is 0; it must be a positive number"),
    "trials": (lambda: noise.Binomial(2.5), "trials is 2.5; it must be a whole number"),
    "one trial": (
        lambda: noise.Binomial(1),
        "trials is 1; it must be at least 2",
    ),
    **{
        f"{loss} alpha {bad:g}": (
            lambda loss=loss, bad=bad: getattr(losses, loss)(GAUSSIAN, bad),
            f"alpha is {bad:g}; it must lie strictly between 0 and 1",
        )
        for loss in ("R2R", "Noisier2Noise")
        for bad in (0.0, 1.0, -0.2, 1.5, float("nan"))
    },
    "split alpha": (lambda: GAUSSIAN.split(X, 1.0), "alpha is 1; it must lie strictly between"),
    "draws": (lambda: losses.R2R(GAUSSIAN, draws=0), "draws is 0; it must be a whole number"),
    "tau": (lambda: losses.SURE(GAUSSIAN, tau=0), "tau is 0; it must be a positive number"),
    "eta": (lambda: losses.UNSURE(eta=0), "eta is 0; it must be a positive number"),
    "rate": (lambda: losses.UNSURE(rate=-1), "rate is -1; it must be a positive number"),
    "momentum": (lambda: losses.UNSURE(momentum=1), r"momentum is 1; it must lie in \[0, 1\)"),
    "method": (
        lambda: losses.SURE(GAUSSIAN, "exakt"),
        "method is 'exakt'; use .*'hutchinson' or 'exact'",
    ),
    "stein": (lambda: GAUSSIAN.stein(f, X, method="x"), "method is 'x'; use 'mc' or"),
    "steps": (
        lambda: training.fit(unet(), losses.SURE(GAUSSIAN), simulate(X, A, GAUSSIAN), steps=0),
        "steps is 0; it must be a whole number of at least 1",
    ),
    "batch": (
        lambda: training.fit(
            unet(), losses.SURE(GAUSSIAN), simulate(X, A, GAUSSIAN), steps=1, batch=0
        ),
        "batch is 0; it must be a whole number of at least 1",
    ),
}

LAWS = {  # y or Ax that the noise law cannot have made
    "wrong gain": (lambda: noise.Poisson(0.3).split(Y, 0.5), "y is not a multiple of the gain 0.3"),
    "images are no counts": (
        lambda: losses.R2R(POISSON)(f, X, A),
        "not a multiple of the gain 0.1",
    ),
    "SURE too": (lambda: losses.SURE(POISSON)(f, X, A), "give that with which y was recorded"),
    "negative counts": (
        lambda: POISSON.split(-Y, 0.5),
        r"not a multiple of the gain 0.1 .*, from -",
    ),
    "negative rate": (
        lambda: POISSON(-X),
        r"Ax, the Poisson rate, holds -.*must stay in \[0, inf",
    ),
    "negative speckle": (lambda: noise.Gamma(3)(X - 1), "Ax, the mean of speckle, holds -"),
    "rates above one": (lambda: noise.Binomial(4)(2 * X), r"rate of success, holds .* \[0, 1\]"),
    "alpha of trials": (
        lambda: noise.Binomial(5).split(X, 0.3),
        "alpha = 0.3 of 5 trials is 1.5; choose",
    ),
    "other trials": (
        lambda: noise.Binomial(8).split(X, 0.5),
        r"y is not a multiple of 1/8 in \[0, 1\]",
    ),
}

OPERATORS = {
    "hides everything": (
        lambda: operators.Inpainting(torch.zeros(8, 8)),
        "mask hides every pixel of an",
    ),
    "hides one image": (
        lambda: operators.Inpainting(torch.stack([torch.ones(1, 8, 8), torch.zeros(1, 8, 8)])),
        "mask hides every pixel of an image; keep at least one",
    ),
    "grey mask": (lambda: operators.Inpainting(X), "other than 0 and 1; threshold it first"),
    "flat mask": (
        lambda: operators.Inpainting(torch.ones(8)),
        r"mask has shape \(8,\); use \(H, W\)",
    ),
    "mask of another size": (
        lambda: operators.Inpainting(torch.ones(4, 8))(X),
        r"x has shape .* 8, 8\) and Inpainting was made for \(B, C, 4, 8\); crop or resize",
    ),
    "mask of another size, back": (
        lambda: operators.Inpainting(torch.ones(4, 8)).adjoint(X),
        r"y has shape .* 8, 8\) and Inpainting was made for \(B, C, 4, 8\)",
    ),
    "mask of other channels": (
        lambda: operators.Inpainting(torch.ones(3, 8, 8))(X),
        r"x has shape \(2, 1, .* and Inpainting was made for \(B, 3, 8, 8\)",
    ),
    "masks of other images": (
        lambda: operators.Inpainting(torch.ones(3, 1, 8, 8))(X),
        r"x holds 2 images and Inpainting was made for 3; take .*A\[indices\]",
    ),
    "kernel": (
        lambda: operators.Blur(torch.ones(9, 3))(X),
        r"kernel \(9, 3\) is larger than the image "
        r"\(8, 8\); crop the kernel",
    ),
    "kernel, back": (lambda: operators.Blur(torch.ones(9, 3)).pinv(X), "is larger than the image"),
    "noise kernel": (
        lambda: noise.CorrelatedGaussian(torch.ones(3, 9))(X),
        "is larger than the image",
    ),
    "flat kernel": (
        lambda: operators.Blur(torch.ones(3)),
        r"kernel has shape \(3,\); use a non-zero",
    ),
    "no variance": (
        lambda: losses.BlindSpotSURE(noise.Noise()),
        "Noise has no estimate of its variance; use Noise2Noise",
    ),
    "reach 0": (
        lambda: losses.UNSURECorrelated(reach=0),
        "reach is 0; it must be a whole number of",
    ),
    "no level": (
        lambda: losses.BlindNoise2Score()(f, torch.zeros_like(X), A),
        "y is 0 everywhere; give sigma",
    ),
    "one group": (
        lambda: validation.select(
            {"f": (f, losses.SURE(GAUSSIAN))}, simulate(X, A, GAUSSIAN), groups=1
        ),
        "1 item or group; a standard error needs at least 2",
    ),
    "shuffled blind spot": (
        lambda: models.PixelShuffle(models.BlindSpot(widths=(4,)), 2)(X[..., :2, :2]),
        r"y is \(2, 2\) pixels; crop or pad it to multiples of 2, at least 4",
    ),
    "shuffled U-Net": (
        lambda: models.PixelShuffle(models.Direct(models.UNet(widths=(2, 4))), 2)(X[..., :6, :6]),
        r"y is \(6, 6\) pixels; crop or pad it to multiples of 4",
    ),
    "no images": (
        lambda: simulate(torch.zeros(0, 1, 8, 8), operators.Identity(), None),
        r"shape \(0, 1, 8, 8\), no image at all; give at least one",
    ),
    "empty kernel": (lambda: operators.Blur(torch.zeros(3, 3)), "use a non-zero"),
    "NaN kernel": (lambda: operators.Blur(NAN[0, 0]), "kernel holds 8 NaN"),
    "crop": (
        lambda: simulate(X, operators.Inpainting(torch.ones(8, 8)), GAUSSIAN, crop=4),
        "crop = 4 needs A = I, not Inpainting; crop x first",
    ),
    "crop of pairs": (lambda: Pairs(X, A, GAUSSIAN, crop=9), "crop = 9 does not fit images of"),
    "Noisier2Noise": (
        lambda: losses.Noisier2Noise(GAUSSIAN)(f, X, operators.Blur(torch.ones(2, 2))),
        "Noisier2Noise is for A = I, not Blur; use SURE or R2R",
    ),
}

CASES = IMAGES | NUMBERS | LAWS | OPERATORS


def assert_one_sentence(message):
    """It ends, is short, and does not run over lines."""
    assert message.endswith(".") and "\n" not in message and len(message) < 220, message


@pytest.mark.parametrize("name", CASES)
def test_bad_input_is_refused_with_its_value_and_a_remedy(name):
    call, sentence = CASES[name]
    with pytest.raises((ValueError, TypeError, NotImplementedError), match=sentence) as caught:
        call()
    assert_one_sentence(str(caught.value))


@pytest.mark.parametrize(
    "loss",
    [
        losses.MeasurementConsistency(),
        losses.SURE(GAUSSIAN),
        losses.R2R(GAUSSIAN),
        losses.Noisier2Noise(GAUSSIAN),
        losses.UNSURE(),
        losses.Noise2Noise(),
        losses.SSDU(0.5),
        losses.WeightedSSDU(0.5, 0.5),
        losses.Noise2Inverse(0.5),
        losses.RobustSSDU(GAUSSIAN, 0.5),
        losses.ENSURE(GAUSSIAN, 0.5),
        losses.MOI(),
        losses.Supervised(),
    ],
    ids=lambda loss: type(loss).__name__,
)
def test_a_network_on_another_device_is_named(loss):
    """In training, and at test time."""
    net = unet().to("meta")
    y = (X, X) if isinstance(loss, losses.Noise2Noise) else X
    more = (X,) if isinstance(loss, losses.Supervised) else ()
    with pytest.raises(
        ValueError, match=r"y is on cpu .* the network on meta .*; move one"
    ) as caught:
        loss(net, y, A, *more)
    assert_one_sentence(str(caught.value))
    with pytest.raises(ValueError, match="y is on cpu .* the network on meta .*; move one"):
        loss.reconstruct(net, X, A)


@pytest.mark.parametrize(
    "call, sentence",
    [
        (
            lambda: losses.R2R(noise.PoissonGaussian(0.1, 0.1))(f, X, A),
            "PoissonGaussian has no independent split, so R2R does not apply; "
            "use SURE or Noise2Noise.",
        ),
        *[
            (
                lambda method=method: losses.SURE(noise.Binomial(4), method)(f, X.round(), A),
                "Binomial has no Stein identity, so SURE does not apply; use R2R or Noise2Noise.",
            )
            for method in ("mc", "hutchinson", "exact")
        ],
    ],
)
def test_a_law_without_the_identity_names_the_losses_that_remain(call, sentence):
    with pytest.raises(NotImplementedError) as caught:
        call()
    assert str(caught.value) == sentence


@pytest.mark.parametrize("law", [noise.Noise(), noise.PoissonGaussian(0.1, 0.1), noise.Binomial(4)])
def test_the_losses_it_names_exist(law):
    named = law.remaining.replace(" or ", ", ").split(", ")
    assert named and all(hasattr(losses, name) for name in named)


def test_exact_forms_are_for_small_images():
    y = torch.rand(1, 1, 65, 65, generator=generator())
    with pytest.raises(ValueError, match="y has 4225 pixels an image; .*: use method='mc'"):
        losses.SURE(GAUSSIAN, "exact")(f, y, A)
