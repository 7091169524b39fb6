"""Right answers as somebody writes them who thinks in loops; they return numbers and lists."""

# ruff: noqa: B905 (a student's zip has no strict=)

import math

import torch

from course_lib import operators


def null_part(A, x):
    out = torch.empty(x.shape)
    seen = A.pinv(A(x))
    for b in range(len(x)):
        for i in range(x.shape[2]):
            for j in range(x.shape[3]):
                out[b, 0, i, j] = x[b, 0, i, j] - seen[b, 0, i, j]
    return out


def amplified(s, sigma):
    total = 0
    for value in s:
        if value > 0:
            total += sigma**2 / value**2
    return total


def recover(y, A, U):
    M, z = A @ U, torch.zeros(U.shape[1]).double()
    r = p = M.T @ y
    for _ in range(len(z)):  # conjugate gradient
        step = (r @ r) / (M @ p).square().sum()
        z, new = z + step * p, r - step * M.T @ (M @ p)
        p, r = new + (new @ new) / (r @ r) * p, new
    return U @ z


def wiener(y, C, sigma):
    rows = []
    for row in y:
        rows.append(C @ torch.linalg.solve(C + sigma**2 * torch.eye(len(C)).double(), row))
    return rows


def list_mean(y, signals, sigma):
    weights = []
    for x in signals:
        weights.append(math.exp(-sum((a - b) ** 2 for a, b in zip(y, x)) / (2 * sigma**2)))
    mean = [0.0] * len(y)
    for w, x in zip(weights, signals):
        for i in range(len(y)):
            mean[i] += w * float(x[i]) / sum(weights)
    return mean


def best_for_l1(values, weights):
    costs = []
    for c in values:
        costs.append(sum(w * abs(x - c) for x, w in zip(values, weights)))
    return values[costs.index(min(costs))].item()


def r2r_pair(y, sigma, alpha, w):
    y1, y2 = y.clone(), y.clone()
    for i in range(len(y)):
        y1[i] += sigma * math.sqrt(alpha / (1 - alpha)) * w[i]
        y2[i] -= sigma * math.sqrt((1 - alpha) / alpha) * w[i]
    return [y1, y2]


def averaged(f, y, sigma, alpha, draws, generator):
    total = f(
        y + sigma * math.sqrt(alpha / (1 - alpha)) * torch.randn(y.shape, generator=generator)
    )
    for _ in range(draws - 1):
        w = torch.randn(y.shape, generator=generator)
        total += f(y + sigma * math.sqrt(alpha / (1 - alpha)) * w)
    return total / draws


def thin(y, gain, alpha, generator):
    z = (y / gain).round()
    w = torch.zeros_like(z)
    for photon in range(int(z.max())):  # one coin per photon
        coin = torch.rand(z.shape, generator=generator) < alpha
        w += (z > photon) * coin
    return gain * (z - w) / (1 - alpha), gain * w / alpha


def sure_linear(H, y, sigma):
    n, total = len(y), -(sigma**2)
    for i in range(n):
        out = 0
        for j in range(n):
            out += H[i, j] * y[j]
        total += (out - y[i]) ** 2 / n + 2 * sigma**2 * H[i, i] / n
    return total


def mc_divergence(f, y, b, tau):
    total = 0.0
    moved, still = f(y + tau * b).flatten(), f(y).flatten()
    for probe, new, old in zip(b.flatten(), moved, still):
        total += probe.item() * (new.item() - old.item()) / tau
    return total


def mixture_mean(y, weights, means, t, sigma):
    out, v = [], t**2 + sigma**2
    for value in y:
        p = [w * math.exp(-((value - m) ** 2) / (2 * v)) for w, m in zip(weights, means)]
        score = sum(r * (m - value) / v for r, m in zip(p, means)) / sum(p)
        out.append(value + sigma**2 * score)
    return out


def robbins(y, log_p, gain):
    return [(v + gain) * math.exp(log_p(v + gain) - log_p(v)) for v in y]


def multiplier(score):
    total = 0
    for image in score:
        for s in image:
            total += s**2 / len(score)
    return len(score[0]) / total


def unsure_filter(P):
    total = sum(1 / p for row in P for p in row) / P.numel()
    return [[1 - 1 / (total * p) for p in row] for row in P]


def masked_loss(output, y, hidden):
    total = count = 0
    for a, b, h in zip(output.flatten(), y.flatten(), hidden.flatten()):
        if h:
            total, count = total + (a - b) ** 2, count + 1
    return total / count


