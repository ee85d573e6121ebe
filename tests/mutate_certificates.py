"""Change every token of every certificate in output/, one at a time: what is false is rejected.

    python -m tests.mutate_certificates [STEM...]

A changed certificate that the checker accepts has to be true: a judge that shares nothing with the
checker decodes it and evaluates both sides of all that it states at random points, at small sizes.
What survives is printed with the token; it is another way to say something true.
"""

from __future__ import annotations

import copy
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

from decoded import Decoder
from encoded import FactorClaim, Hypotheses
from judge import Verdict, judge, worlds
from test_certificate import refutes
from test_certify_criterion import Case, _own, _value, _velocities, verdict

from symelbo.certify.claim import MotionClaim
from symelbo.checker.check import REJECTED, check_data
from symelbo.index.build import log, mul, number, subtract
from symelbo.index.differentiate import derivative_by
from symelbo.index.substitute import map_parts, replace_symbols
from symelbo.index.terms import (
    Add,
    Apply,
    Array,
    Constant,
    Index,
    LogDet,
    Size,
    Sum,
    Term,
)
from symelbo.trial.evaluate import evaluate

OUTPUT = Path(__file__).resolve().parents[1] / "output"
Json = dict[str, Any]
Path_ = tuple[Any, ...]
GOOD = (Verdict.TRUE, Verdict.NOWHERE)
ZERO_TERM = number(0)


# ---------------------------------------------------------------- one token is another

FUNCTIONS = ("exp", "log", "abs", "tanh", "sigmoid", "softplus", "loggamma", "digamma", "erf")
LABELS = ("schema", "symelbo_version", "model", "spec_sha256", "files", "unproved")


class Mutation:
    """A path into a certificate, and what stands there instead; DROP: nothing."""

    DROP = object()

    def __init__(self, kind: str, path: Path_, value: Any) -> None:
        self.kind, self.path, self.value = kind, path, value

    def apply(self, data: Json) -> Json:
        changed = dict(data)
        part: Any = changed
        for key in self.path[:-1]:
            part[key] = copy.copy(part[key])
            part = part[key]
        if self.value is Mutation.DROP:
            del part[self.path[-1]]
        else:
            part[self.path[-1]] = self.value
        return changed

    def __str__(self) -> str:
        value = "nothing" if self.value is Mutation.DROP else json.dumps(self.value)
        return f"{self.kind}: {'/'.join(map(str, self.path))} -> {value}"


def mutations(data: Json) -> Iterator[Mutation]:
    """Every one-token change of what a certificate states."""
    for number_of, entry in enumerate(data["terms"]):
        for k, value in _entry_mutations(data, number_of, entry):
            path = ("terms", number_of) if k is None else ("terms", number_of, k)
            yield Mutation(f"a term {entry[0]}", path, value)
    for name, (low, extent) in data["indices"].items():
        yield Mutation("a range", ("indices", name, 0), low + 1)
        for by in (-1, 1):
            yield Mutation("a range", ("indices", name, 1), _longer(extent, by))
    for name, symbol in data["symbols"].items():
        for kind in ("real", "positive", "unit", "binary", "naturals"):
            if symbol["domain"] != kind:
                yield Mutation("a domain", ("symbols", name, "domain"), kind)
        for role in ("parameter", "constant", "input", "latent", "observed", "variational"):
            if symbol["role"] != role:
                yield Mutation("a role", ("symbols", name, "role"), role)
        for k, extent in enumerate(symbol["shape"]):
            yield Mutation("a shape", ("symbols", name, "shape", k), _longer(extent, 1))
    for name, least in data["sizes"].items():
        for other in (least + 1, least - 1):
            yield Mutation("a least size", ("sizes", name), other)
    for part in ("factors", "q"):
        for n, density in enumerate(data[part]):
            for kind in ("real", "positive", "unit", "naturals"):
                if density["support"] != kind:
                    yield Mutation("a support", (part, n, "support"), kind)
    for part in ("factors", "q", "claims", "posterior", "entropies_of_q", "sum", "refutations"):
        yield from _part_mutations(data, (part,), data[part])
    for verdict_ in ("proved", "refuted", "outside", "undecided"):
        if verdict_ != data["verdict"]:
            yield Mutation("the verdict", ("verdict",), verdict_)
    for theorem in (1, 2, None):
        if theorem != data["theorem"]:
            yield Mutation("the theorem", ("theorem",), theorem)
    for q in ("any", "exact", "declared"):
        if q != data["variational"]:
            yield Mutation("the form of q", ("variational",), q)


