"""Verdicts and sums of symelbo against the oracle on random models.

    python -m tests.oracle.compare --count 2000 --seed 0 --jobs 2

prints every disagreement with its YAML, crashes, slow models, refused specifications, and why
symelbo is undecided how often.  Exit status 1 after a disagreement or a crash.

This is the one module here that runs symelbo: on the specification, and to turn the sum and the
motion that it states into numbers.
"""

from __future__ import annotations

import argparse
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from tests.oracle.entropy_sum import Motion, Point, derivative, elbo, random_point
from tests.oracle.language import SpecFault
from tests.oracle.random_models import generate, to_yaml
from tests.oracle.rank import Answer, decide, decide_instance, instances
from tests.oracle.spec import Instance, Unsupported, read

SLOW = 5.0  # seconds of processor time
RARE = 1e-6  # of the points of q
SUPPORT = 8  # points of q with weight; the identity holds for every q, so also for one of few
POINTS = 3
DRAWS = 4  # of parameters, where a refutation is not seen at once
EXPLAINED = 8  # one model of so many has its refutations explained as well
WRONG_SUM = 1e-7  # relative


@dataclass(frozen=True)
class Said:
    """What symelbo says of one model, as far as it is compared.

    sizes, constants: of the certificates; gap: F - dF/ds - S, relative, of a proved model (None:
    not computed).
    """

    verdict: str  # proved, refuted, outside, undecided; or refused, crash
    theorem: int | None = None
    cause: str = ""  # of undecided; or what went wrong
    sizes: Mapping[str, int] | None = None
    constants: Mapping[str, float] | None = None
    gap: float | None = None


@dataclass(frozen=True)
class Result:
    """One model: what both say."""

    seed: int
    said: Said
    oracle: str  # HOLDS 1, HOLDS 2, HOLDS 1 moving, ..., FAILS, UNCLEAR, unsupported
    problem: str  # the disagreement, or ""
    seconds: float
    oracle_seconds: float


# What symelbo says.


def run_symelbo(spec: dict[str, Any], explain: bool = True) -> Said:
    """The verdict, with the numbers that can be compared."""
    import symelbo
    from symelbo.criterion.result import Outside, Refuted, Undecided

    try:
        derivation = symelbo.derive(spec, explain=explain)
        results = [f.result for f in derivation.factors]
        missing = sorted({r.missing for r in results if isinstance(r, Undecided)})
        cause = "; ".join(missing) or f"q: closure {derivation.closure.value}"
        proofs = [r.certificate for r in results if isinstance(r, Refuted | Outside)]
        certificates = [c for c in proofs if c is not None]
        sizes: dict[str, int] = {}
        constants: dict[str, float] = {}
        for certificate in certificates[:1]:
            sizes = dict(certificate.sizes)
            constants = {n: float(x) for (n, at), x in certificate.constants if not at}
        gap = sum_gap(spec, derivation) if derivation.verdict == "proved" else None
        undecided = cause if derivation.verdict == "undecided" else ""
        return Said(derivation.verdict, derivation.theorem, undecided, sizes, constants, gap)
    except symelbo.SpecError as error:
        return Said("refused", cause=str(error))
    except Exception:
        return Said("crash", cause=traceback.format_exc(limit=-4))


def sum_gap(spec: dict[str, Any], derivation: Any) -> float | None:
    """F - dF/ds - S over the size of these: S and the motion from symelbo, F and dF/ds from here.

    The largest over the instances; None where q cannot be drawn or a name has no number.  A sum
    that is wrong is so almost everywhere: where digits are lost, another point is taken.
    """
    found = []
    for instance in list(instances(read(spec)))[:2]:
        gaps: list[float] = []
        for seed in range(POINTS):
            gap = gap_at(instance, derivation, seed)
            gaps += [] if gap is None else [gap]
            if gap is None or gap < WRONG_SUM:
                break
        found += [min(gaps)] if gaps else []
    return max(found, default=None)


