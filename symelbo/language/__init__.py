"""The expression language of specifications and densities: text -> syntax tree -> term."""
