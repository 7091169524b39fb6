"""Counts: how many can be drawn, and the common divisor that gives a wrong gain away."""

import warnings
import weakref

import numpy as np

LIMIT = 4e9  # torch draws no more counts than 32 bits hold
_told = weakref.WeakSet()


def divisor(z, most=2048):
    """The number above 1 of which all counts z are multiples, as a few of them tell, or 1.

    Counts of a Poisson or binomial law share no divisor: that of 64 is 2 or more with a chance of
    2⁻⁶⁴ or so. Looks at `most` counts at most; too few of them, or all alike, tell nothing.
    """
    z = z.detach().flatten()
    z = z[:: -(-z.numel() // most)].double().cpu().numpy()
    for part in (z[::16], z):  # a few of them clear nearly every law
        values = np.unique(part)
        steps = np.diff(values, prepend=0.0)
        step = steps[steps > 0].min(initial=np.inf)
        if step <= 1:
            return 1
    if (z > 0).sum() < 64 or len(values) < 2 or step <= 5e-7 * values[-1]:  # float32 rounds so
        return 1
    multiples = values / step
    return int(step) if np.abs(multiples - multiples.round()).max() < 0.01 else 1


def tell_once(law, sentence):
    """Warn, once for each law."""
    if law not in _told:
        _told.add(law)
        warnings.warn(sentence, stacklevel=4)
