"""Where batches come from: processes that draw them, each a function of (seed, its number) alone, in the order they are ready."""

import multiprocessing as mp
import queue
import random
import warnings

import numpy as np

from prior.draw import draw_batch
from prior.small import draw_small

# (context, queries, columns): few shapes, so that a compiled network is compiled few times
SHAPES = {
    "small": ((128, 48, 24), (256, 64, 48), (256, 64, 24), (384, 64, 32)),
    "large": ((256, 64, 32), (512, 96, 64), (512, 96, 32), (1024, 128, 96)),
    "cpu": ((128, 48, 16), (192, 64, 24), (128, 48, 32), (256, 64, 32)),
    "tiny": ((64, 24, 12),),
}
HELD_OUT = 1_000_000_000  # seeds from here on are never trained on


# small contexts: as many rows as the draw decides, each question with several contexts
SMALL = "few"
FEW = (40, 40)  # queries, columns


def draw(arguments):
    """Batches of one draw."""
    number, seed, size, shapes = arguments
    if shapes == SMALL:
        return draw_small(number, seed, size, *FEW), seed
    context, queries, width = shapes[number % len(shapes)]
    # tasks of equal cost: fewer where they are large
    size = max(2, int(size * 256 * 48 / (context * width)))
    return [draw_batch([seed, number], size, context, queries, width)], seed


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
        self.held, early, waiting = [], [], held
        while waiting > 0:
            batches, own = self.drawn_next()
            if own >= HELD_OUT:
                self.held += batches
                waiting -= 1
            else:
                early.append(batches)
        self.buffer, self.drawn = [[batch, 0] for batches in early for batch in batches], len(early)
        for _ in early:
            self.ask()

    def ask(self):
        self.todo.put((self.next, *self.request))
        self.next += 1

    def take(self):
        """A batch: a new one where one is ready or all have been used up."""
        while not self.done.empty() or len(self.buffer) < 8 or min(used for _, used in self.buffer) >= self.reuse:
            batches, _ = self.drawn_next()
            self.ask()
            self.drawn += 1
            self.buffer = [*self.buffer, *([batch, 0] for batch in batches)][-self.keep :]
        self.buffer.sort(key=lambda entry: entry[1])
        entry = self.buffer[random.randrange(min(len(self.buffer), 32))]
        entry[1] += 1
        return entry[0]

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
