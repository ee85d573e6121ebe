"""Every domain answers truly for itself, nobody else tells domains apart, and a new one works."""

from __future__ import annotations

import ast
import math
import pickle
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import pairwise, product
from pathlib import Path
from random import Random

import numpy as np
import pytest
from all_domains import DOMAINS
from encoded import certificate_data
from factors import factors_of

import symelbo
from symelbo.answer.derivation import Derivation
from symelbo.checker import domains as checked
from symelbo.checker.check import CHECKED, REJECTED, check_data
from symelbo.criterion.sample import Instance
from symelbo.errors import SpecError
from symelbo.index.build import ONE, add, call, exp, mul, number, power, subtract
from symelbo.index.domains import (
    TYPES,
    Category,
    Counts,
    Interval,
    Naturals,
    Positive,
    Real,
    Scalar,
)
from symelbo.index.normal import normal
from symelbo.index.range import POSITIVE, Range
from symelbo.index.signs import bounds, domain_range, is_nonzero, is_positive
from symelbo.index.terms import (
    OPEN,
    Domain,
    Ends,
    Entry,
    Extent,
    Given,
    IndexTerm,
    Motions,
    Number,
    Role,
    Size,
    Symbol,
    Term,
)
from symelbo.limits import REFUTED_POINTS
from symelbo.trial.evaluate import World
from symelbo.trial.identity import draw_world, make_scene
from symelbo.trial.quadrature import axis_of

PACKAGE = Path(symelbo.__file__).parent
EXAMPLES: tuple[Domain, ...] = (
    *DOMAINS.values(),
    Naturals(number(3)),
    Counts(number(4)),
    Category(number(3)),
    Interval(number(2), None),
    Interval(None, number(2)),
    Interval(number(2), number(3)),
)


def ends_of(domain: Domain) -> tuple[Fraction | None, Fraction | None]:
    """The ends as numbers: of an angle near enough, and some where a draw needs one."""
    found = domain.interval(lambda t: bounds(t).lower, lambda t: bounds(t).upper)
    lower = found.lower if domain.lower is not None else None
    upper = None if domain.upper is None else bounds(domain.upper).upper
    if upper is None and domain.kind in ("naturals", "counts", "category"):
        upper = Fraction(4)
    return lower, upper


def is_member(domain: Domain, value: Sequence[float], n: int) -> bool:
    """What the name of a domain says, in NumPy."""
    lower, upper = ends_of(domain)
    a = np.array(value, dtype=float)
    whole = bool(np.all(a == np.floor(a)) and np.all(a >= 0))
    matrix = a.reshape(n, n) if len(a) == n * n else a
    low = -math.inf if lower is None else float(lower)
    high = math.inf if upper is None else float(upper)
    return {
        "real": True,
        "invertible": True,
        "positive": bool(np.all(a > 0)),
        "unit": bool(np.all((a > 0) & (a < 1))),
        "simplex": bool(np.all(a > 0) and abs(a.sum() - 1) < 1e-12),
        "tangent": abs(a.sum()) < 1e-12,
        "symmetric": bool(np.all(matrix == matrix.T)),
        "posdef": bool(np.all(matrix == matrix.T) and np.all(np.linalg.eigvalsh(matrix) > 0))
        if domain.rank == 2
        else False,
        "binary": bool(np.all((a == 0) | (a == 1))),
        "naturals": whole and (domain.upper is None or bool(np.all(a <= high))),
        "counts": whole and a.sum() == high,
        "onehot": whole and a.sum() == 1,
        "category": whole and bool(np.all((a >= 1) & (a <= high))),
        "interval": bool(np.all((a >= low) & (a <= high))),
        "angle": bool(np.all(np.abs(a) <= math.pi)),
    }[domain.kind]


def places_of(domain: Domain, n: int) -> list[tuple[int, ...]]:
    return list(product(range(1, n + 1), repeat=domain.rank))


@pytest.mark.parametrize("domain", EXAMPLES, ids=repr)
def test_what_is_drawn_is_a_value(domain: Domain) -> None:
    lower, upper = ends_of(domain)
    ends: Ends = (
        None if lower is None else float(lower),
        None if upper is None else float(upper),
    )
    for seed, n in product(range(20), (1, 2, 3)):
        value = domain.draw(Random(seed), n, ends)
        assert len(value) == n**domain.rank
        assert is_member(domain, value, n), value


