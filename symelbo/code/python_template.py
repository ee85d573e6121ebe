"""Generated from templates/python by `python -m tests.compile_templates`; do not edit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from symelbo.fill import attribute, join

__all__ = ["fill_module", "HELPERS"]


def fill_module(c: Mapping[str, Any]) -> str:
    parts: list[str] = []
    w = parts.append
    w(str(join(c['wrap'](join(['"""', c['title'], ': numeric entropy sum', (' and ELBO.' if c['has_elbo'] else '.')]), 0), '\n')))
    w('\n\n')
    if c['reference']:
        w(str(join(c['wrap'](join(['Reference: ', c['reference'], '.']), 0), '\n')))
        w('\n')
    w(str(join(c['wrap'](c['verdict'], 0), '\n')))
    w('\n')
    w(str(join(c['wrap'](join(['All values are per data point and in nats.', (join([' Names: ', join(c['renamed'], ', '), '.']) if c['renamed'] else '')]), 0), '\n')))
    w('\n\n')
    for line_1 in c['example']:
        w(str(line_1))
        w('\n')
    w('\nWritten by symelbo ')
    w(str(c['version']))
    w(' from a specification with SHA-256\n')
    w(str(c['sha256']))
    w('.\nIt belongs to its user, who may use and change it without conditions.\n"""\n\nfrom __future__ import annotations\n\n')
    if ((c['has_math'] or c['bounded']) or ('interval' in c['domains'])):
        w('import math\n')
    w('from collections.abc import Callable')
    w(str((', Sequence' if c['has_polynomial'] else '')))
    w('\nfrom functools import wraps\nfrom typing import Any, ')
    w(str(('NamedTuple, ' if c['sums'] else '')))
    w('ParamSpec, TypeAlias\n\nimport numpy as np\n\n')
    w(str(join(c['public'], '\n')))
    w('\n\n# of NumPy, PyTorch, JAX or CuPy; numbers and lists of Python go with any of them\nArray: TypeAlias = Any\nP = ParamSpec("P")\n\n\ndef _within_floats(function: Callable[P, Any]) -> Callable[P, Any]:\n    """In NumPy, raise ValueError where a number is undetermined or exceeds floats."""\n\n    @wraps(function)\n    def checked(*args: P.args, **kwargs: P.kwargs) -> Any:\n')
    if c['sums']:
        w('        own: Any = args[0] if args else ()  # the sums, of a method\n        if any(map(_is_foreign, (*own, *kwargs.values()))):\n')
    else:
        w('        if any(map(_is_foreign, kwargs.values())):\n')
    w('            return function(*args, **kwargs)\n        try:\n            with np.errstate(divide="raise", over="raise", invalid="raise"):\n                value = function(*args, **kwargs)\n            if isinstance(value, dict):\n                return value\n')
    if c['sums']:
        w('            if isinstance(value, tuple):\n                return type(value)(*(part[()] for part in value))\n')
    w('            if not ')
    w(str(('value < np.inf' if c['has_zeros'] else 'np.isfinite(value)')))
    w(':\n                raise FloatingPointError(f"found {value}")\n        except ArithmeticError as error:\n            message = f"{function.__name__} is undetermined or exceeds floats: {error}"\n            raise ValueError(message) from None\n        return value[()]\n\n    return checked\n')
    for f_2 in c['functions']:
        w('\n\n')
        for line_3 in attribute(f_2, 'source'):
            w(str(line_3))
            w('\n')
    if c['sums']:
        w('\n\nclass Terms(NamedTuple):\n    """The ELBO and its parts, per data point, in nats.\n\n    Attributes:\n')
        for line_4 in attribute(c['sums'], 'described_terms'):
            w(str(line_4))
            w('\n')
        w('    """\n\n')
        for name_5 in attribute(c['sums'], 'terms'):
            w('    ')
            w(str(name_5))
            w(': Array\n')
        w('\n\nclass Statistics(NamedTuple):\n    """Sums over data points; those of batches are added by `+` or `sum`.\n\n    Attributes:\n        ')
        w(str(attribute(c['sums'], 'points')))
        w(': number of data points, or the sum of their weights.\n')
        for line_6 in attribute(c['sums'], 'described_fields'):
            w(str(line_6))
            w('\n')
        w('    """\n\n    ')
        w(str(attribute(c['sums'], 'points')))
        w(': Array\n')
        for name_7 in attribute(c['sums'], 'fields'):
            w('    ')
            w(str(name_7))
            w(': Array\n')
        w('\n    def __add__(self, other: Any) -> Any:\n        """The sums over the data points of both."""\n')
        for name_8 in attribute(c['sums'], 'centres'):
            w('        here, there = self.')
            w(str(name_8))
            w(' * other.')
            w(str(attribute(c['sums'], 'points')))
            w(', other.')
            w(str(name_8))
            w(' * self.')
            w(str(attribute(c['sums'], 'points')))
            w('\n        if not (_is_foreign(here) or np.allclose(here, there, rtol=1e-6, atol=0)):\n            raise ValueError("sums about different centers cannot be added")\n')
        w('        return Statistics(*(one + two for one, two in zip(self, other)))\n\n    def __radd__(self, other: Any) -> Statistics:\n        """The sums themselves: `sum` starts with 0."""\n        return self\n')
        for m_9 in attribute(c['sums'], 'methods'):
            w('\n')
            for line_10 in attribute(m_9, 'source'):
                w(str(line_10))
                w('\n')
        w('\n\n')
        for line_11 in attribute(attribute(c['sums'], 'collect'), 'source'):
            w(str(line_11))
            w('\n')
        w('\n\n')
        for line_12 in attribute(c['sums'], 'whole'):
            w(str(line_12))
            w('\n')
    w('\n\ndef check(function: Callable[..., Any], **arguments: Array) -> Any:\n    """The value of a function of this module in NumPy, after all its checks.\n\n    Values are checked in NumPy alone.  For arrays of another library, and before these\n    are traced or compiled: `check(')
    w(str(attribute(c['functions'][0], 'name')))
    w(', ...)`.\n    """\n    return function(**{name: _to_numpy(value) for name, value in arguments.items()})\n\n\ndef _to_numpy(value: Array) -> Array:\n    """An array of any library, copied to NumPy; anything else as it is."""\n    if _is_foreign(value):\n        for method in ("detach", "cpu", "get"):  # PyTorch\'s and CuPy\'s\n            value = getattr(value, method)() if hasattr(value, method) else value\n        return np.asarray(value)\n    return value\n')
    for source_13 in c['helpers']:
        w('\n\n')
        w(str(source_13))
        w('\n')
    w('\n\ndef _is_foreign(value: Array) -> bool:\n    """Whether it is an array of another library than NumPy."""\n    own = (np.ndarray, np.generic, int, float, list, tuple)\n    return not isinstance(value, own) and hasattr(value, "__dlpack__")\n\n\ndef _library(*values: Array) -> tuple[Any, dict[str, Any]]:\n    """The library of some arrays, and the dtype and device of its real numbers.\n\n    The dtype is the largest of those given, and at least that of single precision.\n    """\n    foreign = [value for value in values if _is_foreign(value)]\n    own = [value for value in values if isinstance(value, np.ndarray)]\n    if not foreign:\n        widths = [array.itemsize for array in own if array.dtype.kind == "f"]\n        single = 0 < max(widths, default=0) <= 4\n        return np, {"dtype": np.float32 if single else np.float64, "device": None}\n    xp = _namespace(foreign[0])\n    if any(a.ndim for a in own) or any(_namespace(a) is not xp for a in foreign):\n        names = {type(array).__module__.split(".")[0] for array in (*own, *foreign)}\n        found = " and ".join(sorted(names))\n        raise ValueError(f"arrays must be of one library, found {found}")\n    dtypes = [a.dtype for a in foreign if xp.isdtype(a.dtype, "real floating")]\n    dtype = xp.result_type(xp.float32, *(dtypes or [xp.asarray(0.0).dtype]))\n    device = None  # that of the arrays it meets, but in PyTorch\n    if hasattr(foreign[0], "__torch_function__"):\n        arrays = [array for array in foreign if array.ndim] or foreign\n        device = arrays[0].device\n    return xp, {"dtype": dtype, "device": device}\n\n\ndef _namespace(array: Array) -> Any:\n    """The functions of a library, by the names of the array API standard."""\n    if hasattr(array, "__torch_function__"):  # PyTorch\'s own names are others\n        import array_api_compat.torch\n\n        return array_api_compat.torch\n    import array_api_compat\n\n    return array_api_compat.array_namespace(array)\n')
    if c['has_special']:
        w('\n\ndef _special(xp: Any) -> Any:\n    """The special functions of a library, which have the names of SciPy\'s."""\n    if xp is np:\n        import scipy.special\n\n        return scipy.special\n    if xp.__name__ == "array_api_compat.torch":\n        import torch\n\n        return torch.special\n    if xp.__name__ == "jax.numpy":\n        import jax.scipy.special\n\n        return jax.scipy.special\n    import cupyx.scipy.special\n\n    return cupyx.scipy.special\n')
    if c['has_arrays']:
        w('\n\ndef _array(\n    xp: Any,\n    real: dict[str, Any],\n    name: str,\n    value: Array,\n    dims: str,\n    domain: str,\n    sizes: dict[str, int],\n')
        if (c['bounded'] or ('interval' in c['domains'])):
            w('    upper: Array = math.inf,\n')
        if ('interval' in c['domains']):
            w('    lower: Array = -math.inf,\n')
        w(') -> Array:\n    """Check the shape of an array, and its values in NumPy; `sizes` keeps lengths."""\n    array = _real(xp, real, name, value)\n    names = dims.split()\n    if array.ndim == len(names):\n        for dim, length in zip(names, array.shape):\n')
        if c['offsets']:
            w('            size, offset = dim, 0\n            for sign in "+-":\n                if sign in dim:\n                    size = dim.split(sign)[0]\n                    offset = int(dim[len(size) :])\n            if not size.isdigit():\n                sizes.setdefault(size, length - offset)\n')
        else:
            w('            if not dim.isdigit():\n                sizes.setdefault(dim, length)\n')
        w('    expected = tuple([_length(dim, sizes) for dim in names])\n    if tuple(array.shape) != expected:\n        symbols = f"({\', \'.join(names)}{\',\' if len(names) == 1 else \'\'})"\n        numbers = str(expected).replace("None", "?")\n        shape = f"have shape {symbols} = {numbers}" if names else "be a number"\n        raise ValueError(f"{name} must {shape}, found {tuple(array.shape)}")\n')
        if c['offsets']:
            w('    if any(n == 0 and "-" not in dim for dim, n in zip(names, array.shape)):\n')
        else:
            w('    if 0 in array.shape:\n')
        w('        raise ValueError(f"{name} is empty: its shape is {array.shape}")\n    if xp is not np:  # values may be unknown yet: see `check`\n')
        if ('category' in c['domains']):
            w('        return xp.astype(array, xp.int32) if domain == "category" else array\n')
        else:
            w('        return array\n')
        if c['offsets']:
            w('    if array.size == 0:\n')
            if ('category' in c['domains']):
                w('        return array.astype(int) if domain == "category" else array\n')
            else:
                w('        return array\n')
        if ('binary' in c['domains']):
            w('    if domain == "binary":\n        if not np.all((array == 0) | (array == 1)):\n            raise ValueError(f"{name} must be 0 or 1")\n        return array\n')
        if ((((('simplex' in c['domains']) or ('weights' in c['domains'])) or ('samples' in c['kinds'])) or ('joint' in c['domains'])) or ('posdef' in c['domains'])):
            w('    precision = np.result_type(np.float32, np.asarray(value).dtype)\n    tolerance = np.finfo(precision).eps ** 0.5\n')
        w('    least = array.min()\n')
        if ((('simplex' in c['domains']) or ('weights' in c['domains'])) or ('samples' in c['kinds'])):
            w('    if domain in ("simplex", "weights"):\n        if least < 0 or (domain == "simplex" and least == 0):\n            sign = "positive" if domain == "simplex" else "non-negative"\n            raise ValueError(f"{name} must be {sign}, found {least}")\n        sums = array @ np.ones(array.shape[-1], array.dtype)\n        if not np.all(np.abs(sums - 1) <= tolerance):\n            raise ValueError(f"{name} must sum to one over its last axis")\n        return array\n')
        if ('joint' in c['domains']):
            w('    if domain == "joint":\n        if least < 0:\n            raise ValueError(f"{name} must be non-negative, found {least}")\n        if not np.all(np.abs(array.sum(axis=(-2, -1)) - 1) <= tolerance):\n            raise ValueError(f"{name} must sum to one over its last two axes")\n        return array\n')
        w('    largest = array.max()\n    if not (np.isfinite(least) and np.isfinite(largest)):\n        raise ValueError(f"{name} must be finite, found NaN or infinity")\n')
        if ('positive' in c['domains']):
            w('    if domain == "positive" and least <= 0:\n        raise ValueError(f"{name} must be positive, found {least}")\n')
        if ('unit' in c['domains']):
            w('    if domain == "unit" and (least <= 0 or largest >= 1):\n        raise ValueError(f"{name} must lie strictly between 0 and 1")\n')
        if (('naturals' in c['domains']) or ('counts' in c['domains'])):
            w('    counts = domain in ("naturals", "counts")\n    if counts and (least < 0 or np.any(array != np.floor(array))):\n        raise ValueError(f"{name} must be a whole number that is not negative")\n')
        if (('naturals' in c['domains']) and c['bounded']):
            w('    if domain == "naturals" and not np.all(array <= upper):\n        raise ValueError(f"{name} must be a whole number up to {upper}")\n')
        if ('counts' in c['domains']):
            w('    if domain == "counts" and np.any(array.sum(axis=-1) != upper):\n        raise ValueError(f"{name} must sum to {upper} over its last axis")\n')
        if ('posdef' in c['domains']):
            w('    if domain == "posdef":\n        asymmetry = np.abs(array - np.swapaxes(array, -1, -2))\n        if np.any(asymmetry > tolerance * np.abs(array).max((-2, -1), keepdims=True)):\n            raise ValueError(f"{name} must be symmetric in its last two axes")\n        try:\n            np.linalg.cholesky(array)\n        except np.linalg.LinAlgError:\n            raise ValueError(f"{name} must be positive definite") from None\n')
        if ('interval' in c['domains']):
            w('    if domain == "interval" and not np.all((array >= lower) & (array <= upper)):\n        raise ValueError(f"{name} must lie between {lower} and {upper}")\n')
        if ('category' in c['domains']):
            w('    if domain == "category":\n        if least < 1 or largest > upper or np.any(array != np.floor(array)):\n            raise ValueError(f"{name} must be a category in 1..{upper}")\n        return array.astype(int)\n')
        w('    return array\n\n\ndef _length(dim: str, sizes: dict[str, int]) -> int | None:\n    """The length of an axis, None while it is unknown."""\n')
        if c['offsets']:
            w('    for sign in "+-":\n        if sign in dim:\n            size = dim.split(sign)[0]\n            return sizes[size] + int(dim[len(size) :]) if size in sizes else None\n')
        w('    return int(dim) if dim.isdigit() else sizes.get(dim)\n')
    if c['shared']:
        w('\n\ndef _samples(\n    xp: Any,\n    real: dict[str, Any],\n    name: str,\n    value: Array,\n    dims: str,\n    domain: str,\n    sizes: dict[str, int],\n    sets: str,\n    *bounds: Array,\n) -> Array:\n    """Check what varies with samples; without an axis of data points these share it."""\n    shared = _real(xp, real, name, value).ndim < len(dims.split())\n    own = dims.partition(" ")[2] if shared else dims\n    array = _array(xp, real, name, value, own, domain, sizes, *bounds)\n    array = array[None, ...] if shared else array\n    if sizes.setdefault(sets, len(array)) != len(array):\n        raise ValueError(f"{name} has an axis of data points, or other samples have it")\n    return array\n')
    if ('samples' in c['kinds']):
        w('\n\ndef _weights(\n    xp: Any,\n    real: dict[str, Any],\n    name: str,\n    weights: Array,\n    data: str,\n    samples: str,\n    sizes: dict[str, int],\n) -> Array:\n    """Weights of the samples with a leading axis of data points (or of length one)."""\n    if weights is None:\n        return xp.full((1, sizes[samples]), 1 / sizes[samples], **real)\n    if _real(xp, real, name, weights).ndim == 1:\n        return _array(xp, real, name, weights, samples, "weights", sizes)[None, :]\n    return _array(xp, real, name, weights, f"{data} {samples}", "weights", sizes)\n')
    if c['sums']:
        w('\n\ndef _data_weights(\n    xp: Any, real: dict[str, Any], weights: Array, data: str, sizes: dict[str, int]\n) -> tuple[Array, Array]:\n    """Weights of the data points, of mean one, and their sum."""\n    if weights is None:\n        return xp.ones(sizes[data], **real), xp.asarray(sizes[data], **real)\n    weights = _array(xp, real, "')
        w(str(attribute(c['sums'], 'weights')))
        w('", weights, data, "real", sizes)\n    if xp is np and (weights.min() < 0 or not weights.any()):\n        raise ValueError("')
        w(str(attribute(c['sums'], 'weights')))
        w(' must be non-negative, and not all 0")\n    points = xp.sum(weights)\n    return weights * (sizes[data] / points), points\n')
    if (c['sums'] and attribute(c['sums'], 'centres')):
        w('\n\ndef _center(\n    xp: Any,\n    real: dict[str, Any],\n    name: str,\n    value: Array,\n    dims: str,\n    sizes: dict[str, int],\n) -> Array:\n    """What is taken off the data: zero if it is not given."""\n    if value is None:\n        return xp.zeros(tuple(_length(dim, sizes) or 0 for dim in dims.split()), **real)\n    return _array(xp, real, name, value, dims, "real", sizes)\n\n\ndef _mean(x: Array) -> Array:\n    """The mean over the data points, of data whose shape is checked later."""\n    xp, real = _library(x)\n    array = _real(xp, real, "the data", x)\n    return xp.mean(array, axis=0) if array.ndim else array\n')
    if ('size' in c['kinds']):
        w('\n\ndef _sizes(**given: int | None) -> dict[str, int]:\n    """Check sizes; those that are not given follow from the shape of an argument."""\n    for name, value in given.items():\n        whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)\n        if value is not None and (not whole or value < 1):\n            raise ValueError(f"{name} must be a positive integer, found {value!r}")\n    return {name: int(value) for name, value in given.items() if value is not None}\n')
    if c['has_arrays']:
        w('\n\ndef _real(xp: Any, real: dict[str, Any], name: str, value: Array) -> Array:\n    """An array of real numbers; no text, complex numbers or rows of unequal lengths."""\n    if isinstance(value, (int, float)):\n        return xp.asarray(value, **real)\n    if _is_foreign(value):\n        if xp.isdtype(value.dtype, ("bool", "integral", "real floating")):\n            return xp.astype(value, real["dtype"], copy=False, device=real["device"])\n    else:\n        try:\n            array = np.asarray(value)\n        except ValueError:\n            array = np.asarray(None)\n        if array.dtype.kind in "biuf":\n            return xp.asarray(array if xp is np else value, **real)\n    raise ValueError(f"{name} must be an array of real numbers")\n')
    return "".join(parts)


