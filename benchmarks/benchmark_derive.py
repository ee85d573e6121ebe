"""How long the program takes, as multiples of `python -c "import sympy"` on the same machine.

    python -m benchmarks.benchmark_derive [MODEL...]

Whole processes, the median of several runs each, all measured in one call.  Ratios, since seconds
say more about the machine; nothing is asserted here.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from symelbo.resources import models_directory

RUNS = 5
PROGRAM = (sys.executable, "-m", "symelbo")
PACKAGE = Path(__file__).resolve().parents[1]


def measure(*command: str) -> float:
    """The median time of a command, in seconds; once before, so that files are cached."""
    times = []
    with tempfile.TemporaryDirectory() as directory:
        for _ in range(RUNS + 1):
            start = time.perf_counter()
            subprocess.run(
                command,
                cwd=directory,
                env={"PYTHONPATH": str(PACKAGE), "PATH": ""},
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                check=True,
            )
            times.append(time.perf_counter() - start)
    return statistics.median(times[1:])


def main() -> None:
    chosen = [str(Path(name).resolve()) for name in sys.argv[1:]]
    models = chosen or [str(path) for path in sorted(models_directory().glob("*.yaml"))]
    unit = measure(sys.executable, "-c", "import sympy")
    rows = [("python -c 'import sympy'", unit)]
    rows.append(("symelbo --help", measure(*PROGRAM, "--help")))
    rows += [
        (
            f"symelbo derive {Path(model).name} --no-pdf",
            measure(*PROGRAM, "derive", model, "--no-pdf"),
        )
        for model in models
    ]
    together = measure(*PROGRAM, "derive", *models, "--no-pdf")
    rows.append((f"per model, {len(models)} models in one call", together / len(models)))
    width = max(len(name) for name, _ in rows)
    for name, seconds in rows:
        print(f"{name:{width}}  {seconds / unit:6.2f}  ({1000 * seconds:.0f} ms)")


if __name__ == "__main__":
    main()
