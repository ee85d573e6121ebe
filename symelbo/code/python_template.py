"""Generated from templates/python by `python -m tests.compile_templates`; do not edit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from symelbo.fill import Loop, attribute, join, order

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
    w('\n\nWritten by symelbo ')
    w(str(c['version']))
    w(' from a specification with SHA-256\n')
    w(str(c['sha256']))
    w('.\n"""\n\nfrom __future__ import annotations\n\nfrom collections.abc import Callable\nfrom functools import wraps\nfrom typing import ParamSpec, TypeVar\n\nimport numpy as np\nfrom numpy.typing import ArrayLike, NDArray\n')
    if c['has_special']:
        w('from scipy import special\n')
    w('\n__all__ = [')
    for loop_1, f_1 in Loop.over(order(c['functions'], 'name')):
        w('"')
        w(str(attribute(f_1, 'name')))
        w('"')
        w(str((', ' if (not loop_1.last) else '')))
    w(']\n\nP = ParamSpec("P")\nR = TypeVar("R")\n\n\ndef _within_floats(function: Callable[P, R]) -> Callable[P, R]:\n    """Raise ValueError where a number is undetermined or leaves the range of floats."""\n\n    @wraps(function)\n    def checked(*args: P.args, **kwargs: P.kwargs) -> R:\n        try:\n            with np.errstate(divide="raise", over="raise", invalid="raise"):\n                value = function(*args, **kwargs)\n            if isinstance(value, float) and not ')
    w(str(('value < np.inf' if c['has_zeros'] else 'np.isfinite(value)')))
    w(':\n                raise FloatingPointError(f"found {value}")\n        except FloatingPointError as error:\n            message = f"{function.__name__} is undetermined or exceeds floats: {error}"\n            raise ValueError(message) from None\n        return value\n\n    return checked\n')
    for f_2 in c['functions']:
        w('\n\n@_within_floats\n')
        w(str(attribute(f_2, 'signature')))
        w('\n    """')
        w(str(attribute(f_2, 'summary')[0]))
        w(str(('"""' if attribute(f_2, 'is_short') else '')))
        w('\n')
        for line_3 in attribute(f_2, 'summary')[1:]:
            w(str(line_3))
            w('\n')
        if attribute(f_2, 'arguments'):
            w('\n    Args:\n')
            for line_4 in attribute(f_2, 'described'):
                w(str(line_4))
                w('\n')
            w('\n    Raises:\n        ValueError: an argument has a wrong shape, leaves its domain or is not finite;\n            or a number on the way is undetermined or leaves the range of floats.\n')
        if (not attribute(f_2, 'is_short')):
            w('    """\n')
        for line_5 in attribute(f_2, 'body'):
            w(str(line_5))
            w('\n')
    for source_6 in c['helpers']:
        w('\n\n')
        w(str(source_6))
        w('\n')
    if c['has_arrays']:
        w('\n\ndef _array(\n    name: str,\n    value: ArrayLike,\n    dims: str,\n    domain: str,\n    sizes: dict[str, int],\n')
        if (c['bounded'] or ('interval' in c['domains'])):
            w('    upper: ArrayLike = np.inf,\n')
        if ('interval' in c['domains']):
            w('    lower: ArrayLike = -np.inf,\n')
        w(') -> NDArray[np.float64]:\n    """Check the shape and domain of an array; sizes seen first are kept in `sizes`."""\n    array = _real(name, value)\n    names = dims.split()\n    if array.ndim == len(names):\n        for dim, length in zip(names, array.shape):\n')
        if c['offsets']:
            w('            size, offset = dim, 0\n            for sign in "+-":\n                if sign in dim:\n                    size = dim.split(sign)[0]\n                    offset = int(dim[len(size) :])\n            if not size.isdigit():\n                sizes.setdefault(size, length - offset)\n')
        else:
            w('            if not dim.isdigit():\n                sizes.setdefault(dim, length)\n')
        w('    expected = tuple(_length(dim, sizes) for dim in names)\n    if array.shape != expected:\n        symbols = f"({\', \'.join(names)}{\',\' if len(names) == 1 else \'\'})"\n        numbers = str(expected).replace("None", "?")\n        raise ValueError(\n            f"{name} must have shape {symbols} = {numbers}, found {array.shape}"\n        )\n')
        if c['offsets']:
            w('    if any(n == 0 and "-" not in dim for dim, n in zip(names, array.shape)):\n')
        else:
            w('    if 0 in array.shape:\n')
        w('        raise ValueError(f"{name} is empty: its shape is {array.shape}")\n')
        if c['offsets']:
            w('    if array.size == 0:\n')
            if ('category' in c['domains']):
                w('        return array.astype(int if domain == "category" else float)\n')
            else:
                w('        return array\n')
        if ('binary' in c['domains']):
            w('    if domain == "binary":\n        if not np.all((array == 0) | (array == 1)):\n            raise ValueError(f"{name} must be 0 or 1")\n        return array\n')
        w('    least = array.min()\n')
        if ((('simplex' in c['domains']) or ('weights' in c['domains'])) or ('samples' in c['kinds'])):
            w('    if domain in ("simplex", "weights"):\n        if least < 0 or (domain == "simplex" and least == 0):\n            sign = "positive" if domain == "simplex" else "non-negative"\n            raise ValueError(f"{name} must be {sign}, found {least}")\n        if not np.all(np.abs(array @ np.ones(array.shape[-1]) - 1) <= 1e-8):\n            raise ValueError(f"{name} must sum to one over its last axis")\n        return array\n')
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
            w('    if domain == "posdef":\n        asymmetry = np.abs(array - np.swapaxes(array, -1, -2))\n        if np.any(asymmetry > 1e-8 * np.abs(array).max(axis=(-2, -1), keepdims=True)):\n            raise ValueError(f"{name} must be symmetric in its last two axes")\n        try:\n            np.linalg.cholesky(array)\n        except np.linalg.LinAlgError:\n            raise ValueError(f"{name} must be positive definite") from None\n')
        if ('interval' in c['domains']):
            w('    if domain == "interval" and not np.all((array >= lower) & (array <= upper)):\n        raise ValueError(f"{name} must lie between {lower} and {upper}")\n')
        if ('category' in c['domains']):
            w('    if domain == "category":\n        if least < 1 or largest > upper or np.any(array != np.floor(array)):\n            raise ValueError(f"{name} must be a category in 1..{upper}")\n        return array.astype(int)\n')
        w('    return array\n\n\ndef _length(dim: str, sizes: dict[str, int]) -> int | None:\n    """The length of an axis, None while it is unknown."""\n')
        if c['offsets']:
            w('    for sign in "+-":\n        if sign in dim:\n            size = dim.split(sign)[0]\n            return sizes[size] + int(dim[len(size) :]) if size in sizes else None\n')
        w('    return int(dim) if dim.isdigit() else sizes.get(dim)\n')
    if c['shared']:
        w('\n\ndef _samples(\n    name: str,\n    value: ArrayLike,\n    dims: str,\n    domain: str,\n    sizes: dict[str, int],\n    sets: str,\n    *bounds: ArrayLike,\n) -> NDArray[np.float64]:\n    """Check what varies with samples; without an axis of data points these share it."""\n    shared = np.ndim(value) < len(dims.split())\n    own = dims.partition(" ")[2] if shared else dims\n    array = _array(name, value, own, domain, sizes, *bounds)\n    array = array[None] if shared else array\n    if sizes.setdefault(sets, len(array)) != len(array):\n        raise ValueError(f"{name} has an axis of data points, or other samples have it")\n    return array\n')
    if ('samples' in c['kinds']):
        w('\n\ndef _weights(\n    name: str, weights: ArrayLike | None, data: str, samples: str, sizes: dict[str, int]\n) -> NDArray[np.float64]:\n    """Weights of the samples with a leading axis of data points (or of length one)."""\n    if weights is None:\n        count = sizes[samples]\n        return np.full((1, count), 1 / count)\n    dims = samples if np.ndim(weights) == 1 else f"{data} {samples}"\n    return np.atleast_2d(_array(name, weights, dims, "weights", sizes))\n')
    if ('size' in c['kinds']):
        w('\n\ndef _size(name: str, value: int) -> int:\n    """Check a size."""\n    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:\n        raise ValueError(f"{name} must be a positive integer, found {value!r}")\n    return int(value)\n')
    if ('value' in c['kinds']):
        w('\n\ndef _number(name: str, value: float) -> float:\n    """Check a finite number."""\n    number = _real(name, value)\n    if number.shape:\n        raise ValueError(f"{name} must be a number, found an array")\n    if not np.isfinite(number):\n        raise ValueError(f"{name} must be finite, found {number}")\n    return float(number)\n')
    if (c['has_arrays'] or ('value' in c['kinds'])):
        w('\n\ndef _real(name: str, value: ArrayLike) -> NDArray[np.float64]:\n    """Refuse text, complex numbers, objects and rows of unequal lengths."""\n    try:\n        array = np.asarray(value)\n    except ValueError:\n        array = np.asarray(None)\n    if array.dtype.kind not in "biuf":\n        raise ValueError(f"{name} must be an array of real numbers")\n    return np.asarray(array, dtype=float)\n')
    return "".join(parts)


