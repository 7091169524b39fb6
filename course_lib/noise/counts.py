"""Counts: how many can be drawn, and the common divisor that gives a wrong gain away."""

import math
import warnings
import weakref

import numpy as np

from .. import _checks

LIMIT = 4e9  # torch draws no more counts than 32 bits hold
_told = weakref.WeakSet()


def whole(law, y, unit, told, guess, trials=0):
    """z = y/unit as whole numbers; ValueError where they are none, for the unit that was `told`.

    Warns once for each law when all counts share a divisor k, a divisor of `trials` where there is
    a number of them: guess(k) says what is probably true.
    """
    z = _checks.single(y) / unit
    if not _checks.reads(y):
        return z.round()
    error = ((z - z.round()).abs() - 1e-6 * z.abs()).max()  # what rounding explains
    if error > 1e-2 or (z < -0.5).any() or (z > (trials or math.inf)).any():
        raise ValueError(
            f"y is not a multiple of {told} (off by {error:.2f} counts, from {y.min():g} to "
            f"{y.max():g}); give that with which y was recorded."
        )
    drawable(z := z.round(), unit)
    if law not in _told and (k := math.gcd(divisor(y, unit), trials)) > 1:
        _told.add(law)
        warnings.warn(
            f"All counts share the divisor {k}: {guess(k)}, and the variance about {k} times what "
            "is computed here.",
            stacklevel=4,
        )
    return z


def drawable(z, unit):
    """Refuse more counts z than can be drawn."""
    if _checks.reads(z) and (most := float(z.max())) > LIMIT:
        raise ValueError(
            f"the gain {unit:g} makes {most:.3g} counts, and at most {LIMIT:g} can be drawn; give "
            "the true gain, or a Gaussian law for noise so weak."
        )


def divisor(y, unit=1.0, most=2048):
    """The number above 1 of which all counts y/unit are multiples, as a few of them tell, or 1.

    Counts of a Poisson or binomial law share no divisor: that of 64 is 2 or more with a chance of
    2⁻⁶⁴ or so. Looks at `most` counts at most; too few of them, or all alike, tell nothing, nor
    does a divisor that the rounding of float32 makes.
    """
    y = y.detach().flatten()
    z = (y[:: -(-y.numel() // most)].double() / unit).round().cpu().numpy().astype(np.int64)
    shared = int(np.gcd.reduce(z))
    few = (z > 0).sum() < 64 or (z == z[0]).all()
    return 1 if few or shared <= 5e-7 * z.max() else shared
