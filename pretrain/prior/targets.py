"""Targets over windows and the block `lag`: the target's own past, as src/infer/features/block-lag.ts reads it."""

from dataclasses import dataclass

import numpy as np

from .features import DAY, LAG_DECAY, LAGS, SHRINK, prefix, segments


@dataclass(frozen=True)
class Target:
    """An aggregate of a stream's rows in a window, or its comparison with a constant (binary)."""

    name: str  # COUNT, SUM, AVG, MIN, MAX
    filter: np.ndarray | None = None  # 1 where a row counts
    value: np.ndarray | None = None
    compare: str | None = None
    constant: float = 0.0
    # rows of a window must exist for a label to exist (ASSUMING COUNT(*) > 0)
    assuming: bool = False

    @property
    def binary(self):
        return self.compare is not None


COMPARE = {"=": np.equal, "<>": np.not_equal, "<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal}


def aggregate(target, start, stop):
    """SUM of no rows is 0, the other aggregates of no rows are NaN."""
    if target.name == "COUNT" and target.filter is None:
        return (stop - start).astype(float)
    keep = None if target.filter is None else target.filter == 1
    value = np.where(keep, 1.0, np.nan) if target.name == "COUNT" else target.value
    if keep is not None and target.name != "COUNT":
        value = np.where(keep, value, np.nan)
    sums, counts = prefix(value)
    n = counts[stop] - counts[start]
    if target.name == "COUNT":
        return n.astype(float)
    if target.name == "SUM":
        return np.where(n > 0, sums[stop] - sums[start], 0.0)
    if target.name == "AVG":
        return np.where(n > 0, (sums[stop] - sums[start]) / np.maximum(n, 1), np.nan)
    ufunc, empty = (np.minimum, np.inf) if target.name == "MIN" else (np.maximum, -np.inf)
    return np.where(n > 0, segments(ufunc, np.where(np.isnan(value), empty, value), start, stop, empty), np.nan)


def label(target, start, stop):
    """(label, aggregate) of rows start .. stop."""
    value = aggregate(target, start, stop)
    out = value
    if target.binary:
        out = np.where(np.isnan(value), np.nan, COMPARE[target.compare](value, target.constant).astype(float))
    if target.assuming:
        out = np.where(stop > start, out, np.nan)
    return out, value


def lag(view, target, first, prior3=None, prior10=None):
    """Labels of the 10 windows before, and what they say together. `first`: when each row's entity was first seen.

    `prior3`, `prior10`: mean of the trailing means over each row's cohort; None leaves them as they are.
    """
    places, n = view.bounds(), view.rows
    labels, out = np.full((LAGS, n), np.nan), {}
    seen = np.ones(n, dtype=bool)
    for k in range(1, LAGS + 1):
        seen &= first <= view.now - (k - 1) * view.horizon
        got, value = label(target, places[k], places[k - 1])
        labels[k - 1] = np.where(seen, got, np.nan)
        out[f"lag{k}"] = labels[k - 1]
        if k <= 5:
            out[f"raw{k}"] = np.where(seen, value, np.nan)
    got, _ = label(target, places[11], places[12])
    out["year"] = np.where(first <= view.now - 365 * DAY + view.horizon, got, np.nan)
    there = ~np.isnan(labels)
    values = np.where(there, labels, 0.0)
    valid = there.sum(0)
    weights = LAG_DECAY ** np.arange(LAGS)[:, None] * there
    some = valid > 0

    def shrunk(total, count, prior):
        if prior is None:
            return np.where(count > 0, total / np.maximum(count, 1), np.nan)
        plain = np.where(count > 0, total / np.maximum(count, 1), np.nan)
        return np.where(np.isnan(prior), plain, (total + SHRINK * prior) / (count + SHRINK))

    out["valid"] = valid.astype(float)
    out["mean3"] = shrunk(values[:3].sum(0), there[:3].sum(0), prior3)
    out["mean10"] = shrunk(values.sum(0), valid, prior10)
    out["weighted"] = np.where(some, (weights * values).sum(0) / np.maximum(weights.sum(0), 1e-12), np.nan)
    out["max"] = np.where(some, np.where(there, labels, -np.inf).max(0), np.nan)
    ordered = np.sort(np.where(there, labels, np.inf), 0)
    at = np.arange(n)
    low, high = ordered[np.maximum(valid - 1, 0) // 2, at], ordered[np.minimum(valid // 2, LAGS - 1), at]
    with np.errstate(invalid="ignore"):
        out["median"] = np.where(some, (low + high) / 2, np.nan)
    return out
