"""derivation -> LaTeX: the proof as a document, as an appendix, and the result in one line.

Prose is general; every formula is printed from a term of the derivation.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from math import log10, nan
from typing import Any

import symelbo
from symelbo.answer.derivation import Derivation, FactorResult, Trial
from symelbo.answer.shorthand import shorten
from symelbo.answer.worked import Velocity, WorkedCase, name_velocities
from symelbo.certify.certificate import Case, Certificate, Given, Unknown, What
from symelbo.certify.enclose import Bounds, determinant_of, enclosure, rounded
from symelbo.criterion.factor import Factor
from symelbo.criterion.result import Closure, Outside, Refuted, Undecided
from symelbo.entropy.summand import Kind, varying
from symelbo.index.build import ZERO, number
from symelbo.index.substitute import symbols_of
from symelbo.index.terms import Array, Entry, Extent, Index, Position, Role, Symbol, Term
from symelbo.limits import LEFT_OVER_TERMS
from symelbo.model.quantities import Definition
from symelbo.notation.break_lines import Piece, cut_pieces, join_pieces
from symelbo.notation.names import (
    RESERVED,
    escape_latex,
    latex_extent,
    latex_name,
    latex_symbol,
    name_array_indices,
)
from symelbo.notation.print_latex import LATEX, latex_velocity, latex_width
from symelbo.page.derivation_json import LEAST_BOUND, PRINTED_BOUND, residual_bound
from symelbo.page.document_factors import (
    FactorPart,
    make_factor_part,
    process_row,
)
from symelbo.page.document_notation import (
    Notation,
    Row,
    choose_notation,
    ranges,
    sum_signs,
)
from symelbo.page.document_result import ResultPrinter
from symelbo.page.latex_templates import fill_appendix, fill_proof
from symelbo.values import dataclass
from symelbo.words import count_of, join_words

__all__ = ["render_documents", "render_headline", "render_proof"]

TABLE = 44.0  # em that a table may be wide
MAX_COLUMNS = 7  # combinations of rows that stand as columns of the table
MAX_MATRIX = 10  # columns, which is what amsmath allows
MAX_CONSTANTS = 8  # that the headline lists


def render_documents(derivation: Derivation) -> tuple[str, str]:
    r"""proof.tex and appendix.tex: a complete document, and its body to be \input into a paper.

    The document needs amsmath, amssymb, amsthm and the fonts of a plain TeX installation.
    """
    context = _Document.of(shorten(derivation)).context()
    return _tidy_lines(fill_proof(context)), _tidy_lines(fill_appendix(context))


def render_proof(derivation: Derivation) -> str:
    """proof.tex alone."""
    return render_documents(derivation)[0]


def render_headline(derivation: Derivation) -> str:
    """The result in one line of mathematics: F = ..., or the verdict in words."""
    document = _Document.of(shorten(derivation))
    if derivation.verdict != "proved":
        return rf"\text{{{derivation.verdict}}}"
    return rf"\mathcal{{F}} = {join_pieces(document.printer.explicit(), LATEX)}"


def _tidy_lines(text: str) -> str:
    """No blanks at the ends of lines, one empty line at a time."""
    lines = (line.rstrip() for line in text.splitlines())
    kept: list[str] = []
    for line in lines:
        if line or (kept and kept[-1]):
            kept.append(line)
    return "\n".join(kept).rstrip("\n") + "\n"


@dataclass(frozen=True, slots=True)
class _Document:
    """One derivation with its notation and its printed parts."""

    derivation: Derivation
    notation: Notation
    parts: tuple[FactorPart, ...]
    printer: ResultPrinter

    @classmethod
    def of(cls, derivation: Derivation) -> _Document:
        notation = choose_notation(derivation.model)
        entropies = derivation.entropies
        parts = tuple(
            make_factor_part(notation, derivation, number, entropies.get(result.node))
            for number, result in enumerate(derivation.factors)
        )
        return cls(derivation, notation, parts, ResultPrinter(notation, derivation, parts))

    def context(self) -> dict[str, Any]:
        """What the templates may use; strings are LaTeX."""
        derivation, notation = self.derivation, self.notation
        model = derivation.model
        solved = derivation.entropy_sum is not None
        # a partial result stands within a sentence
        stop = "." if derivation.verdict == "proved" else ","
        short = self.abbreviations(stop)
        return {
            "version": symelbo.__version__,
            "sha256": model.sha256,
            "title": escape_latex(model.name),
            "reference": escape_latex(model.reference),
            "description": escape_latex(model.description),
            "label": notation.label,
            "letter": notation.letters,
            "verdict": derivation.verdict,
            "theorem": derivation.theorem,
            "parts": self.parts,
            "process": notation.display(
                [process_row(notation, item) for item in derivation.worked.process],
                "," if model.parameters else ".",
            ),
            "shorthand": notation.abbreviations(self.undefined(), "."),
            "declared": self.declared(),
            "exact": model.variational == "exact",
            "headline": self.headline(),
            "parameters": [self.domain(s) for s in model.parameters],
            "constants": [self.domain(s) for s in model.constants],
            "inputs": [self.domain(s) for s in model.inputs],
            "functions": [self.function(s) for s in model.functions],
            "sizes": ", ".join(f"${latex_name(size)}$" for size in model.sizes),
            "has_latents": bool(model.latents),
            "latents": self.printer.latents(),
            "observed": ", ".join(latex_name(name) for name in model.observed),
            "elbo": self.elbo(),
            "q": self.printer.q(),
            "average": self.printer.average(),
            **self.motion(),
            "identity": self.identity(),
            "general": self.sum_display(self.printer.general(), ",") if solved else "",
            "explicit": self.sum_display(self.printer.explicit(), "," if short else stop)
            if solved
            else "",
            "abbreviations": short,
            "closed": solved and derivation.entropy_sum.closed_form is not None,  # type: ignore[union-attr]
            "remainders": self.remainders(),
            "q_entropy": self.q_entropy(),
            "posterior": self.posterior(),
            "refutation": self.refutation(),
            "outside": self.outside(),
            "undecided": self.undecided(),
            "assumptions": self.assumptions(),
            **_trial_context(derivation.trial, self.parts),
            "abstract": [
                {letter: latex_name(name) for letter, name in f.functions.items()}
                for f in dict.fromkeys(s.family for s in model.statements if s.family.abstract)
            ],
            "join": join_words,
            "math": lambda items: join_words([f"${item}$" for item in items]),
        }

    # ------------------------------------------------------------ the model

    def domain(self, symbol: Symbol) -> str:
        """W in R^{D x H}"""
        indices = self.notation.entries(symbol)
        domain = symbol.domain
        if domain.entry_sum is not None:
            entry = self.notation.term(Entry(symbol, indices))
            sums = rf"{sum_signs(indices[-1:])} {entry} = {domain.entry_sum}"
            return rf"${entry} > 0$ with ${sums}$" + _for_all(indices[:-1])
        if domain.is_definite:
            whole = self.notation.array(Array(indices[-2:], Entry(symbol, indices)))
            space = rf"\mathbb{{R}}^{{{_shape(symbol.shape[-2:])}}}"
            return rf"symmetric positive definite ${whole} \in {space}$" + _for_all(indices[:-2])
        power = f"^{{{_shape(symbol.shape)}}}" if symbol.shape else ""
        return rf"${latex_symbol(symbol)} \in {domain.latex}{power}$"

    def function(self, symbol: Symbol) -> str:
        """m with values in R^D"""
        power = f"^{{{_shape(symbol.shape)}}}" if symbol.shape else ""
        return rf"${latex_symbol(symbol)}$ with values in ${symbol.domain.latex}{power}$"

    def declared(self) -> str:
        """The statements for q, with the superscript of the data point."""
        items = self.derivation.worked.declared
        notation = self.notation.of_data_points(self.derivation.model)
        rows = [process_row(notation, item, marked=True) for item in items]
        return notation.display(rows, ".") if rows else ""

    def undefined(self) -> list[Definition]:
        """The shorthand apart from the quantities of the user, which the model defines."""
        worked = self.derivation.worked
        known = {item[0].name for item in worked.process if isinstance(item, tuple)}
        return [pair for pair in worked.shorthand.definitions if pair[0].name not in known]

    def elbo(self) -> str:
        """F = mean H[q] + sum of the factors' parts."""
        pieces = [self.printer.of_q()] if self.derivation.model.latents else []
        pieces += [Piece(rf"\mathcal{{F}}_{{{part.symbol}}}") for part in self.parts]
        row = Row(r"\mathcal{F}", (tuple(pieces),), label=self.notation.label("elbo"))
        rows = [row]
        for part in self.parts:
            mean = self.printer.average()
            if self.derivation.model.latents:
                mean += rf" \mathbb{{E}}_{{{self.printer.q()}}}"
            signs = part.signs
            shown = rf"{mean} \Bigl[{signs}\log {part.density}\Bigr]"
            rows.append(Row(rf"\mathcal{{F}}_{{{part.symbol}}}", ((Piece(shown),),)))
        return self.notation.display(rows, ".")

    # ------------------------------------------------------------ motion and identity

    def motion(self) -> dict[str, Any]:
        """The velocities of parameters, latents and q, and what they need."""
        derivation, notation = self.derivation, self.notation
        motion = derivation.worked.motion
        nodes = {node: latent.velocity for node, latent in motion.latents.items()}
        alternative, other = derivation.worked.alternative, derivation.decision.alternative
        sizes = [a.size for a in derivation.assumptions if a.size is not None]
        nonzero = [rf"${notation.term(t)} \neq 0$" for t in motion.nonzero]
        constrained = [s for s in motion.parameters if s.domain.rank]
        where = list(nonzero)
        where += [rf"${latex_name(name)} \geq {least}$" for name, least in sizes]
        return {
            "motion": self.velocities(motion.parameters),
            "motion_latents": self.velocities(nodes),
            "motion_q": self.velocities(motion.variational, marked=True),
            "moving_latents": bool(motion.latents),
            "moves_with_inputs": any(
                symbol.role is Role.INPUT
                for latent in motion.latents.values()
                for symbol in symbols_of(latent.rate) | symbols_of(latent.shift)
            ),
            "movable": any(s.node.domain.motions is not None for s in derivation.model.latents),
            "moved": _vanishing(motion.parameters),
            "moved_q": _named(motion.variational),
            "closure": derivation.closure.value,
            "broken": [latex_name(name) for name in derivation.decision.broken],
            "nonzero": nonzero,
            "where": join_words(where),
            "least": join_words(where[len(nonzero) :]),
            "named_by_q": join_words([f"${latex_symbol(s)}$" for s in self.named_by_q()]),
            "named_by_q_count": len(self.named_by_q()),
            "constrained": join_words([f"${latex_symbol(s)}$" for s in constrained]),
            "constrained_count": len(constrained),
            "scales_reals": any(
                node.domain.is_line and latent.rate.body != ZERO
                for node, latent in motion.latents.items()
            ),
            "alternative": "" if alternative is None else self.velocities(alternative.velocities()),
            "alternative_shown": other is not None and other.closure is Closure.SHOWN,
        }

    def named_by_q(self) -> list[Symbol]:
        """The parameters of the model that move and on which a declared q depends."""
        named = self.derivation.model.named_by_q
        return [symbol for symbol in self.derivation.motion.parameters if symbol in named]

    def named(self, arrays: Mapping[Symbol, Array]) -> list[Velocity]:
        """The velocities, with letters that the document leaves free."""
        return name_velocities(arrays, (*RESERVED, *self.notation.taken))

    def velocities(self, arrays: Mapping[Symbol, Array], *, marked: bool = False) -> str:
        """d/ds of every entry that moves; marked: with the superscript of the data point."""
        d, s = self.notation["d"], self.notation["s"]
        rows = []
        for moved in self.named(arrays):
            shown = self.notation.term(moved.entry)
            step: Term | tuple[Piece, ...] = moved.velocity
            if marked:
                shown = self.notation.marked(moved.entry)
                step = tuple(self.notation.summands(moved.velocity, marked=True))
            left = rf"\frac{{{d} {shown}}}{{{d}{s}}}"
            rows.append(Row(left, (step,), ranges(moved.indices)))
        return self.notation.display(rows, ",") if rows else ""

    def identity(self) -> str:
        """F = S + dF/ds, the derivative written out where it is one at fixed q."""
        d, s = self.notation["d"], self.notation["s"]
        motion = self.derivation.motion
        pieces = [Piece(r"\mathcal{S}")]
        whole = bool(motion.latents or self.named_by_q())
        if whole:
            pieces.append(Piece(rf"\frac{{{d}\mathcal{{F}}}}{{{d}{s}}}"))
        else:
            for moved in self.named(self.derivation.worked.motion.parameters):
                pieces.append(self.printer.slope(moved, r"\mathcal{F}"))
        row = Row(r"\mathcal{F}", (tuple(pieces),), label=self.notation.label("identity"))
        return self.notation.display([row], "," if whole else ".")

    def symbol_of(self, result: FactorResult) -> str:
        number = self.derivation.factors.index(result)
        return self.parts[number].symbol

    # ------------------------------------------------------------ the entropy sum

    def headline(self) -> str:
        """F = S, written out, for the abstract; "" where nothing is proved."""
        if self.derivation.verdict != "proved":
            return ""
        summands = tuple(self.printer.explicit())
        return self.notation.display([Row(r"\mathcal{F}", (summands,))], ".")

    def sum_display(self, summands: Sequence[Piece], end: str) -> str:
        """S = ... with its punctuation."""
        return self.notation.display([Row(r"\mathcal{S}", (tuple(summands),))], end)

    def abbreviations(self, end: str) -> str:
        """What the symbols in the entropy sum stand for."""
        return self.notation.abbreviations(self.printer.abbreviations(), end)

    def q_entropy(self) -> str:
        """H[q] where it is declared."""
        entropy_sum = self.derivation.entropy_sum
        if entropy_sum is None or self.derivation.posterior is not None:
            return ""
        known = [s for s in entropy_sum.of(Kind.OF_Q) if s.term is not None]
        if not known:
            return ""
        left = rf"\mathcal{{H}}\bigl[{self.printer.q()}\bigr]"
        summands = self.notation.summands(known[0].display, marked=True)
        return self.notation.display([Row(left, (tuple(summands),))], ".")

    def posterior(self) -> dict[str, str | bool] | None:
        """The exact posterior: its precision and entropy."""
        posterior = self.derivation.worked.posterior
        if posterior is None:
            return None
        notation = self.notation
        latent = latex_symbol(posterior.latent)
        given = rf"{notation['p']}({latent} \mid {self._data()})"
        places = "".join(notation.term(index) for index in posterior.precision.indices)
        precision = notation["Lambda"] + (f"_{{{places}}}" if places else "")
        entries = [
            notation.term(Entry(posterior.latent, (i,))) for i in posterior.precision.indices
        ]
        below = (
            rf"\partial {entries[0]}\, \partial {entries[1]}"
            if entries
            else rf"\partial {latent}^2"
        )
        joint = rf"-\frac{{\partial^2 \log {notation['p']}({self._data()}, {latent})}}{{{below}}}"
        rows = [Row(precision, ((Piece(joint),), posterior.precision.body))]
        entropy = Row(rf"\mathcal{{H}}\bigl[{given}\bigr]", (posterior.entropy,))
        return {
            "latent": latent,
            "given": given,
            "precision": notation.display(rows, ","),
            "varies": bool(varying(posterior.entropy)),
            "entropy": notation.display([entropy], "."),
        }

    def _data(self) -> str:
        return ", ".join(latex_name(name) for name in self.derivation.model.observed)

    def remainders(self) -> list[str]:
        """The parts of the ELBO that stay cross-entropies."""
        if self.derivation.entropy_sum is None:
            return []
        names = set(self.derivation.entropy_sum.remainders)
        return [
            rf"\mathcal{{F}}_{{{part.symbol}}}"
            for part, result in zip(self.parts, self.derivation.factors, strict=True)
            if result.node in names
        ]

    # ------------------------------------------------------------ the answers that are No

    def outside(self) -> list[dict[str, Any]]:
        found = []
        for result in self.derivation.factors:
            if isinstance(result.result, Outside):
                piece = result.result.piece
                found.append(
                    {
                        "symbol": self.symbol_of(result),
                        "family": escape_latex(result.factor.statement.family.name),
                        "reason": escape_latex(result.result.reason),
                        "piece": "" if piece is None else self.notation.term(piece),
                        "certificate": result.result.certificate is not None,
                    }
                )
        return found

    def undecided(self) -> list[dict[str, str]]:
        return [
            {
                "symbol": self.symbol_of(result),
                "residual": self.left_over(result.result.residual),
                "missing": escape_latex(result.result.missing),
            }
            for result in self.derivation.factors
            if isinstance(result.result, Undecided)
        ]

    def left_over(self, residual: Term) -> str:
        """A term, or the first ones of a long sum."""
        shown, more = cut_pieces(self.notation.summands(residual), LEFT_OVER_TERMS)
        if not more:
            return self.notation.term(residual)
        return rf"{join_pieces(shown, LATEX)} + \cdots \text{{ ({count_of(more, 'term')} more)}}"

    def refutation(self) -> list[dict[str, Any]]:
        """One entry per certificate; factors that share one are named together."""
        found: list[dict[str, Any]] = []
        seen: list[Certificate] = []
        for result in self.derivation.factors:
            refuted = result.result
            if not isinstance(refuted, Refuted | Outside) or refuted.certificate in (None, *seen):
                continue
            assert refuted.certificate is not None
            seen.append(refuted.certificate)
            factors = refuted.factors if isinstance(refuted, Refuted) else (result.factor,)
            names = {factor.name for factor in factors}
            members = [r for r in self.derivation.factors if r.node in names]
            cause = remedy = ""
            if isinstance(refuted, Refuted):
                cause, remedy = escape_latex(refuted.cause), escape_latex(refuted.remedy)
            found.append(
                {
                    "symbols": [self.parts_of(member).joint for member in members],
                    "cause": cause,
                    "remedy": remedy,
                    "certificate": self.certificate(
                        refuted.certificate, factors, self.worked_cases(result)
                    ),
                }
            )
        return found

    def parts_of(self, result: FactorResult) -> FactorPart:
        return self.parts[self.derivation.factors.index(result)]

    def worked_cases(self, result: FactorResult) -> tuple[WorkedCase, ...]:
        return self.derivation.worked.factors[self.derivation.factors.index(result)].cases

    def certificate(
        self, certificate: Certificate, factors: Sequence[Factor], worked: Sequence[WorkedCase]
    ) -> dict[str, Any]:
        """The instance, the points and the weights."""
        names = {s.name: s for f in factors for s in _symbols(f)}
        shorthand = self.derivation.worked.shorthand.definitions  # stands for parts of the factors
        names |= {s.name: s for _, array in shorthand for s in symbols_of(array)}
        functions = []
        for function, formals, array in certificate.functions:
            arguments = ", ".join(latex_symbol(formal) for formal in formals)
            left = f"{latex_symbol(function)}({arguments})"
            named = name_array_indices(array, RESERVED)
            if named.indices:
                left += f"_{{{', '.join(latex_name(index.name) for index in named.indices)}}}"
            functions.append(Row(left, (named.body,), ranges(named.indices), relation=":="))
        cases = [
            self.case(case, certificate, names, read)
            for case, read in zip(certificate.cases, worked, strict=True)
        ]
        sizes = [rf"{latex_name(n)} = {k}" for n, k in certificate.sizes]
        constants = self.given(certificate.constants, names)
        instance = [f"${size}$" for size in (*sizes, *constants[:MAX_CONSTANTS])]
        if len(constants) > MAX_CONSTANTS:
            instance.append("the other constants are certain numbers")
        instance += [
            f"${latex_symbol(function)}$ is a certain smooth function"
            for function, _, _ in certificate.functions
        ]
        return {
            "sizes": sizes,
            "instance": join_words(instance),
            "functions": self.notation.display(functions, ",") if functions else "",
            "constants": constants,
            "points": [self.given(point, names) for point in certificate.points],
            "inputs": any(certificate.inputs),
            "cases": cases,
            "split": len(cases) > 1 or any(case["condition"] for case in cases),
            "still": certificate.still,
        }

    def given(self, values: Given, names: Mapping[str, Symbol]) -> list[str]:
        """z_1 = 2, of what the factors mention"""
        return [
            f"{self.entry_text(names[name], at)} = {self.notation.term(number(x))}"
            for (name, at), x in values
            if name in names
        ]

    def entry_text(self, symbol: Symbol, at: tuple[int, ...]) -> str:
        return self.notation.term(_entry_at(symbol, at))

    def case(
        self,
        case: Case,
        certificate: Certificate,
        names: Mapping[str, Symbol],
        worked: WorkedCase,
    ) -> dict[str, Any]:
        """One table of a certificate."""
        ways = []
        for entry in (*case.moving, *case.resting):
            (name, at), inputs = entry
            way = "moves" if entry in case.moving else "rests"
            if name in names and way == "moves" and names[name].domain.is_line:
                way = "is only shifted" if entry in case.shifted else "is scaled"
            if name in names:
                where = "".join(f" at ${u}$" for u in self.given(certificate.inputs[inputs], names))
                ways.append(rf"${self.entry_text(names[name], at)}$ {way}{where}")
        system = self.system(case, certificate, names, worked)
        rows = self.rows(case, certificate, names)
        room = _width_of([row["weights"] for row in rows]) <= TABLE / 3
        return {
            "condition": join_words(ways),
            "idle": [self.density_of(name) for name in worked.idle],
            "rows": rows,
            "systems": len(case.matrix),
            "wide": len(case.matrix) > MAX_COLUMNS or not room,
            "combinations": [self.combination(case, n) for n in range(len(case.matrix))],
            **system,
        }

    def density_of(self, name: str) -> str:
        """p(x_d | z), of a factor by its name."""
        numbers = {result.node: n for n, result in enumerate(self.derivation.factors)}
        return self.parts[numbers[name]].density

    def system(
        self,
        case: Case,
        certificate: Certificate,
        names: Mapping[str, Symbol],
        worked: WorkedCase,
    ) -> dict[str, Any]:
        """What the weights leave: a number, or as many equations as unknowns and one more."""
        matrix = [[self.notation.term(term) for term in line] for line in worked.matrix]
        rounded = _width_of(matrix) > TABLE
        if rounded:
            matrix = [[_rounded(term) for term in line] for line in case.matrix]
        return {
            "unknowns": [self.unknown(u, certificate, names) for u in case.unknowns],
            "dependent": [self.unknown(u, certificate, names) for u, _ in case.dependent],
            "matrix": matrix,
            "shown": len(matrix) <= MAX_MATRIX and _width_of(matrix) <= TABLE,
            "value": matrix[0][0],
            "rounded": rounded,
            "determinant": _scientific(determinant_of(case.matrix)),
        }

    def combination(self, case: Case, number_of: int) -> str:
        """(1) - (2) + 3 (5), of the rows of the table, to be broken at any sign"""
        parts: list[str] = []
        for n, row in enumerate(case.rows):
            weight = row.weights[number_of]
            if weight:
                size = "" if abs(weight) == 1 else rf"{self.notation.term(number(abs(weight)))}\,"
                sign = "-" if weight < 0 else "{}+ " if parts else ""
                sign = "{}- " if weight < 0 and parts else sign
                parts.append(f"${sign}{size}({n + 1})$")
        return " ".join(parts)

    def unknown(
        self, unknown: Unknown, certificate: Certificate, names: Mapping[str, Symbol]
    ) -> str:
        """The sign of a velocity, a rate, a shift or a factor of the base measure."""
        name = unknown.of
        known = _entry_at(names[name], unknown.place) if name in names else None
        entry = name if known is None else self.notation.term(known)
        at = []
        if unknown.point is not None and len(certificate.points) > 1:
            at.append(rf"\theta_{{{unknown.point + 1}}}")
        if unknown.inputs is not None:
            at += self.given(certificate.inputs[unknown.inputs], names)
        where = f"({', '.join(at)})" if at else ""
        match unknown.what:
            case What.VELOCITY:
                return latex_velocity(_entry_at(names[name], unknown.place)) + where
            case What.RATE:
                sign = self.notation["r"]
            case What.SHIFT:
                sign = self.notation["s"]
            case What.BASE:
                sign = self.notation["c"]
        return f"{sign}_{{{entry}}}{where}"

    def rows(
        self, case: Case, certificate: Certificate, names: Mapping[str, Symbol]
    ) -> list[dict[str, Any]]:
        many = len(certificate.points) > 1
        found = []
        for n, row in enumerate(case.rows):
            parents = self.given((*certificate.inputs[row.inputs], *row.parents), names)
            if many:
                parents = [rf"\theta_{{{row.point + 1}}}", *parents]
            found.append(
                {
                    "number": n + 1,
                    "factor": self.density_of(row.factor),
                    "value": r",\; ".join(self.given(row.value, names)),
                    "parents": r",\; ".join(parents),
                    "weights": [self.notation.term(number(weight)) for weight in row.weights],
                }
            )
        return found

    # ------------------------------------------------------------ assumptions, numbers

    def assumptions(self) -> list[str]:
        """What the result rests on, as sentences."""
        found = []
        for assumption in self.derivation.assumptions:
            if assumption.kind != "variational":
                text = escape_latex(assumption.text)
                found.append(text[0].upper() + text[1:])
        q = self.notation["q"]
        own = self.derivation.motion.variational
        free = ", whose parameters are free for every data point" if own else ""
        known = {
            "assumed": "",
            "exact posterior": f" This holds, since ${q}$ is the exact posterior.",
            "shown": f" This was shown for the declared ${q}${free}.",
            "not shown": f" This was \\emph{{not}} shown for the declared ${q}$.",
        }
        if self.derivation.closure.value in known:
            found.append(
                f"The family of ${q}$ follows the motion to first order, for all data points at"
                rf" once (Section~\ref{{{self.notation.label('identity-section')}}})."
                + known[self.derivation.closure.value]
            )
        return [text if text.endswith(".") else f"{text}." for text in found]


