"""The bodies of the emitted functions as assignments, for every way of averaging over q.

mixture    one categorical latent: a sum over the categories with the responsibilities
moments    expectations of polynomials of degree two by the mean and covariance of q, and of
           absolute values where q is normal
samples    a weighted sum over samples (or an enumeration) of the latents
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from symelbo.answer.derivation import Derivation, EntropySum, FactorResult
from symelbo.code.numpy_code import Code, Level, Local, NumpyPrinter, Unsupported
from symelbo.code.numpy_profile import (
    Profile,
    find_owner,
    profile_of_argument,
    profile_of_simplex,
)
from symelbo.code.numpy_stable import LINKS, stable_form
from symelbo.code.numpy_terms import (
    Facts,
    fold_absolutes,
    is_affine_in,
    name_residuals,
    swap_term,
)
from symelbo.entropy.exact_posterior import log_joint
from symelbo.expfam.derive_means import derive_means
from symelbo.expfam.form import Inseparable
from symelbo.expfam.separate_density import separate_density
from symelbo.families.density import Density
from symelbo.index.build import (
    ZERO,
    add,
    call,
    divide,
    exp,
    mul,
    negate,
    number,
    power,
    subtract,
    total,
)
from symelbo.index.differentiate import derivative_by
from symelbo.index.normal import from_poly, is_positive, normal, normal_array, to_poly
from symelbo.index.substitute import (
    count_subterms,
    instantiate,
    replace_symbols,
    symbols_of,
)
from symelbo.index.terms import (
    Add,
    Array,
    Call,
    Constant,
    Delta,
    Domain,
    Entry,
    Extent,
    Index,
    IndexTerm,
    IndexValue,
    Mul,
    Node,
    Number,
    Offset,
    Power,
    Role,
    Size,
    Sum,
    Symbol,
    Term,
)
from symelbo.index.tidy import sum_over, tidy
from symelbo.model.model import Model, Statement

__all__ = ["Body", "Line", "Setting"]

_RESERVED = frozenset((*keyword.kwlist, "np", "special", "float", "sizes"))
_SHORT = {"logit": "a", "logits": "a", "log_rate": "a", "mean": "m", "location": "m"}
_DATA = Index("n!", Extent("N!"))


class NotQuadratic(Exception):
    """The expectation needs more than the mean and the covariance of q."""


@dataclass(frozen=True, slots=True)
class Line:
    """One statement, with a comment above it."""

    code: str
    comment: str = ""


class Setting:
    """What the functions of one module share: names, sizes, and the form of q."""

    def __init__(self, derivation: Derivation) -> None:
        assert derivation.entropy_sum is not None
        self.derivation = derivation
        self.model = derivation.model
        self.entropy_sum: EntropySum = derivation.entropy_sum
        nodes = dict.fromkeys(statement.node for statement in self.model.statements)
        self.observed = tuple(s for s in nodes if s.name in self.model.observed)
        self.latents = tuple(s for s in nodes if s.name not in self.model.observed)
        self.taken = set(_RESERVED)
        self.names: dict[Symbol, str] = {}
        for symbol in (
            *self.model.parameters,
            *self.model.constants,
            *self.model.inputs,
            *self.model.functions,
            *self.model.variational_symbols,
            *nodes,
        ):
            self.names[symbol] = self._take(symbol.name)
        self.sizes = {name: self._take(name) for name in self.model.sizes}
        for hidden in ("N", "S"):
            self.sizes[f"{hidden}!"] = self._take(hidden)
        self.q_name = self._take("q")
        self.entropy_q_name = self._take("entropy_q")
        self.weights_name = self._take("weights")
        self.mixture = self._find_mixture()
        self.samples = Index("s!", Extent("S!"))
        exact = self.model.variational == "exact"
        declared = not isinstance(self.model.variational, str)
        self.computes_q = self.mixture is not None and (exact or declared)
        self.facts = find_facts(self.model)

    def _take(self, name: str) -> str:
        name = fresh(name, self.taken)
        self.taken.add(name)
        return name

    def _find_mixture(self) -> Index | None:
        """The axis of the categories, if the only latent is one category."""
        if len(self.model.latents) != 1:
            return None
        (statement,) = self.model.latents
        if statement.node.domain.kind != "category" or statement.node.shape:
            return None
        extent = self.category_extent(statement.node)
        return None if extent is None else Index(f"{statement.node.name}!", extent)

    def category_extent(self, node: Symbol) -> Extent | None:
        """The number of categories of a node."""
        match node.domain.upper:
            case Size(name):
                return Extent(name)
            case Number(value):
                return Extent(None, int(value))
        for statement in self.model.statements:
            if statement.node == node:
                shapes = [dict(statement.extents).get("K")]
                return next((s for s in shapes if s is not None), None)
        return None

    def upper_bound(self, symbol: Symbol) -> str:
        """The number of categories as an expression in `sizes`."""
        extent = self.category_extent(symbol)
        if extent is None:
            return ""
        if extent.size is None:
            return str(extent.offset)
        sign = "+" if extent.offset > 0 else "-"
        offset = f" {sign} {abs(extent.offset)}" if extent.offset else ""
        return f'sizes["{self.sizes[extent.size]}"]{offset}'

    def bounds(self, symbol: Symbol) -> tuple[str, str]:
        """The least and the greatest value as source; infinite where they are not known here."""
        lower, upper = dict(self.facts.bounds).get(symbol, (None, None))
        return self._bound(lower) or "-np.inf", self._bound(upper) or "np.inf"

    def total(self, symbol: Symbol) -> str:
        """The sum of counts as source; empty where it is not known here."""
        return self._bound(dict(self.facts.totals).get(symbol))

    def bounding(self, symbol: Symbol) -> frozenset[Symbol]:
        """The symbols that bound the values of another one."""
        arrays = [*dict(self.facts.bounds).get(symbol, ()), dict(self.facts.totals).get(symbol)]
        return frozenset().union(*(symbols_of(array) for array in arrays if array is not None))

    def _bound(self, array: Array | None) -> str:
        """An entry, a size or a number, as source that broadcasts over the places; else nothing."""
        if array is None:
            return ""
        match array.body:
            case Number(value):
                return repr(float(value))
            case Size(name):
                return f'sizes["{self.sizes[name]}"]'
            case Constant("pi"):
                return "np.pi"
            case Mul((Number(value), Constant("pi"))) if value == -1:
                return "-np.pi"
            case Entry(other, places) if other in self.names:
                last = array.indices[len(array.indices) - len(places) :]
                whole = tuple(i.extent for i in last) == other.shape
                return self.names[other] if places == last and whole else ""
        return ""

    def renamed(self) -> list[tuple[str, str]]:
        """(name in the spec, name in the module) where they differ."""
        pairs = [(symbol.name, name) for symbol, name in self.names.items()]
        pairs += [(size, name) for size, name in self.sizes.items() if not size.endswith("!")]
        return [(old, new) for old, new in pairs if old != new]


def _less(log_density: Term, entropy: Term, base: Term) -> Term:
    """log p + H~ - b: the summands of b go, the others stay as they are written."""
    left, kept = to_poly(base), []
    for summand in log_density.terms if isinstance(log_density, Add) else (log_density,):
        poly = to_poly(summand)
        if all(left.get(monomial) == scale for monomial, scale in poly.items()):
            left = {m: scale for m, scale in left.items() if m not in poly}
        else:
            kept.append(summand)
    return add(*kept, entropy, negate(from_poly(left)))


def find_facts(model: Model) -> Facts:
    """The simplexes that only serve as probabilities of categories, totals and bounds of values."""
    declared = () if isinstance(model.variational, str) else model.variational
    known = (*model.parameters, *model.constants, *model.variational_symbols)
    zeros = {symbol for symbol in known if symbol.domain.kind == "simplex"}
    totals, bounds = [], []
    for statement in (*model.statements, *declared):
        counts = statement.family.name == "Multinomial"
        for name, array in statement.arguments:
            body = array.body
            whole = isinstance(body, Entry) and body.indices[-1:] == array.indices
            if not (whole and name == "p" and (counts or statement.family.name == "Categorical")):
                zeros -= symbols_of(array)
        if statement in declared or statement.places != statement.plates:
            continue
        if counts:
            totals.append((statement.node, Array(statement.plates, statement.argument("n").body)))
        bounds.append((statement.node, _bounds_of(statement)))
    return Facts(frozenset(zeros), tuple(totals), tuple(b for b in bounds if any(b[1])))


def _bounds_of(statement: Statement) -> tuple[Array | None, Array | None]:
    """The ends of the support of a family, in the arguments of a statement."""
    found: list[Array | None] = []
    arguments = dict(statement.arguments)
    for bound in (statement.family.support.lower, statement.family.support.upper):
        if bound is None or statement.family.support.kind == "category":
            found.append(None)
            continue
        given = {s: arguments[s.name] for s in symbols_of(bound)}
        found.append(Array(statement.plates, replace_symbols(bound, given)))
    return found[0], found[1]


def fresh(name: str, taken: set[str]) -> str:
    """The name, with underscores appended until it is free."""
    while name in taken:
        name += "_"
    return name


@dataclass
class Body:
    """Writes one function; `lines` and the flags say what came out."""

    setting: Setting
    lines: list[Line] = field(default_factory=list)
    uses_weights: bool = False
    asks_entropy_q: bool = False
    asked: list[tuple[str, str]] = field(default_factory=list)
    pending: str = ""  # the comment above the next line
    subject: str = ""  # the factor at hand

    def __post_init__(self) -> None:
        setting = self.setting
        self.taken = set(setting.taken)
        self.locals: dict[Symbol, Local] = {}
        for symbol, name in setting.names.items():
            batch: tuple[Index, ...] = ()
            if symbol.role in (Role.INPUT, Role.OBSERVED, Role.VARIATIONAL):
                batch = (_DATA,)
            elif symbol.role is Role.LATENT:
                batch = (setting.samples,)
            self.locals[symbol] = Local(name, batch)
        over = setting.mixture or setting.samples
        batch_axes = {_DATA: setting.sizes["N!"], over: setting.sizes["S!"]}
        if setting.mixture is not None:
            (statement,) = setting.model.latents
            del self.locals[statement.node]
            extent = setting.mixture.extent
            size = setting.sizes[extent.size] if extent.size is not None else ""
            batch_axes[over] = size or str(extent.offset)
        functions = {f: setting.names[f] for f in setting.model.functions}
        self.printer = NumpyPrinter(
            self.locals, setting.sizes, batch_axes, functions, facts=setting.facts
        )
        self.over = over
        self.q = setting.q_name if setting.mixture is not None else setting.weights_name
        self.shared: dict[tuple[str, Array], Symbol] = {}
        self.means: dict[Symbol, Array] | None = None
        self.covariances: dict[Symbol, Array] = {}
        self.by_samples = False
        self.q_is_normal = False
        self.folded = False
        self.infinite: set[str] = set()  # variables that may be minus infinity
        if setting.latents and setting.mixture is None:
            self._find_moments()

    # ------------------------------------------------------------------ the functions

    def write_entropy_sum(self) -> None:
        """-> return H[q] - sum_f E H_f (+ sum_f E log h_f)"""
        sums = self.setting.entropy_sum
        if sums.closed_form is not None:
            code = self.printer.expression(sums.closed_form)
            self._return(code, "closed form of the entropy sum")
            return
        if self.setting.computes_q:
            self._compute_q()
        parts: list[tuple[bool, Code]] = []
        self._entropy_of_q(parts)
        for entropy in sums.entropies:
            kind = entropy.kind.replace("_", "-")
            self.pending = f"{kind} of {entropy.node}"
            self.subject = entropy.node
            what = f"{kind} of {entropy.node} under q"
            name = f"entropy_{entropy.node}"
            shown = (entropy.display, entropy.abbreviations)
            parts.append((True, self._mean_or_ask(entropy.term, *shown, name, what)))
        for node, term in sums.bases:
            self.pending = f"logarithm of the base measure of {node}"
            what = f"logarithm of the base measure of {node} under q"
            parts.append((False, self._mean_or_ask(term, term, (), f"log_base_{node}", what)))
        self._return(_signed_sum(parts))
        self._drop_unused()

    def _mean_or_ask(
        self,
        term: Term,
        display: Term,
        abbreviations: Sequence[tuple[Symbol, Array]],
        name: str,
        what: str,
    ) -> Code:
        """The mean of a term; a number that the caller gives where it is abstract."""
        used, by_samples = set(self.printer.used), self.by_samples
        try:
            return self._assign(name, self._mean(term, display, abbreviations))
        except Unsupported:
            self.printer.used.clear()
            self.printer.used.update(used)
            self.by_samples, self.pending = by_samples, ""
            name = self._fresh(name)
            self.asked.append((name, what))
            return Code(name)

    def write_elbo(self) -> None:
        """-> return H[q] + sum_f E log p_f"""
        setting = self.setting
        model = setting.model
        if setting.computes_q:
            self._compute_q()
        exact = self._use_exact_moments()
        parts: list[tuple[bool, Code]] = []
        if exact is None:
            self._entropy_of_q(parts)
        for statement, result in zip(model.statements, setting.derivation.factors, strict=True):
            density = statement.density
            node = result.node
            self.subject = node
            self.pending = f"log-density of {node}"
            codes = self._mean_of_formal(statement, density, density.term, exact is not None)
            self._assign_all(parts, f"log_{node}", codes)
        if exact is not None:
            # H[q] plus half the trace of Hessian times covariance, which is -H/2
            posterior = setting.derivation.posterior
            assert posterior is not None
            length: Term = number(1)
            if posterior.latent.shape:
                extent = posterior.latent.shape[0]
                length = number(extent.offset)
                if extent.size is not None:
                    length = add(Size(extent.size), length)
            term = normal(subtract(posterior.entropy, divide(length, number(2))))
            code = self.printer.expression(term)
            self.pending = "the posterior is normal, so log p(x) = log p(x, mode) + this"
            parts.append((False, self._assign("log_volume", code)))
        self._return(_signed_sum(parts))
        self._finish()

    def write_gap(self) -> None:
        """-> return sum_f E (D log p_f + d_f): the derivative of the ELBO along the motion"""
        setting = self.setting
        if setting.computes_q:
            self._compute_q()
        self._use_exact_moments()
        parts: list[tuple[bool, Code]] = []
        for statement, result in zip(
            setting.model.statements, setting.derivation.factors, strict=True
        ):
            self.subject = result.node
            self.pending = f"derivative of log p({result.node}) along the motion"
            codes = self._mean_of_change(statement, result)
            self._assign_all(parts, f"slope_{result.node}", codes)
        self._return(_signed_sum(parts))
        self._finish()

    def write_profiles(self) -> tuple[Symbol, ...]:
        """-> return the parameters that the field moves, each from its own stationarity."""
        setting = self.setting
        found = self._find_profiles()
        if setting.computes_q:
            self._compute_q()
        for profile in found:
            self._write_profile(profile)
        if not self.printer.used.isdisjoint(profile.parameter for profile in found):
            raise Unsupported("a stationary value depends on another")
        names = [setting.names[profile.parameter] for profile in found]
        shown = ", ".join(f'"{name}": {name}' for name in names)
        self._write(f"return {{{shown}}}")
        self._finish()
        return tuple(profile.parameter for profile in found)

    def _find_profiles(self) -> list[Profile]:
        """One profile for every parameter that moves."""
        derivation = self.setting.derivation
        if self.setting.model.variational == "exact":
            raise Unsupported("the exact posterior changes with the parameters")
        if derivation.motion.latents:
            raise Unsupported("a latent moves")
        moved = list(dict.fromkeys(p for r in derivation.factors for p in r.field))
        if not moved:
            raise Unsupported("no parameter moves")
        found = []
        for parameter in moved:
            result, statement, name = find_owner(derivation, parameter)
            if parameter.domain.kind == "simplex":
                profile = profile_of_simplex(parameter, result, statement, name)
            else:
                profile = profile_of_argument(parameter, statement, statement.density, name)
            found.append(profile)
        return found

    def _write_profile(self, profile: Profile) -> None:
        """parameter = E above / E below"""
        setting = self.setting
        kept = tuple(self._axis(place) for place in profile.places)
        name = setting.names[profile.parameter]
        self.subject = name
        self.pending = f"{name}, where the ELBO is stationary in it"
        above = self._profile_mean(profile, profile.above, kept)
        below = self._profile_mean(profile, profile.below, kept)
        axes = self.printer.union((above.axes, below.axes))
        above, below = self.printer.align(above, axes), self.printer.align(below, axes)
        if above.level is Level.SUM and below.text != "1":
            local = self._fresh(f"sum_{name}")
            self._write(f"{local} = {above.text}")
            above = Code(local, Level.ATOM, above.axes)
        ratio = f"{above.at(Level.PRODUCT)} / {below.at(Level.POWER)}"
        code = above if below.text == "1" else Code(ratio, Level.PRODUCT, axes)
        if set(axes) == set(kept) and axes != kept:
            local = self._fresh(f"ordered_{name}")
            self._write(f"{local} = {code.text}")
            code = Code(local)
        self._write(f"{name} = {self.printer.full(Code(code.text, code.level, axes), kept)}")

    def _axis(self, place: IndexTerm) -> Index:
        if isinstance(place, Index):
            return place
        if self.setting.mixture is None:
            raise Unsupported("a latent category selects")
        return self.over

    def _profile_mean(self, profile: Profile, term: Term, kept: tuple[Index, ...]) -> Code:
        statement, parts = profile.statement, []
        if not profile.formal:
            selected = self._select(sum_over(profile.summed, term))
            if isinstance(selected, Delta) and {selected.left, selected.right} == {
                self.over,
                kept[-1],
            }:
                self.uses_weights = True
                return Code(f"{self.q}.mean(axis=0)", Level.ATOM, kept[-1:])
            return self._average(self.printer.expression(selected), kept)
        codes = self._mean_of_formal(statement, statement.density, term, False, profile.summed)
        for code in codes:
            average = self._average(code, kept)
            parts.append((False, average))
        return parts[0][1] if len(parts) == 1 else self._signed_axes(parts)

    def how_averaged(self) -> str:
        """A sentence on how the expectation over q is taken."""
        if self.setting.mixture is not None or not self.setting.latents:
            return ""
        if self.by_samples:
            return (
                "Expectations under q are weighted sums over the given samples: exact for an"
                " enumeration, an estimate otherwise."
            )
        if self.setting.derivation.posterior is not None:
            return "With the exact posterior this is the mean log-likelihood."
        if self.folded:
            return (
                "Expectations under q are exact: log p(x, z) is made of squares and absolute values"
                " of sums of latents, and q is normal."
            )
        return "Expectations under q are exact: log p(x, z) is quadratic in the latents."

    def where_infinite(self) -> str:
        """A sentence on the logarithms of probabilities that may be 0."""
        return "Minus infinity where a category of probability 0 has weight." * bool(self.infinite)

    # ------------------------------------------------------------------ entropy of q

    def _entropy_of_q(self, parts: list[tuple[bool, Code]]) -> None:
        setting = self.setting
        if not setting.latents:
            return
        self.pending = "entropy of q"
        if setting.mixture is not None:
            self.uses_weights = True
            code = Code(f"np.sum(special.entr({self.q}), axis=1)", Level.ATOM, (_DATA,))
        elif setting.entropy_sum.q_entropy is not None:
            code = self.printer.expression(tidy(setting.entropy_sum.q_entropy))
        else:
            self.pending = ""
            self.asks_entropy_q = True
            parts.append((False, Code(setting.entropy_q_name)))
            return
        name = setting.entropy_q_name
        self._write(f"{name} = {code.text}")
        parts.append((False, self._average(Code(name, Level.ATOM, code.axes))))

    def _compute_q(self) -> None:
        """The responsibilities from the exact posterior or the declared q."""
        model = self.setting.model
        self.uses_weights = True
        if model.variational == "exact":
            codes = []
            for statement in model.statements:
                density = statement.density
                codes.append((False, self._formal(statement, density, density.term)))
            joint = self._signed_axes(codes)
            full = self.printer.full(joint, (_DATA, self.over))
            self.pending = "responsibilities, the exact posterior"
            self._write(f"{self.q} = special.softmax({full}, axis=1)")
            return
        assert not isinstance(model.variational, str)
        (statement,) = model.variational
        density = statement.density
        code = self._formal(statement, density, density.term)
        full = self.printer.full(code, (_DATA, self.over))
        self._write(f"{self.q} = np.exp({full})")

    def _signed_axes(self, parts: Sequence[tuple[bool, Code]]) -> Code:
        axes = self.printer.union(code.axes for _, code in parts)
        aligned = [(negative, self.printer.align(code, axes)) for negative, code in parts]
        return Code(_signed_sum(aligned).text, Level.SUM, axes)

    # ------------------------------------------------------------------ expectations

    def _mean(
        self, term: Term, display: Term, abbreviations: Sequence[tuple[Symbol, Array]]
    ) -> Code:
        """A term at every data point and category or sample, or its expectation by moments."""
        latents = [s for s in symbols_of(term) if s.role is Role.LATENT]
        if latents and self.means is not None and not self.by_samples:
            try:
                self._use_exact_moments()
                at_mean, curved = self._expect(term)
                return self.printer.expression(tidy(add(at_mean, curved)))
            except NotQuadratic:
                pass
        if latents and self.setting.mixture is None:
            self.by_samples = True
        named = {}
        for symbol, array in abbreviations:
            body = Array((), array.body)
            short = self._abbreviate(symbol.name, symbol.domain, body, array.indices)
            named[symbol] = Array(array.indices, short.body)
        return self.printer.expression(self._select(replace_symbols(display, named)))

    def _average(self, code: Code, kept: tuple[Index, ...] = ()) -> Code:
        """The mean over q and over the data; the axes that are left have to be among `kept`."""
        has_data, has_latent = _DATA in code.axes, self.over in code.axes
        rest = tuple(axis for axis in code.axes if axis not in (_DATA, self.over))
        if not set(rest) <= set(kept):
            raise Unsupported("an index is left over")
        along = ", axis=0" if rest or (has_latent and self.over in kept) else ""
        if not has_latent and self.over not in kept:
            return Code(f"np.mean({code.text}{along})", Level.ATOM, rest) if has_data else code
        self.uses_weights = True
        infinite = code.text in self.infinite
        if has_data:
            axes = (_DATA, self.over, *rest)
            weights = self.printer.align(Code(self.q, Level.ATOM, axes[:2]), axes)
            values = self.printer.align(code, axes)
            product = f"{weights.text} * {values.at(Level.POWER)}"
            if infinite:
                product = f"_weigh({weights.text}, {values.text})"
            if self.over in kept:
                return Code(f"np.mean({product}, axis=0)", Level.ATOM, axes[1:])
            return Code(f"np.mean(np.sum({product}, axis=1){along})", Level.ATOM, rest)
        axes = (self.over, *rest)
        mean = Code(f"{self.q}.mean(axis=0)", Level.ATOM, axes[:1])
        aligned = self.printer.align(code, axes).at(Level.POWER)
        if self.over in kept:
            if aligned == "1":
                return mean
            text = f"{self.printer.align(mean, axes).text} * {aligned}"
            return Code(text, Level.PRODUCT, axes)
        if infinite:
            return Code(f"np.sum(_weigh({mean.text}, {code.text}))")
        return Code(f"{mean.text} @ {aligned}", Level.PRODUCT, rest)

    def _mean_of_formal(
        self,
        statement: Statement,
        density: Density,
        term: Term,
        only_at_mean: bool,
        plates: tuple[Index, ...] | None = None,
    ) -> list[Code]:
        """E_q of a term in a family's own symbols, and the correction by the covariance.

        Summed over `plates`, by default over all plates of the statement.
        """
        plates = statement.plates if plates is None else plates
        point = replace_symbols(term, _mapping(statement, density))
        full = sum_over(plates, point)
        latents = [s for s in symbols_of(full) if s.role is Role.LATENT]
        if not latents or self.means is None or self.by_samples:
            if latents and self.setting.mixture is None:
                self.by_samples = True
            return [self._formal(statement, density, term, plates)]
        if only_at_mean:
            return [self._formal(statement, density, term, plates)]
        try:
            folded = self._fold(point)
            at_mean, curved = self._expect(sum_over(plates, folded))
        except NotQuadratic:
            raise Unsupported("no closed form") from None
        if folded != point:
            return [self.printer.expression(tidy(add(at_mean, curved)))]
        codes = [self._formal(statement, density, term, plates)]
        if curved != ZERO:
            codes.append(self.printer.expression(tidy(curved)))
        return codes

    def _fold(self, term: Term) -> Term:
        """|f(z)| -> its mean under a normal q, as a variable; f is a sum of latents.

        E|f| = sqrt(2 v/pi) exp(-m**2/(2 v)) + m erf(m/sqrt(2 v)), m and v mean and variance of f.
        """
        marks: dict[Symbol, None] = {}

        def replace(inside: Term, places: tuple[Index, ...]) -> Term:
            if isinstance(inside, Mul) and inside.factors[0] == number(-1):
                inside = negate(inside)
            mean = replace_symbols(inside, self.means or {})
            _, variance = self._expect(power(inside, 2))
            if not self.q_is_normal or not is_positive(variance):
                raise NotQuadratic
            pending, self.pending = self.pending, "mean of the absolute value under q"

            def define(name: str, term: Term) -> Term:
                return self._named(name, Domain("real"), Array(places, term)).body

            if count_subterms(mean) > 3:
                mean = define("shift", mean)
            twice = mul(number(2), variance)
            ratio = define("ratio", divide(mean, power(twice, Fraction(1, 2))))
            bell = mul(
                power(divide(twice, Constant("pi")), Fraction(1, 2)), exp(negate(power(ratio, 2)))
            )
            absolute = define("absolute", add(bell, mul(mean, call("erf", ratio))))
            self.pending = pending
            marks.update(dict.fromkeys(symbols_of(absolute)))
            return absolute

        folded = fold_absolutes(term, replace)
        if not marks:
            return term
        if not is_affine_in(folded, frozenset(marks)):
            raise NotQuadratic
        self.folded = True
        return folded

    def _mean_of_change(self, statement: Statement, result: FactorResult) -> list[Code]:
        """E_q (D log p + d) along the motion, in the family's symbols where H~ is known in them.

        By (U) it is log p + H~ - b, which has the shape of log p.
        """
        identity = result.identity
        assert identity is not None
        if identity.formal is not None and identity.formal_base is not None:
            density = statement.density
            own = result.factor.change.density
            term = _tidy_residuals(_less(own.term, identity.formal, identity.formal_base))
            if not _mentions_only(term, _mapping(statement, density)):
                return self._mean_of_difference(result)
            return self._mean_of_formal(statement, density, term, False)
        return self._mean_of_difference(result)

    def _mean_of_difference(self, result: FactorResult) -> list[Code]:
        """E_q (log p + H~ - b) from the factor itself."""
        factor, identity = result.factor, result.identity
        assert identity is not None
        whole = _less(factor.log_density, identity.entropy, identity.base)
        term = sum_over(factor.plates, _tidy_residuals(whole))
        return [self._mean(term, term, ())]

    def _expect(self, term: Term) -> tuple[Term, Term]:
        """E f = f(m) + tr(f'' C)/2 for a polynomial f of degree two, as two terms."""
        assert self.means is not None
        if not _is_polynomial(term):
            raise NotQuadratic
        curved: list[Term] = []
        for latent in self.means:
            for other in self.means:
                rows, columns = _rows(latent, "row"), _rows(other, "column")
                second = normal(derivative_by(derivative_by(term, latent, rows), other, columns))
                if any(s.role is Role.LATENT for s in symbols_of(second)):
                    raise NotQuadratic
                if latent == other:
                    curved.append(self._traced(latent, Array((*rows, *columns), second)))
        return replace_symbols(term, self.means), normal(divide(add(*curved), number(2)))

    def _traced(self, latent: Symbol, second: Array) -> Term:
        """tr(f'' C) for one latent; C is block-diagonal over the plates of a declared q."""
        if second.body == ZERO:
            return ZERO
        covariance = self.covariances.get(latent)
        if covariance is None:  # the exact posterior: a full matrix
            self._use_exact_moments()
            if self.printer.expression(second.body).axes == second.indices[::-1]:
                second = Array(second.indices[::-1], second.body)  # it is symmetric
            name = f"curvature_{self.subject}"
            curvature = self._symbol(name, tuple(i.extent for i in second.indices))
            curvature = self._define(curvature, second)
            both = (curvature, self.exact[1])
            covariance = Array(second.indices, mul(*(Entry(s, second.indices) for s in both)))
            indices, part = second.indices, covariance.body
        else:
            indices = covariance.indices
            events = len(indices) - len(latent.shape)
            rows = indices[: len(latent.shape)]
            columns = (*indices[: len(latent.shape) - events], *indices[len(latent.shape) :])
            part = mul(instantiate(second, (*rows, *columns)), covariance.body)
        for index in indices:
            part = total(index, part)
        return part

    def _find_moments(self) -> None:
        """The mean and the covariance of q in closed form, where it has them."""
        setting = self.setting
        posterior = setting.derivation.posterior
        if posterior is not None:
            latent = posterior.latent
            mean = self._symbol(f"mean_{latent.name}", latent.shape)
            covariance = self._symbol(f"cov_{latent.name}", (*latent.shape, *latent.shape))
            self.means = {latent: _whole(mean)}
            self.exact = (mean, covariance)
        elif not isinstance(setting.model.variational, str):
            moments = [_moments(statement) for statement in setting.model.variational]
            nodes = [statement.node for statement in setting.model.variational]
            pairs = {n: m for n, m in zip(nodes, moments, strict=True) if m is not None}
            if len(pairs) == len(nodes) and set(nodes) == set(setting.latents):
                self.means = {node: mean for node, (mean, _) in pairs.items()}
                self.covariances = {node: c for node, (_, c) in pairs.items()}
                self.q_is_normal = all(map(self._is_normal, setting.model.variational))

    def _is_normal(self, statement: Statement) -> bool:
        """Whether a log-density on the reals is quadratic in its value."""
        density = statement.density
        rows, columns = _rows(density.value, "row"), _rows(density.value, "column")
        slope = derivative_by(density.term, density.value, rows)
        second = normal(derivative_by(slope, density.value, columns))
        return density.value.domain.kind == "real" and density.value not in symbols_of(second)

    def _use_exact_moments(self) -> Symbol | None:
        """Write the mode and the covariance of the exact normal posterior, once."""
        posterior = self.setting.derivation.posterior
        if posterior is None:
            return None
        mean, covariance = self.exact
        if mean in self.locals:
            return mean
        latent = posterior.latent
        rows = _rows(latent, "row")
        zero = {latent: Array(_rows(latent, "z"), ZERO)}
        gradient = derivative_by(log_joint(self.setting.model.statements), latent, rows)
        at_zero = _tidy_residuals(replace_symbols(gradient, zero))
        code = self.printer.expression(at_zero)
        slope = self.printer.full(code, (_DATA, *rows))
        precision = self.printer.expression(posterior.precision.body)
        self.pending = f"exact posterior of {latent.name}: normal with this precision and mode"
        matrix = self.printer.full(precision, posterior.precision.indices)
        names = [self._fresh("precision"), self._fresh("covariance"), self._fresh("mode")]
        self._write(f"{names[0]} = {matrix}")
        self.printer.matrices[normal_array(posterior.precision)] = names[0]
        if latent.shape:
            self._write(f"{names[1]} = np.linalg.inv({names[0]})")
            solved = Code(slope, Level.SUM if " " in slope else Level.ATOM).at(Level.ATOM)
            solve = f"np.linalg.solve({names[0]}, {solved}.T).T"
        else:
            self._write(f"{names[1]} = 1 / {names[0]}")
            solve = f"({slope}) / {names[0]}"
        self._write(f"{names[2]} = {solve}")
        self.locals[covariance] = Local(names[1])
        self.locals[mean] = Local(names[2], (_DATA,))
        return mean

    def _symbol(self, name: str, shape: tuple[Extent, ...]) -> Symbol:
        return Symbol(name, Role.ARGUMENT, Domain("real"), shape)

    # ------------------------------------------------------------------ formal terms

    def _formal(
        self,
        statement: Statement,
        density: Density,
        term: Term,
        plates: tuple[Index, ...] | None = None,
    ) -> Code:
        """A term in a family's symbols, summed over the plates, long arguments by name."""
        plates = statement.plates if plates is None else plates
        mapping: dict[Symbol, Array] = {}
        for symbol, array in _mapping(statement, density).items():
            array = Array(array.indices, self._select(array.body))
            if symbol != density.value and symbol in symbols_of(term):
                name = _SHORT.get(symbol.name, symbol.name)
                array = self._abbreviate(name, symbol.domain, array, statement.plates)
            mapping[symbol] = array
        term, residuals = name_residuals(term)
        for symbol, array in residuals.items():
            body = replace_symbols(array.body, mapping)
            if _count(term, symbol) > 1:
                whole = Array((*statement.plates, *array.indices), body)
                named = self._named(symbol.name, symbol.domain, whole)
                mapping[symbol] = Array(array.indices, named.body)
            else:
                mapping[symbol] = Array(array.indices, body)
        return self.printer.expression(sum_over(plates, replace_symbols(term, mapping)))

    def _abbreviate(
        self, name: str, domain: Domain, array: Array, plates: tuple[Index, ...]
    ) -> Array:
        """A long array by the name of a variable; exp, sigmoid and the like stay in sight.

        Rules for log(sigmoid(a)) and the like only apply where they see the function.
        """
        if count_subterms(array.body) <= 3:
            return array
        shown = stable_form(array.body, self.setting.facts)
        links = list(dict.fromkeys(_links_in(shown)))
        around = count_subterms(shown) - sum(count_subterms(link) - 1 for link in links)
        if not links or around > 6:
            whole = Array((*plates, *array.indices), array.body)
            return Array(array.indices, self._named(name, domain, whole).body)
        for link in links:
            (inner,) = (Array(array.indices, part) for part in link.arguments)
            own = f"log_{name}" if link.name == "exp" else "a"
            short = self._abbreviate(own, Domain("real"), inner, plates)
            shown = swap_term(shown, link, call(link.name, short.body))
        return Array(array.indices, shown)

    def _named(self, name: str, domain: Domain, array: Array) -> Array:
        """The array by the name of a variable, which holds the places of its indices alone.

        m over t in 2:T is a variable of T - 1 places; its value at t stands in place t - 1.
        """
        shape = tuple(Extent(i.extent.size, i.extent.offset - i.low + 1) for i in array.indices)
        places = tuple(i if i.low == 1 else Offset(i, 1 - i.low) for i in array.indices)
        local = self._define(Symbol(name, Role.ARGUMENT, domain, shape), array)
        return Array(array.indices, Entry(local, places))

    def _define(self, symbol: Symbol, array: Array) -> Symbol:
        """Assign an array to a variable, once per value; the symbol that stands for it."""
        body = self._select(array.body)
        key = (symbol.name, Array(array.indices, body))
        if key in self.shared:
            known = self.shared[key]
            self.locals.setdefault(symbol, self.locals[known])
            return known
        code = self.printer.expression(body)
        batch = tuple(axis for axis in code.axes if axis in self.printer.batch)
        if symbol in self.locals:
            again = f"{symbol.name}'{len(self.shared)}"
            symbol = Symbol(again, symbol.role, symbol.domain, symbol.shape)
        name = self._fresh(symbol.name.split("'")[0])
        self._write(f"{name} = {self.printer.full(code, (*batch, *array.indices))}")
        self.locals[symbol] = Local(name, batch)
        self.shared[key] = symbol
        return symbol

    def _select(self, term: Term) -> Term:
        """The category as the axis of the mixture; latents at their mean where that is used."""
        setting = self.setting
        if setting.mixture is not None:
            (latent,) = setting.latents
            return replace_symbols(term, {latent: Array((), IndexValue(setting.mixture))})
        if self.means is not None and not self.by_samples:
            return replace_symbols(term, self.means)
        return term

    # ------------------------------------------------------------------ lines

    def _fresh(self, name: str) -> str:
        """A variable for a name that may be a place, such as log_z[t+1]."""
        name = fresh(re.sub(r"\W+", "_", name).strip("_"), self.taken)
        self.taken.add(name)
        return name

    def _write(self, code: str) -> None:
        """Add a statement, under the comment that is pending."""
        self.lines.append(Line(code, self.pending))
        self.pending = ""

    def _assign(self, name: str, code: Code) -> Code:
        """name = code, and the mean of it over q and the data."""
        name = self._fresh(name)
        self._write(f"{name} = {code.text}")
        if "_log(" in code.text or "xlogy(" in code.text:
            self.infinite.add(name)
        return self._average(Code(name, Level.ATOM, code.axes))

    def _assign_all(self, parts: list[tuple[bool, Code]], name: str, codes: Sequence[Code]) -> None:
        """A term, at the mean of q if there is a correction by its covariance as well."""
        for code in codes:
            parts.append((False, self._assign(name, code)))
            name = f"{name.rstrip(']')}_spread"

    def _return(self, code: Code, comment: str = "") -> None:
        self.pending = comment
        self._write(f"return float({code.text})")

    def _finish(self) -> None:
        """Refuse a function that would need abstract functions; remove what is not read."""
        if any(symbol.role is Role.FUNCTION for symbol in self.printer.used):
            raise Unsupported("an abstract function")
        self._drop_unused()

    def _drop_unused(self) -> None:
        """Remove assignments that nothing reads."""
        while True:
            for n, line in enumerate(self.lines):
                name = line.code.split(" = ")[0]
                rest = "\n".join(other.code for other in self.lines[n + 1 :])
                unused = name.isidentifier() and not re.search(rf"(?<![\w.]){name}(?!\w)", rest)
                if unused:
                    del self.lines[n]
                    break
            else:
                return


