"""Random small models, as a user might write them, from a seed.

`generate(seed)` is a mapping in the specification language and `to_yaml` its text; both depend on
the seed alone.  About half of the models are named structures (factor analysers, mixtures, chains,
time series, regressions, conjugate pairs) with random choices in them, the others random graphs.
`boldness` in 0..1 moves the weight from models whose scales are learned (which mostly hold) to
fixed priors, known scales and arguments in several places (which move latents, or fail).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

Spec = dict[str, Any]


@dataclass(frozen=True)
class Plate:
    index: str
    size: str

    @property
    def loop(self) -> str:
        return f"{self.index} in 1:{self.size}"


@dataclass(frozen=True)
class Node:
    """A random quantity; kind: real, positive, unit, binary, category, counts, angle."""

    name: str
    kind: str
    plate: Plate | None = None
    size: str = ""  # of a category

    @property
    def entry(self) -> str:
        return f"{self.name}[{self.plate.index}]" if self.plate else self.name


@dataclass
class Builder:
    rng: Random
    boldness: float
    sizes: list[str] = field(default_factory=list)
    parameters: dict[str, str] = field(default_factory=dict)
    constants: dict[str, str] = field(default_factory=dict)
    functions: dict[str, str] = field(default_factory=dict)
    inputs: dict[str, str] = field(default_factory=dict)
    families: dict[str, Any] = field(default_factory=dict)
    statements: list[str] = field(default_factory=list)
    observed: list[str] = field(default_factory=list)
    latents: list[Node] = field(default_factory=list)

    # Choices and names.

    def chance(self, p: float) -> bool:
        return self.rng.random() < p

    def bold(self, p: float = 1.0) -> bool:
        return self.rng.random() < p * self.boldness

    def pick(self, *options: Any) -> Any:
        return self.rng.choice(options)

    def fresh(self, *wanted: str) -> str:
        taken = {*self.parameters, *self.constants, *self.functions, *self.inputs, *self.sizes}
        taken |= {s.split("~")[0].split("=")[0].split("[")[0].strip() for s in self.statements}
        taken |= set("dhkjitcxyzvroa")  # indices, nodes and derived quantities
        for name in wanted:
            if name not in taken:
                return name
        return next(n for i in range(1, 99) if (n := f"{wanted[0]}{i}") not in taken)

    def plate(self, index: str) -> Plate:
        """A symbolic size, or now and then a literal one."""
        size = {"d": "D", "h": "H", "k": "K", "j": "J", "i": "I"}[index]
        if self.chance(0.2):
            return Plate(index, str(self.rng.randint(1, 3)))
        if size not in self.sizes:
            self.sizes.append(size)
        return Plate(index, size)

    def category_size(self) -> str:
        if self.chance(0.4):
            return str(self.rng.randint(2, 3))
        if "C" not in self.sizes:
            self.sizes.append("C")
        return "C"

    def parameter(self, kind: str, extents: list[str], *wanted: str) -> str:
        name = self.fresh(*wanted)
        self.parameters[name] = kind + (f"[{', '.join(extents)}]" if extents else "")
        return name

    def constant(self, kind: str, extents: list[str], *wanted: str) -> str:
        name = self.fresh(*wanted)
        self.constants[name] = kind + (f"[{', '.join(extents)}]" if extents else "")
        return name

    # Expressions.

    def own(self, domain: str, plate: Plate | None, selectors: list[Node]) -> str:
        """A learned parameter, or with boldness something known."""
        if self.bold(0.28) and not selectors:
            numbers = {"real": ["0", "1"], "positive": ["1", "2", "0.5"], "unit": ["0.5", "0.3"]}
            if self.chance(0.7):
                return str(self.pick(*numbers[domain]))
            return self.constant(domain, [], "k0", "r0", "a0")
        shared = self._shared(domain)
        if shared and self.bold(0.3) and not selectors:
            return shared
        names = {
            "real": ("mu", "b", "w", "beta", "m", "g"),
            "positive": ("sigma2", "lambda", "tau", "s2", "alpha"),
            "unit": ("rho", "pi", "p0", "theta"),
        }[domain]
        over = [plate] if plate and self.chance(0.6) else []
        extents = [s.size for s in selectors] + [p.size for p in over]
        indices = [s.entry for s in selectors] + [p.index for p in over]
        name = self.parameter(domain, extents, *names)
        found = f"{name}[{', '.join(indices)}]" if indices else name
        if self.bold(0.12) and domain != "unit":
            wraps = {
                "real": ("{} + 1", "2*{}", "{}^3", "exp({})"),
                "positive": ("{}^2", "{} + 1", "1/{}", "2*{}", "sqrt({})"),
            }[domain]
            return str(self.pick(*wraps)).format(found)
        return found

    def _shared(self, domain: str) -> str:
        known = [n for n, t in self.parameters.items() if t == domain]
        return self.rng.choice(known) if known else ""

    def predictor(self, parents: list[Node], plate: Plate | None) -> str:
        """Linear in the parents, with learned or known weights and perhaps a bias."""
        terms = []
        selectors = [p for p in parents if p.kind == "category"]
        for z in (p for p in parents if p.kind != "category"):
            over = [plate] if plate and (z.plate != plate) and self.chance(0.8) else []
            if z.plate and z.plate != plate:
                weight = self.parameter("real", [p.size for p in (*over, z.plate)], "W", "V", "M")
                indices = ", ".join(p.index for p in (*over, z.plate))
                terms.append(f"sum({weight}[{indices}]*{z.entry} for {z.plate.loop})")
            elif self.bold(0.35):
                terms.append(str(self.pick("{}", "2*{}")).format(z.entry))
            else:
                weight = self.own("real", plate, selectors if self.chance(0.5) else [])
                weight = "2" if weight == "0" else weight
                terms.append(f"({weight})*{z.entry}" if " " in weight else f"{weight}*{z.entry}")
        for u in self.inputs:
            if self.chance(0.8):
                weight = self.parameter("real", [], "beta", "b", "w")
                terms.append(f"{weight}*{u}")
        if self.chance(0.65) or not terms or selectors:
            terms.append(self.own("real", plate, selectors))
        return " + ".join(terms)

    def argument(self, domain: str, parents: list[Node], plate: Plate | None) -> str:
        """An expression with values in a domain."""
        selectors = [p for p in parents if p.kind == "category"]
        others = [p for p in parents if p.kind != "category"]
        if not others and not self.inputs:
            return self.own(domain, plate, selectors)
        if domain == "real":
            if others and self.chance(0.12) and not selectors:
                return self.abstract(others, plate)
            form = self.pick("{}", "{}", "{}", "{}", "tanh({})", "abs({})", "{n}*sigmoid({})")
            return self._fill(form, self.predictor(parents, plate), plate)
        if domain == "positive":
            direct = [p for p in others if p.kind == "positive" and p.plate in (None, plate)]
            if direct and self.chance(0.7):
                z = direct[0].entry
                scale = self.own("positive", plate, selectors)
                forms = [f"{scale}*{z}", f"{scale}/{z}", z, f"({scale} + {z})", f"{scale}*{z}^2"]
                return str(self.rng.choice(forms))
            form = self.pick("exp({})", "exp({})", "exp({})", "softplus({})", "{p}*exp({})")
            return self._fill(form, self.predictor(parents, plate), plate)
        direct = [p for p in others if p.kind == "unit" and p.plate in (None, plate)]
        if direct and self.chance(0.8):
            return direct[0].entry
        return f"sigmoid({self.predictor(parents, plate)})"

    def _fill(self, form: str, inner: str, plate: Plate | None) -> str:
        parts = {}
        if "{n}" in form:
            parts["n"] = self.parameter("real", [], "a", "g", "b")
        if "{p}" in form:
            parts["p"] = self.parameter("positive", [], "sigma2", "lambda", "s2")
        return form.format(inner, **parts)

    def abstract(self, parents: list[Node], plate: Plate | None) -> str:
        """m(z, w)[d]"""
        name = self.fresh("m", "f", "g")
        self.functions[name] = f"real[{plate.size}]" if plate else "real"
        weights = self.parameter("real", [self.pick("P", "2", "1")], "w", "w2")
        if "P" in self.parameters[weights] and "P" not in self.sizes:
            self.sizes.append("P")
        names = ", ".join(p.name for p in parents)
        bias = f" + {self.parameter('real', [], 'b', 'mu')}" if self.chance(0.3) else ""
        return f"{name}({names}, {weights})" + (f"[{plate.index}]" if plate else "") + bias

    # Statements.

    def add(self, node: Node, family: str, extra: str = "") -> Node:
        loop = f" for {node.plate.loop}" if node.plate else ""
        self.statements.append(f"{node.entry} ~ {family}{extra}{loop}")
        return node

    def draw_node(
        self, name: str, parents: list[Node], plate: Plate | None, kinds: tuple[str, ...]
    ) -> Node:
        """A node of a random family whose arguments depend on the parents."""
        options = [f for f in _FAMILIES if f[1] in kinds]
        family, kind, slots = self.rng.choices(options, [f[3] for f in options])[0][:3]
        free = [s for s in slots if s.rpartition(":")[2] not in ("n", "one")]
        chosen = [s for s in free if self.chance(0.5)] or [self.pick(*free)]
        if parents and self.chance(0.65):
            chosen = chosen[:1]  # most models have their latents in one argument
        size = ""
        arguments = []
        for slot in slots:
            label, _, domain = slot.rpartition(":")
            inner = parents if slot in chosen else []
            if domain == "n":
                text = str(self.pick("1", "2", "3"))
                if self.chance(0.25):
                    text = self.constant("positive", [], "n0", "n1")
            elif domain == "one":
                text = "1"
            else:
                text = self.argument(domain, inner, plate)
            arguments.append(f"{label}={text}" if label else text)
        if kind == "category":
            return self.category(name, parents, plate)
        return self.add(Node(name, kind, plate, size), f"{family}({', '.join(arguments)})")

    def category(self, name: str, parents: list[Node], plate: Plate | None) -> Node:
        size = self.category_size()
        selectors = [p for p in parents if p.kind == "category"]
        extents = [s.size for s in selectors] + [size]
        over = [plate] if plate and not selectors and self.chance(0.5) else []
        extents = [p.size for p in over] + extents
        pi = self.parameter("simplex", extents, "pi", "A", "q0")
        indices = [p.index for p in over] + [s.entry for s in selectors]
        where = f"[{', '.join(indices)}]" if indices else ""
        return self.add(Node(name, "category", plate, size), f"Categorical({pi}{where})")

    def latent(self, node: Node) -> Node:
        self.latents.append(node)
        return node

    def prior(self, name: str, plate: Plate | None) -> Node:
        """A latent without parents: fixed with boldness, else learned."""
        if self.bold(0.75):
            kind, text = self.pick(*_FIXED)
            return self.latent(self.add(Node(name, kind, plate), text))
        kinds = ["real", "real", "positive", "binary", "counts", "unit"]
        kinds += ["category"] if plate is None else []
        return self.latent(self.draw_node(name, [], plate, (self.pick(*kinds),)))

    def observe(self, name: str, parents: list[Node], plate: Plate | None) -> Node:
        kinds = ("real", "real", "real", "positive", "binary", "counts", "unit", "angle")
        node = self.draw_node(name, parents, plate, (self.pick(*kinds),))
        self.observed.append(name)
        return node


# family, kind, slots (name:domain where the form needs a name), weight
_FAMILIES: list[tuple[str, str, tuple[str, ...], float]] = [
    ("Normal", "real", ("real", "positive"), 6),
    ("Normal", "real", ("mean:real", "precision:positive"), 1),
    ("Laplace", "real", ("real", "positive"), 1.5),
    ("LogNormal", "positive", ("real", "positive"), 1),
    ("Exponential", "positive", ("positive",), 2),
    ("Gamma", "positive", ("positive", "positive"), 2),
    ("InverseGamma", "positive", ("positive", "positive"), 0.6),
    ("InverseGaussian", "positive", ("positive", "positive"), 0.6),
    ("Weibull", "positive", ("positive", "positive"), 0.4),
    ("Rayleigh", "positive", ("positive",), 0.5),
    ("HalfNormal", "positive", ("positive",), 0.5),
    ("ChiSquared", "positive", ("positive",), 0.3),
    ("Pareto", "positive", ("one", "positive"), 0.4),
    ("Bernoulli", "binary", ("unit",), 2),
    ("Bernoulli", "binary", ("logit:real",), 3),
    ("Binomial", "counts", ("n", "unit"), 0.7),
    ("Binomial", "counts", ("n:n", "logit:real"), 0.7),
    ("Poisson", "counts", ("positive",), 2),
    ("Poisson", "counts", ("log_rate:real",), 1),
    ("Geometric", "counts", ("unit",), 1),
    ("NegativeBinomial", "counts", ("n", "unit"), 0.6),
    ("Categorical", "category", ("unit",), 1),
    ("Beta", "unit", ("positive", "positive"), 1),
    ("VonMises", "angle", ("real", "positive"), 1),
]
_FIXED = [
    ("real", "Normal(0, 1)"),
    ("real", "Normal(0, 1)"),
    ("real", "Normal(0, 1)"),
    ("real", "Normal(1, 1)"),
    ("real", "Normal(0, 2)"),
    ("real", "Laplace(0, 1)"),
    ("positive", "Exponential(1)"),
    ("positive", "Gamma(2, 2)"),
    ("positive", "HalfNormal(1)"),
    ("positive", "LogNormal(0, 1)"),
    ("positive", "Rayleigh(1)"),
    ("positive", "InverseGamma(2, 1)"),
    ("binary", "Bernoulli(0.5)"),
    ("binary", "Bernoulli(0.3)"),
    ("counts", "Poisson(1)"),
    ("unit", "Beta(2, 2)"),
    ("unit", "Beta(1, 1)"),
]


# Structures.


def single(b: Builder) -> None:
    """One observable, no latent."""
    plate = b.plate("d") if b.chance(0.4) else None
    if b.chance(0.4):
        b.inputs["u"] = b.pick("real", "real", "positive")
    b.observe("x", [], plate)
    if b.chance(0.3):
        b.observe("y", [], None)


def simple(b: Builder) -> None:
    """z -> x"""
    z = b.prior("z", b.plate("h") if b.chance(0.35) else None)
    plate = b.plate("d") if b.chance(0.45) else None
    if b.chance(0.12):
        b.inputs["u"] = "real"
    b.observe("x", [z], plate)
    if b.chance(0.25):
        b.observe("y", [z], None)


def graph(b: Builder) -> None:
    """Two or three latents, one to three observables, random edges."""
    nodes: list[Node] = []
    for i in range(b.rng.randint(2, 3)):
        above = [n for n in nodes if n.plate is None and b.chance(0.5)]
        name = "zyr"[i]
        if above:
            kinds = ("real", "real", "positive", "binary", "category", "counts")
            nodes.append(b.latent(b.draw_node(name, above, None, (b.pick(*kinds),))))
        else:
            nodes.append(b.prior(name, b.plate("h") if b.chance(0.2) and i == 0 else None))
    used: set[str] = set()
    count = b.rng.randint(1, 2)
    for i in range(count):
        last = i == count - 1
        below = [n for n in nodes if b.chance(0.6) or (last and n.name not in used)]
        used |= {n.name for n in below}
        b.observe("xvo"[i], below, b.plate("d") if b.chance(0.3) else None)


def chain(b: Builder) -> None:
    """z -> y -> x"""
    z = b.prior("z", None)
    kinds = ("real", "real", "positive", "binary", "category")
    y = b.latent(b.draw_node("y", [z], None, (b.pick(*kinds),)))
    b.observe("x", [y], b.plate("d") if b.chance(0.4) else None)


def factors(b: Builder) -> None:
    """Factor analysis and p-PCA, with their usual variations."""
    h, d = b.plate("h"), b.plate("d")
    prior = b.pick(
        "Normal(0, 1)", "Normal(0, 1)", "Normal(1, 1)", "Normal(0, tau[h])", "Laplace(0, 1)",
        "Laplace(0, lambda)", "Normal(nu[h], tau[h])", "Exponential(1)", "Gamma(2, 2)",
    )  # fmt: skip
    for name, kind in (("tau", "positive[{}]"), ("nu", "real[{}]"), ("lambda", "positive")):
        if name in prior:
            b.parameters[name] = kind.format(h.size)
    kind = "positive" if prior.startswith(("Exp", "Gamma")) else "real"
    b.latent(b.add(Node("z", kind, h), prior))
    b.parameters["W"] = f"real[{d.size}, {h.size}]"
    mean = f"sum(W[d,h]*z[h] for {h.loop})"
    if b.chance(0.7):
        b.parameters["mu"] = f"real[{d.size}]"
        mean += " + mu[d]"
    if b.chance(0.15):
        mean = f"tanh({mean})"
    variance = b.pick("sigma2", "sigma2", "sigma2[d]", "1", "exp(v[d])", "s0")
    if "sigma2" in variance:
        b.parameters["sigma2"] = f"positive[{d.size}]" if "[" in variance else "positive"
    if "v[" in variance:
        b.parameters["v"] = f"real[{d.size}]"
    if variance == "s0":
        b.constants["s0"] = "positive"
    b.add(Node("x", "real", d), f"{b.pick('Normal', 'Normal', 'Laplace')}({mean}, {variance})")
    b.observed.append("x")


def mixture(b: Builder) -> None:
    """c selects parameters, learned or shared or known."""
    c = b.latent(b.category("c", [], None))
    plate = b.plate("d") if b.chance(0.5) else None
    b.observe("x", [c], plate)
    if b.chance(0.3):
        b.observe("y", [c], None)


def analysers(b: Builder) -> None:
    """A mixture of factor analysers."""
    c = b.latent(b.category("c", [], None))
    h = b.plate("h")
    prior = b.pick("Normal(0, 1)", "Normal(0, 1)", "Normal(0, tau)", "Normal(0, tau[c])")
    if "tau" in prior:
        b.parameters["tau"] = f"positive[{c.size}]" if "[" in prior else "positive"
    b.latent(b.add(Node("z", "real", h), prior))
    d = b.plate("d")
    b.parameters["W"] = f"real[{c.size}, {d.size}, {h.size}]"
    mean = f"sum(W[c,d,h]*z[h] for {h.loop})"
    if b.chance(0.8):
        b.parameters["mu"] = f"real[{c.size}, {d.size}]"
        mean += " + mu[c,d]"
    variance = b.pick("s2", "s2[c]", "s2[d]", "1")
    if variance != "1":
        sizes = {"s2": "", "s2[c]": f"[{c.size}]", "s2[d]": f"[{d.size}]"}
        b.parameters["s2"] = "positive" + sizes[variance]
    b.add(Node("x", "real", d), f"Normal({mean}, {variance})")
    b.observed.append("x")


def series(b: Builder) -> None:
    """State-space models of symbolic or literal length."""
    length = b.pick("T", "T", "2", "3")
    if length == "T":
        b.sizes.append("T")
    t = Plate("t", length)
    if b.chance(0.25):
        size = b.category_size()
        b.parameters |= {"pi": f"simplex[{size}]", "A": f"simplex[{size}, {size}]"}
        b.statements += [
            "z[1] ~ Categorical(pi)",
            f"z[t] ~ Categorical(A[z[t-1]]) for t in 2:{length}",
        ]
        z = b.latent(Node("z", "category", t, size))
        b.observe("x", [z], t)
        return
    start = b.pick("Normal(0, 1)", "Normal(m, q)", "Normal(0, q)", "Normal(0, p0)", "Normal(m, 1)")
    step = b.pick(
        "Normal(a*z[t-1], q)", "Normal(z[t-1], q)", "Normal(m + a*(z[t-1] - m), q)",
        "Normal(a*z[t-1] + g, q)", "Normal(phi*z[t-1], 1)", "Normal(tanh(a*z[t-1]), q)",
        "Laplace(a*z[t-1], q)",
    )  # fmt: skip
    for name in "mag":
        if f"({name}" in start + step or f" {name})" in step + "" or f"+ {name}" in step:
            b.parameters[name] = "real"
    b.parameters |= {n: "positive" for n in ("q", "p0") if n in start + step}
    if "phi" in step:
        b.constants["phi"] = "unit"
    b.statements += [f"z[1] ~ {start}", f"z[t] ~ {step} for t in 2:{length}"]
    b.latent(Node("z", "real", t))
    seen = b.pick(
        "Normal(w*z[t], r)", "Normal(w*z[t] + k, r)", "Normal(z[t], r)", "Normal(0, exp(z[t]))",
        "Normal(0, r*exp(z[t]))", "Poisson(exp(z[t] + k))", "Bernoulli(logit=w*z[t] + k)",
        "Normal(w*z[t] + k, 1)",
    )  # fmt: skip
    b.parameters |= {n: "real" for n in ("w", "k") if n in seen.replace("Bernoulli(logit", "")}
    if "r)" in seen or "r*" in seen:
        b.parameters["r"] = "positive"
    b.statements.append(f"x[t] ~ {seen} for t in 1:{length}")
    b.observed.append("x")


def effects(b: Builder) -> None:
    """Regression with random effects: plates of pairs."""
    j = b.plate("j")
    if b.chance(0.5):
        b.inputs["u"] = "real"
    prior = b.pick(
        "Normal(0, 1)", "Normal(0, tau)", "Normal(m, tau)", "Normal(m, 1)", "Gamma(2, 2)",
        "Gamma(a, a)", "Exponential(1)", "Laplace(0, 1)", "Gamma(a, lambda)",
    )  # fmt: skip
    names = {"tau": "positive", "m": "real", "a": "positive", "lambda": "positive"}
    inner = prior.split("(")[1]
    b.parameters |= {n: k for n, k in names.items() if n in inner}
    positive = prior.startswith(("Gamma", "Exp"))
    z = b.latent(b.add(Node("z", "positive" if positive else "real", j), prior))
    if b.chance(0.5) and not positive:
        scale = b.parameter("real", [], "g", "b")
        mean = f"{scale}*z[j]" + (" + beta*u" if b.inputs else "")
        if b.inputs:
            b.parameters["beta"] = "real"
        noise = b.pick("s2", "s2[j]", "s0[j]", "1")
        if noise in ("s2", "s2[j]"):
            b.parameters["s2"] = "positive" + (f"[{j.size}]" if "[" in noise else "")
        if noise == "s0[j]":
            b.constants["s0"] = f"positive[{j.size}]"
        b.add(Node("x", "real", j), f"Normal({mean}, {noise})")
        b.observed.append("x")
        return
    b.observe("x", [z], j)


def conjugate(b: Builder) -> None:
    """Textbook pairs, with learned or known hyperparameters."""
    texts = [
        ("l ~ Gamma({a}, {b}); x[d] ~ Poisson(l) for d in 1:D", "positive"),
        ("l ~ Gamma({a}, {b}); x[d] ~ Exponential(l) for d in 1:D", "positive"),
        ("l ~ Gamma({a}, {b}); x[d] ~ Normal(mu, precision=l) for d in 1:D", "positive"),
        ("l ~ Gamma({a}, {b}); x[d] ~ Normal(0, 1/l) for d in 1:D", "positive"),
        ("l ~ InverseGamma({a}, {b}); x[d] ~ Normal(mu, l) for d in 1:D", "positive"),
        ("l ~ Beta({a}, {b}); x[d] ~ Bernoulli(l) for d in 1:D", "unit"),
        ("l ~ Beta({a}, {b}); x ~ Binomial(3, l)", "unit"),
        ("l ~ Dirichlet({v}); x ~ Categorical(l)", "simplex"),
        ("l ~ Dirichlet({v}); x ~ Multinomial(2, l)", "simplex"),
        ("l ~ Gamma({a}, {b}); y ~ Normal({m}, 1/l); x ~ Normal(y, {s}/l)", "positive"),
        ("l ~ Gamma({a}, {b}); x ~ Gamma({s}, l)", "positive"),
        ("l ~ Exponential({a}); x ~ Normal(0, {s}*l)", "positive"),
        ("l ~ HalfNormal({a}); x ~ Laplace({m}, l)", "positive"),
        ("l ~ Normal({m}, {a}); x[d] ~ Normal(l, {s}) for d in 1:D", "real"),
        ("l ~ Normal({m}, {a}); x[d] ~ Normal(exp(l), {s}) for d in 1:D", "real"),
        ("l ~ VonMises({m}, {a}); x ~ VonMises(l, {s})", "angle"),
        ("l ~ LogNormal({m}, {a}); x ~ LogNormal(log(l), {s})", "positive"),
        ("l ~ LogNormal({m}, {a}); x ~ Poisson({s}*l)", "positive"),
        ("l ~ Weibull({k}, {a}); x ~ Exponential({s}/l)", "positive"),
    ]
    text, kind = b.rng.choice(texts)
    fill: dict[str, str] = {}
    for slot, domain, names, numbers in (
        ("a", "positive", ("a", "alpha"), ("1", "2")),
        ("b", "positive", ("beta", "lambda"), ("1", "2")),
        ("s", "positive", ("sigma2", "s2"), ("1", "2")),
        ("m", "real", ("m", "mu0"), ("0", "1")),
    ):
        if f"{{{slot}}}" not in text:
            continue
        known = b.bold(0.7)
        fill[slot] = b.pick(*numbers) if known else b.parameter(domain, [], *names)
    if "{k}" in text:
        fill["k"] = b.constant("positive", [], "k0")
    if "{v}" in text:
        fill["v"] = b.parameter("positive", ["3"], "alpha")
    if "mu" in text:
        b.parameters["mu"] = "real"
    if "1:D" in text:
        b.sizes.append("D")
    b.statements += text.format(**fill).split("; ")
    b.latent(Node("l", kind))
    if "; y ~" in text:
        b.latent(Node("y", "real"))
    b.observed.append("x")


def vectors(b: Builder) -> None:
    """Vector-valued nodes and matrices."""
    texts = [
        (
            "c ~ Categorical(pi); x ~ MvNormal(mu[c], Sigma[c])",
            "pi: simplex[C]; mu: real[C, D]; Sigma: posdef[C, D, D]",
            "c category",
        ),
        (
            "c ~ Categorical(pi); x ~ MvNormal(mu[c], Sigma)",
            "pi: simplex[C]; mu: real[C, D]; Sigma: posdef[D, D]",
            "c category",
        ),
        (
            "z ~ MvNormal(nu, Tau); x[d] ~ Normal(w*z[d], s2) for d in 1:D",
            "nu: real[D]; Tau: posdef[D, D]; w: real; s2: positive",
            "",
        ),
        (
            "z ~ Normal(0, tau); x ~ MvNormal(mu, Sigma); y ~ Normal(z, s2)",
            "tau: positive; mu: real[D]; Sigma: posdef[D, D]; s2: positive",
            "z real",
        ),
        (
            "X ~ Wishart(n, V); x ~ MvNormal(mu, X)",
            "n: positive; V: posdef[D, D]; mu: real[D]",
            "",
        ),
        ("x ~ Wishart(n, V)", "n: positive; V: posdef[D, D]", ""),
        (
            "c ~ Categorical(p); x ~ Multinomial(2, q[c])",
            "p: simplex[C]; q: simplex[C, 3]",
            "c category",
        ),
        (
            "c ~ Categorical(logits=a); x ~ Dirichlet(alpha[c])",
            "a: real[2]; alpha: positive[2, C]",
            "c category",
        ),
        (
            "c ~ Categorical(p); z ~ Normal(m[c], s2[c]); x ~ Normal(w*z, t[c])",
            "p: simplex[C]; m: real[C]; s2: positive[C]; w: real; t: positive[C]",
            "c category; z real",
        ),
        ("x ~ Dirichlet(alpha); y ~ Categorical(x)", "alpha: positive[C]", ""),
    ]
    text, kinds, nodes = b.rng.choice(texts)
    b.statements += text.split("; ")
    for item in kinds.split("; "):
        name, kind = item.split(": ")
        b.parameters[name] = kind
    b.sizes += [s for s in "CD" if s in kinds]
    sizes = {"c": "C", "z": ""}
    for item in filter(None, nodes.split("; ")):
        name, kind = item.split(" ")
        b.latent(Node(name, kind, None, "2" if "logits" in text else sizes[name]))
    b.observed += ["x"] + ["y"] * any(s.startswith("y ") for s in b.statements)


def decoder(b: Builder) -> None:
    """Variational autoencoders: an abstract function after a linear layer, or of the latent."""
    h, d = b.plate("h"), b.plate("d")
    prior = b.pick("Normal(0, 1)", "Normal(0, 1)", "Normal(0, alpha2[h])", "Bernoulli(pi[h])",
                   "Laplace(0, lambda)")  # fmt: skip
    for name, kind in (("alpha2", f"positive[{h.size}]"), ("pi", f"unit[{h.size}]"),
                       ("lambda", "positive")):  # fmt: skip
        if name in prior:
            b.parameters[name] = kind
    b.latent(b.add(Node("z", "binary" if "pi" in prior else "real", h), prior))
    inner = "z"
    if b.chance(0.6):
        k = b.plate("k")
        bias = ""
        if b.chance(0.7):
            b.parameters["b"] = f"real[{k.size}]"
            bias = " + b[k]"
        b.parameters["V"] = f"real[{k.size}, {h.size}]"
        b.statements.append(f"a[k] = sum(V[k,h]*z[h] for {h.loop}){bias} for {k.loop}")
        inner = "a"
    b.parameters["w"] = "real[P]"
    b.sizes.append("P")
    b.functions["m"] = f"real[{d.size}]"
    spread = f"v({inner}, w)[d]"
    noise = b.pick("sigma2", "sigma2[d]", "1", f"exp({spread} + g[d])", f"exp({spread})")
    if "sigma2" in noise:
        b.parameters["sigma2"] = "positive" + (f"[{d.size}]" if "[" in noise else "")
    if "v(" in noise:
        b.functions["v"] = f"real[{d.size}]"
    if "g[" in noise:
        b.parameters["g"] = f"real[{d.size}]"
    if b.chance(0.8):
        text = f"Normal(m({inner}, w)[d], {noise})"
    else:
        text = f"Bernoulli(logit=m({inner}, w)[d])"
        if "v" in b.functions:
            del b.functions["v"]
    b.add(Node("x", "real", d), text)
    b.observed.append("x")


_USER = {
    "Maxwell": ("positive", {"s2": "positive"},
                "log(2/PI)/2 + 2*log(v) - 3*log(s2)/2 - v**2/(2*s2)"),
    "Lomax": ("positive", {"a": "positive", "s": "positive"},
              "log(a) - log(s) - (a + 1)*log1p(v/s)"),
    "Gumbel": ("real", {"m": "real", "s": "positive"},
               "-(v - m)/s - log(s) - exp(-(v - m)/s)"),
    "Logistic": ("real", {"m": "real", "s": "positive"},
                 "(v - m)/s - log(s) - 2*softplus((v - m)/s)"),
    "StudentT": ("real", {"n": "positive", "m": "real", "s2": "positive"},
                 "loggamma((n + 1)/2) - loggamma(n/2) - log(n*PI*s2)/2"
                 " - (n + 1)/2*log1p((v - m)^2/(n*s2))"),
    "Power": ("unit", {"a": "positive"}, "log(a) + (a - 1)*log(v)"),
    "Borel": ("naturals", {"r": "unit"}, "log(1 - r) + v*log(r)"),
    "PowerLaw": ("1..oo", {"a": "positive"}, "log(a) - (a + 1)*log(v)"),
    "GenNormal": ("real", {"m": "real", "b": "positive"},
                  "log(4) - log(2*b) - loggamma(1/4) - (abs(v - m)/b)^4"),
    "GenGamma": ("positive", {"a": "positive", "d": "positive"},
                 "log(3) - d*log(a) - loggamma(d/3) + (d - 1)*log(v) - (v/a)^3"),
}  # fmt: skip


def user(b: Builder) -> None:
    """A density of the user's own, observed or latent."""
    name = b.rng.choice(sorted(_USER))
    support, slots, text = _USER[name]
    b.families[name] = {
        "value": "v", "support": support, "parameters": dict(slots), "log_density": text,
    }  # fmt: skip
    kind = {"naturals": "counts", "1..oo": "positive"}.get(support, support)
    if b.chance(0.35):
        arguments = [b.own(domain, None, []) for domain in slots.values()]
        z = b.latent(b.add(Node("z", kind), f"{name}({', '.join(arguments)})"))
        b.observe("x", [z], b.plate("d") if b.chance(0.3) else None)
        return
    parents = [b.prior("z", None)] if b.chance(0.7) else []
    plate = b.plate("d") if b.chance(0.3) else None
    first = b.rng.randrange(len(slots))
    arguments = [
        b.argument(domain, parents if i == first else [], plate)
        for i, domain in enumerate(slots.values())
    ]
    b.add(Node("x", kind, plate), f"{name}({', '.join(arguments)})")
    b.observed.append("x")


