"""The checks of lesson 2.4: the masked loss, stitching, the blind optimum, averages over splits."""

import torch

from .answers import close, shown_by


def a(masked_loss):
    """Exercise 2.4.a: the mean of (output − y)² over the hidden pixels."""
    g = torch.Generator().manual_seed(241)
    for shape in ((2, 1, 4, 4), (3, 1, 5, 6)):
        output, y = torch.randn(2, *shape, generator=g).double()
        hidden = torch.rand(shape, generator=g) < 0.3
        answer = torch.as_tensor(masked_loss(output, y, hidden)).double()
        if answer.numel() != 1:
            return "the answer must be one number, a mean over the hidden pixels of all images."
        squares = (output - y).square()
        right = squares[hidden].mean()
        if close(answer, right):
            continue
        mistakes = {
            "divide by the number of hidden pixels, not by that of all pixels.": (
                (hidden * squares).mean()
            ),
            "this is the mean over all pixels: the kept ones must not enter.": squares.mean(),
            "this is the mean over the kept pixels: take the hidden ones.": squares[~hidden].mean(),
            "this is a sum: divide it by the number of hidden pixels.": squares[hidden].sum(),
            "square the differences.": (output - y)[hidden].mean(),
            "square the differences; you took absolute values.": (output - y)[hidden].abs().mean(),
            "this is the root of the mean square; leave out the root.": right.sqrt(),
        }
        return shown_by(answer, mistakes) or f"the mean is {right:.4f}, not {answer:.4f}."
    return None


def b(stitch):
    """Exercise 2.4.b: on each mask the output of f for the image with that mask hidden."""
    g = torch.Generator().manual_seed(242)
    for size, masks in (((4, 6), 3), ((5, 5), 4)):
        weight = torch.rand(size, generator=g).double()

        def f(u, weight=weight):
            return torch.tanh(u * (1 + weight)) + 0.7 * u.roll(1, -1) + 0.2

        y = torch.randn(2, 1, *size, generator=g).double()
        which = torch.randint(masks, size, generator=g)
        hidden = [which == k for k in range(masks)]
        answer = torch.as_tensor(stitch(f, y, hidden)).double()
        if answer.shape != y.shape:
            return f"the answer has shape {tuple(answer.shape)}; y has {tuple(y.shape)}."
        outputs = [f(y.masked_fill(m, 0.0)) for m in hidden]
        right = sum(m * out for m, out in zip(hidden, outputs, strict=True))
        if close(answer, right):
            continue
        mistakes = {
            "f saw the hidden pixels: set them to zero in its input.": f(y),
            "f saw only the hidden pixels: those are the ones to set to zero.": (
                sum(m * f(m * y) for m in hidden)
            ),
            "take from each output the pixels that were hidden, not the others.": (
                sum(~m * out for m, out in zip(hidden, outputs, strict=True))
            ),
            "this is the sum of the outputs: take from each the hidden pixels only.": sum(outputs),
            "this is the mean of the outputs: take from each the hidden pixels only.": (
                sum(outputs) / masks
            ),
            "every pixel is hidden once: nothing is left to divide by.": right / masks,
            "only the last mask is there: add the pieces.": hidden[-1] * outputs[-1],
        }
        return shown_by(answer, mistakes) or (
            f"the stitched image differs by up to {(answer - right).abs().max():.3g}: on each mask "
            "it is f of y with that mask set to zero."
        )
    return None


def c(blind_spot):
    """Exercise 2.4.c: y_i − [K⁻¹y]_i/[K⁻¹]_ii."""
    g = torch.Generator().manual_seed(243)
    for n, batch in ((5, 3), (8, 2)):
        M = torch.randn(n, n, generator=g).double()
        K = M @ M.T / n + torch.eye(n).double() * (0.5 + torch.rand(n, generator=g).double())
        y = torch.randn(batch, n, generator=g).double()
        answer = torch.as_tensor(blind_spot(K, y)).double()
        if answer.shape != y.shape:
            return f"the answer has shape {tuple(answer.shape)}; y has {tuple(y.shape)}."
        P = torch.linalg.inv(K)
        removed = y @ P / P.diagonal()
        right = y - removed
        if close(answer, right):
            continue
        mistakes = {
            "this is what is left over: subtract it from y.": removed,
            "the sign is flipped: subtract the second term from y.": y + removed,
            "divide by the diagonal of K⁻¹, entry by entry.": y - y @ P,
            "K is the covariance: the formula has its inverse.": y - y @ K / K.diagonal(),
            "divide by [K⁻¹]_ii, not by K_ii.": y - y @ P / K.diagonal(),
            "[K⁻¹]_ii is the diagonal of the inverse, not the inverse of the diagonal of K.": (
                y - y @ P * K.diagonal()
            ),
            "divide by the diagonal, not by the whole matrix.": y - (y @ P) @ torch.linalg.inv(P),
        }
        named = shown_by(answer, mistakes)
        if named:
            return named
        e = torch.zeros(1, n).double()
        e[0, 0] = 1.0
        own = float(torch.as_tensor(blind_spot(K, e)).double()[0, 0])
        if abs(own) > 1e-6:
            return f"f_0 moves by {own:.3g} when y_0 moves by 1; it must not depend on y_0 at all."
        return f"for n = {n} it differs by up to {(answer - right).abs().max():.3g}."
    return None


def d(average):
    """Exercise 2.4.d: (Σ_t diag(h_t))⁻¹ Σ_t diag(h_t) f(y_{a,t})."""
    g = torch.Generator().manual_seed(244)
    for draws, size in ((4, (3, 5)), (7, (4, 4))):
        outputs = torch.randn(draws, 2, 1, *size, generator=g).double()
        hidden = torch.rand(draws, 2, 1, *size, generator=g) < 0.4
        hidden[0] |= ~hidden.any(0)  # every pixel at least once
        answer = torch.as_tensor(average(outputs, hidden)).double()
        if answer.shape != outputs.shape[1:]:
            return (
                f"the answer has shape {tuple(answer.shape)}; it should be one image each, "
                f"{tuple(outputs.shape[1:])}: sum over the first axis."
            )
        h, count = hidden.double(), hidden.sum(0)
        right = (h * outputs).sum(0) / count
        if close(answer, right):
            continue
        mistakes = {
            "this is the slide's formula: N and Σ h both divide, and h is missing in the sum.": (
                outputs.mean(0) / count
            ),
            "divide by Σ h only: the further 1/N shrinks the image.": right / draws,
            "multiply each output by its own mask: the kept pixels of f were never trained.": (
                outputs.sum(0) / count
            ),
            "this is the mean of all outputs; each pixel counts only where it was hidden.": (
                outputs.mean(0)
            ),
            "divide by how often the pixel was hidden, not by N.": (h * outputs).mean(0),
            "this is the sum: divide by how often the pixel was hidden.": (h * outputs).sum(0),
            "you averaged where the pixel was kept.": (
                ((1 - h) * outputs).sum(0) / (draws - count).clamp_min(1)
            ),
            "divide pixel by pixel, not by the mean of the counts.": (
                (h * outputs).sum(0) / count.double().mean()
            ),
        }
        return shown_by(answer, mistakes) or (
            f"with {draws} masks it differs by up to {(answer - right).abs().max():.3g}."
        )
    return None
