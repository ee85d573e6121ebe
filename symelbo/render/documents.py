"""derivation -> LaTeX: the proof as a document, as an appendix, and the result in one line.

Prose is general; every formula is printed from a term of the derivation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

import symelbo
from symelbo.criterion.evaluate_certificate import CertificateLine, evaluate_certificate
from symelbo.criterion.factor import Factor
from symelbo.criterion.reparameterize_prior import NotReparameterized, Reparameterization
from symelbo.criterion.result import Outside, Refutation, Undecided
from symelbo.derivation import Derivation, FactorResult
from symelbo.index.build import number
from symelbo.index.substitute import symbols_of
from symelbo.index.terms import Array, Entry, Extent, Index, Position, Symbol, Term
from symelbo.index.tidy import tidy
from symelbo.render.document_factors import (
    FactorPart,
    entry_of,
    make_factor_part,
    motions_of,
    process_row,
)
from symelbo.render.document_notation import (
    Notation,
    Row,
    choose_notation,
    join_words,
    ranges,
    sum_signs,
)
from symelbo.render.document_result import ResultPrinter, Scale, rate_name, scale_of
from symelbo.render.names import escape_latex, latex_extent, latex_name, latex_symbol
from symelbo.render.print_latex import latex_width
from symelbo.resources import templates_directory
from symelbo.verify.interval import enclosure

__all__ = ["render_appendix", "render_headline", "render_proof"]

MAX_DIRECTIONS = 6  # columns of a printed Jacobian
TABLE = 44.0  # em that a table may be wide


def render_proof(derivation: Derivation) -> str:
    """A complete document; amsmath, amssymb, amsthm and the fonts of a plain TeX installation."""
    return _render("proof.tex.j2", derivation)


def render_appendix(derivation: Derivation) -> str:
    r"""The same body, to be \input into a paper."""
    return _render("appendix.tex.j2", derivation)


def render_headline(derivation: Derivation) -> str:
    """The result in one line of mathematics: F = ..., or the verdict in words."""
    document = _Document.of(derivation)
    if derivation.verdict != "proved":
        return rf"\text{{{derivation.verdict}}}"
    return rf"\mathcal{{F}} = {' '.join(document.printer.explicit())}"


def _render(name: str, derivation: Derivation) -> str:
    document = _Document.of(derivation)
    text = _environment().get_template(name).render(document.context())
    lines = (line.rstrip() for line in text.splitlines())
    kept: list[str] = []
    for line in lines:
        if line or (kept and kept[-1]):
            kept.append(line)
    return "\n".join(kept).rstrip("\n") + "\n"


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(templates_directory() / "latex"),
        undefined=StrictUndefined,
        autoescape=False,  # user text goes through escape_latex before it gets here
        block_start_string="<%",
        block_end_string="%>",
        variable_start_string="<<",
        variable_end_string=">>",
        comment_start_string="<#",
        comment_end_string="#>",
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


_SPACES: Mapping[str, str] = {
    "real": r"\mathbb{R}",
    "positive": r"(0,\infty)",
    "unit": "(0,1)",
    "binary": r"\{0,1\}",
    "onehot": r"\{0,1\}",
    "naturals": r"\mathbb{N}",
    "counts": r"\mathbb{N}",
}


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
        entropy_sum = derivation.entropy_sum
        entropies = {e.node: e for e in entropy_sum.entropies} if entropy_sum else {}
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
                [process_row(notation, s) for s in model.statements],
                "," if model.parameters else ".",
            ),
            "declared": self.declared(),
            "exact": model.variational == "exact",
            "conditional": [f"${part.density}$" for part in self.parts if part.conditional],
            "rate": latex_name(rate_name(notation)),
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
            "fields": [self.field(result) for result in derivation.factors],
            "shared": self.shared(),
            "identity": self.identity(),
            "general": self.sum_display(self.printer.general(), ",") if solved else "",
            "explicit": self.sum_display(self.printer.explicit(), "," if short else stop)
            if solved
            else "",
            "explicit_end": self.sum_display(self.printer.explicit(), ".") if solved else "",
            "abbreviations": short,
            "closed": solved and derivation.entropy_sum.closed_form is not None,  # type: ignore[union-attr]
            "bases": bool(solved and derivation.entropy_sum.bases),  # type: ignore[union-attr]
            "remainders": self.remainders(),
            "q_entropy": self.q_entropy(),
            "posterior": self.posterior(),
            "scales": [self.scale(result) for result in derivation.factors],
            "unscaled": self.unscaled(),
            "refutation": self.refutation(),
            "outside": self.outside(),
            "undecided": self.undecided(),
            "assumptions": self.assumptions(),
            "residual": self.residual(),
            "trials": derivation.trials,
            "abstract": [
                {letter: latex_name(f"{letter}_{f.name}") for letter in ("eta", "T", "A", "h", "H")}
                for f in dict.fromkeys(s.family for s in model.statements if s.family.abstract)
            ],
            "join": join_words,
            "math": lambda items: join_words([f"${item}$" for item in items]),
        }

    # ------------------------------------------------------------ the model

    def domain(self, symbol: Symbol) -> str:
        """W in R^{D x H}"""
        indices = self.notation.entries(symbol)
        match symbol.domain.kind:
            case "simplex":
                entry = self.notation.term(Entry(symbol, indices))
                sums = rf"{sum_signs(indices[-1:])} {entry} = 1"
                return rf"${entry} > 0$ with ${sums}$" + _for_all(indices[:-1])
            case "posdef":
                whole = self.notation.array(Array(indices[-2:], Entry(symbol, indices)))
                space = rf"\mathbb{{R}}^{{{_shape(symbol.shape[-2:])}}}"
                return rf"symmetric positive definite ${whole} \in {space}$" + _for_all(
                    indices[:-2]
                )
        space = _SPACES.get(symbol.domain.kind, r"\mathbb{R}")
        power = f"^{{{_shape(symbol.shape)}}}" if symbol.shape else ""
        return rf"${latex_symbol(symbol)} \in {space}{power}$"

    def function(self, symbol: Symbol) -> str:
        """m with values in R^D"""
        space = _SPACES.get(symbol.domain.kind, r"\mathbb{R}")
        power = f"^{{{_shape(symbol.shape)}}}" if symbol.shape else ""
        return rf"${latex_symbol(symbol)}$ with values in ${space}{power}$"

    def declared(self) -> str:
        """The statements for q, with the superscript of the data point."""
        variational = self.derivation.model.variational
        if isinstance(variational, str):
            return ""
        rows = [process_row(self.notation, s, marked=True) for s in variational]
        return self.notation.display(rows, ".")

    def elbo(self) -> str:
        """F = mean H[q] + sum of the factors' parts."""
        summands = []
        if self.derivation.model.latents:
            summands.append(
                rf"{self.printer.average()} \mathcal{{H}}\bigl[{self.printer.q()}"
                rf"({self.printer.latents()})\bigr]"
            )
        for part in self.parts:
            lead = "+ " if summands else ""
            summands.append(rf"{lead}\mathcal{{F}}_{{{part.symbol}}}")
        row = Row(r"\mathcal{F}", (tuple(summands),), label=self.notation.label("elbo"))
        rows = [row]
        for part in self.parts:
            mean = self.printer.average()
            if self.derivation.model.latents:
                mean += rf" \mathbb{{E}}_{{{self.printer.q()}}}"
            signs = part.signs
            shown = rf"{mean} \Bigl[{signs}\log {part.density}\Bigr]"
            rows.append(Row(rf"\mathcal{{F}}_{{{part.symbol}}}", ((shown,),)))
        return self.notation.display(rows, ".")

    # ------------------------------------------------------------ criterion and identity

    def field(self, result: FactorResult) -> str:
        """The velocities of the parameters that one factor's field moves."""
        rows = []
        for motion in motions_of(self.notation, result.field):
            beta = f"{self.notation['beta']}_{{{self.notation.term(motion.entry)}}}"
            span = ranges(motion.indices)
            tail = rf",\qquad {span}" if span else ""
            rows.append(Row(beta, (motion.velocity,), tail))
        return self.notation.display(rows, ",") if rows else ""

    def shared(self) -> list[str]:
        """Parameters that the fields of several factors move."""
        count: dict[Symbol, int] = {}
        for result in self.derivation.factors:
            for symbol in result.field:
                count[symbol] = count.get(symbol, 0) + 1
        return [f"${latex_symbol(symbol)}$" for symbol, n in count.items() if n > 1]

    def identity(self) -> str:
        """F = S + sum of velocity * dF/dparameter."""
        summands = [r"\mathcal{S}"]
        seen: set[Symbol] = set()
        for result in self.derivation.factors:
            if isinstance(result.reparameterization, Reparameterization):
                summands += self._along_scale(result)
                continue
            fresh = {s: a for s, a in result.field.items() if s not in seen}
            seen |= set(fresh)
            for motion in motions_of(self.notation, fresh):
                summands.append(self.printer.slope(motion, r"\mathcal{F}", False))
        row = Row(r"\mathcal{F}", (tuple(summands),), label=self.notation.label("identity"))
        return self.notation.display([row], ".")

    def _along_scale(self, result: FactorResult) -> list[str]:
        """velocity * dF_z/dscale, for a prior whose scale is no parameter of the model."""
        part = rf"\mathcal{{F}}_{{{self.symbol_of(result)}}}"
        return [
            self.printer.slope(motion, part, False)
            for motion in motions_of(self.notation, result.field)
        ]

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

    def sum_display(self, summands: Sequence[str], end: str) -> str:
        """S = ... with its punctuation."""
        return self.notation.display([Row(r"\mathcal{S}", (tuple(summands),))], end)

    def abbreviations(self, end: str) -> str:
        """What the symbols in the entropy sum stand for."""
        return self.notation.abbreviations(self.printer.abbreviations(), end)

    def q_entropy(self) -> str:
        """H[q] where it is declared."""
        entropy_sum = self.derivation.entropy_sum
        if entropy_sum is None or entropy_sum.q_entropy is None or self.derivation.posterior:
            return ""
        if not self.derivation.model.latents:
            return ""
        left = rf"\mathcal{{H}}\bigl[{self.printer.q()}\bigr]"
        summands = self.notation.summands(tidy(entropy_sum.q_entropy), marked=True)
        return self.notation.display([Row(left, (tuple(summands),))], ".")

    def posterior(self) -> dict[str, str] | None:
        """The exact posterior: its precision and entropy."""
        posterior = self.derivation.posterior
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
        rows = [Row(precision, ((joint,), tidy(posterior.precision.body)))]
        entropy = Row(rf"\mathcal{{H}}\bigl[{given}\bigr]", (tidy(posterior.entropy),))
        return {
            "latent": latent,
            "given": given,
            "precision": notation.display(rows, ","),
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

    # ------------------------------------------------------------ reparameterized priors

    def scale(self, result: FactorResult) -> dict[str, Any] | None:
        """The argument for one prior with a known scale."""
        scale = scale_of(self.notation, result)
        if scale is None:
            return None
        change = scale.change
        entry = self.notation.term(Entry(change.scale, change.statement.plates))
        latent = self.notation.term(entry_of(change.statement))
        return {
            "node": latex_symbol(change.node),
            "entry": latent,
            "scale": entry,
            "value": self.notation.term(change.value),
            "argument": escape_latex(change.argument),
            "exponent": self.notation.term(number(change.exponent)),
            "velocity": self.notation.term(tidy(scale.velocity[0].velocity)),
            "moved": self.notation.term(scale.velocity[0].entry),
            "rate": self.notation.term(tidy(scale.stretch)),
            "statement": self.notation.display([process_row(self.notation, change.statement)], ","),
            "motions": self._motions(scale),
            "derivative": self._stretched(scale),
            "along": _first_bare(" ".join(self._along_scale(result))),
            "condition": change.q_condition,
            "symbol": self.symbol_of(result),
        }

    def _motions(self, scale: Scale) -> str:
        rows = []
        for motion in scale.general:
            omega = f"{self.notation['omega']}_{{{self.notation.term(motion.entry)}}}"
            rows.append(Row(omega, (motion.velocity,)))
        return self.notation.display(rows, ",") if rows else ""

    def _stretched(self, scale: Scale) -> str:
        summands = [self.printer.slope(motion, r"\mathcal{F}", False) for motion in scale.motions]
        return " ".join(summands)

    def unscaled(self) -> list[tuple[str, str]]:
        """Priors that could not be given a learnable scale, and why."""
        return [
            (self.symbol_of(result), escape_latex(result.reparameterization.reason))
            for result in self.derivation.factors
            if isinstance(result.reparameterization, NotReparameterized)
        ]

    # ------------------------------------------------------------ the answers that are No

    def outside(self) -> list[dict[str, str]]:
        found = []
        for result in self.derivation.factors:
            if isinstance(result.result, Outside) and result.result.decided:
                piece = result.result.piece
                found.append(
                    {
                        "symbol": self.symbol_of(result),
                        "family": escape_latex(result.result.family),
                        "reason": escape_latex(result.result.reason),
                        "piece": "" if piece is None else self.notation.term(piece),
                    }
                )
        return found

    def undecided(self) -> list[dict[str, str]]:
        found = []
        for result in self.derivation.factors:
            match result.result:
                case Undecided(residual=residual, missing=missing):
                    pass
                case Outside(piece=Term() as residual, reason=missing, decided=False):
                    pass
                case _:
                    continue
            found.append(
                {
                    "symbol": self.symbol_of(result),
                    "residual": self.notation.term(residual),
                    "missing": escape_latex(missing),
                }
            )
        return found

    def refutation(self) -> list[dict[str, Any]]:
        """One entry per certificate; factors that share one are named together."""
        found: list[dict[str, Any]] = []
        done: set[str] = set()
        for result in self.derivation.factors:
            refuted = result.result
            if not isinstance(refuted, Refutation) or result.node in done:
                continue
            done |= {result.node, *refuted.joint}
            members = [
                r for r in self.derivation.factors if r.node in (result.node, *refuted.joint)
            ]
            entry: dict[str, Any] = {
                "symbols": [self.symbol_of(member) for member in members],
                "cause": escape_latex(refuted.cause),
                "remedy": escape_latex(refuted.remedy),
                "certificate": None,
            }
            factors = [m.factor for m in members if m.factor is not None]
            if refuted.certificate is not None:
                entry["certificate"] = self.certificate(refuted, factors)
            found.append(entry)
        return found

    def certificate(self, refuted: Refutation, factors: Sequence[Factor]) -> dict[str, Any]:
        """The instance, the points, and the weighted rows, evaluated."""
        certificate = refuted.certificate
        assert certificate is not None
        directions, lines = evaluate_certificate(factors, certificate)
        names = {s.name: s for f in factors for s in _symbols(f)}
        learned = {d.symbol.name for d in directions}

        def value(name: str, place: tuple[int, ...], x: Fraction) -> str:
            symbol = names[name]
            at = tuple(Position(Extent(None, n)) for n in place)
            return f"{self.notation.term(Entry(symbol, at))} = {self.notation.term(number(x))}"

        point = [value(n, at, x) for n, at, x in certificate.point if n in names]
        samples = [
            [value(n, at, x) for n, at, x in sample if n in names] for sample in certificate.samples
        ]
        functions = []
        for function, formals, array in certificate.functions:
            arguments = ", ".join(latex_symbol(formal) for formal in formals)
            left = f"{latex_symbol(function)}({arguments})"
            functions.append(f"{left} := {self.notation.array(array)}")
        shown = len(directions) <= MAX_DIRECTIONS
        rows = self.certificate_rows(factors, lines, shown, self._exact)
        rounded = False
        if shown and _table_width(rows) > TABLE:
            shown = False
            rows = self.certificate_rows(factors, lines, shown, self._exact)
        if _table_width(rows) > TABLE:
            rounded = True
            rows = self.certificate_rows(factors, lines, shown, _rounded)
        return {
            "sizes": [rf"{latex_name(n)} = {k}" for n, k in certificate.sizes],
            "functions": functions,
            "point": point,
            "samples": samples,
            "moves": any(n in learned for s in certificate.samples for n, _, _ in s),
            "directions": [self.notation.term(d) for d in directions] if shown else [],
            "count": len(directions),
            "rows": rows,
            "rounded": rounded,
            "value": _rounded(certificate.value) if rounded else self._exact(certificate.value),
            "shifts": certificate.excludes_shifts,
        }

    def certificate_rows(
        self,
        factors: Sequence[Factor],
        lines: Sequence[CertificateLine],
        slopes: bool,
        show: Callable[[Term], str],
    ) -> list[dict[str, Any]]:
        """The rows of the table of a certificate."""
        return [
            {
                "sample": line.row.sample + 1,
                "eta": self._eta_name(factors, line.row.factor, line.row.component, line.row.place),
                "weight": show(line.row.weight),
                "value": show(line.eta),
                "slopes": [show(slope) for slope in line.slopes] if slopes else [],
            }
            for line in lines
        ]

    def _exact(self, term: Term) -> str:
        return self.notation.term(tidy(term))

    def _eta_name(
        self, factors: Sequence[Factor], name: str, component: int, place: tuple[int, ...]
    ) -> str:
        factor = next(f for f in factors if f.name == name)
        eta = self.notation["eta"]
        mark = f"^{{({component + 1})}}" if len(factor.blocks) > 1 else ""
        at = ",".join(map(str, place))
        return rf"{eta}{mark}_{{{latex_symbol(factor.statement.node)}{',' if at else ''}{at}}}"

    # ------------------------------------------------------------ assumptions, numbers

    def assumptions(self) -> list[str]:
        """What the result rests on, as sentences."""
        found = []
        for assumption in self.derivation.assumptions:
            if assumption.kind != "variational":
                text = escape_latex(assumption.text)
                found.append(text[0].upper() + text[1:])
        for result in self.derivation.factors:
            scale = self.scale(result)
            if scale is not None:
                q = self.notation["q"]
                known = {
                    "assumed": "",
                    "exact posterior": f" This holds, since ${q}$ is the exact posterior.",
                    "shown": f" This holds for the declared ${q}$ if its parameters are free for"
                    " every data point.",
                }[scale["condition"]]
                found.append(
                    f"The family of ${q}$ is closed under scaling ${scale['entry']}$, for all data"
                    rf" points at once (Section~\ref{{{self.notation.label('scale')}}}).{known}"
                )
        return [text if text.endswith(".") else f"{text}." for text in found]

    def residual(self) -> str:
        """An upper bound of the largest residual, rounded to a power of ten."""
        residual = self.derivation.residual
        if residual is None:
            return ""
        power = -15
        while residual > 10.0**power:
            power += 1
        return f"10^{{{power}}}"


def _rounded(term: Term) -> str:
    """A closed term to six digits, from a rigorous enclosure."""
    return f"{float(enclosure(term, 30).split()[0]):.6g}"


def _table_width(rows: Sequence[Mapping[str, Any]]) -> float:
    """The estimated width of the table, in em."""
    columns = [max(latex_width(row[name]) for row in rows) for name in ("eta", "weight", "value")]
    slopes = [
        max(map(latex_width, column))
        for column in zip(*(row["slopes"] for row in rows), strict=True)
    ]
    return sum(columns) + sum(slopes) + len(slopes) + 14.0


def _shape(shape: Sequence[Extent]) -> str:
    return r" \times ".join(map(latex_extent, shape))


def _for_all(indices: Sequence[Index]) -> str:
    return f" for ${ranges(indices)}$" if indices else ""


def _first_bare(formula: str) -> str:
    """+ a - b -> a - b"""
    return formula.removeprefix("+ ")


def _symbols(factor: Factor) -> list[Symbol]:
    found: set[Symbol] = {factor.statement.node}
    for _, array in factor.statement.arguments:
        found |= symbols_of(array)
    return sorted(found, key=lambda s: s.name)
