"""Small contexts: a few dozen to some hundred labelled rows of a world, the best columns by those rows alone, and queries.

Each question about a world is asked with several contexts, some of them all rows of a few entities, as a small database holds them.
"""

import numpy as np

from .draw import stacked
from .prepare import prepare, signed_log
from .tabular import tabular_task
from .tasks import in_cohort, questions_of, relevance
from .worlds import chance, make_world

ROWS = (24, 288)
LARGEST = 400  # rows drawn of a world
RANKED = 20  # columns that stand for their percentiles as well
PER_WORLD = 8
PLAIN = 0.08
PARTS = 4
TIMES = 2  # contexts of each size that a question is asked with


def rows_of(number, seed):
    """Rows of context of the batches that draw `number` gives: log-uniform, one from each part of the range."""
    rng = np.random.default_rng([seed, number, 7])
    low, high = np.log(ROWS)
    return tuple(int(round(np.exp(low + (high - low) * (part + rng.random()) / PARTS))) for part in range(PARTS))


def draw_small(number, seed, size, queries, width):
    """PARTS batches, each a dict of stacked arrays as draw.draw_batch gives, of `size` tasks; every question is asked with every size of context."""
    rng = np.random.default_rng([seed, number])
    sizes = rows_of(number, seed)
    taken = [[] for _ in sizes]
    while min(map(len, taken)) < size:
        if chance(rng, PLAIN):
            task = tabular_task(rng, LARGEST, queries, width)
            made = [] if task is None else [lambda rows, task=task: plain(rng, task, rows)]
        else:
            asked = questions_of(rng, make_world(rng, LARGEST), LARGEST, queries, PER_WORLD)
            made = (lambda rows, one=one, x=np.stack(one.values, 1): small(rng, one, x, rows, queries, width) for one in asked)
        for make in made:
            for mine, rows in TIMES * list(zip(taken, sizes)):
                inputs = make(rows) if len(mine) < size else None
                if inputs is not None and sound(inputs):
                    mine.append(inputs)
    return [stacked(mine) for mine in taken]


def sound(inputs):
    return all(np.isfinite(part).all() for part in (inputs.described, inputs.base, inputs.target))


def plain(rng, task, rows):
    keep = np.sort(rng.permutation(task.context)[:rows])
    every = np.concatenate([keep, np.arange(task.context, len(task.y))])
    if not told(task.y[keep], task.binary):
        return None
    return handed(task.columns, task.x[every], task.y[every], task.anchor[every], rows, task.binary)


def small(rng, asked, x, rows, queries, width):
    """One context of a question; None where its rows or columns are too few, or its outcomes all alike."""
    n = asked.context
    if chance(rng, 0.5):
        keep = np.sort(rng.permutation(n)[:rows])
    else:
        _, entity = np.unique(asked.key[:n], return_inverse=True)
        keep = np.sort(np.argsort(rng.permutation(entity.max() + 1)[entity], kind="stable")[:rows])
    if not told(asked.y[keep], asked.binary):
        return None
    # a small population answers twice
    every = np.concatenate([keep, n + np.arange(queries) % (len(asked.y) - n)])
    y, back = asked.y[every], asked.back[every]
    chosen = best(asked.columns, x[every], y, back, rows, width)
    if chosen is None:
        return None
    columns, x = chosen
    return handed(columns, x, y, back, rows, asked.binary)


def best(columns, x, y, back, rows, width):
    """The best columns and percentiles of the best, together, from the best down: src/infer/features/choice.ts."""
    score = relevance(signed_log(x[:rows]), y[:rows])
    order = np.argsort(-score, kind="stable")
    ranked = order[:RANKED]
    places = percentiles(x[:, ranked], back)
    both = np.concatenate([score, relevance(places[:rows] - 0.5, y[:rows])])
    order = np.argsort(-both, kind="stable")[:width]
    if len(order) < width or both[order[-1]] < 0:
        return None
    every = [*columns, *(in_cohort(columns[c]) for c in ranked)]
    return tuple(every[c] for c in order), np.concatenate([x, places], 1)[:, order]


def percentiles(x, back):
    """tasks.percentiles of several columns, for cohorts that are small."""
    out = np.full(x.shape, np.nan)
    for k in np.unique(back):
        at = np.flatnonzero(back == k)
        v = x[at]
        there = ~np.isnan(v)
        n = there.sum(0)
        below = (v[None] < v[:, None]).sum(1)
        places = (2 * below + (v[None] == v[:, None]).sum(1)) / (2 * np.maximum(n, 1))
        out[at] = np.where(there & (n >= 5), places, np.nan)
    return out


def handed(columns, x, y, back, rows, binary):
    """Ages count from the newest row of context, queries with it, as those of src/infer/features/context.ts do."""
    age = np.maximum(0, back - back[:rows].min()).astype(float)
    return prepare(columns, x, y, age, rows, binary)


def told(y, binary):
    if binary:
        return 2 <= y.sum() <= len(y) - 2
    return np.isfinite(y).all() and len(np.unique(y)) > 3 and np.mean(y == np.median(y)) < 0.9
