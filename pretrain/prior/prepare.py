"""What the network is handed for a context and its queries: the counterpart of src/infer/network/inputs.ts, value for value.

Cells are signed logarithms in units of the column's own median, standardised on the context. The answer the network starts from is a ridge
regression whose penalty is chosen by leaving one row out; it knows each context row by the prediction that left that row out.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

KINDS = json.loads((Path(__file__).parent.parent / "fixtures" / "features.json").read_text())["kinds"]
CLIP = 4.0
PERCENTILE_SD = np.sqrt(1 / 12)
LAMBDAS = (1500.0, 250.0, 50.0, 10.0)
SKEWED, NEARLY_NEVER = 1.5, 0.01
STATISTICS = 9
WIDTH = STATISTICS + len(KINDS) + 6  # of a column's description
TINY = 1e-12


@dataclass(frozen=True)
class Inputs:
    binary: bool
    z: np.ndarray  # (context + queries, columns)
    missing: np.ndarray
    described: np.ndarray  # (columns, WIDTH)
    age: np.ndarray  # (context + queries,)
    base: np.ndarray  # logit, or location in units of the target's scale; left out for context rows
    t: np.ndarray  # (context,) 0/1, or the target on its scale, centred
    residual: np.ndarray  # (context,) t - base, or t - probability
    scale: float  # of the residual; 1 for binary
    target: np.ndarray  # (queries,) like t


def median_sizes(x):
    """Of each column, the median of |x| over values that are not zero; 1 where there are none."""
    size = np.abs(x)
    size = np.sort(np.where(size > 0, size, np.nan), 0)
    n = (~np.isnan(size)).sum(0)
    median = size[n >> 1, np.arange(x.shape[1])] if len(x) else np.ones(x.shape[1])
    return np.where((n > 0) & (median > 1e-300) & (median < 1e300), median, 1.0)


def signed_log(x):
    """Column by column, in units of its own median."""
    return bend(x, median_sizes(x))


def bend(x, unit):
    with np.errstate(over="ignore", invalid="ignore"):
        return np.copysign(np.log1p(np.minimum(np.abs(x) / unit, 1e300)), x)


def scale_columns(columns, x, rows):
    """(z, missing) of all rows, by the first `rows`."""
    missing = np.isnan(x)
    bent = bend(x, median_sizes(x[:rows]))
    there = ~missing[:rows]
    n = np.maximum(there.sum(0), 1)
    mean = np.where(there, bent[:rows], 0).sum(0) / n
    sd = np.sqrt(np.where(there, (bent[:rows] - mean) ** 2, 0).sum(0) / n)
    told = (there.sum(0) >= 2) & (sd > 1e-9)
    z = np.clip((bent - mean) / np.where(told, sd, 1), -CLIP, CLIP)
    cohort = np.array([column.cohort for column in columns])
    z = np.where(cohort, (np.clip(x, 0, 1) - 0.5) / PERCENTILE_SD, z)
    return np.where(missing | ~told, 0.0, z), missing.astype(float)


def flags(missing, rows):
    """Flags of the columns missing in 2 to 98 % of the context, one for those missing together."""
    seen, out = set(), []
    for c in range(missing.shape[1]):
        rate = missing[:rows, c].mean()
        pattern = missing[:rows, c].tobytes()
        if 0.02 <= rate <= 0.98 and pattern not in seen:
            seen.add(pattern)
            out.append(2 * (missing[:, c] - rate))
    return np.stack(out, 1) if out else np.zeros((len(missing), 0))


def transform(y):
    """(forward, inverse) as src/infer/heads/transform.ts."""
    negative = (y < 0).sum()
    d = y - y.mean()
    d = d / max(np.abs(d).max(), 1e-300)
    skew = (d**3).mean() / (d**2).mean() ** 1.5
    log = negative <= NEARLY_NEVER * len(y) and skew > SKEWED
    nonzero = np.abs(y[y != 0])
    unit = (0.3 * np.median(nonzero) if len(nonzero) else 0.0) or 1.0
    bent = bend(y, unit) if log else y
    scale = np.abs(bent - np.median(bent)).mean()
    if log:
        return (lambda v: bend(v, unit) / scale), (lambda t: np.sign(t) * unit * np.expm1(np.minimum(np.abs(t * scale), 700)))
    return (lambda v: v / scale), (lambda t: t * scale)


def ridge(design, t, rows):
    """(predictions of all rows, context rows left out one by one; coefficients) at the penalty that predicts left-out rows best."""
    centre, level = design[:rows].mean(0), t.mean()
    d, r = design - centre, t - level
    values, vectors = np.linalg.eigh(d[:rows].T @ d[:rows])
    values = np.maximum(values, 0)
    rotated = d @ vectors
    projected = rotated[:rows].T @ r
    squares = rotated[:rows] ** 2
    best = None
    for penalty in LAMBDAS:
        own = rotated[:rows] @ (projected / (values + penalty))
        leverage = np.minimum(1 / rows + squares @ (1 / (values + penalty)), 0.999)
        out = r - (r - own) / (1 - leverage)
        loss = ((r - out) ** 2).mean()
        if best is None or loss < best[0]:
            best = (loss, penalty, out)
    _, penalty, out = best
    shrunk = projected / (values + penalty)
    predicted = rotated @ shrunk
    predicted[:rows] = out
    return predicted + level, vectors @ shrunk


def logits(score, y, rows):
    """Logits of linear scores: level and slope fitted on left-out rows, the slope held near what a linear model implies."""
    p = (y.sum() + 0.5) / (rows + 1)
    slope = 1 / (p * (1 - p))
    u = slope * (score - score[:rows].mean())
    a, b = np.log(p / (1 - p)), 1.0
    for _ in range(12):
        q = 1 / (1 + np.exp(-np.clip(a + b * u[:rows], -30, 30)))
        w = q * (1 - q)
        ga, gb = (q - y).sum() + 1e-3 * a, ((q - y) * u[:rows]).sum() + 4 * (b - 1)
        haa, hab, hbb = w.sum() + 1e-3, (w * u[:rows]).sum(), (w * u[:rows] ** 2).sum() + 4
        det = haa * hbb - hab * hab
        da, db = (hbb * ga - hab * gb) / det, (haa * gb - hab * ga) / det
        shorter = min(1.0, 1 / max(abs(da), abs(db), TINY))
        a, b = a - shorter * da, b - shorter * db
    return np.clip(a + b * u, -12, 12)


def correlations(columns, v):
    """Correlation of each column with v; 0 where either does not vary."""
    c, r = columns - columns.mean(0), v - v.mean()
    spread = np.sqrt((c * c).sum(0) * (r * r).sum())
    return np.where(spread > 1e-9, (c.T @ r) / np.maximum(spread, 1e-9), 0.0)


def describe(columns, z, missing, x, t, residual, age, coefficients):
    sd = z.std(0)
    stats = [
        correlations(z, t), correlations(z, residual), correlations(z * z, residual), correlations(z, age),
        np.clip(coefficients * sd / max(t.std(), 1e-9), -3, 3),
        missing.mean(0), correlations(missing, t), (x == 0).mean(0), np.clip((z**3).mean(0), -8, 8) / 8,
    ]
    out = np.zeros((len(columns), WIDTH))
    out[:, :STATISTICS] = np.stack(stats, 1)
    for c, o in enumerate(columns):
        out[c, STATISTICS + KINDS.index(o.kind)] = 1
        at = STATISTICS + len(KINDS)
        out[c, at] = min(o.hop, 3) / 3
        out[c, at + 1] = o.window == 0
        out[c, at + 2] = np.isinf(o.window)
        out[c, at + 3] = np.log2(o.window) / 3 if 0 < o.window < np.inf else 0
        out[c, at + 4] = o.target
        out[c, at + 5] = o.cohort
    return out


def prepare(columns, x, y, age, rows, binary, start=None):
    """Inputs for the first `rows` as context and the rest as queries, `y` of all rows (the queries' for training alone).

    `start`: an answer of other models for all rows, context rows by models that have not seen them, as (base, t): logits and outcomes, or
    places and targets on one scale. Without it, the network starts from a ridge regression of its own.
    """
    z, missing = scale_columns(columns, x, rows)
    if start is not None:
        t = start[1]
    elif binary:
        t = y.astype(float)
    else:
        forward, _ = transform(y[:rows])
        t = forward(y)
    middle = 0.0 if binary else np.median(t[:rows])
    t = t - middle
    design = np.concatenate([z, flags(missing, rows)], 1)
    score, coefficients = ridge(design, t[:rows], rows)
    if start is not None:
        base = start[0] - middle
        if not binary:
            base = np.clip(base, t[:rows].min(), t[:rows].max())
    elif binary:
        base = logits(score, t[:rows], rows)
    else:
        base = np.clip(score, t[:rows].min(), t[:rows].max())
    if binary:
        residual = t[:rows] - 1 / (1 + np.exp(-base[:rows]))
        scale = 1.0
    else:
        residual = t[:rows] - base[:rows]
        scale = max(np.abs(residual).mean(), 1e-3)
    described = describe(columns, z[:rows], missing[:rows], x[:rows], t[:rows], residual, age[:rows], coefficients[: len(columns)])
    return Inputs(binary, z, missing, described, np.log1p(age), base, t[:rows], residual, scale, t[rows:])
