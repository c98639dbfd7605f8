"""A task: labelled rows of a world at past anchors (the context) and rows of a later anchor (the queries), as columns of features."""

from dataclasses import dataclass

import numpy as np

from .features import SPEC, Column, View, closing, counts, distinct, signal, window_of
from .prepare import signed_log
from .targets import Target, label, lag
from .worlds import chance, log_uniform

COHORT = 0.4  # share of the columns that are percentiles within the cohort, as many as 60 of 150 are
SAME_TIMES = 1e-9


@dataclass(frozen=True)
class Task:
    columns: tuple
    x: np.ndarray  # (context + queries, columns), NaN is missing
    y: np.ndarray
    anchor: np.ndarray  # index of each row's anchor, 0 for queries, older is larger
    age: np.ndarray  # horizons before the query's anchor
    context: int  # rows of context, which come first, newest first
    binary: bool


@dataclass(frozen=True)
class Labelled:
    """A question about rows of a world, before its columns are chosen; rows of context come first, newest first."""

    columns: list
    values: list  # of each column, all rows
    y: np.ndarray
    key: np.ndarray  # entity
    back: np.ndarray
    context: int
    binary: bool


class Candidates:
    """Columns by descriptor, with the values of all rows."""

    def __init__(self):
        self.columns, self.values = [], []

    def add(self, column, values):
        self.columns.append(column)
        self.values.append(values)

    def block(self, slots, values, hop, target):
        for name, slot in slots.items():
            self.add(Column(slot["kind"], hop, window_of(slot), target, False), values[name])


def population(rng, world, context, queries):
    """Rows (entity, anchor): `queries` at anchor 0, then context rows from anchor 1 on, newest first; None where there are too few."""
    main = world.tables[0]
    active = chance(rng, 0.5)
    reach = log_uniform(rng, 1, 12)
    stream, _ = main.stream(main.owner, world.entities)
    keys, anchors = [], []
    total = 0
    first_gap = 0 if chance(rng, 0.8) else int(rng.integers(0, 3))
    most = max(8, int(context / log_uniform(rng, 1.5, 12)))
    for k in range(0, 64):
        back = 0 if k == 0 else k + first_gap
        now = world.end - back * world.horizon
        view = View(stream, np.arange(world.entities), np.full(world.entities, now), world.horizon)
        since = view.upper(np.full(world.entities, now - int(reach * world.horizon)))
        there = (view.hi > since) if active else (world.born <= now) | (view.hi > view.lo)
        mine = np.flatnonzero(there)
        if len(mine) == 0:
            break
        cap = 2 * queries if k == 0 else min(context - total, most if chance(rng, 0.8) else context)
        mine = rng.permutation(mine)[:cap]
        keys.append(mine)
        anchors.append(np.full(len(mine), back))
        if k > 0:
            total += len(mine)
        if total >= context:
            break
    if total < 0.7 * context or len(keys[0]) < 0.3 * queries:
        return None
    key, back = np.concatenate(keys[1:] + keys[:1]), np.concatenate(anchors[1:] + anchors[:1])
    return key, back, total


def draw_target(rng, world, table, order, view):
    """A question about the main table's rows, with constants at which the answer is neither always nor never."""
    numbers = [c.values[order] for c in table.channels if c.kind == "number"]
    flags = [c.values[order] for c in table.channels if c.kind == "flag"]
    value = numbers[rng.integers(0, len(numbers))]
    flag = flags[rng.integers(0, len(flags))] if flags and chance(rng, 0.4) else None
    if flag is None and chance(rng, 0.2):
        flag = (value > np.nanmedian(value)).astype(float)
    name = str(rng.choice(["COUNT", "COUNT", "SUM", "AVG", "MIN", "MAX"]))
    assuming = bool(name != "COUNT" or flag is not None) and chance(rng, 0.6)
    target = Target(name, flag, None if name == "COUNT" else value, None, 0.0, assuming)
    if chance(rng, 0.45):
        return target
    _, told = label(target, view.hi, view.upper(view.now + world.horizon))
    told = told[~np.isnan(told)]
    if len(told) < 10:
        return None
    rate = 10 ** rng.uniform(-1.6, -0.3)
    at = float(np.quantile(told, rate if chance(rng, 0.5) else 1 - rate))
    if name == "COUNT" and chance(rng, 0.5):
        at = 0.0
    compare = str(rng.choice(["=", ">"])) if at == 0 else str(rng.choice([">", "<=", ">=", "<"]))
    return Target(name, target.filter, target.value, compare, at, assuming)


