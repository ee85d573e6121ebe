"""Exponential-family form, radial field, means and entropies, derived from a log-density."""
