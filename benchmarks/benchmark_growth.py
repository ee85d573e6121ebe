"""How time and memory grow with a model: a table, and the exponent of the growth of each kind.

    python -m benchmarks.benchmark_growth [KIND...] [--sizes 8,16,32,64,128] [--seconds 20]

Each case derives one model in a process of its own, as the command does (documents, code and
certificate written and checked, no PDF), with a limit on its processor time and on its memory.
Seconds are processor seconds without the start of Python; the exponent is the slope of log(seconds)
over log(n) between the two largest sizes with a verdict.
"""

from __future__ import annotations

import argparse
import gc
import json
import math
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Spec = dict[str, Any]

PACKAGE = Path(__file__).resolve().parents[1]
MEGABYTES = 3000
VERDICTS = ("proved", "refuted", "outside", "undecided")


def observe(mean: str, **more: Any) -> Spec:
    """A normal data point with this mean, of one standard normal latent."""
    return {
        "parameters": {"sigma2": "positive", **more.pop("parameters", {})},
        "model": ["z ~ Normal(0, 1)", *more.pop("before", []), f"x ~ Normal({mean}, sigma2)"],
        "observed": ["x"],
        **more,
    }


def layers(n: int) -> Spec:
    """A sigmoid belief network of n layers."""
    sizes = [f"H{k}" for k in range(n)]
    parameters = {"pi": f"unit[{sizes[0]}]"}
    model = [f"z0[i] ~ Bernoulli(pi[i]) for i in 1:{sizes[0]}"]
    for k in range(1, n):
        parameters |= {f"W{k}": f"real[{sizes[k]}, {sizes[k - 1]}]", f"b{k}": f"real[{sizes[k]}]"}
        total = f"sum(W{k}[i,j]*z{k - 1}[j] for j in 1:{sizes[k - 1]}) + b{k}[i]"
        model.append(f"z{k}[i] ~ Bernoulli(logit={total}) for i in 1:{sizes[k]}")
    return {"sizes": sizes, "parameters": parameters, "model": model, "observed": [f"z{n - 1}"]}


def reuse(n: int) -> Spec:
    """A deterministic quantity that each of n layers uses twice."""
    before = ["a0 = z"]
    parameters = {}
    for k in range(1, n + 1):
        parameters |= {f"w{k}": "real", f"v{k}": "real"}
        before.append(f"a{k} = tanh(w{k}*a{k - 1}) + v{k}*a{k - 1}")
    return observe(f"a{n}", before=before, parameters=parameters)


def reuse_vectors(n: int) -> Spec:
    """The same along a plate."""
    model = ["z[i] ~ Normal(0, 1) for i in 1:K", "a0[i] = z[i] for i in 1:K"]
    parameters = {"sigma2": "positive"}
    for k in range(1, n + 1):
        parameters |= {f"w{k}": "real[K]", f"v{k}": "real[K]"}
        below = f"a{k - 1}[i]"
        model.append(f"a{k}[i] = tanh(w{k}[i]*{below}) + v{k}[i]*{below} for i in 1:K")
    model.append(f"x[i] ~ Normal(a{n}[i], sigma2) for i in 1:K")
    return {"sizes": ["K"], "parameters": parameters, "model": model, "observed": ["x"]}


def reuse_functions(n: int) -> Spec:
    """The value of each of n layers is an argument of two abstract functions."""
    layers = [f"a{k} = f{k}(a{k - 1}, w{k}) + g{k}(a{k - 1}, w{k})" for k in range(1, n + 1)]
    return observe(
        f"a{n}",
        before=["a0 = z", *layers],
        parameters={f"w{k}": "real" for k in range(1, n + 1)},
        functions={f"{name}{k}": "real" for k in range(1, n + 1) for name in "fg"},
    )


def calls(n: int) -> Spec:
    """n nested functions."""
    before = ["a0 = z"] + [f"a{k} = tanh(w{k}*a{k - 1} + b{k})" for k in range(1, n + 1)]
    parameters = {f"{s}{k}": "real" for k in range(1, n + 1) for s in "wb"}
    return observe(f"a{n}", before=before, parameters=parameters)


def scale(n: int) -> Spec:
    """A sum of n terms inside a scale."""
    parameters = {f"w{k}": "positive" for k in range(n)}
    total = " + ".join(f"w{k}*v{k}**2" for k in range(n))
    return {
        "parameters": parameters,
        "inputs": {f"v{k}": "real" for k in range(n)},
        "model": ["z ~ Normal(0, 1)", f"x ~ Normal(z, 1 + {total})"],
        "observed": ["x"],
    }


def decoder(n: int) -> Spec:
    """A decoder of n abstract layers."""
    sizes = ["H", "D", *(f"K{k}" for k in range(1, n))]
    inner = "z"
    for k in range(1, n):
        inner = f"f{k}({inner}, w{k})"
    widths = {f"f{k}": f"real[K{k}]" for k in range(1, n)}
    return {
        "sizes": ["P", *sizes],
        "parameters": {"sigma2": "positive", **{f"w{k}": "real[P]" for k in range(1, n + 1)}},
        "functions": {**widths, f"f{n}": "real[D]"},
        "model": [
            "z[h] ~ Normal(0, 1) for h in 1:H",
            *(
                f"a{k}[i] = f{k}({f'a{k - 1}' if k > 1 else 'z'}, w{k})[i] for i in 1:K{k}"
                for k in range(1, n)
            ),
            f"x[d] ~ Normal(f{n}({f'a{n - 1}' if n > 1 else 'z'}, w{n})[d], sigma2) for d in 1:D",
        ],
        "observed": ["x"],
    }


