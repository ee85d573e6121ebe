"""How long the program takes, as multiples of `python -c "import sympy"` on the same machine.

    python -m benchmarks.benchmark_derive [MODEL...]

Whole processes, the median of several runs each, all measured in one call.  Ratios, since seconds
say more about the machine; nothing is asserted here.  Then all models in one process: milliseconds
of processor time per model, by pass.
"""

from __future__ import annotations

import gc
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from symelbo.limits import GC_THRESHOLD
from symelbo.resources import models_directory

RUNS = 5
MANY = 100  # models in one process, the same ones again where there are fewer
PROGRAM = (sys.executable, "-m", "symelbo")
PACKAGE = Path(__file__).resolve().parents[1]
# pass -> the functions that are it, where they are called; what is called within counts for itself
PASSES = {
    "read": ["model.read_model.read_model"],
    "decide": ["pipeline.decide_criterion", "pipeline.explain_refutations"],
    "check what was found": ["criterion.confirm.check_claim", "criterion.confirm.check_refutation"],
    "forms and sums": [
        *("pipeline._express", "pipeline.derive_exact_posterior", "pipeline.sum_entropies"),
    ],
    "work out": ["pipeline.work_out", "pipeline.conclude"],
    "trial": ["pipeline.try_densities", "pipeline.try_result"],
    "derivation.json": ["page.derivation_json.render_json"],
    "proof.tex, appendix.tex": ["page.documents.render_documents"],
    "STEM.py": ["code.array_module.render_python"],
    "certificate.json": ["certify.state_derivation.render_certificate"],
    "check certificate.json": ["certify.state_derivation.check_bytes"],
}


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


def measure_passes(models: list[str]) -> dict[str, float]:
    """Pass -> seconds of processor time in it, over all models in this process."""
    spent: dict[str, float] = defaultdict(float)
    running: list[str] = []
    since = 0.0

    def switch(change: Callable[[], object]) -> None:
        nonlocal since
        now = time.process_time()
        if running:
            spent[running[-1]] += now - since
        since = now
        change()

    def timed(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            switch(lambda: running.append(name))
            try:
                return function(*arguments, **named)
            finally:
                switch(running.pop)

        return call

    for name, places in PASSES.items():
        for place in places:
            home, _, function = f"symelbo.{place}".rpartition(".")
            module = import_module(home)
            setattr(module, function, timed(name, getattr(module, function)))
    reading = import_module("symelbo.model.read_model")
    pipeline, output = import_module("symelbo.pipeline"), import_module("symelbo.write_output")
    gc.set_threshold(*GC_THRESHOLD)
    for model in models:
        output.render_files(pipeline.derive(reading.read_model(Path(model))))
    return {name: spent[name] for name in PASSES}


def main() -> None:
    chosen = [str(Path(name).resolve()) for name in sys.argv[1:]]
    models = chosen or [str(path) for path in sorted(models_directory().glob("*.yaml"))]
    unit = measure(sys.executable, "-c", "import sympy")
    rows = [("python -c 'import sympy'", unit)]
    rows.append(("symelbo --help", measure(*PROGRAM, "--help")))
    single = [measure(*PROGRAM, "derive", model, "--no-pdf") for model in models]
    rows += [
        (f"symelbo derive {Path(model).name} --no-pdf", seconds)
        for model, seconds in zip(models, single, strict=True)
    ]
    rows.append(("average of these", statistics.mean(single)))
    together = measure(*PROGRAM, "derive", *models, "--no-pdf")
    rows.append((f"per model, {len(models)} models in one call", together / len(models)))
    width = max(len(name) for name, _ in rows)
    for name, seconds in rows:
        print(f"{name:{width}}  {seconds / unit:6.2f}  ({1000 * seconds:.0f} ms)")
    many = [models[n % len(models)] for n in range(MANY)]
    passes = measure_passes(many)
    print(f"\n{MANY} models in one process, milliseconds of processor time per model:")
    for name, seconds in [*passes.items(), ("all", sum(passes.values()))]:
        print(f"{name:{width}}  {1000 * seconds / MANY:6.1f}")


if __name__ == "__main__":
    main()
