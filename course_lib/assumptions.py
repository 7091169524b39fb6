"""What the data say against the assumptions of a loss: one sentence, as a warning, never an error.

`training.fit` asks at its first batch (`report`), and at its checks whether the values of the loss
and its multipliers are possible (`report_values`). Both look for what no image can explain, so that
a silence says little and a sentence much.
"""

import warnings

import torch

from .losses import Sum
from .losses.multipliers import Multipliers
from .noise import CorrelatedGaussian, contradictions, estimate

FAR = 5  # standard errors
AWAY = 4  # times the variance of y
GONE = 0.01  # of the noise in y


class AssumptionWarning(UserWarning):
    """The data contradict what a loss or a law assumes."""


def report(loss, y, A, law=None):
    """Warn, in one sentence, of what a batch y contradicts; returns whether it did.

    y: measurements through A, or a tuple of copies; law: as it came with y, or None. Looks in turn
    for `clipping`, for `missing` noise and, for A = I, for noise that is `correlated`, as
    `noise.contradictions` tells them, where the loss is told a law or `assumes` something of it.
    """
    y, law = _single(y), None if torch.is_tensor(law) else law
    term, law, assumes = _assumed(loss, law)
    measured, known = A.measured(), law is not None
    if not assumes or (known and "variance" not in law.identities):
        return False
    v = law.variance(y) if known else torch.ones_like(y)
    v = v if measured is None else v * measured
    sentence = contradictions.clipping(y, v, term, known, known or "gaussian" in assumes)
    white = "white" in assumes and y.ndim == 4 and estimate.blocks(y) >= estimate.ENOUGH
    if sentence is None and white:
        sentence = contradictions.missing(y, v, type(law).__name__) if known else None
        if sentence is None and A.is_identity:
            sentence = contradictions.correlated(y, term)
    return _warn(sentence)


def report_values(loss, values, y, A, law=None):
    """Warn of values of the loss, or of multipliers, that can't be; returns whether it did.

    values: of the loss at recent steps, y: a batch, law: see `report`.
    - Their mean less the offset is a risk, or for a sum at least one. It lies under 0 by 5 standard
      errors, by 5 of the noise in one batch, and by a twentieth of the noise.
    - The multipliers stand for more noise than four times the variance of y, but f = E y meets
      their constraints: no saddle point lies higher than Var(y). Or for less than a hundredth of
      the noise that `noise.estimate.sigma` sees.
    """
    law = None if torch.is_tensor(law) else law  # the x of `Pairs`
    return _warn(_below(loss, values, y, A, law) or _runaway(loss, _single(y), A))


def _single(y):
    return y[0] if isinstance(y, (tuple, list)) else y


def _assumed(loss, law):
    """(name, law, words) of what the loss takes the noise for: "gaussian", "white" or both."""
    terms = loss.terms if isinstance(loss, Sum) else [loss]
    for term in terms:
        own = getattr(term, "noise", None) if law is None else law
        if own is not None:
            white = not isinstance(own, CorrelatedGaussian)
            return type(term).__name__, own, ("law", "white")[: 1 + white]
    term = next((term for term in terms if term.assumes), loss)
    return type(term).__name__, None, term.assumes


def _below(loss, values, y, A, law):
    terms = zip(loss.terms, loss.weights, strict=True) if isinstance(loss, Sum) else [(loss, 1.0)]
    offset, noise, name = 0.0, 0.0, None
    for term, weight in terms:
        if getattr(term, "noise", None) is None:
            continue  # no estimate of a risk, or of one plus a constant that nobody knows
        told = term.law(law)
        try:
            own, v = float(term.offset(told, y, A)), told.variance(y)
            if own and v.min() < v.max():
                return None  # an offset that differs from batch to batch: that of y is not theirs
            offset += weight * own
            noise += weight * float(v.mean())
            name = name or f"{type(term).__name__} of {type(told).__name__} noise"
        except NotImplementedError:
            continue
    values = torch.as_tensor(values, dtype=torch.float64)
    if name is None or len(values) < 20:
        return None
    risk, error = float(values.mean()) - offset, float(values.std()) / len(values) ** 0.5
    if risk > -max(FAR * error, FAR * noise * (2 / y.numel()) ** 0.5, noise / 20):
        return None
    return (
        f"{name} puts the risk at {risk:.2g} ± {error:.1g} over the last {len(values)} steps, far "
        "below 0: the noise is weaker than told, or correlated, or f has learnt that of its images "
        "by heart, which a held-out set would show."
    )


def _runaway(loss, y, A):
    for term in loss.terms if isinstance(loss, Sum) else [loss]:
        if not isinstance(term, Multipliers):
            continue
        eta, measured = float(term.power(y)), A.measured()
        seen = y if measured is None else y[measured.expand_as(y) != 0]
        if eta > AWAY * float(seen.var()):
            return (
                f"the multiplier of {type(term).__name__} has run away, to a noise variance of "
                f"{eta:.2g} where all of y has {float(seen.var()):.2g}; lower its rate, or the lr "
                "of f."
            )
        if y[0].numel() < estimate.LEAST or not y.any():
            continue
        level = float(estimate.sigma(y, measured).square().mean())
        if 0 < eta < GONE * level:
            return (
                f"the multiplier of {type(term).__name__} tends to 0, {eta:.2g} where y shows a "
                f"noise variance of {level:.2g}: the noise is not Gaussian, white or of one level."
            )
    return None


def _warn(sentence):
    if sentence is not None:
        warnings.warn(sentence, AssumptionWarning, stacklevel=3)
    return sentence is not None