HELPERS: Mapping[str, tuple[str, frozenset[str]]] = {
    '_log': ('def _log(xp: Any, p: Array) -> Array:\n    """log(p), minus infinity at 0."""\n    return xp.where(p > 0, xp.log(xp.where(p > 0, p, 1)), -math.inf)', frozenset(['Any', 'Array', 'math', 'p', 'xp'])),
    '_weigh': ('def _weigh(xp: Any, weights: Array, values: Array) -> Array:\n    """weights * values, where a weight of 0 takes out minus infinity."""\n    return weights * xp.where(weights > 0, values, 0)', frozenset(['Any', 'Array', 'values', 'weights', 'xp'])),
    '_weighted_mean': ('def _weighted_mean(xp: Any, weights: Array, values: Array) -> Array:\n    """(1/N) sum_n weights[n, k]*values[n, ...]; one row of weights stands for all."""\n    if len(weights) < len(values):\n        values = xp.mean(values, axis=0, keepdims=True)\n    return xp.tensordot(weights, values, axes=((0,), (0,))) / len(values)', frozenset(['Any', 'Array', 'len', 'values', 'weights', 'xp'])),
    '_weighted_products': ('def _weighted_products(xp: Any, weights: Array, left: Array, right: Array) -> Array:\n    """(1/N) sum_n weights[n, k]*left[n, ...]*right[n, ...], in blocks of data."""\n    if len(weights) < len(left):\n        products = xp.tensordot(left, right, axes=((0,), (0,))) / len(left)\n        return xp.tensordot(weights[0, ...], products, axes=0)\n    step = 1 + 2**18 // (math.prod(weights.shape[1:]) * math.prod(left.shape[1:]))\n    if xp is not np:  # few blocks: a compiler unrolls them\n        step = max(step, 1 + len(left) // 16)\n    total: Array = 0\n    for start in range(0, len(left), step):\n        rows = slice(start, start + step)\n        weighted = xp.einsum("nk,n...->nk...", weights[rows, ...], left[rows, ...])\n        total = total + xp.tensordot(weighted, right[rows, ...], axes=((0,), (0,)))\n    return total / len(left)', frozenset(['Any', 'Array', 'left', 'len', 'math', 'max', 'np', 'products', 'range', 'right', 'rows', 'slice', 'start', 'step', 'total', 'weighted', 'weights', 'xp'])),
    '_sum_squares': ('def _sum_squares(xp: Any, a: Array, axis: int | None = None) -> Array:\n    """The sum of a**2 over one axis, or over all of them."""\n    if axis is None:\n        a, axis = xp.reshape(a, (-1,)), -1\n    return xp.linalg.vecdot(a, a, axis=axis)', frozenset(['Any', 'Array', 'a', 'axis', 'int', 'xp'])),
    '_pool': ('def _pool(xp: Any, values: Array, sets: int) -> Array:\n    """The mean over the data where they share the samples, else the values."""\n    return xp.mean(values, axis=0, keepdims=True) if sets == 1 else values', frozenset(['Any', 'Array', 'int', 'sets', 'values', 'xp'])),
    '_mean_weights': ('def _mean_weights(xp: Any, weights: Array, sets: int) -> Array:\n    """The mean weight of each sample, or each weight over N where none is shared."""\n    if sets == 1:\n        return xp.mean(weights, axis=0, keepdims=True)\n    return xp.broadcast_to(weights / sets, (sets, weights.shape[1]))', frozenset(['Any', 'Array', 'int', 'sets', 'weights', 'xp'])),
    '_sampled_mean': ('def _sampled_mean(xp: Any, weights: Array, values: Array, sets: int) -> Array:\n    """(1/N) sum_n weights[n, s]*values[n, ...], or its terms where no s is shared."""\n    if sets == 1:\n        return _weighted_mean(xp, weights, values)[None, ...]\n    shape = (*weights.shape, *(1,) * (values.ndim - 1))\n    return xp.reshape(weights, shape) * values[:, None, ...] / sets', frozenset(['Any', 'Array', '_weighted_mean', 'int', 'sets', 'shape', 'values', 'weights', 'xp'])),
    '_sampled_products': ('def _sampled_products(\n    xp: Any, weights: Array, left: Array, right: Array, sets: int\n) -> Array:\n    """(1/N) sum_n weights[n, s]*left[n, ...]*right[n, ...], or its terms likewise."""\n    if sets == 1:\n        return _weighted_products(xp, weights, left, right)[None, ...]\n    weighted = _sampled_mean(xp, weights, left, sets)\n    shape = (*weighted.shape, *(1,) * (right.ndim - 1))\n    spread = xp.reshape(right, (len(right), *(1,) * left.ndim, *right.shape[1:]))\n    return xp.reshape(weighted, shape) * spread', frozenset(['Any', 'Array', '_sampled_mean', '_weighted_products', 'int', 'left', 'len', 'right', 'sets', 'shape', 'spread', 'weighted', 'weights', 'xp'])),
    '_softmax': ('def _softmax(xp: Any, a: Array) -> Array:\n    """exp(a)/sum(exp(a)) over the last axis."""\n    shares = xp.exp(a - xp.max(a, axis=-1, keepdims=True))\n    return shares / xp.sum(shares, axis=-1, keepdims=True)', frozenset(['Any', 'Array', 'a', 'shares', 'xp'])),
    '_log_softmax': ('def _log_softmax(xp: Any, real: dict[str, Any], a: Array) -> Array:\n    """a - log(sum(exp(a))) over the last axis, exact where one entry is far above."""\n    largest = xp.argmax(a, axis=-1, keepdims=True)\n    shifted = a - xp.take_along_axis(a, largest, axis=-1)\n    is_largest = xp.arange(a.shape[-1], device=real["device"]) == largest\n    others = xp.where(is_largest, 0, xp.exp(shifted))\n    return shifted - xp.log1p(xp.sum(others, axis=-1, keepdims=True))', frozenset(['Any', 'Array', 'a', 'dict', 'is_largest', 'largest', 'others', 'real', 'shifted', 'str', 'xp'])),
    '_exprel': ('def _exprel(xp: Any, a: Array) -> Array:\n    """(exp(a) - 1)/a, which is 1 at 0, and infinity beyond the floats."""\n    small, large = xp.abs(a) < 1e-3, a > math.log(xp.finfo(a.dtype).max)\n    near, far = xp.where(small, a, 0), xp.where(small | large, 1, a)\n    series = _polynomial([1 / 720, 1 / 120, 1 / 24, 1 / 6, 1 / 2, 1], near)\n    return xp.where(large, math.inf, xp.where(small, series, xp.expm1(far) / far))', frozenset(['Any', 'Array', '_polynomial', 'a', 'far', 'large', 'math', 'near', 'series', 'small', 'xp'])),
    '_softplus': ('def _softplus(xp: Any, a: Array) -> Array:\n    """log(1 + exp(a))"""\n    return xp.logaddexp(xp.zeros_like(a), a)', frozenset(['Any', 'Array', 'a', 'xp'])),
    '_entropy_of_logit': ('def _entropy_of_logit(xp: Any, special: Any, a: Array) -> Array:\n    """softplus(a) - a*sigmoid(a), the entropy of a binary value with log-odds a."""\n    a = xp.where(a < 0, -a, a)\n    return _softplus(xp, -a) + a * special.expit(-a)', frozenset(['Any', 'Array', '_softplus', 'a', 'special', 'xp'])),
    '_log_stirling': ('def _log_stirling(xp: Any, special: Any, x: Array) -> Array:\n    """log(x!) - x*log(x) + x, which tends to log(2*pi*x)/2."""\n    small, large = xp.where(x < 10, x, 10), xp.where(x < 10, 10, x)\n    exact = special.gammaln(small + 1) - special.xlogy(small, small) + small\n    series = _polynomial(\n        [1 / 156, -691 / 360360, 1 / 1188, -1 / 1680, 1 / 1260, -1 / 360, 1 / 12],\n        (1 / large) ** 2,\n    )\n    asymptotic = 0.5 * (math.log(2 * math.pi) + xp.log(large)) + series / large\n    return xp.where(x < 10, exact, asymptotic)', frozenset(['Any', 'Array', '_polynomial', 'asymptotic', 'exact', 'large', 'math', 'series', 'small', 'special', 'x', 'xp'])),
    '_log_minus_digamma': ('def _log_minus_digamma(xp: Any, special: Any, x: Array) -> Array:\n    """log(x) - digamma(x), which tends to 1/(2*x)."""\n    small, large = xp.where(x < 10, x, 10), xp.where(x < 10, 10, x)\n    exact = xp.log(small) - special.digamma(small)\n    series = _polynomial(\n        [1 / 12, -691 / 32760, 1 / 132, -1 / 240, 1 / 252, -1 / 120, 1 / 12],\n        (1 / large) ** 2,\n    )\n    return xp.where(x < 10, exact, (0.5 + series / large) / large)', frozenset(['Any', 'Array', '_polynomial', 'exact', 'large', 'series', 'small', 'special', 'x', 'xp'])),
    '_deviance': ('def _deviance(xp: Any, x: Array, mean: Array, log_mean: Array) -> Array:\n    """x*log(x/mean) - x + mean, exact also where x is close to the mean."""\n    ratio = (x - mean) / xp.where(x + mean > 0, x + mean, 1)\n    # Loader (2000): log(x/mean) is twice r + r**3/3 + r**5/5 + ..., r the ratio\n    series = _polynomial([1 / k for k in range(17, 1, -2)], ratio**2)\n    close = (x - mean) * ratio + 2 * x * ratio**3 * series\n    positive = xp.where(x > 0, x, 1)\n    far = xp.where(x > 0, positive * (xp.log(positive) - log_mean), 0) - x + mean\n    return xp.where(xp.abs(ratio) < 0.1, close, far)', frozenset(['Any', 'Array', '_polynomial', 'close', 'far', 'k', 'log_mean', 'mean', 'positive', 'range', 'ratio', 'series', 'x', 'xp'])),
    '_log_choose': ('def _log_choose(xp: Any, special: Any, x: Array, y: Array) -> Array:\n    """log((x + y)!/(x!*y!)) for real x and y from 0 on."""\n    less, more, both = xp.minimum(x, y), xp.maximum(x, y), x + y\n    share = less / xp.where(both > 0, both, 1)\n    mixing = less * xp.log(xp.where(share > 0, share, 1)) + more * xp.log1p(-share)\n    factorials = _log_stirling(xp, special, x) + _log_stirling(xp, special, y)\n    return _log_stirling(xp, special, both) - factorials - mixing', frozenset(['Any', 'Array', '_log_stirling', 'both', 'factorials', 'less', 'mixing', 'more', 'share', 'special', 'x', 'xp', 'y'])),
    '_log_ratio': ('def _log_ratio(xp: Any, x: Array, y: Array) -> Array:\n    """log(x/y), exact where x is close to y; x/y need not be a float."""\n    excess = xp.where(xp.abs(x - y) < 0.5 * y, x - y, 0) / y\n    return xp.where(excess == 0, xp.log(x) - xp.log(y), xp.log1p(excess))', frozenset(['Any', 'Array', 'excess', 'x', 'xp', 'y'])),
    '_bessel_gap': ('def _bessel_gap(xp: Any, special: Any, k: Array) -> Array:\n    """1 - I1(k)/I0(k) for Bessel functions, which tends to 1/(2*k)."""\n    small, large = xp.where(k < 200, k, 200), xp.where(k < 200, 200, k)\n    exact = 1 - special.i1e(small) / special.i0e(small)\n    series = _polynomial(\n        [103 / 32, 1073 / 1024, 13 / 32, 25 / 128, 1 / 8, 1 / 8, 1 / 2], 1 / large\n    )\n    return xp.where(k < 200, exact, series / large)', frozenset(['Any', 'Array', '_polynomial', 'exact', 'k', 'large', 'series', 'small', 'special', 'xp'])),
    '_versine': ('def _versine(xp: Any, a: Array) -> Array:\n    """1 - cos(a), exact for small angles."""\n    return 2 * xp.sin(0.5 * a) ** 2', frozenset(['Any', 'Array', 'a', 'xp'])),
    '_ratio': ('def _ratio(xp: Any, above: Array, below: Array) -> Array:\n    """above/below: one where both are 0, infinity where below is."""\n    quotient = xp.where(below != 0, above / xp.where(below != 0, below, 1), math.inf)\n    return xp.where(above == below, 1, quotient)', frozenset(['Any', 'Array', 'above', 'below', 'math', 'quotient', 'xp'])),
    '_polynomial': ('def _polynomial(coefficients: Sequence[float], x: Array) -> Array:\n    """The polynomial with these coefficients, the highest first."""\n    value: Array = coefficients[0]\n    for coefficient in coefficients[1:]:\n        value = value * x + coefficient\n    return value', frozenset(['Array', 'Sequence', 'coefficient', 'coefficients', 'float', 'value', 'x'])),
}
