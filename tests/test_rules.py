"""Every rule of the calculus states its law, and the law is tried on numbers.

A rule is a function of `symelbo.index` that makes terms of terms.  RULES lists them by what they
return, TRIALS says how each is tried; a new rule without a law `left -> right` in its docstring, or
without a trial, fails here.
"""

from __future__ import annotations

import doctest
import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from importlib import import_module
from itertools import product
from math import exp, log
from pkgutil import iter_modules
from random import Random
from types import ModuleType
from typing import Any

import pytest
import rule_examples
from calculus import (
    SYMBOLS,
    C,
    D,
    H,
    Sigma,
    W,
    c,
    c2,
    d,
    d2,
    d3,
    draw_world,
    h,
    h2,
    inner,
    matrix,
    mu,
    p,
    parameter,
    pi,
    s,
    t,
    v,
    x,
    y,
    z,
)

import symelbo.index
from symelbo.index import (
    angles,
    binary,
    build,
    canonical_names,
    concretize,
    differentiate,
    factor_divisors,
    interpret,
    name_parts,
    name_residuals,
    normal,
    open_lengths,
    polynomial,
    rewrite_functions,
    rewrite_products,
    ring,
    solve,
    substitute,
    tidy,
)
from symelbo.index.build import ONE, add, call, divide, mul, negate, number, power, subtract, total
from symelbo.index.domains import Category, OneHot, Real, Simplex
from symelbo.index.normal import RING
from symelbo.index.polynomial import UNIT, Factors, Monomial, Poly, from_monomial, from_poly
from symelbo.index.ring import Normalizer
from symelbo.index.substitute import free_indices, instantiate, walk_parts
from symelbo.index.terms import (
    Add,
    Apply,
    Array,
    Delta,
    Entry,
    Extent,
    Index,
    IndexValue,
    Inverse,
    LogDet,
    Position,
    Role,
    Size,
    Symbol,
    Term,
)
from symelbo.limits import BINARY_ENTRIES
from symelbo.trial.evaluate import World, evaluate
from symelbo.trial.remember import remember

# What a rule returns.  Questions (`is_positive`), lists and places of indices are no rules.
TERMS = ("Term", "Poly", "Array", "Monomial", "Entry", "Inverse", "Delta", "Found", "N")
NO_RULES = ("list[", "Callable", "Mapping", "bool", "...", "IndexTerm")
# Not of the calculus: what terms are, and arithmetic in a finite field, with tests of its own.
OTHER_MODULES = ("terms", "nodes", "modular", "signs", "work", "ranges")


def modules_of(package: ModuleType) -> Iterator[ModuleType]:
    for found in iter_modules(package.__path__):
        yield import_module(f"{package.__name__}.{found.name}")


def modules() -> Iterator[ModuleType]:
    for module in modules_of(symelbo.index):
        if module.__name__.rpartition(".")[2] not in OTHER_MODULES:
            yield module


def functions(module: ModuleType) -> Iterator[Any]:
    """The functions that a module defines, behind caches too."""
    # what the ring does with its rules is of the calculus too
    methods = list(vars(ring.Normalizer).values()) if module is ring else []
    for value in [*vars(module).values(), *methods]:
        function = inspect.unwrap(value) if callable(value) else None
        if inspect.isfunction(function) and function.__module__ == module.__name__:
            yield function


def is_rule(function: Any) -> bool:
    """Whether the annotation of what it returns speaks of terms."""
    returned = str(function.__annotations__.get("return", ""))
    words = returned.replace("[", " ").replace("]", " ").replace(",", " ").replace("|", " ").split()
    return any(word in TERMS for word in words) and not any(no in returned for no in NO_RULES)


def name_of(function: Any) -> str:
    return f"{function.__module__.rpartition('.')[2]}.{function.__qualname__}"


RULES = {name_of(f): f for module in modules() for f in functions(module) if is_rule(f)}

Trial = Callable[[Random], None]
TRIALS: dict[str, Trial] = {}


def tries(*rules: Any) -> Callable[[Trial], Trial]:
    """Register how some rules are tried."""

    def register(trial: Trial) -> Trial:
        for rule in rules:
            name = name_of(inspect.unwrap(rule))
            assert name not in TRIALS, name
            TRIALS[name] = trial
        return trial

    return register


def test_every_rule_is_tried() -> None:
    assert len(RULES) > 60
    assert set(RULES) == set(TRIALS)


@pytest.mark.parametrize("name", RULES)
def test_every_rule_states_its_law(name: str) -> None:
    assert "->" in (inspect.getdoc(RULES[name]) or ""), "a docstring with the law: left -> right"


PUBLIC = [name for name in RULES if not name.rpartition(".")[2].startswith("_")]


@pytest.mark.parametrize("name", PUBLIC)
def test_every_rule_has_an_example_that_runs(name: str) -> None:
    """What is a module's own, `_...`, is seen in the examples of the rules that call it."""
    rule = RULES[name]
    (test,) = doctest.DocTestFinder(recurse=False).find(rule, name, globs={})
    assert test.examples, "a docstring with an example"
    test.globs = {**vars(import_module(rule.__module__)), **rule_examples.names()}
    output: list[str] = []
    failures, _ = doctest.DocTestRunner().run(test, out=output.append)
    assert not failures, "".join(output)


def test_the_other_examples_of_the_calculus_run() -> None:
    finder, tried = doctest.DocTestFinder(exclude_empty=True), 0
    for module in modules_of(symelbo.index):
        for test in finder.find(module):
            if test.examples and test.name.partition("symelbo.index.")[2] not in RULES:
                assert not doctest.DocTestRunner().run(test).failed, test.name
                tried += 1
    assert tried


@pytest.mark.parametrize("name", TRIALS)
def test_the_law_holds_of_numbers(name: str) -> None:
    COMPARED.clear()
    for seed in range(4):
        TRIALS[name](Random(f"{name} {seed}"))
    assert COMPARED, "no two numbers were compared"


