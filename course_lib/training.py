"""One training loop for every loss: a history that plots, and a run that survives a kill."""

import os
import time
from dataclasses import dataclass, field
from pathlib import Path

import torch
from tqdm.auto import tqdm

from . import _checks
from ._random import stream


@dataclass
class History:
    """What `fit` recorded: the loss at each step, the held-out losses, seconds per step."""

    loss: list = field(default_factory=list)
    held_out: list = field(default_factory=list)  # (step, value)
    watched: dict = field(default_factory=dict)  # the loss's own multipliers, one list a name
    seconds_per_step: float = float("nan")

    def plot(self, ax=None, label=None, smooth=25):
        """Draw the running mean of the loss over `smooth` steps and the held-out losses."""
        import matplotlib.pyplot as plt

        ax = ax if ax is not None else plt.subplots()[1]
        values = torch.tensor(self.loss).double()
        smooth = min(smooth, len(values))
        running = values.unfold(0, smooth, 1).mean(1)
        (line,) = ax.plot(range(smooth, len(values) + 1), running, label=label)
        if self.held_out:
            ax.plot(
                *zip(*self.held_out, strict=True), "o--", color=line.get_color(), label="held out"
            )
        ax.set(xlabel="step", ylabel="loss (mean square per entry)")
        return ax


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
    progress=True,
):
    """Minimise E loss(f, y, A) over the weights of f: Adam, one-cycle learning rate up to `lr`.

    data: `Measurements` (or `Pairs`, for `Supervised`); each step draws `batch` images with
    replacement. held_out: another such set; every `every` steps its loss is recorded, a validation
    score that needs no ground truth. checkpoint: a file, written atomically every `every` steps;
    a run that finds it goes on from there and ends with the same weights as one never stopped,
    bit for bit on the CPU. All randomness comes from `seed`; f, loss and data must lie on one
    device. Returns a `History`. Raises ValueError for a checkpoint of another run, and
    RuntimeError when the loss is no longer finite.
    """
    steps, batch = _checks.whole(steps, "steps"), _checks.whole(batch, "batch")
    lr, every = _checks.positive(lr, "lr"), _checks.whole(every, "every")
    generator = stream(seed, "fit")
    optimizer = torch.optim.Adam(f.parameters(), lr=lr)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, lr, total_steps=steps)
    history, start, spent = History(), 0, 0.0
    plan = {"steps": steps, "batch": batch, "lr": lr, "seed": seed}
    plan |= {"images": len(data), "loss": _settings(loss), "f": _settings(f)}
    parts = {"f": f, "loss": loss, "optimizer": optimizer, "schedule": schedule}
    if checkpoint is not None and Path(checkpoint).exists():
        start, spent = _restore(checkpoint, plan, parts, generator, history)
    f.train(), loss.train()
    bar = tqdm(range(start, steps), initial=start, total=steps, disable=not progress, leave=False)
    for step in bar:
        began = time.perf_counter()
        indices = torch.randint(len(data), (batch,), generator=generator)
        value = loss(f, *data.batch(indices, generator), generator=generator)
        if not torch.isfinite(value):
            raise RuntimeError(f"the loss is {value.item()} at step {step}; lower lr = {lr:g}.")
        optimizer.zero_grad(set_to_none=True)
        value.backward()
        optimizer.step()
        schedule.step()
        history.loss.append(value.item())
        for name, buffer in loss.named_buffers():
            if buffer.numel() == 1:
                history.watched.setdefault(name, []).append(buffer.item())
        spent += time.perf_counter() - began
        if (step + 1) % every == 0 or step + 1 == steps:
            if held_out is not None:
                history.held_out.append((step + 1, evaluate(f, loss, held_out, seed=seed)))
            if checkpoint is not None:
                _save(checkpoint, plan, parts, generator, history, step + 1, spent)
            bar.set_postfix_str(
                f"loss {sum(history.loss[-every:]) / len(history.loss[-every:]):.5f}"
            )
    history.seconds_per_step = spent / steps
    f.eval(), loss.eval()
    return history


@torch.no_grad()
def evaluate(f, loss, data, seed=0, batch=64):
    """The mean loss of f on `data`, in evaluation mode, with the randomness of `seed`."""
    generator = stream(seed, "evaluate")
    was_training = f.training, loss.training
    f.eval(), loss.eval()
    total = 0.0
    for indices in torch.arange(len(data)).split(batch):
        total += loss(f, *data.batch(indices, generator), generator=generator).item() * len(indices)
    f.train(was_training[0]), loss.train(was_training[1])
    return total / len(data)


def _settings(module):
    """The class of every part and its numbers and words, so that runs can be told apart."""
    parts = []
    for part in module.modules():
        values = {k: v for k, v in vars(part).items() if isinstance(v, (int, float, str))}
        values.pop("training", None)
        parts.append(f"{type(part).__name__} {values}" if values else type(part).__name__)
    return ", ".join(parts)


def _save(path, plan, parts, generator, history, step, spent):
    """Write beside the target, then rename: a kill leaves the old file or the new one."""
    state = {name: part.state_dict() for name, part in parts.items()}
    state |= {"plan": plan, "step": step, "spent": spent, "generator": generator.get_state()}
    state |= {"loss_curve": history.loss, "held_out": history.held_out, "watched": history.watched}
    temporary = Path(path).with_suffix(".tmp")  # one name: what a kill left is overwritten
    try:
        torch.save(state, temporary)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _restore(path, plan, parts, generator, history):
    try:
        state = torch.load(path, weights_only=True)
    except Exception as error:
        raise ValueError(
            f"{path} is not a readable checkpoint; delete it to start over."
        ) from error
    other = {k: state["plan"].get(k) for k in plan if state["plan"].get(k) != plan[k]}
    if other:
        raise ValueError(f"{path} is of another run, {other}; delete it or use its settings.")
    for name, part in parts.items():
        part.load_state_dict(state[name])
    generator.set_state(state["generator"])
    history.loss, history.held_out = state["loss_curve"], [tuple(h) for h in state["held_out"]]
    history.watched = state["watched"]
    return state["step"], state["spent"]
