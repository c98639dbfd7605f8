"""The network: columns described without names shape a light embedding of cells, cells are pooled to a row, rows of context attend to each
other, queries attend to the context alone. Its answer is a correction of the linear answer it is handed.
"""

import math
from dataclasses import asdict, dataclass

import torch
import torch.nn.functional as F
from torch import nn

from prior.prepare import WIDTH

QUANTILES = 99
ROW = 5  # numbers known of every row: age, base, binary or not, size of context, rate
LABEL = 4  # of a context row: outcome of a condition, number, residual, magnitude of the residual


@dataclass(frozen=True)
class Size:
    cells: int  # width of a pooled row
    linear: int  # linear sums of a row's cells
    width: int
    layers: int
    heads: int
    hidden: int
    thinking: int


SIZES = {
    "tiny": Size(16, 4, 32, 2, 2, 64, 4),
    "few": Size(16, 16, 64, 3, 2, 128, 4),
    "mini": Size(24, 8, 64, 3, 4, 128, 8),
    "XS": Size(32, 16, 128, 6, 4, 256, 16),
    "S": Size(64, 32, 256, 8, 4, 512, 16),
    "M": Size(96, 32, 384, 10, 6, 768, 24),
}


class RMSNorm(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x):
        x32 = x.float()
        return (x32 * torch.rsqrt(x32.pow(2).mean(-1, keepdim=True) + 1e-6) * self.weight).to(x.dtype)


class Columns(nn.Module):
    """From descriptions of columns to what each does to its cells."""

    def __init__(self, size):
        super().__init__()
        self.cells, self.linear = size.cells, size.linear
        self.inner = nn.Linear(WIDTH, 2 * size.cells)
        self.middle = nn.Linear(2 * size.cells, 2 * size.cells)
        self.outer = nn.Linear(2 * size.cells, 4 * size.cells + 2 * size.linear)

    def forward(self, described):
        """(…, columns, WIDTH) to slope, flag, shift, weight (…, columns, cells) and two linear maps (…, columns, linear)."""
        h = F.gelu(self.inner(described))
        h = self.outer(F.gelu(self.middle(h)))
        c, n = self.cells, self.linear
        return torch.split(h, [c, c, c, c, n, n], dim=-1)


class Rows(nn.Module):
    """From cells to one vector a row, whatever the number of columns."""

    def __init__(self, size):
        super().__init__()
        self.pool = nn.Linear(size.cells + size.linear, size.width)
        self.known = nn.Linear(ROW, size.width)
        self.inner = nn.Linear(size.width, size.hidden)
        self.outer = nn.Linear(size.hidden, size.width)
        self.norm = RMSNorm(size.width)

    def forward(self, z, missing, columns, known):
        slope, flag, shift, weight, line, gap = columns
        z, missing = z.to(slope.dtype), missing.to(slope.dtype)
        # of the number of columns: a sum of many is no larger than one of few
        scale = math.sqrt(1 / 8) * torch.rsqrt(torch.ones_like(slope[..., :1]).sum(-2, keepdim=True) / 32.0)
        cells = z.unsqueeze(-1) * slope.unsqueeze(-3) + missing.unsqueeze(-1) * flag.unsqueeze(-3) + shift.unsqueeze(-3)
        pooled = (F.relu(cells) * weight.unsqueeze(-3)).sum(-2) * scale
        sums = (z @ line + missing @ gap) * scale
        row = self.pool(torch.cat([pooled, sums], -1)) + self.known(known)
        # what the blocks add up is kept in full precision, also where they compute in half
        row = row.float()
        return row + self.outer(F.gelu(self.inner(self.norm(row))))


class Block(nn.Module):
    """Attention to rows of context, then a step for each row."""

    def __init__(self, size):
        super().__init__()
        self.heads, self.each = size.heads, size.width // size.heads
        self.before, self.between = RMSNorm(size.width), RMSNorm(size.width)
        self.query = nn.Linear(size.width, size.width, bias=False)
        self.key = nn.Linear(size.width, size.width, bias=False)
        self.value = nn.Linear(size.width, size.width, bias=False)
        self.out = nn.Linear(size.width, size.width, bias=False)
        self.inner = nn.Linear(size.width, size.hidden)
        self.outer = nn.Linear(size.hidden, size.width)
        # softmax grows sharper with the logarithm of the number of rows
        self.sharp = nn.Parameter(torch.stack([torch.ones(size.heads), torch.full((size.heads,), 0.1)]))

    def split(self, x):
        return x.unflatten(-1, (self.heads, self.each)).transpose(-2, -3)

    def memory(self, rows):
        """(keys transposed, values) of normalised rows, a head each."""
        return self.split(self.key(rows)).transpose(-1, -2), self.split(self.value(rows))

    def forward(self, x, memory, log_rows):
        keys, values = memory
        q = self.split(self.query(self.before(x)))
        sharp = (self.sharp[0] + self.sharp[1] * log_rows)[:, None, None] / math.sqrt(self.each)
        weights = torch.softmax(((q * sharp.to(q.dtype)) @ keys).float(), -1).to(q.dtype)
        x = x + self.out((weights @ values).transpose(-2, -3).flatten(-2))
        return x + self.outer(F.gelu(self.inner(self.between(x))))


