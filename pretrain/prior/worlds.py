"""Made-up histories: entities whose rates and qualities drift, die, burst and follow seasons, and the dated rows they leave behind.

Everything is drawn from the generator that is passed in: equal seeds give equal worlds. Time runs in bins of a quarter horizon.
"""

from dataclasses import dataclass

import numpy as np

from .features import DAY, Stream

BINS = 4  # bins a horizon
MOST_A_BIN = 40


@dataclass(frozen=True)
class Channel:
    kind: str  # number, flag, ends, code
    values: np.ndarray


@dataclass(frozen=True)
class Table:
    """Dated rows of one table, sorted by time; `owner` is the entity, -1 where the key is missing."""

    owner: np.ndarray
    time: np.ndarray
    channels: tuple

    def stream(self, key, keys):
        """Its rows by another key (entity, group), as (stream, order)."""
        order = np.lexsort((self.time, key))
        order = order[key[order] >= 0]
        ptr = np.searchsorted(key[order], np.arange(keys + 1))
        return Stream(ptr, self.time[order], (), ()), order


@dataclass(frozen=True)
class World:
    horizon: int
    end: int  # the last anchor; one horizon of outcomes follows
    entities: int
    born: np.ndarray
    group: np.ndarray
    groups: int
    tables: tuple
    own: tuple  # (kind, values) of the entity's own columns
    rounds: bool


def log_uniform(rng, low, high):
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def chance(rng, p):
    return rng.random() < p


def drifting(rng, n, bins, static, speed, size):
    """(n, bins) mean-reverting paths around a static level, with jumps now and then."""
    keep = float(np.exp(-speed / BINS))
    step = rng.standard_normal((bins, n)) * size * np.sqrt(1 - keep * keep)
    if chance(rng, 0.4):
        step += (rng.random((bins, n)) < 0.02) * rng.standard_normal((bins, n)) * size * rng.uniform(1, 3)
    out = np.empty((bins, n))
    at = rng.standard_normal(n) * size
    for b in range(bins):
        at = keep * at + step[b]
        out[b] = at
    return static[:, None] + out.T


def seasons(rng, bins):
    t = np.arange(bins) / BINS
    out = np.zeros(bins)
    for _ in range(rng.integers(0, 3)):
        period = log_uniform(rng, 1, 14)
        out += rng.uniform(0.1, 0.8) * np.sin(2 * np.pi * (t / period + rng.random()))
    out += rng.normal(0, 0.25) * (t - t[-1]) / max(t[-1], 1) * 2
    if chance(rng, 0.15):
        out += rng.normal(0, 0.5) * (t > rng.uniform(0, t[-1]))
    return out


def happenings(rng, log_rate, alive, burst):
    """Rows a bin of each entity, from log rates a horizon: counts with over-dispersion and self-excitation."""
    n, bins = log_rate.shape
    rate = np.exp(np.clip(log_rate, -9, 5)) / BINS * alive
    if chance(rng, 0.5):
        shape = log_uniform(rng, 0.3, 5)
        rate = rate * rng.gamma(shape, 1 / shape, (n, bins))
    if burst <= 0:
        return np.minimum(rng.poisson(rate), MOST_A_BIN)
    out = np.zeros((n, bins), dtype=int)
    heat = np.zeros(n)
    fade = rng.uniform(0.3, 0.8)
    for b in range(bins):
        out[:, b] = np.minimum(rng.poisson(rate[:, b] * 0.5 + burst * heat), MOST_A_BIN)
        heat = fade * heat + (1 - fade) * out[:, b]
    return out


def holes(rng, values, quality):
    """Some values missing: at random, or where the value says so."""
    values = values.astype(float)
    if chance(rng, 0.25):
        share = rng.uniform(0.02, 0.5)
        lost = rng.random(len(values)) < share
        if chance(rng, 0.3):
            lost &= quality > np.median(quality)
        values[lost] = np.nan
    return values


