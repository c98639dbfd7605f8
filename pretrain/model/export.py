"""From a checkpoint to what the proxy reads: `python -m model.export runs/xs/checkpoint.pt OUT`.

`encode.onnx` turns a context into what queries need of it, `predict.onnx` answers queries beside it; both read `weights.bin`. `model.json`
says what the network is, `parity.json` (with --parity) what it answered here for a small input, to compare with elsewhere.
"""

import argparse
import hashlib
import json
import math
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import external_data_helper
from torch import nn

from prior.prepare import KINDS, WIDTH

from .network import LABEL, QUANTILES, ROW, SIZES, Network, parameters_of

OPSET = 18
FORMAT = 1
PARAMETERS = ("slope", "flag", "shift", "weight", "line", "gap")


class Encode(nn.Module):
    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, z, missing, described, known, label, log_rows):
        columns, memories = self.network.encode(z, missing, described, known, label, log_rows)
        return *columns, torch.stack([k for k, _ in memories]), torch.stack([v for _, v in memories])


class Predict(nn.Module):
    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, z, missing, known, slope, flag, shift, weight, line, gap, keys, values, log_rows):
        memories = [(keys[i], values[i]) for i in range(len(self.network.blocks))]
        return self.network.predict(z, missing, (slope, flag, shift, weight, line, gap), memories, known, log_rows)


def example(rows, queries, columns, seed=0):
    g = torch.Generator().manual_seed(seed)
    normal = lambda *shape: torch.randn(*shape, generator=g)  # noqa: E731
    flags = lambda *shape: (torch.rand(*shape, generator=g) < 0.1).float()  # noqa: E731
    context = {
        "z": normal(rows, columns), "missing": flags(rows, columns), "described": normal(columns, WIDTH) * 0.3,
        "known": normal(rows, ROW), "label": normal(rows, LABEL), "log_rows": torch.tensor(math.log(rows)),
    }
    asked = {"z": normal(queries, columns), "missing": flags(queries, columns), "known": normal(queries, ROW)}
    return context, asked


def trace(module, inputs, names, outputs, axes, file):
    torch.onnx.export(module, inputs, str(file), input_names=names, output_names=outputs, dynamic_axes=axes, opset_version=OPSET, dynamo=False)


def share_weights(files, out):
    """Moves initialisers into one file that all graphs read; equal ones are kept once."""
    places, blob = {}, bytearray()
    for file in files:
        model = onnx.load(str(file))
        for tensor in model.graph.initializer:
            data = onnx.numpy_helper.to_array(tensor)
            if data.nbytes < 128:
                continue
            raw = np.ascontiguousarray(data).tobytes()
            key = hashlib.sha256(raw).digest()
            if key not in places:
                blob.extend(b"\0" * (-len(blob) % 64))
                places[key] = len(blob)
                blob.extend(raw)
            tensor.ClearField("raw_data")
            tensor.ClearField("float_data")
            tensor.raw_data = raw
            external_data_helper.set_external_data(tensor, out.name, offset=places[key], length=len(raw))
            tensor.ClearField("raw_data")
        onnx.save(model, str(file))
    out.write_bytes(bytes(blob))


def export(network, name, out):
    out.mkdir(parents=True, exist_ok=True)
    network = network.float().eval()
    context, asked = example(17, 5, 9)
    encoded = Encode(network)(*context.values())
    dynamic = {"z": {0: "rows", 1: "columns"}, "missing": {0: "rows", 1: "columns"}, "known": {0: "rows"}}
    by_column = {p: {0: "columns"} for p in PARAMETERS}
    memory = {"keys": {3: "memory"}, "values": {2: "memory"}}
    trace(
        Encode(network), tuple(context.values()), list(context), [*PARAMETERS, "keys", "values"],
        dynamic | {"described": {0: "columns"}, "label": {0: "rows"}} | by_column | memory, out / "encode.onnx",
    )
    trace(
        Predict(network), (*asked.values(), *encoded, context["log_rows"]), [*asked, *PARAMETERS, "keys", "values", "log_rows"],
        ["logit", "quantiles"], dynamic | by_column | memory | {"logit": {0: "rows"}, "quantiles": {0: "rows"}}, out / "predict.onnx",
    )
    share_weights([out / "encode.onnx", out / "predict.onnx"], out / "weights.bin")
    size = network.size
    facts = {
        "format": FORMAT, "name": name, "parameters": parameters_of(network), "kinds": list(KINDS), "description": WIDTH, "known": ROW,
        "label": LABEL, "quantiles": QUANTILES, "bytesPerRow": 8 * size.layers * size.width, "thinking": size.thinking,
        "sha256": hashlib.sha256((out / "weights.bin").read_bytes()).hexdigest(),
    }
    (out / "model.json").write_text(json.dumps(facts, indent=2) + "\n")


def answers(network, rows, queries, columns):
    """A small input and what the network makes of it, as plain lists."""
    context, asked = example(rows, queries, columns, seed=7)
    with torch.no_grad():
        encoded = Encode(network)(*context.values())
        logit, quantiles = Predict(network)(*asked.values(), *encoded, context["log_rows"])
    plain = lambda t: [float(f"{v:.8g}") for v in t.flatten().tolist()]  # noqa: E731
    return {
        "rows": rows, "queries": queries, "columns": columns,
        "context": {name: plain(t) for name, t in context.items()}, "asked": {name: plain(t) for name, t in asked.items()},
        "logit": plain(logit), "quantiles": plain(quantiles),
    }


def check(network, out):
    """Largest difference between this network and its export, over sizes that include one row, one query, one column."""
    import onnxruntime

    sessions = [onnxruntime.InferenceSession(str(out / f"{part}.onnx"), providers=["CPUExecutionProvider"]) for part in ("encode", "predict")]
    worst = 0.0
    for rows, queries, columns in ((40, 7, 11), (1, 1, 1), (513, 1, 3), (1000, 33, 100)):
        context, asked = example(rows, queries, columns, seed=rows)
        with torch.no_grad():
            encoded = Encode(network)(*context.values())
            expected = Predict(network)(*asked.values(), *encoded, context["log_rows"])
        told = sessions[0].run(None, {name: t.numpy() for name, t in context.items()})
        feeds = {name: t.numpy() for name, t in asked.items()} | dict(zip([*PARAMETERS, "keys", "values"], told))
        got = sessions[1].run(None, feeds | {"log_rows": context["log_rows"].numpy()})
        worst = max(worst, *(float(np.abs(a - b.numpy()).max()) for a, b in zip(got, expected)))
    return worst


def load(file, weights="average"):
    saved = torch.load(file, map_location="cpu", weights_only=True)
    network = Network(SIZES[saved["size"]])
    network.load_state_dict(saved[weights])
    return network.eval(), saved


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--name", default=None, help="what the model is called; its size unless told otherwise")
    parser.add_argument("--parity", action="store_true", help="write parity.json")
    args = parser.parse_args()
    network, saved = load(args.checkpoint)
    export(network, args.name or saved["size"], args.out)
    if args.parity:
        (args.out / "parity.json").write_text(json.dumps(answers(network, 24, 6, 8)) + "\n")
    worst = check(network, args.out)
    print(f"largest difference from PyTorch {worst:.2e}")
    if not worst <= 1e-4:
        raise SystemExit("the export does not answer as PyTorch does")


if __name__ == "__main__":
    main()