def tower(n: int) -> Spec:
    """n linear maps, one after the other."""
    sizes = [f"K{k}" for k in range(n + 1)]
    model = ["z[h] ~ Normal(0, 1) for h in 1:K0"]
    above = "z"
    for k in range(1, n):
        total = f"sum(W{k}[i,j]*{above}[j] for j in 1:K{k - 1})"
        model.append(f"a{k}[i] = {total} for i in 1:K{k}")
        above = f"a{k}"
    total = f"sum(W{n}[i,j]*{above}[j] for j in 1:K{n - 1})"
    model.append(f"x[i] ~ Normal({total}, sigma2) for i in 1:K{n}")
    weights = {f"W{k}": f"real[K{k}, K{k - 1}]" for k in range(1, n + 1)}
    return {
        "sizes": sizes,
        "parameters": {"sigma2": "positive", **weights},
        "model": model,
        "observed": ["x"],
    }


def beside(n: int) -> Spec:
    """A mean of n nested functions, beside a variance that does not scale."""
    return {**calls(n), "model": [*calls(n)["model"][:-1], f"x ~ Normal(a{n}, 1 + sigma2)"]}


def refutation(n: int) -> Spec:
    """A model that misses the criterion, its mean n nested functions."""
    return {**calls(n), "model": [*calls(n)["model"][:-1], f"x ~ Normal(a{n}, 1 + sigma2*z**2)"]}


def observed(n: int) -> Spec:
    """n observed nodes of one latent."""
    return {
        "parameters": {
            f"{s}{k}": t for k in range(n) for s, t in (("w", "real"), ("s", "positive"))
        },
        "model": ["z ~ Normal(0, 1)", *(f"x{k} ~ Normal(w{k}*z, s{k})" for k in range(n))],
        "observed": [f"x{k}" for k in range(n)],
    }


def covariates(n: int) -> Spec:
    """A regression on n covariates."""
    return {
        "parameters": {"s": "positive", "a": "real", **{f"w{k}": "real" for k in range(n)}},
        "inputs": {f"v{k}": "real" for k in range(n)},
        "model": [
            "z ~ Normal(0, 1)",
            f"x ~ Normal(a*z + {' + '.join(f'w{k}*v{k}' for k in range(n))}, s)",
        ],
        "observed": ["x"],
    }


def degree(n: int) -> Spec:
    """A polynomial of degree n in a latent."""
    return observe(
        " + ".join(f"w{k}*z**{k}" for k in range(1, n + 1)),
        parameters={f"w{k}": "real" for k in range(1, n + 1)},
    )


def gates(n: int) -> Spec:
    """A mean of n gates of as many latents."""
    return {
        "parameters": {
            "s": "positive",
            **{f"{a}{k}": t for k in range(n) for a, t in (("p", "unit"), ("w", "real"))},
        },
        "model": [
            *(f"z{k} ~ Bernoulli(p{k})" for k in range(n)),
            f"x ~ Normal({' + '.join(f'w{k}*z{k}' for k in range(n))}, s)",
        ],
        "observed": ["x"],
    }


def saturated(n: int) -> Spec:
    """The full function of log2(n) binary parents: n parameters."""
    parents = max(1, n.bit_length() - 1)
    terms = []
    for subset in range(1 << parents):
        factors = [f"w{subset}", *(f"z{k}" for k in range(parents) if subset >> k & 1)]
        terms.append("*".join(factors))
    return {
        "parameters": {
            **{f"p{k}": "unit" for k in range(parents)},
            **{f"w{subset}": "real" for subset in range(1 << parents)},
        },
        "model": [
            *(f"z{k} ~ Bernoulli(p{k})" for k in range(parents)),
            f"x ~ Bernoulli(logit={' + '.join(terms)})",
        ],
        "observed": ["x"],
    }


FAMILIES = (
    "Normal(w{k}*z, s{k})",
    "Poisson(log_rate=w{k}*z)",
    "Gamma(s{k}, exp(w{k}*z))",
    "Bernoulli(logit=w{k}*z)",
    "Exponential(exp(w{k}*z))",
    "Laplace(0, s{k}*exp(w{k}*z))",
    "LogNormal(w{k}*z, s{k})",
    "Geometric(sigmoid(w{k}*z))",
)


def families(n: int) -> Spec:
    """n observed nodes of several families in turn."""
    return {
        **observed(n),
        "model": [
            "z ~ Normal(0, 1)",
            *(f"x{k} ~ {FAMILIES[k % len(FAMILIES)].format(k=k)}" for k in range(n)),
        ],
    }