# ---------------------------------------------------------------- numbers

X, Y, S, T, P = (Entry(symbol) for symbol in (x, y, s, t, p))
M, K = Entry(mu, (d,)), Entry(v, (h,))
ZETA = subtract(build.log(Entry(pi, (inner,))), build.log(Entry(pi, (Position(C),))))
REAL = [
    X,
    Y,
    M,
    Entry(W, (d, h)),
    total(h, mul(Entry(W, (d, h)), Entry(z, (h,)))),
    total(inner, mul(Entry(pi, (inner,)), ZETA)),
    LogDet(matrix()),
    Inverse(matrix(), d, d2),
    Entry(Sigma, (d, d2)),
    Delta(d, d2),
    IndexValue(d),
    number("-2/3"),
    negate(S),
]
POSITIVE = [S, T, P, K, subtract(ONE, P), add(S, T), Size("D"), number(6), Entry(pi, (c,))]

Places = Mapping[Index, int]


def draw_term(random: Random, depth: int = 2) -> Term:
    """A random real term."""
    if depth == 0:
        return random.choice(REAL + POSITIVE)
    left, right = draw_term(random, depth - 1), draw_term(random, depth - 1)
    below = draw_positive(random, depth - 1)
    return random.choice(
        [
            left,
            add(left, right),
            mul(left, right),
            divide(left, below),
            power(left, 2),
            build.log(below),
            call("sigmoid", left),
            call("softplus", negate(left)),
            total(h2, mul(left, Entry(v, (h2,)))),
        ]
    )


def draw_positive(random: Random, depth: int = 1) -> Term:
    """A random positive term."""
    if depth == 0:
        return random.choice(POSITIVE)
    left, right = draw_positive(random, depth - 1), draw_positive(random, depth - 1)
    return random.choice([left, add(left, right), mul(left, right), divide(left, right)])


def poly_of(term: Term) -> Poly:
    return RING.to_poly(term)


def product_of(factors: Iterable[tuple[Term, Fraction]], bound: Sequence[Index] = ()) -> Term:
    """sum over `bound` of the product of atom ** exponent."""
    body = mul(*(power(atom, exponent) for atom, exponent in factors))
    for index in bound:
        body = total(index, body)
    return body


def values(term: Term, world: World, indices: Sequence[Index]) -> list[float]:
    """At all places of the indices."""
    ranges = [range(i.low, world.length(i.extent) + 1) for i in indices]
    return [
        evaluate(term, world, dict(zip(indices, at, strict=True))).value for at in product(*ranges)
    ]


COMPARED: list[tuple[float, float]] = []


def close(left: float, right: float) -> bool:
    COMPARED.append((left, right))
    return abs(left - right) <= 1e-7 * (1 + abs(left) + abs(right))


def same(
    left: Term, right: Term, random: Random, worlds: Callable[..., World] = draw_world
) -> None:
    """Two terms have one value at random sizes, entries and places."""
    indices = sorted(free_indices(left) | free_indices(right), key=lambda i: (i.name, i.low))
    tried = 0
    for _ in range(6):
        world = worlds(random)
        try:
            expected = values(left, world, indices)
        except (OverflowError, ZeroDivisionError, ValueError):
            continue
        for one, other in zip(expected, values(right, world, indices), strict=True):
            assert close(one, other), (left, right, one, other)
            tried += 1
        if tried > 3:
            break


# ---------------------------------------------------------------- building, polynomials


@tries(
    build.add,
    build.mul,
    build.power,
    build.negate,
    build.subtract,
    build.divide,
    build.call,
    build.log,
    build.exp,
    build.total,
)
def arithmetic(random: Random) -> None:
    """What is built has the value that plain arithmetic gives, of numbers and of terms."""
    a, b, world = (
        draw_term(random, 1),
        draw_positive(random),
        draw_world(random, {"C": 3, "D": 2, "H": 2}),
    )
    if random.random() < 0.5:
        a, b = number(Fraction(random.randint(-4, 4), 3)), number(random.randint(1, 9))
    env = {i: i.low for i in (d, d2, h, c, inner)}

    def at(term: Term) -> float:
        return evaluate(term, world, env).value

    left, right = at(a), at(b)
    for built, expected in (
        (add(a, b, a), left + right + left),
        (mul(b, a, b), right * left * right),
        (power(b, 3), right**3),
        (power(b, Fraction(-1, 2)), right**-0.5),
        (power(a, 1), left),
        (negate(a), -left),
        (subtract(a, b), left - right),
        (divide(a, b), left / right),
        (call("softplus", a), log(1 + exp(left))),
        (build.log(b), log(right)),
        (build.exp(mul(a, number("1/5"))), exp(left / 5)),
    ):
        assert close(at(built), expected), (built, expected)
    plain = sum(evaluate(a, world, {**env, d: k}).value for k in (1, 2))
    assert close(at(total(d, a)), plain)


@tries(build.rebuild)
def rebuilding(random: Random) -> None:
    term = draw_term(random)
    assert build.rebuild(term, term.bound(), term.parts()) == term
    same(term, build.rebuild(term, term.bound(), term.parts()), random)


@tries(build.extent_length)
def lengths(random: Random) -> None:
    low, offset, size = random.randint(1, 3), random.randint(-1, 2), random.randint(4, 7)
    world = World({"C": size}, {})
    length = evaluate(build.extent_length(Extent("C", offset), low), world).value
    assert close(length, len(range(low, size + offset + 1)))
    assert build.extent_length(Extent(None, 7), low) == number(8 - low)


