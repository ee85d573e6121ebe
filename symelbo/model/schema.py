"""The JSON Schema of a specification (draft 2020-12), by which editors complete and check keys."""

from __future__ import annotations

from typing import Any

from symelbo.index.domains import SUPPORTS, TYPES
from symelbo.model.parse_type import spelled_types
from symelbo.words import join_words

__all__ = ["spec_schema"]

_NAME = r"^(?!(for|in|sum|PI)$)[A-Za-z][A-Za-z0-9_]*$"
_SHAPE = r"\s*\[[^\[\]]+\]"
_SCALARS = "|".join(name for name, domain in TYPES.items() if not domain.rank)
_OTHERS = "|".join(name + _SHAPE for name, domain in TYPES.items() if domain.rank)
_TYPE = rf"^\s*(({_SCALARS})({_SHAPE})?|{_OTHERS})\s*$"
_SAMPLING = r"~\s*[A-Za-z_][A-Za-z0-9_]*\s*\("


def spec_schema() -> dict[str, Any]:
    """A fresh schema; what it refuses `read_model` refuses too, not the other way round."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://symelbo.invalid/schema/spec-1.json",
        "title": "symelbo model specification",
        "description": "A latent-variable model: one file per model.",
        "type": "object",
        "required": ["name", "model", "observed"],
        "additionalProperties": False,
        "properties": {
            "name": {
                "description": "The name of the model, as it is printed in the proof.",
                "type": "string",
                "minLength": 1,
                "maxLength": 200,
            },
            "reference": {
                "description": "Where the model comes from; cited in the proof.",
                "type": "string",
            },
            "description": {"description": "What the model is, in prose.", "type": "string"},
            "sizes": {
                "description": "Symbolic positive integers; a result holds for all of them.",
                **_names("[D, H]"),
            },
            "parameters": _types("Learned quantities, name: type.", "real[D, H]"),
            "constants": _types("Known quantities that are never learned.", "positive"),
            "functions": _types(
                "Abstract differentiable functions (deep networks), name: result type; "
                "used as m(z, w)[d].",
                "real[D]",
            ),
            "inputs": _types("Observed covariates of each data point.", "real[P]"),
            "families": _families(),
            "model": {
                "description": "The generative process: one statement per node, in any order.",
                "type": "array",
                "minItems": 1,
                "items": {
                    "description": "`x[d] ~ Family(arguments) for d in 1:D`, or a deterministic "
                    "`a[k] = expression for k in 1:K`.",
                    "type": "string",
                    "pattern": "[~=]",
                    "examples": ["z[h] ~ Normal(0, 1) for h in 1:H"],
                },
            },
            "observed": {
                "description": "The nodes that are data; every other node is latent.",
                **_names("[x]"),
            },
            "variational": {
                "description": "any: H[q] stays as it is; exact: the exact posterior; or "
                "statements of q, whose undeclared names are parameters of each data point.",
                "default": "any",
                "oneOf": [
                    {"enum": ["any", "exact"]},
                    {
                        "type": "array",
                        "items": {
                            "description": "`z[h] ~ Normal(nu[h], tau2[h]) for h in 1:H`",
                            "type": "string",
                            "pattern": _SAMPLING,
                        },
                    },
                ],
            },
            "reparameterize": {
                "description": "auto: a parameter-free prior may be given a learnable scale; "
                "never: it is left alone.",
                "enum": ["auto", "never"],
                "default": "auto",
            },
        },
    }


def _names(example: str) -> dict[str, Any]:
    name = {"type": "string", "pattern": _NAME}
    return {
        "oneOf": [{"type": "array", "items": name, "uniqueItems": True}, name],
        "examples": [example.strip("[]").split(", ")],
    }


def _types(description: str, example: str) -> dict[str, Any]:
    return {
        "description": description,
        "type": ["object", "null"],
        "propertyNames": {"pattern": _NAME},
        "additionalProperties": {
            "description": f"{join_words(spelled_types(), 'or')}; "
            "a shape in brackets, as in real[D, H].",
            "type": "string",
            "pattern": _TYPE,
            "examples": [example],
        },
    }


def _families() -> dict[str, Any]:
    return {
        "description": "Families of your own: a log-density, or an abstract exponential family.",
        "type": ["object", "null"],
        "propertyNames": {"pattern": _NAME},
        "additionalProperties": {
            "type": "object",
            "required": ["parameters"],
            "additionalProperties": False,
            "properties": {
                "value": {
                    "description": "The name of the variable in log_density.",
                    "type": "string",
                    "pattern": _NAME,
                },
                "support": {
                    "description": f"{', '.join(SUPPORTS)}, or lower..upper such as 1..oo.",
                    "type": "string",
                    "pattern": rf"^\s*({'|'.join(SUPPORTS)})\s*$|\.\.",
                },
                "parameters": _types("The parameters of the family, name: type.", "positive"),
                "log_density": {
                    "description": "The logarithm of the density, an expression in the value and "
                    "the parameters.",
                    "type": ["string", "number"],
                },
                "abstract": {
                    "description": "true: an exponential family known only to exist.",
                    "type": "boolean",
                },
                "base_measure": {
                    "description": "Of an abstract family: constant, or any.",
                    "enum": ["constant", "any"],
                },
                "reference": {"description": "Where the family comes from.", "type": "string"},
            },
            "if": {"properties": {"abstract": {"const": True}}, "required": ["abstract"]},
            "then": {"not": {"required": ["log_density"]}},
            "else": {
                "required": ["value", "support", "log_density"],
                "not": {"required": ["base_measure"]},
            },
        },
    }
