"""Every tuning constant stands in `limits`, says what depends on it, and is used."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import symelbo
from symelbo import limits

PACKAGE = Path(symelbo.__file__).parent
LIMITS = PACKAGE / "limits.py"
LINES = LIMITS.read_text(encoding="utf-8").splitlines()
# A number that is no matter of tuning.
OTHERS = {
    "checker": "limits of the checker, which is read by itself",
    "notation": "how wide a line is",
    "page": "how wide a line is, how a bound is rounded in print",
    "proof": "how wide a line is",
    "code/lay_out_python.py": "how wide a line is",
    "cli.py": "exit statuses, and how wide a line is",
    "exchange_folders.py": "names of the system",
    "index/modular.py": "the prime, and the roots that exist for it",
    "trial/special.py": "coefficients of a series, and from where on it is exact",
}


def is_number(node: ast.AST | None) -> bool:
    match node:
        case ast.Constant(value=value):
            return isinstance(value, int | float) and not isinstance(value, bool)
        case ast.BinOp(left=left, right=right):
            return is_number(left) and is_number(right)
        case ast.Tuple(elts=parts):
            return all(map(is_number, parts))
    return False


def numbers_of(path: Path) -> list[str]:
    """The names of a module that stand for numbers."""
    found = []
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        match node:
            case ast.AnnAssign(target=ast.Name(id=name), value=value) if is_number(value):
                found.append(name)
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if is_number(value):
                found.append(name)
    return found


NAMES = numbers_of(LIMITS)


def test_no_other_module_has_numbers_of_its_own() -> None:
    assert len(NAMES) > 50
    assert all((PACKAGE / other).exists() for other in OTHERS)
    for path in sorted(PACKAGE.rglob("*.py")):
        inner = path.relative_to(PACKAGE)
        if path == LIMITS or inner.parts[0] in OTHERS or inner.as_posix() in OTHERS:
            continue
        assert not numbers_of(path), f"{inner}: {numbers_of(path)} belong to limits.py"


@pytest.mark.parametrize("name", NAMES)
def test_each_says_what_it_counts_and_what_depends_on_it(name: str) -> None:
    (at,) = [n for n, line in enumerate(LINES) if line.startswith(f"{name}: Final = ")]
    assert re.search(r"  # \w", LINES[at]), "what is counted"
    section = next(line for line in reversed(LINES[:at]) if line.startswith("# ---"))
    effect = section.split()[-1]
    assert re.search(rf"^    {effect} {{2,}}\w", limits.__doc__ or "", re.MULTILINE)


@pytest.mark.parametrize("name", NAMES)
def test_each_is_used(name: str) -> None:
    word = re.compile(rf"\b{name}\b")
    users = [p for p in PACKAGE.rglob("*.py") if word.search(p.read_text(encoding="utf-8"))]
    assert len(users) > 1


# The checker is read by itself; a cache of one holds what there is one of.
CACHING = [p for p in sorted(PACKAGE.rglob("*.py")) if "checker" not in p.parts]


def test_caches_that_outlive_a_pass_are_bounded_by_a_constant_of_limits() -> None:
    found = 0
    for path in CACHING:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in tree.body:
            for cached in getattr(node, "decorator_list", ()):
                assert ast.unparse(cached) not in ("cache", "functools.cache", "lru_cache"), path
        for node in ast.walk(tree):
            match node:
                case ast.Call(func=ast.Name("lru_cache"), keywords=[ast.keyword(value=size)]):
                    found += 1
                    assert ast.unparse(size) in (*NAMES, "1"), f"{path}, line {node.lineno}"
    assert found > 10