@tries(open_lengths._map_extents)
def opened_lengths(random: Random) -> None:
    """Where the opened length has the value that was given, the term has its value."""
    count = random.randint(9, 12)
    x = Symbol("x", Role.PARAMETER, Real(), (Extent(None, count),))
    i, j = Index("i", Extent(None, count)), Index("j", Extent(None, count - 1), 2)
    last = IndexValue(Position(Extent(None, count)))
    term = add(total(i, mul(Entry(x, (i,)), last)), total(j, power(Entry(x, (j,)), 2)))
    opening = open_lengths.open_lengths([term])
    assert opening is not None
    world = World({str(count): count}, {("x", (k,)): random.random() for k in range(1, count + 1)})
    assert close(evaluate(opening.open(term), world).value, evaluate(term, world).value)
    assert opening.close(opening.open(term)) == term


@tries(build.times_number, build.add_multiples)
def multiples(random: Random) -> None:
    """The same terms as products with numbers are, and sums of these."""
    terms = [draw_term(random), mul(number("5/2"), draw_term(random)), add(X, Y), number("2/3")]
    terms = [random.choice([*terms, mul(number("2/5"), add(X, Y))]) for _ in range(4)]
    scales = [random.choice([*map(Fraction, ("-2", "-1", "2/5", "1", "5/2"))]) for _ in terms]
    products = [mul(number(scale), term) for term, scale in zip(terms, scales, strict=True)]
    for term, scale, expected in zip(terms, scales, products, strict=True):
        assert build.times_number(term, scale) == expected
        assert build.times_number(term, Fraction(0)) == build.ZERO
        same(build.times_number(term, scale), expected, random)
    assert build.add_multiples(zip(terms, scales, strict=True)) == add(*products)


@tries(
    Normalizer._to_poly,
    Normalizer._normal,
    normal.monomials_of,
    polynomial.from_poly,
    polynomial.from_monomial,
    polynomial._product_of,
)
def normal_forms(random: Random) -> None:
    term = draw_term(random)
    poly = poly_of(term)
    same(term, RING.normal(term), random)
    same(term, from_poly(normal.monomials_of(term)), random)
    same(term, add(*(from_monomial(monomial, scale) for monomial, scale in poly.items())), random)
    written = (mul(number(c), product_of(m.factors, m.bound)) for m, c in poly.items())
    same(add(*written), from_poly(poly), random)


@tries(ring.atom_poly)
def atoms(random: Random) -> None:
    atom, exponent = random.choice([X, S, K, Entry(z, (h,))]), Fraction(random.randint(1, 3))
    same(power(atom, exponent), from_poly(ring.atom_poly(atom, exponent)), random)


@tries(Normalizer.multiply)
def products(random: Random) -> None:
    left, right = draw_term(random), draw_term(random, 1)
    product = RING.multiply(poly_of(left), poly_of(right))
    same(mul(left, right), from_poly(product), random)


@tries(factor_divisors.factor_divisors)
def divisors_in_factors(random: Random) -> None:
    """The value stays; what was one divisor is several, and no factor is lost or repeated."""
    roots = [number(Fraction(random.randint(1, 9), random.randint(1, 3))) for _ in range(2)]
    factors = [add(ONE, mul(roots[0], X)), add(Y, roots[1])]
    expanded = RING.normal(mul(*factors, random.choice([ONE, *factors])))
    term = divide(S, power(expanded, random.randint(1, 2)))
    factored = factor_divisors.factor_divisors(term)
    same(term, factored, random)
    assert expanded not in {part for part in substitute.walk_parts(factored)}


@tries(Normalizer.power_poly, Normalizer.power_term, Normalizer.power_monomial)
def powers(random: Random) -> None:
    base, exponent = (
        draw_positive(random),
        Fraction(random.choice([2, 3, -1, -2]), random.choice([1, 1, 2])),
    )
    same(power(base, exponent), from_poly(RING.power_poly(poly_of(base), exponent)), random)
    factors = tuple((atom, Fraction(random.choice([1, 2, -1]))) for atom in (S, X, P))
    monomial, scale = Monomial((), factors), Fraction(random.randint(1, 12), 5)
    whole = mul(number(scale), product_of(factors))
    exponent = Fraction(random.choice([-2, -1, 2, 3]))
    same(power(whole, exponent), from_poly(RING.power_monomial(monomial, scale, exponent)), random)
    square = Monomial((), ((X, Fraction(2)), (S, Fraction(1))))
    root = RING.power_monomial(square, scale, Fraction(1, 2))
    same(power(mul(number(scale), power(X, 2), S), Fraction(1, 2)), from_poly(root), random)
    general = add(mul(number(2), Y), ONE)
    same(power(base, general), from_poly(RING.power_term(poly_of(base), general)), random)


@tries(Normalizer.split_content, ring._drop_bound)
def contents(random: Random) -> None:
    term = mul(random.choice([S, X, K]), draw_term(random))
    poly = poly_of(term)
    if not poly:
        return
    content, scale, primitive = RING.split_content(poly)
    same(term, mul(from_monomial(content, scale), from_poly(primitive)), random)
    summed = Monomial((h,), ((Entry(v, (h,)), Fraction(2)),))
    dropped = from_poly(ring._drop_bound(summed))
    same(from_monomial(summed), total(h, dropped), random)


@tries(Normalizer.clear_denominators, ring._find_denominator)
def denominators(random: Random) -> None:
    below, above, rest = add(S, T, ONE), draw_term(random, 1), draw_term(random, 1)
    term = add(divide(above, below), rest)
    found = ring._find_denominator(poly_of(term))
    cleared = from_poly(RING.clear_denominators(poly_of(term)))
    if found is None:
        same(term, cleared, random)
        return
    same(power(found[0], found[1]), below, random)
    same(mul(term, below), cleared, random)
    assert not RING.clear_denominators(poly_of(subtract(term, RING.normal(term))))