def derived(b: Builder) -> None:
    """A named quantity between the latents and one or two observables."""
    z = b.prior("z", b.plate("h") if b.chance(0.3) else None)
    link = b.pick("{}", "{}", "exp({})", "tanh({})", "sigmoid({})")
    b.statements.append(f"a = {link.format(b.predictor([z], None))}")
    kind = {"exp({})": "positive", "sigmoid({})": "unit"}.get(link, "real")
    a = Node("a", kind)
    b.observe("x", [a], b.plate("d") if b.chance(0.3) else None)
    if b.chance(0.3):
        b.observe("y", [a], None)


def places(b: Builder) -> None:
    """Literal places g[1], g[2], and shared parameters."""
    b.parameters |= {"w": "real[2]", "t": "positive"}
    first = b.pick("Normal(0, 1)", "Normal(0, t)", "Normal(m, t)")
    second = b.pick("Normal(g[1], t)", "Normal(w[1]*g[1], t)", "Normal(0, 1)", "Normal(w[1], 1)")
    if "m" in first.split("(")[1]:
        b.parameters["m"] = "real"
    b.statements += [f"g[1] ~ {first}", f"g[2] ~ {second}"]
    b.latent(Node("g", "real", Plate("k", "2")))
    noise = b.pick("t", "r", "1", "w[2]^2")
    if noise == "r":
        b.parameters["r"] = "positive"
    b.statements.append(f"x ~ Normal(w[1]*g[1] + w[2]*g[2], {noise})")
    b.observed.append("x")


