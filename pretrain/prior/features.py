"""Feature columns of (entity, anchor) rows over streams of dated rows: the counterpart, in numpy, of src/infer/features.

What is computed of a stream, under which descriptor, is not decided here: `fixtures/features.json`, written from the TypeScript code, lists
the slots of each block, and `tests/test_features.py` compares values with those the TypeScript code computed.
Times are int64 microseconds. A missing value is NaN.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

SPEC = json.loads((Path(__file__).parent.parent / "fixtures" / "features.json").read_text())
LAST_ROWS, DECAY, GAPS, CLOSING_ROWS = 40, 0.87, 10, 256
LAGS, LAG_DECAY, SHRINK = 10, 0.75, 2.0
DAY = 86_400_000_000
YEAR = 365 * DAY


@dataclass(frozen=True)
class Column:
    kind: str
    hop: int
    window: float  # horizons; inf for all of the past, 0 where there is none
    target: bool
    cohort: bool


@dataclass(frozen=True)
class Stream:
    """Rows of key k are ptr[k] .. ptr[k + 1], in order of time."""

    ptr: np.ndarray
    time: np.ndarray
    numbers: tuple
    codes: tuple


def window_of(slot):
    return np.inf if slot["window"] is None else float(slot["window"])


class View:
    """Rows (key, anchor) of one stream, with the places where their windows begin."""

    def __init__(self, stream, key, now, horizon, year=YEAR):
        self.stream, self.key, self.now, self.horizon = stream, key, now, horizon
        self.rows = len(key)
        known = key >= 0
        k = np.where(known, key, 0)
        self.lo = np.where(known, stream.ptr[k], 0)
        self.end = np.where(known, stream.ptr[k + 1], 0)
        self._base = int(min(stream.time.min(initial=0), now.min(initial=0))) - 11 * horizon - year
        top = int(max(stream.time.max(initial=0), now.max(initial=0)))
        self._span = top - self._base + 1
        owner = np.repeat(np.arange(len(stream.ptr) - 1, dtype=np.int64), np.diff(stream.ptr))
        self._composite = owner * self._span + (stream.time - self._base)
        self._k = k.astype(np.int64) * self._span
        self.hi = self.upper(now)
        self.w10 = self.upper(now - 10 * horizon)
        self.w3 = self.upper(now - 3 * horizon)
        self.w1 = self.upper(now - horizon)
        self.half = self.upper(now - horizon // 2)
        self.quarter = self.upper(now - horizon // 4)

    def upper(self, at):
        """First row of each row's key that is later than `at`."""
        at = np.clip(at - self._base, -1, self._span - 1)
        place = np.searchsorted(self._composite, self._k + at, side="right")
        return np.clip(place, self.lo, self.end)

    def bounds(self):
        """(13, rows): places of the boundaries 0 .. 10 horizons back, then of the window one year earlier."""
        if not hasattr(self, "_bounds"):
            back = [self.hi] + [self.upper(self.now - k * self.horizon) for k in range(1, 11)]
            back += [self.upper(self.now - YEAR), self.upper(self.now - YEAR + self.horizon)]
            self._bounds = np.minimum(np.stack(back), self.hi)
        return self._bounds


def prefix(values):
    """(sums, counts) of present values before each place."""
    present = ~np.isnan(values)
    sums = np.concatenate([[0.0], np.cumsum(np.where(present, values, 0.0))])
    return sums, np.concatenate([[0], np.cumsum(present)])


def ratio(a, b):
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        out = a / b
    return np.where(np.isfinite(out), out, np.nan)


def segments(ufunc, values, start, stop, empty):
    """ufunc over values[start:stop] of each row."""
    out = np.full(len(start), empty, dtype=float)
    some = stop > start
    if some.any():
        places = np.stack([start[some], stop[some]], 1).ravel()
        out[some] = ufunc.reduceat(np.append(values, empty), places)[::2]
    return out