@tries(normal.free_shares)
def shares_of_three(random: Random) -> None:
    first, last = (Entry(rule_examples.SHARES, (Position(Extent(None, k)),)) for k in (1, 3))
    power_of_last = random.choice([-1, 1, 2])
    term = add(mul(draw_term(random, 1), power(last, power_of_last)), mul(X, first))

    def draw(random: Random) -> World:
        weights = [random.uniform(1, 3) for _ in range(3)]
        given = {("shares", (k,)): w / sum(weights) for k, w in enumerate(weights, 1)}
        world = draw_world(random)
        return World(world.sizes, {**world.values, **given})

    freed = normal.free_shares(poly_of(term))
    expected = mul(term, last) if power_of_last < 0 else term
    same(expected, from_poly(freed), random, draw)
    assert last not in (atom for monomial in freed for atom, _ in monomial.factors)


@tries(ring._fixed_by_sum)
def shares_of_two(random: Random) -> None:
    first = random.uniform(0.1, 0.9)
    for length, values in ((1, [1.0]), (2, [first, 1 - first])):
        symbol = Symbol("few", Role.PARAMETER, Simplex(), (Extent(None, length),))
        last = Entry(symbol, (Position(Extent(None, length)),))
        term = add(mul(draw_term(random, 1), last), call("log", last), power(last, -1))
        given = {("few", (k,)): share for k, share in enumerate(values, 1)}

        def draw(random: Random, given: dict[Any, float] = given) -> World:
            world = draw_world(random)
            return World(world.sizes, {**world.values, **given})

        same(term, RING.normal(term), random, draw)
        assert last not in walk_parts(RING.normal(term))
        index = Index("i", Extent(None, length))
        share = Entry(symbol, (index,))
        body = add(mul(draw_term(random, 1), call("log", share)), share, power(share, -1))
        opened = from_poly(RING.sum_poly(index, body))
        same(total(index, body), opened, random, draw)
        assert share not in walk_parts(opened)


@tries(Normalizer.sum_poly)
def sums(random: Random) -> None:
    index, body = random.choice([h, d, c]), draw_term(random)
    same(total(index, body), from_poly(RING.sum_poly(index, body)), random)


@tries(Normalizer.renormalized_product, Normalizer.times, Normalizer.reduce_monomial)
def sums_of_products(random: Random) -> None:
    bound = tuple(random.sample([h, d], random.randint(0, 2)))
    factors = draw_factors(random)
    expected = product_of(factors.items(), bound)
    same(expected, from_poly(RING.renormalized_product(bound, factors.items())), random)
    same(expected, from_poly(RING.reduce_monomial(bound, dict(factors))), random)
    more = draw_term(random, 1)
    body = mul(product_of(factors.items()), more)
    for index in bound:
        body = total(index, body)
    if not any(m.bound for m in poly_of(more)) and not free_indices(more) & set(bound):
        same(body, from_poly(RING.times(bound, dict(factors), poly_of(more))), random)


@tries(tidy.tidy_residuals)
def squares_stay(random: Random) -> None:
    term = mul(power(subtract(Entry(z, (h,)), draw_term(random, 1)), 2), draw_term(random, 1))
    same(term, tidy.tidy_residuals(term), random)


@tries(tidy.expand_short, tidy.tidy_short, tidy.shorter_form)
def short_or_shared(random: Random) -> None:
    term = draw_term(random)
    long = mul(*(add(ONE, term, number(n)) for n in range(12)), call("exp", term))
    for rule in (tidy.expand_short, tidy.tidy_short, tidy.shorter_form):
        same(term, rule(term), random)
        same(long, rule(long), random)


@tries(Normalizer.normal_array, tidy.tidy_array)
def arrays(random: Random) -> None:
    array = Array((d, h), draw_term(random))
    for other in (RING.normal_array(array), tidy.tidy_array(array)):
        same(array.body, instantiate(other, (d, h)), random)


def draw_factors(random: Random) -> Factors:
    """Canonical atoms with exponents, as the rules on monomials see them."""
    atoms: Factors = {}
    for _ in range(random.randint(1, 3)):
        for monomial in poly_of(random.choice(REAL[:4] + REAL[6:11] + POSITIVE)):
            for atom, exponent in monomial.factors:
                if not free_indices(atom) & set(monomial.bound):
                    atoms[atom] = atoms.get(atom, Fraction(0)) + exponent
    return {atom: exponent for atom, exponent in atoms.items() if exponent}


# ---------------------------------------------------------------- functions


AT_POSITIVE = ("log", "loggamma", "digamma")  # functions of which other arguments have no value


def rule_on_arguments(name: str) -> Trial:
    """A function at terms of either sign, at positive ones where it has no other values."""

    def trial(random: Random) -> None:
        for _ in range(4):
            drawn = draw_positive(random) if name in AT_POSITIVE else draw_term(random, 1)
            for at in (drawn,) if name in AT_POSITIVE else (drawn, negate(drawn)):
                poly = rewrite_functions.FUNCTIONS[name](RING, poly_of(at))
                same(call(name, at), from_poly(poly), random)

    return trial


for each, function in rewrite_functions.FUNCTIONS.items():
    tries(function)(rule_on_arguments(each))


@tries(Normalizer.call, rewrite_functions._lower_gamma, rewrite_functions._odd_function)
def calls(random: Random) -> None:
    argument, positive = draw_term(random, 1), draw_positive(random)
    for name, at in (
        ("abs", mul(argument, random.choice([X, negate(S), ONE]))),
        *((name, argument) for name in ("abs", "tanh", "sigmoid", "softplus", "erf", "exp")),
        *((name, positive) for name in ("log", "loggamma", "digamma")),
        *((name, add(positive, number(n))) for name in ("loggamma", "digamma") for n in (1, 3)),
        ("cos", argument),
    ):
        if at == build.ZERO:
            continue
        rewritten = from_poly(RING.call(name, (poly_of(at),)))
        same(call(name, at), rewritten, random)
        if name in ("loggamma", "digamma"):
            same(
                call(name, at),
                from_poly(rewrite_functions._lower_gamma(RING, name, poly_of(at))),
                random,
            )
    order = from_poly(RING.call("polygamma", (poly_of(ONE), poly_of(S))))
    same(call("polygamma", ONE, S), order, random)


