"""The prior's features are those of src/infer/features: same slots, same values. Needs numpy alone: `python3 tests/test_features.py`."""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))
from prior.features import SPEC, Stream, View, closing, counts, distinct, signal  # noqa: E402
from prior.targets import Target, lag  # noqa: E402

NULL_CODE = -2147483648


def floats(values):
    return np.array([np.nan if v is None else v for v in values], dtype=float)


def first_seen(example, stream, key, now):
    """Earliest visible of: the entity's own row, its first row here, its first row in the other stream."""
    out = np.full(len(key), np.inf)
    begins = [np.array(example["born"], dtype=float), floats(example["firstOfOther"])]
    begins.append(np.array([stream.time[a] if b > a else np.nan for a, b in zip(stream.ptr, stream.ptr[1:])]))
    for begin in begins:
        at = begin[key]
        out = np.where((at <= now) & (at < out), at, out)
    return out


def check(example):
    s = example["stream"]
    numbers = tuple(floats(v) for v in s["numbers"])
    stream = Stream(np.array(s["ptr"]), np.array(s["time"], dtype=np.int64), numbers, tuple(np.array(c) for c in s["codes"]))
    key, now = np.array(example["key"]), np.array(example["now"], dtype=np.int64)
    view = View(stream, key, now, int(example["horizon"]))
    t = example["target"]
    pick = lambda channel: None if channel is None else numbers[channel]  # noqa: E731
    target = Target(t["name"], pick(t["filter"]), pick(t["value"]), t["compare"], t["constant"])
    ours = {
        "counts": counts(view, int(example["day"])),
        "signal": signal(view, numbers[0]),
        "distinct": distinct(view, stream.codes[0], NULL_CODE),
        "closing": closing(view, np.where(np.isnan(numbers[2]), np.inf, numbers[2])),
        "lag": lag(view, target, first_seen(example, stream, key, now)),
    }
    checked = 0
    for block, slots in example["values"].items():
        for slot, theirs in slots.items():
            np.testing.assert_allclose(ours[block][slot], floats(theirs), rtol=1e-6, atol=1e-9, err_msg=f"{block}.{slot}")
            checked += 1
    return checked


if __name__ == "__main__":
    for name in ("counts", "signal", "distinct", "closing", "lag"):
        assert len(SPEC[name]) > 2, name
    print(sum(check(example) for example in SPEC["examples"]), "columns agree")