def counts(view, day):
    """Block `counts`: how many rows in which window, how recent, how regular."""
    s, hi, lo = view.stream, view.hi, view.lo
    some = hi > lo
    known = view.key >= 0
    last = np.maximum(hi - 1, 0)
    if len(s.time) == 0:
        out = {name: np.full(view.rows, np.nan) for name in SPEC["counts"]}
        for name in ("count1", "count3", "count10", "count", "countQuarter", "countHalf", "days", "days10"):
            out[name] = np.where(known, 0.0, np.nan)
        return out
    day_of = s.time // day
    owner = np.repeat(np.arange(len(s.ptr) - 1), np.diff(s.ptr))
    new = np.ones(len(s.time), dtype=bool)
    new[1:] = (day_of[1:] != day_of[:-1]) | (owner[1:] != owner[:-1])
    ordinal = np.cumsum(new) - 1
    first_time = s.time[new]
    first, latest = ordinal[np.minimum(lo, len(ordinal) - 1)], ordinal[last]
    back = np.maximum(first, latest - GAPS)
    unit = float(view.horizon)
    recency = (view.now - s.time[last]) / unit
    age = (view.now - s.time[np.minimum(lo, len(s.time) - 1)]) / unit
    days = (latest - first + 1).astype(float)
    gap = np.where(latest > back, (first_time[latest] - first_time[back]) / np.maximum(latest - back, 1) / unit, np.nan)
    w10 = np.minimum(view.w10, len(ordinal) - 1)
    days10 = np.where(view.w10 < hi, latest - ordinal[w10] + 1, 0).astype(float)
    out = {
        "count1": hi - view.w1, "count3": hi - view.w3, "count10": hi - view.w10, "count": hi - lo,
        "countQuarter": hi - view.quarter, "countHalf": hi - view.half,
        "days": np.where(some, days, 0), "days10": np.where(some, days10, 0),
    }
    out = {name: np.where(known, value.astype(float), np.nan) for name, value in out.items()}
    for name, value in {
        "recency": recency, "age": age, "gap": gap, "recencyByGap": ratio(recency, gap),
        "countByAge": ratio((hi - lo).astype(float), age), "daysByAge": ratio(days, age),
    }.items():
        out[name] = np.where(some & np.isfinite(value), value, np.nan)
    return out


def signal(view, values):
    """Block `signal`: sums and means over windows, extremes, and the newest values of one number a row."""
    lo, hi, known = view.lo, view.hi, view.key >= 0
    sums, present = prefix(values)
    out = {}
    for name, start in (("1", view.w1), ("3", view.w3), ("10", view.w10), ("", lo)):
        n = present[hi] - present[start]
        total = np.where(n > 0, sums[hi] - sums[start], 0.0)
        out["sum" + name] = np.where(known, total, np.nan)
        out["mean" + name] = np.where(known & (n > 0), total / np.maximum(n, 1), np.nan)
    for name, start in (("sumQuarter", view.quarter), ("sumHalf", view.half)):
        out[name] = np.where(known, np.where(present[hi] > present[start], sums[hi] - sums[start], 0.0), np.nan)
    n10 = present[hi] - present[view.w10]
    finite = np.where(np.isnan(values), np.inf, values)
    out["min"] = np.where(n10 > 0, segments(np.minimum, finite, view.w10, hi, np.inf), np.nan)
    finite = np.where(np.isnan(values), -np.inf, values)
    out["max"] = np.where(n10 > 0, segments(np.maximum, finite, view.w10, hi, -np.inf), np.nan)
    centre = np.nanmean(values) if present[-1] > 0 else 0.0
    shifted, _ = prefix(values - centre)
    squares, _ = prefix((values - centre) ** 2)
    n = np.maximum(n10, 1)
    mean = (shifted[hi] - shifted[view.w10]) / n
    variance = (squares[hi] - squares[view.w10]) / n - mean**2
    spread = np.sqrt(np.maximum(variance, 0))
    out["std"] = np.where(n10 > 1, np.where(out["min"] < out["max"], spread, 0.0), np.nan)
    out.update(newest(view, values))
    return out


