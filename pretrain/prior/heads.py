"""The answer of the proxy's linear heads, near enough: fitted on older rows for the context, on all of them for the queries.

In the proxy a network corrects what penalised linear models say, and knows the newest rows by models of the older ones alone: tasks must
show it answers of that kind.
"""

import numpy as np

from .prepare import LAMBDAS, flags, logits, scale_columns, transform

ROUNDS = 5
CORNERS = 40


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
    return (logits(score, t[:rows], rows) if binary else score), t


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
    """Ridge; of numbers, reweighted towards least absolute deviations."""
    weight = np.ones(len(t))
    for k in range(1 if binary else 1 + rounds):
        total = weight.sum()
        centre, level = weight @ d / total, weight @ t / total
        c = d - centre
        b = np.linalg.solve((c.T * weight) @ c + penalty * np.eye(d.shape[1]), c.T @ (weight * (t - level)))
        off = np.abs(t - level - c @ b)
        weight = 1 / np.maximum(off, 0.05 * off.mean() + 1e-9)
        weight *= len(t) / weight.sum()
    return level + (later - centre) @ b