@pytest.mark.parametrize("domain", EXAMPLES, ids=repr)
def test_exact_points_are_values_of_which_neighbours_differ(domain: Domain) -> None:
    lower, upper = ends_of(domain)
    for n, random in product((2, 3), (None, Random(1))):
        given = Given(places_of(domain, n), random, lower, upper)
        drawn = [domain.draw_exact(k, given) for k in range(6)]
        listed = domain.exact_values(8, given)
        for value in (*drawn, *listed):
            assert all(isinstance(x, Fraction) for x in value)
            if domain != Naturals(number(3)) or max(value) <= 3:
                assert is_member(domain, [float(x) for x in value], n), value
        assert any(a != b for a, b in pairwise(drawn))
        assert len({tuple(value) for value in listed}) >= 2


def test_a_number_of_trials_that_is_not_known_is_not_invented() -> None:
    for domain in (Counts(), Naturals(Size("M"))):
        with pytest.raises(LookupError):
            domain.exact_values(8, Given(places_of(domain, 2)))
        with pytest.raises(LookupError):
            domain.exact_values(8, Given(places_of(domain, 2), upper=Fraction(5, 2)))


@pytest.mark.parametrize("domain", EXAMPLES, ids=repr)
def test_the_range_and_the_margins_hold_every_value(domain: Domain) -> None:
    lower, upper = ends_of(domain)
    given = Given(places_of(domain, 3), None, lower, upper)
    values = [domain.draw_exact(k, given) for k in range(6)]
    diagonal = (number(1), number(1)) if domain.rank == 2 else ()
    assert domain_range(domain, ()).lower is None or not diagonal
    for value in values:
        for at, x in zip(given.places, value, strict=True):
            assert Range.point(x).within(domain_range(domain))
            if domain.is_definite and at[-1] == at[-2]:
                assert x > 0
        for margin in domain.margins(Number(value[0])):
            assert is_positive(margin)


@pytest.mark.parametrize("domain", EXAMPLES, ids=repr)
def test_the_list_of_values_is_complete_and_each_is_a_value(domain: Domain) -> None:
    _, upper = ends_of(domain)
    values = domain.values(3, None if upper is None else float(upper), 6)
    assert (values is not None) <= domain.is_integer
    if values is not None:
        assert all(is_member(domain, value, 3) for value in values)
        assert len({tuple(value) for value in values}) == len(values)
        expected = {"binary": 2, "onehot": 3, "naturals": 1 + int(upper or 0)}
        assert len(values) == expected.get(domain.kind, int(upper or 0))


@pytest.mark.parametrize("domain", EXAMPLES, ids=repr)
def test_directions_span_the_tangent_space(domain: Domain) -> None:
    """Their number is the dimension, they are independent, and they keep the constraints."""
    if domain.is_integer:
        assert domain.motions is None
        assert isinstance(domain.tangent, Real)
        return
    for n in (1, 2, 4):
        places = places_of(domain, n)
        free = [at for at in places if domain.is_free(at, n)]
        rows = np.zeros((len(free), len(places)))
        for row, at in zip(rows, free, strict=True):
            for place, by in domain.direction(at, n):
                row[places.index(place)] += by
        assert Number(Fraction(len(free))) == domain.dimension(number(n))
        assert np.linalg.matrix_rank(rows) == len(free)
        for row in rows:
            if domain.rank:
                assert is_member(domain.tangent, list(row), n)
    shape = (Extent("N"), *(Extent("C"),) * domain.rank)
    assert len(domain.free_shape(shape)) == len(shape)


@pytest.mark.parametrize("domain", EXAMPLES, ids=repr)
def test_motions_keep_the_domain(domain: Domain) -> None:
    """v -> v + t (r (v - about) + s) is a value again, for every v and small t."""
    motions = domain.motions
    if motions is None:
        return
    assert motions.scales or motions.shifts
    about = float(motions.about.value) if isinstance(motions.about, Number) else 0.0
    lower, upper = ends_of(domain)
    given = Given(places_of(domain, 2), None, lower, upper)
    for number_, r, s in product(range(4), (-1.0, 2.0), (-1.0, 2.0)):
        value = [float(x) for x in domain.draw_exact(number_, given)]
        factor, shift = r * motions.scales, s * motions.shifts
        there = [x + 0.1 * (factor * (x - about) + shift) for x in value]
        assert is_member(domain, there, 2)
    if domain.rank:
        assert motions.whole


