"""The generated modules are what the templates say, and fill them as Jinja does."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from jinja2 import DictLoader
from paper.point import MODELS, derive_model

from symelbo.fill import Loop, attribute, batch, join, order
from tests.compile_templates import MODULES, PYTHON, ROOT, TEMPLATES, compile_module


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_the_module_is_compiled_from_the_templates(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == compile_module(path), "tests.compile_templates"


@pytest.mark.parametrize("stem", ["sbn_rigid", "gmm_full", "vae3", "hidden_markov"])
def test_what_is_filled_is_what_jinja_renders(stem: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every function, with the contexts of some models."""
    assert MODELS.exists()
    compared = []
    for path, (environment, functions) in MODULES.items():
        module = import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
        sources = {
            name.split("/")[1]: (TEMPLATES / name).read_text(encoding="utf-8") for name in functions
        }
        jinja = environment.overlay(loader=DictLoader(sources))
        for source, name in functions.items():
            ours = getattr(module, name)
            template = jinja.get_template(source.split("/")[1])

            def compare(c: Mapping[str, Any], ours: Any = ours, template: Any = template) -> str:
                filled: str = ours(c)
                assert filled == template.render(c)
                compared.append(ours.__name__)
                return filled

            for user in ("symelbo.page.documents", "symelbo.code.array_module"):
                if hasattr(import_module(user), name):
                    monkeypatch.setattr(f"{user}.{name}", compare)
    derivation = derive_model(stem)
    from symelbo.code.array_module import render_python
    from symelbo.page.documents import render_documents

    render_documents(derivation), render_python(derivation)
    assert {"fill_proof", "fill_appendix"} <= set(compared)
    assert "fill_module" in compared or not derivation.entropy_sum


def test_helpers_do_what_jinja_does() -> None:
    """On loops, attributes and lists."""
    source = (
        "{% for i in xs %}{{ loop.first }}{{ loop.last }}{{ loop.index }}{{ i }};{% endfor %}"
        "{{ xs|join(', ') }}{% for b in xs|batch(2) %}{{ b }}{% endfor %}"
        "{% for y in ys|sort(attribute='n') %}{{ y.n }}{% endfor %}"
    )
    xs, ys = [3, 1, 2], [{"n": "b"}, {"n": "C"}, {"n": "a"}]
    expected = PYTHON.from_string(source).render(xs=xs, ys=ys)
    loops = "".join(f"{at.first}{at.last}{at.index}{i};" for at, i in Loop.over(xs))
    batches = "".join(map(str, batch(xs, 2)))
    names = "".join(attribute(y, "n") for y in order(ys, "n"))
    assert loops + join(xs, ", ") + batches + names == expected
    assert attribute(Path("/a/b"), "name") == "b"
