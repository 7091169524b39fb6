"""The cases of lesson 2.4: the masked loss, stitching, the blind optimum, averages over splits."""

import torch

from .case import Case, Draw


def masked_loss():
    """masked_loss(output, y, hidden): the mean of (output − y)² over the hidden pixels."""
    draw = Draw(241)
    for shape in ((2, 1, 4, 4), (3, 1, 5, 6)):
        (output, y), hidden = draw.normal(2, *shape), draw.mask(*shape, share=0.3)
        d = output - y
        right = d[hidden].square().mean()
        mistakes = {
            "divide by the number of hidden pixels, not of all.": (hidden * d).square().mean(),
            "this is the mean over all pixels: the kept ones must not enter.": d.square().mean(),
            "this is the mean over the kept pixels: take the others.": d[~hidden].square().mean(),
            "this is a sum: divide it by the number of hidden pixels.": right * hidden.sum(),
            "square the differences.": d[hidden].mean(),
            "square the differences; you took absolute values.": d[hidden].abs().mean(),
            "this is the root of the mean square; leave out the root.": right.sqrt(),
        }
        yield Case((output, y, hidden), right, mistakes, "one number, the mean over hidden pixels")


def stitch():
    """stitch(f, y, hidden): on each mask the output of f for the image with that mask hidden."""
    draw = Draw(242)
    for size, count in (((4, 6), 3), ((5, 5), 4)):
        weight, y = draw.uniform(*size), draw.normal(2, 1, *size)
        which = torch.randint(count, size, generator=draw.generator)
        hidden = [which == k for k in range(count)]

        def f(u, weight=weight):
            return torch.tanh(u * (1 + weight)) + 0.7 * u.roll(1, -1) + 0.2

        outputs = [f(y * ~m) for m in hidden]
        pieces = [m * out for m, out in zip(hidden, outputs, strict=True)]
        right, total = sum(pieces), sum(outputs)
        mistakes = {
            "f saw the hidden pixels: set them to zero in its input.": f(y),
            "f saw only the hidden pixels: set those to zero.": sum(m * f(m * y) for m in hidden),
            "take from each output the pixels that were hidden, not the others.": total - right,
            "this is the sum of the outputs: take from each the hidden pixels only.": total,
            "this is the mean of the outputs: take from each the hidden pixels.": total / count,
            "every pixel is hidden once: nothing is left to divide by.": right / count,
            "only the last mask is there: add the pieces.": pieces[-1],
        }
        recall = "on each mask it is f of y with that mask set to zero"
        yield Case((f, y, hidden), right, mistakes, recall=recall)


def blind_spot():
    """blind_spot(K, y): y_i − [K⁻¹y]_i/[K⁻¹]_ii."""
    draw = Draw(243)
    for n, batch in ((5, 3), (8, 2)):
        M, y = draw.normal(n, n), draw.normal(batch, n)
        K = M @ M.T / n + torch.diag(draw.uniform(n, low=0.5, high=1.5))
        P = torch.linalg.inv(K)
        removed = y @ P / P.diagonal()
        mistakes = {
            "this is what is left over: subtract it from y.": removed,
            "the sign is flipped: subtract the second term from y.": y + removed,
            "divide by the diagonal of K⁻¹, entry by entry.": y - y @ P,
            "K is the covariance: the formula has its inverse.": y - y @ K / K.diagonal(),
            "divide by [K⁻¹]_ii, not by K_ii.": y - y @ P / K.diagonal(),
            "[K⁻¹]_ii is not the inverse of the diagonal of K.": y - y @ P * K.diagonal(),
            "divide by the diagonal, not by the whole matrix.": y - y @ P @ K,
            "this is y itself; f_i must not look at y_i at all.": y,
        }
        yield Case((K, y), y - removed, mistakes)


def average():
    """average(outputs, hidden): (Σ_t diag(h_t))⁻¹ Σ_t diag(h_t) f(y_{a,t})."""
    draw = Draw(244)
    for N, size in ((4, (3, 5)), (7, (4, 4))):
        outputs, hidden = draw.normal(N, 2, 1, *size), draw.mask(N, 2, 1, *size, share=0.4)
        hidden[0] |= ~hidden.any(0)  # every pixel at least once
        count, total = hidden.sum(0), (hidden * outputs).sum(0)
        mistakes = {
            "this is the slide's formula: N below and no h in the sum.": outputs.mean(0) / count,
            "divide by Σ h only: the further 1/N shrinks the image.": total / count / N,
            "multiply each output by its own mask: kept pixels are out.": outputs.sum(0) / count,
            "this is the mean of all outputs, also where a pixel was kept.": outputs.mean(0),
            "divide by how often the pixel was hidden, not by N.": total / N,
            "this is the sum: divide by how often the pixel was hidden.": total,
            "you averaged where it was kept.": (outputs.sum(0) - total) / (N - count).clamp_min(1),
            "divide pixel by pixel, not by the mean of the counts.": total / count.double().mean(),
        }
        wanted = f"one image each, {tuple(count.shape)}: sum over the first axis"
        yield Case((outputs, hidden), total / count, mistakes, wanted)


EXERCISES = {"a": masked_loss, "b": stitch, "c": blind_spot, "d": average}