STRUCTURES: list[tuple[Callable[[Builder], None], float]] = [
    (single, 1.2),
    (simple, 4),
    (graph, 3),
    (chain, 2),
    (factors, 1.8),
    (mixture, 1.8),
    (analysers, 0.6),
    (series, 1.6),
    (effects, 1.3),
    (conjugate, 2),
    (vectors, 0.9),
    (decoder, 1),
    (user, 1.4),
    (derived, 0.8),
    (places, 0.6),
]


# q.


def declared(b: Builder) -> list[str] | None:
    """A factorized q of the usual families, with free, shared, fixed or tied arguments."""
    if re.search(r"Pareto|PowerLaw", " ".join(b.statements)):
        return None  # values above 1
    found = []
    shared = b.chance(0.15)  # one width for all latents
    for i, z in enumerate(b.latents):
        index = f"[{z.plate.index}]" if z.plate and b.chance(0.8) else ""
        mean, width, rate = (f"{n}{i or ''}" for n in ("nu_", "tau_", "rho_"))
        spread = "tau_" if shared else width + index
        match z.kind:
            case "real":
                forms = ["Normal({m}, {s})"] * 5 + ["Normal({m}, 0.5)", "Normal({m}, exp({s}))"]
                tied = [n for n, t in b.parameters.items() if t == "positive"]
                forms += [f"Normal({{m}}, {t})" for t in tied[:1]]
            case "positive":
                forms = ["LogNormal({m}, {s})", "LogNormal({m}, 0.5)", "Gamma({s}, {m2})"]
            case "unit":
                forms = ["Beta({s}, {m2})"]
            case "binary":
                forms = ["Bernoulli({r})"]
            case "counts":
                return None
            case "category":
                forms = ["Categorical({r})"]
            case _:
                return None
        text = b.rng.choice(forms).format(
            m=mean + index, s=spread, r=rate + index, m2=mean + "r" + index
        )
        loop = f" for {z.plate.loop}" if z.plate else ""
        found.append(f"{z.entry} ~ {text}{loop}")
    return found or None


