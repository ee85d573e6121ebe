"""Names, letters of bound indices, hostile text, widths."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from all_domains import DOMAINS

from symelbo.index.build import add, log, mul, number, power
from symelbo.index.domains import Positive, Real
from symelbo.index.terms import (
    Apply,
    Array,
    Constant,
    Delta,
    Domain,
    Entry,
    Extent,
    Index,
    Inverse,
    LogDet,
    Role,
    Sum,
    Symbol,
    Term,
)
from symelbo.notation.break_lines import (
    Joint,
    Piece,
    break_lines,
    cut_pieces,
    enclose,
    join_pieces,
    turn,
)
from symelbo.notation.names import escape_latex, latex_name, latex_symbol, name_indices
from symelbo.notation.print_latex import LATEX, latex_velocity, latex_width, print_latex
from symelbo.notation.print_text import TEXT, print_text

H, D, LAYERS = Extent("H"), Extent("D"), Extent("Layers")


def _symbol(name: str, *shape: Extent, domain: str = "real") -> Symbol:
    return Symbol(name, Role.PARAMETER, DOMAINS[domain], shape)


def _vector(name: str, index: Index) -> Entry:
    return Entry(_symbol(name, index.extent), (index,))


@pytest.mark.parametrize(
    ("name", "domain", "latex"),
    [
        ("W", "real", "W"),
        ("sigma2", "positive", r"\sigma^{2}"),
        ("s2", "positive", "s^{2}"),
        ("scale2", "positive", r"\mathit{scale}^{2}"),
        ("mu2", "real", r"\mu_{2}"),
        ("W2", "real", "W_{2}"),
        ("mu0", "real", r"\mu_{0}"),
        ("mu_0", "real", r"\mu_{0}"),
        ("x12", "real", "x_{12}"),
        ("w_out", "real", r"w_{\mathrm{out}}"),
        ("b_mu", "real", r"b_{\mu}"),
        ("lambda", "positive", r"\lambda"),
        ("Sigma", "posdef", r"\Sigma"),
        ("Alpha", "real", r"\mathit{Alpha}"),
        ("log_rate", "real", r"\mathit{log\_rate}"),
        ("_", "real", r"\text{\_}"),
        ("_a__b2", "real", r"\text{\_a\_\_b2}"),
        ("a__b", "real", r"\mathit{a\_\_b}"),
    ],
)
def test_symbols(name: str, domain: str, latex: str) -> None:
    assert latex_symbol(_symbol(name, domain=domain)) == latex


def test_powers_and_indices_of_squared_letters() -> None:
    d = Index("d", D)
    s = Entry(_symbol("sigma2", D, domain="positive"), (d,))
    assert print_latex(s) == r"\sigma^{2}_{d}"
    assert print_latex(power(s, 2)) == r"\sigma^{4}_{d}"
    assert print_latex(power(s, -1)) == r"\frac{1}{\sigma^{2}_{d}}"
    assert print_latex(log(s)) == r"\log\sigma^{2}_{d}"
    assert print_text(power(s, 2)) == "sigma2[d]**2"


def test_a_symbol_called_e_sets_euler_upright() -> None:
    term = log(mul(Constant("e"), Entry(_symbol("e"))))
    assert print_latex(term) == r"\log(\mathrm{e} e)"


# -- letters of bound indices ----------------------------------------------------------------------


def test_letters_come_from_the_size_then_from_i() -> None:
    one, two, three = Index("#1", H), Index("k_7", H), Index("_0", LAYERS)
    term = Sum(
        one,
        Sum(
            two,
            Sum(
                three, add(*(_vector(n, i) for n, i in zip("abw", (one, two, three), strict=True)))
            ),
        ),
    )
    assert print_text(term) == ("sum(a[h] + b[i] + w[j] for h in 1:H, i in 1:H, j in 1:Layers)")


def test_a_bound_index_avoids_symbols_free_indices_and_avoid() -> None:
    bound = Index("#1", H)
    by_symbol = Sum(bound, mul(_vector("a", bound), Entry(_symbol("h"))))
    assert print_text(by_symbol) == "sum(a[i]*h for i in 1:H)"
    by_free = Sum(bound, mul(_vector("a", bound), _vector("b", Index("h", H))))
    assert print_text(by_free) == "sum(a[i]*b[h] for i in 1:H)"
    assert print_text(Sum(bound, _vector("a", bound)), avoid={"h", "i"}) == (
        "sum(a[j] for j in 1:H)"
    )


def test_siblings_share_a_letter_and_chosen_letters_stay() -> None:
    one, two = Index("#1", H), Index("#2", H)
    assert print_text(add(Sum(one, _vector("a", one)), Sum(two, _vector("b", two)))) == (
        "sum(a[h] for h in 1:H) + sum(b[h] for h in 1:H)"
    )
    chosen = Index("k", H)
    assert print_text(Sum(chosen, _vector("a", chosen))) == "sum(a[k] for k in 1:H)"


def test_shadowed_indices_are_told_apart() -> None:
    h = Index("h", H)
    inner = Sum(h, _vector("b", h))
    term = Sum(h, mul(_vector("a", h), inner))
    assert print_text(term) == "sum(a[h]*sum(b[i] for i in 1:H) for h in 1:H)"


def test_primes_when_letters_run_out() -> None:
    bound = Index("#1", H)
    letters = set("hijklmpqrstuv")
    assert print_latex(Sum(bound, _vector("a", bound)), avoid=letters) == (
        r"\sum_{h'=1}^{H} a_{h'}"
    )
    assert print_text(Sum(bound, _vector("a", bound)), avoid=letters) == (
        "sum(a[h_] for h_ in 1:H)"
    )


def _everywhere(one: Index, two: Index, three: Index) -> Term:
    """A term with every kind of binder, alpha-equal whatever the names of the indices."""
    free = Index("d", D)
    matrix = _symbol("M", H, H)
    body = add(Delta(one, two), mul(_vector("a", one), _vector("b", two)))
    return add(
        Sum(one, Sum(two, body)),
        LogDet(Array((one, two), mul(Entry(matrix, (one, two)), _vector("a", three)))),
        Inverse(Array((one, two), Entry(matrix, (two, one))), three, three),
        Apply(
            _symbol("f", D), (Array((one,), mul(_vector("a", one), _vector("a", three))),), (free,)
        ),
    )


def test_alpha_equal_terms_print_alike() -> None:
    free = Index("q", H)
    a = _everywhere(Index("#1", H), Index("#2", H), free)
    b = _everywhere(Index("_8", H), Index("zz", H), free)
    assert (print_latex(a), print_text(a)) == (print_latex(b), print_text(b))


def test_naming_is_idempotent_and_keeps_free_indices() -> None:
    term = _everywhere(Index("#1", H), Index("#2", H), Index("q", H))
    named = name_indices(term)
    assert name_indices(named) == named
    assert "q" in print_text(named) and "#" not in print_text(named)


def test_printing_does_not_depend_on_the_hash_seed() -> None:
    program = (
        "from symelbo.notation.print_latex import print_latex\n"
        "from symelbo.notation.print_text import print_text\n"
        "from symelbo.index.terms import *\nfrom symelbo.index.build import *\n"
        "from symelbo.index.domains import Positive\n"
        "make = lambda name: Entry(Symbol(name, Role.PARAMETER, Positive()))\n"
        "v = [make(name) for name in 'abcuvw']\n"
        "t = add(*(mul(x, log(y)) for x in v for y in v), *map(log, v))\n"
        "print(print_latex(t), print_text(t))\n"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONHASHSEED": seed},
            cwd=Path(__file__).parent.parent,
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "2")
    }
    assert len(outputs) == 1


# -- hostile text ----------------------------------------------------------------------------------

HOSTILE = [
    r"\input{/etc/passwd} \write18{rm}",
    r"$x^2$ 100% #1 {a} ~b~ & c_d",
    "Lücke & Warnken — “quotes”, ß, Ł, ő",
    "^^5cinput{x} ^^M \x00 \x1b[0m \r\n\tend",
    "日本語 α 𝒳 \u202e \ufffd e\u0301 x\u0308",
    r"\end{document} \catcode`\@=11",
    '<<a>> "b" |c| `d\' --- !` ?`',
]


def test_escaping() -> None:
    assert escape_latex(r"\a{b}") == r"\textbackslash{}a\{b\}"
    assert escape_latex("50% of $x_1 & #2 ~ ^") == (
        r"50\% of \$x\_1 \& \#2 \textasciitilde{} \textasciicircum{}"
    )
    assert escape_latex("Lücke — e\u0301\n\x00日") == "Lücke — é ??"


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
def test_hostile_names_and_text_compile(tmp_path: Path) -> None:
    names = [
        "_",
        "__a_2",
        "log_rate",
        "x_y_z",
        "input",
        "def",
        "write18",
        "e",
        "a'b",
        "#1",
        "%",
        "\\x",
        "ü$",
    ]
    formulas = [latex_name(name) for name in names]
    for name in names:
        index = Index(name, H)
        formulas.append(
            print_latex(
                Sum(index, mul(number(2), _vector(name, index), _vector("a", Index("%_", H))))
            )
        )
    body = "\n\n".join([*map(escape_latex, HOSTILE), *(f"${formula}$" for formula in formulas)])
    (tmp_path / "page.tex").write_text(
        "\\documentclass{article}\\usepackage[utf8]{inputenc}\\usepackage[T1]{fontenc}"
        "\\usepackage{amsmath}\\begin{document}\n" + body + "\n\nTHE END\\end{document}\n",
        encoding="utf-8",
    )
    run = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "page.tex"],
        cwd=tmp_path,
        capture_output=True,
        check=False,
        timeout=120,
    )
    assert run.returncode == 0, run.stdout[-2000:]


# -- lines -----------------------------------------------------------------------------------------


ABC = (Piece("a"), Piece("b"), Piece("c", Joint.MINUS))


def test_lines_are_filled_and_continued() -> None:
    assert break_lines(ABC, 100.0, LATEX) == ["a + b - c"]
    assert break_lines(ABC, 1.0, LATEX) == ["a", "{}+ b", "{}- c"]
    assert break_lines(ABC, 9, TEXT) == ["a + b - c"]
    assert break_lines(ABC, 8, TEXT) == ["a + b", "- c"]
    assert break_lines([], 1.0, LATEX) == []


def test_a_long_sum_is_cut_between_its_summands() -> None:
    inside = [Piece("f(a"), Piece("b)", inside=True), Piece("c"), Piece("d", Joint.MINUS)]
    assert cut_pieces(inside, 3) == (inside, 0)
    assert cut_pieces(inside, 2) == (inside[:3], 1)
    assert cut_pieces(inside, 1) == (inside[:2], 2)
    assert cut_pieces([], 1) == ([], 0)


def test_a_piece_that_fits_in_no_line_is_cut_between_its_factors() -> None:
    wide = Piece(r"aaaa \cdot bbbb", Joint.MINUS, factors=("aaaa", "bbbb"))
    assert break_lines([wide], 4.0, LATEX) == ["-aaaa", r"{}\cdot bbbb"]
    assert break_lines([wide], 100.0, LATEX) == [r"-aaaa \cdot bbbb"]
    assert break_lines([Piece("long words")], 5, TEXT) == ["long", "  words"]


def test_signs_turn_outside_of_brackets_only() -> None:
    opened = enclose("2 [", [Piece("a", Joint.MINUS), Piece("b")], "]", Joint.MINUS, TEXT)
    assert join_pieces([*ABC, *opened], TEXT) == "a + b - c - 2 [-a + b]"
    assert join_pieces(turn([*ABC, *opened]), TEXT) == "-a - b + c + 2 [-a + b]"
    assert join_pieces([], LATEX) == ""


def test_width_counts_what_is_seen() -> None:
    assert latex_width(r"\frac{a}{b}") < latex_width("a b")
    assert latex_width(r"x_{1}^{2}") == latex_width(r"x_{1}")
    assert latex_width(r"\Bigl(x\Bigr)") == latex_width("(x)")


@pytest.mark.parametrize(
    ("name", "domain", "expected"),
    [
        ("w", Real(), r"\dot{w}_{d}"),
        ("w1", Real(), r"\dot{w}_{1,d}"),
        ("sigma2", Positive(), r"\dot{\sigma^{2}}_{d}"),
        ("log_rate", Real(), r"\dot{\mathit{log\_rate}}_{d}"),
    ],
)
def test_a_velocity_has_the_dot_over_its_letter_and_keeps_its_places(
    name: str, domain: Domain, expected: str
) -> None:
    extent = Extent("D")
    symbol = Symbol(name, Role.PARAMETER, domain, (extent,))
    assert latex_velocity(Entry(symbol, (Index("d", extent),))) == expected
    scalar = latex_velocity(Entry(Symbol(name, Role.PARAMETER, domain)))
    assert scalar == expected.replace(",d}", "}").removesuffix("_{d}")