class Network(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.size = size
        self.columns, self.rows = Columns(size), Rows(size)
        self.label = nn.Linear(LABEL, size.width)
        self.unknown = nn.Parameter(torch.zeros(size.width))
        self.thinking = nn.Parameter(torch.randn(size.thinking, size.width) * 0.5)
        self.blocks = nn.ModuleList(Block(size) for _ in range(size.layers))
        self.norm = RMSNorm(size.width)
        self.logit = nn.Linear(size.width, 1)
        self.location = nn.Linear(size.width, 1)
        self.steps = nn.Linear(size.width, QUANTILES - 1)
        # at first the answer is the linear one, and the quantiles are those of a normal residual
        for head in (self.logit, self.location, self.steps):
            nn.init.zeros_(head.weight)
            nn.init.zeros_(head.bias)
        normal = torch.distributions.Normal(0.0, 1.25).icdf(torch.arange(1, 100) / 100)
        with torch.no_grad():
            self.steps.bias.copy_(torch.log(torch.expm1(normal.diff())))

    def encode(self, z, missing, described, known, label, log_rows):
        """Context to what queries need of it: column parameters, and (keys, values) of each block."""
        columns = self.columns(described)
        x = self.rows(z, missing, columns, known) + self.label(label)
        thinking = self.thinking.expand(*x.shape[:-2], *self.thinking.shape)
        x = torch.cat([thinking.to(x.dtype), x], -2)
        memories = []
        for i, block in enumerate(self.blocks):
            memory = block.memory(block.before(x))
            memories.append(memory)
            if i + 1 < len(self.blocks):
                x = block(x, memory, log_rows)
        return columns, memories

    def predict(self, z, missing, columns, memories, known, log_rows):
        """Corrections of each query: (logit, quantiles in units of the residual's scale)."""
        x = self.rows(z, missing, columns, known) + self.unknown
        for block, memory in zip(self.blocks, memories):
            x = block(x, memory, log_rows)
        x = self.norm(x)
        # the median's place, and steps away from it on both sides
        steps = F.softplus(self.steps(x))
        half = QUANTILES // 2
        below = steps[..., :half].flip(-1).cumsum(-1).flip(-1)
        above = steps[..., half:].cumsum(-1)
        middle = self.location(x)
        return self.logit(x).squeeze(-1), torch.cat([middle - below, middle, middle + above], -1)


def known_of(age, base, binary, rows, rate):
    """(…, rows, ROW): what the network is told of every row beside its cells."""
    kind = binary.to(age.dtype).unsqueeze(-1).expand_as(age)
    size = torch.full_like(age, math.log(rows) / 7)
    return torch.stack([age, base / 3, kind, size, rate.unsqueeze(-1).expand_as(age)], -1)


def label_of(t, residual, scale, binary):
    """(…, rows, LABEL) of context rows."""
    kind = binary.to(t.dtype).unsqueeze(-1)
    out = residual / scale.unsqueeze(-1)
    return torch.stack([kind * (2 * t - 1), (1 - kind) * t.clamp(-6, 6) / 2, out.clamp(-6, 6), out.abs().clamp(max=6)], -1)


def losses(network, batch, context):
    """Of each task: log loss, pinball loss and absolute error in units of the residual's scale.

    `0` marks the answer the network starts from, `1` the best constant.
    """
    binary, scale = batch["binary"], batch["scale"]
    z, missing, age, base = batch["z"], batch["missing"], batch["age"], batch["base"]
    rate = torch.where(binary, batch["t"].mean(-1), torch.zeros_like(scale))
    known = known_of(age, base, binary, context, rate)
    log_rows = torch.tensor(math.log(context), device=z.device)
    label = label_of(batch["t"], batch["residual"], scale, binary)
    columns, memories = network.encode(z[:, :context], missing[:, :context], batch["described"], known[:, :context], label, log_rows)
    logit, shape = network.predict(z[:, context:], missing[:, context:], columns, memories, known[:, context:], log_rows)
    logit, shape = logit.float() + base[:, context:], shape.float()
    target = batch["target"]
    ce = F.binary_cross_entropy_with_logits(logit, target.clamp(0, 1), reduction="none").mean(-1)
    start = F.binary_cross_entropy_with_logits(base[:, context:], target.clamp(0, 1), reduction="none").mean(-1)
    levels = torch.arange(1, QUANTILES + 1, device=z.device) / (QUANTILES + 1)
    off = ((target - base[:, context:]) / scale[:, None]).clamp(-20, 20)
    error = off.unsqueeze(-1) - shape
    pinball = torch.maximum(levels * error, (levels - 1) * error).mean((-1, -2))
    constant = F.binary_cross_entropy_with_logits(
        torch.logit(rate.clamp(0.01, 0.99)).unsqueeze(-1).expand_as(target), target.clamp(0, 1), reduction="none"
    ).mean(-1)
    median = (off - shape[..., QUANTILES // 2]).abs().mean(-1)
    far = (target / scale[:, None]).clamp(-20, 20).abs().mean(-1)
    numbers = {"pinball": pinball, "mae": median, "mae0": off.abs().mean(-1), "mae1": far}
    return {"ce": ce, "ce0": start, "ce1": constant, **numbers, "binary": binary}


def parameters_of(network):
    return sum(p.numel() for p in network.parameters())


def size_of(name):
    return asdict(SIZES[name])
