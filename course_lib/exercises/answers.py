"""Is an answer right, and if not, which mistake does it show?"""

import torch


def close(answer, right):
    """Whether `answer` is `right`, to 1e-4 of its norm; a single number may have any shape."""
    answer, right = (torch.as_tensor(v).double() for v in (answer, right))
    if answer.numel() == right.numel() == 1:
        answer, right = answer.flatten(), right.flatten()
    if answer.shape != right.shape or not torch.equal(answer.isnan(), right.isnan()):
        return False
    distance = (answer - right).nan_to_num().norm()
    return bool(distance <= 1e-4 * right.nan_to_num().norm() + 1e-8)


def shown_by(answer, mistakes):
    """The sentence whose wrong value the answer has, or None; mistakes: {sentence: value}."""
    for sentence, wrong in mistakes.items():
        if close(answer, wrong):
            return sentence
    return None