def inform(b: Builder, rng: Random) -> None:
    """Inputs in the priors of some models, and elsewhere, where numbers or nothing stood.

    Drawn apart, so that all other choices are as they are without.
    """
    fixed = r"\b(Normal|Laplace)\([012]\b(?!\.)|\b(Exponential)\(1\)|\b(Gamma\(2,) "
    known = [n for n, s in enumerate(b.statements) if re.search(fixed, s)]
    taken = {*b.parameters, *b.constants, *b.functions}
    taken.update(re.match(r"\w+", statement)[0] for statement in b.statements)  # type: ignore[index]
    if not known or {"u", "v"} & taken or rng.random() > 0.3:
        return
    b.inputs.setdefault("u", "real")
    for n in rng.sample(known, rng.randint(1, len(known))):
        positive = re.search(r"Exponential\(1\)|Gamma\(2,", b.statements[n])
        name = "v" if positive else "u"
        b.inputs.setdefault(name, "positive" if positive else "real")
        location = rng.choice(["u", "u", "u + 1", "2*u", "exp(u)"]) if not positive else "v"
        b.statements[n] = re.sub(
            fixed,
            lambda m, at=location: (
                f"{m[1]}({at}" if m[1] else f"{m[2]}({at})" if m[2] else f"{m[3]} {at}*"
            ),
            b.statements[n],
            count=1,
        )
    for n, statement in enumerate(b.statements):
        if statement.split("~")[0].strip().split("[")[0] in b.observed and rng.random() < 0.6:
            term = rng.choice(["u", "c_u*u", "c_u*u", "d_u*u", "c_u*exp(u)"])
            for name in ("c_u", "d_u"):
                if name in term:
                    b.parameters[name] = "real"
            b.statements[n] = re.sub(
                r"~ (Normal|Laplace)\((mean=|)", rf"~ \1(\2{term} + ", statement
            )
            b.statements[n] = re.sub(r"logit=", f"logit={term} + ", b.statements[n])
            b.statements[n] = re.sub(
                r"~ Poisson\(exp\(", f"~ Poisson(exp({term} + ", b.statements[n]
            )


