"""Claims in terms, as the tests write them, through the encoding to the checker."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from symelbo.answer.derivation import Derivation
from symelbo.certify.certificate import Certificate
from symelbo.certify.claim import DensityClaim, IdentityClaim, MotionClaim
from symelbo.certify.encode import Clash, Encoder
from symelbo.certify.state import (
    check_refutation,
    encode_density,
    encode_identity,
    encode_motion,
)
from symelbo.certify.state_derivation import render_certificate
from symelbo.checker import criterion, forms, interval, prove, terms
from symelbo.checker.prove import Ground
from symelbo.checker.statement import Malformed, Reader
from symelbo.checker.terms import NotShown, Raw, derivative, fresh, put
from symelbo.index.terms import Array, Domain, Index, IndexTerm, Offset, Symbol, Term

__all__ = [
    "FactorClaim",
    "Hypotheses",
    "RefutedFactor",
    "certificate_data",
    "certainly_nonsingular",
    "certainly_nonzero",
    "check_certificate",
    "check_closure",
    "check_factor",
    "check_motion",
    "checker_symbol",
    "derivative_along",
    "encode",
    "is_zero",
    "prove_defined",
    "prove_zero",
]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Hypotheses:
    """What may be used without proof."""

    nonzero: tuple[Term, ...] = ()
    positive: tuple[Term, ...] = ()
    posdef: tuple[Array, ...] = ()
    least: tuple[tuple[str, int], ...] = ()

    @classmethod
    def of(
        cls,
        nonzero: Iterable[Term] = (),
        positive: Iterable[Term] = (),
        posdef: Iterable[Array] = (),
        least: Mapping[str, int] | None = None,
    ) -> Hypotheses:
        return cls(
            tuple(nonzero), tuple(positive), tuple(posdef), tuple(sorted((least or {}).items()))
        )


@dataclass(frozen=True, slots=True)
class FactorClaim:
    """One factor at one point of its plates, with b, H~ and d, and D b as a term free of v."""

    name: str
    node: Symbol
    places: tuple[IndexTerm, ...]
    log_density: Term
    base: Term
    entropy: Term
    divergence: Term
    base_change: Term

    @property
    def density(self) -> DensityClaim:
        bases = (p.index if isinstance(p, Offset) else p for p in self.places)
        plates = tuple(p for p in bases if isinstance(p, Index))
        return DensityClaim(self.name, self.node, plates, self.places, self.log_density)

    @property
    def identity(self) -> IdentityClaim:
        return IdentityClaim(self.name, self.base, self.entropy, self.divergence, self.base_change)


@dataclass(frozen=True, slots=True)
class RefutedFactor:
    """A factor's log-density at one point of its plates, with the arguments of its family."""

    name: str
    node: Symbol
    plates: tuple[Index, ...]
    places: tuple[IndexTerm, ...]
    log_density: Term
    arguments: tuple[tuple[Domain, Array], ...]


NOTHING = Hypotheses()


def _through(
    encoded: Callable[[Encoder], T],
    read: Callable[[T, Reader], Any],
    least: Iterable[tuple[str, int]] = (),
) -> Any:
    """What is encoded with one table, read with it; least: the smallest values of sizes."""
    encoder = Encoder()
    data = encoded(encoder)
    return read(data, Reader({**encoder.tables(), "sizes": dict(least)}))


def _hypotheses(encoder: Encoder, given: Hypotheses) -> dict[str, Any]:
    return {
        "nonzero": [encoder.term(t) for t in given.nonzero],
        "positive": [encoder.term(t) for t in given.positive],
        "posdef": [encoder.array(a) for a in given.posdef],
    }


def _given(data: dict[str, Any], given: Hypotheses, reader: Reader) -> Ground:
    definite = []
    for indices, body in map(reader.terms.array, data["posdef"]):
        new = tuple(map(fresh, indices))
        definite.append((new, put(body, dict(zip(indices, new, strict=True)))))
    stated = forms.Hypotheses(
        tuple(map(reader.terms.term, data["nonzero"])),
        tuple(map(reader.terms.term, data["positive"])),
        tuple(definite),
        given.least,
    )
    return Ground(stated)


def _ask(term: Term, given: Hypotheses, ask: Callable[..., None]) -> None:
    try:
        _through(
            lambda e: (e.term(term), _hypotheses(e, given)),
            lambda d, r: ask(r.terms.term(d[0]), given=_given(d[1], given, r)),
            given.least,
        )
    except (Clash, Malformed) as error:
        raise NotShown(str(error)) from error


