"""The whole check: a statement, the bytes of a certificate, or a file with what lies beside it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from functools import cached_property, partial
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, NamedTuple

from .criterion import (
    check_closure,
    check_identity,
    check_motion,
    free_indices,
    hypotheses_of,
    inside_support,
    mentions_value,
    names_in,
    users_of,
)
from .domains import Domain
from .prove import Ground, is_definite, is_positive, is_zero, prove_zero
from .refutation import check_refutation
from .statement import (
    MAX_BYTES,
    Claim,
    Density,
    Entropy,
    EntropyOfQ,
    Identity,
    Malformed,
    Posterior,
    Statement,
    Symbol,
    parse_json,
    read_statement,
)
from .terms import (
    NOWHERE,
    ONE,
    ZERO,
    Array,
    Instance,
    NotShown,
    Raw,
    RawIndex,
    bound_index,
    derivative,
    formal_indices,
    minus,
    negative,
    put,
    readable,
    sum_of,
    walk,
)
from .witness import can_hold
from .work import PARTS, Cut, allow_depth, bounded_work, work_left

__all__ = [
    "CERTIFICATE",
    "CHECKED",
    "CLOSED_FORM",
    "CONSISTENCY",
    "ENTROPY_OF_Q",
    "PARTLY",
    "POSTERIOR",
    "PRINTED_BASES",
    "PRINTED_ENTROPY",
    "PRINTED_Q",
    "PRINTED_SUM",
    "REJECTED",
    "Part",
    "Report",
    "check_bytes",
    "check_data",
    "check_file",
    "check_statement",
]

CHECKED: Final = "checked"
PARTLY: Final = "partly checked"
REJECTED: Final = "rejected"
CERTIFICATE: Final = "certificate.json"
CONSISTENCY: Final = "that the conditions of the result can hold together"
NODES: Final = ("latent", "observed", "input")

# parts that a certificate may leave out if it lists them
ENTROPY_OF_Q: Final = "the entropy of q"
POSTERIOR: Final = "the exact posterior"
PRINTED_ENTROPY: Final = "the printed entropy"
PRINTED_BASES: Final = "the printed base measures"
PRINTED_Q: Final = "the printed entropy of q"
PRINTED_SUM: Final = "the sum as it is printed"
CLOSED_FORM: Final = "the closed form of the sum"


class Part(NamedTuple):
    """What is checked at once, and the factor or the statement of q that it is about."""

    what: str
    of: str = ""
    more: str = ""

    def __str__(self) -> str:
        return self.what + (f" of {self.of}" if self.of else "") + self.more


class Report(NamedTuple):
    """What came out: checked, partly checked or rejected.

    reasons: why it is rejected, the first equation that fails first, and failed: the part it is of;
    proved: what was shown; unproved: parts of the result that the certificate does not claim; cut:
    whether it might be shown with more work.
    """

    status: str
    reasons: tuple[str, ...] = ()
    proved: tuple[str, ...] = ()
    unproved: tuple[str, ...] = ()
    failed: Part | None = None
    cut: bool = False


# ---------------------------------------------------------------- files


def check_file(path: Path) -> Report:
    """A certificate and the files beside it, or the folder of them; OSError if there is none."""
    if path.is_dir():
        path = path / CERTIFICATE
    content = _read(path)
    files: dict[str, bytes | None] = {}
    try:
        with bounded_work():
            named = read_statement(parse_json(content)).files or {}
    except (Malformed, NotShown):
        named = {}
    for name in named:
        if re.fullmatch(r"[A-Za-z0-9_.-]{1,200}", name) and name.strip("."):
            try:
                files[name] = _read(path.parent / name)
            except OSError:
                files[name] = None
    return check_bytes(content, files)


def _read(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(MAX_BYTES + 1)


def check_bytes(content: bytes, files: Mapping[str, bytes | None] | None = None) -> Report:
    """The bytes of a certificate; files: those beside it, None for one that is missing."""
    try:
        data = parse_json(content)
    except Malformed as fault:
        return Report(REJECTED, (str(fault),))
    return check_data(data, files)


def check_data(data: Any, files: Mapping[str, bytes | None] | None = None) -> Report:
    """The data of a certificate."""
    allow_depth()
    try:
        with bounded_work():
            statement = read_statement(data)
    except (Malformed, NotShown) as fault:
        return Report(REJECTED, (str(fault),))
    except RecursionError:
        return Report(REJECTED, ("a term that is nested too deeply",))
    return check_statement(statement, files)


# ---------------------------------------------------------------- statements


def check_statement(
    statement: Statement, files: Mapping[str, bytes | None] | None = None
) -> Report:
    """Every part of a statement, until one fails."""
    allow_depth()
    checks = _Checks(statement)
    unproved = [*(f"(U) of {name}" for name in statement.undecided), *statement.unproved]
    left = PARTS * work_left().left  # for all parts together
    try:
        for part, check in checks.parts():
            what, cut = str(part), False
            with bounded_work(left) as work:
                left -= work.left
                try:
                    reasons = check()
                    work.spend(0, "what was left over")  # nothing counts that it cut short
                except NotShown as fault:
                    reasons, cut = [f"{what}: {fault}"], isinstance(fault, Cut)
                left += max(work.left, 0)
            if reasons:
                shown = tuple(map(readable, reasons))
                return Report(REJECTED, shown, tuple(checks.proved), failed=part, cut=cut)
            checks.proved.append(what)
        with bounded_work(left):
            if not checks.can_hold() and CONSISTENCY not in unproved:
                unproved.append(CONSISTENCY)
    except RecursionError:
        return Report(REJECTED, ("a term that is nested too deeply",), tuple(checks.proved))
    if files is not None:
        for name, digest in (statement.files or {}).items():
            content = files.get(name)
            if content is None:
                unproved.append(f"{name}, which is missing")
            elif sha256(content).hexdigest() != digest:
                reason = f"{name} is not the file that was written with the certificate"
                return Report(REJECTED, (reason,), tuple(checks.proved))
    status = PARTLY if unproved else CHECKED
    return Report(status, (), tuple(checks.proved), tuple(unproved))


class _Checks:
    """The parts of a statement with the functions that check them."""

    def __init__(self, statement: Statement) -> None:
        self.statement = statement
        self.symbols = statement.symbols
        self.factors = {factor.name: factor for factor in statement.factors}
        self.proved: list[str] = []
        self.grounds: dict[int, Ground] = {}  # of claims, by identity
        self.shown: dict[int, tuple[Raw, Raw]] = {}  # what is printed, written out, by identity
        self.shown_entropies: set[str] = set()  # factors whose printed entropies are proved
        first = statement.claims[0].identities if statement.claims else ()
        self.identities = {identity.factor: identity for identity in first}

    def can_hold(self) -> bool:
        """Whether some point is found at which the conditions of the result hold."""
        statement = self.statement
        densities = (*statement.factors, *statement.q)
        nonzero = [raw for claim in statement.claims for raw in claim.nonzero]
        return can_hold(densities, nonzero, self.symbols, statement.sizes)

    def parts(self) -> Iterable[tuple[Part, Callable[[], list[str]]]]:
        """(what is shown, its check), in the order of reading."""
        yield Part("the form of the statement"), self.form
        for number, claim in enumerate(self.statement.claims):
            other = " along the other motion" if number else ""
            yield from self.claim(claim, other)
        for refutation in self.statement.refutations:
            names = ", ".join(refutation.factors)
            yield (
                Part("no motion satisfies (U)", names),
                partial(
                    check_refutation,
                    refutation,
                    self.statement.factors,
                    self.symbols,
                    self.statement.sizes,
                ),
            )
        for entropy in self.statement.entropies_of_q:
            yield (
                Part(ENTROPY_OF_Q, entropy.statement),
                lambda e=entropy: self.entropy_of_q(e),  # type: ignore[misc]
            )
        if self.statement.posterior is not None:
            posterior = self.statement.posterior
            yield Part(POSTERIOR), lambda: self.posterior(posterior)
        if self.statement.sums is not None:
            yield from self.sums()

    # ------------------------------------------------------------ the form

    def form(self) -> list[str]:
        """Every factor is spoken of, and the verdict is what the parts say together."""
        statement = self.statement
        found = []
        if len(self.factors) != len(statement.factors):
            found.append("two factors of one name")
        held = set(self.identities)
        refuted = {name for r in statement.refutations for name in r.factors}
        if not refuted | set(statement.undecided) <= set(self.factors):
            return ["no such factor"]
        for claim in statement.claims:
            names = [identity.factor for identity in claim.identities]
            if len(set(names)) != len(names) or not set(names) <= set(self.factors):
                return ["a claim about no factor, or twice about one"]
            if claim is not statement.claims[0] and set(names) != set(self.factors):
                found.append("another motion that does not serve all factors")
        left = [n for n in self.factors if n not in held | refuted | set(statement.undecided)]
        found += [f"nothing is said of {name}" for name in left]
        if statement.verdict == "proved":
            if held != set(self.factors) or not held:
                found.append("not every factor is said to hold")
            follows = all(claim.q_follows for claim in statement.claims)
            if statement.variational == "declared" and not follows:
                found.append("the declared q is not said to follow the motion")
            if statement.theorem not in (1, 2):
                found.append("no theorem is named")
            if statement.theorem == 1:
                for name, identity in self.identities.items():
                    if self.factors[name].node.name in names_in(identity.base):
                        found.append(f"the base measure of {name} is not constant")
        elif statement.theorem is not None:
            found.append("a theorem, although not every factor holds")
        if statement.verdict == "refuted" and not refuted:
            found.append("nothing is refuted")
        if statement.verdict == "outside" and not (refuted or statement.undecided):
            found.append("outside, although every factor holds")
        if statement.verdict == "undecided" and not (statement.undecided or statement.unproved):
            found.append("nothing is undecided")
        if (statement.variational == "declared") != bool(statement.q):
            found.append("q is declared, but not stated")
        if any(claim.q_follows for claim in statement.claims) and not statement.q:
            found.append("there is no q that could follow")
        if statement.sums is not None:
            printed = {item.factor for item in statement.sums.entropies}
            absent = [Part(PRINTED_ENTROPY, n) for n in self.identities if n not in printed]
            absent += [Part(PRINTED_BASES)] if statement.sums.bases is None else []
            absent += [Part(PRINTED_SUM)] if statement.sums.printed is None else []
            found += [f"left out: {p}" for p in absent if str(p) not in statement.unproved]
        return found or self.names()

    def names(self) -> list[str]:
        """The roles of what stands on the left, and arguments that stand for nothing."""
        found = []
        for density in (*self.statement.factors, *self.statement.q):
            if density.node.role not in ("latent", "observed"):
                found.append(f"{density.node.name} is no node")
            for name in sorted(names_in(density.log_density)):
                if self.symbols[name].role in ("argument", "value"):
                    found.append(f"{density.name} depends on {name}, which stands for nothing")
            if free_indices(density.log_density) - set(density.plates):
                found.append(f"the density of {density.name} has a free index")
        sums = self.statement.sums
        if sums is not None:
            used = {n for f in self.statement.factors for n in names_in(f.log_density)}
            if any(self.symbols[name].role != "argument" for name in sums.abbreviations):
                found.append("an abbreviation with a name of the model")
            if used & set(sums.definitions):
                found.append("a definition of what the model names")
        for what, densities in (
            ("factors", self.statement.factors),
            ("statements of q", self.statement.q),
        ):
            stated = [(d.node.name, d.places) for d in densities]
            if len(set(stated)) != len(stated):
                found.append(f"two {what} of one node")
        printed = [] if sums is None else [item.factor for item in sums.entropies]
        if len(set(printed)) != len(printed):
            found.append("an entropy that is printed twice")
        nodes = {f.node.name for f in self.statement.factors}
        for density in self.statement.factors if self.statement.verdict == "proved" else ():
            for name in sorted(names_in(density.log_density)):
                role = self.symbols[name].role
                if role == "variational":
                    found.append(f"{density.name} depends on {name} of q")
                if role in ("latent", "observed") and name not in nodes:
                    found.append(f"there is no factor of {name}")
        return found

    # ------------------------------------------------------------ claims

    def given(self, claim: Claim) -> Ground:
        """The conditions on the factors of a claim, and on q."""
        if id(claim) not in self.grounds:
            densities = [self.factors[identity.factor] for identity in claim.identities]
            self.grounds[id(claim)] = self.ground((*densities, *self.statement.q), claim.nonzero)
        return self.grounds[id(claim)]

    def ground(self, densities: Iterable[Density], nonzero: Sequence[Raw] = ()) -> Ground:
        """What the densities and the conditions of a claim give, once for all its proofs."""
        return Ground(hypotheses_of(densities, nonzero, self.statement.sizes, self.symbols))

    def claim(self, claim: Claim, other: str) -> Iterable[tuple[Part, Callable[[], list[str]]]]:
        """(U) along one motion."""
        motion = claim.motion
        yield (
            Part("the motion is admissible", more=other),
            lambda: check_motion(motion, self.given(claim), self.symbols),
        )

        def about(identity: Identity) -> Callable[[], list[str]]:
            factor = self.factors[identity.factor]
            return lambda: check_identity(factor, identity, motion, self.given(claim), self.symbols)

        for identity in claim.identities:
            yield Part("(U)", identity.factor, other), about(identity)

        def follows(q: Density) -> Callable[[], list[str]]:
            return lambda: check_closure(q, motion, self.given(claim), self.symbols)

        for q in self.statement.q if claim.q_follows else ():
            yield Part("q", q.name, f" follows the motion{other}"), follows(q)

    # ------------------------------------------------------------ what is printed

    @cached_property
    def of_result(self) -> Ground:
        """The conditions of the result."""
        claims, posterior = self.statement.claims, self.statement.posterior
        ground = self.given(claims[0]) if claims else self.ground(self.statement.q)
        if posterior is None:
            return ground
        given = ground.given
        return Ground(given._replace(posdef=(*given.posdef, *_definite(posterior))))

    def zero(self, what: str, raw: Raw, inside: Sequence[Raw] = ()) -> list[str]:
        """Reasons why a term is not shown to vanish under the conditions of the result.

        inside: what is positive besides, as of a value in a support.
        """
        ground = self.of_result
        if inside:
            ground = Ground(ground.given._replace(positive=(*ground.given.positive, *inside)))
        try:
            prove_zero(raw, given=ground)
        except NotShown as reason:
            return [f"{what}: {reason}"]
        return []

    def sums(self) -> Iterable[tuple[Part, Callable[[], list[str]]]]:
        """The printed sum, summand by summand."""
        sums = self.statement.sums
        assert sums is not None

        def entropy(item: Entropy) -> Callable[[], list[str]]:
            return lambda: self.entropy(item)

        for item in sums.entropies:
            yield Part(PRINTED_ENTROPY, item.factor), entropy(item)
        if sums.bases is not None:
            bases = sums.bases
            yield Part(PRINTED_BASES), lambda: self.bases(bases)
        if sums.q_entropy is not None:
            q_entropy = sums.q_entropy
            yield Part(PRINTED_Q), lambda: self.q_entropy(q_entropy)
        if sums.printed is not None:
            yield Part(PRINTED_SUM), self.printed_sum
        if sums.closed_form is not None:
            closed = sums.closed_form
            yield Part(CLOSED_FORM), lambda: self.closed_form(closed)

    def entropy(self, item: Entropy) -> list[str]:
        """The printed entropy, abbreviations written out, is the sum of H~ over the plates."""
        identity = self.identities.get(item.factor)
        if identity is None:
            return [f"the entropy of {item.factor} is printed, but not claimed"]
        whole = over(self.factors[item.factor].plates, identity.entropy)
        what = str(Part(PRINTED_ENTROPY, item.factor))
        shown = self.written_out(item.display)
        found = self.zero(what, minus(shown, whole)) or self.zero(
            f"{what}, expanded", minus(item.expanded, whole)
        )
        if not found:
            self.shown_entropies.add(item.factor)
        return found

    def written_out(self, display: Raw) -> Raw:
        """What is printed, with what its own names stand for."""
        known = self.shown.get(id(display))
        if known is None:
            sums = self.statement.sums
            assert sums is not None
            at = Instance(functions=sums.definitions) if sums.definitions else NOWHERE
            written = put(put(display, None, at), None, arrays=sums.abbreviations)
            known = self.shown[id(display)] = display, written
        return known[1]

    def bases(self, bases: Mapping[str, Raw]) -> list[str]:
        """b summed over the plates, of every factor; what is not printed is 0."""
        others = [name for name in bases if name not in self.identities]
        found = [f"a base measure of {name}, which does not hold" for name in others]
        for name, identity in self.identities.items():
            whole = over(self.factors[name].plates, identity.base)
            printed = bases.get(name)
            raw = whole if printed is None else minus(printed, whole)
            found += self.zero(f"the printed base measure of {name}", raw)
        return found

    def q_entropy(self, printed: Raw) -> list[str]:
        """H[q] of the posterior, of a declared q, or 0 where there is nothing latent."""
        latents = {f.node.name for f in self.statement.factors if f.node.role == "latent"}
        what = PRINTED_Q
        if not latents:
            return self.zero(what, printed)
        if self.statement.variational == "exact":
            posterior = self.statement.posterior
            if posterior is None or latents != {posterior.latent.name}:
                return [f"{what}: no posterior is stated"]
            return self.zero(what, minus(printed, entropy_of(posterior)))
        shown = {item.statement: item for item in self.statement.entropies_of_q}
        if {q.node.name for q in self.statement.q} != latents:
            return [f"{what}: q does not cover the latents"]
        parts = []
        for q in self.statement.q:
            item = shown.get(q.name)
            if item is None:
                return [f"{what}: the entropy of {q.name} is not stated"]
            parts.append(over(q.plates, self.put_arguments(item, q, item.entropy)))
        return self.zero(what, minus(printed, sum_of(*parts)))

    def whole_sum(self, entropies: Sequence[Entropy]) -> Raw:
        """H[q], where it has a form of its own, less the entropies, with the base measures."""
        sums = self.statement.sums
        assert sums is not None
        parts = [negative(item.expanded) for item in entropies]
        parts += list((sums.bases or {}).values())
        return sum_of(ZERO if sums.q_entropy is None else sums.q_entropy, *parts)

    def printed_sum(self) -> list[str]:
        """What is printed adds up to the sum of the theorem.

        A summand that is the printed entropy of a factor, which is proved, is not proved again.
        """
        sums = self.statement.sums
        assert sums is not None and sums.printed is not None
        left = sums.entropies
        shown = []
        for sign, raw in sums.printed:
            same = (e for e in left if e.display is raw and e.factor in self.shown_entropies)
            entropy = next(same, None) if sign < 0 else None
            if entropy is not None:
                left = tuple(e for e in left if e is not entropy)
            else:
                shown.append(self.written_out(raw) if sign > 0 else negative(self.written_out(raw)))
        return self.zero(PRINTED_SUM, sum_of(negative(self.whole_sum(left)), *shown))

    def closed_form(self, closed: Raw) -> list[str]:
        """H[q] less the entropies, and nothing else."""
        sums = self.statement.sums
        assert sums is not None
        named = {item.factor for item in sums.entropies}
        if sums.q_entropy is None or sums.bases is None or named != set(self.factors):
            return [f"{CLOSED_FORM}: a summand has none"]
        shown = self.written_out(closed)
        if any(self.symbols[n].role in (*NODES, "variational") for n in names_in(shown)):
            return [f"{CLOSED_FORM} depends on the data"]
        return self.zero(CLOSED_FORM, minus(shown, self.whole_sum(sums.entropies)))

    # ------------------------------------------------------------ q

    def put_arguments(self, item: EntropyOfQ, q: Density, raw: Raw) -> Raw:
        """A term in the formal arguments of a density, at what the model puts there."""
        value = item.density.node
        events = formal_indices(value.shape)
        entry = ("v", q.node.name, q.node.kind, (*q.places, *events))
        return put(raw, None, arrays={**item.arguments, value.name: (events, entry)})

    def entropy_of_q(self, item: EntropyOfQ) -> list[str]:
        """H of a statement of q: (U) of its density along a motion of its arguments, with b = 0."""
        named = [q for q in self.statement.q if q.name == item.statement]
        if len(named) != 1:
            return [f"no statement {item.statement} of q"]
        (q,) = named
        density = item.density
        reasons = self.stands_for(item, q)
        if reasons:
            return reasons
        zero: Raw = ("q", Fraction(0))
        roles = {name: self.symbols[name] for name in self.symbols}
        for name in (*item.arguments, *names_in(density.log_density)):
            symbol = self.symbols[name]
            if symbol.role == "argument":
                roles[name] = symbol._replace(role="parameter")
            elif name != density.node.name:
                return [f"the density of {q.name} depends on {name}"]
        roles[density.node.name] = density.node._replace(role="observed")
        density = density._replace(node=roles[density.node.name])
        identity = Identity(density.name, zero, item.entropy, zero, zero)
        given = Ground(hypotheses_of((density,), (), self.statement.sizes, roles))
        if item.motion.rates or item.motion.shifts or item.motion.variational:
            return [f"the entropy of {q.name}: only arguments may move"]
        return (
            check_motion(item.motion, given, roles)
            or check_identity(density, identity, item.motion, given, roles)
            or self.zero(
                f"the density of {q.name}",
                minus(q.log_density, self.put_arguments(item, q, density.log_density)),
                inside_support(q, self.symbols),
            )
        )

    def stands_for(self, item: EntropyOfQ, q: Density) -> list[str]:
        """Reasons why what is shown of a density in formal arguments is not so of q: arguments and
        values lie in the domains of those that stand for them.
        """
        density = item.density
        what = f"the entropy of {q.name}"
        if density.conditions or density.plates or density.node.role != "value":
            return [f"{what}: a density with conditions, with plates, or of no value"]
        if density.node.shape != q.node.shape[len(q.places) :]:
            return [f"{what}: values of another shape"]
        found = []
        for domain in (density.node.domain, density.support):
            if not any(self.is_part(item, own, domain) for own in (q.node.domain, q.support)):
                found.append(f"{what}: values that are not shown to be {domain.word}")
        for name, array in item.arguments.items():
            symbol = self.symbols[name]
            if mentions_value(array[1], q):
                found.append(f"{what}: {name} depends on the value itself")
            if symbol.role != "argument" or not self.lies_in(item, symbol, array):
                found.append(f"{what}: {name} is not shown to be {symbol.domain.word}")
        return found

    def is_part(self, item: EntropyOfQ, domain: Domain, whole: Domain) -> bool:
        """Whether the values of a domain are among those of another, in formal arguments."""
        if whole.is_line:
            return True
        ends = ((domain.lower, whole.lower), (domain.upper, whole.upper))
        return domain.word == whole.word and all(
            formal is None
            or (own is not None and is_zero(minus(own, put(formal, None, arrays=item.arguments))))
            for own, formal in ends
        )

    def lies_in(self, item: EntropyOfQ, symbol: Symbol, array: Array) -> bool:
        """Whether what stands for an argument is shown to have values in its domain."""
        indices, body = array
        domain, given = symbol.domain, self.of_result
        if tuple(i[2:] for i in indices) != tuple((1, *extent) for extent in symbol.shape):
            return False
        if body[0] == "v" and self.is_part(item, self.symbols[body[1]].domain, domain):
            return not domain.depth or body[3][-domain.depth :] == indices[-domain.depth :]
        if domain.is_definite:
            return len(indices) == domain.depth and is_definite(array, given=given)
        signs = domain.lies_inside(indices, body)
        if signs is None or (domain.lower, domain.upper) != (None, None):
            return False  # ends in formal arguments
        positive, zero = signs
        return all(is_positive(raw, given=given) for raw in positive) and all(
            is_zero(raw, given=given) for raw in zero
        )

    def posterior(self, posterior: Posterior) -> list[str]:
        """log p(x, z) is a polynomial in z, of which minus the second derivative is the precision.

        Then it is quadratic, since the precision is free of z, and the posterior is normal.
        """
        latent = posterior.latent
        if latent.role != "latent" or not latent.domain.is_line or len(latent.shape) > 1:
            return [f"{latent.name} is no vector of real latents"]
        indices, precision = posterior.precision
        for name in sorted(names_in(precision)):
            if self.symbols[name].role not in ("parameter", "constant", "input", "observed"):
                return [f"the precision depends on {name}"]
        if tuple(i[2:] for i in indices) != tuple((1, *e) for e in latent.shape * 2):
            return ["the precision has another shape than the latent"]
        joint = sum_of(*(over(f.plates, f.log_density) for f in self.statement.factors))
        if not _is_polynomial(joint, latent.name):
            return [f"log p is not seen to be a polynomial in {latent.name}"]
        half = len(latent.shape)
        once = derivative(joint, _direction(latent, indices[:half]))
        twice = derivative(once, _direction(latent, indices[half:]))
        return self.zero("the precision of the posterior", sum_of(twice, precision))


# ---------------------------------------------------------------- terms


def over(plates: Iterable[RawIndex], raw: Raw) -> Raw:
    """The sum over plates, under new names."""
    for index in reversed(tuple(plates)):
        new = bound_index(f"p{index[1]}", index)
        raw = ("S", new, put(raw, {index: new}))
    return raw


def _direction(latent: Symbol, at: tuple[RawIndex, ...]) -> dict[str, Array]:
    """One entry moves with velocity 1."""
    formals = formal_indices(latent.shape)
    body: Raw = ONE
    for formal, index in zip(formals, at, strict=True):
        body = ("d", formal, index)
    return {latent.name: (formals, body)}


def _is_polynomial(raw: Raw, name: str) -> bool:
    """Whether entries of a name occur in sums, products and natural powers alone."""
    users = users_of(raw, name)
    for item in walk(raw):
        if id(item) not in users:
            continue
        if item[0] in ("f", "A", "Inv", "LD", "d", "iv"):
            return False
        if item[0] == "^":
            exponent = item[2]
            if exponent[0] != "q" or exponent[1].denominator != 1 or exponent[1] < 0:
                return False
    return True


def _definite(posterior: Posterior) -> list[Array]:
    """The precision is definite, since p(x) is finite."""
    return [posterior.precision] if len(posterior.precision[0]) == 2 else []


def entropy_of(posterior: Posterior) -> Raw:
    """n/2 log(2 pi e) - log det(precision)/2"""
    half: Raw = ("q", Fraction(1, 2))
    circle = sum_of(("f", "log", ("*", ("q", Fraction(2)), ("c", "pi"))), ONE)
    if not posterior.latent.shape:
        determinant: Raw = ("f", "log", posterior.precision[1])
        count: Raw = ONE
    else:
        determinant = ("LD", posterior.precision)
        size, offset = posterior.latent.shape[0]
        count = sum_of(("n", size), ("q", Fraction(offset))) if size else ("q", Fraction(offset))
    return minus(("*", half, count, circle), ("*", half, determinant))
