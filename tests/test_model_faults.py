"""Every fault of a bad file, word for word: place, what was found, what was expected, hint."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import symelbo
from symelbo.errors import SpecError
from symelbo.families.registry import FAMILIES
from symelbo.model.read_model import read_model

BASE = """\
name: Bad
sizes: [D, H, C, T]
parameters:
  W: real[D, H]
  mu: real[D]
  sigma2: positive
  p: unit
  pi: simplex[C]
  rate: positive[C, D]
  S: posdef[D, D]
  w: real
"""

# what the file says, and every message it gets (without the `bad.yaml:` in front)
CASES: dict[str, tuple[str, list[str]]] = {
    "unknown key": (
        BASE + ("model:\n  - x ~ Normal(w, 1)\nobserved: [x]\nobservd: [x]\n"),
        [
            (
                "15:1: unknown key `observd`; expected one of name, reference, description, sizes"
                ", parameters, constants, functions, inputs, families, model, observed, variation"
                "al, reparameterize; did you mean `observed`?"
            ),
        ],
    ),
    "unknown family": (
        BASE + ("model:\n  - x ~ Gausian(w, 1)\nobserved: [x]\n"),
        [
            (
                "13:9: unknown family `Gausian`; expected a family of the language or of `familie"
                "s`; did you mean `Normal`?"
            ),
        ],
    ),
    "unknown name with a suggestion": (
        BASE + ("model:\n  - x ~ Normal(w, sigma)\nobserved: [x]\n"),
        [
            "13:19: unknown name `sigma`; expected a declared name; did you mean `sigma2`?",
        ],
    ),
    "unknown name": (
        BASE + ("model:\n  - x ~ Normal(w + qqq, 1)\nobserved: [x]\n"),
        [
            (
                "13:20: unknown name `qqq`; expected a declared name; declare it under `parameter"
                "s`, or give it a statement in `model`"
            ),
        ],
    ),
    "the number pi": (
        ("name: Bad\nmodel:\n  - x ~ Normal(0, 2*pi)\nobserved: [x]\n"),
        [
            "3:21: unknown name `pi`; expected a declared name; the number is written `PI`",
        ],
    ),
    "unknown type": (
        ("name: Bad\nparameters:\n  a: rael[3]\nmodel:\n  - x ~ Normal(0, 1)\nobserved: [x]\n"),
        [
            (
                "3:6: unknown type `rael`; expected one of real, positive, unit, simplex[C], posd"
                "ef[D, D]; did you mean `real`?"
            ),
        ],
    ),
    "unknown size": (
        (
            "name: Bad\n"
            "sizes: [D]\n"
            "parameters:\n"
            "  a: real[D, K]\n"
            "model:\n"
            "  - x ~ Normal(0, 1)\n"
            "observed: [x]\n"
        ),
        [
            (
                "4:14: unknown size `K`; expected a name listed under `sizes`; declare it: `sizes"
                ": [D, K]`"
            ),
        ],
    ),
    "unknown function": (
        BASE + ("model:\n  - x ~ Normal(cos(w), 1)\nobserved: [x]\n"),
        [
            (
                "13:16: unknown function `cos`; known: exp, log, sqrt, abs, tanh, sigmoid, softpl"
                "us, log1p, loggamma, digamma, erf"
            ),
        ],
    ),
    "unknown index": (
        BASE + ("model:\n  - x[d] ~ Normal(mu[k], 1) for d in 1:D\nobserved: [x]\n"),
        [
            (
                "13:22: unknown index `k`; expected a variable of a `for`, or a size; give it a r"
                "ange: `for k in 1:D`"
            ),
        ],
    ),
    "too few indices": (
        BASE + ("model:\n  - x[d] ~ Normal(W[d], 1) for d in 1:D\nobserved: [x]\n"),
        [
            (
                "13:19: `W[d]`, an array where a number belongs; expected 2 indices, not 1; write"
                " `W[d, h]`"
            ),
        ],
    ),
    "too many indices": (
        BASE + ("model:\n  - x[d] ~ Normal(mu[d, d], 1) for d in 1:D\nobserved: [x]\n"),
        [
            "13:19: 2 indices on `mu`; expected 1 index, as in `mu[d]`",
        ],
    ),
    "no index on an array": (
        BASE + ("model:\n  - x ~ Normal(mu, 1)\nobserved: [x]\n"),
        [
            (
                "13:16: `mu`, an array where a number belongs; expected 1 index, not 0; write `mu"
                "[d]`"
            ),
        ],
    ),
    "index of another range": (
        BASE + ("model:\n  - x[h] ~ Normal(mu[h], 1) for h in 1:H\nobserved: [x]\n"),
        [
            "13:22: the index `h` in 1:H; expected 1 to D, the places of index 1 of `mu`",
        ],
    ),
    "index beyond the range": (
        BASE + ("model:\n  - x[d] ~ Normal(mu[d+1], 1) for d in 1:D\nobserved: [x]\n"),
        [
            "13:22: an index that reaches D+1; expected 1 to D, the places of index 1 of `mu`",
        ],
    ),
    "index before the range": (
        BASE
        + (
            "model:\n"
            "  - z[1] ~ Normal(0, 1)\n"
            "  - z[t] ~ Normal(z[t-2], 1) for t in 2:T\n"
            "  - x ~ Normal(z[T], 1)\n"
            "observed: [x]\n"
        ),
        [
            (
                "14:21: an index that reaches 0; expected 1 to T, the places of index 1 of `z`; s"
                "tart the range at 3: `for t in 3:T`"
            ),
        ],
    ),
    "integer out of range": (
        ("name: Bad\nparameters:\n  a: real[3]\nmodel:\n  - x ~ Normal(a[4], 1)\nobserved: [x]\n"),
        [
            "5:18: an index that reaches 4; expected 1 to 3, the places of index 1 of `a`",
        ],
    ),
    "negative variance": (
        BASE + ("model:\n  - x ~ Normal(w, -1)\nobserved: [x]\n"),
        [
            "13:19: `-1` as variance of Normal; expected a positive number",
        ],
    ),
    "variance zero": (
        BASE + ("model:\n  - x ~ Normal(w, variance=0)\nobserved: [x]\n"),
        [
            "13:28: `0` as variance of Normal; expected a positive number",
        ],
    ),
    "negative expression as variance": (
        BASE + ("model:\n  - x ~ Normal(w, -sigma2)\nobserved: [x]\n"),
        [
            (
                "13:19: `-sigma2` as variance of Normal; expected a positive number; declare it `"
                "positive`, or write exp(...) or softplus(...)"
            ),
        ],
    ),
    "p outside": (
        BASE + ("model:\n  - x ~ Bernoulli(3/2)\nobserved: [x]\n"),
        [
            "13:19: `3/2` as p of Bernoulli; expected a number between 0 and 1, both excluded",
        ],
    ),
    "a number where a vector belongs": (
        BASE + ("model:\n  - x ~ MvNormal(0, S)\nobserved: [x]\n"),
        [
            (
                "13:18: `0`, a number, as mean of MvNormal; expected a vector; define it first, a"
                "s in `a[d] = ... for d in 1:D`, and write `a`; a number does not stretch to an a"
                "rray"
            ),
        ],
    ),
    "vector of another length": (
        BASE + ("model:\n  - x ~ MvNormal(pi, S)\nobserved: [x]\n"),
        [
            "13:22: `S` of length D as covariance of MvNormal; expected the length C",
        ],
    ),
    "literal is no simplex": (
        BASE + ("model:\n  - c ~ Categorical(1/2)\n  - x ~ Poisson(rate[c, 1])\nobserved: [x]\n"),
        [
            (
                "13:21: `1/2`, a number, as p of Categorical; expected a vector; define it first,"
                " as in `a[d] = ... for d in 1:D`, and write `a`; a number does not stretch to an"
                " array"
            ),
        ],
    ),
    "latent that nothing uses": (
        BASE + ("model:\n  - z ~ Normal(0, 1)\n  - x ~ Normal(w, 1)\nobserved: [x]\n"),
        [
            (
                "13:5: the latent `z`, which nothing uses; expected another node that depends on "
                "it; add it to `observed`, use it, or drop it: observed is [x]"
            ),
        ],
    ),
    "observed name undefined": (
        BASE + ("model:\n  - x1 ~ Normal(w, 1)\nobserved: [x2]\n"),
        [
            (
                "14:12: the observed name `x2`, which no statement defines; expected a node of `m"
                "odel`; nodes here: x1"
            ),
        ],
    ),
    "observed a parameter": (
        BASE + ("model:\n  - x ~ Normal(w, 1)\nobserved: [x, w]\n"),
        [
            (
                "14:15: the observed name `w`, which is a parameter; expected a node of `model`; "
                "known covariates belong under `inputs`, data need a `~` statement"
            ),
        ],
    ),
    "cycle": (
        BASE
        + (
            "model:\n"
            "  - a ~ Normal(b, 1)\n"
            "  - b ~ Normal(a, 1)\n"
            "  - x ~ Normal(a, 1)\n"
            "observed: [x]\n"
        ),
        [
            (
                "13:5: the cycle a -> b -> a; expected every node to depend on earlier ones only;"
                " only an array may refer to earlier places of itself: `z[t] ~ ... z[t-1] ... for"
                " t in 2:T`"
            ),
        ],
    ),
    "cycle of one": (
        BASE + ("model:\n  - a = a + 1\n  - x ~ Normal(a, 1)\nobserved: [x]\n"),
        [
            (
                "13:5: the cycle a -> a; expected every node to depend on earlier ones only; only"
                " an array may refer to earlier places of itself: `z[t] ~ ... z[t-1] ... for t in"
                " 2:T`"
            ),
        ],
    ),
    "indices named like a node that comes later": (
        BASE
        + (
            "model:\n"
            "  - z[h] ~ Normal(mu[h], 1) for h in 1:D\n"
            "  - h[l] = sum(mu[k]*z[k] for k in 1:D) + mu[l] for l in 1:D\n"
            "  - k ~ Normal(h[1], 1)\n"
            "  - x ~ Normal(k, 1)\n"
            "observed: [x]\n"
        ),
        [
            (
                "13:33: the index variable `h` has the name of something declared; expected a "
                "name of its own; use another letter for the index"
            ),
            (
                "14:31: the index variable `k` has the name of something declared; expected a "
                "name of its own; use another letter for the index"
            ),
        ],
    ),
    "chain without a start": (
        BASE
        + (
            "model:\n"
            "  - z[t] ~ Normal(z[t-1], 1) for t in 2:T\n"
            "  - x ~ Normal(z[T], 1)\n"
            "observed: [x]\n"
        ),
        [
            (
                "13:5: `z` from place 2 on; expected places from 1 on; give its first places a st"
                "atement too, as `z[1] ~ ...`"
            ),
        ],
    ),
    "node twice": (
        BASE + ("model:\n  - x ~ Normal(w, 1)\n  - x ~ Normal(0, 1)\nobserved: [x]\n"),
        [
            (
                "14:5: the name `x` a second time, for a node; expected each name once; it is a n"
                "ode in line 13"
            ),
        ],
    ),
    "parameter and node": (
        BASE + ("model:\n  - w ~ Normal(0, 1)\n  - x ~ Normal(w, 1)\nobserved: [x]\n"),
        [
            (
                "13:5: the name `w` a second time, for a node; expected each name once; it is a p"
                "arameter in line 11: what has a distribution is a latent node, and is not declar"
                "ed"
            ),
        ],
    ),
    "size and constant": (
        BASE + ("constants: {D: real}\nmodel:\n  - x ~ Normal(w, 1)\nobserved: [x]\n"),
        [
            (
                "12:13: the name `D` a second time, for a constant; expected each name once; it i"
                "s a size in line 2"
            ),
        ],
    ),
    "overlapping parts": (
        BASE
        + (
            "model:\n  - x[1] ~ Normal(w, 1)\n  - x[t] ~ Normal(0, 1) for t in 1:T\nobserved: [x]\n"
        ),
        [
            (
                "14:5: the name `x` a second time, at places that overlap or leave a gap; expecte"
                "d each name once, or parts that meet: `z[1] ~ ...` and `z[t] ~ ... for t in 2:T`"
                "; it is a node in line 13"
            ),
        ],
    ),
    "loop variable shadows": (
        BASE + ("model:\n  - x[w] ~ Normal(0, 1) for w in 1:D\nobserved: [x]\n"),
        [
            (
                "13:29: the index variable `w` has the name of something declared; expected a nam"
                "e of its own; use another letter for the index"
            ),
        ],
    ),
    "loop variable not on the left": (
        BASE + ("model:\n  - x ~ Normal(mu[d], 1) for d in 1:D\nobserved: [x]\n"),
        [
            (
                "13:5: no index `d` on `x`; expected the variables of the `for`, each once and in"
                " the same order; write `x[d]`"
            ),
        ],
    ),
    "permuted left": (
        BASE + ("model:\n  - x[h, d] ~ Normal(W[d, h], 1) for d in 1:D, h in 1:H\nobserved: [x]\n"),
        [
            (
                "13:5: the indices h, d of `x`; expected the variables of the `for`, each once an"
                "d in the same order; write `x[d, h]`"
            ),
        ],
    ),
    "reserved word": (
        ("name: Bad\nparameters:\n  sum: real\nmodel:\n  - x ~ Normal(0, 1)\nobserved: [x]\n"),
        [
            (
                "3:3: the name `sum` of a parameter; expected another name; `for`, `in` and `sum`"
                " are reserved words"
            ),
        ],
    ),
    "the name PI": (
        ("name: Bad\nparameters:\n  PI: real\nmodel:\n  - x ~ Normal(0, 1)\nobserved: [x]\n"),
        [
            "3:3: the name `PI` of a parameter; expected another name; `PI` is the number pi",
        ],
    ),
    "missing keys": (
        "sizes: [D]\n",
        [
            "1:1: no key `name`; expected the keys name, model and observed",
            "1:1: no key `model`; expected the keys name, model and observed",
            "1:1: no key `observed`; expected the keys name, model and observed",
        ],
    ),
    "unknown argument": (
        BASE + ("model:\n  - x ~ Normal(w, precison=1)\nobserved: [x]\n"),
        [
            (
                "13:19: unknown argument `precison` of Normal; expected `Normal(mean, variance)` "
                "or `Normal(mean, precision)`; did you mean `precision`?"
            ),
        ],
    ),
    "missing argument": (
        BASE + ("model:\n  - x ~ Normal(w)\nobserved: [x]\n"),
        [
            (
                "13:9: 1 argument of Normal; expected `Normal(mean, variance)` or `Normal(mean, p"
                "recision)`"
            ),
        ],
    ),
    "extra argument": (
        BASE + ("model:\n  - x ~ Normal(w, 1, 2)\nobserved: [x]\n"),
        [
            (
                "13:22: 3 arguments of Normal; expected `Normal(mean, variance)` or `Normal(mean,"
                " precision)`"
            ),
        ],
    ),
    "named before positional": (
        BASE + ("model:\n  - x ~ Normal(mean=w, 1)\nobserved: [x]\n"),
        [
            (
                "13:24: an argument without a name after one with a name; expected its name; `Nor"
                "mal(mean, variance)` or `Normal(mean, precision)`"
            ),
        ],
    ),
    "missing operator": (
        BASE + ("model:\n  - x ~ Normal(2 w, 1)\nobserved: [x]\n"),
        [
            "13:18: `w`; expected `,` or `)`; write a product with `*`",
        ],
    ),
    "unclosed": (
        BASE + ("model:\n  - x ~ Normal((w, 1)\nobserved: [x]\n"),
        [
            "13:15: a `(` that is never closed; expected a matching `)`",
        ],
    ),
    "no tilde": (
        BASE + ("model:\n  - x <- Normal(w, 1)\nobserved: [x]\n"),
        [
            (
                "13:7: the character `<`; expected an expression; a node is written `x ~ Family(."
                "..)`, a deterministic quantity `a = expression`"
            ),
        ],
    ),
    "range with a space": (
        BASE + ("model:\n  - x[d] ~ Normal(w, 1) for d in 1: D\nobserved: [x]\n"),
        [
            (
                "13:5: a mapping where a statement belongs; expected one text; write ranges witho"
                "ut a space, as in 1:H, or put the statement in quotes"
            ),
        ],
    ),
    "python": (
        BASE + ("model:\n  - x ~ Normal(__import__('os').system('x'), 1)\nobserved: [x]\n"),
        [
            (
                "13:27: the character `'`; expected an expression; strings have no place in an ex"
                "pression"
            ),
        ],
    ),
    "power tower": (
        BASE + ("model:\n  - x ~ Normal(9**9**9**9, 1)\nobserved: [x]\n"),
        [
            (
                "13:22: the exponent `9**9`; expected at most 1000 in size; a numeric power tower"
                " is refused"
            ),
        ],
    ),
    "large number": (
        BASE + ("model:\n  - x ~ Normal(1e999999, 1)\nobserved: [x]\n"),
        [
            (
                "13:16: the number `1e999999`; expected at most 300 digits and an exponent of at "
                "most 300"
            ),
        ],
    ),
    "division by zero": (
        BASE + ("model:\n  - x ~ Normal(w/0, 1)\nobserved: [x]\n"),
        [
            "13:18: a division by zero; expected another divisor",
        ],
    ),
    "log of a negative number": (
        BASE + ("model:\n  - x ~ Normal(log(-2), 1)\nobserved: [x]\n"),
        [
            "13:16: `log(-2)`, which is not a real number; expected an argument above 0",
        ],
    ),
    "selects by a binary node": (
        BASE + ("model:\n  - z ~ Bernoulli(p)\n  - x ~ Normal(mu[z], 1)\nobserved: [x]\n"),
        [
            (
                "14:19: `z` as an index; expected an index variable, an integer, a size or a cate"
                "gory; choose by a bit as by a number: `mu[1]*(1 - z) + mu[2]*z`"
            ),
        ],
    ),
    "flow type without quotes": (
        (
            "name: Bad\n"
            "sizes: [D]\n"
            "parameters: {a: real[D]}\n"
            "model:\n"
            "  - x ~ Normal(0, 1)\n"
            "observed: [x]\n"
        ),
        [
            (
                "3:21: YAML that cannot be read: expected ',' or '}', but got '['; inside { } put"
                ' the type in quotes: {W: "real[D, H]"}'
            ),
        ],
    ),
    "not a mapping": (
        ("- a\n- b\n"),
        [
            "1:1: a list; expected a mapping; begin with `name: My model`",
        ],
    ),
    "a single value": (
        "hello\n",
        [
            "1:1: a single value; expected a mapping; begin with `name: My model`",
        ],
    ),
    "empty": (
        "",
        [
            "1:1: an empty file; expected a mapping; begin with `name: My model`",
        ],
    ),
    "duplicate key": (
        ("name: Bad\nname: Worse\nmodel:\n  - x ~ Normal(0, 1)\nobserved: [x]\n"),
        [
            (
                "2:1: the key `name` a second time; expected each key once; it stands first in li"
                "ne 1"
            ),
        ],
    ),
    "alias": (
        ("name: &n Bad\nreference: *n\n"),
        [
            (
                "2:12: the alias `*n`; expected the value itself; write the value out; YAML alias"
                "es are refused"
            ),
        ],
    ),
    "anchor": (
        ("name: &n Bad\nmodel:\n  - x ~ Normal(0, 1)\nobserved: [x]\n"),
        [
            (
                "1:7: the anchor `&n`; expected no anchor; write every value out; YAML anchors an"
                "d aliases are refused"
            ),
        ],
    ),
    "object tag": (
        "name: !!python/object/apply:os.system ['true']\n",
        [
            (
                "1:7: the tag `!!python/object/apply:os.system`; expected plain text, lists and m"
                "appings"
            ),
        ],
    ),
    "two documents": (
        ("name: a\n---\nname: b\n"),
        [
            "2:1: a second document; expected one document per file",
        ],
    ),
    "tab": (
        ("name: a\nmodel:\n\t- x ~ Normal(0, 1)\n"),
        [
            (
                "3:1: YAML that cannot be read: found character '\\t' that cannot start any token;"
                " indent with spaces, not tabs"
            ),
        ],
    ),
    "control character in the name": (
        ('name: "a\\x07b"\nmodel:\n  - x ~ Normal(0, 1)\nobserved: [x]\n'),
        [
            "1:7: the control character `\\x07` in `name`; expected printable text",
        ],
    ),
    "family shadows": (
        (
            "name: Bad\n"
            "families:\n"
            "  Normal: {value: v, support: real, parameters: {a: real}, log_density: a*v}\n"
            "model:\n"
            "  - x ~ Normal(0, 1)\n"
            "observed: [x]\n"
        ),
        [
            (
                "3:3: the family `Normal`, which is built in; expected a name of its own; write a"
                "nother name, as in `MyNormal`"
            ),
        ],
    ),
    "fault in a density": (
        (
            "name: Bad\n"
            "families:\n"
            "  Mine:\n"
            "    value: v\n"
            "    support: positive\n"
            "    parameters: {a: positive}\n"
            "    log_density: log(a) - a*u\n"
            "model:\n"
            "  - x ~ Mine(1)\n"
            "observed: [x]\n"
        ),
        [
            "7:29: unknown name `u`; expected a declared name; known here: a, v, PI",
        ],
    ),
    "unknown support": (
        (
            "name: Bad\n"
            "families:\n"
            "  Mine:\n"
            "    value: v\n"
            "    support: postive\n"
            "    parameters: {a: positive}\n"
            "    log_density: log(a) - a*v\n"
            "model:\n"
            "  - x ~ Mine(1)\n"
            "observed: [x]\n"
        ),
        [
            (
                "5:14: unknown support `postive`; expected real, positive, unit, naturals, binary"
                ", or bounds such as 1..oo; did you mean `positive`?"
            ),
        ],
    ),
    "empty support": (
        (
            "name: Bad\n"
            "families:\n"
            "  Mine:\n"
            "    value: v\n"
            "    support: 3..1\n"
            "    parameters: {a: real}\n"
            "    log_density: a*v\n"
            "model:\n"
            "  - x ~ Mine(1)\n"
            "observed: [x]\n"
        ),
        ["5:14: the empty support `3..1`; expected lower..upper, as 0..1"],
    ),
    "q of an observed node": (
        BASE
        + (
            "model:\n"
            "  - z ~ Normal(0, 1)\n"
            "  - x ~ Normal(z, 1)\n"
            "observed: [x]\n"
            "variational:\n"
            "  - z ~ Normal(m, v)\n"
            "  - x ~ Normal(0, 1)\n"
        ),
        [
            "18:5: the observed node `x` in q; expected a latent node",
        ],
    ),
    "q leaves a latent out": (
        BASE
        + (
            "model:\n"
            "  - z ~ Normal(0, 1)\n"
            "  - y ~ Normal(z, 1)\n"
            "  - x ~ Normal(y, 1)\n"
            "observed: [x]\n"
            "variational:\n"
            "  - z ~ Normal(m, v)\n"
        ),
        [
            (
                "18:3: no statement of q for the latent `y`; expected one for every latent; add `"
                "- y ~ Family(...)`, or write `variational: any`"
            ),
        ],
    ),
    "q outside the support": (
        BASE
        + (
            "model:\n"
            "  - z ~ Gamma(1, 1)\n"
            "  - x ~ Normal(z, 1)\n"
            "observed: [x]\n"
            "variational:\n"
            "  - z ~ Normal(m, v)\n"
        ),
        [
            (
                "17:9: q of `z` with real values; expected a family whose values lie in the suppo"
                "rt of the prior (positive)"
            ),
        ],
    ),
    "unknown variational": (
        BASE
        + (
            "model:\n"
            "  - z ~ Normal(0, 1)\n"
            "  - x ~ Normal(z, 1)\n"
            "observed: [x]\n"
            "variational: exakt\n"
        ),
        [
            (
                "16:14: `variational: exakt`; expected `any`, `exact`, or a list of statements; d"
                "id you mean `exact`?"
            ),
        ],
    ),
    "unknown reparameterize": (
        BASE
        + (
            "model:\n"
            "  - z ~ Normal(0, 1)\n"
            "  - x ~ Normal(z, 1)\n"
            "observed: [x]\n"
            "reparameterize: always\n"
        ),
        [
            "16:17: `always` under `reparameterize`; expected `auto` or `never`",
        ],
    ),
    "quoted text": (
        ('name: Bad\nmodel:\n  - "x ~ Normal(0, qq)"\nobserved: [x]\n'),
        [
            (
                "3:20: unknown name `qq`; expected a declared name; declare it under `parameters`"
                ", or give it a statement in `model`"
            ),
        ],
    ),
    "folded text": (
        ("name: Bad\nmodel:\n  - >-\n    x ~ Normal(0,\n    qq)\nobserved: [x]\n"),
        [
            (
                "3:5: unknown name `qq`; expected a declared name; declare it under `parameters`,"
                " or give it a statement in `model`"
            ),
        ],
    ),
    "an abstract family of two parameters": (
        (
            "name: Bad\nsizes: [D]\nparameters: {mu: 'real[D]', s: positive}\nfamilies:\n"
            "  F: {abstract: true, parameters: {theta: 'real[D]', k: positive}}\n"
            "model:\n  - z ~ F(mu, s)\n  - x ~ Normal(z, 1)\nobserved: [x]\n"
        ),
        [
            (
                "5:3: 2 parameters of the abstract family `F`; expected one, which its natural par"
                "ameters are a function of; write one array, as in {theta: real[L]}"
            ),
        ],
    ),
    "all at once": (
        (
            "name: Bad\n"
            "sizes: [D]\n"
            "paramters: {a: real}\n"
            "constants: {c: rela}\n"
            "model:\n"
            "  - z[h] ~ Norml(0, 1) for h in 1:D\n"
            "  - y ~ Normal(0, -1)\n"
            "  - x[d] ~ Normal(foo, bar) for d in 1:E\n"
            "observed: [x, q]\n"
            "variational: some\n"
        ),
        [
            (
                "3:1: unknown key `paramters`; expected one of name, reference, description, size"
                "s, parameters, constants, functions, inputs, families, model, observed, variatio"
                "nal, reparameterize; did you mean `parameters`?"
            ),
            (
                "4:16: unknown type `rela`; expected one of real, positive, unit, simplex[C], pos"
                "def[D, D]; did you mean `real`?"
            ),
            (
                "6:12: unknown family `Norml`; expected a family of the language or of `families`"
                "; did you mean `Normal`?"
            ),
            "7:19: `-1` as variance of Normal; expected a positive number",
            (
                "8:19: unknown name `foo`; expected a declared name; declare it under `parameters"
                "`, or give it a statement in `model`"
            ),
            (
                "8:24: unknown name `bar`; expected a declared name; declare it under `parameters"
                "`, or give it a statement in `model`"
            ),
            (
                "8:40: unknown size `E`; expected a name listed under `sizes`; declare it: `sizes"
                ": [D, E]`"
            ),
            (
                "9:15: the observed name `q`, which no statement defines; expected a node of `mod"
                "el`; nodes here: z, y, x"
            ),
            "10:14: `variational: some`; expected `any`, `exact`, or a list of statements",
        ],
    ),
}


def faults_of(directory: Path, text: str) -> list[str]:
    """The messages of a file, without the directory."""
    path = directory / "bad.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SpecError) as caught:
        read_model(path)
    assert str(caught.value) == "\n".join(map(str, caught.value.faults))
    return [str(fault).removeprefix(f"{path}:") for fault in caught.value.faults]


@pytest.mark.parametrize("case", CASES)
def test_a_bad_file_gets_these_messages(case: str, tmp_path: Path) -> None:
    text, messages = CASES[case]
    assert faults_of(tmp_path, text) == messages


def test_an_unknown_family_without_a_near_one_lists_the_known_ones(tmp_path: Path) -> None:
    text = BASE + "model:\n  - x ~ Zipf(w, 1)\nobserved: [x]\n"
    known = ", ".join(sorted(FAMILIES))
    expected = "expected a family of the language or of `families`"
    assert faults_of(tmp_path, text) == [f"13:9: unknown family `Zipf`; {expected}; known: {known}"]


def test_a_byte_that_is_not_utf8(tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_bytes(b"name: a\nreference: \xe9t\xe9\n")
    with pytest.raises(SpecError) as caught:
        read_model(path)
    assert str(caught.value) == (
        f"{path}:2:12: the byte 0xe9, which is not UTF-8; expected a file in UTF-8; "
        "save it as UTF-8 in your editor"
    )


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "none.yaml"
    with pytest.raises(SpecError) as caught:
        read_model(path)
    assert str(caught.value) == (
        f"{path}:1:1: no file to read (No such file or directory); expected a YAML file"
    )


def test_places_in_a_dict_are_paths() -> None:
    with pytest.raises(SpecError) as caught:
        read_model(
            {
                "name": "m",
                "parameters": {"W": "rael[D]"},
                "model": ["x ~ Normal(0, qq)"],
                "observed": ["x"],
            }
        )
    assert [str(fault) for fault in caught.value.faults] == [
        "<dict>: parameters.W: unknown type `rael`; expected one of real, positive, unit, "
        "simplex[C], posdef[D, D]; did you mean `real`?",
        "<dict>: model[0]:15: unknown name `qq`; expected a declared name; declare it under "
        "`parameters`, or give it a statement in `model`",
    ]


def test_at_most_a_hundred_faults_are_collected(tmp_path: Path) -> None:
    text = "name: a\nmodel:\n" + "".join(f"  - x{n} ~ Nrm(0)\n" for n in range(400))
    assert len(faults_of(tmp_path, text)) == 100


# what is written, and where it leaves its domain: no parameters make up for a value of a parent
SUPPORTS = {
    "Exponential(l*b)": "which is 0 at b = 0; expected a positive number; give that case a value of"
    " its own, as in a*b + b1*(1 - b)",
    "Poisson(b*l)": "which is 0 at b = 0; expected a positive number; give that case a value of"
    " its own, as in a*b + b1*(1 - b)",
    "Poisson(k*l)": "which is 0 at k = 0",
    "Normal(0, l*(1 - 2*b))": "which is outside its domain at b = 1",
    "Normal(0, w*r)": "which is outside its domain at r = -1",
    "Normal(0, l + r)": "which is negative at some r",
    "Normal(0, g - 1)": "which is -999999/1000000 at g = 1/1000000",
    "Bernoulli(b)": "which is 0 at b = 0; expected a number between 0 and 1",
    "Normal(0, w)": "; expected a positive number; declare w `positive`",
    "Normal(0, c)": "; expected a positive number; declare c `positive`",
    "Bernoulli(w)": "; expected a number between 0 and 1, both excluded; declare w `unit`",
    "Poisson(sum(b2[h] for h in 1:H))": "which is 0 at b2 = 0",
}
INSIDE = (
    "Exponential(l*b + m*(1 - b))",
    "Poisson(l + k)",
    "Poisson(l + m*sum(b2[h] for h in 1:H))",
    "Bernoulli(p*b + (1 - p)*(1 - b))",
    "Normal(0, g*l)",
    "Normal(0, 1 + r**2)",
)


def supports(statement: str) -> dict[str, object]:
    names = {"b": "Bernoulli(p)", "k": "Poisson(l)", "r": "Normal(0, l)", "g": "Gamma(l, m)"}
    used = {n: f for n, f in names.items() if re.search(rf"\b{n}\b", statement)}
    model = [f"{n} ~ {f}" for n, f in used.items()]
    if "b2" in statement:
        model.append("b2[h] ~ Bernoulli(p) for h in 1:H")
    return {
        "name": "supports",
        "sizes": ["H"],
        "parameters": {"l": "positive", "m": "positive", "w": "real", "p": "unit"},
        "constants": {"c": "real"},
        "model": [*model, f"x ~ {statement}"],
        "observed": ["x"],
    }


@pytest.mark.parametrize("statement", SUPPORTS)
def test_an_argument_that_leaves_its_domain_at_a_value_of_a_parent(statement: str) -> None:
    with pytest.raises(SpecError) as caught:
        read_model(supports(statement))
    (fault,) = caught.value.faults
    assert SUPPORTS[statement] in str(fault)
    assert fault.place.column > 1


@pytest.mark.parametrize("statement", INSIDE)
def test_what_is_inside_for_every_parent_is_no_condition(statement: str) -> None:
    assert read_model(supports(statement)).conditions == ()


UNDEFINED = {
    "Normal(w*log(b), l)": "not defined at b = 0",
    "Normal(w*b**(-1), l)": "not defined at b = 0",
    "Normal(w*log1p(-b), l)": "not defined at b = 1",
    "Normal(w*sqrt(b - 1), l)": "not defined at b = 0",
    "Poisson(log_rate=log(w*b))": "not defined at b = 0",
    "Normal(log(k), l)": "not defined at k = 0",
    "Normal(w*sqrt(r), l)": "not defined at r = -1",
    "Normal(log(-1 - w**2), l)": "is never positive",
    "Normal(0, l*(2 - k))": "is 0 at k = 2",
    "Normal(0, 3.5 - k)": "at k = 1000",
}


@pytest.mark.parametrize("statement", UNDEFINED)
def test_an_argument_without_a_value_at_some_parent(statement: str) -> None:
    with pytest.raises(SpecError) as caught:
        read_model(supports(statement))
    (fault,) = caught.value.faults
    assert UNDEFINED[statement] in str(fault)


@pytest.mark.parametrize(
    ("prior", "variance", "at"),
    [
        ("Categorical(pi)", "w*(c - 1)", "c = 1"),
        ("Categorical(pi)", "w*(3 - c)", "c = 3"),
        ("Binomial(3, p)", "w*(2 - c)", "c = 2"),
    ],
)
def test_arguments_are_tried_at_every_category_and_count(
    prior: str, variance: str, at: str
) -> None:
    parameters = {"w": "positive", "pi": "simplex[3]"} if "pi" in prior else {"w": "positive"}
    if "p)" in prior:
        parameters["p"] = "unit"
    with pytest.raises(SpecError, match=f"is 0 at {at}"):
        read_model(
            {
                "name": "categories",
                "parameters": parameters,
                "model": [f"c ~ {prior}", f"x ~ Normal(0, {variance})"],
                "observed": ["x"],
            }
        )


def test_q_has_no_values_that_the_prior_excludes() -> None:
    with pytest.raises(SpecError, match="greatest"):
        read_model(
            {
                "name": "counts",
                "parameters": {"p": "unit", "w": "real", "s": "positive"},
                "model": ["z ~ Binomial(4, p)", "x ~ Normal(w*z, s)"],
                "observed": ["x"],
                "variational": ["z ~ Poisson(r)"],
            }
        )


# one cause, and much that depends on it
CAUSES: dict[str, tuple[str, str]] = {
    "a statement that does not parse": (
        "model:\n"
        "  - z[d] ~ Normal(0, 1 for d in 1:D\n"
        "  - a = z[1] + z[2]\n"
        "  - x ~ Normal(a, 1)\n"
        "observed: [x]\n"
        "variational:\n"
        "  - z[d] ~ Normal(m[d], v) for d in 1:D\n",
        "13:18: a `(` that is never closed",
    ),
    "an observed one": (
        "model:\n  - x ~ Normal(0 1)\nobserved: [x]\n",
        "13:18: `1`; expected `,` or `)`",
    ),
    "the rest of an array": (
        "model:\n"
        "  - z[1] ~ Normal(0, 1)\n"
        "  - z[t] ~ Normal(z[t-1] 1) for t in 2:T\n"
        "  - x[t] ~ Normal(z[t], 1) for t in 1:T\n"
        "observed: [x]\n",
        "14:26: `1`; expected `,` or `)`",
    ),
    "a range that YAML takes for a mapping": (
        "model:\n"
        "  - z[t] ~ Normal(0, 1) for t in 1: T\n"
        "  - x[t] ~ Normal(z[t], 1) for t in 1:T\n"
        "observed: [x]\n",
        "13:5: a mapping where a statement belongs",
    ),
    "a statement of q that does not parse": (
        "model:\n"
        "  - z ~ Normal(0, 1)\n"
        "  - x ~ Normal(z, 1)\n"
        "observed: [x]\n"
        "variational:\n"
        "  - z ~ Normal(m, v\n",
        "17:15: a `(` that is never closed",
    ),
    "a latent that is a parameter": (
        "model:\n"
        "  - w ~ Normal(0, 1)\n"
        "  - x ~ Normal(w, 1)\n"
        "observed: [x]\n"
        "variational:\n"
        "  - w ~ Normal(m, v)\n",
        "13:5: the name `w` a second time",
    ),
    "a name that is declared nowhere": (
        "model:\n"
        "  - x ~ Normal(qqq, 1)\n"
        "  - y ~ Normal(qqq**2, 1)\n"
        "  - b[d] = qqq for d in 1:D\n"
        "  - v[d] ~ Normal(b[d], 1) for d in 1:D\n"
        "observed: [x, y, v]\n",
        "13:16: unknown name `qqq`",
    ),
    "a size that is declared nowhere": (
        "model:\n"
        "  - x[q] ~ Normal(w, 1) for q in 1:QQQ\n"
        "  - y[q] ~ Normal(x[q] + w, 1) for q in 1:QQQ\n"
        "observed: [x, y]\n",
        "13:36: unknown size `QQQ`",
    ),
    "a key that is misspelt": (
        "modl:\n  - z ~ Normal(0, 1)\n  - x ~ Normal(z, 1)\nobserved: [x]\n",
        "12:1: unknown key `modl`",
    ),
    "a key of a family that is misspelt": (
        "families:\n"
        "  Own: {value: v, suport: real, parameters: {a: positive}, log_density: -a*v**2}\n"
        "model:\n  - x ~ Own(sigma2)\nobserved: [x]\n",
        "13:19: unknown key `suport` of a family",
    ),
    "a parameter of no type": (
        "constants: {k: reel}\nmodel:\n  - x ~ Normal(k, -k**2)\nobserved: [x]\n",
        "12:16: unknown type `reel`",
    ),
    "a name that cannot be one": (
        "constants: {_k: real}\nmodel:\n  - x ~ Normal(_k, 1)\nobserved: [x]\n",
        "12:13: the name `_k` of a constant",
    ),
    "the name of a function": (
        "constants: {exp: real}\nmodel:\n  - x ~ Normal(exp, exp(w))\nobserved: [x]\n",
        "12:13: the name `exp` of a constant",
    ),
    **{
        f"a family that is faulty, {where}": (
            "families:\n"
            "  Own: {value: v, support: real, parameters: {l: real}, log_density: -foo(l)*v}\n"
            + rest,
            "13:71: unknown function `foo`",
        )
        for where, rest in {
            "in the model": "model:\n  - z ~ Own(w)\n  - x ~ Normal(z, 1)\nobserved: [x]\n",
            "in q": "model:\n  - z ~ Normal(0, 1)\n  - y ~ Normal(0, 1)\n  - x ~ Normal(z + y, 1)\n"
            "observed: [x]\nvariational:\n  - z ~ Own(a)\n  - y ~ Normal(m, s)\n",
            "in both": "model:\n  - z ~ Own(w)\n  - x ~ Normal(z, 1)\nobserved: [x]\n"
            "variational:\n  - z ~ Own(a)\n",
            "of places": "model:\n  - z[d] ~ Normal(0, 1) for d in 1:D\n"
            "  - x[d] ~ Normal(z[d], 1) for d in 1:D\nobserved: [x]\n"
            "variational:\n  - z[d] ~ Own(a[d]) for d in 1:D\n",
            "nowhere": "model:\n  - x ~ Normal(w, 1)\nobserved: [x]\n",
        }.items()
    },
    "a quantity that is not defined": (
        "model:\n  - a = log(0)\n  - z ~ Normal(0, a)\n  - x ~ Normal(z, -a)\nobserved: [x]\n",
        "13:9: `log(0)`, which is not a real number",
    ),
}


@pytest.mark.parametrize("cause", CAUSES)
def test_what_follows_from_a_fault_is_no_fault(cause: str, tmp_path: Path) -> None:
    text, message = CAUSES[cause]
    (found,) = faults_of(tmp_path, BASE + text)
    assert found.startswith(message)


def test_a_name_of_which_another_is_near_is_mended_at_every_place(tmp_path: Path) -> None:
    text = "model:\n  - x ~ Normal(w, sigma)\n  - y ~ Normal(w, sigma)\nobserved: [x, y]\n"
    found = faults_of(tmp_path, BASE + text)
    assert [message.split(":")[0] for message in found] == ["13", "14"]


def test_a_range_that_depends_on_an_index(tmp_path: Path) -> None:
    text = (
        "model:\n"
        "  - z[t] ~ Normal(0, 1) for t in 1:T\n"
        "  - x[t] ~ Normal(sum(z[s] for s in 1:t-1), 1) for t in 1:T\n"
        "  - y[d] ~ Normal(sum(W[k,1] for k in d:D), 1) for d in 1:D\n"
        "observed: [x, y]\n"
    )
    wanted = "expected ends that are the same for every value of the other indices"
    hint = (
        "take the whole range, with a constant array that is 0 outside of yours: declare "
        '`constants: {L: "real[%s, %s]"}` and write `sum(L[%s,k]*... for k in 1:%s)`'
    )
    assert faults_of(tmp_path, BASE + text) == [
        f"14:39: the end `t-1` of a range, which depends on the index `t`; {wanted}; "
        + hint % ("T", "T", "t", "T"),
        f"15:39: the end `d` of a range, which depends on the index `d`; {wanted}; "
        + hint % ("D", "D", "d", "D"),
    ]


def test_what_the_hint_on_ranges_says_is_read() -> None:
    model = read_model(
        {
            "name": "triangle",
            "sizes": ["T"],
            "constants": {"L": "real[T, T]"},
            "parameters": {"s": "positive"},
            "model": [
                "z[t] ~ Normal(0, s) for t in 1:T",
                "x[t] ~ Normal(sum(L[t,k]*z[k] for k in 1:T), s) for t in 1:T",
            ],
            "observed": ["x"],
        }
    )
    assert len(model.statements) == 2


EARLIER_PLACES = (
    "name the earlier places one by one: a fixed number of them, as in `x[t-1]` and `x[t-2]`, or, "
    "where the length is a number, all of them in a statement for every place: `x[1] ~ ...`, "
    "`x[2] ~ ... x[1] ...`"
)


def test_a_range_over_earlier_places_of_the_node_itself(tmp_path: Path) -> None:
    text = (
        "model:\n"
        "  - x[1] ~ Normal(0, 1)\n"
        "  - x[t] ~ Normal(sum(x[s]*w for s in 1:t-1), 1) for t in 2:T\n"
        "observed: [x]\n"
    )
    assert faults_of(tmp_path, BASE + text) == [
        "14:41: the end `t-1` of a range, which depends on the index `t`; expected ends that are "
        f"the same for every value of the other indices; {EARLIER_PLACES}"
    ]


def test_what_the_hint_on_earlier_places_says_is_read() -> None:
    some = [
        "x[1] ~ Normal(0, s)",
        "x[2] ~ Normal(0, s)",
        "x[t] ~ Normal(w[1]*x[t-1] + w[2]*x[t-2], s) for t in 3:T",
    ]
    each = ["x[1] ~ Normal(0, s)", "x[2] ~ Normal(w[1]*x[1], s)"]
    for statements in (some, each):
        read_model(
            {
                "name": "chain",
                "sizes": ["T"],
                "parameters": {"s": "positive", "w": "real[2]"},
                "model": statements,
                "observed": ["x"],
            }
        )


# statement, the formula of arrays in it, the statement that names it, what is written instead
FORMULAS_OF_ARRAYS = {
    "a sum": ("x ~ MvNormal(m, S + U)", "S + U", "V[d,i] = S[d,i] + U[d,i] for {d}, {i}", "V"),
    "multiples": (
        "x ~ MvNormal(m, v*S + U/v)",
        "v*S + U/v",
        "V[d,i] = v*S[d,i] + U[d,i]/v for {d}, {i}",
        "V",
    ),
    "a vector and a number": ("x ~ MvNormal(m + v, S)", "m + v", "a[d] = m[d] + v for {d}", "a"),
    "in a plate": (
        "x[k] ~ MvNormal(m, S + v*B[k]) for k in 1:K",
        "S + v*B[k]",
        "V[k,d,i] = S[d,i] + v*B[k,d,i] for k in 1:K, {d}, {i}",
        "V[k]",
    ),
    "of a network": (
        "x[d] ~ Normal(f(m - r)[d], v) for d in 1:D",
        "m - r",
        "a[i] = m[i] - r[i] for {i}",
        "a",
    ),
    "no rule for entries": ("x ~ MvNormal(m, S*U)", "S*U", "V[d,i] = ... for {d}, {i}", "V"),
}


@pytest.mark.parametrize("case", FORMULAS_OF_ARRAYS)
def test_a_formula_of_arrays_is_named_first(case: str) -> None:
    statement, formula, definition, name = FORMULAS_OF_ARRAYS[case]
    definition = definition.format(d="d in 1:D", i="i in 1:D")
    spec: dict[str, Any] = {
        "name": "formula of arrays",
        "sizes": ["D", "K"],
        "parameters": {
            "m": "real[D]",
            "r": "real[D]",
            "v": "positive",
            "S": "posdef[D, D]",
            "U": "posdef[D, D]",
            "B": "posdef[K, D, D]",
        },
        "functions": {"f": "real[D]"},
        "model": [statement],
        "observed": ["x"],
    }
    with pytest.raises(SpecError) as caught:
        read_model(spec)
    (fault,) = caught.value.faults
    place = statement.index(formula) + 1
    assert str(fault) == (
        f"<dict>: model[0]:{place}: `{formula}`, a formula of arrays; expected the name of an "
        f"array; name it first, entry by entry: `{definition}`, and write `{name}`"
    )
    if "..." not in definition:
        spec["model"] = [definition, statement.replace(formula, name)]
        assert symelbo.derive(spec).verdict == "proved"


# deterministic quantities in parts: what is said where they do not fit together
PARTS = {
    "a gap": (("a[1] = w", "a[3] = w"), "a[1]", "at places that overlap or leave a gap"),
    "twice": (("a[1] = w", "a[1] = 2*w"), "a[1]", "`a` a second time, for a deterministic"),
    "a scalar twice": (("a = w", "a = 2*w"), "a", "`a` a second time, for a deterministic"),
    "both kinds": (("a[1] = w", "a[2] ~ Normal(0, 1)"), "a[1]", "`a` a second time, for a node"),
    "before the first": (
        ("a[t] = w for t in 2:T",),
        "a[1]",
        "an index that reaches 1; expected 2 to T, the places of index 1 of `a`",
    ),
    "a range before the first": (
        ("a[t] = w for t in 3:T", "b[t] = a[t-1] for t in 3:T"),
        "b[T]",
        "an index that reaches 2; expected 3 to T, the places of index 1 of `a`; start the range "
        "at 4: `for t in 4:T`",
    ),
    "all of it": (
        ("a[t] = w for t in 2:T", "y ~ Dirichlet(a)"),
        "a[2]",
        "all of `a`, which begins at place 2; expected an array whose places are counted from 1",
    ),
}


@pytest.mark.parametrize("name", PARTS)
def test_deterministic_parts_that_do_not_fit(name: str, tmp_path: Path) -> None:
    statements, used, message = PARTS[name]
    lines = "".join(f"  - {statement}\n" for statement in statements)
    text = f"model:\n{lines}  - x ~ Normal({used}, 1)\nobserved: [x]\n"
    found = faults_of(tmp_path, BASE + text)
    assert len(found) == 1
    assert message in found[0]


def test_a_category_is_no_place_on_the_left(tmp_path: Path) -> None:
    text = "model:\n  - c ~ Categorical(pi)\n  - x[c] ~ Normal(0, 1)\nobserved: [x]\n"
    assert "14:7: the index `c` left of the ~" in faults_of(tmp_path, BASE + text)[0]
    assert (
        "13:7: the index `x` left of the ~"
        in faults_of(tmp_path, BASE + "model:\n  - x[x] ~ Normal(0, 1)\nobserved: [x]\n")[0]
    )


# what people write who come from elsewhere, and what they are told
ELSEWHERE = {
    "x ~ Normal(sum(W[1,:]), 1)": "name a whole row by leaving its last indices out: `mu[c]`",
    "x ~ Normal(W[:,1], 1)": "name a whole row by leaving its last indices out: `mu[c]`",
    "x[d] ~ Normal(mu[1:D], 1)": "name a whole row by leaving its last indices out: `mu[c]`",
    "x ~ Normal(w, 1);": "a statement is an entry of the list by itself, begun with `- `",
    "x ~ Normal(w if p else 0, 1)": "choose by a bit `b` of values 0 and 1: `a*b + c*(1 - b)`",
    "x ~ Normal(p ? w : 0, 1)": "choose by a bit `b` of values 0 and 1: `a*b + c*(1 - b)`",
    "x ~ Normal(w, 1) T[0,]": "a truncated density is a family of your own",
    "x ~ w + Normal(0, 1)": "a node has one family, whose arguments hold all else",
    "x ~ p*Normal(0, 1) + (1-p)*Normal(w, 1)": "a mixture has a latent category",
    "x ~ 0.5*Normal(0, 1)": "a mixture has a latent category",
    "x ~ dnorm(w, 1)": "did you mean `Normal(mean, variance)` or `Normal(mean, precision)`?",
    "x ~ Gaussian(w, 1)": "did you mean `Normal(mean, variance)` or `Normal(mean, precision)`?",
    "x ~ Normal(w, std=p)": "write `variance=std**2` for a standard deviation `std`",
    "x ~ Normal(max(w, 0), 1)": "write `(a + b + abs(a - b))/2` for max(a, b)",
    "x ~ Bernoulli(inv_logit(w))": "write `sigmoid(a)`",
    "x ~ MvNormal(mu, diag(mu))": "a diagonal covariance is `x[d] ~ Normal(mu[d], s[d])",
    "x ~ Normal(mu[u], 1)": "declare `u: real[C]` under `inputs`",
}


@pytest.mark.parametrize("statement", ELSEWHERE)
def test_what_is_written_elsewhere(statement: str, tmp_path: Path) -> None:
    text = f"inputs: {{u: real}}\nmodel:\n  - '{statement}'\nobserved: [x]\n"
    (found,) = faults_of(tmp_path, BASE + text)
    assert ELSEWHERE[statement] in found


@pytest.mark.parametrize("observed", ["[x[1]]", "['x[1]']"])
def test_a_part_of_an_array_is_no_data(observed: str, tmp_path: Path) -> None:
    text = f"model:\n  - x[t] ~ Normal(0, 1) for t in 1:T\nobserved: {observed}\n"
    (found,) = faults_of(tmp_path, BASE + text)
    assert "whole arrays" in found or "all places of an array are data" in found


def test_a_list_in_brackets_is_split_at_commas(tmp_path: Path) -> None:
    text = "model: [x ~ Normal(w, 1), y ~ Gamma(sigma2, 2, 3), z ~ Poisson(sigma2)]\n"
    found = faults_of(tmp_path, BASE + text + "observed: [x, y, z]\n")
    assert [message.split(";")[0] for message in found] == [
        "12:9: `x ~ Normal(w`, which YAML has split at a comma",
        "12:27: `y ~ Gamma(sigma2`, which YAML has split at a comma",
    ]


@pytest.mark.parametrize("kind", ["array[D] real", "real(D)", "real D"])
def test_an_array_in_another_notation(kind: str, tmp_path: Path) -> None:
    text = f"constants: {{k: '{kind}'}}\nmodel:\n  - x ~ Normal(w, 1)\nobserved: [x]\n"
    (found,) = faults_of(tmp_path, BASE + text)
    assert found.endswith("expected the end of the type; an array is `real[D, H]`")


@pytest.mark.parametrize("function", ["eta_F", "T_F", "A_F", "h_F", "H_F"])
@pytest.mark.parametrize("where", ["sizes", "parameters", "functions", "model", "variational"])
def test_a_function_of_an_abstract_family_has_its_name_alone(function: str, where: str) -> None:
    named = {key: function if key == where else f"a{n}" for n, key in enumerate(PLACES_OF_NAMES)}
    spec: dict[str, object] = {
        "name": "names",
        "sizes": [named["sizes"]],
        "parameters": {named["parameters"]: "positive"},
        "functions": {named["functions"]: "real[2]"},
        "families": {"F": {"abstract": True, "parameters": {"t": "real[2]"}}},
        "model": [
            f"{named['model']} ~ Normal(0, {named['parameters']})",
            f"x[d] ~ F({named['functions']}({named['model']})) for d in 1:{named['sizes']}",
        ],
        "observed": "x",
        "variational": [f"{named['model']} ~ Normal({named['variational']}, 1)"],
    }
    with pytest.raises(SpecError, match=f"the name `{function}` a second time"):
        read_model(spec)


@pytest.mark.parametrize(
    "kind",
    [
        *("real", "positive", "unit", "real[K, L]", "real[L, L]", "unit[2, 2]"),
        *("simplex[L]", "simplex[2]", "simplex[K, L]", "posdef[K, K]", "posdef[2, 2]"),
        "posdef[L, K, K]",
    ],
)
@pytest.mark.parametrize("where", ["model", "variational"])
def test_the_parameter_of_an_abstract_family_is_a_vector(
    kind: str, where: str, tmp_path: Path
) -> None:
    prior, q = ("F(th)", "any") if where == "model" else ("Normal(0, 1)", "[z ~ F(a)]")
    text = (
        f"name: Bad\nsizes: [K, L]\nparameters: {{th: '{kind}', m: 'real[K, L]'}}\nfamilies:\n"
        f"  F: {{abstract: true, parameters: {{theta: '{kind}'}}}}\n"
        f"model:\n  - z ~ {prior}\n  - x ~ Normal(z + m[1, 1], 1)\nobserved: [x]\n"
        f"variational: {q}\n"
    )
    (found,) = faults_of(tmp_path, text)
    assert found.startswith("5:44: the parameter `theta` of the abstract family `F`; expected one ")
    assert "as in `theta: real[L]`" in found


PLACES_OF_NAMES = ("sizes", "parameters", "functions", "model", "variational")
