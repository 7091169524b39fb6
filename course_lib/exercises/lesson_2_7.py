"""The checks of lesson 2.7: autocorrelation, the noise that passes, FRC and the truth."""

import torch

from .answers import close, shown_by


def a(autocorrelation):
    """Exercise 2.7.a: the correlation with the pixel `lag` further along the row."""
    g = torch.Generator().manual_seed(271)
    for lag in (1, 2, 3):
        y = 2 + torch.randn(3, 1, 7, 9, generator=g).double()
        y = y + 0.7 * y.roll(1, -1) + 0.3 * y.roll(1, -2)
        answer = torch.as_tensor(autocorrelation(y, lag)).double()
        if answer.numel() != 1:
            return "the answer must be one number: the mean over images and pixels."
        z = y - y.mean()
        right = (z[..., lag:] * z[..., :-lag]).mean() / z.square().mean()
        if close(answer, right):
            continue
        per_image = y - y.mean((1, 2, 3), keepdim=True)
        mistakes = {
            "subtract the mean of the image first.": (
                (y[..., lag:] * y[..., :-lag]).mean() / y.square().mean()
            ),
            "roll joins the left border to the right one: use slices.": (
                (z * z.roll(lag, -1)).mean() / z.square().mean()
            ),
            "this goes down the columns; the last axis is the row.": (
                (z[..., lag:, :] * z[..., :-lag, :]).mean() / z.square().mean()
            ),
            "this is the covariance: divide by the variance.": right * z.square().mean(),
            "divide by the variance, not by the standard deviation.": right * z.std(correction=0),
            "take means, not sums: fewer pixels have a partner than there are pixels.": (
                (z[..., lag:] * z[..., :-lag]).sum() / z.square().sum()
            ),
            "subtract one mean for all images, not one for each.": (
                (per_image[..., lag:] * per_image[..., :-lag]).mean() / per_image.square().mean()
            ),
        }
        return shown_by(answer, mistakes) or f"at lag {lag} it is {right:.4f}, not {answer:.4f}."
    return None


def b(noise_passed):
    """Exercise 2.7.b: mean(h² N)/mean(N), h = 1 − η*/P."""
    g = torch.Generator().manual_seed(272)
    for shape in ((4, 6), (5, 5)):
        N = 0.2 + torch.rand(shape, generator=g).double()
        P = N + 2 * torch.rand(shape, generator=g).double() ** 3
        answer = torch.as_tensor(noise_passed(P, N)).double()
        if answer.numel() != 1:
            return "the answer must be one number, a part of the variance."
        h = 1 - 1 / ((1 / P).mean() * P)
        power = h.square() * N
        if close(answer, power.mean() / N.mean()):
            continue
        arithmetic = 1 - P.mean() / P
        mistakes = {
            "a power is multiplied by h², not by h.": (h * N).mean() / N.mean(),
            "this is the noise left in the output: divide it by the variance of the noise.": (
                power.mean()
            ),
            "divide by the noise, not by the power of y.": power.mean() / P.mean(),
            "this is what passes of y; multiply h² by N, not by P.": (
                (h.square() * P).mean() / P.mean()
            ),
            "η* is the harmonic mean of P; you used the arithmetic mean.": (
                (arithmetic.square() * N).mean() / N.mean()
            ),
            "weigh each frequency by its noise: the mean of h² N, not of h².": h.square().mean(),
            "this is the part that the filter removes, η*/P: the gain is 1 minus it.": (
                ((1 - h).square() * N).mean() / N.mean()
            ),
            "η* comes from P, not from N: the filter does not know the noise.": (
                ((1 - 1 / ((1 / N).mean() * P)).square() * N).mean() / N.mean()
            ),
        }
        return shown_by(answer, mistakes) or (
            f"it is {power.mean() / N.mean():.4f} of the noise variance, not {answer:.4f}."
        )
    return None


def c(truth_correlation):
    """Exercise 2.7.c: √(2F/(1 + F))."""
    g = torch.Generator().manual_seed(273)
    for _ in range(4):
        F = 0.05 + 0.9 * torch.rand((), generator=g).double()
        answer = torch.as_tensor(truth_correlation(F)).double()
        if answer.numel() != 1:
            return "the answer must be one number."
        right = (2 * F / (1 + F)).sqrt()
        if close(answer, right):
            continue
        mistakes = {
            "this is ρ²: take the root.": right.square(),
            "this is ρ of one half; the mean of both has half the noise.": F.sqrt(),
            "this is the FRC itself: it is ρ² of one half.": F,
            "the noise power is halved, not quartered: SNR = 2F/(1 − F).": (
                (4 * F / (1 + 3 * F)).sqrt()
            ),
            "the mean of both has less noise than a half, not more.": (F / (2 - F)).sqrt(),
            "this is the SNR of both together: ρ² = SNR/(1 + SNR).": 2 * F / (1 - F),
            "this is the SNR of one half.": F / (1 - F),
        }
        return shown_by(answer, mistakes) or f"for F = {F:.3f} it is {right:.4f}, not {answer:.4f}."
    return None


def d(correlation_with_truth):
    """Exercise 2.7.d: FRC(f(y_a), y_b)/√FRC(y_a, y_b), nan where the latter is not positive."""
    g = torch.Generator().manual_seed(274)
    for count in (5, 8):
        raw = 0.1 + 0.8 * torch.rand(count, generator=g).double()
        raw[-2], raw[-1] = -0.05, 0.0
        one = 0.9 * raw.abs().sqrt() * torch.rand(count, generator=g).double() + 0.01
        answer = torch.as_tensor(correlation_with_truth(one, raw)).double()
        if answer.shape != raw.shape:
            return f"the answer has shape {tuple(answer.shape)}, one number a ring is {(count,)}."
        ok = raw > 0
        right = torch.where(ok, one / raw.clamp_min(1e-12).sqrt(), torch.nan)
        if close(answer, right):
            continue
        if close(answer[ok], right[ok]):
            return "right where raw > 0; elsewhere return nan, also where raw is 0."
        mistakes = {
            "divide by the root of raw: this is the gain over the raw half, not ρ.": one / raw,
            "divide by √raw, do not multiply by it.": one * raw.abs().sqrt(),
            "this is ρ²: ρ enters (2.7.5) once.": one.square() / raw,
            "the roles are swapped: ρ is one/√raw.": raw / one.sqrt(),
            "only raw stands under the root.": (one / raw).abs().sqrt(),
        }
        usable = {sentence: wrong[ok] for sentence, wrong in mistakes.items()}
        return shown_by(answer[ok], usable) or (
            f"on the first ring it is {right[0]:.4f}, not {answer[0]:.4f}."
        )
    return None