def sizes(n: int) -> Spec:
    """n groups of data of one latent, each of its own size."""
    names = [f"D{k}" for k in range(n)]
    return {
        "sizes": names,
        "parameters": {
            **{f"w{k}": f"real[{name}]" for k, name in enumerate(names)},
            **{f"s{k}": "positive" for k in range(n)},
        },
        "model": [
            "z ~ Normal(0, 1)",
            *(f"x{k}[d] ~ Normal(w{k}[d]*z, s{k}) for d in 1:{m}" for k, m in enumerate(names)),
        ],
        "observed": [f"x{k}" for k in range(n)],
    }


def categories(n: int) -> Spec:
    """A mixture of n components."""
    return {
        "sizes": ["D"],
        "parameters": {"pi": f"simplex[{n}]", "mu": f"real[{n}, D]", "s": f"positive[{n}]"},
        "model": ["c ~ Categorical(pi)", "x[d] ~ Normal(mu[c,d], s[c]) for d in 1:D"],
        "observed": ["x"],
    }


def literal(n: int) -> Spec:
    """A linear map of n times n entries, in numbers."""
    return {
        "parameters": {"sigma2": "positive", "w": f"real[{n}, {n}]"},
        "model": [
            f"z[h] ~ Normal(0, 1) for h in 1:{n}",
            f"x[d] ~ Normal(sum(w[d,h]*z[h] for h in 1:{n}), sigma2) for d in 1:{n}",
        ],
        "observed": ["x"],
    }


def literal_refutation(n: int) -> Spec:
    """The same, missing the criterion."""
    spec = literal(n)
    first, second = spec["model"]
    return {**spec, "model": [first, second.replace("sigma2", "1 + sigma2*z[1]**2")]}


KINDS: dict[str, Callable[[int], Spec]] = {
    kind.__name__: kind
    for kind in (
        layers,
        reuse,
        reuse_vectors,
        reuse_functions,
        calls,
        scale,
        decoder,
        tower,
        beside,
        refutation,
        observed,
        covariates,
        degree,
        gates,
        saturated,
        families,
        sizes,
        categories,
        literal,
        literal_refutation,
    )
}


def derive_one(kind: str, n: int, seconds: int) -> None:
    """In the process of one case: derive, write all texts in memory, say what it took."""
    sys.path.insert(0, str(PACKAGE))
    import symelbo
    from symelbo.limits import GC_THRESHOLD
    from symelbo.pipeline import derive
    from symelbo.write_output import render_files

    resource.setrlimit(resource.RLIMIT_CPU, (seconds + 2, seconds + 3))
    resource.setrlimit(resource.RLIMIT_AS, (MEGABYTES << 20, MEGABYTES << 20))
    gc.set_threshold(*GC_THRESHOLD)
    start = time.process_time()
    try:
        derivation = derive({"name": f"{kind} {n}", **KINDS[kind](n)})
        verdict = derivation.verdict
        middle = time.process_time()
        render_files(derivation)
    except (MemoryError, RecursionError, symelbo.SymelboError) as error:
        verdict, middle = f"{type(error).__name__} {str(error)[:60]}", time.process_time()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    end = time.process_time()
    print(json.dumps([verdict, middle - start, end - start, peak]))


def measure(kind: str, n: int, seconds: int) -> tuple[str, float, float, float]:
    """verdict, seconds to derive, seconds in all, peak megabytes; nan where it did not end."""
    command = [sys.executable, "-m", "benchmarks.benchmark_growth", "--one", kind, str(n)]
    run = subprocess.run(
        [*command, "--seconds", str(seconds)], cwd=PACKAGE, capture_output=True, text=True
    )
    if run.returncode or not run.stdout:
        last = run.stderr.strip().splitlines()[-1:] or [f"exit {run.returncode}"]
        return f"no end: {last[0][:60]}", math.nan, math.nan, math.nan
    verdict, derived, whole, peak = json.loads(run.stdout.splitlines()[-1])
    return str(verdict), float(derived), float(whole), float(peak)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kinds", nargs="*", metavar="KIND", help=", ".join(KINDS))
    parser.add_argument("--sizes", default="8,16,32,64,128")
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--one", nargs=2, metavar=("KIND", "N"))
    options = parser.parse_args()
    if options.one:
        derive_one(options.one[0], int(options.one[1]), options.seconds)
        return
    print(f"{'kind':18} {'n':>4} {'derive s':>9} {'in all s':>9} {'MB':>6}  verdict")
    for kind in options.kinds or KINDS:
        ended: list[tuple[int, float]] = []
        for n in map(int, options.sizes.split(",")):
            verdict, derived, whole, peak = measure(kind, n, options.seconds)
            print(f"{kind:18} {n:4} {derived:9.2f} {whole:9.2f} {peak:6.0f}  {verdict}", flush=True)
            if math.isnan(whole) or verdict not in VERDICTS:
                break
            ended.append((n, whole))
        if len(ended) > 1:
            (small, before), (large, after) = ended[-2:]
            exponent = math.log(after / before) / math.log(large / small)
            print(f"{kind:18} exponent {exponent:.2f}", flush=True)


if __name__ == "__main__":
    main()
