"""The derivation as data."""
