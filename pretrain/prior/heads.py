"""The answer of the proxy's linear heads, near enough: fitted on older rows for the context, on all of them for the queries.

In the proxy a network corrects what penalised linear models say, and knows the newest rows by models of the older ones alone: tasks must
show it answers of that kind.
"""

import numpy as np

from .prepare import LAMBDAS, flags, scale_columns, transform

ROUNDS = 5
CORNERS = 40
NEWTON = 5


def linear_answer(rng, columns, x, y, rows, older, binary):
    """(base, t) of the first `rows` and of the queries, which come last; between them are `older` rows that are shown to the linear models alone.

    Half of the answers are not quite linear, as those blended with boosted trees are not.
    """
    known = rows + older
    z, missing = scale_columns(columns, x, known)
    design = np.concatenate([z, flags(missing, known)], 1)
    if rng.random() < 0.5:
        design = np.concatenate([design, corners(rng, z)], 1)
    if binary:
        t = y.astype(float)
    else:
        forward, _ = transform(y[:known])
        t = forward(y)
    past = slice(rows, known)
    penalty = best_penalty(design[past], t[past], design[:rows], t[:rows], binary)
    score = np.concatenate([
        predict(design[past], t[past], design[:rows], penalty, binary),
        predict(design[:known], t[:known], design[known:], penalty, binary),
    ])
    t = np.concatenate([t[:rows], t[known:]])
    return (calibrated(score, t[:rows], rows) if binary else score), t


def corners(rng, z):
    """Columns and pairs of columns beyond thresholds, as leaves of shallow trees are."""
    width = z.shape[1]
    one, two = rng.integers(0, width, CORNERS), rng.integers(0, width, CORNERS)
    signs, pairs = rng.choice([-1.0, 1.0], (2, CORNERS)), rng.random(CORNERS) < 0.6
    sums = signs[0] * z[:, one] + signs[1] * pairs * z[:, two]
    return np.maximum(sums - rng.normal(0.3, 0.7, CORNERS), 0)


def best_penalty(d, t, later, outcome, binary):
    """The one that predicts later rows best."""
    def loss(penalty):
        error = outcome - predict(d, t, later, penalty, binary, rounds=0)
        return (error**2).mean() if binary else np.abs(error).mean()

    return min(LAMBDAS, key=loss)


def predict(d, t, later, penalty, binary, rounds=ROUNDS):
    """Ridge; of numbers, reweighted towards least absolute deviations, of conditions the logits of a logistic regression."""
    if binary and rounds > 0:
        return logistic(d, t, later, penalty)
    weight = np.ones(len(t))
    for _ in range(1 + rounds):
        total = weight.sum()
        centre, level = weight @ d / total, weight @ t / total
        c = d - centre
        b = np.linalg.solve((c.T * weight) @ c + penalty * np.eye(d.shape[1]), c.T @ (weight * (t - level)))
        off = np.abs(t - level - c @ b)
        weight = 1 / np.maximum(off, 0.05 * off.mean() + 1e-9)
        weight *= len(t) / weight.sum()
    return level + (later - centre) @ b


def logistic(d, t, later, penalty):
    """Logits; the penalty is in the units of a regression on 0 and 1."""
    rate = (t.sum() + 0.5) / (len(t) + 1)
    d, later = np.concatenate([d, np.ones((len(d), 1))], 1), np.concatenate([later, np.ones((len(later), 1))], 1)
    ridge = np.full(d.shape[1], penalty * rate * (1 - rate))
    ridge[-1] = 1e-3
    b = np.zeros(d.shape[1])
    b[-1] = np.log(rate / (1 - rate))
    for _ in range(NEWTON):
        p = 1 / (1 + np.exp(-np.clip(d @ b, -15, 15)))
        w = np.maximum(p * (1 - p), 1e-3)
        step = np.linalg.solve((d.T * w) @ d + np.diag(ridge), d.T @ (p - t) + ridge * np.append(b[:-1], 0))
        b = b - step / max(1.0, np.abs(d @ step).max() / 3)
    return later @ b


def calibrated(logit, y, rows):
    """Level and slope told by the context's outcomes, both held near what they are: src/infer/heads/calibration.ts."""
    centre = logit[:rows].mean()
    u = logit - centre
    a, b = 0.0, 1.0
    for _ in range(12):
        p = 1 / (1 + np.exp(-np.clip(centre + a + b * u[:rows], -30, 30)))
        w = p * (1 - p)
        ga, gb = (p - y).sum() + 4 * a, ((p - y) * u[:rows]).sum() + 11 * (b - 1)
        haa, hab, hbb = w.sum() + 4, (w * u[:rows]).sum(), (w * u[:rows] ** 2).sum() + 11
        det = haa * hbb - hab * hab
        da, db = (hbb * ga - hab * gb) / det, (haa * gb - hab * ga) / det
        shorter = min(1.0, 0.5 / max(abs(da), abs(db), 1e-12))
        a, b = a - shorter * da, b - shorter * db
    return np.clip(centre + a + np.clip(b, 0.25, 4) * u, -12, 12)