@pytest.mark.parametrize("domain", EXAMPLES, ids=repr)
def test_functions_into_a_domain_have_values_there(domain: Domain) -> None:
    def real(at: tuple[int, ...]) -> tuple[float, float]:
        return math.sin(1 + sum(k * 2**n for n, k in enumerate(at))), 0.5

    if domain.kind in ("simplex", "posdef"):
        value = [domain.from_reals(real, at, 3)[0] for at in places_of(domain, 3)]
        assert is_member(domain, value, 3)
    if not domain.rank and not domain.is_integer:
        c, h = domain.smooth
        if domain.kind in ("real", "positive", "unit"):
            assert is_member(domain, [c - h, c + h], 2)
            for x in (-3, 0, 5):
                term = domain.from_real(number(x))
                assert isinstance(term, Number)
                assert is_member(domain, [float(term.value)], 1)


@pytest.mark.parametrize("domain", EXAMPLES, ids=repr)
def test_domains_are_values(domain: Domain) -> None:
    again = pickle.loads(pickle.dumps(domain))
    assert again == domain
    assert hash(again) == hash(domain)
    assert [other for other in EXAMPLES if other == domain] == [domain]
    assert not hasattr(domain, "__dict__")
    with pytest.raises((AttributeError, TypeError)):
        domain.anything = 1  # type: ignore[attr-defined]


def test_a_family_is_q_of_wider_domains() -> None:
    fits = {
        (own.kind, prior.kind)
        for own, prior in product(TYPES.values(), TYPES.values())
        if own.fits(prior)
    }
    same = {(kind, kind) for kind in TYPES}
    assert fits - same == {("positive", "real"), ("unit", "positive"), ("unit", "real")}
    assert DOMAINS["binary"].fits(Naturals())
    assert not Naturals().fits(DOMAINS["binary"])
    assert Interval(number(1), None).fits(Positive())
    assert not Interval(number(1), None).fits(DOMAINS["simplex"])


# ---------------------------------------------------------------- nobody else tells them apart

WORDS = frozenset(DOMAINS)
# the domains themselves, and those of the checker, which knows nothing of ours but their words
APART = ("symelbo/index/domains/", "symelbo/checker/domains.py")


def words_in(node: ast.AST) -> set[str]:
    return {
        str(part.value)
        for part in ast.walk(node)
        if isinstance(part, ast.Constant) and part.value in WORDS
    }


def reads_kind(node: ast.AST) -> bool:
    return any(isinstance(part, ast.Attribute) and part.attr == "kind" for part in ast.walk(node))


def distinctions(tree: ast.AST) -> Iterator[int]:
    """The lines in which something is told apart by the word of a domain."""
    for node in ast.walk(tree):
        match node:
            case ast.Compare() if reads_kind(node) and words_in(node):
                yield node.lineno
            case ast.Match(subject=subject) if reads_kind(subject) and words_in(node):
                yield node.lineno
            case ast.Call(func=ast.Attribute(attr="get"), args=[key, *_]) if reads_kind(key):
                if words_in(node):
                    yield node.lineno
            case ast.Subscript(value=ast.Dict(), slice=key) if reads_kind(key):
                yield node.lineno
            case ast.Dict(keys=keys):
                if len({w for key in keys if key is not None for w in words_in(key)}) > 1:
                    yield node.lineno


def test_the_emitted_module_checks_every_domain() -> None:
    template = (PACKAGE.parent / "templates/python/module.py.j2").read_text("utf-8")
    checks = {domain.check for domain in DOMAINS.values()} - {Real.check}  # any number is real
    assert len(checks) > 7
    for check in checks:
        assert f'{{% if "{check}" in domains' in template or f'or "{check}" in domains' in template


def test_distinctions_are_found() -> None:
    for text in (
        "x = s.domain.kind == 'real'",
        "x = s.domain.kind in ('real', 'unit')",
        "match s.domain.kind:\n    case 'real': pass",
        "T = {'real': 1, 'unit': 2}",
        "x = {'real': 1}.get(s.domain.kind)",
    ):
        assert list(distinctions(ast.parse(text))), text
    for text in ("x = entropy.kind == 'entropy'", "T = {'real': 1}", "x = s.domain.is_line"):
        assert not list(distinctions(ast.parse(text))), text


def test_nobody_compares_domains_by_name() -> None:
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        name = path.relative_to(PACKAGE.parent).as_posix()
        if name not in APART:
            found += [f"{name}:{n}" for n in distinctions(ast.parse(path.read_text("utf-8")))]
    assert found == []


def comparisons_with_words(tree: ast.AST) -> Iterator[int]:
    """The lines of comparisons, cases, tables and sets with the word of a domain in them."""
    for node in ast.walk(tree):
        match node:
            case ast.Compare() | ast.Set() if words_in(node):
                yield node.lineno
            case ast.MatchValue() if words_in(node):
                yield node.lineno
            case ast.Dict(keys=keys) if any(words_in(key) for key in keys if key is not None):
                yield node.lineno


