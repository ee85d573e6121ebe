"""The examples in the docstrings of the checker: they run, and no rule is without one."""

from __future__ import annotations

import doctest
import importlib
import inspect
import pkgutil

import pytest
from checker_examples import names

import symelbo.checker
from symelbo.checker.forms import Forms

MODULES = [
    importlib.import_module(f"symelbo.checker.{module.name}")
    for module in pkgutil.iter_modules(symelbo.checker.__path__)
    if module.name != "__main__"
]
EXAMPLES = {
    f"{module.__name__}.{test.name}": test
    for module in MODULES
    for test in doctest.DocTestFinder(exclude_empty=True).find(module)
    if test.examples
}
# what keeps books, decides nothing, or hands on to the rules
NO_RULES = {
    *("at", "spend", "intern", "atom", "new", "show", "all_atoms", "skeleton_of", "instantiate"),
    *("length_at_least", "span", "expand", "times", "merge", "occurs", "nonzero_atom", "positive"),
    *("power_known", "power_of_monomial", "rebuild", "rename", "open", "array", "again"),
    *("contract_all", "jacobian", "assume", "count_assumed", "poly_of"),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples_run(name: str) -> None:
    test = EXAMPLES[name]
    test.globs.update(names())
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    output: list[str] = []
    runner.run(test, out=output.append)
    assert runner.failures == 0, "".join(output)


def test_every_rule_has_an_example() -> None:
    """Each of them with what it says, and when."""
    methods = [
        (name, method)
        for name, method in inspect.getmembers(Forms, inspect.isfunction)
        if not name.startswith("_")
    ]
    assert {name for name, _ in methods} >= NO_RULES
    for name, method in methods:
        assert method.__doc__, name
        assert (">>>" in method.__doc__) != (name in NO_RULES), name
