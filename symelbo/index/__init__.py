"""Index calculus: scalar expressions over arrays of symbolic size, as frozen data."""