def number_marks(rng, quality, owner, item_effect):
    """A number a row that tells of its entity's quality: amounts, rates, small integers, codes that mean an order."""
    n = len(quality)
    signal = rng.normal(0, 1) * quality + rng.normal(0, 0.7) * item_effect
    noise = rng.standard_t(log_uniform(rng, 2, 30), n) if chance(rng, 0.4) else rng.standard_normal(n)
    noise = noise * log_uniform(rng, 0.1, 2)
    kind = rng.integers(0, 6)
    if kind <= 1:
        out = np.exp(np.clip(log_uniform(rng, 0.3, 1.5) * (signal + noise) + rng.normal(0, 3), -12, 16))
        return np.round(out, 2) if chance(rng, 0.6) else out
    if kind == 2:
        return rng.poisson(np.exp(np.clip(0.7 * signal + 0.3 * noise + rng.normal(0.5, 1), -6, 5))).astype(float)
    if kind == 3:
        return np.round(np.clip(3 + signal + noise, 1, rng.integers(4, 11)) * 2) / 2
    out = (signal + noise) * log_uniform(rng, 0.01, 1000) + rng.normal(0, 2)
    if chance(rng, 0.1):
        out[rng.random(n) < 0.05] = -1.0
    return out


def flag_marks(rng, quality):
    return (rng.random(len(quality)) < 1 / (1 + np.exp(-(rng.normal(0, 1.5) + rng.normal(0, 1.2) * quality)))).astype(float)


def ranks(rng, when, quality):
    """Place of each row among those of the same instant: who is better comes first, more often than not."""
    score = quality * log_uniform(rng, 0.4, 3) + rng.gumbel(size=len(quality))
    order = np.lexsort((-score, when))
    start = np.concatenate([[True], when[order][1:] != when[order][:-1]])
    place = np.arange(len(order)) - np.maximum.accumulate(np.where(start, np.arange(len(order)), 0))
    out = np.empty(len(order))
    out[order] = place + 1
    return out


def make_table(rng, counts, quality, horizon, begin, rounds, items):
    """Rows where `counts` (entities, bins) says, marked by `quality` (entities, bins)."""
    n, bins = counts.shape
    width = horizon // BINS
    if rounds:
        counts = np.minimum(counts, 1)
    owner, bin_of = np.nonzero(counts)
    owner, bin_of = np.repeat(owner, counts[owner, bin_of]), np.repeat(bin_of, counts[owner, bin_of])
    inside = np.full(len(owner), 0.5) if rounds else rng.random(len(owner))
    time = begin + bin_of * width + (inside * width).astype(np.int64)
    order = np.argsort(time, kind="stable")
    owner, bin_of, time = owner[order], bin_of[order], time[order]
    q = quality[owner, bin_of]
    popularity = 1 / np.arange(1, items + 1) ** rng.uniform(0.3, 1.5)
    favourite = rng.integers(0, items, n)
    code = rng.choice(items, len(owner), p=popularity / popularity.sum())
    code = np.where(rng.random(len(owner)) < rng.uniform(0, 0.8), favourite[owner], code)
    effect = rng.standard_normal(items)[code]
    channels = [Channel("code", code)]
    if rounds:
        place = ranks(rng, time, q)
        channels += [Channel("number", place), Channel("number", np.maximum(0, rng.integers(3, 11) - place))]
    for _ in range(rng.integers(1, 4)):
        channels.append(Channel("number", holes(rng, number_marks(rng, q, owner, effect), q)))
    for _ in range(rng.integers(0, 3)):
        channels.append(Channel("flag", flag_marks(rng, q)))
    if chance(rng, 0.25):
        took = rng.exponential(log_uniform(rng, 0.05, 3), len(owner)) * np.exp(0.5 * q)
        ends = time + np.minimum(took, 100) * horizon
        channels.append(Channel("ends", np.where(rng.random(len(owner)) < 0.1, np.inf, ends)))
    if chance(rng, 0.2):
        owner = np.where(rng.random(len(owner)) < 0.1, -1, owner)
    return Table(owner, time, tuple(channels))


