"""Derivation -> a page for the terminal: verdict, sum, one paragraph per factor, what it rests on."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import Final

from symelbo.criterion.factor import Factor
from symelbo.criterion.reparameterize_prior import NotReparameterized, Reparameterization
from symelbo.criterion.result import Outside, Refutation, Solution, Undecided
from symelbo.derivation import Derivation, EntropySum, FactorEntropy, FactorResult
from symelbo.expfam.form import Gauge
from symelbo.index.build import ZERO, negate
from symelbo.index.normal import normal
from symelbo.index.terms import Entry, Role, Symbol, Term
from symelbo.render.derivation_json import residual_bound
from symelbo.render.names import name_array_indices
from symelbo.render.print_text import print_text
from symelbo.verify.certificate import Certificate

__all__ = ["render_summary", "sum_text"]

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
    "proved": "at every stationary point, the ELBO F is this sum of entropies",
    "refuted": "no sum of entropies is guaranteed at the stationary points of the ELBO",
    "outside": "a factor is no exponential family in its parameters",
    "undecided": "neither a field nor a certificate against one was found",
}
_ASSUMPTION_LABELS: Final = {"standing": "assuming", "variational": "of q"}


@dataclass(frozen=True, slots=True)
class _Row:
    """A label and its text, which is wrapped beside it; a formula breaks before a sign."""

    label: str
    text: str
    indent: int = 6
    formula: bool = False


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

    def paint(text: str, style: str) -> str:
        return f"\x1b[{_STYLES[style]}m{text}\x1b[0m" if color else text

    width = max(width, 40)
    model, verdict = derivation.model, derivation.verdict
    lines = [paint(line, "title") for line in wrap(model.name, width)]
    lines += wrap(model.reference, width)
    heading = verdict.upper()
    if derivation.theorem is not None:
        heading += f" by Theorem {derivation.theorem}"
    first, *rest = wrap(f"{heading}: {_HEADINGS[verdict]}", width)
    lines += [paint(heading, verdict) + first[len(heading) :], *rest, ""]
    for group in (_sum_rows(derivation), *_factor_groups(derivation), _basis_rows(derivation, notes)):
        for row in group:
            lines += _lay_out(row, width, paint)
        lines.append("")
    return "\n".join(lines[:-1]) + "\n"


def _lay_out(row: _Row, width: int, paint: object) -> list[str]:
    margin = row.indent + (_LABEL_WIDTH if row.label else 0)
    pieces = _break_formula if row.formula else wrap
    texts = pieces(row.text, max(width - margin, 20)) or [""]
    assert callable(paint)
    label = paint(row.label.ljust(_LABEL_WIDTH), "label") if row.label else ""
    return [" " * row.indent + label + texts[0]] + [" " * margin + text for text in texts[1:]]


def _break_formula(text: str, width: int) -> list[str]:
    """Lines of whole summands where they fit; a longer one breaks at its spaces."""
    lines = [""]
    for summand in _summands(text):
        joined = f"{lines[-1]} {summand}".strip()
        if len(joined) <= width:
            lines[-1] = joined
            continue
        if lines[-1]:
            lines.append("")
        parts = wrap(summand, width, break_long_words=False, break_on_hyphens=False)
        lines[-1:] = [parts[0], *(f"  {part}" for part in parts[1:])]
    return lines


def _summands(text: str) -> Iterator[str]:
    """The text split before each + and - that stands outside of all brackets."""
    depth, start = 0, 0
    for at, character in enumerate(text):
        depth += (character in "([") - (character in ")]")
        if depth == 0 and text[at : at + 3] in (" + ", " - "):
            yield text[start:at]
            start = at + 1
    yield text[start:]


# ---------------------------------------------------------------- the sum


def sum_text(entropy_sum: EntropySum) -> str:
    """The right-hand side of F = ... in nats per data point, as one line.

    mean[...] is the mean over the data points, E_q[...] that of the expectation under q.
    """
    if entropy_sum.closed_form is not None:
        return print_text(entropy_sum.closed_form)
    parts = []
    q_entropy = entropy_sum.q_entropy
    if q_entropy is None:
        parts.append("mean H[q]")
    elif q_entropy != ZERO:
        text = print_text(q_entropy)
        parts.append(f"mean[{text}]" if entropy_sum.q_depends_on_data else text)
    parts += [_average(negate(e.term), e.parents) for e in entropy_sum.entropies]
    parts += [_average(term, _varying(term)) for _, term in entropy_sum.bases]
    return re.sub(r" \+ -", " - ", " + ".join(part for part in parts if part != "0"))


def _average(term: Term, varying: Sequence[Symbol]) -> str:
    """The mean of a term over what it depends on, with its sign in front."""
    term = normal(term)
    if not varying:
        return print_text(term)
    mean = "E_q" if any(s.role is Role.LATENT for s in varying) else "mean"
    text, opposite = print_text(term), print_text(normal(negate(term)))
    if text.startswith("-") and not opposite.startswith("-"):
        return f"-{mean}[{opposite}]"
    return f"{mean}[{text}]"
