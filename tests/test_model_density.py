"""The expression language, and the densities of families in it."""

from __future__ import annotations

import subprocess
import sys
from fractions import Fraction

import pytest

from symelbo.families.family import Argument, Family, Form
from symelbo.families.registry import FAMILIES
from symelbo.index.build import add, call, log, mul, number, power
from symelbo.index.domains import Category, PosDef, Positive, Real, Simplex, Unit
from symelbo.index.signs import bounds
from symelbo.index.substitute import free_indices, symbols_of
from symelbo.index.terms import (
    Array,
    Entry,
    Extent,
    Index,
    Inverse,
    LogDet,
    Number,
    Role,
    Size,
    Symbol,
)
from symelbo.language.density import resolve_density
from symelbo.language.fault import TextError
from symelbo.language.parse import parse_expression
from symelbo.language.syntax import NumberSyntax

FORMS = [(family, n) for family in FAMILIES.values() for n in range(len(family.forms))]


def own(density: str, *arguments: Argument, shape: tuple[str, ...] = ()) -> Family:
    return Family("Own", "", "x", Real(), (Form(arguments, density),), shape)


@pytest.mark.parametrize(("family", "n"), FORMS, ids=lambda v: getattr(v, "name", v))
def test_every_built_in_density_is_well_formed(family: Family, n: int) -> None:
    form = family.forms[n]
    names = {name for argument in form.arguments for name in argument.shape} | set(family.shape)
    density = resolve_density(family, form, {name: Extent("D") for name in names})
    assert density.value.role is Role.VALUE
    assert [a.name for a in density.arguments] == [a.name for a in form.arguments]
    assert symbols_of(density.term) <= {density.value, *density.arguments}
    assert not free_indices(density.term)


def test_a_family_is_called_as_its_file() -> None:
    assert len(FAMILIES) >= 24
    for name, family in FAMILIES.items():
        assert (family.name, family.builtin) == (name, True)
    assert FAMILIES.get("Family") is None


def test_only_the_families_that_a_model_uses_are_imported() -> None:
    code = (
        "import sys; from symelbo.model.read_model import read_model\n"
        "read_model({'name': 'A', 'model': ['x ~ Poisson(2)'], 'observed': ['x']})\n"
        "rooms = ('density', 'family', 'registry')\n"
        "print(*sorted(m.split('.')[2] for m in sys.modules if m.startswith('symelbo.families.')"
        " and not m.endswith(rooms)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "poisson\n"


def test_a_category_selects() -> None:
    categorical = FAMILIES["Categorical"]
    density = resolve_density(categorical, categorical.forms[0], {"K": Extent("C")})
    (p,) = density.arguments
    assert p == Symbol("p", Role.ARGUMENT, Simplex(), (Extent("C"),))
    assert density.value == Symbol("x", Role.VALUE, Category(Size("C")))
    assert density.term == log(Entry(p, (Entry(density.value),)))


def test_matrix_functions_and_formal_sizes() -> None:
    matrix = Argument("M", PosDef(), ("K", "K"))
    family = own("inv(M)[1,K] + logdet(M) + K*polygamma(1, x)", matrix)
    density = resolve_density(family, family.forms[0], {"K": Extent("D", -1)})
    i, j = Index("i", Extent("D", -1)), Index("j", Extent("D", -1))
    m = Entry(density.arguments[0], (i, j))
    terms = getattr(density.term, "terms", ())
    assert LogDet(Array((i, j), m)) in terms
    (inverse,) = (term for term in terms if isinstance(term, Inverse))
    assert inverse.matrix == Array((i, j), m)
    size = add(Size("D"), number(-1))
    gamma = call("polygamma", number(1), Entry(density.value))
    assert mul(size, gamma) in terms


@pytest.mark.parametrize(
    ("density", "message"),
    [
        ("x*y", "column 3: unknown name `y`; expected a declared name; known here: a, x, PI"),
        ("a[1]*x", "column 1: 1 index on `a`; expected no index: it is a scalar"),
        ("inv(a)[1,1]", "column 5: `a` in `inv`; expected a square matrix"),
        ("x +", "column 4: the end of the text; expected a number, a name or `(`"),
    ],
)
def test_a_faulty_density_says_where(density: str, message: str) -> None:
    family = own(density, Argument("a", Real()))
    with pytest.raises(TextError) as caught:
        resolve_density(family, family.forms[0], {})
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", Fraction(1, 1000)),
        ("1.5", Fraction(3, 2)),
        (".5", Fraction(1, 2)),
        ("2.", Fraction(2)),
        ("1E+2", Fraction(100)),
        ("-3", Fraction(-3)),
        ("0.1", Fraction(1, 10)),
    ],
)
def test_numbers_are_exact(text: str, value: Fraction) -> None:
    syntax = parse_expression(text)
    assert isinstance(syntax, NumberSyntax)
    assert syntax.value == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2 - 3 - 4", "-5"),
        ("2/3/4", "1/6"),
        ("2**3**2", "512"),
        ("2^3^2", "512"),
        ("-2**2", "-4"),
        ("(-2)**2", "4"),
        ("2**-1", "1/2"),
        ("2*-3", "-6"),
        ("- -2", "2"),
        ("+2", "2"),
        ("6/2*3", "9"),
        ("abs(-2)", "2"),
        ("sqrt(4)", "2"),
    ],
)
def test_arithmetic_binds_as_in_mathematics(text: str, value: str) -> None:
    family = own(text)
    expected = number(value)
    if text == "sqrt(4)":
        expected_term = power(number(4), Fraction(1, 2))
        assert resolve_density(family, family.forms[0], {}).term == expected_term
    else:
        assert resolve_density(family, family.forms[0], {}).term == expected


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("a*a", "0", "-1/100"),
        ("a**3", "-8", None),
        ("b**-2", "3", "0"),
        ("exp(-b)", "1/2", "1"),
        ("u*(1 - u)", "1/4", "1"),
        ("tanh(a)*u", "-1/2", "1"),
        ("1/(1 + b)", "1/2", "1"),
        ("u - b", "-7", "1"),
        ("sum(u for k in 1:3)", "2", "3"),
        ("sqrt(b)", "9", "0"),
        ("log(u)", "-1", "0"),
        ("-b**2", "-4", "0"),
    ],
)
def test_bounds_hold_what_can_be_and_exclude_what_cannot(
    text: str, inside: str, outside: str | None
) -> None:
    arguments = [
        Argument("a", Real()),
        Argument("b", Positive()),
        Argument("u", Unit()),
    ]
    family = own(text, *arguments)
    interval = bounds(resolve_density(family, family.forms[0], {}).term)
    assert not bounds(Number(Fraction(inside))).misses(interval)
    if outside is not None:
        assert bounds(Number(Fraction(outside))).misses(interval)
