"""Verdicts of symelbo against the oracle on random models.

    python -m tests.oracle.compare --count 2000 --seed 0 --jobs 2

prints every disagreement with its YAML, crashes, slow models, refused specifications, and how
often symelbo is undecided by the oracle's answer.  Exit status 1 after a disagreement or a crash.
"""

from __future__ import annotations

import argparse
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

from tests.oracle.language import SpecFault
from tests.oracle.random_models import generate, to_yaml
from tests.oracle.rank import Answer, decide
from tests.oracle.spec import Unsupported

SLOW = 5.0  # seconds of processor time


@dataclass(frozen=True)
class Result:
    """One model: what both say."""

    seed: int
    verdict: str  # of symelbo; or refused, crash
    theorem: int | None
    oracle: str  # HOLDS 1, HOLDS 2, HOLDS 1 moving, ..., FAILS, UNCLEAR, unsupported
    problem: str  # the disagreement, or ""
    detail: str
    seconds: float
    oracle_seconds: float


def summarize(answers: list[Answer]) -> str:
    """One word for all instances: the weakest."""
    verdicts = {a.verdict for a in answers}
    for verdict in ("FAILS", "UNCLEAR"):
        if verdict in verdicts:
            return verdict
    theorem = max(a.theorem or 0 for a in answers)
    moving = " moving" if any(a.moves for a in answers) else ""
    open_q = ", q not closed" if any(a.closed is False for a in answers) else ""
    return f"HOLDS {theorem}{moving}{open_q}"


def disagreement(verdict: str, theorem: int | None, answers: list[Answer]) -> str:
    """Why symelbo's answer cannot be right, or ""."""
    verdicts = {a.verdict for a in answers}
    failing = [dict(a.sizes) for a in answers if a.verdict == "FAILS"]
    if verdict == "proved":
        if failing:
            return f"proved, but no motion at sizes {failing[0]}"
        if any(a.closed is False for a in answers):
            return "proved, but the declared q is not closed under any motion"
        if theorem == 1 and any(a.verdict == "HOLDS" and not a.theorem1 for a in answers):
            return "theorem 1, but a base measure is needed"
    if verdict == "refuted" and verdicts == {"HOLDS"}:
        tried = [dict(a.sizes) for a in answers]
        return f"refuted, but there is a motion at every size that was tried: {tried}"
    return ""


def check(seed: int, boldness: float) -> Result:
    """Both answers for one random model."""
    spec = generate(seed, boldness)
    began = time.process_time()
    try:
        answers = decide(spec)
        word = summarize(answers)
    except Unsupported as error:
        answers, word = [], f"unsupported: {error}"
    except SpecFault as error:
        answers, word = [], f"unreadable: {error}"
    middle = time.process_time()
    verdict, theorem, detail = run_symelbo(spec)
    end = time.process_time()
    problem = disagreement(verdict, theorem, answers) if answers else ""
    if verdict == "crash":
        problem = "crash"
    return Result(seed, verdict, theorem, word, problem, detail, end - middle, middle - began)


def run_symelbo(spec: dict[str, Any]) -> tuple[str, int | None, str]:
    """(verdict, theorem, what went wrong)"""
    import symelbo

    try:
        derivation = symelbo.derive(spec)
        return str(derivation.verdict), derivation.theorem, ""
    except symelbo.SpecError as error:
        return "refused", None, str(error)
    except Exception:
        return "crash", None, traceback.format_exc(limit=-4)


def run(seeds: Iterable[int], boldness: float, jobs: int) -> Iterator[Result]:
    work = partial(check, boldness=boldness)
    if jobs <= 1:
        yield from map(work, seeds)
        return
    with ProcessPoolExecutor(jobs) as pool:
        yield from pool.map(work, seeds, chunksize=8)


def report(results: list[Result], boldness: float) -> int:
    """Prints the findings; how many disagreements and crashes there are."""
    bad = [r for r in results if r.problem]
    for r in bad:
        said = r.verdict + (f" (theorem {r.theorem})" if r.theorem else "")
        print(f"--- {r.problem}\nsymelbo: {said}; oracle: {r.oracle}")
        print(r.detail + to_yaml(generate(r.seed, boldness)))
    for r in results:
        if r.seconds > SLOW:
            print(f"slow: {r.seconds:.1f} s for seed {r.seed}")
    refused = Counter(r.detail.splitlines()[0] for r in results if r.verdict == "refused")
    for text, count in refused.most_common(5):
        print(f"refused, {count} times: {text}")
    print(f"\n{'':34}{'oracle':>8}" + "".join(f"{v:>10}" for v in _VERDICTS))
    table: dict[str, Counter[str]] = {}
    for r in results:
        table.setdefault(r.oracle.split(":")[0], Counter())[r.verdict] += 1
    for word, row in sorted(table.items()):
        cells = "".join(f"{row[v]:>10}" for v in _VERDICTS)
        print(f"{word:34}{row.total():>8}{cells}{row['undecided'] / row.total():>10.0%} undecided")
    count = len(results)
    ours = sum(r.oracle_seconds for r in results) / count
    theirs = sum(r.seconds for r in results) / count
    kinds = Counter(r.problem.split(",")[0].split(" at ")[0] for r in bad)
    print(f"\n{count} models; {1e3 * ours:.0f} ms oracle, {1e3 * theirs:.0f} ms symelbo per model")
    print(f"refused: {sum(refused.values()) / count:.1%}")
    print(f"disagreements and crashes: {len(bad)} {dict(kinds) if bad else ''}")
    return len(bad)


_VERDICTS = ("proved", "refuted", "outside", "undecided", "refused", "crash")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0, help="of the first model")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--boldness", type=float, default=0.5, help="0..1, see random_models")
    given = parser.parse_args()
    seeds = range(given.seed, given.seed + given.count)
    results = list(run(seeds, given.boldness, given.jobs))
    return 1 if report(results, given.boldness) else 0


if __name__ == "__main__":
    sys.exit(main())