def _longer(extent: Any, by: int) -> Any:
    if isinstance(extent, int):
        return extent + by
    size, offset = extent if isinstance(extent, list) else (extent, 0)
    return [size, offset + by] if offset + by else size


def _others(data: Json, number_of: int) -> list[int]:
    """Other terms: the neighbours, and the numbers 0 and 1."""
    terms = data["terms"]
    found = [number_of - 1, number_of + 1]
    found += [k for k, entry in enumerate(terms) if entry in (["q", 0], ["q", 1])]
    return [k for k in dict.fromkeys(found) if 0 <= k < len(terms) and k != number_of]


def _indices(data: Json, index: Any) -> Iterator[Any]:
    """Other indices: of the same range, the neighbour, the last place."""
    if not isinstance(index, str):
        if index[0] == "o":
            yield from ([*index[:2], index[2] + 1], index[1])
        if index[0] == "p":
            yield ["p", _longer(index[1], -1)]
        return
    low, extent = data["indices"][index]
    others = (n for n, r in data["indices"].items() if r == [low, extent] and n != index)
    yield from islice(others, 2)
    yield ["o", index, 1]
    yield ["p", extent]


def _entry_mutations(data: Json, at: int, entry: list[Any]) -> Iterator[tuple[int | None, Any]]:
    head = entry[0]
    if head == "q":
        top, _, bottom = str(entry[1]).partition("/")
        yield 1, f"{int(top) + 1}/{bottom or 1}"
        if int(top):
            yield 1, f"{-int(top)}/{bottom or 1}"
    if head in ("+", "*"):
        yield 0, "*" if head == "+" else "+"
        if len(entry) > 2:
            for k in range(1, len(entry)):
                yield None, [*entry[:k], *entry[k + 1 :]]
    if head in ("+", "*", "^"):
        for k in range(1, len(entry)):
            yield from ((k, other) for other in _others(data, entry[k]) if other < at)
    if head == "f":
        if len(entry) == 3:
            yield from ((1, name) for name in FUNCTIONS if name != entry[1])
        yield from ((2, other) for other in _others(data, entry[-1]) if other < at)
    if head == "n":
        yield from ((1, size) for size in data["sizes"] if size != entry[1])
    if head == "iv":
        yield from ((1, index) for index in _indices(data, entry[1]))
    if head == "v":
        shape = data["symbols"][entry[1]]["shape"]
        for name, symbol in data["symbols"].items():
            if symbol["shape"] == shape and name != entry[1]:
                yield 1, name
        for k in range(2, len(entry)):
            yield from ((k, index) for index in _indices(data, entry[k]))
    if head == "S":
        names = (i for i in _indices(data, entry[1]) if isinstance(i, str))
        yield from ((1, name) for name in names)
        yield from ((2, other) for other in _others(data, entry[2]) if other < at)
    if head == "d":
        for k in (1, 2):
            yield from ((k, index) for index in _indices(data, entry[k]))
    if head == "Inv":
        for k in (3, 4):
            yield from ((k, index) for index in _indices(data, entry[k]))
    if head in ("Inv", "LD"):
        yield from ((2, other) for other in _others(data, entry[2]) if other < at)
    if head == "A":
        for k, (indices, body) in enumerate(entry[2]):
            for other in _others(data, body):
                if other < at:
                    yield 2, [*entry[2][:k], [indices, other], *entry[2][k + 1 :]]


# what is a number of a term, by the key it stands under
TERMS = (
    *("body", "base", "entropy", "divergence", "base_change", "log_density", "display"),
    *("expanded", "q_entropy", "closed_form", "lower", "upper"),
)
PLACED = {"plates", "places", "indices"}
SKIPPED = ("family", "name")


def _is_term(path: Path_) -> bool:
    """Whether the number at a path is a term."""
    return path[-1] in TERMS or "matrix" in path or bool(set(path[-2:-1]) & {"nonzero", "bases"})


