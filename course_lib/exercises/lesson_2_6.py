"""The checks of lesson 2.6: SURE's filter, enough data, losses on one scale, paired errors."""

import torch

from .answers import close, shown_by


def _numbers(answer, count):
    """The answer as `count` numbers, or None."""
    try:
        values = [float(v) for v in answer] if count > 1 else [float(answer)]
    except (TypeError, ValueError, RuntimeError):
        return None
    return values if len(values) == count else None


def a(sure_filter):
    """Exercise 2.6.a: I − σ² K̂⁻¹, K̂ = (1/N) Σ y yᵀ."""
    g = torch.Generator().manual_seed(261)
    for N, n in ((12, 3), (9, 4)):
        y = torch.randn(N, n, generator=g).double() @ torch.randn(n, n, generator=g).double() + 0.3
        sigma = 0.2 + 0.3 * float(torch.rand((), generator=g))
        answer = torch.as_tensor(sure_filter(y, sigma))
        if answer.shape != (n, n):
            return f"the answer has shape {tuple(answer.shape)}; it must be ({n}, {n})."
        answer, eye = answer.double(), torch.eye(n).double()
        K = y.T @ y / N
        inverse = torch.linalg.inv(K)
        if close(answer, eye - sigma**2 * inverse):
            continue
        mistakes = {
            "the noise enters as a variance: σ², not σ.": eye - sigma * inverse,
            "this is what the filter removes; subtract it from I.": sigma**2 * inverse,
            "the inverse of K̂ is missing.": eye - sigma**2 * K,
            "K̂ is the mean of y yᵀ over the N signals: divide by N.": eye - sigma**2 * inverse / N,
            "do not subtract the mean: SURE's K̂ is the second moment (1/N) Σ y yᵀ.": (
                eye - sigma**2 * torch.linalg.inv(torch.cov(y.T))
            ),
            "do not subtract the mean (nor divide by N − 1): K̂ = (1/N) Σ y yᵀ.": (
                eye - sigma**2 * torch.linalg.inv(torch.cov(y.T, correction=0))
            ),
            "the sign: noise is removed, not added.": eye + sigma**2 * inverse,
        }
        return shown_by(answer, mistakes) or (
            "it is not the minimiser of (1/N) Σ ‖y − Fy‖² + 2σ² tr F: there the gradient "
            f"2(F − I)K̂ + 2σ²I is 0; yours differs from it by up to "
            f"{(answer - eye + sigma**2 * inverse).abs().max():.3g}."
        )
    return None


def b(pairs_needed):
    """Exercise 2.6.b: N = n + 1 + (MMSE + σ²) n/excess."""
    g = torch.Generator().manual_seed(262)
    for n in (8, 20, 64):
        sigma = 0.1 + float(torch.rand((), generator=g))
        mmse = (0.1 + 0.6 * float(torch.rand((), generator=g))) * sigma**2
        excess = 0.05 * mmse
        answer = _numbers(pairs_needed(mmse, sigma, n, excess), 1)
        if answer is None:
            return "return one number, N (it need not be whole)."
        right = n + 1 + (mmse + sigma**2) * n / excess
        if close(answer, [right]):
            continue
        mistakes = {
            "this is for supervised learning; the target y_b has the noise variance σ² as well.": (
                n + 1 + mmse * n / excess
            ),
            "σ² is the variance, not σ.": n + 1 + (mmse + sigma) * n / excess,
            "n + 1 is missing: the formula divides by N − n − 1.": right - n - 1,
            "the 1 is missing: the formula divides by N − n − 1.": right - 1,
            "the number of pixels n is missing in the numerator.": (
                n + 1 + (mmse + sigma**2) / excess
            ),
            "the residual variance is MMSE + σ²; you left the MMSE out.": (
                n + 1 + sigma**2 * n / excess
            ),
        }
        return shown_by(answer, {k: [v] for k, v in mistakes.items()}) or (
            f"for n = {n} it is {right:.1f}, not {answer[0]:.1f}."
        )
    return None


def c(risks):
    """Exercise 2.6.c: the offsets of Noise2Noise, R2R and SURE are σ², σ²/α and 0."""
    g = torch.Generator().manual_seed(263)
    for _ in range(4):
        n2n, r2r, sure, sigma, alpha = (0.1 + 0.8 * torch.rand(5, generator=g)).tolist()
        v, r2r = sigma**2, r2r + sigma**2 / alpha
        answer = _numbers(risks(n2n + v, r2r, sure, sigma, alpha), 3)
        if answer is None:
            return "return three numbers: the risks behind Noise2Noise, R2R and SURE."
        n2n = n2n + v
        right = (n2n - v, r2r - v / alpha, sure)
        if close(answer, right):
            continue
        mistakes = {
            "these are the losses themselves: subtract their offsets.": (n2n, r2r, sure),
            "the offset is a variance: σ², not σ.": (n2n - sigma, r2r - sigma / alpha, sure),
            "subtract the offsets, do not add them.": (n2n + v, r2r + v / alpha, sure),
            "R2R's target y2 has variance σ²/α; you subtracted σ²: α differs between candidates.": (
                n2n - v, r2r - v, sure,
            ),
            "R2R's offset is that of its target y2, σ²/α; σ²/(1 − α) is the variance of y1.": (
                n2n - v, r2r - v / (1 - alpha), sure,
            ),
            "divide σ² by α: the less noise goes into y1, the more there is in y2.": (
                n2n - v, r2r - v * alpha, sure,
            ),
            "SURE has subtracted σ² already: its offset is 0.": (
                n2n - v, r2r - v / alpha, sure - v,
            ),
        }  # fmt: skip
        return shown_by(answer, mistakes) or (
            f"for σ = {sigma:.2f}, α = {alpha:.2f} the risks are "
            f"{', '.join(f'{r:.4f}' for r in right)}, not {', '.join(f'{r:.4f}' for r in answer)}."
        )
    return None


def d(behind):
    """Exercise 2.6.d: the mean of a − b and its standard error, paired."""
    g = torch.Generator().manual_seed(264)
    for n in (8, 13):
        easy = torch.rand(n, generator=g).double()
        a, best = (easy + 0.2 * torch.rand(n, generator=g).double() for _ in range(2))
        answer = _numbers(behind(a, best), 2)
        if answer is None:
            return "return two numbers: the mean difference and its standard error."
        d = a - best
        mean, error = float(d.mean()), float(d.std() / n**0.5)
        if close(answer, (mean, error)):
            continue
        apart = float((a.var() / n + best.var() / n) ** 0.5)
        mistakes = {
            "the sign: candidate minus best, positive when the candidate is worse.": (-mean, error),
            "take the standard error of the differences: the candidates saw the same images, and "
            "what is hard for both cancels.": (mean, apart),
            "this is the spread of one difference; divide by √n for that of their mean.": (
                mean, float(d.std()),
            ),
            "divide the standard deviation by √n, not by n.": (mean, float(d.std()) / n),
            "this is the square of the standard error.": (mean, error**2),
            "divide by n − 1 in the variance (torch's default): n is small.": (
                mean, float(d.std(correction=0)) / n**0.5,
            ),
        }  # fmt: skip
        return shown_by(answer, mistakes) or (
            f"for {n} images it is {mean:.4f} ± {error:.4f}, not {answer[0]:.4f} ± {answer[1]:.4f}."
        )
    return None
