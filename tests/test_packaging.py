"""The wheel works by itself: built, installed into a fresh environment, run from elsewhere.

No network is needed: the libraries that symelbo depends on are taken from this environment.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from pathlib import Path

import pytest

from symelbo import __version__

ROOT = Path(__file__).resolve().parents[1]
CLEAN = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}


def run(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run(
        list(map(str, command)), cwd=cwd, env=CLEAN, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, made from the source distribution as an index would get it."""
    pytest.importorskip("build")
    pytest.importorskip("hatchling")
    directory = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "-o", directory, ROOT, cwd=directory)
    (made,) = directory.glob("*.whl")
    assert len(list(directory.glob("*.tar.gz"))) == 1
    return made


def install(folder: Path, *what: str | Path) -> Path:
    """The folder of the programs of a fresh environment with one distribution in it."""
    run(sys.executable, "-m", "venv", "--without-pip", folder, cwd=folder)
    programs = folder / ("Scripts" if sys.platform == "win32" else "bin")
    (site,) = folder.rglob("site-packages")
    libraries = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    # behind the fresh environment's own packages, so that the installed symelbo is the one found
    (site / "libraries.pth").write_text("\n".join(sorted(libraries)))
    pip = [sys.executable, "-m", "pip", "--python", programs / "python"]
    # the same version among the libraries would count as installed already
    flags = ("--no-deps", "--no-index", "--no-build-isolation", "--ignore-installed", "--quiet")
    run(*pip, "install", *flags, *what, cwd=folder)
    return programs


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the programs of a fresh environment with the wheel in it."""
    return install(tmp_path_factory.mktemp("environment"), wheel)


def test_the_wheel_holds_models_and_no_tests(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        metadata = archive.read(f"symelbo-{__version__}.dist-info/METADATA").decode()
    models = {f"symelbo/models/{path.name}" for path in (ROOT / "models").iterdir()}
    assert models and models <= set(names)
    assert not any("templates/" in name for name in names)  # they are compiled
    assert "symelbo/py.typed" in names
    tops = {name.partition("/")[0] for name in names}
    assert tops == {"symelbo", f"symelbo-{__version__}.dist-info"}
    assert "Requires-Python: >=3.11" in metadata


def test_the_installed_program_derives_a_packaged_model(environment: Path, tmp_path: Path) -> None:
    python = environment / "python"
    code = "import symelbo.resources as r; print(r.__file__); print(r.models_directory())"
    module, models = run(python, "-c", code, cwd=tmp_path).splitlines()
    assert Path(module).is_relative_to(environment.parent)
    assert Path(models) == Path(module).parent / "models"
    run(environment / "symelbo", "derive", Path(models) / "ppca.yaml", "--no-pdf", cwd=tmp_path)
    expected = {
        "appendix.tex",
        "certificate.json",
        "derivation.json",
        "manifest.json",
        "ppca.py",
        "proof.tex",
    }
    assert {path.name for path in (tmp_path / "output" / "ppca").iterdir()} == expected
    shown = run(environment / "symelbo", "--version", cwd=tmp_path)
    assert shown == f"symelbo, version {__version__}\n"


def test_an_editable_installation_uses_the_checkout(tmp_path: Path) -> None:
    """The first line of CONTRIBUTING."""
    folder = tmp_path / "environment"
    folder.mkdir()
    programs = install(folder, "-e", ROOT)
    code = "import symelbo.resources as r; print(r.models_directory())"
    shown = run(programs / "python", "-c", code, cwd=tmp_path)
    assert shown == f"{ROOT / 'models'}\n"
    assert not list(folder.rglob("*.yaml"))  # nothing is copied
    assert run(programs / "symelbo", "--version", cwd=tmp_path).endswith(f" {__version__}\n")


def test_the_installed_program_uses_worker_processes(environment: Path, tmp_path: Path) -> None:
    models = sorted((ROOT / "models").glob("*.yaml"))[:2]
    command = [environment / "symelbo", "derive", *models, "--no-pdf", "--jobs", "2"]
    assert len(run(*command, cwd=tmp_path).splitlines()) == 3


DISTRIBUTIONS = {"ruamel": "ruamel.yaml", "flint": "python-flint", "sklearn": "scikit-learn"}

# what extras bring to the package itself: the extra, the library, and the rooms at the edge
BROUGHT = (
    ("sympy", "sympy", {"language", "sympy_edge"}),  # densities given; results taken
    ("numeric", "numpy", {"symelbo", "uses"}),
    ("sklearn", "scikit-learn", {"symelbo"}),
    ("plot", "matplotlib", {"uses"}),
)


def test_every_import_is_a_declared_dependency() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    named = [re.match(r"[\w.-]+", text) for text in project["dependencies"]]
    declared = {match[0] for match in named if match}
    assert declared == {"click", "python-flint", "ruamel.yaml"}
    used: dict[str, set[str]] = {}
    for path in (ROOT / "symelbo").rglob("*.py"):
        for line in path.read_text(encoding="utf-8").splitlines():
            match = re.match(r"\s*(?:from|import) (\w[\w.]*)", line)
            if match and match[1].partition(".")[0] not in sys.stdlib_module_names:
                name = match[1].split(".")[0]
                used.setdefault(DISTRIBUTIONS.get(name, name), set()).add(path.parent.name)
    for extra, library, rooms in BROUGHT:
        assert used.pop(library) == rooms
        assert any(text.startswith(library) for text in project["optional-dependencies"][extra])
    assert used.keys() - {"symelbo"} <= declared


def test_nothing_names_the_place_it_was_made_in() -> None:
    forbidden = re.compile(rb"/(?:work|root|home/[a-z]+)/")
    folders = ("symelbo", "templates", "models", "output", "benchmarks", ".ci")
    files = [p for folder in folders for p in (ROOT / folder).rglob("*") if p.is_file()]
    files += [p for p in ROOT.iterdir() if p.suffix in (".md", ".toml")]
    for path in files:
        if "__pycache__" not in path.parts and path.suffix != ".pdf":
            assert not forbidden.search(path.read_bytes()), path
