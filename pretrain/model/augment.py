"""The same tasks in other clothes, made where they are trained on: what mirrors a task mirrors its answer."""

import torch

# of a column's description, by prior/prepare.py: what changes its sign with the column, and what with the outcome
OF_COLUMN = (0, 1, 3, 4, 8)
OF_OUTCOME = (0, 1, 2, 4, 6)


def augment(batch, context, generator):
    """Columns and outcomes mirrored, columns left out, rows of context in a part of the tasks left out. Shapes change alike in all tasks."""
    out = dict(batch)
    size, _, width = batch["z"].shape
    device = batch["z"].device
    coin = lambda *shape: (torch.rand(*shape, generator=generator) < 0.5).to(device)  # noqa: E731
    mirror = torch.where(coin(size, width), -1.0, 1.0)
    out["z"] = batch["z"] * mirror[:, None, :]
    signs = torch.ones_like(batch["described"])
    signs[..., OF_COLUMN] = mirror.unsqueeze(-1)
    turned = coin(size)
    side = torch.where(turned, -1.0, 1.0)
    for place in OF_OUTCOME:
        signs[..., place] = signs[..., place] * side[:, None]
    out["described"] = batch["described"] * signs
    binary = batch["binary"].unsqueeze(-1)
    flip = turned.unsqueeze(-1)
    for name in ("t", "target"):
        value = batch[name]
        out[name] = torch.where(flip, torch.where(binary, 1 - value, -value), value)
    for name in ("base", "residual"):
        out[name] = batch[name] * side[:, None]
    return thin(out, context, generator)


def thin(batch, context, generator, most=1 / 3):
    """Up to a third of the columns, and as large a part of the rows of context as `most`, left out."""
    out = dict(batch)
    _, _, width = batch["z"].shape
    device = batch["z"].device
    keep = width - int(torch.randint(0, width // 3 + 1, (1,), generator=generator))
    columns = torch.randperm(width, generator=generator)[:keep].to(device)
    rows = context - int(torch.randint(0, int(context * most) + 1, (1,), generator=generator))
    chosen = torch.cat([torch.randperm(context, generator=generator)[:rows].sort().values, torch.arange(context, batch["z"].shape[1])]).to(device)
    for name in ("z", "missing"):
        out[name] = batch[name][:, :, columns]
        out[name] = out[name][:, chosen]
    out["described"] = batch["described"][:, columns]
    for name in ("age", "base"):
        out[name] = out[name][:, chosen]
    for name in ("t", "residual"):
        out[name] = out[name][:, chosen[:rows]]
    return out, rows