def _part_mutations(data: Json, path: Path_, part: Any) -> Iterator[Mutation]:
    kind = f"{path[0]}: {next((k for k in reversed(path) if isinstance(k, str)), '')}"
    key = path[-1]
    if isinstance(part, bool):
        yield Mutation(kind, path, not part)
    elif isinstance(part, int) and _is_term(path):
        yield from (Mutation(kind, path, other) for other in _others(data, part))
    elif isinstance(part, int):
        yield Mutation(kind, path, part + 1)
    elif isinstance(part, str) and path[0] == "refutations" and part.lstrip("-")[:1].isdigit():
        yield Mutation(kind, path, f"{part.partition('/')[0]}7/{part.partition('/')[2] or 1}")
    elif isinstance(part, str) and key in ("factor", "node", "statement", "latent"):
        names = [f["name"] for f in data["factors"]] if key != "node" else list(data["symbols"])
        yield from (Mutation(kind, path, name) for name in names if name != part)
    elif isinstance(part, str | list) and set(path[-2:-1]) & PLACED:
        yield from (Mutation(kind, path, index) for index in _indices(data, part))
    elif isinstance(part, str) and key in ("kind", "domain"):
        yield from (Mutation(kind, path, k) for k in ("real", "positive", "unit") if k != part)
    elif isinstance(part, dict):
        for name, inner in part.items():
            if name in SKIPPED:
                continue
            yield from _part_mutations(data, (*path, name), inner)
            if path[-1] in ("parameters", "rates", "shifts", "variational", "bases"):
                yield Mutation(f"{kind} without one", (*path, name), Mutation.DROP)
    elif isinstance(part, list):
        for n, inner in enumerate(part):
            yield from _part_mutations(data, (*path, n), inner)
            yield Mutation(f"{kind} without one", (*path, n), Mutation.DROP)
            if isinstance(inner, dict):
                yield Mutation(f"{kind} with one twice", path, [*part, inner])


# ---------------------------------------------------------------- the judge


