"""The list under `model` or `variational` -> statements as syntax trees."""

from __future__ import annotations

import re

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
    for item in node.items:
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


def _target(text: str) -> set[str]:
    """`z[t] ~ Normal(0` -> z"""
    match = re.match(r"\s*([A-Za-z][A-Za-z0-9_]*)\s*[\[~=]", text[:TEXT_CHARACTERS])
    return {match[1]} if match else set()
