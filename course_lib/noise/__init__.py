"""Noise models: the law of y given Ax, and the identities that self-supervised losses rest on."""

from . import contradictions, estimate
from .base import Noise
from .binomial import Binomial
from .divisible import Divisible
from .gamma import Gamma
from .gaussian import CorrelatedGaussian, Gaussian
from .heteroscedastic import HeteroscedasticGaussian
from .poisson import Poisson, PoissonGaussian
from .rows import RowCorrelated

__all__ = [
    "Binomial",
    "CorrelatedGaussian",
    "Divisible",
    "Gamma",
    "Gaussian",
    "HeteroscedasticGaussian",
    "Noise",
    "Poisson",
    "PoissonGaussian",
    "RowCorrelated",
    "contradictions",
    "estimate",
]
