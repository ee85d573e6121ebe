"""Whether criterion (U) of theory.md, section 3, can hold at an instance, by linear algebra.

Unknown are, per parameter point, the velocities; per point and inputs the r and s of the latents;
H~ per parents, inputs and point (removed by centring); and b per factor, value and inputs, common
to all points and parents.
"D b constant" is a matter of cases, one per latent that may move, at all inputs alike:

    rest     r = s = 0, any b; not where the density is fixed and not constant: a trivial solution
    moving   r and s free, b constant
    linear   a pure shift, b = c v                                  (real values)
    log      a pure scaling, b = c log|v| + c' sign v, or c log det (positive; real with poles)

A density that is finite on the whole real line leaves no other case (near v = m0 the left side of
(U) is continuous and c log|v - m0| is not); where there may be another one, a failure is UNCLEAR.
Three answers: HOLDS, FAILS (no case has a solution at these points, so none exists), UNCLEAR.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from tests.oracle.language import SpecFault, Sum
from tests.oracle.sampling import Sampler
from tests.oracle.spec import (
    Index,
    Instance,
    Model,
    OutOfRange,
    Source,
    Unsupported,
    read,
)
from tests.oracle.system import Case, Motion, Outcome, System, Verdict

Unit = tuple[str, Index]

POINTS = 6  # parameter points to begin with
MOST_POINTS = 25
MOST_SOLVES = 3000


@dataclass(frozen=True)
class Answer:
    """What can hold at one instance.

    theorem: of the preferred solution (no latent moves, then b constant).  `theorem1`: whether any
    solution has b constant.  `moving`: latents that suffice, none of which can be left out; `must`:
    those that move in every solution.  `closed`: whether a declared q is closed under a motion that
    serves the model too (None: nothing to show).  `distance`: how far the best case that fails is
    from a solution, relative to log p.
    """

    verdict: Verdict
    theorem: int | None = None
    moves: bool = False
    theorem1: bool = False
    moving: tuple[str, ...] = ()
    must: tuple[str, ...] = ()
    closed: bool | None = None
    distance: float = 0.0
    notes: tuple[str, ...] = ()
    sizes: Mapping[str, int] = field(default_factory=dict)
    motions: tuple[Motion, ...] = ()


@dataclass(frozen=True)
class _Found:
    """A solution: the options of the latents (None: b constant everywhere, all may move)."""

    options: tuple[str, ...]
    outcome: Outcome
    case: Case


class _Unsaturated(Exception):
    """b is still being narrowed down: more parameter points are needed."""


class Search:
    """All cases of one system."""

    def __init__(self, system: System, may_move: bool) -> None:
        self.system = system
        self.notes: list[str] = []
        self.unclear = False
        self.distance = float("inf")  # of the best failure
        self.solves = 0
        blocks = system.blocks
        self.parameters = [i for i, c in enumerate(system.columns) if c[0] in ("p", "g")]
        self.units: dict[int, list[str]] = {}
        self.columns: dict[int, dict[str, list[int]]] = {}
        self.resting: list[int] = []  # blocks whose value stands still
        self.hopeless = False
        for index, block in enumerate(blocks):
            if block.factor is None:
                continue
            fixed = block.trivial and not block.constant
            options = {
                "real": ["moving", "linear"] + ["log"] * block.singular,
                "vector": ["moving", "linear"],
                "positive": ["log"],
                "posdef": ["log"],
                "angle": ["moving"],
            }.get(block.kind, [])
            if not may_move or not options:
                self.resting.append(index)
                if fixed:
                    self.hopeless = True
                    self.notes.append(f"{block.label}: nothing moves, density not constant")
                continue
            if not fixed:
                options = [*options, "rest"]
            self.units[index] = options
            node, place = block.unit
            own = {
                tag: [
                    i
                    for i, c in enumerate(system.columns)
                    if c[0] == tag and c[1] == node and c[2][: len(place)] == place
                ]
                for tag in "rs"
            }
            self.columns[index] = {
                "rest": [],
                "moving": own["r"] + own["s"],
                "linear": own["s"],
                "log": own["r"],
                "any": own["r"] + own["s"],
            }

    # Cases.

    def case(self, options: Mapping[int, str], constant: bool = False) -> Case:
        """Columns and base measures for an option per latent."""
        columns = list(self.parameters)
        bases = [] if constant else [(i, "any") for i in self.resting]
        for index, option in options.items():
            columns += self.columns[index][option]
            if constant:
                continue
            if option in ("rest", "any"):
                relaxed = option == "any" and "rest" not in self.units[index]
                bases.append((index, "special" if relaxed else "any"))
            elif option != "moving":
                bases.append((index, option))
        return Case(tuple(sorted(columns)), tuple(sorted(bases)))

    def solve(self, case: Case) -> Outcome:
        self.solves += 1
        outcome = self.system.solve(case)
        if outcome.verdict == "HOLDS" and case.bases and not outcome.saturated:
            raise _Unsaturated
        if outcome.verdict == "FAILS":
            self.distance = min(self.distance, outcome.distance)
        return outcome

    def still(self, constant: bool) -> _Found | None:
        """No latent moves."""
        if not constant and (self.hopeless or self._must_move()):
            return None
        return self._try(dict.fromkeys(self.units, "rest"), constant)

    def _must_move(self) -> bool:
        return any("rest" not in options for options in self.units.values())

    def moving_constant(self) -> _Found | None:
        """All latents may move, b is constant."""
        return self._try(dict.fromkeys(self.units, "any"), True)

    def _try(self, options: dict[int, str], constant: bool) -> _Found | None:
        case = self.case(options, constant)
        outcome = self.solve(case)
        self.unclear |= outcome.verdict == "UNCLEAR"
        if outcome.verdict != "HOLDS":
            return None
        return _Found(tuple(options.values()), outcome, case)

    def moving(self, forced: Mapping[int, str] | None = None) -> _Found | None:
        """Some option for every latent; those in `forced` have theirs."""
        if self.hopeless:
            return None
        choices = {i: [forced[i]] if forced and i in forced else o for i, o in self.units.items()}
        if any(c[0] == "rest" and "rest" not in self.units[i] for i, c in choices.items()):
            return None
        first = {i: c[0] for i, c in choices.items()}
        return self._try(first, False) or self._descend({}, choices)

    def _descend(self, chosen: dict[int, str], choices: Mapping[int, list[str]]) -> _Found | None:
        if self.solves > MOST_SOLVES:
            self.unclear = True
            self._note("the search was cut")
            return None
        undecided = [i for i in choices if i not in chosen]
        if not undecided:
            return self._try(chosen, False)
        relaxed = {**{i: "any" for i in undecided}, **chosen}
        if self.solve(self.case(relaxed)).verdict == "FAILS":
            return None
        for option in choices[undecided[0]]:
            found = self._descend({**chosen, undecided[0]: option}, choices)
            if found:
                return found
        return None

    def _note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)

    # Conclusions.

    def open_cases(self) -> list[str]:
        """Latents with cases that the options do not cover, if the system leaves room for them.

        Vectors (b of what rests), poles (b = c log|v - m0|), X' = B X + X B' of matrices.
        """
        blocks = self.system.blocks
        wide = [
            i for i in self.units if blocks[i].kind in ("vector", "posdef") or blocks[i].singular
        ]
        found = [b.label for b in blocks if b.factor is not None and b.kind == "pareto"]
        if wide and not self.hopeless:
            case = self.case(dict.fromkeys(self.units, "any"))
            free = [(i, "any" if i in wide else kind) for i, kind in case.bases]
            mixing = [i for i, c in enumerate(self.system.columns) if c[0] == "w"]
            case = Case(tuple(sorted([*case.columns, *mixing])), tuple(sorted(free)))
            if self.solve(case).verdict != "FAILS":
                found += [blocks[i].label for i in wide]
        return found

    def smallest(self, found: _Found) -> tuple[tuple[str, ...], tuple[str, ...], _Found]:
        """(latents that suffice, latents that must move, the solution with the former)."""
        blocks = self.system.blocks
        must = [i for i in self.units if not self.moving({i: "rest"})]
        forced: dict[int, str] = {}
        best = found
        for index in self.units:
            if index in must:
                continue
            smaller = self.moving({**forced, index: "rest"})
            if smaller:
                forced[index] = "rest"
                best = smaller
        moving = [blocks[i].label for i in self.units if i not in forced]
        return tuple(moving), tuple(blocks[i].label for i in must), best


def _answer(search: Search) -> tuple[Answer, _Found | None]:
    """The preferred solution, or that there is none."""
    first = search.still(constant=True)
    found, theorem, moves = first, 1, False
    if not found:
        found, theorem = search.still(constant=False), 2
    theorem1 = first is not None
    if not first and search.units:
        constant = search.moving_constant()
        theorem1 = constant is not None
        if not found and constant:
            found, theorem, moves = constant, 1, True
    if not found and search.units:
        found, theorem, moves = search.moving(), 2, True
    notes = tuple(search.notes)
    if found:
        return Answer("HOLDS", theorem, moves, theorem1, notes=notes), found
    if search.unclear:
        return Answer("UNCLEAR", distance=search.distance, notes=notes), None
    if search.units and (labels := search.open_cases()):
        more = f"other base measures or motions of {', '.join(labels)} are not tried"
        return Answer("UNCLEAR", distance=search.distance, notes=(*notes, more)), None
    return Answer("FAILS", distance=search.distance, notes=notes), None


def decide_instance(instance: Instance, effort: float = 1.0, details: bool = False) -> Answer:
    """The answer at one instance; `details` adds the smallest motion and its numbers."""
    points = int(POINTS * effort)
    while True:
        try:
            return _decide(instance, points, effort, details)
        except _Unsaturated:
            points *= 2
            if points > MOST_POINTS * effort:
                return Answer("UNCLEAR", notes=("b is not narrowed down",), sizes=instance.sizes)


def _decide(instance: Instance, points: int, effort: float, details: bool) -> Answer:
    model = instance.model
    may_move = model.reparameterize
    closed: bool | None = None
    search = Search(System(instance, points, effort, bool(model.q)), may_move)
    answer, found = _answer(search)
    if model.q:
        closed = True
        if answer.verdict != "HOLDS":
            alone = Search(System(instance, points, effort, False), may_move)
            joint, (answer, found) = answer, _answer(alone)
            search = alone
            closed = None
            if answer.verdict == "HOLDS" and joint.verdict == "FAILS":
                closed = False
    answer = replace(answer, closed=closed, sizes=instance.sizes)
    if details and found:
        if answer.moves:
            moving, must, found = search.smallest(found)
            answer = replace(answer, moving=moving, must=must)
        answer = replace(answer, motions=search.system.motions(found.case))
    return answer


def instances(model: Model, seed: int = 0) -> Iterator[Instance]:
    """The smallest admissible sizes; all larger; then each one alone at 3, the others smallest.

    Larger is 2, and 3 for categories and for the ends of ranges that do not start at 1, but always
    more than the smallest.  One size
    alone outgrows the parameters: a decoder of few weights may hold at D = 1 and 2, not at 3.
    """
    smallest = _smallest(model, seed)
    yield smallest
    low = smallest.sizes
    long = _categories(model) | _long_ranges(model)
    others = [{s: max(3 if s in long else 2, n + 1) for s, n in low.items()}]
    others += [{**low, s: max(3, low[s] + 1)} for s in low]
    for sizes in others:
        if sizes != low and sizes not in others[: others.index(sizes)]:
            yield Instance(model, sizes, seed)


def _smallest(model: Model, seed: int) -> Instance:
    low = {s: 2 if s in _categories(model) else 1 for s in model.sizes}
    rows = itertools.product(*(range(low[s], 8) for s in model.sizes))
    fault: Exception = SpecFault("no sizes")
    for sizes in sorted(rows, key=lambda r: (sum(r), r)):
        try:
            made = Instance(model, dict(zip(model.sizes, sizes, strict=True)), seed)
            sampler = Sampler(made, 1)
            for factor in made.factors:
                made.log_density(
                    factor.statement, factor.loops, factor.place, sampler.world({}, 1, {})
                )
            return made
        except OutOfRange as error:
            fault = error
    raise fault


def _categories(model: Model) -> set[str]:
    """Sizes of simplexes and of categories."""
    found = set()
    for group in (model.parameters, model.constants, model.inputs, model.functions):
        for kind in group.values():
            if kind.base == "simplex" and kind.extents:
                found.add(getattr(kind.extents[-1], "name", ""))
    return found


def _long_ranges(model: Model) -> set[str]:
    """Sizes that end a range which does not start at 1: lengths of time series."""
    found = set()
    for s in model.statements:
        ranges = list(s.ranges)
        for node in (*s.positional, *(n for _, n in s.named)):
            ranges += node.ranges if isinstance(node, Sum) else ()
        for r in ranges:
            if getattr(r.first, "value", 1) != 1:
                found.add(getattr(r.last, "name", ""))
    return found


def decide(
    source: Source | Model, seed: int = 0, effort: float = 1.0, details: bool = False
) -> list[Answer]:
    """One answer per instance that was tried; stops at the first that fails."""
    model = source if isinstance(source, Model) else read(source)
    answers = []
    for instance in instances(model, seed):
        answers.append(decide_instance(instance, effort, details))
        if answers[-1].verdict == "FAILS":
            break
    return answers


__all__ = ["Answer", "Unsupported", "decide", "decide_instance", "instances"]