def code_columns(rng, out, view, order, codes):
    """Indicators of the most frequent levels, or how many different ones."""
    levels, n = np.unique(codes, return_counts=True)
    if len(levels) <= 12:
        for level in levels[np.argsort(-n)][:3]:
            out.block(SPEC["light"], signal(view, (codes == level).astype(float)[order]), 1, False)
    out.block(SPEC["distinct"], distinct(view, codes[order], -1), 1, False)


def table_columns(rng, out, world, table, view, order, near):
    out.block(SPEC["counts"], counts(view, max(world.horizon // 30, 1)), 1 if near else 2, False)
    for channel in table.channels:
        if chance(rng, 0.25):
            continue
        if channel.kind == "code":
            if near:
                code_columns(rng, out, view, order, channel.values)
        elif channel.kind == "ends":
            out.block(SPEC["closing"], closing(view, channel.values[order]), 1, False)
        else:
            slots = SPEC["signal"] if near and channel.kind == "number" else SPEC["light"]
            out.block(slots, signal(view, channel.values[order]), 1 if near else 2, False)


def own_columns(rng, out, world, key, now, back, y, context):
    age = (now - world.born[key]) / world.horizon
    if chance(rng, 0.5):
        out.add(Column("age", 0, 0.0, False, False), np.where(age >= 0, age, np.nan))
    for kind, values in world.own:
        mine = values[key]
        if kind in ("value", "flag"):
            out.add(Column(kind, 0, 0.0, False, False), mine)
            continue
        levels, n = np.unique(mine[:context], return_counts=True)
        if len(levels) <= 12:
            for level in levels[np.argsort(-n)][:3]:
                out.add(Column("level", 0, 0.0, False, False), (mine == level).astype(float))
        share = dict(zip(levels.tolist(), (n / n.sum()).tolist()))
        out.add(Column("share", 0, 0.0, False, False), np.array([share.get(v, 0.0) for v in mine.tolist()]))
        out.add(Column("encoded", 0, 0.0, True, False), encoded(mine, back, y, context))


def encoded(codes, back, y, context):
    """Mean label of the row's category over windows closed at its anchor, with 10 pseudo rows at the overall mean."""
    out = np.full(len(codes), np.nan)
    _, code = np.unique(codes, return_inverse=True)
    for k in np.unique(back):
        closed = np.flatnonzero(back[:context] > k)
        if len(closed) == 0:
            continue
        mean = y[closed].mean()
        sums, n = np.bincount(code[closed], y[closed], code.max() + 1), np.bincount(code[closed], minlength=code.max() + 1)
        at = back == k
        out[at] = ((sums + 10 * mean) / (n + 10))[code[at]]
    return out


def percentiles(values, back):
    """Mid-rank percentile of each value among the rows of its anchor; missing where fewer than 5 others are there."""
    out = np.full(len(values), np.nan)
    for k in np.unique(back):
        at = back == k
        v = values[at]
        s = np.sort(v[~np.isnan(v)])
        if len(s) >= 5:
            place = (np.searchsorted(s, v, "left") + np.searchsorted(s, v, "right")) / (2 * len(s))
            out[at] = np.where(np.isnan(v), np.nan, place)
    return out


def relevance(z, y):
    """|correlation| of each column with the labels, on a scale where heavy tails do not decide."""
    ranks = np.argsort(np.argsort(y, kind="stable"), kind="stable").astype(float) if len(np.unique(y)) > 2 else y
    missing = np.isnan(z)
    n = np.maximum((~missing).sum(0), 1)
    mean = np.where(missing, 0, z).sum(0) / n
    z = np.where(missing, 0, z - mean)
    r = ranks - ranks.mean()
    spread = np.sqrt((z * z).sum(0) * (r * r).sum())
    return np.where(spread > SAME_TIMES, np.abs(z.T @ r) / np.maximum(spread, SAME_TIMES), -1.0)


def in_cohort(column):
    return Column(column.kind, column.hop, column.window, column.target, True)


def choose(rng, asked, width):
    """The best columns, some of them as percentiles within their cohort, and some that are no good."""
    x, context = np.stack(asked.values, 1), asked.context
    score = relevance(signed_log(x[:context]), asked.y[:context])
    score[score >= 0] += rng.normal(0, rng.uniform(0, 0.1), (score >= 0).sum())
    order = np.argsort(-score, kind="stable")
    order = order[score[order] > -0.5]
    if len(order) < 4:
        return None
    share = rng.uniform(0, COHORT) if chance(rng, 0.9) else 0.0
    ranked = min(int(share * width), len(order))
    plain = order[: width - ranked]
    columns = [asked.columns[c] for c in plain]
    values = [x[:, c] for c in plain]
    for c in order[:ranked]:
        columns.append(in_cohort(asked.columns[c]))
        values.append(percentiles(x[:, c], asked.back))
    return tuple(columns), np.stack(values, 1)


def questions_of(rng, world, least, queries, most):
    """Up to `most` questions about one world, with at least `least` rows of context."""
    if len(world.tables[0].time) < least // 4:
        return
    chosen = population(rng, world, int(least * 1.3), queries)
    if chosen is None or chosen[2] < least:
        return
    key, back, rows = chosen
    now = world.end - back * world.horizon
    main = world.tables[0]
    stream, order = main.stream(main.owner, world.entities)
    view = View(stream, key, now, world.horizon)
    shared = Candidates()
    table_columns(rng, shared, world, main, view, order, True)
    for table in world.tables[1:]:
        other, places = table.stream(table.owner, world.entities)
        table_columns(rng, shared, world, table, View(other, key, now, world.horizon), places, chance(rng, 0.6))
    if world.groups > 1 and chance(rng, 0.6):
        # the same rows by what the entity belongs to
        group = np.where(main.owner >= 0, world.group[main.owner], -1)
        others, places = main.stream(group, world.groups)
        table_columns(rng, shared, world, main, View(others, world.group[key], now, world.horizon), places, False)
    first = np.where(view.hi > view.lo, stream.time[np.minimum(view.lo, len(stream.time) - 1)], np.iinfo(np.int64).max)
    first = np.minimum(first, np.where(world.born[key] <= now, world.born[key], np.iinfo(np.int64).max))
    outcomes = view.upper(now + world.horizon)
    left = most
    for _ in range(4 * most):
        target = draw_target(rng, world, main, order, view)
        if target is None or left == 0:
            continue
        y, _ = label(target, view.hi, outcomes)
        keep = ~np.isnan(y)
        n = int(keep[:rows].sum())
        if n < least or keep[rows:].sum() < 0.3 * queries or not varied(y[:rows][keep[:rows]], target.binary):
            continue
        left -= 1
        out = Candidates()
        out.columns, out.values = list(shared.columns), list(shared.values)
        out.block(SPEC["lag"], shrunk(view, target, first, back), 1, True)
        if target.value is not None:
            out.block(SPEC["signal"], signal(view, target.value), 1, True)
        if target.filter is not None:
            out.block(SPEC["light"], signal(view, target.filter), 1, True)
        if target.binary and target.value is not None and target.name in ("AVG", "MIN", "MAX"):
            met = np.where(np.isnan(target.value), np.nan, (target.value > target.constant).astype(float))
            out.block(SPEC["light"], signal(view, met), 1, True)
        own_columns(rng, out, world, key, now, back, np.where(keep, y, 0), rows)
        values = [v[keep] for v in out.values]
        yield Labelled(out.columns, values, y[keep], key[keep], back[keep], n, target.binary)


def tasks_of(rng, world, least, queries, width, most):
    """The same with `width` columns each."""
    for asked in questions_of(rng, world, least, queries, most):
        found = choose(rng, asked, width)
        if found is None:
            continue
        columns, x = found
        yield Task(columns, x, asked.y, asked.back, asked.back.astype(float), asked.context, asked.binary)


def shrunk(view, target, first, back):
    """Trailing means shrunk to those of each anchor's cohort."""
    plain = lag(view, target, first)
    means = []
    for name in ("mean3", "mean10"):
        prior = np.full(view.rows, np.nan)
        for k in np.unique(back):
            at = back == k
            told = plain[name][at]
            if not np.isnan(told).all():
                prior[at] = np.nanmean(told)
        means.append(prior)
    return lag(view, target, first, *means)


def varied(y, binary):
    if binary:
        return min(y.sum(), len(y) - y.sum()) >= max(4, 0.01 * len(y))
    return len(np.unique(y)) > 4 and np.isfinite(y).all() and np.mean(y == np.median(y)) < 0.9
