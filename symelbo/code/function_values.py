"""Abstract functions by their values: f(a)[d] -> an entry of an array that the caller gives.

The motion of a derivation moves nothing inside an abstract function, so that for the numbers a
function is what it is at the data and the samples, and no more.
"""

from __future__ import annotations

from collections.abc import Iterator

from symelbo.code.plan import Unsupported
from symelbo.code.rearrange import own_places
from symelbo.criterion.motion import Motion
from symelbo.index.differentiate import derivative_along
from symelbo.index.normal import is_zero, normal_array
from symelbo.index.substitute import (
    free_indices,
    instantiate,
    map_terms,
    replace_index,
    symbols_of,
    walk_parts,
)
from symelbo.index.terms import (
    Apply,
    Array,
    Entry,
    Extent,
    Index,
    Offset,
    Origin,
    Role,
    Symbol,
    Term,
    sort_key,
)
from symelbo.model.model import Model
from symelbo.values import dataclass, field

__all__ = ["FunctionValues"]

_OF_DATA = frozenset((Role.OBSERVED, Role.INPUT, Role.VARIATIONAL))
_Key = tuple[Symbol, tuple[Array, ...]]


@dataclass
class FunctionValues:
    """The values of the functions of a model, one array for each of their arguments.

    known: f, its arguments -> the symbol of the values, which has an axis for each place that the
    arguments have, and then those of f; shown: symbol -> f(a, w).
    """

    model: Model
    known: dict[_Key, Symbol] = field(default_factory=dict)
    shown: dict[Symbol, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        found: dict[_Key, tuple[Extent, ...]] = {}
        for statement in self.model.all_statements:
            for _, array in statement.arguments:
                for term in _outermost(array, frozenset(self.model.functions)):
                    key, plates = _key_of(term)
                    found[key] = own_places(plates)[0]
        for (function, arguments), lengths in found.items():
            others = [key[1] for key in found if key[0] == function and key[1] != arguments]
            names = [self._name_argument(array) for array in arguments]
            apart = [n for k, n in enumerate(names) if any(o[k] != arguments[k] for o in others)]
            domain, shape = function.domain, (*lengths, *function.shape)
            symbol = Symbol("_".join([function.name, *apart]), _role(arguments), domain, shape)
            while symbol in self.shown:
                symbol = Symbol(f"{symbol.name}_", symbol.role, domain, shape)
            self.known[function, arguments] = symbol
            self.shown[symbol] = f"{function.name}({', '.join(names)})"

    def replace(self, term: Term) -> Term:
        """term -> the same with values in the place of functions.

        raises: Unsupported, for derivatives and where a function has other arguments.
        """
        functions = frozenset(self.model.functions)
        if functions.isdisjoint(symbols_of(term)):
            return term

        def visit(part: Term) -> Term:
            if not isinstance(part, Apply) or part.function not in functions:
                return map_terms(part, visit)
            key, plates = _key_of(part)
            if part.derivatives or key not in self.known:
                raise Unsupported(f"{part.function.name} is an abstract function")
            return Entry(self.known[key], (*own_places(plates)[1], *part.indices))

        return visit(term)

    def reads(self, symbol: Symbol) -> tuple[bool, bool]:
        """Whether values vary with the data, and with the latents."""
        (arguments,) = (key[1] for key, known in self.known.items() if known == symbol)
        roles = {s.role for array in arguments for s in symbols_of(array)}
        return not roles.isdisjoint(_OF_DATA), Role.LATENT in roles

    def stand_still(self, motion: Motion) -> bool:
        """Whether D a = 0 for all arguments a of functions, along a motion."""
        velocities = motion.velocities()
        bodies = (array.body for _, arguments in self.known for array in arguments)
        return all(is_zero(derivative_along(body, velocities)) for body in bodies)

    def _name_argument(self, array: Array) -> str:
        """The user's name of an argument, or the names that stand in it."""
        for symbol, defined in self.model.definitions:
            if len(defined.indices) == len(array.indices):
                body = instantiate(defined, array.indices)
                if normal_array(Array(array.indices, body)) == normal_array(array):
                    return symbol.name
        return "_".join(sorted(symbol.name for symbol in symbols_of(array))) or "constant"


def _outermost(array: Array, functions: frozenset[Symbol]) -> Iterator[Apply]:
    """The functions in an array that stand in no other one, in the order of the text."""
    inside: set[Term] = set()
    for part in walk_parts(array):
        if isinstance(part, Apply) and part.function in functions:
            if part not in inside:
                yield part
            inside.update(p for a in part.arguments for p in walk_parts(a) if isinstance(p, Term))


def _key_of(term: Apply) -> tuple[_Key, tuple[Index, ...]]:
    """The arguments in a form of their own, and the indices that are free in them."""
    free = frozenset().union(*(free_indices(array) for array in term.arguments))
    plates = tuple(sorted(free, key=sort_key))
    arguments = []
    for array in term.arguments:
        for n, (plate, extent) in enumerate(zip(plates, own_places(plates)[0], strict=True)):
            own, by = Index(f"place{n}", extent, origin=Origin.PLANNED), plate.low - 1
            array = replace_index(array, plate, Offset(own, by) if by else own)
        arguments.append(normal_array(array))
    return (term.function, tuple(arguments)), plates


def _role(arguments: tuple[Array, ...]) -> Role:
    """A function of a latent is as random as that; one of the data is known."""
    roles = {symbol.role for array in arguments for symbol in symbols_of(array)}
    if Role.LATENT in roles:
        return Role.LATENT
    return Role.CONSTANT if roles.isdisjoint(_OF_DATA) else Role.INPUT