def generate(seed: int, boldness: float = 0.5) -> Spec:
    """One random model."""
    rng = Random(f"symelbo oracle {seed}")
    b = Builder(rng, boldness)
    structure = rng.choices([s for s, _ in STRUCTURES], [w for _, w in STRUCTURES])[0]
    structure(b)
    _drop_unused(b)
    inform(b, Random(f"symelbo oracle inputs {seed}"))
    text = " ".join(b.statements)
    made: Spec = {"name": f"Random model {seed} ({structure.__name__})"}
    types = " ".join((*b.parameters.values(), *b.functions.values(), *b.constants.values()))
    used = [s for s in b.sizes if _mentions(f"{text} {types}", s)]
    made |= {"sizes": used} if used else {}
    for key in ("parameters", "constants", "functions", "inputs", "families"):
        group = {n: t for n, t in getattr(b, key).items() if _mentions(text, n)}
        made |= {key: group} if group else {}
    made["model"] = b.statements
    made["observed"] = b.observed
    latent_nodes = {s.split("~")[0].split("[")[0].strip() for s in b.statements if "~" in s}
    if latent_nodes - set(b.observed):
        kind = rng.random()
        if kind < 0.3 and {n.name for n in b.latents} == latent_nodes - set(b.observed):
            q = declared(b)
            made |= {"variational": q} if q else {}
        elif kind < 0.4:
            made["variational"] = "exact"
        if rng.random() < 0.07:
            made["reparameterize"] = "never"
    return made