class Judge:
    """What the numbers say of everything that a certificate states; what was seen is kept."""

    def __init__(self) -> None:
        self.known: dict[object, Verdict] = {}

    def ask(self, key: object, question: Callable[[], Verdict]) -> Verdict:
        if key not in self.known:
            try:
                self.known[key] = question()
            except (ValueError, ZeroDivisionError, TypeError, OverflowError):
                self.known[key] = Verdict.UNDEFINED
            except (KeyError, AssertionError):
                self.known[key] = Verdict.FALSE
        return self.known[key]

    def verdicts(self, data: Json) -> Iterator[tuple[str, Verdict]]:
        """(part, what the numbers say)."""
        decoder = Decoder(data)
        least = tuple(sorted((n, k) for n, k in data["sizes"].items() if k > 1))
        factors = {f["name"]: f for f in data["factors"]}
        for claim in data["claims"]:
            motion = decoder.motion(claim["motion"])
            moved = _key(motion)
            for identity in claim["identities"]:
                factor = decoder.factor(factors[identity["factor"]], identity)
                case = Case(factor, motion, Hypotheses(least=least))
                key = (factor, moved, least)
                yield f"(U) of {factor.name}", self.ask(key, lambda c=case: verdict(c))  # type: ignore[misc]
            for q in data["q"] if claim["q_follows"] else ():
                density = decoder.factor(q, _nothing(data))
                yield (
                    f"q of {density.name}",
                    self.ask(
                        ("q", density, moved, least),
                        lambda d=density, m=motion: closed(d, m, dict(least)),  # type: ignore[misc]
                    ),
                )
        yield from self.printed(data, decoder, factors, dict(least))
        for refutation in data["refutations"]:
            certificate = decoder.certificate(refutation)
            densities = [decoder.refuted(factors[name]) for name in refutation["factors"]]
            yield (
                "a refutation",
                self.ask(
                    (certificate, tuple(densities)),
                    lambda c=certificate, d=densities: (  # type: ignore[misc]
                        Verdict.TRUE if refutes(c, d) else Verdict.FALSE
                    ),
                ),
            )

    def equal(self, left: Term, right: Term, least: Mapping[str, int]) -> Verdict:
        """Whether two terms have the same values."""
        return self.ask(
            ("=", left, right, tuple(least.items())),
            lambda: judge(subtract(left, right), draws=2, least=least),
        )

    def printed(
        self, data: Json, decoder: Decoder, factors: Json, least: Mapping[str, int]
    ) -> Iterator[tuple[str, Verdict]]:
        """What is printed against what (U) gives."""
        sums = data["sum"]
        if sums is None:
            return
        identities = {i["factor"]: i for i in data["claims"][0]["identities"]}

        def over(density: Json, term: Term) -> Term:
            for index in reversed(decoder.indices(density["plates"])):
                term = Sum(index, term)
            return term

        for item in sums["entropies"]:
            name = item["factor"]
            whole = over(factors[name], decoder.term(identities[name]["entropy"]))
            shown = written_out(decoder, sums, item["display"])
            yield f"the entropy of {name}", self.equal(shown, whole, least)
            yield f"expanded, of {name}", self.equal(decoder.term(item["expanded"]), whole, least)
        for name, identity in identities.items():
            whole = over(factors[name], decoder.term(identity["base"]))
            shown = decoder.term(sums["bases"][name]) if name in sums["bases"] else ZERO_TERM
            yield f"the base of {name}", self.equal(shown, whole, least)
        if sums["q_entropy"] is not None:
            shown = decoder.term(sums["q_entropy"])
            right = self.q_entropy(data, decoder, over)
            yield "H[q]", self.equal(shown, right, least)
        parts = [] if sums["q_entropy"] is None else [decoder.term(sums["q_entropy"])]
        parts += [mul(number(-1), decoder.term(i["expanded"])) for i in sums["entropies"]]
        parts += [decoder.term(term) for term in sums["bases"].values()]
        whole = Add(tuple(parts))
        printed = (
            mul(number(item["sign"]), written_out(decoder, sums, item["display"]))
            for item in sums["printed"]
        )
        yield "the printed sum", self.equal(Add((ZERO_TERM, *printed)), whole, least)
        if sums["closed_form"] is not None:
            shown = written_out(decoder, sums, sums["closed_form"])
            yield "the closed form", self.equal(shown, whole, least)
        if data["posterior"] is not None:
            yield "the posterior", self.posterior(data, decoder, over, least)
        yield from self.entropies_of_q(data, decoder, least)

    def q_entropy(self, data: Json, decoder: Decoder, over: Callable[[Json, Term], Term]) -> Term:
        """H[q] from its parts."""
        if data["posterior"] is not None:
            precision = decoder.array(data["posterior"]["precision"])
            latent = decoder.symbol(data["posterior"]["latent"])
            count: Term = number(1)
            if latent.shape:
                extent = latent.shape[0]
                size = number(0) if extent.size is None else Size(extent.size)
                count = Add((size, number(extent.offset)))
            circle = Add((log(mul(number(2), Constant("pi"))), number(1)))
            determinant = LogDet(precision) if latent.shape else log(precision.body)
            half = number("1/2")
            return subtract(mul(half, count, circle), mul(half, determinant))
        stated = {item["statement"]: item for item in data["entropies_of_q"]}
        parts: list[Term] = [ZERO_TERM]
        for q in data["q"]:
            item = stated[q["name"]]
            given = decoder.arrays(item["arguments"])
            parts.append(over(q, replace_symbols(decoder.term(item["entropy"]), given)))
        return Add(tuple(parts))

    def posterior(
        self,
        data: Json,
        decoder: Decoder,
        over: Callable[[Json, Term], Term],
        least: Mapping[str, int],
    ) -> Verdict:
        """Minus the second derivative of log p is the precision."""
        latent = decoder.symbol(data["posterior"]["latent"])
        precision = decoder.array(data["posterior"]["precision"])
        parts = (over(f, decoder.term(f["log_density"])) for f in data["factors"])
        joint = Add(tuple(parts))
        half = len(latent.shape)
        once = derivative_by(joint, latent, precision.indices[:half])
        twice = derivative_by(once, latent, precision.indices[half:])
        return self.equal(precision.body, mul(number(-1), twice), least)

    def entropies_of_q(
        self, data: Json, decoder: Decoder, least: Mapping[str, int]
    ) -> Iterator[tuple[str, Verdict]]:
        """(U) of q's families in their formal arguments, which are parameters there."""
        for item in data["entropies_of_q"]:
            symbols = {
                name: {
                    **symbol,
                    "role": {"argument": "parameter", "value": "observed"}.get(
                        symbol["role"], symbol["role"]
                    ),
                }
                for name, symbol in data["symbols"].items()
            }
            formal = Decoder({**data, "symbols": symbols})
            zero = _nothing(data)
            density = formal.factor(item["density"], {**zero, "entropy": item["entropy"]})
            motion = formal.motion(item["motion"])
            case = Case(density, motion, Hypotheses(least=tuple(least.items())))
            key = (density, _key(motion), tuple(least.items()))
            yield f"H of q of {item['statement']}", self.ask(key, lambda c=case: verdict(c))  # type: ignore[misc]