HELPERS: Mapping[str, tuple[str, frozenset[str]]] = {
    '_log': ('def _log(p: NDArray[np.float64]) -> NDArray[np.float64]:\n    """log(p), minus infinity at 0."""\n    p = np.asarray(p)\n    return np.log(p, out=np.full(p.shape, -np.inf), where=p > 0)', frozenset(['NDArray', 'np', 'p'])),
    '_weigh': ('def _weigh(\n    weights: NDArray[np.float64], values: NDArray[np.float64]\n) -> NDArray[np.float64]:\n    """weights * values, where a weight of 0 takes out minus infinity."""\n    shape = np.broadcast_shapes(weights.shape, values.shape)\n    return np.multiply(weights, values, out=np.zeros(shape), where=weights > 0)', frozenset(['NDArray', 'np', 'shape', 'values', 'weights'])),
    '_weighted_mean': ('def _weighted_mean(\n    weights: NDArray[np.float64], values: NDArray[np.float64]\n) -> NDArray[np.float64]:\n    """(1/N) sum_n weights[n, k]*values[n, ...]; one row of weights stands for all."""\n    if len(weights) < len(values):\n        values = values.mean(axis=0, keepdims=True)\n    return np.tensordot(weights, values, axes=(0, 0)) / len(values)', frozenset(['NDArray', 'len', 'np', 'values', 'weights'])),
    '_weighted_products': ('def _weighted_products(\n    weights: NDArray[np.float64], left: NDArray[np.float64], right: NDArray[np.float64]\n) -> NDArray[np.float64]:\n    """(1/N) sum_n weights[n, k]*left[n, ...]*right[n, ...], in blocks of data."""\n    if len(weights) < len(left):\n        products = np.tensordot(left, right, axes=(0, 0)) / len(left)\n        return np.multiply.outer(weights[0], products)\n    total = np.zeros((*weights.shape[1:], *left.shape[1:], *right.shape[1:]))\n    step = 1 + 2**18 // (weights[0].size * left[0].size)\n    for start in range(0, len(left), step):\n        rows = slice(start, start + step)\n        weighted = np.einsum("nk,n...->nk...", weights[rows], left[rows])\n        total += np.tensordot(weighted, right[rows], axes=(0, 0))\n    return total / len(left)', frozenset(['NDArray', 'left', 'len', 'np', 'products', 'range', 'right', 'rows', 'slice', 'start', 'step', 'total', 'weighted', 'weights'])),
    '_pool': ('def _pool(values: NDArray[np.float64], sets: int) -> NDArray[np.float64]:\n    """The mean over the data where they share the samples, else the values."""\n    return values.mean(axis=0, keepdims=True) if sets == 1 else values', frozenset(['NDArray', 'int', 'np', 'sets', 'values'])),
    '_mean_weights': ('def _mean_weights(weights: NDArray[np.float64], sets: int) -> NDArray[np.float64]:\n    """The mean weight of each sample, or each weight over N where none is shared."""\n    if sets == 1:\n        return weights.mean(axis=0, keepdims=True)\n    return np.broadcast_to(weights / sets, (sets, weights.shape[1]))', frozenset(['NDArray', 'int', 'np', 'sets', 'weights'])),
    '_sampled_mean': ('def _sampled_mean(\n    weights: NDArray[np.float64], values: NDArray[np.float64], sets: int\n) -> NDArray[np.float64]:\n    """(1/N) sum_n weights[n, s]*values[n, ...], or its terms where no s is shared."""\n    if sets == 1:\n        return _weighted_mean(weights, values)[None]\n    shape = (*weights.shape, *(1 for _ in values.shape[1:]))\n    return weights.reshape(shape) * values[:, None] / sets', frozenset(['NDArray', '_', '_weighted_mean', 'int', 'np', 'sets', 'shape', 'values', 'weights'])),
    '_sampled_products': ('def _sampled_products(\n    weights: NDArray[np.float64],\n    left: NDArray[np.float64],\n    right: NDArray[np.float64],\n    sets: int,\n) -> NDArray[np.float64]:\n    """(1/N) sum_n weights[n, s]*left[n, ...]*right[n, ...], or its terms likewise."""\n    if sets == 1:\n        return _weighted_products(weights, left, right)[None]\n    weighted = _sampled_mean(weights, left, sets)\n    shape = (*weighted.shape, *(1 for _ in right.shape[1:]))\n    ones = (1 for _ in left.shape)\n    return weighted.reshape(shape) * right.reshape(len(right), *ones, *right.shape[1:])', frozenset(['NDArray', '_', '_sampled_mean', '_weighted_products', 'int', 'left', 'len', 'np', 'ones', 'right', 'sets', 'shape', 'weighted', 'weights'])),
    '_log_softmax': ('def _log_softmax(a: NDArray[np.float64]) -> NDArray[np.float64]:\n    """a - log(sum(exp(a))) over the last axis, exact where one entry is far above."""\n    largest = a.argmax(axis=-1, keepdims=True)\n    shifted = a - np.take_along_axis(a, largest, axis=-1)\n    others = np.exp(shifted)\n    np.put_along_axis(others, largest, 0.0, axis=-1)\n    return shifted - np.log1p(others.sum(axis=-1, keepdims=True))', frozenset(['NDArray', 'a', 'largest', 'np', 'others', 'shifted'])),
    '_entropy_of_logit': ('def _entropy_of_logit(a: NDArray[np.float64]) -> NDArray[np.float64]:\n    """softplus(a) - a*sigmoid(a), the entropy of a binary value with log-odds a."""\n    a = np.abs(a)\n    return np.logaddexp(0, -a) + a * special.expit(-a)', frozenset(['NDArray', 'a', 'np', 'special'])),
    '_log_stirling': ('def _log_stirling(x: NDArray[np.float64]) -> NDArray[np.float64]:\n    """log(x!) - x*log(x) + x, which tends to log(2*pi*x)/2."""\n    small, large = np.minimum(x, 10), np.maximum(x, 10)\n    exact = special.gammaln(small + 1) - special.xlogy(small, small) + small\n    series = np.polyval(\n        [1 / 156, -691 / 360360, 1 / 1188, -1 / 1680, 1 / 1260, -1 / 360, 1 / 12],\n        (1 / large) ** 2,\n    )\n    asymptotic = 0.5 * (np.log(2 * np.pi) + np.log(large)) + series / large\n    return np.where(x < 10, exact, asymptotic)', frozenset(['NDArray', 'asymptotic', 'exact', 'large', 'np', 'series', 'small', 'special', 'x'])),
    '_log_minus_digamma': ('def _log_minus_digamma(x: NDArray[np.float64]) -> NDArray[np.float64]:\n    """log(x) - digamma(x), which tends to 1/(2*x)."""\n    small, large = np.minimum(x, 10), np.maximum(x, 10)\n    exact = np.log(small) - special.digamma(small)\n    series = np.polyval(\n        [1 / 12, -691 / 32760, 1 / 132, -1 / 240, 1 / 252, -1 / 120, 1 / 12],\n        (1 / large) ** 2,\n    )\n    return np.where(x < 10, exact, (0.5 + series / large) / large)', frozenset(['NDArray', 'exact', 'large', 'np', 'series', 'small', 'special', 'x'])),
    '_deviance': ('def _deviance(\n    x: NDArray[np.float64], mean: NDArray[np.float64], log_mean: NDArray[np.float64]\n) -> NDArray[np.float64]:\n    """x*log(x/mean) - x + mean, exact also where x is close to the mean."""\n    ratio = (x - mean) / np.where(x + mean > 0, x + mean, 1)\n    # Loader (2000): log(x/mean) is twice r + r**3/3 + r**5/5 + ..., r the ratio\n    series = np.polyval(1 / np.arange(17, 1, -2), ratio**2)\n    close = (x - mean) * ratio + 2 * x * ratio**3 * series\n    positive = np.where(x > 0, x, 1)\n    far = np.where(x > 0, positive * (np.log(positive) - log_mean), 0) - x + mean\n    return np.where(np.abs(ratio) < 0.1, close, far)', frozenset(['NDArray', 'close', 'far', 'log_mean', 'mean', 'np', 'positive', 'ratio', 'series', 'x'])),
    '_log_choose': ('def _log_choose(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:\n    """log((x + y)!/(x!*y!)) for real x and y from 0 on."""\n    less, more, both = np.minimum(x, y), np.maximum(x, y), x + y\n    share = less / np.where(both > 0, both, 1)\n    mixing = special.xlogy(less, share) + special.xlog1py(more, -share)\n    return _log_stirling(both) - _log_stirling(x) - _log_stirling(y) - mixing', frozenset(['NDArray', '_log_stirling', 'both', 'less', 'mixing', 'more', 'np', 'share', 'special', 'x', 'y'])),
    '_log_ratio': ('def _log_ratio(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:\n    """log(x/y), exact where x is close to y; x/y need not be a float."""\n    excess = np.where(np.abs(x - y) < 0.5 * y, x - y, 0) / y\n    return np.where(excess == 0, np.log(x) - np.log(y), np.log1p(excess))', frozenset(['NDArray', 'excess', 'np', 'x', 'y'])),
    '_bessel_gap': ('def _bessel_gap(k: NDArray[np.float64]) -> NDArray[np.float64]:\n    """1 - I1(k)/I0(k) for Bessel functions, which tends to 1/(2*k)."""\n    small, large = np.minimum(k, 200), np.maximum(k, 200)\n    exact = 1 - special.i1e(small) / special.i0e(small)\n    series = np.polyval(\n        [103 / 32, 1073 / 1024, 13 / 32, 25 / 128, 1 / 8, 1 / 8, 1 / 2], 1 / large\n    )\n    return np.where(k < 200, exact, series / large)', frozenset(['NDArray', 'exact', 'k', 'large', 'np', 'series', 'small', 'special'])),
    '_versine': ('def _versine(a: NDArray[np.float64]) -> NDArray[np.float64]:\n    """1 - cos(a), exact for small angles."""\n    return 2 * np.sin(0.5 * a) ** 2', frozenset(['NDArray', 'a', 'np'])),
    '_ratio': ('def _ratio(\n    above: NDArray[np.float64], below: NDArray[np.float64]\n) -> NDArray[np.float64]:\n    """above/below: one where both are 0, infinity where below is."""\n    quotient = above / np.where(below != 0, below, 1)\n    return np.where(above == below, 1.0, np.where(below != 0, quotient, np.inf))', frozenset(['NDArray', 'above', 'below', 'np', 'quotient'])),
}