def _drop_unused(b: Builder) -> None:
    """A latent that nothing uses is a fault."""
    while True:
        for name in (n.name for n in b.latents):
            others = [s for s in b.statements if not re.match(rf"{name}\W", s)]
            if not any(_mentions(s, name) for s in others):
                b.statements = others
                b.latents = [n for n in b.latents if n.name != name]
                break
        else:
            return


def _mentions(text: str, name: str) -> bool:
    return re.search(rf"(?<!\w){name}(?!\w)(?!=)", text) is not None


def to_yaml(spec: Spec) -> str:
    """The text of a specification."""
    lines = []
    for key, value in spec.items():
        if isinstance(value, dict):
            lines.append(f"{key}:")
            for name, inner in value.items():
                if isinstance(inner, dict):
                    lines.append(f"  {name}:")
                    for k, v in inner.items():
                        if isinstance(v, dict):
                            pairs = ", ".join(f"{n}: {t}" for n, t in v.items())
                            lines.append(f"    {k}: {{{pairs}}}")
                        else:
                            lines.append(f"    {k}: {v}")
                else:
                    lines.append(f"  {name}: {inner}")
        elif isinstance(value, list) and key in ("model", "variational"):
            lines.append(f"{key}:")
            lines += [f"  - {item}" for item in value]
        elif isinstance(value, list):
            lines.append(f"{key}: [{', '.join(value)}]")
        else:
            lines.append(f"{key}: {value}")
    return "\n".join(lines) + "\n"
