"""The list under `model` or `variational` -> statements as syntax trees."""

from __future__ import annotations

import re
from collections.abc import Iterable

from symelbo.language.fault import TextError
from symelbo.language.parse import parse_statement
from symelbo.limits import STATEMENTS, TEXT_CHARACTERS
from symelbo.model import word_faults
from symelbo.model.context import Context, Parsed
from symelbo.model.read_yaml import MappingNode, Node, Scalar, Sequence

__all__ = ["parse_statements"]


def parse_statements(context: Context, node: Node, key: str) -> tuple[list[Parsed], set[str]]:
    """The list under `model` or `variational` -> its statements that parse; of the others the names
    that they are about, as far as these can be seen.
    """
    unread: set[str] = set()
    if not isinstance(node, Sequence):
        word_faults.no_statements(context, node, key)
        return [], unread
    if len(node.items) > STATEMENTS:
        word_faults.too_many_statements(context, node, STATEMENTS)
        return [], unread
    result: list[Parsed] = []
    pieces = 0  # that are still missing of a statement that YAML has split
    for number, item in enumerate(node.items):
        if pieces:
            pieces -= 1
            continue
        pieces = _split_pieces(node.items[number:])
        if pieces and isinstance(item, Scalar):
            word_faults.split_statement(context, item)
            unread |= _target(item.text)
            continue
        if not isinstance(item, Scalar):
            word_faults.no_statement(context, item)
            if isinstance(item, MappingNode) and item.items:
                unread |= _target(item.items[0][0].text)
            continue
        context.spend(item)
        try:
            result.append(Parsed(item, parse_statement(item.text)))
        except TextError as error:
            context.reporter(item)(error.fault)
            unread |= _target(item.text)
    return result, unread


def _split_pieces(items: Iterable[Node]) -> int:
    """`x ~ Normal(0` and `1)` of [x ~ Normal(0, 1)] -> 1, how many follow the first; else 0."""
    depth = 0
    for number, item in enumerate(items):
        if not isinstance(item, Scalar) or (number and "~" in item.text):
            return 0
        depth += item.text.count("(") - item.text.count(")")
        if depth <= 0:
            return number if depth == 0 else 0
    return 0


def _target(text: str) -> set[str]:
    """`z[t] ~ Normal(0` -> z"""
    match = re.match(r"\s*([A-Za-z][A-Za-z0-9_]*)\s*[\[~=]", text[:TEXT_CHARACTERS])
    return {match[1]} if match else set()