def test_comparisons_with_words_are_found() -> None:
    for text in (
        "x = atom[2][0] == 'posdef'",
        "x = domain.word in ('real', 'unit')",
        "match domain.word:\n    case 'real': pass",
        "x = {'posdef': 2}.get(kind)",
        "x = kind in {'real'}",
    ):
        assert list(comparisons_with_words(ast.parse(text))), text


def test_the_checker_tells_domains_apart_in_one_file() -> None:
    """It has no other name for them than their words, so none of these is compared elsewhere."""
    assert set(checked.DOMAINS) == set(DOMAINS)
    assert all(word == domain.word for word, domain in checked.DOMAINS.items())
    found = []
    for path in sorted((PACKAGE / "checker").glob("*.py")):
        if path.name != "domains.py":
            tree = ast.parse(path.read_text("utf-8"))
            found += [f"{path.name}:{n}" for n in comparisons_with_words(tree)]
    assert found == []


# ---------------------------------------------------------------- a domain of one's own


class Correlation(Scalar):
    """(-1, 1): a domain that no pass has heard of."""

    __slots__ = ()
    kind = "correlation"
    latex = "(-1,1)"
    described = "strictly between -1 and 1"
    hint = "declare it `correlation`, or write tanh(...)"
    smooth = (0.0, 0.5)
    SIMPLE = tuple(map(Fraction, ("1/2", "-1/3", "1/4")))
    FIRST = tuple(map(Fraction, ("0", "1/2", "-1/2")))

    def interval(
        self, least: object, most: object, places: tuple[IndexTerm, ...] = (), length: int = 1
    ) -> Range:
        """(-1, 1)"""
        return Range(Fraction(-1), Fraction(1))

    def draw(self, random: Random, n: int, ends: Ends = OPEN) -> list[float]:
        """Away from both ends."""
        return [random.uniform(-0.9, 0.9)]

    def draw_generic(self, random: Random) -> Fraction:
        """Of the denominator 101."""
        return Fraction(random.randint(-95, 95), 101)

    def margins(self, value: Term) -> tuple[Term, ...]:
        """1 + v > 0 and 1 - v > 0"""
        return (add(ONE, value), subtract(ONE, value))

    def from_real(self, real: Term) -> Term:
        """1/(2 + x^2)"""
        return power(add(number(2), power(real, 2)), -1)

    @property
    def motions(self) -> Motions | None:
        """None keeps both ends."""
        return None


class CheckedCorrelation(checked.Domain):
    """What the checker has to know of it."""

    __slots__ = ()
    word = "correlation"
    is_continuous = True
    margins = ((1, 1), (1, -1))

    @classmethod
    def range(cls, kind: checked.Kind, least: Mapping[str, int]) -> checked.Range | None:
        """(-1, 1)"""
        return (-1, True), (1, True)


RHO = Symbol("rho", Role.PARAMETER, Correlation())


def test_signs_know_a_new_domain() -> None:
    rho = Entry(RHO)
    left = normal(subtract(ONE, power(rho, 2)))
    assert bounds(add(ONE, rho)) == Range(Fraction(0), Fraction(2))
    assert is_positive(add(ONE, rho))
    assert is_positive(subtract(ONE, rho))
    assert not is_positive(rho)
    assert not is_nonzero(rho)
    assert bounds(mul(rho, number(3))).within(Range(Fraction(-3), Fraction(3)))
    assert bounds(exp(call("tanh", rho))).within(POSITIVE)
    assert left != ONE


def test_trials_draw_and_integrate_over_a_new_domain() -> None:
    world = draw_world(make_scene([Entry(RHO)]), Random(3))
    assert abs(world.values["rho", ()]) < 1
    axis = axis_of(RHO, World({}, {}), 60)
    assert axis is not None
    assert math.isclose(sum(w for w, _ in axis), 2, rel_tol=1e-10)
    assert math.isclose(sum(w * x * x for w, x in axis), 2 / 3, rel_tol=1e-10)


def correlated(rho: str, observable: str) -> dict[str, object]:
    return {
        "name": "correlated",
        "sizes": ["D"],
        "parameters": {"rho": rho, "s": "positive"},
        "model": ["z ~ Normal(0, 1)", observable],
        "observed": "x",
    }


@pytest.fixture
def declared(monkeypatch: pytest.MonkeyPatch) -> None:
    """The new domain can be declared by its word, and the checker is told of it in one place."""
    monkeypatch.setitem(TYPES, "correlation", Correlation())
    monkeypatch.setitem(checked.DOMAINS, "correlation", CheckedCorrelation)


