"""A specification, from a file or a dict, to a checked Model; SpecError with every fault."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from symelbo.errors import Fault, Place, SpecError
from symelbo.index.substitute import symbols_of
from symelbo.index.terms import Extent, Role, Symbol
from symelbo.language.fault import closest, quote, suggest
from symelbo.language.scope import Broken, Deterministic, SizeName
from symelbo.limits import SPEC_BYTES, TITLE_CHARACTERS
from symelbo.model.context import Context, Parsed
from symelbo.model.model import Model, Statement, Unused
from symelbo.model.normalize import canonical_json, normalize
from symelbo.model.parse_statements import parse_statements
from symelbo.model.parse_type import parse_type
from symelbo.model.read_families import read_families
from symelbo.model.read_statements import resolve_model
from symelbo.model.read_variational import read_variational
from symelbo.model.read_yaml import (
    MappingNode,
    Node,
    Scalar,
    Sequence,
    nodes_of_bytes,
    nodes_of_mapping,
)
from symelbo.open_regular import open_regular

__all__ = ["KEYS", "read_model"]

KEYS: Final = (
    "name",
    "reference",
    "description",
    "sizes",
    "parameters",
    "constants",
    "functions",
    "inputs",
    "families",
    "model",
    "observed",
    "variational",
    "reparameterize",
)
REQUIRED: Final = ("name", "model", "observed")
_ROLES: Final = {
    "parameters": (Role.PARAMETER, "a parameter"),
    "constants": (Role.CONSTANT, "a constant"),
    "inputs": (Role.INPUT, "an input"),
    "functions": (Role.FUNCTION, "a function"),
}


def read_model(source: str | Path | Mapping[str, Any], *, stem: str | None = None) -> Model:
    """A path of a YAML file, or a dict with the same content -> the model it states.

    `stem` names the output instead of the file.  SpecError carries all independent faults.
    """
    if isinstance(source, Mapping):
        top = nodes_of_mapping(source)
        return _guarded(top, stem, "")
    path = Path(source)
    data = _read_bytes(path)
    top = nodes_of_bytes(data, str(path))
    return _guarded(top, stem if stem is not None else path.stem, hashlib.sha256(data).hexdigest())


def _guarded(top: MappingNode, stem: str | None, sha256: str) -> Model:
    try:
        return _Reader(top).model(stem, sha256)
    except RecursionError:
        # the limits of the language keep this from happening unless the caller's stack is deep
        fault = Fault(top.place, "a specification nested too deeply", "shallower expressions")
        raise SpecError([fault]) from None


def _read_bytes(path: Path) -> bytes:
    try:
        with open_regular(path) as file:
            return file.read(SPEC_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        place = Place(str(path), 1, 1)
        raise SpecError([Fault(place, f"no file to read ({reason})", "a YAML file")]) from None


class _Reader:
    """One reading: keys, declarations, statements, q, and the checks that need them all."""

    def __init__(self, top: MappingNode) -> None:
        self._top = top
        self._context = Context()
        self._keys: dict[str, Node] = {}

    def model(self, stem: str | None, sha256: str) -> Model:
        context = self._context
        self._read_keys()
        texts = {key: self._text(key) for key in ("name", "reference", "description")}
        sizes = self._sizes()
        declared = {key: self._symbols(key) for key in _ROLES}
        families = (
            read_families(context, self._keys["families"]) if "families" in self._keys else ()
        )
        observed = self._observed()
        parsed: list[Parsed] = []
        unread: set[str] = set()
        if "model" in self._keys:
            parsed, unread = parse_statements(context, self._keys["model"], "model")
        names = [scalar.text for scalar in observed]
        statements = resolve_model(context, parsed, sorted(unread), names)
        self._check_observed(observed, bool(parsed))
        variational, symbols = read_variational(
            context, self._keys.get("variational"), statements, frozenset(names)
        )
        reparameterize = self._choice("reparameterize", ("auto", "never"))
        if not context.faults:
            self._check_latents(statements, names)
        if context.faults:
            raise SpecError(context.faults)
        normalized = normalize(self._top, KEYS)
        quantities = context.quantities()
        densities = (*statements, *(() if isinstance(variational, str) else variational))
        return Model(
            name=texts["name"],
            stem=_stem(stem, texts["name"]),
            sizes=sizes,
            parameters=declared["parameters"],
            constants=declared["constants"],
            inputs=declared["inputs"],
            functions=declared["functions"],
            statements=statements,
            observed=tuple(names),
            variational=variational,
            variational_symbols=symbols,
            reparameterize=reparameterize,
            reference=texts["reference"],
            description=texts["description"],
            conditions=tuple(dict.fromkeys(context.conditions)),
            unused=tuple(self._unused(densities)),
            families=families,
            definitions=tuple((q.symbol, part) for q in quantities for part in q.parts),
            formulas=tuple((q.symbol, part) for q in quantities for part in q.written),
            written=context.written,
            normalized=normalized,
            sha256=sha256 or hashlib.sha256(canonical_json(normalized)).hexdigest(),
        )

    # -- keys

    def _read_keys(self) -> None:
        given = {key.text for key, _ in self._top.items}
        for key, value in self._top.items:
            if key.text in KEYS:
                self._keys[key.text] = value
                continue
            meant = closest(key.text, KEYS)
            self._context.fault(
                key.place,
                f"unknown key {quote(key.text)}",
                f"one of {', '.join(KEYS)}",
                f"did you mean {quote(meant)}?" if meant else "",
            )
            if meant not in given:  # what it holds is read: its absence is no further fault
                self._keys[meant] = value
        for name in REQUIRED:
            if name not in self._keys:
                self._context.fault(
                    self._top.place, f"no key `{name}`", "the keys name, model and observed"
                )

    def _text(self, key: str) -> str:
        node = self._keys.get(key)
        if node is None:
            return ""
        if not isinstance(node, Scalar):
            self._context.fault(node.place, f"`{key}` that is no text", "a text")
            return ""
        text = node.text.strip()
        if key == "name":
            if not text:
                self._context.fault(node.place, "an empty name", "the name of the model")
            if len(text) > TITLE_CHARACTERS:
                self._context.fault(
                    node.place, f"a name of {len(text):,} characters", f"at most {TITLE_CHARACTERS}"
                )
        allowed = "" if key == "name" else "\n\t"
        for character in text:
            if character not in allowed and unicodedata.category(character).startswith("C"):
                self._context.fault(
                    node.place,
                    f"the control character {quote(character)} in `{key}`",
                    "printable text",
                )
                break
        return text

    def _choice(self, key: str, choices: tuple[str, ...]) -> str:
        node = self._keys.get(key)
        if node is None:
            return choices[0]
        if isinstance(node, Scalar) and node.text in choices:
            return node.text
        shown = quote(node.text) if isinstance(node, Scalar) else "no text"
        hint = suggest(node.text, choices) if isinstance(node, Scalar) else ""
        self._context.fault(
            node.place, f"{shown} under `{key}`", " or ".join(f"`{c}`" for c in choices), hint
        )
        return choices[0]

    def _names(self, key: str, example: str) -> list[Scalar]:
        """A list of names; one name alone counts as a list of one."""
        node = self._keys.get(key)
        if node is None:
            return []
        if isinstance(node, Scalar):
            return [node] if node.text else []
        if not isinstance(node, Sequence):
            self._context.fault(node.place, f"a mapping under `{key}`", f"a list, as in {example}")
            return []
        result: list[Scalar] = []
        for item in node.items:
            if isinstance(item, Scalar):
                result.append(item)
            else:
                self._context.fault(item.place, f"no name under `{key}`", f"names, as in {example}")
        return result

    # -- declarations

    def _sizes(self) -> tuple[str, ...]:
        result: list[str] = []
        for scalar in self._names("sizes", "[D, H]"):
            if self._context.declare(scalar.text, "a size", scalar.place):
                self._context.names[scalar.text] = SizeName(Extent(scalar.text))
                result.append(scalar.text)
        return tuple(result)

    def _symbols(self, key: str) -> tuple[Symbol, ...]:
        node = self._keys.get(key)
        if node is None or (isinstance(node, Scalar) and not node.text):
            return ()
        context = self._context
        if not isinstance(node, MappingNode):
            context.fault(
                node.place,
                f"`{key}` that is no mapping",
                "a mapping name: type",
                'as in `W: real[D, H]` on a line of its own, or {W: "real[D, H]"}',
            )
            return ()
        role, what = _ROLES[key]
        result: list[Symbol] = []
        for name, kind in node.items:
            if not context.declare(name.text, what, name.place):
                continue
            context.names[name.text] = Broken()
            if not isinstance(kind, Scalar):
                context.fault(
                    kind.place,
                    f"the type of {quote(name.text)} that is no text",
                    "a type such as real[D, H]",
                )
                continue
            if not kind.text.strip():
                context.fault(
                    name.place, f"{quote(name.text)} without a type", "a type such as real[D, H]"
                )
                continue
            read = parse_type(kind.text, context.resolver(kind), context.reporter(kind))
            if read is not None:
                symbol = Symbol(name.text, role, *read)
                context.names[name.text] = symbol
                result.append(symbol)
        return tuple(result)

    # -- what needs the whole model

    def _observed(self) -> list[Scalar]:
        result: list[Scalar] = []
        seen: set[str] = set()
        for scalar in self._names("observed", "[x]"):
            if scalar.text in seen:
                self._context.fault(
                    scalar.place, f"{quote(scalar.text)} observed a second time", "each name once"
                )
                continue
            seen.add(scalar.text)
            result.append(scalar)
        if "observed" in self._keys and not result and not self._context.faults:
            self._context.fault(
                self._keys["observed"].place, "no observed node", "the nodes that are data: [x]"
            )
        return result

    def _check_observed(self, observed: list[Scalar], has_statements: bool) -> None:
        context = self._context
        nodes = [name for name, (what, _) in context.declared.items() if what == "a node"]
        for scalar in observed:
            if scalar.text in (*nodes, *context.faulty) or not has_statements:
                continue
            kind = context.declared.get(scalar.text)
            if kind is None:
                hint = suggest(scalar.text, nodes) or f"nodes here: {', '.join(nodes)}"
                if "[" in scalar.text:
                    hint = "all places of an array are data: give the others another name"
                context.fault(
                    scalar.place,
                    f"the observed name {quote(scalar.text)}, which no statement defines",
                    "a node of `model`",
                    hint,
                )
                continue
            hint = ""
            if isinstance(context.names.get(scalar.text), Deterministic):
                hint = "only a node with a `~` statement can be data"
            elif kind[0] in ("a parameter", "a constant"):
                hint = "known covariates belong under `inputs`, data need a `~` statement"
            context.fault(
                scalar.place,
                f"the observed name {quote(scalar.text)}, which is {kind[0]}",
                "a node of `model`",
                hint,
            )

    def _check_latents(self, statements: tuple[Statement, ...], observed: list[str]) -> None:
        """Every latent must influence some other node."""
        used: set[str] = set()
        for statement in statements:
            for _, array in statement.arguments:
                names = {symbol.name for symbol in symbols_of(array)}
                used |= names - {statement.node.name}
        for statement in statements:
            name = statement.node.name
            if name not in used and name not in observed:
                used.add(name)  # one fault for all its parts
                self._context.fault(
                    statement.place,
                    f"the latent {quote(name)}, which nothing uses",
                    "another node that depends on it",
                    f"add it to `observed`, use it, or drop it: observed is "
                    f"[{', '.join(observed)}]",
                )

    def _unused(self, densities: tuple[Statement, ...]) -> Iterator[Unused]:
        arrays = [array for statement in densities for _, array in statement.arguments]
        used = {symbol.name for symbol in frozenset().union(*map(symbols_of, arrays))}
        kinds = {what for _, what in _ROLES.values()}
        for name, (what, place) in self._context.declared.items():
            if what in kinds and name not in used:
                yield Unused(name, what, place)


def _stem(stem: str | None, name: str) -> str:
    """A name for files and modules: letters, digits, _ and - are kept."""
    if stem is None:
        return re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_").lower()[:80] or "model"
    return re.sub(r"[^A-Za-z0-9_-]", "_", stem)[:120] or "model"
