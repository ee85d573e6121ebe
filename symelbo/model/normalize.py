"""The specification as plain data in canonical key order, for the derivation's JSON."""

from __future__ import annotations

import json
from typing import Any

from symelbo.model.read_yaml import MappingNode, Node, Scalar, Sequence

__all__ = ["canonical_json", "normalize"]

_PROSE = ("name", "reference", "description")


def normalize(top: MappingNode, order: tuple[str, ...]) -> dict[str, Any]:
    """Nodes -> strings, lists and dicts; keys in the given order, blanks collapsed, defaults in."""
    values: dict[str, Any] = {
        key.text: (_prose(node) if key.text in _PROSE else _plain(node)) for key, node in top.items
    }
    for key in ("sizes", "observed"):
        if isinstance(values.get(key), str):
            values[key] = [values[key]] if values[key] else []
    for key in ("parameters", "constants", "functions", "inputs", "families"):
        if values.get(key) == "":
            values[key] = {}
    for family in values["families"].values() if values.get("families") else ():
        if "abstract" in family:
            family["abstract"] = family["abstract"].lower() == "true"
    values.setdefault("variational", "any")
    values.setdefault("reparameterize", "auto")
    return {key: values[key] for key in order if key in values}


def canonical_json(value: Any) -> bytes:
    """Plain data -> the one JSON text that stands for it."""
    return json.dumps(value, ensure_ascii=True, separators=(",", ":"), sort_keys=False).encode()


def _prose(node: Node) -> str:
    return node.text.strip() if isinstance(node, Scalar) else ""


def _plain(node: Node) -> Any:
    match node:
        case Scalar(text=text):
            return " ".join(text.split())
        case Sequence(items=items):
            return [_plain(item) for item in items]
        case MappingNode(items=items):
            return {key.text: _plain(value) for key, value in items}
    raise TypeError(f"no node: {node!r}")
