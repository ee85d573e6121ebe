"""Derivation -> certificate.json: what is claimed of a model, checked as it is written."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final

from symelbo import __version__
from symelbo.answer.derivation import Derivation
from symelbo.certify.certificate import Certificate
from symelbo.certify.claim import DensityClaim, MotionClaim, MotionWithIdentities, state_density
from symelbo.certify.encode import Encoder, Json
from symelbo.certify.state import (
    encode_claim,
    encode_density,
    encode_motion,
    encode_refutation,
)
from symelbo.checker.check import (
    CLOSED_FORM,
    CONSISTENCY,
    ENTROPY_OF_Q,
    POSTERIOR,
    PRINTED_BASES,
    PRINTED_ENTROPY,
    PRINTED_Q,
    PRINTED_SUM,
    REJECTED,
    Part,
    check_bytes,
)
from symelbo.checker.statement import SCHEMA
from symelbo.criterion.confirm import claim_identity, claim_motion
from symelbo.criterion.result import Closure, Decision, Holds, Outside, Refuted
from symelbo.entropy.entropy_of_density import radial_entropy
from symelbo.entropy.summand import EntropySum
from symelbo.index.terms import Array, Index, Symbol
from symelbo.model.least_sizes import least_values
from symelbo.model.model import Statement

__all__ = ["CertificateRejected", "render_certificate"]


class CertificateRejected(Exception):
    """What was found is not what the checker can show: a defect of symelbo."""


def render_certificate(derivation: Derivation, files: Mapping[str, bytes]) -> bytes:
    """The bytes of certificate.json for what is written with it, of every part that is shown.

    What the checker does not show is listed.  Raises CertificateRejected if it does not accept the
    very bytes that are returned.
    """
    hashes = {name: sha256(content).hexdigest() for name, content in sorted(files.items())}
    data = {**_state(derivation), "files": hashes}
    while True:
        content = _print_lines(data).encode()
        report = check_bytes(content, files)
        if CONSISTENCY in set(report.unproved) - set(data["unproved"]):
            data["unproved"].append(CONSISTENCY)
            continue
        if report.status != REJECTED:
            return content
        if report.failed is None or report.failed.what not in _OPTIONAL:
            raise CertificateRejected(f"the certificate is rejected: {'; '.join(report.reasons)}")
        _leave_out(data, report.failed)


def _state(derivation: Derivation) -> Json:
    """Everything that is claimed."""
    model, decision = derivation.model, derivation.decision
    encoder = Encoder()
    declared = isinstance(model.variational, tuple)
    results = {result.factor.name: result for result in decision.results}
    claims = [_claim(decision, declared)] if any(map(_holds, results.values())) else []
    if decision.alternative is not None:
        claims.append(_claim(decision.alternative, declared))
    refutations: dict[int, tuple[Certificate, list[str]]] = {}
    undecided = []
    for name, result in results.items():
        match result:
            case Refuted(certificate=certificate, factors=factors):
                refutations[id(certificate)] = certificate, [f.name for f in factors]
            case Outside(certificate=Certificate() as certificate, factors=factors):
                refutations[id(certificate)] = certificate, [f.name for f in factors]
            case Holds():
                pass
            case _:
                undecided.append(name)
    refuted = {name for _, names in refutations.values() for name in names}
    entropy_sum = derivation.entropy_sum
    posterior = derivation.posterior
    data: Json = {
        "schema": SCHEMA,
        "symelbo_version": __version__,
        "model": model.name,
        "spec_sha256": model.sha256,
        "verdict": derivation.verdict,
        "theorem": derivation.theorem,
        "sizes": {
            **dict.fromkeys(model.sizes, 1),
            **least_values(model.all_statements),
        },
        "variational": "declared" if declared else model.variational,
        "factors": [
            encode_density(encoder, state_density(s), arguments=s.label in refuted)
            for s in model.statements
        ],
        "q": [encode_density(encoder, state_density(s)) for s in model.declared],
        "claims": [encode_claim(encoder, claim) for claim in claims],
        "refutations": [
            encode_refutation(encoder, certificate, names)
            for certificate, names in refutations.values()
        ],
        "undecided": undecided,
        "unproved": [],
        "posterior": None,
        "entropies_of_q": [],
        "sum": None,
    }
    if decision.closure is Closure.BROKEN:
        data["unproved"].append("that the declared q follows the motion")
    if posterior is not None:
        precision = encoder.array(posterior.precision)
        latent = encoder.symbol(posterior.latent)
        data["posterior"] = {"latent": latent, "precision": precision}
    if entropy_sum is not None:
        data["sum"] = _sum(encoder, derivation, entropy_sum)
        if entropy_sum.q_entropy is not None:
            data["entropies_of_q"] = [
                e for s in model.declared if (e := _entropy_of_q(encoder, s)) is not None
            ]
    tables = encoder.tables()
    after = list(data).index("variational")
    items = list(data.items())
    return dict([*items[:after], *tables.items(), *items[after:]])


def _holds(result: object) -> bool:
    return isinstance(result, Holds)


def _claim(decision: Decision, declared: bool) -> MotionWithIdentities:
    """The motion of a decision, with the factors that it serves."""
    held = [result for result in decision.results if isinstance(result, Holds)]
    follows = decision.closure in (Closure.SHOWN, Closure.NOT_NEEDED) and decision.holds
    return MotionWithIdentities(
        claim_motion(decision.motion),
        tuple(claim_identity(result.identity) for result in held),
        tuple(dict.fromkeys(term for result in held for term in result.nonzero)),
        declared and follows,
    )


# ---------------------------------------------------------------- what is printed


def _sum(encoder: Encoder, derivation: Derivation, entropy_sum: EntropySum) -> Json:
    """The summands as they are printed, and what their own names stand for."""
    closed, q_entropy = entropy_sum.closed_form, entropy_sum.q_entropy
    every = (*entropy_sum.summands, *entropy_sum.printed)
    data: Json = {
        "q_entropy": None if q_entropy is None else encoder.term(q_entropy),
        "entropies": [
            {
                "factor": entropy.node,
                "display": encoder.term(entropy.display),
                "expanded": encoder.term(entropy.known),
            }
            for entropy in entropy_sum.entropies
        ],
        "bases": {base.node: encoder.term(base.known) for base in entropy_sum.bases},
        "printed": [
            {"sign": summand.sign, "display": encoder.term(summand.display)}
            for summand in entropy_sum.printed
            if summand.term is not None
        ],
        "closed_form": None if closed is None else encoder.term(closed),
        "abbreviations": encoder.arrays({s: a for item in every for s, a in item.abbreviations}),
    }
    return {**data, "definitions": _definitions(encoder, derivation)}


def _definitions(encoder: Encoder, derivation: Derivation) -> Json:
    """The entropy of an abstract family is a name of its own."""
    found: Json = {}
    for result in derivation.factors:
        identity = result.identity
        family = result.factor.statement.family
        name = family.functions["H"]
        if identity is None or identity.formal is None or name not in encoder.symbols:
            continue
        formals = [encoder.symbol(formal) for formal in result.factor.arguments()]
        found[name] = {"arguments": formals, **encoder.array(Array((), identity.formal))}
    return found


def _entropy_of_q(encoder: Encoder, statement: Statement) -> Json | None:
    """The entropy of the family of a statement of q, and what stands for its arguments."""
    found = radial_entropy(statement)
    if found is None:
        return None
    density, speeds, entropy = found
    arguments: dict[Symbol, Array] = {
        formal: array
        for formal, (_, array) in zip(statement.density.arguments, statement.arguments, strict=True)
    }
    value = density.value
    places: tuple[Index, ...] = ()
    claim = DensityClaim(
        f"{statement.family.name} of {statement.label}", value, (), places, density.term
    )
    return {
        "statement": statement.label,
        "density": encode_density(encoder, claim),
        "motion": encode_motion(encoder, MotionClaim(parameters=speeds)),
        "entropy": encoder.term(entropy),
        "arguments": encoder.arrays(arguments),
    }


# ---------------------------------------------------------------- what is not shown


# what the checker may fail to show: where it stands, and what names it where it is one of a list
_OPTIONAL: Final[Mapping[str, tuple[str, str, str]]] = {
    POSTERIOR: ("", "posterior", ""),
    ENTROPY_OF_Q: ("", "entropies_of_q", "statement"),
    PRINTED_ENTROPY: ("sum", "entropies", "factor"),
    PRINTED_BASES: ("sum", "bases", ""),
    PRINTED_Q: ("sum", "q_entropy", ""),
    PRINTED_SUM: ("sum", "printed", ""),
    CLOSED_FORM: ("sum", "closed_form", ""),
}


def _leave_out(data: Json, part: Part) -> None:
    """Take a part out of the statement, and list it."""
    data["unproved"].append(str(part))
    outer, key, name = _OPTIONAL[part.what]
    inside: Any = data[outer] if outer else data
    inside[key] = [item for item in inside[key] if item[name] != part.of] if name else None


# ---------------------------------------------------------------- text


def _print_lines(data: Json) -> str:
    """JSON with a line for every part that is read by itself."""
    lines = []
    for key, value in data.items():
        lines.append(f"{_text(key)}: {_print_part(value)}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _print_part(value: Any) -> str:
    if isinstance(value, list) and value and isinstance(value[0], (list, dict)):
        return "[\n" + ",\n".join(f" {_text(item)}" for item in value) + "\n]"
    if isinstance(value, dict) and any(isinstance(v, (list, dict)) for v in value.values()):
        inner = (f" {_text(name)}: {_text(item)}" for name, item in value.items())
        return "{\n" + ",\n".join(inner) + "\n}"
    return _text(value)


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
