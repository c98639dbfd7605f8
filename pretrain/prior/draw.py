"""Batches of prepared tasks of one shape, drawn from a seed: the same seed gives the same batches on any machine."""

import numpy as np

from .heads import linear_answer
from .prepare import prepare
from .tabular import tabular_task
from .tasks import tasks_of
from .worlds import chance, make_world

PLAIN = 0.25  # share of plain tables
PER_WORLD = 10
# In this share of the draws there are older rows as well, from which the linear answer comes; they must be so many times the context's.
WITH_OLDER = 0.7
OLDER = 0.4


def draw_tasks(rng, context, queries, width):
    """Tasks without end, several a world."""
    while True:
        least = int(context * rng.uniform(1 + OLDER, 3)) if chance(rng, WITH_OLDER) else context
        if chance(rng, PLAIN / (PER_WORLD * (1 - PLAIN) + PLAIN) * 2):
            task = tabular_task(rng, least, queries, width)
            if task is not None:
                yield task
        else:
            yield from tasks_of(rng, make_world(rng, least), least, queries, width, PER_WORLD)


def fitted(rng, task, context, queries, width):
    """Inputs in the batch's shape; None where the task has too few rows or columns."""
    rows = task.context
    if rows < context or len(task.columns) < width or not usable(task.y[:context], task.binary):
        return None
    # a small population answers twice
    asked = rows + np.arange(queries) % (len(task.y) - rows)
    columns, x = task.columns[:width], task.x[:, :width]
    keep = np.concatenate([np.arange(context), asked])
    start = None
    older = rows - context
    if older >= OLDER * context and usable(task.y[context:rows], task.binary):
        every = np.concatenate([np.arange(rows), asked])
        start = linear_answer(rng, columns, x[every], task.y[every], context, older, task.binary)
    return prepare(columns, x[keep], task.y[keep], task.age[keep], context, task.binary, start)


def draw_batch(seed, size, context, queries, width):
    """A dict of stacked arrays: z, missing (size, rows, width), described, age, base, t, residual, scale, target, binary."""
    rng = np.random.default_rng(seed)
    taken = []
    for task in draw_tasks(rng, context, queries, width):
        inputs = fitted(rng, task, context, queries, width)
        if inputs is None:
            continue
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