def gap_at(instance: Instance, derivation: Any, seed: int) -> float | None:
    """As `sum_gap`, at one random point of parameters, data and q."""
    from symelbo.index.build import add
    from symelbo.trial.evaluate import World, evaluate

    stated = derivation.entropy_sum
    under_q = add(*(summand.signed for summand in (*stated.entropies, *stated.bases)))
    try:
        point = random_point(instance, seed, data_points=2, panels=2)
        weights = np.zeros_like(point.weights)
        for own, kept in zip(point.weights, weights, strict=True):
            some = np.flatnonzero(own > RARE)  # log p may be of any size at the others
            some = some[:: -(-len(some) // SUPPORT)]
            kept[some] = own[some]
        point = replace(point, weights=weights / weights.sum(-1, keepdims=True))
        motion = stated_motion(derivation.motion, instance, point)
        average = 0.0
        for n, s in np.argwhere(point.weights > 0):
            world = World(instance.sizes, entries(point, n, s))
            average += float(point.weights[n, s]) * evaluate(under_q, world).value
        parts = (
            elbo(instance, point),
            -derivative(instance, point, motion),
            -float(np.mean(point.entropy)),
            -average / len(point.weights),
        )
    except (Unsupported, KeyError, ValueError, OverflowError, ZeroDivisionError):
        return None  # abstract functions, matrices, numbers out of range
    if not np.isfinite(parts).all():
        return None
    return float(abs(sum(parts)) / (1 + sum(map(abs, parts))))


def entries(point: Point, n: int, s: int) -> dict[tuple[str, tuple[int, ...]], float]:
    """Every number at one point of q, by name and place."""
    arrays = dict(point.parameters) | dict(point.constants)
    arrays |= {name: a[n] for name, a in (*point.inputs.items(), *point.data.items())}
    arrays |= {name: a[n, s] for name, a in point.latents.items()}
    return {
        (name, tuple(i + 1 for i in place)): float(x)
        for name, array in arrays.items()
        for place, x in np.ndenumerate(np.asarray(array))
    }


def stated_motion(motion: Any, instance: Instance, point: Point) -> Motion:
    """The velocities that symelbo states, and r and s of every data point, as numbers."""
    from symelbo.trial.evaluate import World, evaluate

    count = len(point.weights)
    alone = replace(point, data={}, latents={})
    worlds = [World(instance.sizes, entries(alone, n, 0)) for n in range(count)]

    def numbers(array: Any, shape: Sequence[int], world: World) -> np.ndarray[Any, Any]:
        found = np.zeros(tuple(shape))
        for place in np.ndindex(*found.shape):
            env = dict(zip(array.indices, (i + 1 for i in place), strict=True))
            found[place] = evaluate(array.body, world, env).value
        return found

    made = Motion()
    known = replace(alone, inputs={})
    for symbol, array in motion.parameters.items():
        world = World(instance.sizes, entries(known, 0, 0))
        shape = point.parameters[symbol.name].shape
        made.velocities[symbol.name] = numbers(array, shape, world)
    for node, latent in motion.latents.items():
        shape = instance.shapes[node.name]
        own = shape[: len(latent.rate.indices)]
        rates = np.stack([numbers(latent.rate, own, world) for world in worlds])
        shifts = np.stack([numbers(latent.shift, shape, world) for world in worlds])
        if rates.shape != shifts.shape:
            raise Unsupported("a matrix")
        end = node.domain.lower or node.domain.upper
        if node.domain.kind == "interval" and end is not None:
            shifts = shifts - rates * evaluate(end, worlds[0]).value
        made.r[node.name], made.s[node.name] = rates, shifts
    return made


# The comparison.


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


def disagreement(said: Said, answers: list[Answer]) -> str:
    """Why symelbo's answer cannot be right, or ""."""
    verdicts = {a.verdict for a in answers}
    failing = [dict(a.sizes) for a in answers if a.verdict == "FAILS"]
    if said.verdict == "proved":
        if failing:
            return f"proved, but no motion at sizes {failing[0]}"
        if any(a.closed is False for a in answers):
            return "proved, but the declared q is not closed under any motion"
        if said.theorem == 1 and any(a.verdict == "HOLDS" and not a.theorem1 for a in answers):
            return "theorem 1, but a base measure is needed"
        if said.gap is not None and not said.gap < WRONG_SUM:
            return f"the sum is wrong: F - dF/ds - S is {said.gap:.1e}, relative"
    if said.verdict == "refuted" and verdicts == {"HOLDS"}:
        tried = [dict(a.sizes) for a in answers]
        return f"refuted, but there is a motion at every size that was tried: {tried}"
    return ""


def at_certificate(spec: dict[str, Any], said: Said) -> list[Answer]:
    """The oracle at the sizes and constants of symelbo's certificate.

    At several draws of the parameters: of |b u + 1| few are on both sides of the kink.
    """
    known = {n: x for n, x in (said.constants or {}).items() if n in spec.get("constants", {})}
    model = read(spec)
    usual = next(instances(model)).sizes
    sizes = {**usual, **(said.sizes or {})}
    draws = (Instance(model, sizes, seed, known=known) for seed in range(DRAWS))
    return [decide_instance(instance) for instance in draws]


def check(seed: int, boldness: float) -> Result:
    """Both answers for one random model."""
    spec = generate(seed, boldness)
    began = time.process_time()
    answers: list[Answer] = []
    try:
        answers = decide(spec)
        word = summarize(answers)
    except Unsupported as error:
        word = f"unsupported: {error}"
    except SpecFault as error:
        word = f"unreadable: {error}"
    middle = time.process_time()
    said = run_symelbo(spec, explain=seed % EXPLAINED == 0)
    end = time.process_time()
    problem = disagreement(said, answers) if answers else ""
    if problem and said.verdict == "refuted":
        # a refutation is of one instance, with its constants
        problem = disagreement(said, at_certificate(spec, said))
    if said.verdict == "crash":
        problem = "crash"
    return Result(seed, said, word, problem, end - middle, middle - began)


def run(seeds: Iterable[int], boldness: float, jobs: int) -> Iterator[Result]:
    """The models of these seeds, in their order."""
    work = partial(check, boldness=boldness)
    if jobs <= 1:
        yield from map(work, seeds)
        return
    with ProcessPoolExecutor(jobs) as pool:
        yield from pool.map(work, seeds, chunksize=4)


# The report.


def causes(results: Sequence[Result]) -> Counter[str]:
    """Why symelbo is undecided, in a few words, with what the oracle says."""
    found: Counter[str] = Counter()
    for r in results:
        if r.said.verdict == "undecided":
            cause = r.said.cause
            for text, short in _CAUSES.items():
                if text in cause:
                    cause = short
            found[f"{cause} (oracle: {r.oracle.split(':')[0]})"] += 1
    return found


def count_open(results: Sequence[Result]) -> int:
    """The undecided ones but those whose declared q is not closed, of which nothing else holds."""
    return sum(
        r.said.verdict == "undecided"
        and not ("q: closure" in r.said.cause and "q not closed" in r.oracle)
        for r in results
    )


_CAUSES = {
    "neither a motion nor a certificate": "neither a motion nor a certificate was found",
    "not every base measure was tried": "the search for a motion was cut",
    "the search for a certificate was cut": "the search for a certificate was cut",
    "a rule of the checker": "a motion was tried, but not confirmed",
    "a certificate that the checker accepts": "points exclude a motion, but no weights were found",
    "q: closure": "the declared q is not shown to be closed",
}
_VERDICTS = ("proved", "refuted", "outside", "undecided", "refused", "crash")


def report(results: list[Result], boldness: float) -> int:
    """Prints the findings; how many disagreements and crashes there are."""
    bad = [r for r in results if r.problem]
    for r in bad:
        said = r.said.verdict + (f" (theorem {r.said.theorem})" if r.said.theorem else "")
        print(f"--- {r.problem}\nsymelbo: {said}; oracle: {r.oracle}")
        print(r.said.cause + "\n" + to_yaml(generate(r.seed, boldness)))
    for r in results:
        if r.seconds > SLOW:
            print(f"slow: {r.seconds:.1f} s for seed {r.seed}")
    refused = Counter(r.said.cause.splitlines()[0] for r in results if r.said.verdict == "refused")
    for text, times in refused.most_common(5):
        print(f"refused, {times} times: {text}")
    print(f"\n{'':34}{'oracle':>8}" + "".join(f"{v:>10}" for v in _VERDICTS))
    table: dict[str, Counter[str]] = {}
    for r in results:
        table.setdefault(r.oracle.split(":")[0], Counter())[r.said.verdict] += 1
    for word, row in sorted(table.items()):
        cells = "".join(f"{row[v]:>10}" for v in _VERDICTS)
        print(f"{word:34}{row.total():>8}{cells}")
    count = len(results)
    ours = sum(r.oracle_seconds for r in results) / count
    theirs = sum(r.seconds for r in results) / count
    slowest = max(results, key=lambda r: r.seconds)
    proved = [r for r in results if r.said.verdict == "proved"]
    summed = [r.said.gap for r in proved if r.said.gap is not None]
    undecided = causes(results)
    kinds = Counter(r.problem.split(",")[0].split(":")[0] for r in bad)
    print(f"\n{count} models; {1e3 * ours:.0f} ms oracle, {1e3 * theirs:.0f} ms symelbo per model")
    print(f"slowest: {slowest.seconds:.1f} s, seed {slowest.seed}")
    print(
        f"sums compared: {len(summed)} of {len(proved)}, largest gap {max(summed, default=0):.1e}"
    )
    print(f"refused: {refused.total() / count:.1%}")
    left = count_open(results) / count
    print(f"undecided: {undecided.total() / count:.2%}, {left:.2%} but for q that are not closed")
    for text, times in undecided.most_common():
        print(f"  {times / count:.2%} {text}")
    print(f"disagreements and crashes: {len(bad)} {dict(kinds) if bad else ''}")
    return len(bad)


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
