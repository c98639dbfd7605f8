"""Batches of prepared tasks of one shape, drawn from a seed: the same seed gives the same batches on any machine."""

import numpy as np

from .prepare import prepare
from .tabular import tabular_task
from .tasks import tasks_of
from .worlds import chance, make_world

PLAIN = 0.25  # share of plain tables
PER_WORLD = 10


def draw_tasks(rng, context, queries, width):
    """Tasks without end, several a world."""
    while True:
        if chance(rng, PLAIN / (PER_WORLD * (1 - PLAIN) + PLAIN) * 2):
            task = tabular_task(rng, context, queries, width)
            if task is not None:
                yield task
        else:
            yield from tasks_of(rng, make_world(rng, context), context, queries, width, PER_WORLD)


def fitted(task, context, queries, width):
    """The task cut to the batch's shape; None where it has too few rows or columns."""
    rows = task.context
    if rows < context or len(task.columns) < width:
        return None
    # a small population answers twice
    asked = rows + np.arange(queries) % (len(task.y) - rows)
    keep = np.concatenate([np.arange(context), asked])
    return task.columns[:width], task.x[keep][:, :width], task.y[keep], task.age[keep]


def draw_batch(seed, size, context, queries, width):
    """A dict of stacked arrays: z, missing (size, rows, width), described, age, base, t, residual, scale, target, binary."""
    rng = np.random.default_rng(seed)
    taken = []
    for task in draw_tasks(rng, context, queries, width):
        cut = fitted(task, context, queries, width)
        if cut is None or not usable(cut[2][:context], task.binary):
            continue
        inputs = prepare(cut[0], cut[1], cut[2], cut[3], context, task.binary)
        if np.isfinite(inputs.described).all() and np.isfinite(inputs.base).all() and np.isfinite(inputs.target).all():
            taken.append(inputs)
        if len(taken) == size:
            return stacked(taken)


def usable(y, binary):
    if binary:
        return 3 <= y.sum() <= len(y) - 3
    return np.isfinite(y).all() and len(np.unique(y)) > 4 and np.mean(y == np.median(y)) < 0.9


def stacked(taken):
    names = ("z", "missing", "described", "age", "base", "t", "residual", "target")
    out = {name: np.stack([getattr(i, name) for i in taken]).astype(np.float32) for name in names}
    out["scale"] = np.array([i.scale for i in taken], dtype=np.float32)
    out["binary"] = np.array([i.binary for i in taken])
    return out
