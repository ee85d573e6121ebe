"""Imports go downwards only, and the checkers share nothing with what they check."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

import symelbo

PACKAGE = Path(symelbo.__file__).parent

# The floors, lowest first.  A module may import from lower floors and from its own package.
# A module named here by itself stands on its own floor, not on that of its package.
FLOORS = (
    ("symelbo",),  # __init__: imports lazily, on first use of a name
    ("symelbo.values",),
    ("symelbo.errors", "symelbo.limits", "symelbo.fill", "symelbo.resources", "symelbo.words"),
    (
        "symelbo.exchange_folders",
        "symelbo.hold",
        "symelbo.map_in_workers",
        "symelbo.open_regular",
    ),
    ("symelbo.index",),
    ("symelbo.families",),
    ("symelbo.language",),
    ("symelbo.notation",),
    ("symelbo.model",),
    ("symelbo.trial",),
    ("symelbo.checker",),
    ("symelbo.certify",),
    ("symelbo.expfam",),
    ("symelbo.criterion",),
    ("symelbo.entropy",),
    ("symelbo.answer",),
    ("symelbo.certify.state_derivation",),
    ("symelbo.try_result",),
    ("symelbo.sympy_edge",),
    ("symelbo.page.derivation_json",),
    ("symelbo.page.summary",),
    ("symelbo.proof",),
    ("symelbo.code",),
    ("symelbo.conclude",),
    ("symelbo.page",),
    ("symelbo.pipeline",),
    ("symelbo.api",),
    ("symelbo.uses",),
    ("symelbo.sklearn",),
    ("symelbo.manifest",),
    ("symelbo.replace_folder", "symelbo.compile_pdf"),
    ("symelbo.write_output",),
    ("symelbo.cli",),
    ("symelbo.__main__",),
)
ALONE = "symelbo.checker"  # may be copied to another place: its imports are relative
RANK = {name: rank for rank, names in enumerate(FLOORS) for name in names}

# What each package may use of other people's.
OUTSIDE = {
    "jinja2": set(),  # templates are compiled beforehand
    "flint": {"symelbo.criterion", "symelbo.index"},
    "ruamel": {"symelbo.model"},
    "click": {"symelbo.cli"},
    "sklearn": {"symelbo.sklearn"},
    "sympy": {"symelbo.sympy_edge", "symelbo.language"},  # language: of densities given as such
}


# made of templates
GENERATED = {"symelbo.page.latex_templates", "symelbo.code.python_template"}


def module_name(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {
    module_name(path): ast.parse(path.read_text(encoding="utf-8"))
    for path in sorted(PACKAGE.rglob("*.py"))
}


def floor(module: str) -> str:
    """The entry of FLOORS that a module belongs to: the longest prefix."""
    if module == "symelbo":
        return module
    parts = module.split(".")
    for length in range(len(parts), 1, -1):
        if (name := ".".join(parts[:length])) in RANK:
            return name
    raise AssertionError(f"{module} is on no floor: add it to FLOORS")


def imported(node: ast.AST, package: str = "") -> list[str]:
    """The modules that one node imports; [] if it is no import.

    package: the one whose modules may import each other by relative names.
    """
    match node:
        case ast.Import(names=names):
            return [alias.name for alias in names]
        case ast.ImportFrom(module=str(origin), names=names, level=0):
            inner = [f"{origin}.{alias.name}" for alias in names]
            return [name if name in MODULES else origin for name in inner]
        case ast.ImportFrom(module=str(origin), level=1) if package == ALONE:
            return [f"{package}.{origin}"]
        case ast.ImportFrom():
            raise AssertionError(f"line {node.lineno}: a relative import")
        case ast.Call(
            func=ast.Name("import_module") | ast.Attribute(attr="import_module"),
            args=[ast.Constant(str(name))],
        ):
            return [name]
    return []


def imports(module: str) -> set[str]:
    """All modules that a module imports, inside functions and behind TYPE_CHECKING too."""
    package = module.rpartition(".")[0]
    return {name for node in ast.walk(MODULES[module]) for name in imported(node, package)}


@pytest.mark.parametrize("module", [m for m in MODULES if m != "symelbo"])
def test_imports_go_down(module: str) -> None:
    own = floor(module)
    for name in sorted(imports(module)):
        if name.partition(".")[0] != "symelbo":
            continue
        other = floor(name)
        if other == own:
            continue
        assert RANK[other] < RANK[own], f"{module} imports {name} from above"


def test_the_trials_know_terms_and_nothing_else() -> None:
    trials = {m for m in MODULES if floor(m) == "symelbo.trial"}
    assert len(trials) > 5
    for module in trials:
        own = {name for name in imports(module) if name.startswith("symelbo")}
        # domains: of the symbols that stand for rates and velocities; limits: numbers; values: how
        # records are made, nodes: how a class of terms is
        shared = {
            *("symelbo.index.terms", "symelbo.index.nodes", "symelbo.index.domains"),
            *("symelbo.limits", "symelbo.values"),
        }
        assert own <= shared | trials


def test_the_checker_knows_nothing_of_ours_and_the_standard_library_alone() -> None:
    checker = {m for m in MODULES if floor(m) == ALONE}
    assert len(checker) > 10
    for module in checker:
        for name in imports(module):
            assert name in checker or name.partition(".")[0] in sys.stdlib_module_names, name


def test_nothing_above_the_model_reads_text() -> None:
    """Each statement carries its resolved density: who parses again states a fact again."""
    for module in MODULES:
        if RANK[floor(module)] > RANK["symelbo.model"]:
            read = {name for name in imports(module) if name.startswith("symelbo.language")}
            assert not read, f"{module} imports {read}"


def test_a_plan_knows_no_backend() -> None:
    """Of the room of code, only what prints arrays knows how they are written."""
    printing = ("print_arrays", "print_example", "print_functions", "print_sums", "lay_out_python")
    names = ("array_module", "python_template", *printing)
    backend = {f"symelbo.code.{name}" for name in names}
    assert backend <= MODULES.keys()
    for module in MODULES:
        if module.startswith("symelbo.code.") and module not in backend:
            assert imports(module).isdisjoint({*backend, "numpy"}), module
    assert not {m for m in imports("symelbo.code.ops") if m.startswith("symelbo")} - {
        "symelbo.index.terms",
        "symelbo.values",
    }


# what lowers a text to terms; what is said of its faults stands in `word_faults`
LOWERING = (
    "symelbo.language.resolve",
    "symelbo.model.bind_call",
    "symelbo.model.order_statements",
    "symelbo.model.read_left_side",
    "symelbo.model.read_statements",
)


@pytest.mark.parametrize("module", LOWERING)
def test_lowering_does_not_word_faults(module: str) -> None:
    for node in ast.walk(MODULES[module]):
        match node:
            case ast.ImportFrom(module="symelbo.language.fault", names=names):
                assert {alias.name for alias in names} <= {"TextError", "TextFault"}
            case ast.Call(func=ast.Attribute(attr="fault" | "_report")):
                raise AssertionError(f"{module}, line {node.lineno}: a fault is worded here")


def test_terms_import_nothing_of_ours_but_values() -> None:
    def ours(module: str) -> set[str]:
        return {name for name in imports(module) if name.startswith("symelbo")}

    # how a value is made but once, and ranges of numbers
    assert ours("symelbo.index.terms") == {"symelbo.index.nodes", "symelbo.index.range"}
    assert ours("symelbo.index.nodes") == {"symelbo.values"}
    assert ours("symelbo.index.range") <= {"symelbo.limits", "symelbo.values"}


# What a page may use of the rooms that derive: the shape of terms, and data; no pass.
PRINTERS_MAY_USE = {
    "symelbo.index.build": {"ZERO", "add", "extent_of", "negate", "number"},
    "symelbo.index.substitute": {"formal_indices", "symbols_of", "walk_parts"},
    "symelbo.index.terms": None,  # all of it
    "symelbo.certify.certificate": None,  # data
    "symelbo.certify.enclose": {"Bounds", "determinant_of", "enclosure", "rounded"},  # numbers
    "symelbo.expfam.form": {"Block", "Gauge"},
    "symelbo.criterion.factor": {"Factor", "is_parent"},
    "symelbo.criterion.express_form": {"FactorForm"},
    "symelbo.criterion.result": {"Closure", "Decision", "Holds", "Outside", "Refuted", "Undecided"},
    "symelbo.entropy.summand": None,
}
DERIVING = ("index", "certify", "trial", "expfam", "criterion", "entropy", "code", "proof")


@pytest.mark.parametrize("module", [m for m in MODULES if m.startswith("symelbo.page.")])
def test_pages_print_and_derive_nothing(module: str) -> None:
    for node in ast.walk(MODULES[module]):
        for name in imported(node):
            first, *rest = name.split(".")
            if first != "symelbo" or not rest or rest[0] not in DERIVING:
                continue
            assert isinstance(node, ast.ImportFrom), f"{module} imports all of {name}"
            assert name in PRINTERS_MAY_USE, f"{module} imports {name}"
            allowed = PRINTERS_MAY_USE[name]
            used = {alias.name for alias in node.names}
            assert allowed is None or used <= allowed, f"{module} uses {used} of {name}"


@pytest.mark.parametrize("room", ["symelbo.answer", "symelbo.page", "symelbo.notation"])
def test_what_derives_is_not_called_from(room: str) -> None:
    """Normal forms, simplification, derivatives and solutions are found below and carried up."""
    names = ["build", "substitute", "terms"]
    names += ["range", "signs"] if room == "symelbo.notation" else []  # sigma2, if it is positive
    structure = {f"symelbo.index.{name}" for name in names}
    assert structure <= MODULES.keys()
    for module in MODULES:
        if module.startswith(f"{room}."):
            used = {name for name in imports(module) if name.startswith("symelbo.index.")}
            assert used <= structure, module


@pytest.mark.parametrize("library", OUTSIDE)
def test_libraries_stay_where_they_belong(library: str) -> None:
    users = {
        floor(module)
        for module in MODULES
        for name in imports(module)
        if name.partition(".")[0] == library
    }
    assert users <= OUTSIDE[library]


def test_the_package_itself_imports_lazily() -> None:
    (first,) = [node for node in MODULES["symelbo"].body if isinstance(node, ast.If)]
    lazy = {id(node) for node in ast.walk(first)}
    for node in MODULES["symelbo"].body:
        if isinstance(node, ast.Import | ast.ImportFrom) and id(node) not in lazy:
            assert ast.unparse(node) in (
                "from __future__ import annotations",
                "from typing import TYPE_CHECKING, Any",
            )


def circles() -> list[set[str]]:
    """The sets of modules that import each other, inside functions too."""
    below: dict[str, set[str]] = {}
    for module in MODULES:
        below[module] = imports(module) & set(MODULES) - {module, "symelbo"}
    reached = {module: set(names) for module, names in below.items()}
    while True:
        more = {m: names.union(*(reached[n] for n in names)) for m, names in reached.items()}
        if more == reached:
            break
        reached = more
    found: list[set[str]] = []
    for module, names in reached.items():
        if module in names and not any(module in circle for circle in found):
            found.append({other for other in names if module in reached[other]})
    return found


def test_modules_do_not_import_each_other_in_circles() -> None:
    assert not circles()


@pytest.mark.parametrize("module", [m for m in MODULES if m.startswith("symelbo.index.")])
def test_the_calculus_imports_at_the_top_of_its_modules(module: str) -> None:
    """All but the library that few runs need, which takes longer to import than most take."""
    top = {id(node) for node in MODULES[module].body}
    for node in ast.walk(MODULES[module]):
        names = imported(node)
        if names:
            late = {name.partition(".")[0] for name in names} == {"flint"}
            assert (id(node) in top) is not late, ast.unparse(node)


@pytest.mark.parametrize("module", [m for m in MODULES if m not in GENERATED])
def test_what_others_use_says_what_it_is(module: str) -> None:
    """So do the methods of the checker that others call: it is read to be believed."""
    tree = MODULES[module]
    (names,) = [
        {ast.literal_eval(part) for part in node.value.elts}
        for node in tree.body
        if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.List)
        if ast.unparse(node.targets[0] if isinstance(node, ast.Assign) else node.target)
        == "__all__"
    ] or [set[str]()]
    kinds = ast.FunctionDef | ast.ClassDef
    told = [node for node in tree.body if isinstance(node, kinds) and node.name in names]
    if floor(module) == ALONE:
        classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
        told += [m for c in classes for m in c.body if isinstance(m, kinds)]
    silent = {node.name for node in told if ast.get_docstring(node) is None}
    assert not {name for name in silent if not name.startswith("_")}


# What finds, tries, checks or prints a result: tests call each of its modules by itself.
ENGINE = (
    *("index", "expfam", "criterion", "entropy", "trial", "certify", "checker"),
    *("answer", "proof", "code", "page", "notation", "sympy_edge", "conclude", "words"),
)


def imported_by_tests() -> set[str]:
    """The modules that tests import, those included from which a package takes its names."""
    found: set[str] = set()
    for path in Path(__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import) or (
                isinstance(node, ast.ImportFrom) and not node.level
            ):
                found.update(imported(node))
    packages = {m for m in found & MODULES.keys() if any(n.startswith(f"{m}.") for n in MODULES)}
    return found.union(*map(imports, packages))


def test_every_module_of_the_engine_is_imported_by_a_test() -> None:
    engine = {m for m in MODULES if m.split(".")[1:2] and m.split(".")[1] in ENGINE}
    packages = {module.rpartition(".")[0] for module in engine}
    mains = {m for m in engine if m.endswith(".__main__")}  # run as programs
    assert len(engine) > 60
    assert not engine - packages - mains - GENERATED - imported_by_tests()
