r"""The entropy sum as signed summands, and the gap off stationarity."""

from __future__ import annotations

from collections.abc import Sequence

from symelbo.answer.derivation import Derivation
from symelbo.answer.worked import Velocity
from symelbo.entropy.summand import Kind, Summand
from symelbo.index.build import extent_of, number
from symelbo.index.terms import (
    Add,
    Array,
    Index,
    Role,
    Symbol,
)
from symelbo.model.quantities import explain_names
from symelbo.notation.arrange import split_sign
from symelbo.notation.break_lines import Joint, Piece, enclose, turn
from symelbo.notation.names import latex_symbol
from symelbo.notation.print_latex import LATEX
from symelbo.page.document_factors import FactorPart
from symelbo.page.document_notation import Notation, sum_signs
from symelbo.values import dataclass

__all__ = ["ResultPrinter"]


@dataclass(frozen=True, slots=True)
class ResultPrinter:
    """Prints the entropy sum of one derivation."""

    notation: Notation
    derivation: Derivation
    parts: Sequence[FactorPart]

    # -- means

    def average(self) -> str:
        """(1/N) sum_n"""
        n, count = self.notation["n"], self.notation["N"]
        return rf"\frac{{1}}{{{count}}} \sum_{{{n}=1}}^{{{count}}}"

    def q(self) -> str:
        """q^(n)"""
        return f"{self.notation['q']}^{{({self.notation['n']})}}"

    def latents(self) -> str:
        """z, y"""
        names = dict.fromkeys(latex_symbol(s.node) for s in self.derivation.model.latents)
        return ", ".join(names)

    def expectation(self, symbols: Sequence[Symbol]) -> tuple[str, str, str]:
        """What averages over these nodes and inputs: prefix, opening and closing bracket."""
        latent = [s for s in symbols if s.role is Role.LATENT]
        if len(latent) == len(symbols):
            if not symbols:
                return "", "", ""
            return rf"\mathbb{{E}}_{{\bar{{{self.notation['q']}}}}}", r"\{", r"\}"
        if not latent:
            return self.average(), "[", "]"
        return rf"{self.average()} \mathbb{{E}}_{{{self.q()}}}", r"\{", r"\}"

    # -- the entropy sum

    def of_q(self) -> Piece:
        """mean H[q(z)]"""
        shown = rf"\mathcal{{H}}\bigl[{self.q()}({self.latents()})\bigr]"
        return Piece(f"{self.average()} {shown}")

    def general(self) -> list[Piece]:
        """mean H[q] - H[p(z)] - E H[p(x | z)] ..., in names."""
        pieces = [self.of_q()] if self.derivation.model.latents else []
        entropies = self.derivation.entropies
        for part in self.parts:
            if not part.summed:
                continue
            entropy = entropies[part.label]
            whole = entropy.kind is Kind.ENTROPY
            letter = r"\mathcal{H}" if whole else r"\widetilde{\mathcal{H}}"
            prefix, opening, closing = self.expectation(entropy.over)
            body = rf"{letter}\bigl[{part.joint}\bigr]"
            if opening:
                body = rf"\bigl{opening}{body}\bigr{closing}"
            pieces.append(Piece(f"{prefix}{body}", Joint.MINUS))
        for part in self.parts:
            if part.summed and part.based:
                mark = f"^{{({self.notation['n']})}}" if part.observed else ""
                shown = rf"\log {self.notation['h']}({part.symbol}{mark})"
                pieces.append(Piece(f"{self.base_mean(part.observed)} {shown}"))
        return pieces

    def base_mean(self, observed: bool) -> str:
        if observed:
            return self.average()
        return rf"\mathbb{{E}}_{{\bar{{{self.notation['q']}}}}}"

    def explicit(self) -> list[Piece]:
        """The same with every entropy written out, or its closed form."""
        entropy_sum = self.derivation.entropy_sum
        assert entropy_sum is not None
        if entropy_sum.closed_form is not None:
            return self.notation.summands(entropy_sum.closed_form)
        pieces: list[Piece] = []
        for summand in entropy_sum.printed:
            if summand.kind is Kind.REMAINDER:
                continue
            pieces += [self.of_q()] if summand.term is None else self.summand(summand)
        return pieces

    def summand(self, summand: Summand) -> list[Piece]:
        """sign * average { term }; - sum_c qbar(c) H_c of a category c."""
        category = _only_category(summand)
        if category is not None:
            qbar = rf"\bar{{{self.notation['q']}}}({self.notation.term(category)})"
            prefix, opening, closing = rf"{sum_signs([category])} {qbar}\,", "", ""
        else:
            prefix, opening, closing = self.expectation(summand.over)
            if not summand.is_entropy:
                opening = closing = ""
        body = summand.display
        shown = self.notation.summands(body, marked=True)
        if not opening and isinstance(body, Add):
            if not prefix:
                return shown if summand.sign > 0 else turn(shown)
            opening, closing = "[", "]"
        if opening:
            tall = any(r"\sum" in piece.text or r"\frac" in piece.text for piece in shown)
            size = ("Bigl", "Bigr") if tall else ("bigl", "bigr")
            opening, closing = rf"\{size[0]}{opening}", rf"\{size[1]}{closing}"
        head = f"{prefix} {opening}" if prefix else opening
        return enclose(head, shown, closing, _joint(summand.sign), LATEX)

    def abbreviations(self) -> tuple[tuple[Symbol, Array], ...]:
        """What the symbols in `explicit` stand for, and the user's quantities in that."""
        entropy_sum = self.derivation.entropy_sum
        if entropy_sum is None or entropy_sum.closed_form is not None:
            return ()
        return tuple(explain_names(self.derivation.model, entropy_sum.abbreviations))

    # -- the gap

    def slope(self, motion: Velocity, function: str) -> Piece:
        """sum over entries of velocity * d function / d entry"""
        sign, velocity = split_sign(motion.velocity)
        signs = sum_signs(motion.indices) + " " if motion.indices else ""
        variable = self.notation.term(motion.entry)
        partial = rf"\frac{{\partial {function}}}{{\partial {variable}}}"
        if velocity == number(1):
            return Piece(f"{signs}{partial}", _joint(sign))
        factors = f"{signs}{self.notation.wrapped(velocity)}", partial
        return Piece(r"\, ".join(factors), _joint(sign), factors=factors)


def _joint(sign: int) -> Joint:
    return Joint.PLUS if sign > 0 else Joint.MINUS


def _only_category(summand: Summand) -> Index | None:
    """The index c of an average over a category c alone: of sum_c qbar(c) H(c)."""
    if len(summand.over) != 1 or summand.abbreviations or not summand.is_entropy:
        return None
    (node,) = summand.over
    if not node.domain.is_place or node.shape or node.role is not Role.LATENT:
        return None
    extent = extent_of(node.domain.upper)
    return None if extent is None else Index(node.name, extent)
