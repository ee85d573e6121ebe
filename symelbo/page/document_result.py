r"""The entropy sum as signed summands, and the gap off stationarity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from symelbo.answer.derivation import Derivation, FactorEntropy
from symelbo.index.build import ZERO, add, negate, number, total
from symelbo.index.normal import normal
from symelbo.index.substitute import replace_selector, symbols_of
from symelbo.index.terms import (
    Add,
    Array,
    Entry,
    Extent,
    Index,
    Number,
    Role,
    Size,
    Sum,
    Symbol,
    Term,
)
from symelbo.index.tidy import tidy
from symelbo.notation.names import latex_symbol
from symelbo.page.document_factors import FactorPart, Velocity
from symelbo.page.document_notation import Notation, sum_signs

__all__ = ["ResultPrinter"]

_DATA = (Role.VARIATIONAL, Role.OBSERVED, Role.INPUT)


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

    def general(self) -> list[str]:
        """mean H[q] - H[p(z)] - E H[p(x | z)] ..., in names."""
        summands = []
        if self.derivation.model.latents:
            summands.append(
                rf"{self.average()} \mathcal{{H}}\bigl[{self.q()}({self.latents()})\bigr]"
            )
        assert self.derivation.entropy_sum is not None
        entropies = iter(self.derivation.entropy_sum.entropies)
        for part in self.parts:
            if not part.summed:
                continue
            entropy = next(entropies)
            letter = r"\mathcal{H}" if entropy.kind == "entropy" else r"\widetilde{\mathcal{H}}"
            prefix, opening, closing = self.expectation(entropy.parents)
            body = rf"{letter}\bigl[{part.joint}\bigr]"
            if opening in (r"\{", "["):
                body = rf"\bigl{opening}{body}\bigr{closing}"
            summands.append(f"- {prefix}{body}")
        for part in self.parts:
            if part.summed and part.based:
                mark = f"^{{({self.notation['n']})}}" if part.observed else ""
                shown = rf"\log {self.notation['h']}({part.symbol}{mark})"
                summands.append(f"+ {self.base_mean(part.observed)} {shown}")
        return _first_bare(summands)

    def base_mean(self, observed: bool) -> str:
        if observed:
            return self.average()
        return rf"\mathbb{{E}}_{{\bar{{{self.notation['q']}}}}}"

    def explicit(self) -> list[str]:
        """The same with every entropy written out, or its closed form."""
        entropy_sum = self.derivation.entropy_sum
        assert entropy_sum is not None
        if entropy_sum.closed_form is not None:
            return self.notation.summands(entropy_sum.closed_form)
        summands: list[str] = []
        free = [e for e in entropy_sum.entropies if not e.parents]
        if entropy_sum.q_entropy is None:
            summands.append(
                rf"{self.average()} \mathcal{{H}}\bigl[{self.q()}({self.latents()})\bigr]"
            )
            for entropy in free:
                summands += self.signed("", -1, entropy.display)
        else:
            whole = normal(add(entropy_sum.q_entropy, *(negate(e.term) for e in free)))
            parts = whole.terms if isinstance(whole, Add) else (whole,)
            local = [p for p in parts if any(s.role in _DATA for s in symbols_of(p))]
            shared = [p for p in parts if p not in local]
            if local:
                summands += self.signed(self.average(), 1, tidy(add(*local)))
            if shared and add(*shared) != ZERO:
                summands += [
                    _plus(s, bool(summands) or bool(n))
                    for n, s in enumerate(self.notation.summands(add(*shared)))
                ]
        for entropy in entropy_sum.entropies:
            if entropy.parents:
                summands += self.expected(entropy)
        observed = {part.label for part in self.parts if part.observed}
        for node, base in entropy_sum.bases:
            summands += self.signed(self.base_mean(node in observed), 1, tidy(base))
        return _first_bare(summands)

    def expected(self, entropy: FactorEntropy) -> list[str]:
        """- E{ H }, and - sum_c qbar(c) H_c where the only parent is a category."""
        category = _only_category(entropy)
        if category is None:
            prefix, opening, closing = self.expectation(entropy.parents)
            return self.signed(prefix, -1, entropy.display, (opening, closing))
        index, term = category
        qbar = rf"\bar{{{self.notation['q']}}}({self.notation.term(index)})"
        return self.signed(rf"{sum_signs([index])} {qbar}\,", -1, term)

    def signed(
        self, prefix: str, sign: int, term: Term, brackets: tuple[str, str] = ("", "")
    ) -> list[str]:
        """sign * prefix { term } as signed summands."""
        turned, body = self.orient(term)
        lead = "+ " if sign * turned > 0 else "- "
        shown = self.notation.summands(body, marked=True)
        opening, closing = brackets
        if not opening and prefix and isinstance(body, Add):
            opening, closing = "[", "]"
        if opening:
            tall = any(r"\sum" in s or r"\frac" in s for s in shown)
            size = ("Bigl", "Bigr") if tall else ("bigl", "bigr")
            shown[0] = rf"\{size[0]}{opening}{shown[0]}"
            shown[-1] += rf"\{size[1]}{closing}"
        elif not prefix and isinstance(body, Add):
            return [_turn(s, lead.strip(), first=not n) for n, s in enumerate(shown)]
        blank = " " if prefix else ""
        return [f"{lead}{prefix}{blank}{shown[0]}", *shown[1:]]

    def orient(self, term: Term) -> tuple[int, Term]:
        """term -> a sign and a term that is printed without a leading minus."""
        sign, sums, body = 1, [], term
        while True:
            if self.notation.term(body).startswith("-"):
                body = add(*map(negate, body.terms)) if isinstance(body, Add) else negate(body)
                sign = -sign
            if not isinstance(body, Sum):
                break
            sums.append(body.index)
            body = body.body
        for index in reversed(sums):
            body = total(index, body)
        return sign, body

    def abbreviations(self) -> list[tuple[Symbol, Array]]:
        """What the symbols in `explicit` stand for."""
        entropy_sum = self.derivation.entropy_sum
        if entropy_sum is None or entropy_sum.closed_form is not None:
            return []
        return [pair for entropy in entropy_sum.entropies for pair in entropy.abbreviations]

    # -- the gap

    def slope(self, motion: Velocity, function: str, first: bool) -> str:
        """+ sum over entries of velocity * d function / d entry"""
        sign, velocity = self.orient(motion.velocity)
        lead = ("" if first else "+ ") if sign > 0 else "- "
        signs = sum_signs(motion.indices) + " " if motion.indices else ""
        variable = self.notation.term(motion.entry)
        partial = rf"\frac{{\partial {function}}}{{\partial {variable}}}"
        if velocity == number(1):
            return f"{lead}{signs}{partial}"
        return rf"{lead}{signs}{self.notation.wrapped(velocity)}\, {partial}"


def _only_category(entropy: FactorEntropy) -> tuple[Index, Term] | None:
    """H(c) with a category c as its only parent -> the index c and H at it."""
    if len(entropy.parents) != 1 or entropy.abbreviations:
        return None
    (node,) = entropy.parents
    if not node.domain.is_place or node.shape or node.role is not Role.LATENT:
        return None
    match node.domain.upper:
        case Size(name):
            extent = Extent(name)
        case Number(value):
            extent = Extent(None, int(value))
        case _:
            return None
    index = Index(node.name, extent)
    return index, replace_selector(entropy.display, Entry(node), index)


def _plus(summand: str, joined: bool) -> str:
    if not joined or summand.startswith(("+", "-")):
        return summand
    return f"+ {summand}"


def _turn(summand: str, sign: str, *, first: bool) -> str:
    """A summand of a bracket that is opened behind a sign."""
    own = "-" if summand.startswith("-") else "+"
    bare = summand.lstrip("+- ")
    return f"{'+' if own == sign else '-'} {bare}"


def _first_bare(summands: list[str]) -> list[str]:
    """The first summand without a plus, and with a tight minus."""
    if summands and summands[0].startswith("+ "):
        return [summands[0][2:], *summands[1:]]
    if summands and summands[0].startswith("- "):
        return ["-" + summands[0][2:], *summands[1:]]
    return summands