def newest(view, values):
    """Last value, means of the last 3 and 10, exponentially weighted mean and slope, over values present in the last 40 rows."""
    n = view.rows
    count, total, total3, cross = np.zeros(n), np.zeros(n), np.zeros(n), np.zeros(n)
    weights, weighted, last = np.zeros(n), np.zeros(n), np.full(n, np.nan)
    weight = 1.0
    # rows by how much past they have: those that have run out are left aside
    order = np.argsort(view.lo - view.hi, kind="stable")
    ages, hi = (view.hi - view.lo)[order], view.hi[order]
    for j in range(min(LAST_ROWS, int(ages.max(initial=0)))):
        m = int(np.searchsorted(-ages, -j, side="left"))
        value = values[hi[:m] - 1 - j]
        there = ~np.isnan(value)
        v = np.where(there, value, 0.0)
        so_far = count[:m]
        if j < 10 or so_far.min() < 10:
            last[:m] = np.where(there & (so_far == 0), v, last[:m])
            ten = there & (so_far < 10)
            cross[:m] += np.where(ten, so_far * v, 0.0)
            total[:m] += np.where(ten, v, 0.0)
            total3[:m] += np.where(there & (so_far < 3), v, 0.0)
        count[:m] += there
        weights[:m] += there * weight
        weighted[:m] += v * weight
        weight *= DECAY
    back = np.empty(n, dtype=int)
    back[order] = np.arange(n)
    count, last, total, total3, cross, weights, weighted = (a[back] for a in (count, last, total, total3, cross, weights, weighted))
    used = np.minimum(count, 10)
    some = count > 0
    slope = ((used - 1) / 2 * total - cross) / np.maximum(used * (used * used - 1) / 12, 1e-9)
    nan = np.nan
    return {
        "last": last,
        "last3": np.where(some, total3 / np.maximum(np.minimum(count, 3), 1), nan),
        "last10": np.where(some, total / np.maximum(used, 1), nan),
        "ewma": np.where(some, weighted / np.maximum(weights, 1e-12), nan),
        "slope": np.where(used > 2, slope, nan),
    }


def distinct(view, codes, missing):
    """Block `distinct`: how many different codes."""
    s = view.stream
    owner = np.repeat(np.arange(len(s.ptr) - 1, dtype=np.int64), np.diff(s.ptr))
    order = np.lexsort((np.arange(len(codes)), codes, owner))
    same = np.zeros(len(codes), dtype=bool)
    same[1:] = (codes[order][1:] == codes[order][:-1]) & (owner[order][1:] == owner[order][:-1])
    previous = np.full(len(codes), -1, dtype=np.int64)
    previous[order[1:]] = np.where(same[1:], order[:-1], -1)
    absent = codes == missing
    firsts = np.concatenate([[0], np.cumsum((previous == -1) & ~absent)])
    some = view.hi > view.lo
    every = (firsts[view.hi] - firsts[view.lo]).astype(float)
    recent = np.zeros(view.rows)
    for now in np.unique(view.now):
        at = view.now == now
        start = np.full(len(s.ptr) - 1, np.iinfo(np.int64).max)
        start[view.key[at]] = view.w3[at]
        fresh = np.concatenate([[0], np.cumsum((previous < start[owner]) & ~absent)])
        recent[at] = fresh[view.hi[at]] - fresh[view.w3[at]]
    known = view.key >= 0
    return {
        "all": np.where(known, np.where(some, every, 0), np.nan),
        "window3": np.where(known, recent, np.nan),
        "share": np.where(some, every / np.maximum(view.hi - view.lo, 1), np.nan),
    }


def closing(view, ends):
    """Block `closing`: a second time of each row: what is still open at the anchor, how long closing took. `ends` in microseconds."""
    s, unit = view.stream, float(view.horizon)
    start = np.maximum(view.lo, view.hi - CLOSING_ROWS)
    read = view.hi - start
    out = {name: np.full(view.rows, np.nan) for name in ("open", "share", "duration", "since")}
    known = view.key >= 0
    for now in np.unique(view.now):
        at = (view.now == now) & known
        shut = ends <= now
        _, closed = prefix(np.where(shut, 1.0, np.nan))
        took, _ = prefix(np.where(shut, (ends - s.time) / unit, np.nan))
        n = closed[view.hi[at]] - closed[start[at]]
        out["open"][at] = read[at] - n
        out["share"][at] = np.where(read[at] > 0, (read[at] - n) / np.maximum(read[at], 1), np.nan)
        out["duration"][at] = np.where(n > 0, (took[view.hi[at]] - took[start[at]]) / np.maximum(n, 1), np.nan)
        latest = segments(np.maximum, np.where(shut, ends, -np.inf), start[at], view.hi[at], -np.inf)
        out["since"][at] = np.where(np.isfinite(latest), (now - latest) / unit, np.nan)
    return out
