"""Rendering: terms as LaTeX and as text, by one arrangement that both share."""

from symelbo.render.names import escape_latex, latex_name, latex_symbol, name_indices
from symelbo.render.print_latex import (
    break_lines,
    latex_array,
    latex_summands,
    latex_width,
    print_latex,
    print_latex_lines,
)
from symelbo.render.print_text import print_text

__all__ = [
    "break_lines",
    "escape_latex",
    "latex_array",
    "latex_name",
    "latex_summands",
    "latex_symbol",
    "latex_width",
    "name_indices",
    "print_latex",
    "print_latex_lines",
    "print_text",
]