def make_world(rng, rows):
    """A world about right for contexts of `rows` labelled rows."""
    horizon = int(log_uniform(rng, 1, 330) * DAY)
    horizon -= horizon % 8
    anchors = int(log_uniform(rng, 3, 24))
    n = int(np.clip(log_uniform(rng, 0.8, 3) * rows / anchors * 1.3, 25, 800))
    span = anchors + int(log_uniform(rng, 2, 16))
    bins = (span + 1) * BINS
    groups = int(log_uniform(rng, 1, 20))
    group = rng.integers(0, groups, n)
    rounds = chance(rng, 0.2)
    # latents: how active, how good; both with what the group shares
    activity = rng.standard_normal(n) * log_uniform(rng, 0.2, 1.6)
    shared = drifting(rng, groups, bins, rng.standard_normal(groups) * rng.uniform(0, 0.8), rng.uniform(0.02, 0.5), rng.uniform(0, 0.6))
    log_rate = drifting(rng, n, bins, activity, log_uniform(rng, 0.02, 2), rng.uniform(0, 1.2))
    log_rate += shared[group] * rng.uniform(0, 1.2) + seasons(rng, bins) + np.log(log_uniform(rng, 0.15, 12))
    quality = drifting(rng, n, bins, rng.standard_normal(n), log_uniform(rng, 0.02, 1), rng.uniform(0, 1))
    quality += shared[group] * rng.normal(0, 0.8) + rng.normal(0, 0.6) * (log_rate - log_rate.mean())
    # lives: who comes when, who leaves when
    born_bin = np.where(rng.random(n) < rng.uniform(0, 0.9), rng.integers(0, bins - BINS, n), 0)
    t = np.arange(bins)
    alive = (t >= born_bin[:, None]).astype(float)
    if chance(rng, 0.7):
        scale = log_uniform(rng, 1, 30) * BINS * np.exp(rng.normal(0, 0.5) * activity + rng.normal(0, 0.5) * quality[:, 0])
        dies = born_bin + rng.exponential(1, n) ** log_uniform(rng, 0.6, 1.6) * scale
        left = dies[:, None] - t
        fade = rng.uniform(0, 6)
        ending = np.clip(left / fade, 0, 1) if fade > 1 else (left > 0).astype(float)
        alive *= np.maximum(ending, rng.choice([0, 0, 0.02, 0.2]))
    burst = rng.uniform(0.2, 0.9) if chance(rng, 0.3) else 0.0
    end = 8000 * DAY
    width = horizon // BINS
    begin = end - (bins - BINS) * width
    items = int(log_uniform(rng, 2, 60))
    main = make_table(rng, happenings(rng, log_rate, alive, burst), quality, horizon, begin, rounds, items)
    tables = [main]
    for _ in range(rng.integers(0, 3)):
        # another table of the same entities; what happens there may come before
        lead = rng.integers(0, 4)
        moved = np.roll(log_rate, -lead, axis=1)
        own = rng.uniform(0, 1) * moved + rng.normal(0, 0.5) * quality + rng.normal(0, 1.2)
        living = np.roll(alive, -rng.integers(0, 3), axis=1) * (t >= born_bin[:, None])
        tables.append(make_table(rng, happenings(rng, own, living, 0.0), quality, horizon, begin, False, int(log_uniform(rng, 2, 30))))
    own = [("level", group.astype(float))] if chance(rng, 0.6) else []
    for _ in range(rng.integers(0, 4)):
        read = rng.normal(0, 1) * activity + rng.normal(0, 1) * quality[:, 0] + rng.standard_normal(n) * log_uniform(rng, 0.2, 4)
        own.append(("value", holes(rng, np.exp(np.clip(read, -9, 9)) if chance(rng, 0.4) else read, read)))
    if chance(rng, 0.3):
        own.append(("flag", flag_marks(rng, quality[:, 0])))
    if chance(rng, 0.4):
        own.append(("category", rng.integers(0, int(log_uniform(rng, 3, 40)), n).astype(float)))
    born = begin + born_bin * width - (rng.random(n) * 2 * horizon * (born_bin == 0)).astype(np.int64)
    return World(horizon, end, n, born, group, groups, tuple(tables), tuple(own), rounds)
