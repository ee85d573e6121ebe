"""SymPy at the edge: results as ordinary SymPy expressions.  Nothing else imports SymPy."""
