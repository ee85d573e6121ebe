"""The exponential-family form of a factor as it is read, and its Jacobian along the motion."""

from __future__ import annotations

from collections.abc import Mapping

from symelbo.answer.worked import WorkedForm
from symelbo.criterion.express_form import FactorForm, put_arguments
from symelbo.criterion.factor import Factor
from symelbo.criterion.motion import Motion
from symelbo.entropy.summand import Summand
from symelbo.expfam.form import Block
from symelbo.index.build import subtract
from symelbo.index.normal import normal
from symelbo.index.substitute import rename_indices
from symelbo.index.terms import Index, Term
from symelbo.index.tidy import tidy, tidy_short
from symelbo.proof.abbreviate import Short, abbreviate
from symelbo.proof.quantity_names import QuantityNames
from symelbo.proof.verify_jacobian import differentiate_blocks, verify_jacobian

__all__ = ["work_form"]


def work_form(
    factor: Factor,
    form: FactorForm,
    motion: Motion,
    entropy: Summand | None,
    names: QuantityNames,
) -> WorkedForm:
    """eta, T, A, h -> the same in abbreviated arguments, those that move written out.

    motion: what of it the factor feels; a Jacobian is of use where no latent moves.
    """
    moved = motion.parameters
    has_jacobian = bool(moved) and not motion.latents
    opened = frozenset(moved if has_jacobian else ())
    short = abbreviate(factor, entropy, names, frozenset(moved), opened)
    blocks = _blocks(short, form)
    jacobian = None
    if has_jacobian:
        jacobian = verify_jacobian(factor, blocks, moved, names.taken)
    return WorkedForm(
        form,
        short.chosen,
        blocks,
        short.put(form.formal.log_partition),
        tidy(form.log_base),
        differentiate_blocks(form.blocks, moved),
        jacobian,
    )


def _blocks(short: Short, form: FactorForm) -> tuple[Block, ...]:
    """The blocks with abbreviated arguments, a shift of the base measure taken off."""
    found = []
    for formal, actual in zip(form.formal.blocks, form.blocks, strict=True):
        shown = short.put(formal.natural)
        whole = put_arguments(short.factor, formal.natural, normal)
        renamed = dict(zip(formal.indices, actual.indices, strict=True))
        whole = _rename(whole, renamed)
        natural = _rename(shown, renamed)
        if whole != actual.natural:
            natural = subtract(natural, normal(subtract(whole, actual.natural)))
        natural = tidy_short(natural)
        statistic = _rename(short.put(formal.statistic), renamed)
        found.append(Block(actual.indices, natural, statistic, actual.symmetric))
    return tuple(found)


def _rename(term: Term, names: Mapping[Index, Index]) -> Term:
    return rename_indices(term, {old: new for old, new in names.items() if old != new})