@tries(rewrite_functions._gamma_at_integer)
def gammas_at_integers(random: Random) -> None:
    n = random.randint(1, 9)
    for name in ("loggamma", "digamma"):
        same(
            call(name, number(n)),
            from_poly(rewrite_functions._gamma_at_integer(RING, name, n)),
            random,
        )


@tries(rewrite_functions._canonical_sign)
def signs(random: Random) -> None:
    term = draw_term(random)
    sign, canonical = rewrite_functions._canonical_sign(poly_of(term))
    same(term, mul(number(sign), from_poly(canonical)), random)
    other, opposite = rewrite_functions._canonical_sign(poly_of(negate(term)))
    assert opposite == canonical and (not canonical or other == -sign)


@tries(rewrite_functions._log_atom, rewrite_functions._log_primitive)
def logarithms(random: Random) -> None:
    term = random.choice([draw_positive(random, 2), mul(draw_positive(random), build.exp(X))])
    same(build.log(term), from_poly(rewrite_functions.rewrite_log(RING, poly_of(term))), random)
    gate = subtract(ONE, call("sigmoid", X))
    for primitive in (gate, add(S, T)):
        same(
            build.log(primitive),
            from_poly(rewrite_functions._log_primitive(RING, poly_of(primitive))),
            random,
        )
    for atom in (build.exp(X), call("sigmoid", X), power(S, T), number(6), S):
        same(build.log(atom), from_poly(rewrite_functions._log_atom(RING, atom)), random)


@tries(rewrite_functions._logged)
def exponentials(random: Random) -> None:
    base = random.choice([S, K, add(S, T)])
    argument = add(
        mul(number("3/2"), build.log(base)), mul(number("1/4"), draw_term(random, 1)), ONE
    )
    same(
        build.exp(argument),
        from_poly(rewrite_functions.rewrite_exp(RING, poly_of(argument))),
        random,
    )
    for monomial in poly_of(build.log(base)):
        logged = rewrite_functions._logged(monomial)
        assert logged is not None
        same(from_monomial(monomial), build.log(logged), random)


# ---------------------------------------------------------------- products under sums

F1, F2 = Fraction(1), Fraction(2)
GATE = subtract(ONE, P)
assert isinstance(GATE, Add)
# monomials to which each rule applies: (bound indices, atoms with exponents)
APPLIES: dict[Any, list[tuple[tuple[Index, ...], Factors]]] = {
    rewrite_products.merge_exponentials: [
        ((), {call("exp", X): F2, call("exp", Y): F1, S: F1}),
        ((d,), {call("exp", M): F2}),
        ((), {call("exp", X): F1, call("exp", negate(X)): F1}),
    ],
    rewrite_products.contract_delta: [
        ((d,), {Delta(d, d2): F1, M: F1}),
        ((h,), {Delta(h, Position(H)): F1, K: F2}),
        ((), {Delta(d, d2): F1, M: F1, Entry(mu, (d2,)): F1}),
        ((inner,), {Delta(inner, Position(Extent("C", -1))): F1, Entry(pi, (inner,)): F1}),
    ],
    rewrite_products.count_free_sum: [
        ((h,), {X: F1}),
        ((d, h), {M: F2}),
        ((inner,), {S: F1}),
        ((Index("t", H, 2),), {X: F1}),
    ],
    rewrite_products.complete_range: [
        ((inner,), {Entry(pi, (inner,)): F2}),
        ((inner,), {call("log", Entry(pi, (inner,))): F1, X: F1}),
    ],
    rewrite_products.sum_simplex: [
        ((c,), {Entry(pi, (c,)): F1}),
        ((c, h), {Entry(pi, (c,)): F1, K: F1}),
    ],
    rewrite_products.cancel_sum: [
        ((h,), {K: F1, total(h2, Entry(v, (h2,))): -F1}),
        ((h,), {K: F1, total(h2, Entry(v, (h2,))): -F2, X: F1}),
    ],
    rewrite_products.contract_inverse: [
        ((d2,), {Inverse(matrix(), d, d2): F1, Entry(Sigma, (d2, d3)): F1}),
        ((d2,), {Inverse(matrix(), d2, d): F1, Entry(Sigma, (d3, d2)): F1, X: F1}),
    ],
    rewrite_products.reduce_denominator: [
        ((), {P: F1, GATE: -F1}),
        ((), {P: -F1, GATE: -F1, X: F1}),
        ((), {P: F2, GATE: -F2}),
        ((), {T: F1, add(S, T): -F1}),
    ],
}


def canonical(factors: Factors) -> Factors:
    """With atoms as the normal form writes them, where it leaves them one atom."""
    found: Factors = {}
    for atom, exponent in factors.items():
        poly = poly_of(atom)
        ((monomial, scale),) = poly.items() if len(poly) == 1 else [(UNIT, Fraction(0))]
        plain = scale == 1 and not monomial.bound and len(monomial.factors) == 1
        found[monomial.factors[0][0] if plain else from_poly(poly)] = exponent
    return found


def rule_on_monomials(rule: Any) -> Trial:
    """The monomials that it is for, and random ones."""

    def trial(random: Random) -> None:
        for bound, factors in APPLIES[rule]:
            poly = rule(RING, bound, canonical(factors))
            assert poly is not None, (bound, factors)
            same(product_of(factors.items(), bound), from_poly(poly), random)
        for _ in range(20):
            bound = tuple(random.sample([h, d, c, inner], random.randint(0, 2)))
            factors = draw_factors(random)
            poly = rule(RING, bound, dict(factors))
            if poly is not None:
                same(product_of(factors.items(), bound), from_poly(poly), random)

    return trial


for each in rewrite_products.PRODUCTS:
    tries(each)(rule_on_monomials(each))

