"""Whether a run came to something: `check_run.py LOG` reads its last line. Better than the best constant, and no worse than what it started from."""

import json
import sys
from pathlib import Path

last = json.loads(Path(sys.argv[1]).read_text().splitlines()[-1])
for name in ("ce", "mae"):
    got, start, constant = last[name], last[name + "0"], last[name + "1"]
    print(f"{name}: {got} after {last['steps']} steps; {start} where it started, {constant} for a constant")
    assert got < 0.97 * constant, "no better than a constant"
    assert got < 1.02 * start, "worse than the answer it started from"
