"""One training loop for every loss, and a run that survives a kill."""

import math
import time
from pathlib import Path

import torch
from tqdm.auto import tqdm

from . import _checks, _files, assumptions
from ._fingerprint import facts
from ._random import stream
from ._scope import alone, reseed
from .checkpoint import Checkpoint, contents
from .data import Measurements
from .data.protocol import batch_of, items
from .evaluation import evaluate, reconstruct
from .history import History
from .losses import Loss
from .models import Mixed

__all__ = ["History", "evaluate", "fit", "reconstruct"]


@torch.enable_grad()
def fit(
    f: torch.nn.Module,
    loss: Loss,
    data: Measurements,
    *,
    steps: int,
    batch: int = 8,
    lr: float = 2e-3,
    seed: int = 0,
    held_out: Measurements | None = None,
    every: int = 100,
    checkpoint: str | Path | None = None,
    precision: str = "float32",
    progress: bool = True,
) -> History:
    """Minimise E loss(f, y, A) over the weights of f: Adam, one-cycle learning rate up to `lr`.

    A run that finds its checkpoint goes on from there and ends with the same weights as one never
    stopped, bit for bit on the CPU; it must be the same run, down to the first weights and the data
    (of a data set not made of `Measurements`, its length and its first batch are compared). One of
    a GPU opens on a CPU. All randomness of torch comes from `seed`, that of dropout too; not so the
    first weights, nor the random numbers of NumPy and Python that a data set may use. f, loss and
    data must lie on one device; on a GPU the checks that read values, which wait for it, are made
    at the first step and every `every` steps. f and loss end in evaluation mode, or after an error
    or an interrupt in the mode in which they came, with the weights reached. What the data say
    against the assumptions of the loss is one AssumptionWarning, see `assumptions`.
    Raises ValueError for a checkpoint of another run, OSError before the first step if none can be
    written, TypeError for what is no data set, and RuntimeError, which names step and lr, when the
    loss or the weights are no longer finite.

    Arguments:
        f: a reconstructor f(y, A) with weights to train.
        loss: one of `losses`, or a sum of them.
        data: `Measurements` (`Pairs` for `Supervised`), or any data set with `len(data)` and
            `data.batch(indices, generator)`, which gives (y, A), (y, A, law) or (y, A, x).
        steps: of Adam.
        batch: items a step, drawn with replacement.
        lr: the largest learning rate, reached after 30 % of the steps.
        seed: of batches, noise and probes.
        held_out: another data set, whose loss is recorded every `every` steps: a validation score
            that needs no ground truth.
        every: steps between two looks at the held-out loss and the weights, and two checkpoints.
        checkpoint: a file, written whole or not at all, with a checksum.
        precision: "bf16" computes the network alone in bf16, see `models.Mixed`; autocast around
            `fit` has no effect.
        progress: whether to show a bar.

    Example:
        >>> y = 0.5 + 0.1 * torch.randn(16, 1, 8, 8)
        >>> recorded = data.Measurements(y, operators.Identity())
        >>> f = models.BackProjection(models.DnCNN(depth=2, width=4))
        >>> loss = losses.SURE(noise.Gaussian(0.1))
        >>> history = training.fit(f, loss, recorded, steps=20, progress=False)
        >>> len(history.loss), history.loss[-1] < history.loss[0]
        (20, True)
    """
    steps, batch = _checks.whole(steps, "steps"), _checks.whole(batch, "batch")
    lr, every = _checks.positive(lr, "lr"), _checks.whole(every, "every")
    network, count, generator = _network(f, precision), items(data), stream(seed, "fit")
    optimizer = torch.optim.Adam(f.parameters(), lr=lr, eps=1e-20)  # 1e-8 would be a unit
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, lr, total_steps=steps)
    history, start, spent, file = History(), 0, 0.0, None
    if held_out is not None:
        items(held_out)

    def draw(generator):
        return batch_of(data, torch.randint(count, (batch,), generator=generator), generator)

    def first():
        with alone(training=True, seed=seed, name="step 0"):
            return draw(stream(seed, "fit"))

    if checkpoint is not None:
        plan = {"steps": steps, "batch": batch, "lr": lr, "seed": int(seed), "precision": precision}
        plan |= {"items": count} | facts(loss, "loss") | facts(f, "f")
        if held_out is not None:
            plan |= {"every": every, "held_out": len(held_out)} | contents(held_out, "held_out")
        parts = {"f": f, "loss": loss, "optimizer": optimizer, "schedule": schedule}
        file = Checkpoint(checkpoint, plan, contents(data, "data"), first, parts)
        if (state := file.restore()) is not None:
            start, spent, history = state["step"], state["spent"], History(*state["history"])
            generator.set_state(state["generator"])
        if start < steps:
            _files.check(checkpoint)

    bar = tqdm(range(start, steps), initial=start, total=steps, disable=not progress, leave=False)
    with alone(f, loss, training=True, seed=seed, name="fit"), bar:
        began = time.perf_counter()
        for step in bar:
            reseed(seed, f"step {step}")
            due = (step + 1) % every == 0 or step + 1 == steps
            read = due or step == start or not _on_gpu(f)
            with _checks.unread(not read):
                drawn = draw(generator)
            try:
                with _checks.unread(not read):
                    value = loss(network, *drawn, generator=generator)
                if step == 0 and file is not None:
                    file.saw(drawn)
                if step == start:
                    told = assumptions.report(loss, *drawn)
                history.keep(value, loss)
                if read and (bad := history.read()) is not None:
                    raise _too_large(f"the loss is {history.loss[bad]}", bad, lr)
                optimizer.zero_grad(set_to_none=True)
                value.backward()
                optimizer.step()
                schedule.step()
                if not due:
                    continue
                if not torch.stack([p.isfinite().all() for p in f.parameters()]).all():
                    raise _too_large("the weights of f are not finite", step, lr)
                told = told or assumptions.report_values(loss, history.loss[-every:], *drawn)
                spent += time.perf_counter() - began
                if held_out is not None:
                    score = evaluate(f, loss, held_out, seed=seed)
                    if not math.isfinite(score):
                        raise _too_large(f"the held-out loss is {score}", step, lr)
                    history.held_out.append((step + 1, score))
            except _checks.NotFinite as error:
                if not _diverged(f, *drawn):
                    raise
                raise _too_large("the loss is not finite", step, lr) from error
            if file is not None:
                kept = (history.loss, history.held_out, history.watched)
                state = generator.get_state()
                file.save(step=step + 1, spent=spent, generator=state, history=kept)
            bar.set_postfix_str(f"loss {sum(history.loss[-every:]) / min(every, step + 1):.5f}")
            began = time.perf_counter()
    history.seconds_per_step = spent / steps
    f.eval(), loss.eval()
    return history


def _on_gpu(f):
    return any(weight.device.type not in ("cpu", "meta") for weight in f.parameters())


def _network(f, precision):
    """What the loss evaluates: f, or f in bf16."""
    weights = list(f.parameters()) if isinstance(f, torch.nn.Module) else []
    if not any(weight.requires_grad for weight in weights):
        raise ValueError(
            f"f is a {type(f).__name__} without weights to train; give a torch.nn.Module f(y, A) "
            "with parameters that require gradients."
        )
    if _checks.choice(precision, "precision", "float32", "bf16") == "float32":
        return f
    if any(weight.dtype != torch.float32 for weight in weights):
        raise ValueError("precision is 'bf16' and f has weights of another dtype; use f.float().")
    return Mixed(f)


def _diverged(f, y, A, *_):
    """Whether f makes of a finite y what is not finite."""
    y = y[0] if isinstance(y, (tuple, list)) else y
    try:
        return bool(y.isfinite().all()) and not f(y, A).isfinite().all()
    except _checks.NotFinite:
        return True


def _too_large(what, step, lr):
    return RuntimeError(f"{what} at step {step}; lower lr = {lr:g}.")
