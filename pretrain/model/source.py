"""Where batches come from: processes that draw them, each a function of (seed, its number) alone, in the order they are ready."""

import multiprocessing as mp
import queue
import random
import warnings

import numpy as np

from prior.draw import draw_batch

# (context, queries, columns): few shapes, so that a compiled network is compiled few times
SHAPES = {
    "small": ((128, 48, 24), (256, 64, 48), (256, 64, 24), (384, 64, 32)),
    "large": ((256, 64, 32), (512, 96, 64), (512, 96, 32), (1024, 128, 96)),
    "cpu": ((128, 48, 16), (192, 64, 24), (128, 48, 32), (256, 64, 32)),
    "tiny": ((64, 24, 12),),
}
HELD_OUT = 1_000_000_000  # seeds from here on are never trained on


def shape_of(number, shapes):
    return shapes[number % len(shapes)]


def draw(arguments):
    number, seed, size, shapes = arguments
    context, queries, width = shape_of(number, shapes)
    # tasks of equal cost: fewer where they are large
    size = max(2, int(size * 256 * 48 / (context * width)))
    return number, draw_batch([seed, number], size, context, queries, width), seed


def worker(todo, done):
    np.seterr(all="ignore")
    warnings.simplefilter("ignore")
    while (task := todo.get()) is not None:
        done.put(draw(task))


class Source:
    """Batches in the order they are ready, several times each while new ones are being drawn. The first are never trained on."""

    def __init__(self, workers, first, seed, size, shapes, reuse, keep, held):
        # forked before a GPU is touched: they draw with numpy, and need not load PyTorch again
        context = mp.get_context("fork")
        self.todo, self.done = context.Queue(), context.Queue(4 * workers)
        self.next, self.request = first, (seed, size, shapes)
        self.reuse, self.keep, self.buffer, self.drawn = reuse, keep, [], 0
        self.workers = [context.Process(target=worker, args=(self.todo, self.done), daemon=True) for _ in range(workers)]
        for process in self.workers:
            process.start()
        for number in range(held):
            self.todo.put((number, HELD_OUT + seed, size, shapes))
        for _ in range(6 * workers):
            self.ask()
        # they were asked for first, but others may be ready before the last of them
        self.held, early = [], []
        while len(self.held) < held:
            number, batch, own = self.drawn_next()
            if own >= HELD_OUT:
                self.held.append((number, batch))
            else:
                early.append([number, batch, 0])
        self.held.sort(key=lambda entry: entry[0])
        self.buffer, self.drawn = early, len(early)
        for _ in early:
            self.ask()

    def ask(self):
        self.todo.put((self.next, *self.request))
        self.next += 1

    def take(self):
        """(batch, whether it is new)."""
        ready = not self.done.empty()
        if ready or len(self.buffer) < 8 or self.buffer[0][2] >= self.reuse:
            number, batch, _ = self.drawn_next()
            self.ask()
            self.drawn += 1
            self.buffer.append([number, batch, 1])
            if len(self.buffer) > self.keep:
                self.buffer.pop(0)
            return number, batch
        self.buffer.sort(key=lambda entry: entry[2])
        entry = self.buffer[random.randrange(min(len(self.buffer), 32))]
        entry[2] += 1
        return entry[0], entry[1]

    def drawn_next(self):
        while True:
            try:
                return self.done.get(timeout=20)
            except queue.Empty:
                # one that ended has said why; waiting for it would be for ever
                if any(process.exitcode is not None for process in self.workers):
                    raise SystemExit("a worker ended") from None

    def close(self):
        for process in self.workers:
            process.terminate()