# powers of an atom to which each rule applies, among other factors under sums
POWERS: dict[Any, list[tuple[tuple[Index, ...], Factors, Term, Fraction]]] = {
    rewrite_products.fold_bit: [
        ((), {X: F1}, Entry(z, (h,)), F2),
        ((h,), {K: F1}, Entry(z, (h,)), Fraction(3)),
    ],
    rewrite_products.square_abs: [
        ((), {}, call("abs", X), F2),
        ((), {Y: F1}, call("abs", add(X, S)), Fraction(-4)),
    ],
    rewrite_products.square_sine: [
        ((), {Y: F1}, call("sin", X), F2),
        ((), {S: F1}, call("sin", X), Fraction(3)),
    ],
    rewrite_products.expand_power: [
        ((d,), {}, add(X, M), F2),
        ((), {X: F1}, add(S, T), Fraction(5, 2)),
        ((), {}, total(h, K), F1),
    ],
    rewrite_products.fold_delta: [((), {}, Delta(d, d2), F2), ((d,), {M: F1}, Delta(d, d2), F2)],
    rewrite_products.fold_number: [
        ((), {X: F1}, number(2), Fraction(3, 2)),
        ((h,), {K: F1}, number(3), Fraction(-1, 2)),
    ],
}


def rule_on_powers(rule: Any) -> Trial:
    """The powers that it is for, and those that it has to leave alone."""

    def trial(random: Random) -> None:
        for bound, others, atom, exponent in POWERS[rule]:
            factors = {**others, atom: exponent}
            poly = rule(RING, bound, factors, atom, exponent)
            assert poly is not None, (bound, factors)
            same(product_of(factors.items(), bound), from_poly(poly), random)
            bound = tuple(random.sample([h, d, c, inner], random.randint(0, 2)))
            factors = {**draw_factors(random), atom: exponent}
            poly = rule(RING, bound, factors, atom, exponent)
            assert poly is not None, (bound, factors)
            same(product_of(factors.items(), bound), from_poly(poly), random)
            left = [e for e in (F1, F1 / 2) if rule(RING, bound, {atom: e}, atom, e) is None]
            assert left, "it would apply to what it gives, for ever"

    return trial


for each in dict.fromkeys(rule for rules in rewrite_products.POWERS.values() for rule in rules):
    tries(each)(rule_on_powers(each))


@tries(rewrite_products._times_delta)
def deltas(random: Random) -> None:
    factors = [(M, F1), (Entry(W, (d, h)), F2)]
    bound = random.choice([(), (h,)])
    delta = Delta(d, d2)
    poly = rewrite_products._times_delta(RING, bound, delta, factors)
    same(product_of([*factors, (delta, F1)], bound), from_poly(poly), random)


@tries(rewrite_products._leading_atom)
def leading_atoms(random: Random) -> None:
    base = add(mul(number(3), S), negate(T), number(random.randint(1, 5)))
    assert isinstance(base, Add)
    found = rewrite_products._leading_atom(RING, base)
    assert found is not None
    atom, scale, rest = found
    same(base, add(mul(number(scale), atom), from_poly(rest)), random)
    assert all(atom not in dict(monomial.factors) for monomial in rest)


# ---------------------------------------------------------------- names of indices


@tries(
    canonical_names.rename_apart,
    canonical_names.name_canonically,
    Normalizer.reorder,
    canonical_names.order_entry,
    Normalizer.order_inverse,
    canonical_names.order_delta,
)
def canonical_order(random: Random) -> None:
    bound = tuple(random.sample([h, d, d2], random.randint(0, 3)))
    factors: Factors = {Entry(W, (d, h)): F1, Entry(Sigma, (d2, d)): F2, Entry(W, (d2, h)): F1}
    expected = product_of(factors.items(), bound)
    named = canonical_names.name_canonically(bound, factors, RING.reorder)
    same(expected, from_monomial(named), random)
    same(expected, from_monomial(canonical_names.rename_apart(named)), random)
    renamed = {Entry(W, (d3, h)): F1, Entry(Sigma, (d2, d3)): F2, Entry(W, (d2, h)): F1}
    if d in bound:
        swapped = canonical_names.name_canonically(
            tuple(d3 if i == d else i for i in bound), renamed, RING.reorder
        )
        assert d2 not in bound or swapped == named
    entry = random.choice([Entry(Sigma, (d, d2)), Entry(Sigma, (d2, d)), Entry(W, (d, h))])
    same(entry, canonical_names.order_entry(entry.symbol, entry.indices, entry), random)
    same(entry, RING.reorder(entry), random)
    row, column = random.sample([d, d2, d3], 2)
    inverse = RING.order_inverse(RING.normal_array(matrix()), row, column)
    same(Inverse(matrix(), row, column), inverse, random)
    same(Delta(row, column), canonical_names.order_delta(row, column), random)


# ---------------------------------------------------------------- substitution


@tries(
    substitute.replace_index,
    substitute.rename_indices,
    substitute.instantiate,
    substitute._replace,
    substitute.map_parts,
    substitute.map_terms,
)
def replaced_indices(random: Random) -> None:
    term = draw_term(random)
    same(term, substitute.map_parts(term, lambda u: u, lambda i: i, lambda a: a), random)
    same(term, substitute.map_terms(term, lambda u: u), random)
    array = Array((d,), term)
    renamed = (
        substitute.replace_index(term, d, d2),
        substitute.rename_indices(term, {d: d2}),
        substitute.instantiate(array, (d2,)),
        substitute._replace(term, {d: d2}, {}),
    )
    world = draw_world(random, {"C": 3, "D": 3, "H": 2})
    others = {i: i.low for i in (h, c, inner)}
    for first, second in product((1, 2, 3), repeat=2):
        at = {**others, d: second, d2: second}
        moved = {**others, d: first, d2: second}
        for other in renamed:
            try:
                expected = evaluate(term, world, at).value
            except (OverflowError, ZeroDivisionError, ValueError):
                continue
            assert close(evaluate(other, world, moved).value, expected), (term, other)


