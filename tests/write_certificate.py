"""Certificates by hand: nested lists become the table of terms."""

from __future__ import annotations

import json
from typing import Any

__all__ = ["Writer"]

Json = dict[str, Any]


class Writer:
    """["+", "x", 1] is the sum of the entry x and the number 1; the other heads are as in a
    certificate, with terms in the places of their numbers.
    """

    def __init__(self) -> None:
        self.terms: list[Any] = []
        self.numbers: dict[str, int] = {}
        self.seen: dict[int, tuple[Any, int]] = {}

    def term(self, item: Any) -> int:
        """The number of a term in the table."""
        if id(item) in self.seen:
            return self.seen[id(item)][1]
        match item:
            case int():
                entry: list[Any] = ["q", item]
            case str() if item.lstrip("-")[:1].isdigit():
                entry = ["q", item]
            case str():
                entry = ["v", item]
            case ["+" | "*" | "^" as head, *parts]:
                entry = [head, *map(self.term, parts)]
            case ["f", name, *parts]:
                entry = ["f", name, *map(self.term, parts)]
            case ["S" | "LD" as head, index, body]:
                entry = [head, index, self.term(body)]
            case _:
                entry = item
        number = self.numbers.setdefault(json.dumps(entry), len(self.terms))
        if number == len(self.terms):
            self.terms.append(entry)
        if isinstance(item, list):
            self.seen[id(item)] = item, number
        return number

    def array(self, body: Any, *indices: str) -> Json:
        return {"indices": list(indices), "body": self.term(body)}

    def ends(self, kind: str, lower: Any = None, upper: Any = None) -> Json:
        """A domain with ends."""
        items = {"lower": lower, "upper": upper}.items()
        return {"kind": kind, **{key: self.term(end) for key, end in items if end is not None}}

    def density(self, node: str, log_density: Any, **more: Any) -> Json:
        """One statement; conditions: pairs (kind, term)."""
        conditions = more.pop("conditions", ())
        return {
            "name": node,
            "node": node,
            "family": "",
            "plates": [],
            "places": more.get("plates", []),
            "support": None,
            "arguments": [],
            "log_density": self.term(log_density),
            "conditions": [{"kind": kind, "of": self.array(of)} for kind, of in conditions],
            **more,
        }

    def identity(self, factor: str, entropy: Any, **more: Any) -> Json:
        parts = {"base": 0, "divergence": 0, "base_change": 0, **more, "entropy": entropy}
        return {"factor": factor, **{key: self.term(part) for key, part in parts.items()}}

    def claim(
        self, *identities: Json, nonzero: Any = (), q_follows: bool = False, **moves: Any
    ) -> Json:
        """(U) along a motion: parameters=, rates=, shifts=, variational= of numbers."""
        kinds = ("parameters", "rates", "shifts", "variational")
        motion = {
            kind: {name: self.array(body) for name, body in moves.get(kind, {}).items()}
            for kind in kinds
        }
        return {
            "motion": motion,
            "nonzero": list(map(self.term, nonzero)),
            "identities": list(identities),
            "q_follows": q_follows,
        }

    def certificate(
        self, symbols: dict[str, tuple[Any, ...]], factors: list[Json], *claims: Json, **more: Any
    ) -> Json:
        """The whole, proved by theorem 1 if nothing else is said; symbols: role, domain, shape."""
        return {
            "schema": "symelbo/certificate/1",
            "symelbo_version": "0",
            "model": "by hand",
            "spec_sha256": "",
            "verdict": "proved",
            "theorem": 1,
            "sizes": {},
            "symbols": {
                name: {"role": role, "domain": domain, "shape": list(*shape)}
                for name, (role, domain, *shape) in symbols.items()
            },
            "indices": {},
            "terms": self.terms,
            "variational": "any",
            "factors": factors,
            "q": [],
            "claims": list(claims),
            "refutations": [],
            "undecided": [],
            "unproved": [],
            "posterior": None,
            "entropies_of_q": [],
            "sum": None,
            **more,
        }

    def refutation(self, factor: str, node: str, parameter: str, weights: Any) -> Json:
        """Rows (value of the parameter, of the node, weight), and the weighted sum of log p."""
        rows, total = weights
        points = list(dict.fromkeys(at for at, _, _ in rows))
        case = {
            "moving": [],
            "resting": [],
            "shifted": [],
            "unknowns": [],
            "dependent": [],
            "matrix": [[self.term(str(total))]],
            "rows": [
                {
                    "factor": factor,
                    "place": [],
                    "point": points.index(at),
                    "inputs": 0,
                    "parents": [],
                    "value": [[[node], str(value)]],
                    "weights": [str(weight)],
                }
                for at, value, weight in rows
            ],
        }
        return {
            "factors": [factor],
            "sizes": {},
            "functions": {},
            "constants": [],
            "points": [[[[parameter], str(at)]] for at in points],
            "inputs": [[]],
            "latents_may_move": True,
            "cases": [case],
        }
