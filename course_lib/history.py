"""What a training run recorded."""

from dataclasses import dataclass, field
from math import isfinite

import torch


@dataclass
class History:
    """What `fit` recorded of a run.

    Arguments:
        loss: at each step; a mean square per entry, in the units of y squared.
        held_out: [(step, loss)] on the held-out set.
        watched: {name: list}, the loss's own multipliers at each step.
        seconds_per_step: without the held-out evaluations and the writing of checkpoints.
        unread: values that still lie where the loss was computed.

    Example:
        >>> history = training.History(loss=[0.3, 0.2, 0.1])
        >>> ax = history.plot(smooth=2)
        >>> ax.lines[0].get_ydata().round(decimals=2).tolist()
        [0.25, 0.15]
    """

    loss: list = field(default_factory=list)
    held_out: list = field(default_factory=list)
    watched: dict = field(default_factory=dict)
    seconds_per_step: float = float("nan")
    unread: dict = field(default_factory=dict, repr=False)

    def keep(self, value, loss):
        """Note the value of one step and the multipliers of its loss, without reading them."""
        numbers = {name: b for name, b in loss.named_buffers() if b.numel() == 1}
        for name, number in {"": value, **numbers}.items():
            self.unread.setdefault(name, []).append(number.detach().clone().reshape(()))

    def read(self):
        """Read what was kept; a GPU is waited for. The first step that is not finite, or None."""
        first = len(self.loss)
        self.loss += torch.stack(self.unread.pop("")).tolist()
        for name, numbers in self.unread.items():
            self.watched.setdefault(name, []).extend(torch.stack(numbers).tolist())
        self.unread = {}
        return next((i for i in range(first, len(self.loss)) if not isfinite(self.loss[i])), None)

    def plot(self, ax=None, label=None, smooth=25):
        """Draw the running mean of the loss over `smooth` steps and the held-out losses."""
        import matplotlib.pyplot as plt

        ax = ax if ax is not None else plt.subplots()[1]
        values = torch.tensor(self.loss).double()
        smooth = min(smooth, len(values))
        running = values.unfold(0, smooth, 1).mean(1)
        (line,) = ax.plot(range(smooth, len(values) + 1), running, label=label)
        if self.held_out:
            steps, scores = zip(*self.held_out, strict=True)
            ax.plot(steps, scores, "o--", color=line.get_color(), label="held out")
        ax.set(xlabel="step", ylabel="loss (mean square per entry)")
        return ax