@tries(substitute.replace_symbols, substitute._replace_symbols)
def replaced_symbols(random: Random) -> None:
    term, body, row = draw_term(random), draw_term(random, 1), draw_term(random, 1)
    replaced = substitute.replace_symbols(
        term, {x: Array((), body), mu: Array((d3,), add(row, IndexValue(d3)))}
    )
    world = draw_world(random, {"C": 3, "D": 2, "H": 2})
    env = {i: i.low for i in (d, d2, h, c, inner)}
    try:
        entries = dict(world.values)
        entries["x", ()] = evaluate(body, world, env).value
        for k in (1, 2):
            entries["mu", (k,)] = evaluate(row, world, env).value + k
        direct = evaluate(term, World(world.sizes, entries), env).value
    except (OverflowError, ZeroDivisionError, ValueError):
        return
    assert close(evaluate(replaced, world, env).value, direct), (term, replaced)


CHOICE = Symbol("k", Role.LATENT, Category(Size("D")), ())


@tries(substitute.replace_selector)
def replaced_selectors(random: Random) -> None:
    selected = Entry(mu, (Entry(CHOICE),))
    term = add(mul(selected, X), build.exp(selected), Entry(CHOICE))
    replaced = substitute.replace_selector(term, Entry(CHOICE), d)
    world = draw_world(random, {"C": 2, "D": 3, "H": 1})
    for k in (1, 2, 3):
        entries = {**world.values, ("k", ()): float(k)}
        chosen = World(world.sizes, entries)
        assert close(evaluate(term, chosen).value, evaluate(replaced, chosen, {d: k}).value)


FUNCTION = Symbol("m", Role.FUNCTION, Real(), (H,))


@tries(interpret.interpret_functions)
def interpreted(random: Random) -> None:
    formal = Symbol("a", Role.ARGUMENT, Real(), (D,))
    body = total(d, mul(Entry(W, (d, h)), power(Entry(formal, (d,)), 2)))
    given = draw_term(random, 1)
    term = add(Apply(FUNCTION, (Array((d2,), given),), (h2,)), X)
    meaning = {FUNCTION: interpret.Interpretation((formal,), Array((h,), body))}
    moved = substitute.replace_index(given, d2, d)
    expected = add(total(d, mul(Entry(W, (d, h2)), power(moved, 2))), X)
    if d not in free_indices(given):
        same(expected, interpret.interpret_functions(term, meaning), random)


@tries(name_residuals.name_residuals)
def residuals(random: Random) -> None:
    value = Symbol("w", Role.VALUE, Real(), (D,))
    difference = subtract(Entry(value, (d,)), random.choice([M, X, add(M, X)]))
    slope = random.choice([S, P, ONE])
    term = add(mul(slope, power(difference, 2)), mul(X, total(d, mul(difference, M))))
    named, found = name_residuals.name_residuals(term)
    assert not any(isinstance(f, Add) for part in named.parts() for f in part.parts())
    world = draw_world(random, {"C": 3, "D": 2, "H": 2})
    entries = {**world.values, **{("w", (k,)): random.gauss(0, 1) for k in (1, 2)}}
    plain = World(world.sizes, entries)
    own = {
        (symbol.name, (k,)): evaluate(array.body, plain, dict.fromkeys(array.indices, k)).value
        for symbol, array in found.items()
        for k in (1, 2)
    }
    for k in (1, 2):
        expected = evaluate(term, plain, {d: k}).value
        assert close(
            evaluate(named, World(world.sizes, {**entries, **own}), {d: k}).value, expected
        )


# ---------------------------------------------------------------- derivatives

MOVING = [symbol for symbol in SYMBOLS if symbol not in (z, pi, Sigma)]


@tries(
    differentiate.derivative_along,
    differentiate._derivative,
    differentiate.derivative_by,
    differentiate._along,
    differentiate._change_of_matrix,
    name_parts.derivative_form,
)
def derivatives(random: Random) -> None:
    """Along a random direction, and by one entry, against dual numbers."""
    term = draw_term(random)
    field, world = {}, draw_world(random, {"C": 3, "D": 2, "H": 2})
    entries, velocities = dict(world.values), {}
    for symbol in MOVING:
        direction = parameter("u_" + symbol.name, symbol.domain, *symbol.shape)
        indices = solve.formal_indices(symbol.shape)
        field[symbol] = Array(indices, Entry(direction, indices))
        for name, place in world.values:
            if name == symbol.name:
                velocities[name, place] = random.gauss(0, 1)
                entries[direction.name, place] = velocities[name, place]
    env = {i: i.low for i in (d, d2, h, c, inner)}

    def compare(slope: Term, moved: Mapping[Any, float], of: Term = term) -> None:
        try:
            expected = evaluate(of, World(world.sizes, entries, moved), env).tangent
        except (OverflowError, ZeroDivisionError, ValueError):
            return
        if abs(expected) < 1e6:
            (shared,) = remember({"slope": slope}).values()
            found = evaluate(shared, World(world.sizes, entries), env).value
            agrees = close(found, expected)
            assert agrees, (found, expected)

    compare(differentiate.derivative_along(term, field), velocities)
    deep = term
    for _ in range(20):  # in parts
        deep = call("tanh", add(deep, X, mul(M, M)))
    for of in (term, deep):
        compare(name_parts.derivative_form(of, field), velocities, of)
    compare(differentiate.derivative_by(term, x, ()), {("x", ()): 1.0})
    compare(differentiate.derivative_by(term, mu, (Position(D),)), {("mu", (2,)): 1.0})
    compare(differentiate.derivative_by(term, W, (d, Position(H))), {("W", (1, 2)): 1.0})
    simplex = {("pi", (1,)): 1.0, ("pi", (3,)): -1.0}
    compare(differentiate.derivative_by(term, pi, (Position(Extent(None, 1)),)), simplex)
    general = Array((d, d2), add(Delta(d, d2), mul(M, Entry(W, (d2, Position(H))))))
    for of in (LogDet(general), Inverse(general, d, Position(D))):
        compare(differentiate.derivative_along(of, field), velocities, of)
    table = Array((d, d2), mul(term, Entry(W, (d, Position(H)))))
    incoming = frozenset().union(*(free_indices(array) for array in field.values()))
    k, m, change = differentiate._change_of_matrix(
        table, incoming, lambda part: differentiate.derivative_along(part, field), ()
    )
    compare(substitute.rename_indices(change, {k: d, m: d2}), velocities, table.body)


