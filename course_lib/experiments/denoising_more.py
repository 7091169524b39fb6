"""`course table denoising-more`: further losses for one noisy copy of each photograph.

As `course table denoising`, for white Gaussian noise: the same photographs, noise, budget and
supervised reference, and the U-Net of the same widths. Noise2Self and Noise2Void take it without
its residual connection (`models.Direct`), with which f(y) may hand on pixels that these losses
never look at; x̂ is f(y) for both, and Noise2Void replaces pixels by medians; "Supervised direct" is
that network with ground truth. The blind-spot network has about as many weights, fewer
convolutions, and four passes in each evaluation.
"""

from .. import losses, models, noise
from . import denoising

NOISES = {"gaussian": noise.Gaussian(0.1)}


def methods(problem, law, steps):
    """{name: loss}, the supervised reference first."""
    found = [
        losses.Supervised(),
        losses.Noise2Score(law),
        losses.Neighbor2Neighbor(ramp=steps),
        losses.BlindSpotLikelihood(law),
        losses.Noise2Self(test="single"),
        losses.Noise2Void(replace="median"),
    ]
    named = {type(loss).__name__: loss for loss in found}
    return named | {"Supervised direct": losses.Supervised()}


def network(name):
    """The network of a row, not yet trained."""
    if name == "BlindSpotLikelihood":
        return models.BlindSpot(widths=(24, 48, 96), hidden=64, spread=True)
    if name in ("Noise2Self", "Noise2Void", "Supervised direct"):
        return models.Direct(models.UNet())
    return models.UNet()


def measure(scale, seeds=None, json_path=None):
    """All rows. Returns {"meta", "rows"}; finished runs are kept beside `json_path`."""
    return denoising.trained(scale, seeds, json_path, NOISES, methods, network)[0]
