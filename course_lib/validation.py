"""Choosing without ground truth: the same self-supervised loss, on held-out measurements."""

import math
from dataclasses import dataclass

import torch

from ._random import stream
from ._scope import alone
from .data import batch_of
from .noise import Noise


@dataclass(frozen=True)
class Score:
    """A candidate's held-out risk and how far it lies behind the best one, with standard errors.

    The errors are over held-out items, taken as independent; `behind` is a paired difference, so
    its error is far smaller than that of the two risks.
    """

    risk: float
    error: float
    behind: float
    behind_error: float


@dataclass(frozen=True)
class Choice:
    """What `select` chose: the name of the best candidate, and the `Score` of each."""

    best: object
    scores: dict

    def __str__(self):
        lines = [f"{'candidate':>16}  risk ± error        behind the best"]
        for name, s in self.scores.items():
            mark = "  <- chosen" if name == self.best else ""
            lines.append(
                f"{name!s:>16}  {s.risk:.6f} ± {s.error:.6f}  {s.behind:.6f} ± "
                f"{s.behind_error:.6f}{mark}"
            )
        return "\n".join(lines)


class Tested:
    """f̂(y, A) = loss.reconstruct(f, y, A): a method's test-time estimator as a candidate.

    Its randomness (R2R's draws) is that of `seed` at every call, so f̂ is one function of y, as
    the divergence in SURE needs. Gives any loss the estimator that will really be used.
    """

    def __init__(self, f, loss, seed=0, noise=None):
        self.f, self.loss, self.seed, self.noise = f, loss, seed, noise

    def __call__(self, y, A):
        draws = stream(self.seed, "draws")
        return self.loss.reconstruct(self.f, y, A, self.noise, generator=draws)


def select(candidates, held_out, noise=None, seed=0, groups=50, proxy=False):
    """The candidate with the smallest held-out loss. Returns a `Choice`.

    candidates: {name: (f, loss)}, f a trained reconstructor and loss the `Loss` that scores it: a
    stopping step, an architecture, a σ, an α. held_out: `Measurements` (a pair for Noise2Noise,
    `Pairs` for Supervised) that no candidate was trained on. Its items are split into at most
    `groups` groups, and each group i gives
        ℓ_i = loss(f, y_i, A_i) − loss.offset(noise, y_i),    risk = mean of ℓ_i,
    with the same randomness for every candidate; the errors are those of a mean over groups.
    Losses run in evaluation mode. E ℓ_i must be the risk of what the loss reconstructs,
    `loss.scores(A)`: for SURE, Noise2Noise, Noise2Self, blind-spot SURE, and for splitting where A
    selects pixels. For any other method score its test-time estimator, `(Tested(f, loss),
    SURE(noise))`; or rank by its own value all the same with proxy=True: R2R's is the risk at the
    noisier y1, SSDU's that of f on a part of the measurements, UNSURE's moves with η (use one η).

    noise: the law of y, for the offsets, where none travels with y; may be left out when one loss
    object scores all candidates, since its offset then cancels in every comparison (`risk` keeps
    it). A loss that is told σ must be told the true one: its value at a wrong σ is not a risk. So
    SURE and R2R choose σ only for whoever knows it; Noise2Noise, free of σ, chooses it from pairs.

    Raises ValueError for no candidate, for a single held-out item or group, for different losses
    without `noise`, and for a loss whose value is of another estimator.
    Source: Stein (1981); Tachella (2025), "Self-supervised validation".
    """
    if not candidates:
        raise ValueError("there is no candidate; give {name: (f, loss)}.")
    if len(held_out) < 2:
        raise ValueError(f"held_out has {len(held_out)} item; a standard error needs at least 2.")
    if groups < 2:
        raise ValueError(f"groups is {groups}; a standard error needs at least 2.")
    if noise is None and len({id(loss) for _, loss in candidates.values()}) > 1:
        raise ValueError(
            "the candidates have different losses, and so different offsets; give noise, the law "
            "of y, or score all of them with one loss."
        )
    A = batch_of(held_out, torch.arange(1))[1]
    for name, (_, loss) in candidates.items():
        if not (proxy or loss.scores(A)):
            raise ValueError(
                f"the value of {type(loss).__name__} is not the risk of what it reconstructs "
                f"(candidate {name!r}); score (validation.Tested(f, loss), losses.SURE(noise)), or "
                "rank by it all the same with proxy=True."
            )
    values = {
        name: _values(f, loss, held_out, noise, seed, groups)
        for name, (f, loss) in candidates.items()
    }
    best = min(values, key=lambda name: values[name].mean())
    scores = {}
    for name, value in values.items():
        risk, error = _with_error(value)
        behind, behind_error = _with_error(value - values[best])
        scores[name] = Score(risk, error, behind, behind_error)
    return Choice(best, scores)


@torch.no_grad()
def _values(f, loss, held_out, noise, seed, groups):
    """ℓ_i for every group of held-out items, in float64."""
    values = []
    parts = torch.arange(len(held_out)).tensor_split(min(groups, len(held_out)))
    with alone(f, getattr(f, "f", None), loss, training=False, seed=seed, name="select"):
        for i, items in enumerate(parts):
            generator = stream(seed, f"group {i}")  # the same for every candidate
            y, A, *rest = batch_of(held_out, items, generator)
            law = rest[0] if rest and isinstance(rest[0], Noise) else noise
            tested = isinstance(f, Tested) and law is not noise
            one = Tested(f.f, f.loss, f.seed, law) if tested else f
            value = loss(one, y, A, *rest, generator=generator)
            values.append(value if law is None else value - loss.offset(law, y, A))
    return torch.stack(values).double()


def _with_error(values):
    return float(values.mean()), float(values.std() / len(values) ** 0.5)


def regret(choice, oracle):
    """dB that a choice lost: 10 log₁₀ (risk of the chosen / smallest risk), given true risks.

    oracle: {name: true mean squared error}, which only a test or a lesson can know.
    """
    return 10 * math.log10(oracle[choice.best] / min(oracle.values()))