# ---------------------------------------------------------------- for reading


@tries(
    tidy.tidy,
    tidy._tidy,
    tidy._take_out,
    tidy._split_functions,
    tidy._polynomial,
    tidy._common_factor,
)
def tidied(random: Random) -> None:
    term = draw_term(random, 3)
    poly = poly_of(term)
    same(term, tidy.tidy(term), random)
    if not poly:
        return
    outer, rest = tidy._take_out(poly)
    same(term, mul(outer, from_poly(rest)), random)
    same(term, tidy._polynomial(poly), random)
    for monomial in poly:
        chosen, left = tidy._split_functions(monomial)
        same(from_monomial(monomial), mul(from_monomial(chosen), from_monomial(left)), random)
    double = {monomial: 2 * scale for monomial, scale in poly.items()}
    common = tidy._common_factor([double, poly])
    assert common is None or [tidy.ratio(q, common) for q in (double, poly)] in (
        [1, F1 / 2],
        [2, 1],
    )
    assert (common is None) == (len(poly) < 2)


@tries(tidy.sum_over)
def summed(random: Random) -> None:
    term = draw_term(random)
    same(total(d, total(h, term)), tidy.sum_over((d, h), term), random)


# ---------------------------------------------------------------- finite supports, angles

ONE_HOT = Symbol("o", Role.LATENT, OneHot(), (C,))


def one_hot_world(random: Random) -> World:
    world = draw_world(random)
    chosen = random.randint(1, world.sizes["C"])
    hot = {("o", (k,)): float(k == chosen) for k in range(1, world.sizes["C"] + 1)}
    return World(world.sizes, {**world.values, **hot})


@tries(binary.expand_binary, binary._interpolate, binary._put)
def finite_functions(random: Random) -> None:
    first, second = Entry(z, (Position(Extent(None, 1)),)), Entry(z, (Position(H),))
    for term in (
        build.log(add(ONE, mul(S, first), mul(T, second))),
        build.exp(mul(X, first)),
        power(add(S, second), -2),
        draw_term(random),
    ):
        same(term, binary.expand_binary(term), random)
        entries = binary.binary_entries(term)
        if entries and len(entries) <= BINARY_ENTRIES:
            same(term, binary._interpolate(term, entries), random)
    term, body = build.exp(mul(X, first)), build.exp(mul(X, Y))
    same(body, binary._put(term, {first: Y}), random)


@tries(binary._select, binary._put_vector)
def one_hot_functions(random: Random) -> None:
    over = random.choice((c, c.like("o")))  # the letter that the rule takes for its own sum
    dot = total(over, mul(Entry(ONE_HOT, (over,)), build.log(Entry(pi, (over,)))))
    for term in (build.exp(dot), power(add(S, power(dot, 2)), -1)):
        same(term, binary._select(term, ONE_HOT), random, one_hot_world)
        put = binary._put_vector(term, ONE_HOT, c2)
        same(total(c2, mul(Entry(ONE_HOT, (c2,)), put)), term, random, one_hot_world)


@tries(angles.split_angles)
def sums_of_angles(random: Random) -> None:
    angle = add(X, mul(number(random.randint(1, 3)), Y), S)
    for name in ("cos", "sin"):
        term = mul(T, call(name, angle))
        same(term, angles.split_angles(term, x), random)


@tries(concretize.concretize, concretize._determinant, concretize._cofactor)
def written_out(random: Random) -> None:
    import numpy as np

    world = draw_world(random, {"C": 3, "D": 2, "H": 2})
    term = random.choice([total(d, mul(M, Entry(Sigma, (d, Position(D))))), LogDet(matrix())])
    exact = {place: Fraction(value) for place, value in world.values.items()}
    closed = concretize.concretize(term, world.sizes, lambda name, at: exact[name, at])
    assert close(evaluate(closed, World({}, {})).value, evaluate(term, world).value)
    entries = [[random.randint(-3, 3) for _ in range(3)] for _ in range(3)]
    rows = [[number(entry) for entry in row] for row in entries]
    plain = World({}, {})
    value = evaluate(concretize._determinant(rows), plain).value
    assert close(value, float(np.linalg.det(np.array(entries, dtype=float))))
    minor = np.delete(np.delete(np.array(entries, dtype=float), 1, 0), 2, 1)
    cofactor = evaluate(concretize._cofactor(rows, 1, 2), plain).value
    assert close(cofactor, -float(np.linalg.det(minor)))


# ---------------------------------------------------------------- equations


@tries(solve.find_by_elimination)
def solutions(random: Random) -> None:
    """What is found solves the equations, at numbers."""
    unknown, other = (Symbol(n, Role.UNKNOWN, Real(), (D,)) for n in ("a", "b"))
    a, b, k = Entry(unknown, (d,)), Entry(other, (d,)), number(random.randint(2, 5))
    spectator = Symbol("q", Role.LATENT, Real(), (D,))
    first, second = subtract(mul(S, a), mul(M, b)), subtract(b, mul(k, T))
    equation = add(mul(first, Entry(spectator, (d,))), second)  # for all q
    found = solve.find_by_elimination([equation], [unknown, other], lambda s: s == spectator)
    assert isinstance(found, solve.Found)
    for part in (first, second):
        same(substitute.replace_symbols(part, found.values), build.ZERO, random)
