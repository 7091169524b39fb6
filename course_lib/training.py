"""One training loop for every loss, and a run that survives a kill."""

import math
import time

import torch
from tqdm.auto import tqdm

from . import _checks, _files, assumptions
from ._fingerprint import facts
from ._random import stream
from ._scope import alone, reseed
from .checkpoint import Checkpoint, contents
from .data.protocol import batch_of, items
from .evaluation import evaluate, reconstruct
from .history import History
from .models import Mixed

__all__ = ["History", "evaluate", "fit", "reconstruct"]


@torch.enable_grad()
def fit(
    f,
    loss,
    data,
    *,
    steps,
    batch=8,
    lr=2e-3,
    seed=0,
    held_out=None,
    every=100,
    checkpoint=None,
    precision="float32",
    progress=True,
):
    """Minimise E loss(f, y, A) over the weights of f: Adam, one-cycle learning rate up to `lr`.

    data: `Measurements` (`Pairs` for `Supervised`), or any data set with `len(data)` and
    `data.batch(indices, generator)`, which gives (y, A), (y, A, law) or (y, A, x); each step draws
    `batch` items with replacement. held_out: another one; every `every` steps its loss is recorded,
    a validation score that needs no ground truth. precision: "bf16" computes the network alone in
    bf16, see `models.Mixed`; autocast around `fit` has no effect.
    checkpoint: a file, written whole or not at all every `every` steps, with a checksum. A run that
    finds it goes on from there and ends with the same weights as one never stopped, bit for bit on
    the CPU; it must be the same run, down to the first weights and the data (of a data set not made
    of `Measurements`, its length and its first batch are compared). One of a GPU opens on a CPU.
    All randomness of torch comes from `seed`, that of dropout too; not so the first weights, nor
    the random numbers of NumPy and Python that a data set may use. f, loss and data must lie on one
    device. f and loss end in evaluation mode, or after an error or an interrupt in the mode in
    which they came, with the weights reached. Returns a `History`. What the data say against the
    assumptions of the loss is one AssumptionWarning, see `assumptions`.
    Raises ValueError for a checkpoint of another run, OSError before the first step if none can be
    written, TypeError for what is no data set, and RuntimeError, which names step and lr, when the
    loss or the weights are no longer finite.
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
        plan |= facts(loss, "loss") | facts(f, "f")
        if held_out is not None:
            plan |= {"every": every, "held_out": len(held_out)} | contents(held_out, "held_out")
        parts = {"f": f, "loss": loss, "optimizer": optimizer, "schedule": schedule}
        file = Checkpoint(checkpoint, plan, data, first, parts)
        if (state := file.restore()) is not None:
            start, spent = state["step"], state["spent"]
            generator.set_state(state["generator"])
            history = History(state["curve"], state["held_out"], state["watched"])
        if start < steps:
            _files.check(checkpoint)

    bar = tqdm(range(start, steps), initial=start, total=steps, disable=not progress, leave=False)
    with alone(f, loss, training=True, seed=seed, name="fit"), bar:
        began = time.perf_counter()
        for step in bar:
            reseed(seed, f"step {step}")
            drawn, due = draw(generator), (step + 1) % every == 0 or step + 1 == steps
            if step == 0 and file is not None:
                file.seen = facts(list(drawn), "batch")
            try:
                value = loss(network, *drawn, generator=generator)
                if step == start:
                    told = assumptions.report(loss, *drawn)
                history.keep(value, loss)
                if due or value.device.type == "cpu":
                    if (bad := history.read()) is not None:
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
                file.save(
                    step=step + 1,
                    spent=spent,
                    generator=generator.get_state(),
                    curve=history.loss,
                    held_out=history.held_out,
                    watched=history.watched,
                )
            bar.set_postfix_str(f"loss {sum(history.loss[-every:]) / min(every, step + 1):.5f}")
            began = time.perf_counter()
    history.seconds_per_step = spent / steps
    f.eval(), loss.eval()
    return history


def _network(f, precision):
    """What the loss evaluates: f, or f in bf16."""
    weights = list(f.parameters()) if isinstance(f, torch.nn.Module) else []
    if not any(weight.requires_grad for weight in weights):
        raise ValueError(
            f"f is a {type(f).__name__} without weights to train; give a torch.nn.Module f(y, A) "
            "with parameters that require gradients."
        )
    if precision == "float32":
        return f
    if precision != "bf16":
        raise ValueError(f"precision is {precision!r}; use 'float32' or 'bf16'.")
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