def test_nothing_is_proved_of_a_domain_that_the_checker_does_not_know(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(TYPES, "correlation", Correlation())
    derivation = symelbo.derive(correlated("correlation", "x[d] ~ Normal(rho*z, s) for d in 1:D"))
    assert derivation.verdict == "undecided"


@pytest.mark.usefixtures("declared")
def test_a_model_is_derived_with_a_new_domain() -> None:
    """The whole derivation and all documents follow."""
    observable = "x[d] ~ Normal(rho*z, s) for d in 1:D"
    derivation = symelbo.derive(correlated("correlation", observable))
    as_real = symelbo.derive(correlated("real", observable))
    verdicts = [[factor.verdict for factor in each.factors] for each in (derivation, as_real)]
    assert verdicts == [["holds", "holds"]] * 2
    (rho,) = [s for s in derivation.model.parameters if s.name == "rho"]
    assert rho.domain == Correlation()
    assert r"$\rho \in (-1,1)$" in derivation.latex()
    assert "strictly between -1 and 1" in derivation.python()
    with pytest.raises(SpecError, match="declare rho `positive`"):
        symelbo.derive(correlated("correlation", "x[d] ~ Normal(z, rho) for d in 1:D"))


@pytest.mark.usefixtures("declared")
def test_the_checker_uses_what_its_one_class_says_of_a_new_domain() -> None:
    """A precision 1/(1 - rho^2) is positive for nothing but the range of rho, from both sides."""
    source: dict[str, object] = {
        "name": "correlated",
        "sizes": ["D"],
        "parameters": {"rho": "correlation", "s": "positive"},
        "model": ["z ~ Normal(0, s)", "x[d] ~ Normal(z, (1 - rho**2)*s) for d in 1:D"],
        "observed": "x",
    }
    derivation = symelbo.derive(source)
    assert [factor.verdict for factor in derivation.factors] == ["holds", "holds"]
    data = certificate_data(derivation)
    assert data["symbols"]["rho"]["domain"] == "correlation"
    assert check_data(data).status == CHECKED
    data["symbols"]["rho"]["domain"] = "real"
    assert check_data(data).status == REJECTED
    data["symbols"]["rho"]["domain"] = "uncorrelated"
    assert check_data(data).status == REJECTED


@pytest.mark.usefixtures("declared")
def test_what_cannot_be_shown_of_a_new_domain_is_a_condition() -> None:
    def derive(argument: str) -> Derivation:
        family = {
            "value": "v",
            "support": "real",
            "parameters": {"r": "correlation"},
            "log_density": "-(v - r)**2/2 - log(2*PI)/2",
        }
        return symelbo.derive(
            {
                "name": "own",
                "families": {"Shifted": family},
                "parameters": {"a": "real"},
                "model": [f"x ~ Shifted({argument})"],
                "observed": "x",
            }
        )

    assert not derive("tanh(a)").model.conditions
    (condition,) = derive("a**2").model.conditions
    assert condition.text == "a**2 is a value of type correlation"
    with pytest.raises(SpecError, match=r"as r of Shifted.*a value of type correlation"):
        derive("2")
    with pytest.raises(SpecError, match=r"as r of Shifted.*declare a `correlation`"):
        derive("a")


def test_a_power_of_a_probability_is_one_where_its_exponent_is_positive() -> None:
    p, a, x = (Entry(Symbol(name, Role.PARAMETER, TYPES[kind])) for name, kind in NAMES_OF_KINDS)
    assert bounds(power(p, a)).within(Range(Fraction(0), Fraction(1)))
    assert is_positive(subtract(ONE, power(p, a)))
    assert is_positive(subtract(power(p, mul(number(-1), a)), ONE))
    assert bounds(power(p, x)) == POSITIVE
    assert bounds(power(a, a)) == POSITIVE
    assert not is_nonzero(power(x, a))


NAMES_OF_KINDS = (("p", "unit"), ("a", "positive"), ("x", "real"))


@pytest.mark.parametrize("kind", ["real", "positive", "unit"])
def test_the_points_of_a_refutation_take_different_values(kind: str) -> None:
    """As many as are ever tried together: a motion of two constants fits any two."""
    statements = ["x ~ Normal(0, 1 + a**2)"]
    factors = factors_of(statements, {"a": kind})
    instance = Instance(factors, {}, {}, False, REFUTED_POINTS[-1])
    values = [point["a", ()] for point in instance.parameters]
    assert len(set(values)) == len(values) == REFUTED_POINTS[-1]
