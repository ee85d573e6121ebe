"""The parameterization criterion: a field that scales the natural parameters, or a refutation."""