# ---------------------------------------------------------------- terms


def _signed_sum(parts: Sequence[tuple[bool, Code]]) -> Code:
    ordered = sorted(parts, key=lambda part: part[0])
    if not ordered:
        return Code("0.0")
    text = ""
    for negative, code in ordered:
        operand = code.at(Level.PRODUCT)
        if not text:
            text = f"-{operand}" if negative else operand
        else:
            text += f" {'-' if negative else '+'} {operand}"
    return Code(text, Level.SUM if len(ordered) > 1 else Level.PRODUCT)


def _mapping(statement: Statement, density: Density) -> dict[Symbol, Array]:
    """formal symbols -> what the model puts there"""
    given = dict(statement.arguments)
    mapping = {symbol: given[symbol.name] for symbol in density.arguments}
    events = _rows(density.value, "v")
    mapping[density.value] = Array(events, Entry(statement.node, (*statement.places, *events)))
    return mapping


def _rows(symbol: Symbol, stem: str) -> tuple[Index, ...]:
    return tuple(Index(f"{stem}{n}", extent) for n, extent in enumerate(symbol.shape))


def _mentions_only(term: Term, known: dict[Symbol, Array]) -> bool:
    return symbols_of(term) <= set(known)


def _whole(symbol: Symbol) -> Array:
    indices = _rows(symbol, "i")
    return Array(indices, Entry(symbol, indices))