def _key(motion: MotionClaim) -> tuple[object, ...]:
    every = (motion.parameters, motion.rates, motion.shifts, motion.variational)
    return tuple(tuple(arrays.items()) for arrays in every)


def _nothing(data: Json) -> Json:
    """An identity of nothing but 0."""
    zero = data["terms"].index(["q", 0])
    return dict.fromkeys(("base", "entropy", "divergence", "base_change"), zero)


def written_out(decoder: Decoder, sums: Json, display: int) -> Term:
    """What is printed without names of its own."""
    definitions = {
        decoder.symbol(name): (
            [decoder.symbol(a) for a in body["arguments"]],
            decoder.term(body["body"]),
        )
        for name, body in sums["definitions"].items()
    }

    def on_term(term: Term) -> Term:
        if isinstance(term, Apply) and term.function in definitions:
            formals, body = definitions[term.function]
            return replace_symbols(body, dict(zip(formals, term.arguments, strict=True)))
        return map_parts(term, on_term, lambda i: i, lambda a: Array(a.indices, on_term(a.body)))

    return replace_symbols(on_term(decoder.term(display)), decoder.arrays(sums["abbreviations"]))


def closed(q: FactorClaim, motion: MotionClaim, least: Mapping[str, int]) -> Verdict:
    """D log q + d = 0 at random points."""
    found = Verdict.NOWHERE
    free = [p for p in q.places if isinstance(p, Index)]
    items = [q.log_density, q.node, *(a for arrays in _key(motion) for a in arrays)]  # type: ignore[attr-defined]
    for world in worlds(items, draws=2, least=least):
        world = world.along(_velocities(motion, world))
        ranges = [range(i.low, world.length(i.extent) + 1) for i in free]
        for where in _places(ranges):
            env = dict(zip(free, where, strict=True))
            moved = evaluate(q.log_density, world, env).tangent
            rate = motion.rates.get(q.node)
            if rate is not None and q.node.domain.kind != "angle":
                moved += sum(_value(rate, world, at) for _, at in _own(q, world, env))
            if abs(moved) > 1e-8:
                return Verdict.FALSE
            found = Verdict.TRUE
    return found


def _places(ranges: list[range]) -> Iterator[tuple[int, ...]]:
    from itertools import product

    return product(*ranges)


# ---------------------------------------------------------------- the sweep


def sweep(
    data: Json, every: int = 1, start: int = 0
) -> tuple[int, list[Mutation], list[tuple[Mutation, str]]]:
    """(how many changes, those that are accepted and true, those that are accepted and are not)."""
    tried, kept, wrong = 0, [], []
    judge_ = Judge()
    undefined = {what for what, found in judge_.verdicts(data) if found not in GOOD}
    for mutation in islice(mutations(data), start, None, every):
        changed = mutation.apply(data)
        if changed == data:
            continue
        tried += 1
        if check_data(changed).status == REJECTED:
            continue
        bad = next(
            (
                f"{what}: {found.value}"
                for what, found in judge_.verdicts(changed)
                if found not in GOOD and what not in undefined
            ),
            "",
        )
        (wrong.append((mutation, bad)) if bad else kept.append(mutation))
    return tried, kept, wrong


def main(stems: list[str]) -> int:
    total, survivors, faults = 0, Counter[str](), 0
    for folder in sorted(path.parent for path in OUTPUT.glob("*/certificate.json")):
        if stems and folder.name not in stems:
            continue
        data = json.loads((folder / "certificate.json").read_bytes())
        tried, kept, wrong = sweep(data)
        total += tried
        print(f"{folder.name}: {tried} changes, {len(kept)} true, {len(wrong)} FALSE", flush=True)
        for mutation in kept:
            survivors[mutation.kind] += 1
            print(f"  true: {mutation}")
        for mutation, reason in wrong:
            print(f"  FALSE: {mutation} ({reason})")
        faults += len(wrong)
    print(f"{total} changes, {sum(survivors.values())} of them true and accepted, {faults} FALSE")
    for kind, count in survivors.most_common():
        print(f"  {count} {kind}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
