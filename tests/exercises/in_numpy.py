"""Right answers as somebody writes them who thinks in NumPy; they get arrays, return arrays."""

import numpy as np
import torch


def t(array):
    """What the course's operators and networks take."""
    return torch.from_numpy(np.ascontiguousarray(array))


def through(f):
    """A network f(u) or f(u, A) on arrays."""
    return lambda u, *A: f(t(u), *A).detach().numpy()


def arrays(answer):
    """The answer, given arrays for tensors."""

    def called(*arguments):
        return answer(*(a.numpy() if torch.is_tensor(a) else a for a in arguments))

    return called


def softmax(e):
    e = np.exp(e - e.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def weighted_median(values, weights):
    order = np.argsort(values)
    return values[order][np.searchsorted(np.cumsum(weights[order]), 0.5)]


def r2r_pair(y, sigma, alpha, w):
    y1 = y + sigma * np.sqrt(alpha / (1 - alpha)) * w
    return y1, (y - (1 - alpha) * y1) / alpha


def averaged(f, y, sigma, alpha, draws, generator):
    tau = np.sqrt(alpha / (1 - alpha))
    w = [torch.randn(y.shape, generator=generator).numpy() for _ in range(draws)]
    return np.mean([through(f)(y + tau * sigma * one) for one in w], axis=0)


def thin(y, gain, alpha, generator):
    seed = int(torch.randint(2**31, (), generator=generator))
    z = np.rint(y / gain).astype(int)
    w = np.random.default_rng(seed).binomial(z, alpha)
    return gain * (z - w) / (1 - alpha), gain * w / alpha


def mixture_mean(y, weights, means, t, sigma):
    v, deviation = t**2 + sigma**2, y[:, None] - means[None, :]
    r = softmax(np.log(weights) - deviation**2 / (2 * v))
    return y - sigma**2 * (r * deviation).sum(1) / v


def robbins(y, log_p, gain):
    return (y + gain) * np.exp((log_p(t(y + gain)) - log_p(t(y))).numpy())


def look_up(u, weight):
    B, C, H, W = u.shape
    big = np.zeros((B, C, H + 2, W + 2), u.dtype)
    big[:, :, 2:, 1:-1] = u
    return sum(
        np.einsum("bchw,oc->bohw", big[:, :, i : i + H, j : j + W], weight[:, :, i, j])
        for i in range(3)
        for j in range(3)
    )


def blind_filter(K):
    P = np.linalg.inv(K)
    return np.eye(len(K)) - P / np.diag(P)[:, None]


def blind_spot(K, y):
    P = np.linalg.inv(K)
    return y - y @ P / np.diag(P)


def autocorrelation(y, lag):
    z = y - np.mean(y)
    return np.mean(z[..., lag:] * z[..., :-lag]) / np.var(y)


def noise_passed(P, N):
    h = 1 - 1 / (np.mean(1 / P) * P)
    return np.average(h**2, weights=N)


def correlation_with_truth(one, raw):
    with np.errstate(all="ignore"):
        return np.where(raw > 0, one / np.sqrt(raw), np.nan)


def common_null(A):
    _, s, V = np.linalg.svd(A.reshape(-1, A.shape[-1]))
    return V[np.sum(s > 1e-8) :].T


def mean_image(y, mask):
    count = mask.sum(0)
    return np.divide(y.sum(0), count, out=np.zeros(y.shape[1]), where=count > 0)


def hide(f, y, A, h):
    from course_lib import operators

    kept = (~h).astype(y.dtype)
    return f(t(kept * y), operators.Inpainting(t(kept)) @ A)


def splitting_loss(f, y, A, h, p):
    d = A(hide(f, y, A, h)).numpy() - y
    return np.sum(d[h] ** 2) / (p * y.size)


def given_seen(masks, kept, p):
    fits = np.all(masks >= kept, axis=1)
    chance = np.where(fits, p ** (masks.sum(1) - kept.sum()), 0)
    return np.average(masks, axis=0, weights=chance)


def k_weight(h, p, pi):
    with np.errstate(all="ignore"):
        return np.where(p > 0, h * (1 - pi * (1 - p)) / (pi * p), 0)


def choose(g, G, generator):
    seed = int(torch.randint(2**31, (), generator=generator))
    return (g + np.random.default_rng(seed).integers(1, G, g.shape)) % G


def evaluations_until(steps, psnr, goal, evals):
    reached = np.flatnonzero(np.array(psnr) >= goal)
    return np.array(steps)[reached[0]] * evals if reached.size else None


def baseline(b, delta, theta, wavelength):
    s, c = np.sin(theta), np.cos(theta)
    u, v, w = np.array([[s, c, 0], [-c, s, 0], [0, 0, 1]]) @ b
    return np.array([u, w * np.cos(delta) + v * np.sin(delta)]) / wavelength


def dirty_beam(u, v, w, l, m):  # noqa: E741
    return np.tensordot(w, np.cos(2 * np.pi * (np.multiply.outer(u, l) + np.multiply.outer(v, m))),
                        axes=1) / np.sum(w)  # fmt: skip


RIGHT = {
    "1.1.a": lambda A, x: x - A.pinv(A(t(x))).numpy(),
    "1.1.b": lambda s, sigma: sigma**2 * np.sum(s[s > 0] ** -2.0),
    "1.1.c": lambda y, A, U: U @ np.linalg.lstsq(A @ U, y, rcond=None)[0],
    "1.2.a": lambda y, C, s: np.linalg.solve(C + s**2 * np.eye(len(C)), C @ y.T).T,
    "1.2.b": lambda y, s, v: softmax(-np.sum((y - s) ** 2, axis=1) / (2 * v**2)) @ s,
    "1.2.c": weighted_median,
    "2.1.a": r2r_pair,
    "2.1.b": averaged,
    "2.1.c": thin,
    "2.2.a": lambda H, y, s: np.mean((H @ y - y) ** 2) + 2 * s**2 * np.trace(H) / y.size - s**2,
    "2.2.b": lambda f, y, b, tau: np.vdot(b, through(f)(y + tau * b) - through(f)(y)) / tau,
    "2.2.c": mixture_mean,
    "2.2.d": robbins,
    "2.3.a": lambda s: s.shape[1] / np.mean(np.sum(s**2, axis=1)),
    "2.3.b": lambda mmse, sigma: -10 * np.log10(1 - mmse / sigma**2),
    "2.3.c": lambda P: 1 - P.size / np.sum(1 / P) / P,
    "2.4.a": lambda output, y, hidden: np.mean((output[hidden] - y[hidden]) ** 2),
    "2.4.b": lambda f, y, hidden: sum(m.numpy() * through(f)(~m.numpy() * y) for m in hidden),
    "2.4.c": blind_spot,
    "2.4.d": lambda outputs, hidden: np.sum(hidden * outputs, 0) / np.sum(hidden, 0),
    "2.5.a": look_up,
    "2.5.b": blind_filter,
    "2.5.c": lambda y, mu, s2, sigma: np.divide(s2 * y + sigma**2 * mu, s2 + sigma**2),
    "2.5.d": lambda misfit, r, n, s: np.float64(misfit) - s**2 * (1 - 2 * r / n),
    "2.6.a": lambda y, s: np.eye(y.shape[1]) - s**2 * np.linalg.inv(y.T @ y / len(y)),
    "2.6.b": lambda mmse, s, n, excess: np.ceil(n + 1 + (mmse + s**2) * n / excess),
    "2.6.c": lambda n2n, r2r, sure, s, a: np.array([n2n - s**2, r2r - s**2 / a, sure]),
    "2.6.d": lambda a, b: (np.mean(a - b), np.std(a - b, ddof=1) / np.sqrt(len(a))),
    "2.7.a": autocorrelation,
    "2.7.b": noise_passed,
    "2.7.c": lambda F: np.sqrt(2 * F / (1 + F)),
    "2.7.d": correlation_with_truth,
    "3.1.a": lambda A: np.einsum("gmi,gmj->ij", A, A) / len(A),
    "3.1.b": common_null,
    "3.1.c": mean_image,
    "3.1.d": lambda A, x, y: 2 / y.size * (A @ x - y) @ A,
    "3.2.a": splitting_loss,
    "3.2.b": given_seen,
    "3.2.c": k_weight,
    "3.2.d": lambda f, y, A, hidden: np.mean([hide(f, y, A, h.numpy()) for h in hidden], axis=0),
    "3.3.b": choose,
    "3.3.c": lambda masks: np.sum(np.cumsum(masks, 0) > 0, axis=(1, 2)),
    "3.3.d": evaluations_until,
    "3.4.a": baseline,
    "3.4.b": dirty_beam,
    "3.4.c": lambda W, r: np.linalg.lstsq(np.vstack([W, np.eye(W.shape[1])]),
                                          np.append(r, np.zeros(W.shape[1])), rcond=None)[0],
}  # fmt: skip
RIGHT = {name: arrays(answer) for name, answer in RIGHT.items()}


def cross_term(f, y, A, A_other):
    """NumPy has no gradient: the value alone."""
    x_hat = f(y, A)
    return np.mean((f(A_other(x_hat), A_other) - x_hat).detach().numpy() ** 2)


RIGHT["3.3.a"] = cross_term


def noisy_ei(f, A, T, y, w, sigma):
    errors = [
        f(torch.as_tensor(A @ u + sigma * e)).numpy() - u
        for u, e in zip(T @ f(torch.as_tensor(y)).numpy(), w, strict=True)
    ]
    return np.mean(np.square(errors))


RIGHT["4.3.a"] = arrays(noisy_ei)
RIGHT["4.3.c"] = arrays(lambda a, P, S, s: a * (P + S) / (a**2 * (P + s**2 + S) + s**2))


def virtual_counts(A, x_tilde, gain, sigma, w):
    """NumPy has no gradient: the values alone."""
    mean = A(x_tilde).detach().numpy()
    return mean + np.sqrt(gain * mean + sigma**2) * w.numpy()


RIGHT["4.3.b"] = virtual_counts


def expected(W, A, T, C_hat, sigma):
    R = (W @ A - np.eye(len(W))) @ T
    return np.mean([np.trace(r @ C_hat @ r.T) for r in R]) + sigma**2 * (W**2).sum()


def factor(rho, rmse, level):
    return np.sort(rmse / rho)[int(np.ceil((len(rho) + 1) * level - 1e-9)) - 1]


BOOTSTRAP = {
    "4.5.a": lambda f, A, T, x, eps: T.T @ through(f)(A @ T @ x + eps) - x,
    "4.5.b": expected,
    "4.5.c": lambda e, level: np.quantile(np.sqrt((e**2).mean(2)), level, axis=0),
    "4.5.d": factor,
}
RIGHT |= {name: arrays(answer) for name, answer in BOOTSTRAP.items()}


def disagreement(f, A, T, y):
    f = through(f)
    x_tilde = T @ f(y)
    return np.mean([t.T @ (f(A @ u) - u) ** 2 for t, u in zip(T, x_tilde, strict=True)], axis=0)


def ghost(v, mask):
    unseen = np.logical_and(mask == 0, np.fliplr(mask) == 0)
    return np.where(unseen, (v + np.fliplr(v)) / 2, 0.0)


def average_of(f, y, A, T):
    each = [t @ f(torch.as_tensor(y), torch.as_tensor(A @ t)).numpy() for t in T]
    return np.mean(each, axis=0)


ONE_OPERATOR = {
    "4.2.a": average_of,
    "4.2.b": disagreement,
    "4.2.c": ghost,
}
RIGHT |= {name: arrays(answer) for name, answer in ONE_OPERATOR.items()}


def seen(m, blocks):
    c, s = np.array(blocks).T
    return np.minimum(c, m * s) @ s


def ei(f, A, T, y):
    x_tilde = T @ through(f)(y)
    again = np.stack([through(f)(A @ u) for u in x_tilde])
    return np.mean((again - x_tilde) ** 2)


def far(z, w):
    """The mean distance of a row of z and a row of w."""
    return np.mean(np.linalg.norm(z[:, None] - w[None], axis=2))


SYMMETRY = {
    "4.1.a": lambda A, T: np.einsum("gmi,gmj->ij", A @ T, A @ T) / len(T),
    "4.1.b": seen,
    "4.1.c": ei,
    "4.1.d": lambda z, w: 2 * far(z, w) - far(z, z) - far(w, w),
}
RIGHT |= {name: arrays(answer) for name, answer in SYMMETRY.items()}