def _links_in(term: Term) -> Iterator[Call]:
    """The outermost exponentials, sigmoids and the like."""
    if isinstance(term, Call):
        if term.name in LINKS:
            yield term
        return
    for part in term.parts():
        if isinstance(part, Term):
            yield from _links_in(part)


def _count(term: Node, symbol: Symbol) -> int:
    own = int(isinstance(term, Entry) and term.symbol == symbol)
    return own + sum(_count(part, symbol) for part in term.parts())


def _is_polynomial(term: Term) -> bool:
    """Whether the latents enter by sums, products and natural powers alone."""
    if not any(s.role is Role.LATENT for s in symbols_of(term)):
        return True
    match term:
        case Entry(_, places):
            return not any(isinstance(place, Entry) for place in places)
        case Add(parts) | Mul(parts):
            return all(map(_is_polynomial, parts))
        case Power(base, Number(value)):
            return value.denominator == 1 and value > 0 and _is_polynomial(base)
        case Sum(_, body):
            return _is_polynomial(body)
    return False


def _tidy_residuals(term: Term) -> Term:
    """A simplified term whose squares stay squares."""
    named, residuals = name_residuals(term)
    return replace_symbols(tidy(named), residuals)


def _moments(statement: Statement) -> tuple[Array, Array] | None:
    """Mean and covariance of a declared density; the covariance over (plates, events, events)."""
    if any(s.role is Role.LATENT for _, a in statement.arguments for s in symbols_of(a)):
        return None
    density = statement.density
    separation = separate_density(density, density.arguments)
    if isinstance(separation, Inseparable) or statement.places != statement.plates:
        return None
    form = separation.forms[0]
    means = derive_means(form)
    if means is None:
        return None
    rows, columns = _rows(density.value, "i"), _rows(density.value, "j")
    first = second = None
    for block, mean in zip(form.blocks, means, strict=True):
        value = Entry(density.value, block.indices[: len(rows)])
        if normal(block.statistic) == value and len(block.indices) == len(rows):
            first = mean
        elif not rows and normal(block.statistic) == power(value, 2):
            second = mean
        elif rows and len(block.indices) == 2:
            other = Entry(density.value, block.indices[1:])
            if normal(block.statistic) == normal(mul(value, other)):
                second = mean
    if first is None:
        return None
    if second is None and density.value.domain.is_bit:
        second = first
    if second is None:
        return None
    product = mul(instantiate(first, rows), instantiate(first, columns))
    covariance = normal(subtract(instantiate(second, (*rows, *columns)), product))
    mapping = _mapping(statement, density)
    left = tuple(Index(f"p{n}", i.extent) for n, i in enumerate(statement.plates))
    mean_array = Array(
        (*left, *rows),
        instantiate(
            Array(statement.plates, replace_symbols(instantiate(first, rows), mapping)), left
        ),
    )
    body = instantiate(Array(statement.plates, replace_symbols(covariance, mapping)), left)
    return mean_array, Array((*left, *rows, *columns), body)
