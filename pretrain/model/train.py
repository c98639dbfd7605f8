"""Training, on CPU or one GPU, from a seed: `python -m model.train --size XS --out runs/xs --minutes 60`. Started again, it goes on.

A checkpoint is written every few minutes, and the
average of the weights over the run is what is kept.
"""

import argparse
import json
import math
import os
import random
import time
from pathlib import Path

os.environ.setdefault("PYTORCH_CUDA_ALLOC_CONF", "expandable_segments:True")
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import numpy as np  # noqa: E402
import torch  # noqa: E402

from .augment import augment, thin  # noqa: E402
from .network import SIZES, Network, losses, parameters_of  # noqa: E402
from .source import SHAPES, SMALL, Source  # noqa: E402


def to_torch(batch, device):
    return {name: torch.from_numpy(value).to(device, non_blocking=True) for name, value in batch.items()}


def dressed(batch, context, shapes, generator):
    """The tasks as they are shown this time: of small contexts, what a kind of column usually means is not mirrored, and few rows are spared."""
    return thin(batch, context, generator, 1 / 8) if shapes == SMALL else augment(batch, context, generator)


def objective(out):
    """Losses beside those of the answer a task starts from: the few tasks that it fails on do not drown the many where little is to be gained."""
    binary = out["binary"].float()
    ce = out["ce"] / out["ce0"].detach().clamp(min=0.1)
    return (binary * ce + (1 - binary) * out["pinball"] / out["mae0"].detach().clamp(min=0.3)).mean()


def judge(network, batches, device, amp):
    """Mean over tasks never trained on, beside the answer the network starts from."""
    network.eval()
    binary, numeric = ("ce", "ce0", "ce1"), ("mae", "mae0", "mae1", "pinball")
    total = {name: [] for name in (*binary, *numeric)}
    with torch.no_grad():
        for batch in batches:
            with amp():
                out = losses(network, to_torch(batch, device), batch["t"].shape[1])
            for name in binary:
                total[name] += out[name][out["binary"]].tolist()
            for name in numeric:
                total[name] += out[name][~out["binary"]].tolist()
    network.train()
    # task by task; the little that is added keeps tasks that are all but certain from deciding
    beside = {name: (np.array(total[name]) + 0.05) / (np.array(total[name + "0"]) + 0.05) for name in ("ce", "mae") if total[name]}
    ratios = {name + "_ratio": round(float(np.mean(value)), 4) for name, value in beside.items()}
    return ratios | {name: round(float(np.mean(values)), 4) if values else None for name, values in total.items()}


def schedule(done, share):
    """Of the learning rate: warm-up over steps, constant, then to a twentieth over the last third of the time."""
    warm = min(1.0, (done + 1) / 200)
    return warm * (1.0 if share < 0.67 else 0.05 + 0.95 * (1 - (share - 0.67) / 0.33))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", choices=SIZES, default="XS")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=60, help="of training in all, over every start")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--batch", type=int, default=16, help="tasks of 256 x 48 a step; more of smaller ones")
    parser.add_argument("--shapes", choices=[*SHAPES, SMALL], default="small")
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--reuse", type=int, default=4, help="times a batch may be used")
    parser.add_argument("--save", type=float, default=4, help="minutes between checkpoints")
    parser.add_argument("--held", type=int, default=8, help="batches never trained on, to judge by")
    parser.add_argument("--full", dest="half", action="store_false", help="compute in full precision")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--stop-after", type=float, default=math.inf, help="minutes after which this start saves and ends")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    random.seed(args.seed)
    generator = torch.Generator().manual_seed(args.seed)
    shapes = SHAPES.get(args.shapes, args.shapes)
    file = args.out / "checkpoint.pt"
    saved = torch.load(file, map_location="cpu", weights_only=True) if file.exists() else None
    first = saved["next"] if saved else 0
    source = Source(args.workers, first, args.seed, args.batch, shapes, args.reuse, 256, args.held)
    held = source.held
    device = "cuda" if torch.cuda.is_available() else "cpu"
    network = Network(SIZES[args.size]).to(device)
    average = Network(SIZES[args.size]).to(device)
    average.load_state_dict(network.state_dict())
    matrices = [p for p in network.parameters() if p.ndim > 1]
    rest = [p for p in network.parameters() if p.ndim <= 1]
    groups = [{"params": matrices, "weight_decay": 0.01}, {"params": rest, "weight_decay": 0.0}]
    optimiser = torch.optim.AdamW(groups, lr=args.rate, betas=(0.9, 0.98), fused=device == "cuda")
    steps, spent = 0, 0.0
    if saved:
        network.load_state_dict(saved["network"])
        average.load_state_dict(saved["average"])
        if "optimiser" in saved:
            optimiser.load_state_dict(saved["optimiser"])
        steps, spent = saved["steps"], saved["spent"]
    amp = lambda: torch.autocast(device, dtype=torch.bfloat16, enabled=args.half)  # noqa: E731
    log = (args.out / "log.jsonl").open("a")
    print(json.dumps({"parameters": parameters_of(network), "device": device, "steps": steps, "minutes": round(spent / 60, 1)}), flush=True)

    def save(spent):
        state = {"network": network.state_dict(), "average": average.state_dict(), "optimiser": optimiser.state_dict()}
        state |= {"steps": steps, "spent": spent, "next": first + source.drawn, "size": args.size}
        torch.save(state, file.with_suffix(".new"))
        file.with_suffix(".new").replace(file)

    start = saved_at = told_at = time.monotonic()
    recent = []
    while True:
        now = time.monotonic()
        share = (spent + now - start) / (60 * args.minutes)
        if share >= 1 or now - start > 60 * args.stop_after:
            break
        batch = source.take()
        for group in optimiser.param_groups:
            group["lr"] = args.rate * schedule(steps, share)
        tasks, context = dressed(to_torch(batch, device), batch["t"].shape[1], shapes, generator)
        with amp():
            out = losses(network, tasks, context)
            loss = objective(out)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        if torch.isfinite(norm):
            optimiser.step()
        steps += 1
        fade = min(0.999, steps / (steps + 10))
        with torch.no_grad():
            torch._foreach_lerp_(list(average.parameters()), list(network.parameters()), 1 - fade)
        if steps % 20 == 0:
            recent.append(loss.item())
        if now - told_at > 60:
            told_at = now
            line = {"steps": steps, "minutes": round((spent + now - start) / 60, 1), "drawn": source.drawn}
            line |= {"loss": round(float(np.mean(recent)), 4)} if recent else {}
            print(json.dumps(line), flush=True)
            recent = []
        if now - saved_at > 60 * args.save:
            saved_at = now
            save(spent + now - start)
            line = {"steps": steps, "minutes": round((spent + now - start) / 60, 1), "batches": first + source.drawn} | judge(average, held, device, amp)
            print(json.dumps(line), file=log, flush=True)
            print(json.dumps(line), flush=True)
    source.close()
    save(spent + time.monotonic() - start)
    line = {"steps": steps, "minutes": round((spent + time.monotonic() - start) / 60, 1), "batches": first + source.drawn} | judge(average, held, device, amp)
    print(json.dumps(line), file=log, flush=True)
    print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
