"""A case of an exercise: a call of the student's function, the right answer, likely mistakes."""

from collections.abc import Callable
from dataclasses import dataclass, field

import torch


@dataclass
class Case:
    """`function(*arguments)` should be `right`; some wrong answers tell which mistake was made.

    Arguments:
        arguments: of the call, handed out as copies; a torch.Generator stands for one to draw from.
        right: a tensor, a number, a tuple of these, or None where None is to be returned.
        mistakes: {sentence: the wrong answer that shows it, or a list of several}.
        returns: what is to be returned, in words; said when the shape is another one.
        recall: what is said of an answer that shows none of the mistakes.
        also: further right answers.
        part: judge this part of a tuple; None for all of it.
        verdict: in place of the comparison with `right`, a function of the answer: None when it is
            right, "" when it is not, or the sentence that says why.
        then: of what the function returned, as it is, once its value is right: None or a sentence.
    """

    arguments: tuple
    right: object
    mistakes: dict = field(default_factory=dict)
    returns: str = ""
    recall: str = ""
    also: tuple = ()
    part: int | None = None
    verdict: Callable | None = None
    then: Callable | None = None


class Draw:
    """Random tensors in float64, the same at every check."""

    def __init__(self, seed):
        self.generator = torch.Generator().manual_seed(seed)

    def normal(self, *shape):
        return torch.randn(shape, generator=self.generator).double()

    def uniform(self, *shape, low=0.0, high=1.0):
        return low + (high - low) * torch.rand(shape, generator=self.generator).double()

    def number(self, low, high):
        return float(self.uniform(low=low, high=high))

    def mask(self, *shape, share):
        """Booleans, each true with probability `share`."""
        return torch.rand(shape, generator=self.generator) < share