def prove_zero(term: Term, *, given: Hypotheses = NOTHING) -> None:
    """Raises NotShown unless the term is shown to vanish."""
    _ask(term, given, prove.prove_zero)


def prove_defined(term: Term, *, given: Hypotheses = NOTHING) -> None:
    """Raises NotShown unless the term has a value everywhere."""
    _ask(term, given, prove.prove_defined)


def is_zero(term: Term, *, given: Hypotheses = NOTHING) -> bool:
    """Whether the term is shown to vanish."""
    try:
        prove_zero(term, given=given)
    except NotShown:
        return False
    return True


def encode(term: Term) -> Raw:
    """A term as the checker reads it."""
    raw: Raw = _through(lambda e: e.term(term), lambda d, r: r.terms.term(d))
    return raw


def derivative_along(term: Term, field: Mapping[str, tuple[tuple[Index, ...], Term]]) -> Raw:
    """d/ds of a term, as the checker takes it."""
    moved: Raw = _through(
        lambda e: (e.term(term), {name: e.array(Array(*a)) for name, a in field.items()}),
        lambda d, r: derivative(
            r.terms.term(d[0]), {name: r.terms.array(a) for name, a in d[1].items()}
        ),
    )
    return moved


def _reasons(
    given: Hypotheses,
    encoded: Callable[[Encoder], Any],
    check: Callable[[Any, Reader, Ground], list[str]],
) -> list[str]:
    try:
        found: list[str] = _through(
            lambda e: (encoded(e), _hypotheses(e, given)),
            lambda d, r: check(d[0], r, _given(d[1], given, r)),
            given.least,
        )
    except (Clash, Malformed, NotShown) as error:
        return [str(error)]
    return found


def check_motion(motion: MotionClaim, given: Hypotheses) -> list[str]:
    """Reasons why the motion is not admissible."""
    return _reasons(
        given,
        lambda e: encode_motion(e, motion),
        lambda d, r, h: criterion.check_motion(r.motion(d), h, r.terms.symbols),
    )


def check_factor(factor: FactorClaim, motion: MotionClaim, given: Hypotheses) -> list[str]:
    """Reasons why (U) is not shown."""
    return _reasons(
        given,
        lambda e: (
            encode_density(e, factor.density),
            encode_identity(e, factor.identity),
            encode_motion(e, motion),
        ),
        lambda d, r, h: criterion.check_identity(
            r.density(d[0]), r.identity(d[1]), r.motion(d[2]), h, r.terms.symbols
        ),
    )


def check_closure(q: FactorClaim, motion: MotionClaim, given: Hypotheses) -> list[str]:
    """Reasons why q is not shown to follow the motion."""
    return _reasons(
        given,
        lambda e: (encode_density(e, q.density), encode_motion(e, motion)),
        lambda d, r, h: criterion.check_closure(
            r.density(d[0]), r.motion(d[1]), h, r.terms.symbols
        ),
    )


def check_certificate(certificate: Certificate, factors: Sequence[RefutedFactor]) -> list[str]:
    """Reasons why the weights do not refute (U)."""
    densities = [
        DensityClaim(
            f.name,
            f.node,
            f.plates,
            f.places,
            f.log_density,
            arguments=tuple(("", domain, array) for domain, array in f.arguments),
        )
        for f in factors
    ]
    return check_refutation(certificate, densities)


def certainly_nonsingular(matrix: Sequence[Sequence[Term]]) -> bool:
    """Whether the determinant is shown to differ from 0."""
    try:
        return bool(
            _through(
                lambda e: [[e.term(t) for t in line] for line in matrix],
                lambda d, r: interval.certainly_nonsingular(
                    [[r.terms.term(n) for n in line] for line in d]
                ),
            )
        )
    except Malformed:
        return False


def certainly_nonzero(term: Term) -> bool:
    """Whether a closed term is shown to differ from 0."""
    return certainly_nonsingular([[term]])


def checker_symbol(symbol: Symbol) -> terms.Symbol:
    """A symbol as the checker reads it."""
    found: terms.Symbol = _through(lambda e: e.symbol(symbol), lambda d, r: r.terms.symbols[d])
    return found


def certificate_data(derivation: Derivation) -> dict[str, Any]:
    """The certificate of a derivation, of all that the checker shows; no files are named."""
    data: dict[str, Any] = json.loads(render_certificate(derivation, {}))
    del data["files"]
    return data
