"""Derivation -> a page for the terminal: verdict, sum, each factor, what it all rests on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from textwrap import wrap
from typing import Final

from symelbo.answer.derivation import Derivation, FactorResult, Trial
from symelbo.answer.worked import (
    Velocity,
    WorkedFactor,
    WorkedMotion,
    name_velocities,
)
from symelbo.certify.certificate import Case, Certificate, CertificateRow, Given, Moved
from symelbo.certify.enclose import determinant_of, rounded
from symelbo.criterion.result import Closure, Holds, Outside, Refuted, Undecided
from symelbo.entropy.summand import Average, EntropySum, Summand
from symelbo.index.build import ZERO
from symelbo.index.terms import Role, Symbol, Term
from symelbo.limits import LEFT_OVER_TERMS
from symelbo.model.names import text_notation
from symelbo.model.quantities import Definition, explain_names, left_side
from symelbo.notation.break_lines import (
    Joint,
    Piece,
    break_lines,
    cut_pieces,
    enclose,
    join_pieces,
    turn,
)
from symelbo.notation.print_text import TEXT, TextNotation, has_marked_word, print_text
from symelbo.page.derivation_json import PRINTED_BOUND, residual_bound
from symelbo.values import dataclass
from symelbo.words import count_of, join_words

__all__ = ["abbreviations", "what_it_needs", "render_summary", "sum_text", "where_it_holds"]

_LEAST_WIDTH: Final = 48
_LABEL_WIDTH: Final = 16
_SHOWN_ROWS: Final = 8  # of a certificate; the others are in derivation.json
_STYLES: Final = {
    "proved": "1;32",
    "refuted": "1;31",
    "outside": "1;33",
    "undecided": "1;35",
    "title": "1",
    "label": "2",
}
_HEADINGS: Final = {
    "proved": "at every stationary point{where}, the ELBO {elbo} is this sum of {entropies}",
    "refuted": "no motion satisfies the criterion (U){where}: the theorem guarantees no sum of"
    " entropies",
    "outside": "the criterion does not apply to a factor",
    "undecided": "neither a motion nor a certificate against one was found",
}
_ASSUMPTION_LABELS: Final = {"standing": "assuming", "variational": "of q"}


@dataclass(frozen=True, slots=True)
class _Row:
    """A label and its text, which is wrapped beside it; a formula, in pieces, breaks before a sign.

    hang: how much further than the first line of the text the others are indented.
    """

    label: str
    text: str | Sequence[Piece]
    indent: int = 6
    hang: int = 0


def render_summary(
    derivation: Derivation,
    *,
    width: int = 80,
    color: bool = False,
    notes: Sequence[tuple[str, str]] = (),
) -> str:
    """The derivation in plain text of at most `width` columns (where formulas can be broken).

    color: with ANSI colours; notes: further (label, text) rows for the end.
    """
    paint = _paint if color else _leave
    width = max(width, _LEAST_WIDTH)
    model, verdict = derivation.model, derivation.verdict
    lines = [paint(line, "title") for line in wrap(model.name, width)]
    lines += wrap(model.reference, width)
    heading = verdict.upper()
    if derivation.theorem is not None:
        heading += f" by Theorem {derivation.theorem}"
    kinds = "entropies and pseudo-entropies" if derivation.theorem == 2 else "entropies"
    elbo = text_notation(model).word("F")
    text = _HEADINGS[verdict].format(where=where_it_holds(derivation), elbo=elbo, entropies=kinds)
    if verdict == "undecided" and derivation.closure is Closure.BROKEN:
        text = "(U) holds of the model, but the declared q is not shown to follow the motion"
    first, *rest = wrap(f"{heading}: {text}", width)
    lines += [paint(heading, verdict) + first[len(heading) :], *rest, ""]
    groups = (
        _sum_rows(derivation),
        _motion_rows(derivation),
        *_factor_groups(derivation),
        _basis_rows(derivation, notes),
    )
    blocks = ([line for row in group for line in _lay_out(row, width, paint)] for group in groups)
    body = "\n\n".join("\n".join(block) for block in blocks if block)
    if has_marked_word(body):
        row = _Row("notation", "words that begin with _ are no names of the model", 2)
        body += "\n" + "\n".join(_lay_out(row, width, paint))
    return "\n".join(lines) + "\n" + body + "\n"


def _paint(text: str, style: str) -> str:
    return f"\x1b[{_STYLES[style]}m{text}\x1b[0m"


def _leave(text: str, style: str) -> str:
    return text


def _lay_out(row: _Row, width: int, paint: Callable[[str, str], str]) -> list[str]:
    margin = row.indent + (_LABEL_WIDTH if row.label else 0)
    room = width - margin - row.hang
    if isinstance(row.text, str):
        first, *rest = wrap(row.text, room)
    else:
        first, *rest = break_lines(row.text, room, TEXT)
    label = paint(row.label.ljust(_LABEL_WIDTH), "label") if row.label else ""
    return [" " * row.indent + label + first, *(" " * (margin + row.hang) + text for text in rest)]


def _formula(notation: TextNotation, term: Term, head: str = "") -> list[Piece]:
    """head and a term, in pieces."""
    return enclose(head, notation.summands(term), "", Joint.PLUS, TEXT)


# ---------------------------------------------------------------- the sum


def sum_text(derivation: Derivation) -> str:
    """The right-hand side of F = ... in nats per data point, as one line; "" if it is not proved.

    mean[...] is the mean over the data points, E_q[...] that of the expectation under q;
    `abbreviations` says what other new names stand for.
    """
    whole = derivation.entropy_sum
    if derivation.verdict != "proved" or whole is None:
        return ""
    return join_pieces(_sum_pieces(text_notation(derivation.model), whole), TEXT)


def _sum_pieces(notation: TextNotation, whole: EntropySum) -> list[Piece]:
    if whole.closed_form is not None:
        return notation.summands(whole.closed_form)
    found = [piece for summand in whole.printed for piece in _summand_pieces(notation, summand)]
    return found or [Piece("0")]


def _summand_pieces(notation: TextNotation, summand: Summand) -> list[Piece]:
    """The mean of a term over what it depends on, with its sign; a fixed sum term by term."""
    if summand.term is None:
        pieces = [Piece(f"{notation.word('mean')} {notation.word('H')}[{notation.word('q')}]")]
    elif summand.average is Average.NONE:
        pieces = notation.summands(summand.display)
    else:
        pieces = [
            Piece(f"{notation.word(summand.average.value)}[{notation.print(summand.display)}]")
        ]
    return pieces if summand.sign > 0 else turn(pieces)


def abbreviations(derivation: Derivation) -> list[str]:
    """`a[d] = ...` for each name that stands for a long argument in the entropies."""
    whole = derivation.entropy_sum
    notation = text_notation(derivation.model)
    pairs = explain_names(derivation.model, whole.abbreviations) if whole else ()
    return [join_pieces(pieces, TEXT) for pieces in _abbreviations(notation, pairs)]


def _abbreviations(
    notation: TextNotation, pairs: Iterable[Definition], head: str = ""
) -> Iterator[list[Piece]]:
    for symbol, array in pairs:
        entry, body = left_side(symbol, array), array.body
        if entry.indices == array.indices:
            (named,) = name_velocities({symbol: array})
            entry, body = named.entry, named.velocity
        yield _formula(notation, body, f"{head}{notation.print(entry)} = ")


def _sum_rows(derivation: Derivation) -> Iterator[_Row]:
    text, whole = sum_text(derivation), derivation.entropy_sum
    if not text or whole is None:
        return
    notation = text_notation(derivation.model)
    head = f"{notation.word('F')} = "
    yield _Row("", enclose(head, _sum_pieces(notation, whole), "", Joint.PLUS, TEXT), 2, hang=4)
    pairs = explain_names(derivation.model, whole.abbreviations)
    for pieces in _abbreviations(notation, pairs, "with "):
        yield _Row("", pieces, 2, hang=4)
    legend = []
    averages = {s.average for s in whole.printed} if whole.closed_form is None else set()
    if Average.DATA in averages or any(s.term is None for s in whole.printed):
        legend.append(f"{notation.word(Average.DATA.value)}: over the data points")
    if Average.Q in averages:
        text = "expectation under q, then mean over the data points"
        legend.append(f"{notation.word(Average.Q.value)}: {text}")
    if legend:
        yield _Row("", "; ".join(legend), 2)


# ---------------------------------------------------------------- the motion


def where_it_holds(derivation: Derivation) -> str:
    """ " where w is not 0 and H >= 2": the conditions that belong into the headline.

    Of a refutation: " for D = 1, c[1] = 2 and some smooth m, latents moving entry by entry".
    """
    conditions = what_it_needs(derivation)
    refuted = [r.result for r in derivation.factors if isinstance(r.result, Refuted)]
    if refuted:
        certificate = refuted[0].certificate
        shown = [f"{name} = {count}" for name, count in certificate.sizes]
        if len(certificate.constants) <= _SHOWN_ROWS:
            shown += [_value(*item) for item in certificate.constants]
        else:
            named = dict.fromkeys(name for (name, _), _ in certificate.constants)
            shown += [f"some {name}" for name in named]
        shown += [f"some smooth {function.name}" for function, _, _ in certificate.functions]
        of = f" for {join_words(shown)}" if shown else ""
        free = any(s.node.domain.motions is not None for s in derivation.model.latents)
        return of + (", latents moving entry by entry" if free and not certificate.still else "")
    return f" where {conditions}" if conditions else ""


def what_it_needs(derivation: Derivation) -> str:
    """What must not vanish, and the sizes that must not be small: w is not 0 and H >= 2"""
    notation = text_notation(derivation.model)
    parts = [
        f"{notation.print(a.term)} is not 0"
        for a in derivation.assumptions
        if a.kind == "nonzero" and a.term is not None
    ]
    parts += [f"{a.size[0]} >= {a.size[1]}" for a in derivation.assumptions if a.size is not None]
    return " and ".join(parts)


def _motion_rows(derivation: Derivation) -> Iterator[_Row]:
    label, notation = "along", text_notation(derivation.model)
    for moved in _moving(derivation.worked.motion):
        role = {Role.LATENT: " (a latent)", Role.VARIATIONAL: " (of q)"}.get(moved.symbol.role, "")
        yield _Row(label, enclose("", _velocity(notation, moved), role, Joint.PLUS, TEXT), 2)
        label = " "


def motion_texts(notation: TextNotation, motion: WorkedMotion) -> list[str]:
    """d/ds theta = velocity, for everything that moves."""
    return [join_pieces(_velocity(notation, moved), TEXT) for moved in _moving(motion)]


def _moving(motion: WorkedMotion) -> list[Velocity]:
    return name_velocities(dict(sorted(motion.velocities().items(), key=_by_kind)))


def _velocity(notation: TextNotation, moved: Velocity) -> list[Piece]:
    rate = f"{notation.word('d')}/{notation.word('ds')}"
    return _formula(notation, moved.velocity, f"{rate} {notation.print(moved.entry)} = ")


def _by_kind(item: tuple[Symbol, object]) -> tuple[int, str]:
    roles = (Role.PARAMETER, Role.LATENT, Role.VARIATIONAL)
    return roles.index(item[0].role), item[0].name


# ---------------------------------------------------------------- the factors


def _factor_groups(derivation: Derivation) -> Iterator[list[_Row]]:
    notation = text_notation(derivation.model)
    entropies = derivation.entropies
    shown: dict[str, Refuted] = {}
    model, whole = derivation.model, derivation.entropy_sum
    stated = whole.abbreviations if whole is not None and sum_text(derivation) else ()
    quantities = dict(model.formulas)
    defined = {symbol for symbol, _ in explain_names(model, stated) if symbol in quantities}
    for statement, result, worked in zip(
        derivation.model.statements, derivation.factors, derivation.worked.factors, strict=True
    ):
        title = f"{result.node} ~ {statement.family.name}"
        rows: list[_Row]
        match result.result:
            case Holds():
                entropy = entropies[result.node]
                pairs = explain_names(model, entropy.abbreviations)
                new = [pair for pair in pairs if pair[0] not in defined]
                defined |= {symbol for symbol, _ in new if symbol in quantities}
                rows = list(_identity_rows(notation, result, worked, entropy, new))
            case Refuted() as refuted:
                title += ": refuted"
                known = [n for n, r in shown.items() if r.certificate == refuted.certificate]
                if known:
                    title += f" together with {known[0]}"
                    rows = []
                else:
                    rows = [
                        _Row("because", refuted.cause),
                        _Row("certificate", _describe(notation, refuted.certificate, worked)),
                    ]
                    if refuted.remedy:
                        rows.append(_Row("to change", refuted.remedy))
                shown[result.node] = refuted
            case Outside(reason=reason, piece=piece, certificate=certificate):
                title += ": outside"
                rows = [_Row("because", reason)]
                if piece is not None:
                    rows.append(_Row("the piece", _formula(notation, piece)))
                if certificate is not None:
                    rows.append(_Row("certificate", _describe(notation, certificate, worked)))
            case Undecided(residual=residual, missing=missing):
                title += ": undecided"
                left, more = cut_pieces(notation.summands(residual), LEFT_OVER_TERMS)
                rows = [_Row("left over", left), _Row("missing", missing)]
                if more:
                    rows.insert(1, _Row(" ", f"and {count_of(more, 'term')} more"))
        yield [_Row("", title, 2), *rows]


def _identity_rows(
    notation: TextNotation,
    result: FactorResult,
    worked: WorkedFactor,
    entropy: Summand,
    definitions: Iterable[Definition],
) -> Iterator[_Row]:
    if result.form is not None and result.form.conditional:
        held = ", ".join(symbol.name for symbol in result.form.held)
        yield _Row("form", f"conditional: {held} held fixed")
    if worked.identity is not None and worked.identity.base != ZERO:
        yield _Row(
            "base measure", _formula(notation, worked.identity.base, f"log {notation.word('h')} = ")
        )
    kind = entropy.kind.value.replace("_", "-")
    yield _Row(kind, _formula(notation, entropy.display))
    for pieces in _abbreviations(notation, definitions, "with "):
        yield _Row(" ", pieces)


def _describe(notation: TextNotation, certificate: Certificate, worked: WorkedFactor) -> str:
    """Where (U) fails, in one sentence."""
    given = [f"{name} = {count}" for name, count in certificate.sizes]
    given += [_value(*item) for item in certificate.constants]
    if len(certificate.points) == 1:
        given += [_value(*item) for item in certificate.points[0]]
    for function, formals, array in certificate.functions:
        arguments = ", ".join(formal.name for formal in formals)
        given.append(f"{function.name}({arguments}) = {notation.print(array)}")
    place = f"at {', '.join(given)}: " if given and len(given) <= _SHOWN_ROWS else ""
    cases = [
        _describe_case(case, certificate, read.idle)
        for case, read in zip(certificate.cases, worked.cases, strict=True)
    ]
    if len(cases) > 1:
        cases = [f"({n}) {text}" for n, text in enumerate(cases, start=1)]
    return place + "; ".join(cases)


def _describe_case(case: Case, certificate: Certificate, idle: Sequence[str]) -> str:
    def at_inputs(number_of: int | None) -> str:
        given = () if number_of is None else certificate.inputs[number_of]
        return " at " + ", ".join(_value(*item) for item in given) if given else ""

    def text(entry: Moved, way: str) -> str:
        at, inputs = entry
        return f"{_entry_text(*at)} {way}{at_inputs(inputs)}"

    many = len(certificate.points) > 1
    ways = {True: "is only shifted", False: "moves"}
    moving = [text(entry, ways[entry in case.shifted]) for entry in case.moving]
    resting = [text(entry, "rests") for entry in case.resting]
    given = f"if {' and '.join([*moving, *resting])}: " if moving or resting else ""
    if idle:
        names = join_words(idle)
        given += f"nothing moves in {names}, so that b would have to be constant there; "
    left = len(case.unknowns)
    if left:
        names = join_words(
            [
                _entry_text(u.name, u.place)
                + (f" at point {u.point + 1}" if many and u.point is not None else "")
                + at_inputs(u.inputs)
                for u in case.unknowns
            ]
        )
        return (
            f"{given}{left + 1} combinations of {len(case.rows)} rows leave only {names}, and of"
            f" them a system with determinant {rounded(determinant_of(case.matrix))}"
        )
    what = "motion and entropy" if idle else "motion, base measure and entropy"
    found = f"{len(case.rows)} weights annihilate every {what}"
    if len(case.rows) <= _SHOWN_ROWS:
        listed = ", ".join(
            f"{row.weights[0]} ({_row_text(row, certificate.inputs[row.inputs])})"
            for row in case.rows
        )
        found = f"the weights {listed} annihilate every {what}"
    return f"{given}{found}, but take log p to {print_text(case.matrix[0][0])}"


def _row_text(row: CertificateRow, inputs: Given) -> str:
    values = [_value(*item) for item in (*row.value, *inputs, *row.parents)]
    return "; ".join(values) or row.factor


def _entry_text(name: str, place: tuple[int, ...]) -> str:
    return f"{name}{list(place) if place else ''}".replace(", ", ",")


def _value(at: tuple[str, tuple[int, ...]], value: object) -> str:
    return f"{_entry_text(*at)} = {value}"


# ---------------------------------------------------------------- what it rests on


def _trial_text(trial: Trial, whole: bool) -> str:
    bound = residual_bound(trial.residual)
    text = "(U) proved for all sizes" if whole else "(U) of the other factors proved for all sizes"
    if bound is not None:
        text += f"; tried at {count_of(trial.trials, 'point')}: relative residual < {bound:.0e}"
    if trial.untried:
        text += f"; not tried in numbers: (U) of {join_words(trial.untried)}"
    printed = residual_bound(trial.printed, PRINTED_BOUND)
    if printed is not None:
        text += (
            f"; the sum as printed against F, integrated, at"
            f" {count_of(trial.printed_trials, 'point')}: < {printed:.0e}"
        )
    return text


def _basis_rows(derivation: Derivation, notes: Sequence[tuple[str, str]]) -> Iterator[_Row]:
    by_label: dict[str, list[str]] = {}
    for assumption in derivation.assumptions:
        label = _ASSUMPTION_LABELS.get(assumption.kind, "provided")
        by_label.setdefault(label, []).append(assumption.text)
    for condition in derivation.conditions:
        texts = by_label.setdefault("provided", [])
        if condition not in texts:
            texts.append(condition)
    model = derivation.model
    for unused in model.unused:
        by_label.setdefault("note", []).append(
            f"no density depends on `{unused.name}`, {unused.what} ({unused.place})"
        )
    if model.variational == "exact" and model.latents and derivation.posterior is None:
        by_label.setdefault("of q", []).append(
            "no closed form of the exact posterior was derived: its entropy and the expectations"
            " under it stay in the sum"
        )
    for label, texts in by_label.items():
        yield _Row(label, "; ".join(texts), 2)
    alternative = derivation.worked.alternative
    if alternative is not None:
        moved = "; ".join(motion_texts(text_notation(derivation.model), alternative))
        text = f"Theorem 1 holds as well, along {moved}, if the family of q is closed under it"
        other = derivation.decision.alternative
        if other is not None and other.closure is Closure.SHOWN:
            text += ", as is shown for the declared q"
        yield _Row("also", text, 2)
    if derivation.trial is not None:
        whole = all(result.identity is not None for result in derivation.factors)
        yield _Row("checked", _trial_text(derivation.trial, whole), 2)
    for label, text in notes:
        yield _Row(label, text, 2)
