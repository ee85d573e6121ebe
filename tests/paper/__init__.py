"""What the paper prints, section by section, against what symelbo derives.

Warnken, Velychko, Damm, Fischer, Lücke: Generative Models with ELBOs Converging to Entropy Sums.
Every check compares a formula as printed (plain NumPy) with a derived term (evaluated at the same
random numbers), at several sizes.  `pytest -k eqn_45` selects an equation.  Where the paper has a
misprint, the corrected formula is audited, and a test `test_misprint_...` shows that the printed
one fails; docs/paper-misprints.md quotes the numbers of these tests.
"""
