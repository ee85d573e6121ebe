"""The list under `model` or `variational` -> statements as syntax trees."""

from __future__ import annotations

from symelbo.language.fault import TextError
from symelbo.language.parse import parse_statement
from symelbo.limits import STATEMENTS
from symelbo.model import word_faults
from symelbo.model.context import Context, Parsed
from symelbo.model.read_yaml import Node, Scalar, Sequence

__all__ = ["parse_statements"]


def parse_statements(context: Context, node: Node, key: str) -> list[Parsed]:
    """The list under `model` or `variational` -> its statements that parse."""
    if not isinstance(node, Sequence):
        word_faults.no_statements(context, node, key)
        return []
    if len(node.items) > STATEMENTS:
        word_faults.too_many_statements(context, node, STATEMENTS)
        return []
    result: list[Parsed] = []
    for item in node.items:
        if not isinstance(item, Scalar):
            word_faults.no_statement(context, item)
            continue
        context.spend(item)
        try:
            result.append(Parsed(item, parse_statement(item.text)))
        except TextError as error:
            context.reporter(item)(error.fault)
    return result
