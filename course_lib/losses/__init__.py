"""Losses: estimates of the risk (1/m) E‖A f(y) − Ax‖², one file per idea.

    loss = losses.SURE(noise)
    value = loss(f, y, A)                   # a differentiable scalar
    x_hat = loss.reconstruct(f, y, A)       # the method's own test-time estimator

Only `Supervised` is given x: `loss(f, y, A, x)`.
"""

from .base import Loss, Sum
from .blind_spot import BlindSpotLikelihood, BlindSpotSURE
from .consistency import MeasurementConsistency
from .ensure import ENSURE
from .equivariant import EI, MOEI, ReducedResolution
from .equivariant_splitting import EquivariantSplitting
from .neighbor2neighbor import Neighbor2Neighbor
from .noise2noise import Noise2Noise
from .noise2score import BlindNoise2Score, Noise2Score
from .noise2self import Noise2Self
from .noise2void import Noise2Void
from .r2r import R2R, Noisier2Noise
from .splitting import Splitting
from .ssdu import SSDU, Noise2Inverse, RobustSSDU, WeightedSSDU, columns
from .supervised import Supervised
from .sure import SURE
from .unsure import UNSURE
from .unsure_correlated import UNSURECorrelated
from .unsure_poisson_gaussian import UNSUREPoissonGaussian
from .virtual import MOI

__all__ = [
    "EI", "ENSURE", "EquivariantSplitting", "MOEI", "MOI", "R2R", "ReducedResolution",
    "SSDU", "SURE", "UNSURE", "BlindNoise2Score", "BlindSpotLikelihood",
    "BlindSpotSURE", "Loss", "MeasurementConsistency", "Neighbor2Neighbor", "Noise2Inverse",
    "Noise2Noise", "Noise2Score", "Noise2Self", "Noise2Void", "Noisier2Noise", "RobustSSDU",
    "Splitting", "Sum", "Supervised", "UNSURECorrelated", "UNSUREPoissonGaussian", "WeightedSSDU",
    "columns",
]  # fmt: skip
