"""The checks of lesson 1.1: null-space part, noise amplification, inversion in a subspace."""

import torch

from .. import operators
from .answers import close


def a(null_part):
    """Exercise 1.1.a: the part x − A†Ax of x that A cannot see."""
    g = torch.Generator().manual_seed(11)
    for instance in range(4):
        size = int(torch.randint(4, 9, (1,), generator=g)) * 2
        x = torch.rand(2, 1, size, size, generator=g)
        if instance % 2:  # a blur with the gain 2, blind to the highest frequency of each row
            A = operators.Blur(torch.tensor([[1.0, 1.0]]))
        else:
            mask = (torch.rand(size, size, generator=g) < 0.5).float()
            mask[0, :2] = torch.tensor([0.0, 1.0])
            A = operators.Inpainting(mask)
        answer, seen = null_part(A, x), A.pinv(A(x))
        if close(answer, x - seen):
            continue
        if not torch.is_tensor(answer) or answer.shape != x.shape:
            return "the answer must be an image batch of the same shape as x."
        if close(answer, seen):
            return "this is A†Ax, the part that A sees; the null-space part is what it lacks of x."
        if close(answer, seen - x):
            return "the sign is wrong: the two parts must add up to x, A†Ax + v = x."
        if close(answer, x - A.adjoint(A(x))):
            return "you used the adjoint, which inverts a mask but not a blur: use pinv."
        if close(answer, x - A(x)):
            return "this is x − Ax, an image minus a measurement; go back to the images with A†."
        return f"A of your answer should vanish, yet ‖Av‖ = {A(answer).norm():.2g}."
    return None


def b(amplified):
    """Exercise 1.1.b: E‖A†ε‖² = σ² Σ 1/s², over the singular values that are not zero."""
    g = torch.Generator().manual_seed(12)
    for instance in range(4):
        s = 0.2 + torch.rand(int(torch.randint(3, 9, (1,), generator=g)), generator=g).double()
        sigma = 0.1 + 0.5 * float(torch.rand((), generator=g))
        if instance > 1:
            s[-1] = 0.0
        kept = s[s > 0]
        answer = torch.as_tensor(amplified(s, sigma)).double()
        mistakes = {
            "the variance of the noise is σ²; you did not square sigma.": sigma * (kept**-2).sum(),
            "A† divides a component by s, so its variance by s²; you divided by s.": (
                sigma**2 * (1 / kept).sum()
            ),
            "A† divides by the singular values; you multiplied by them.": (
                sigma**2 * (kept**2).sum()
            ),
            "the question is the sum over all components, not their mean.": (
                sigma**2 * (kept**-2).mean()
            ),
            "this is the square root of the answer; give the expected squared norm.": (
                sigma * (kept**-2).sum().sqrt()
            ),
        }
        if answer.numel() != 1:
            return "the answer must be one number."
        if torch.isclose(answer, sigma**2 * (kept**-2).sum(), rtol=1e-4):
            continue
        if not torch.isfinite(answer):
            return "it is infinite: A† sets the components with s = 0 to zero, so leave them out."
        for sentence, wrong in mistakes.items():
            if torch.isclose(answer, torch.as_tensor(wrong), rtol=1e-4):
                return sentence
        return f"for s = {s.numpy().round(2).tolist()} and σ = {sigma:.2f} it is not {answer:.3g}."
    return None


def c(recover):
    """Exercise 1.1.c: x̂ = U (AU)† y for signals x = Uz."""
    g = torch.Generator().manual_seed(13)
    for _ in range(3):
        n = int(torch.randint(8, 13, (1,), generator=g))
        A = torch.randn(n - 3, n, generator=g, dtype=torch.float64)
        U = torch.linalg.qr(torch.randn(n, 3, generator=g, dtype=torch.float64))[0]
        U = U * torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64)  # columns need not be unit
        z = torch.randn(3, generator=g, dtype=torch.float64)
        x = U @ z
        y = A @ x
        answer = recover(y, A, U)
        if close(answer, x):
            continue
        if close(answer, z):
            return "these are the coefficients z; the image is x = Uz."
        if close(answer, torch.linalg.pinv(A) @ y):
            return "this is A†y, which does not use the subspace: write y = A U z and solve for z."
        projected = U @ torch.linalg.pinv(U) @ torch.linalg.pinv(A) @ y
        if close(answer, projected):
            return (
                "this is A†y projected on the subspace; it no longer agrees with y: solve AUz = y."
            )
        if close(answer, U @ U.T @ torch.linalg.pinv(A) @ y):
            return "this is UUᵀA†y, a projection of A†y; solve y = AUz for z instead."
        if close(answer, U @ (A @ U).T @ y):
            return "you used the transpose of AU; y = AUz is solved by its pseudo-inverse."
        if answer.shape != x.shape:
            return f"x has {n} entries and your answer has shape {tuple(answer.shape)}."
        return f"the relative error is {(answer - x).norm() / x.norm():.2g}, and it should be zero."
    return None