def stitch(f, y, hidden):
    out = torch.zeros(y.shape)
    for mask in hidden:
        seen = y.clone()
        seen[..., mask] = 0
        out[..., mask] = f(seen)[..., mask].float()
    return out


def blind_spot(K, y):
    out = torch.zeros(y.shape)
    for i in range(len(K)):
        rest = [j for j in range(len(K)) if j != i]
        out[:, i] = y[:, rest] @ torch.linalg.solve(K[rest][:, rest], K[rest, i])
    return out


def average(outputs, hidden):
    total = count = 0
    for out, h in zip(outputs, hidden):
        total, count = total + torch.where(h, out, 0), count + h.int()
    return total / count


def look_up(u, weight):
    B, C, H, W = u.shape
    out = torch.zeros(B, len(weight), H, W)
    for i in range(H):
        for j in range(W):
            for di in range(3):
                for dj in range(3):
                    row, column = i - 2 + di, j - 1 + dj
                    if row >= 0 and 0 <= column < W:
                        out[:, :, i, j] += u[:, :, row, column] @ weight[:, :, di, dj].T
    return out


def blind_filter(K):
    P = torch.linalg.inv(K).tolist()
    n = range(len(P))
    return [[0.0 if i == j else -P[i][j] / P[i][i] for j in n] for i in n]


def posterior_mean(y, mu, s2, sigma):
    out = torch.empty(y.shape)
    for k in range(y.numel()):
        a, b, v = y.flatten()[k], mu.flatten()[k], s2.flatten()[k]
        out.view(-1)[k] = (a / sigma**2 + b / v) / (1 / sigma**2 + 1 / v)
    return out


def risk_of_projection(misfit, r, n, sigma):
    for _ in range(r):
        misfit += 2 * sigma**2 / n
    return misfit - sigma**2


def sure_filter(y, sigma):
    K = 0
    for signal in y:
        K = K + torch.outer(signal, signal) / len(y)
    return torch.eye(len(K)) - sigma**2 * torch.linalg.inv(K)


def pairs_needed(mmse, sigma, n, excess):
    N = n + 2
    while n * (mmse + sigma**2) / (N - n - 1) > excess:
        N += 1
    return N


def behind(a, best):
    d = [(x - y).item() for x, y in zip(a, best)]
    mean = sum(d) / len(d)
    return mean, math.sqrt(sum((v - mean) ** 2 for v in d) / (len(d) - 1) / len(d))


def autocorrelation(y, lag):
    z = (y - y.mean()).tolist()
    products = [row[j] * row[j + lag] for b in z for row in b[0] for j in range(len(row) - lag)]
    squares = [row[j] ** 2 for b in z for row in b[0] for j in range(len(row) - lag)]
    return sum(products) / sum(squares)


def noise_passed(P, N):
    eta = len(P) * len(P[0]) / sum(1 / p for row in P for p in row)
    passed = 0
    for p, n in zip(P.flatten(), N.flatten()):
        passed += (1 - eta / p) ** 2 * n
    return passed / N.sum()


def correlation_with_truth(one, raw):
    return [a / math.sqrt(b) if b > 0 else math.nan for a, b in zip(one, raw)]


def pooled(A):
    M = torch.zeros(A.shape[2], A.shape[2])
    for A_g in A:
        M += A_g.T @ A_g  # a float32 accumulator
    return M / len(A)


def common_null(A):
    values, vectors = torch.linalg.eigh(pooled(A))
    columns = [v for value, v in zip(values, vectors.T) if value < 1e-5 * values.max()]
    return torch.stack(columns, 1) if columns else torch.zeros(len(values), 0)


def mean_image(y, mask):
    out = []
    for column in range(y.shape[1]):
        seen = [y[i, column] for i in range(len(y)) if mask[i, column]]
        out.append(sum(seen) / len(seen) if seen else 0)
    return out


def naive_gradient(A, x_hat, y):
    m, n = A.shape
    out = [0.0] * n
    for i in range(m):
        residual = sum(A[i, j] * x_hat[j] for j in range(n)) - y[i]
        for j in range(n):
            out[j] += 2 / m * float(A[i, j] * residual)
    return out


def splitting_loss(f, y, A, h, p):
    kept = torch.ones(y.shape)
    kept[h] = 0
    out, total = A(f(kept * y, operators.Inpainting(kept) @ A)), 0
    for a, b, target in zip(out.flatten(), y.flatten(), h.flatten()):
        if target:
            total += (a - b) ** 2 / p
    return total / y.numel()


