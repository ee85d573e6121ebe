"""Terms as people write them: one arrangement, printed as LaTeX and as text."""
