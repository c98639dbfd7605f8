"""Plain tables: columns mixed from a few causes, labels from a random function of them. They teach what no history does."""

import numpy as np

from .features import SPEC, Column
from .tasks import Task, varied
from .worlds import chance, log_uniform

WINDOWS = (0.0, 0.25, 0.5, 1.0, 3.0, 10.0, np.inf)


def function(rng, causes):
    """A smooth, stepped or tree-like function of a few causes."""
    n, k = causes.shape
    used = rng.permutation(k)[: rng.integers(1, k + 1)]
    c = causes[:, used]
    kind = rng.integers(0, 4)
    if kind == 0:
        return c @ rng.standard_normal(len(used))
    if kind == 1:
        hidden = int(log_uniform(rng, 2, 24))
        h = c @ rng.standard_normal((len(used), hidden)) / np.sqrt(len(used)) * log_uniform(rng, 0.5, 3) + rng.standard_normal(hidden)
        h = np.tanh(h) if chance(rng, 0.5) else np.maximum(h, 0)
        return h @ rng.standard_normal(hidden)
    out = np.zeros(n)
    for _ in range(int(log_uniform(rng, 1, 20))):
        inside = np.ones(n, dtype=bool)
        for _ in range(rng.integers(1, 4)):
            j = rng.integers(0, len(used))
            inside &= (c[:, j] > rng.normal(0, 0.8)) == chance(rng, 0.5)
        out += inside * rng.standard_normal()
    return out if kind == 2 else out + c @ rng.standard_normal(len(used))


def standard(v):
    return (v - v.mean()) / (v.std() + 1e-9)


def bend(rng, v):
    """How a column may look: as it is, exponential, counted, rounded, with many zeros."""
    kind = rng.integers(0, 6)
    if kind == 0:
        return np.exp(np.clip(v * log_uniform(rng, 0.3, 2), -20, 20))
    if kind == 1:
        return rng.poisson(np.exp(np.clip(v * log_uniform(rng, 0.3, 1.3) + rng.normal(0, 1), -8, 6))).astype(float)
    if kind == 2:
        return np.round(v * log_uniform(rng, 0.5, 5))
    if kind == 3:
        return np.maximum(v - rng.normal(0.3, 0.7), 0)
    return v * log_uniform(rng, 1e-3, 1e3)


def tabular_task(rng, context, queries, width):
    n = context + queries
    anchors = int(log_uniform(rng, 1, 16))
    per = int(np.ceil(context / anchors))
    back = np.concatenate([np.minimum(np.arange(context) // per, anchors - 1) + 1, np.zeros(queries, dtype=int)])
    k = rng.integers(2, 9)
    causes = rng.standard_normal((n, k))
    # covariates and the outcome's level drift with the anchor
    causes += rng.normal(0, 1, k) * rng.uniform(0, 0.6) * (back[:, None] / anchors - 0.5)
    told = standard(function(rng, causes)) + log_uniform(rng, 0.1, 3) * rng.standard_normal(n)
    told += rng.normal(0, 0.3) * (back / anchors)
    columns, values = [], []
    for _ in range(width):
        source = causes[:, rng.integers(0, k)] if chance(rng, 0.5) else standard(function(rng, causes))
        v = source + log_uniform(rng, 0.05, 3) * rng.standard_normal(n)
        cohort = chance(rng, 0.25)
        v = np.argsort(np.argsort(v)) / n if cohort else bend(rng, v)
        if chance(rng, 0.15):
            v = np.where(rng.random(n) < rng.uniform(0, 0.6), np.nan, v)
        values.append(v)
        kind = SPEC["kinds"][rng.integers(0, len(SPEC["kinds"]))]
        window = WINDOWS[rng.integers(0, len(WINDOWS))]
        columns.append(Column(kind, int(rng.integers(0, 4)), window, bool(chance(rng, 0.2)), bool(cohort)))
    binary = chance(rng, 0.55)
    if binary:
        rate = 10 ** rng.uniform(-1.6, -0.3)
        y = (told > np.quantile(told, 1 - rate if chance(rng, 0.7) else rate)).astype(float)
    else:
        y = bend(rng, told)
    if not varied(y[:context], binary):
        return None
    return Task(tuple(columns), np.stack(values, 1), y, back, back.astype(float), context, bool(binary))