def given_seen(masks, kept, p):
    total, mean = 0, torch.zeros(kept.shape)
    for mask in masks:
        chance = 1.0
        for m, k in zip(mask, kept):
            chance *= (1 - p if k else p) if m else (0 if k else 1)
        total, mean = total + chance, mean + chance * mask
    return mean / total


def k_weight(h, p, pi):
    out = []
    for a, b, c in zip(h, p, pi):
        out.append(a * (1 - c * (1 - b)) / (c * b) if b > 0 else 0.0)
    return out


def average_over_splits(f, y, A, hidden):
    outputs = []
    for h in hidden:
        kept = torch.where(h, 0.0, 1.0)
        outputs.append(f(kept * y, operators.Inpainting(kept) @ A))
    return torch.stack(outputs).mean(0)


def cross_term(f, y, A, A_other):
    x_hat = f(y, A)
    total = 0
    for a, b in zip(f(A_other(x_hat), A_other).flatten(), x_hat.flatten()):
        total = total + (a - b) ** 2
    return total / x_hat.numel()


def choose(g, G, generator):
    h = g.clone()
    while (h == g).any():
        again = torch.randint(G, g.shape, generator=generator)
        h = torch.where(h == g, again, h)
    return h


def ranks(masks):
    seen, out = set(), []
    for mask in masks:
        seen |= {tuple(place) for place in mask.nonzero().tolist()}
        out.append(len(seen))
    return out


def evaluations_until(steps, psnr, goal, evals):
    for i in range(len(steps)):
        if psnr[i] >= goal:
            return evals * steps[i]


def baseline(b, delta, theta, wavelength):
    X, Y, Z = b.tolist()
    d, t = float(delta), float(theta)
    u = X * math.sin(t) + Y * math.cos(t)
    v = Z * math.cos(d) - X * math.cos(t) * math.sin(d) + Y * math.sin(t) * math.sin(d)
    return [u / wavelength, v / wavelength]


def dirty_beam(u, v, w, l, m):  # noqa: E741
    total = torch.zeros(l.shape)
    for k in range(len(u)):
        total += w[k] * torch.cos(2 * math.pi * (u[k] * l + v[k] * m))
    return total / sum(w)


def unknowns(W, r):
    z, H = torch.zeros(W.shape[1]).double(), W.T @ W + torch.eye(W.shape[1]).double()
    for _ in range(400):
        z = z - (H @ z - W.T @ r) / torch.linalg.matrix_norm(H, 2)
    return z


RIGHT = {
    "1.1.a": null_part,
    "1.1.b": amplified,
    "1.1.c": recover,
    "1.2.a": wiener,
    "1.2.b": list_mean,
    "1.2.c": best_for_l1,
    "2.1.a": r2r_pair,
    "2.1.b": averaged,
    "2.1.c": thin,
    "2.2.a": sure_linear,
    "2.2.b": mc_divergence,
    "2.2.c": mixture_mean,
    "2.2.d": robbins,
    "2.3.a": multiplier,
    "2.3.b": lambda mmse, s: 10 * (math.log10(s**2) - math.log10(s**2 - mmse)),
    "2.3.c": unsure_filter,
    "2.4.a": masked_loss,
    "2.4.b": stitch,
    "2.4.c": blind_spot,
    "2.4.d": average,
    "2.5.a": look_up,
    "2.5.b": blind_filter,
    "2.5.c": posterior_mean,
    "2.5.d": risk_of_projection,
    "2.6.a": sure_filter,
    "2.6.b": pairs_needed,
    "2.6.c": lambda n2n, r2r, sure, s, a: [n2n - s**2, r2r - s**2 / a, sure],
    "2.6.d": behind,
    "2.7.a": autocorrelation,
    "2.7.b": noise_passed,
    "2.7.c": lambda F: math.sqrt(2 * F / (1 + F)),
    "2.7.d": correlation_with_truth,
    "3.1.a": pooled,
    "3.1.b": common_null,
    "3.1.c": mean_image,
    "3.1.d": naive_gradient,
    "3.2.a": splitting_loss,
    "3.2.b": given_seen,
    "3.2.c": k_weight,
    "3.2.d": average_over_splits,
    "3.3.a": cross_term,
    "3.3.b": choose,
    "3.3.c": ranks,
    "3.3.d": evaluations_until,
    "3.4.a": baseline,
    "3.4.b": dirty_beam,
    "3.4.c": unknowns,
}