def _named(symbols: Iterable[Symbol]) -> str:
    """The symbols in words; nothing where their names would fill the line."""
    shown = [latex_symbol(symbol) for symbol in symbols]
    wide = sum(map(latex_width, shown)) > TABLE / 2
    return "" if wide else join_words([f"${name}$" for name in shown])


def _vanishing(symbols: Collection[Symbol]) -> str:
    """its derivatives by a and b vanish"""
    named = _named(symbols)
    if len(symbols) == 1 and not next(iter(symbols)).shape:
        return f"its derivative by {named} vanishes" if named else ""
    return f"its derivatives by {named} vanish" if named else ""


def _trial_context(trial: Trial | None, parts: Sequence[FactorPart]) -> dict[str, Any]:
    if trial is None:
        trial = Trial(nan, 0)
    return {
        "residual": _power_of_ten(trial.residual),
        "trials": trial.trials,
        "untried": join_words([f"${p.joint}$" for p in parts if p.label in trial.untried]),
        "printed": _power_of_ten(trial.printed, PRINTED_BOUND),
        "printed_trials": count_of(trial.printed_trials, "point"),
    }


def _power_of_ten(residual: float | None, least: int = LEAST_BOUND) -> str:
    """An upper bound of a residual, rounded to a power of ten."""
    bound = residual_bound(residual, least)
    return "" if bound is None else f"10^{{{round(log10(bound))}}}"


def _width_of(table: Sequence[Sequence[str]]) -> float:
    """The widths of the columns, added up."""
    return sum(max(map(latex_width, column)) for column in zip(*table, strict=True))


def _rounded(term: Term) -> str:
    """A closed term to four digits, from a rigorous enclosure."""
    return _scientific(enclosure(term))


def _scientific(bounds: Bounds) -> str:
    """1.234 \\cdot 10^{-7}, of a number between bounds"""
    digits, _, power = rounded(bounds).partition("e")
    return rf"{digits} \cdot 10^{{{int(power)}}}" if power else digits


def _entry_at(symbol: Symbol, at: tuple[int, ...]) -> Entry:
    return Entry(symbol, tuple(Position(Extent(None, n)) for n in at))


def _shape(shape: Sequence[Extent]) -> str:
    return r" \times ".join(map(latex_extent, shape))


def _for_all(indices: Sequence[Index]) -> str:
    return f" for ${ranges(indices)}$" if indices else ""


def _symbols(factor: Factor) -> list[Symbol]:
    found: set[Symbol] = {factor.node}
    for _, array in factor.statement.arguments:
        found |= symbols_of(array)
    return sorted((s for s in found if s.role is not Role.FUNCTION), key=lambda s: s.name)
