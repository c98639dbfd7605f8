"""Weights in files small enough to travel: `python -m model.shards runs/s/checkpoint.pt OUT` writes the averaged weights in half precision.

`python -m model.shards --join OUT runs/s/weights.pt` makes a checkpoint of them that can be exported, and that training can start from.
"""

import argparse
from pathlib import Path

import torch

MOST = 15 * 2**20


def split(file, out):
    saved = torch.load(file, map_location="cpu", weights_only=True)
    out.mkdir(parents=True, exist_ok=True)
    shard, size, number = {}, 0, 0
    for name, tensor in saved["average"].items():
        half = tensor.half()
        if size + half.nbytes > MOST:
            torch.save({"weights": shard, "size": saved["size"], "steps": saved["steps"]}, out / f"weights-{number}.pt")
            shard, size, number = {}, 0, number + 1
        shard[name] = half.clone()
        size += half.nbytes
    torch.save({"weights": shard, "size": saved["size"], "steps": saved["steps"]}, out / f"weights-{number}.pt")


def join(folder, file):
    weights = {}
    for shard in sorted(folder.glob("weights-*.pt")):
        saved = torch.load(shard, map_location="cpu", weights_only=True)
        weights |= {name: tensor.float() for name, tensor in saved["weights"].items()}
    file.parent.mkdir(parents=True, exist_ok=True)
    torch.save({"network": weights, "average": weights, "size": saved["size"], "steps": saved["steps"], "spent": 0.0, "next": 0}, file)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--join", action="store_true")
    args = parser.parse_args()
    (join if args.join else split)(args.source, args.out)