def noisy_ei(f, A, T, y, w, sigma):
    x_hat, total, count = f(y), 0.0, 0
    for g in range(len(T)):
        u = T[g] @ x_hat
        again = f(A @ u + sigma * w[g])
        for i in range(len(u)):
            total += float(again[i] - u[i]) ** 2
            count += 1
    return total / count


def virtual_counts(A, x_tilde, gain, sigma, w):
    mean = A(x_tilde)
    entries = [m + (gain * m + sigma**2) ** 0.5 * w[i] for i, m in enumerate(mean)]
    return torch.stack(entries)


def best_filter(a, P, S, sigma):
    w = torch.zeros_like(a)
    flat, parts = w.view(-1), zip(a.flatten(), P.flatten(), S.flatten(), strict=True)
    for i, (one, p, s) in enumerate(parts):
        below = one**2 * (p + sigma**2) + one**2 * s + sigma**2
        flat[i] = (one * p + one * s) / below
    return w


RIGHT |= {"4.3.a": noisy_ei, "4.3.b": virtual_counts, "4.3.c": best_filter}


def one_error(f, A, T, x_hat, eps):
    again, error = f(A @ (T @ x_hat) + eps), []
    for i in range(len(x_hat)):
        error.append(sum(T[j, i] * again[j] for j in range(len(x_hat))) - x_hat[i])
    return torch.stack(error)


def expected(W, A, T, C_hat, sigma):
    total = 0.0
    for t in T:
        R = W @ A @ t - t
        for i in range(len(R)):
            total += float(R[i] @ C_hat @ R[i]) / len(T)
    return total + sigma**2 * sum(float(w) ** 2 for w in W.flatten())


def radius(errors, level):
    rho = []
    for i in range(errors.shape[1]):
        sizes = torch.stack([(e[i] ** 2).mean() ** 0.5 for e in errors])
        rho.append(torch.quantile(sizes, level))
    return torch.stack(rho)


def factor(rho, rmse, level):
    ratios = sorted(float(r / q) for r, q in zip(rmse, rho, strict=True))
    k = 1
    while k < (len(rho) + 1) * level - 1e-9:
        k += 1
    return ratios[k - 1]


RIGHT |= {"4.5.a": one_error, "4.5.b": expected, "4.5.c": radius, "4.5.d": factor}


def average(f, y, A, T):
    total = 0
    for t in T:
        total = total + t @ f(y, A @ t)
    return total / len(T)


def disagreement(f, A, T, y):
    x_hat, total = f(y), torch.zeros(A.shape[1])
    for t in T:
        u = t @ x_hat
        again = f(A @ u)
        for i in range(len(u)):
            j = int(t[:, i].argmax())  # pixel i has gone to j
            total[i] += float(again[j] - u[j]) ** 2 / len(T)
    return total


def ghost(v, mask):
    out, (H, W) = torch.zeros_like(v), v.shape
    for i in range(H):
        for j in range(W):
            if not mask[i, j] and not mask[i, W - 1 - j]:
                out[i, j] = (v[i, j] + v[i, W - 1 - j]) / 2
    return out


RIGHT |= {"4.2.a": average, "4.2.b": disagreement, "4.2.c": ghost}


def virtual_gram(A, T):
    M = torch.zeros(A.shape[1], A.shape[1])
    for t in T:
        for row in A:
            M = M + torch.outer(t.T @ row, t.T @ row) / len(T)
    return M


def random_rank(m, blocks):
    total = 0
    for copies, size in blocks:
        seen = 0
        while seen < copies and seen < m * size:
            seen += 1
            total += size
    return total


def ei(f, A, T, y):
    x_hat, total, count = f(y), 0.0, 0
    for t in T:
        u = t @ x_hat
        again = f(A @ u)
        for i in range(len(u)):
            total += float(again[i] - u[i]) ** 2
            count += 1
    return total / count


def energy(z, w):
    def distance(a, b):
        total = 0.0
        for p in a:
            for q in b:
                total += math.sqrt(sum(float(i - j) ** 2 for i, j in zip(p, q, strict=True)))
        return total / (len(a) * len(b))

    return 2 * distance(z, w) - distance(z, z) - distance(w, w)


RIGHT |= {"4.1.a": virtual_gram, "4.1.b": random_rank, "4.1.c": ei, "4.1.d": energy}
