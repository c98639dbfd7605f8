"""The network is handed the same numbers here as by src/infer/network. Needs numpy alone: `python3 tests/test_inputs.py`."""

import json
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))
from prior.features import Column, window_of  # noqa: E402
from prior.prepare import WIDTH, prepare  # noqa: E402


def floats(values):
    return np.array([np.nan if v is None else v for v in values], dtype=float)


def check(example):
    columns = tuple(Column(c["kind"], c["hop"], window_of(c), c["target"], c["cohort"]) for c in example["columns"])
    rows, asked, width = example["rows"], example["queries"]["rows"], len(columns)
    x = np.concatenate([floats(example["x"]).reshape(width, rows), floats(example["queries"]["x"]).reshape(width, asked)], 1).T
    y = np.concatenate([floats(example["y"]), np.zeros(asked)])
    age = np.concatenate([floats(example["age"]), np.zeros(asked)])
    binary = example["task"] == "binary"
    ours = prepare(columns, x, y, age, rows, binary)
    expected = example["expected"]
    for part, at in (("context", slice(0, rows)), ("query", slice(rows, None))):
        theirs = {name: floats(values) for name, values in expected[part].items()}
        np.testing.assert_allclose(ours.z[at].ravel(), theirs["z"], rtol=1e-5, atol=1e-6, err_msg=f"{part} z")
        np.testing.assert_allclose(ours.missing[at].ravel(), theirs["missing"], err_msg=f"{part} missing")
        np.testing.assert_allclose(ours.base[at], theirs["base"], rtol=1e-5, atol=1e-6, err_msg=f"{part} base")
        known = theirs["known"].reshape(-1, 5)
        np.testing.assert_allclose(ours.age[at], known[:, 0], rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(ours.base[at] / 3, known[:, 1], rtol=1e-5, atol=1e-6)
        rate = ours.t.mean() if binary else 0
        np.testing.assert_allclose(known[:, 2:], np.tile([binary, np.log(rows) / 7, rate], (len(known), 1)), rtol=1e-5)
    np.testing.assert_allclose(ours.described, floats(expected["described"]).reshape(width, WIDTH), rtol=1e-4, atol=1e-5)
    label = floats(expected["label"]).reshape(rows, 4)
    outcome = 2 * ours.t - 1 if binary else np.clip(ours.t, -6, 6) / 2
    np.testing.assert_allclose(label[:, 0 if binary else 1], outcome, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(label[:, 2], np.clip(ours.residual / ours.scale, -6, 6), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(ours.scale, expected["scale"], rtol=1e-6)
    return rows + asked


if __name__ == "__main__":
    examples = json.loads((Path(__file__).parent.parent / "fixtures" / "inputs.json").read_text())
    print(sum(check(example) for example in examples), "rows agree")
