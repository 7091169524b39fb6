"""The cases of lesson 1.1: null-space part, noise amplification, inversion in a subspace."""

import torch

from .. import operators
from .case import Case, Draw


def null_part():
    """null_part(A, x): the part x − A†Ax of x that A cannot see."""
    draw = Draw(11)
    for kernel in ([[1.0]], [[0.3, 1.0, 0.2]]):  # a mask, and one of a blurred image
        x, mask = draw.uniform(2, 1, 8, 10).float(), draw.mask(8, 10, share=0.6)
        A = operators.Inpainting(mask) @ operators.Blur(torch.tensor(kernel))
        seen = A.pinv(A(x))
        mistakes = {
            "this is A†Ax, the part that A sees; the null-space part is what it lacks.": seen,
            "the sign is wrong: the two parts must add up to x, A†Ax + v = x.": seen - x,
            "you used the adjoint, which inverts a mask, no blur: use pinv.": x - A.adjoint(A(x)),
            "this is x − Ax, an image minus a measurement; go back with A†.": x - A(x),
            "this is x − AA†x: A first, then A†, as A† takes measurements.": x - A(A.pinv(x)),
        }
        yield Case((A, x), x - seen, mistakes, recall="A of it should vanish")


def amplified():
    """amplified(s, sigma): E‖A†ε‖² = σ² Σ 1/s², over the singular values that are not zero."""
    draw = Draw(12)
    for size, zeros in ((5, 0), (3, 0), (8, 1), (4, 2)):
        s, sigma = draw.uniform(size, low=0.2, high=1.2), draw.number(0.1, 0.6)
        s[size - zeros :] = 0
        kept = s[s > 0]
        right = sigma**2 * (kept**-2).sum()
        mistakes = {
            "the variance of the noise is σ²; you did not square sigma.": right / sigma,
            "A† divides the variance of a component by s², not by s.": sigma**2 * (1 / kept).sum(),
            "A† divides by the singular values; you multiplied.": sigma**2 * kept.square().sum(),
            "the question is the sum over all components, not their mean.": right / len(kept),
            "this is the square root of the answer.": right.sqrt(),
            "it is infinite: leave out components with s = 0; A† does.": sigma**2 * (s**-2).sum(),
        }
        yield Case((s, sigma), right, mistakes)


def recover():
    """recover(y, A, U): x̂ = U (AU)† y for signals x = Uz."""
    draw = Draw(13)
    for n in (8, 11):
        A, z = draw.normal(n - 3, n), draw.normal(3)
        U = torch.linalg.qr(draw.normal(n, 3))[0] * torch.tensor([1, 2, 3])  # not of unit norm
        y, back, pinv = A @ U @ z, torch.linalg.pinv(A), torch.linalg.pinv
        mistakes = {
            "these are the coefficients z; the image is x = Uz.": z,
            "this is A†y, which does not use the subspace: solve y = A U z for z.": back @ y,
            "this is A†y projected, which no longer agrees with y.": U @ pinv(U) @ back @ y,
            "this is UUᵀA†y, a projection of A†y; solve y = AUz for z instead.": U @ U.T @ back @ y,
            "you used the transpose of AU; y = AUz needs its pseudo-inverse.": U @ (A @ U).T @ y,
        }
        yield Case((y, A, U), U @ z, mistakes)


EXERCISES = {"a": null_part, "b": amplified, "c": recover}
