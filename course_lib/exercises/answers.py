"""Is an answer right, and if not, which mistake does it show?"""

import torch


def close(answer, right):
    """Whether `answer`, a float64 tensor, has the shape of `right` and its values to rounding."""
    right = torch.as_tensor(right).double()
    return answer.shape == right.shape and torch.allclose(answer, right, rtol=1e-5, atol=1e-8)


def shown_by(answer, mistakes, close=close):
    """The sentence whose wrong value the answer has, or None; mistakes: {sentence: value}."""
    for sentence, wrong in mistakes.items():
        if close(answer, wrong):
            return sentence
    return None
