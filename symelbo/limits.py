"""How far each pass goes: every tuning constant, and what an answer depends on when it changes.

    refused      a specification beyond it is a fault
    undecided    a smaller one leaves more criteria undecided, a larger one costs time
    unexplained  a smaller one leaves more refutations without a cause or a remedy
    unnoticed    how surely a wrong result is noticed; none makes one
    unprinted    what is written, not what is true
    estimated    how a fit is judged, not what is derived of its model
    recomputed   how much is kept of what can be computed again: time and memory, no answer

None of them makes a verdict: `proved` and `refuted` are confirmed by the checker, which has limits
of its own.
"""

from __future__ import annotations

from typing import Final

# ---------------------------------------------------------------- refused

# language.tokens
TEXT_CHARACTERS: Final = 10_000  # of one expression
TEXT_DEPTH: Final = 100  # nested brackets, powers and signs
NUMBER_DIGITS: Final = 300  # of a number, or of its decimal exponent's value: beyond any double
NAME_LENGTH: Final = 64  # of a name

# language.resolve
EXPONENT: Final = 1000  # in size
NUMBER_BITS: Final = 1024  # of a number; no double holds more
INTEGER_EXTENT: Final = 10**6  # of an integer used as a size or an index

# language.scope
COPIED_OPERATIONS: Final = 40_000  # of all texts together, copied with other indices

# model.read_yaml
SPEC_BYTES: Final = 1 << 20  # of a specification
SPEC_NESTING: Final = 16  # of lists and mappings; a specification needs four
SPEC_NODES: Final = 10_000  # of the YAML tree

# model.read_model
TITLE_CHARACTERS: Final = 200  # of the name of a model

# model.context
SPEC_CHARACTERS: Final = 100_000  # of all statements and densities: keeps reading within seconds
FAULTS: Final = 100  # that are collected; nobody reads more

# model.parse_statements
STATEMENTS: Final = 500  # of a model, and of q

# model.read_statements
STATEMENT_OPERATIONS: Final = 20_000  # of one statement, deterministic quantities put in
STATEMENT_HEIGHT: Final = 400  # of one statement

# pipeline
NESTED_CALLS: Final = 4000  # of Python's: twice what the highest statement takes

# model.order_places
ORDER_AXES: Final = 4  # kinds of them, whose directions are combined
ORDER_SIZE: Final = 4  # sizes up to it are searched for places that depend on themselves
ORDER_PLACES: Final = 20_000  # and so many of them

# model.check_domain
VARIED_NODES: Final = 4  # whose values are tried together, where an argument may leave its domain

# ---------------------------------------------------------------- undecided

# index.build
FOLDED_BITS: Final = 4096  # larger numeric powers stay unevaluated

# index.ring
EXPANDED_POWER: Final = 8  # of a sum; a higher one stays a power
CLEARED_DENOMINATORS: Final = 12  # composite ones in one equation

# index.binary
BINARY_ENTRIES: Final = 3  # of a function that is written out by its values

# index.range
BOUND_BITS: Final = 256  # of a bound; beyond, it is rounded away to infinity or to zero

# index.factor_divisors
DIVISOR_MONOMIALS: Final = 200  # of a divisor that is factored
DIVISOR_DEGREE: Final = 40  # of an atom in a divisor that is factored

# index.polynomial
POLYNOMIAL_MONOMIALS: Final = 1500  # of any polynomial, and of a product before it is collected

# index.modular
EXACT_BITS: Final = 20_000  # of a rational number that is kept beside its residue
LINE_PARTS: Final = 24  # of a sum in an exponent, whose exponential is the product of theirs

# index.sparse
DENSE_GAIN: Final = 50  # by how much a step on a matrix is faster than on sparse rows

# index.echelon
ELIMINATION_STEPS: Final = 30_000  # as long as it takes to import a library that is faster

# index.open_lengths
LITERAL_LENGTH: Final = 8  # longer ranges are taken for ranges of any length first
LENGTHS_BESIDE: Final = 4  # so much shorter a range is taken for part of a longer one

# criterion.open_factors
GIVEN_ENTRIES: Final = 4500  # of an instance whose sizes are given

# index.name_parts
WHOLE_TERM: Final = 100  # parts of a term that is not looked at in pieces
NAMED_PART: Final = 12  # operations of a piece, as a tree

# criterion.probe
PROBE_COLUMNS: Final = 1200  # unknown numbers at one point
PROBE_NARROW: Final = 24  # unknowns in a row that is compared with all others by elimination
COLUMNS_OF_ROW: Final = 8  # unknowns by which a row costs as much again
PROBE_PLACES: Final = 12  # values of the free indices of an equation
PROBE_PATIENCE: Final = 2  # points at which an equation says nothing new
PROBE_FAILURES: Final = 60  # of points at which an equation has no value
PROBE_DRAWS: Final = 40  # of what varies, beyond those that are needed
PROBE_INPUTS: Final = 3  # values of the inputs at which an unknown is sought that depends on them
TABLE_POINTS: Final = 3  # parameter values of a table of all cases
TABLE_WORK: Final = 60_000  # values and slopes for all tables of one model
PROBE_WORK: Final = 300_000  # values, and short gradients, at all points, for one model

# index.solve
ELIMINATION_ROUNDS: Final = 400  # of one system of linear equations
ELIMINATION_MONOMIALS: Final = 100  # of all equations on the way, beside the next
ELIMINATION_GROWTH: Final = 8  # for each monomial of the equations that are given

# index.modular
TINY: Final = 1e-9  # floats nearer to zero have no sign

# criterion.search_motion
MOTION_ATTEMPTS: Final = 400  # linear problems that are set up for one model
LOOKED_AT_FIRST: Final = 24  # parameters for each factor; of more, numbers are asked before a table

# criterion.decide_criterion
FAILING_SUBSETS: Final = 12  # of failing factors, against which a certificate is sought

# criterion.confirm
PROPOSALS: Final = 3  # of certificates that the checker looks at

# criterion.sample
SAMPLED_SIZES: Final = 6  # combinations of small sizes that are tried
SAMPLED_PARENTS: Final = 8  # configurations of the parents of a factor
SAMPLED_VALUES: Final = 8  # of the value of a factor
SAMPLED_INPUTS: Final = 4  # values of the inputs of a data point, where latents may move with them
BLOCK_PLACES: Final = 3  # of a long matrix whose entries vary, where a factor names some of it
NARROW_UNITS: Final = 2  # entries of the parents that vary, where there are many
GENERIC_VALUES: Final = 6  # of the value of a factor, at random
THINNED_POINTS: Final = 3  # parameter values for which a part of a long plate has to do
SAMPLE_SEED: Final = 0  # of the points; decides which of several certificates is found

# criterion.hold_conditions
CONDITION_NODES: Final = 3  # in a condition that is tried at values of nodes
CONDITION_VALUES: Final = 4  # of each of these
CONDITION_DRAWS: Final = 200  # of single entries, until the stated conditions hold
CONDITION_NUMBERS: Final = 256  # of simple values, of which these are
CONDITION_WORSE: Final = 0.2  # of the draws at which more of them fail are taken

# criterion.residues
WEIGHT_PARTS: Final = 1 << 20  # numerators and denominators that are taken for a rational number

# criterion.weigh_rows
WEIGHED_LINES: Final = 24  # of the square system that is left
WEIGHED_ROWS: Final = 120  # that take part
WEIGHED_SYSTEMS: Final = 60  # such systems that are looked at, as residues
STATED_SYSTEMS: Final = 3  # of which the numbers are worked out

# criterion.probe
PROBE_VALUES: Final = 8  # of which one is drawn

# criterion.choose_functions
CURVED_LEVELS: Final = 2  # of nested functions, from the inside, whose stand-ins have higher powers

# criterion.refute
REFUTED_ROWS: Final = 400  # of an instance, for each factor; twice as many at several inputs
REFUTED_WORK: Final = 24_000  # short rows, and ranks, for one model
FACTORS_OF_WORK: Final = 25  # by which it grows by as much again
LOOKS: Final = (1, 2)  # instances of a quick look, and of one before a longer search
REFUTED_POINTS: Final = (1, 2, 3, 5)  # parameter values that are tried together
GENERIC_POINTS: Final = (2, 5)  # the same, where all values are at random
# no more parameter values, and values of the inputs, where latents may move differently at each
REFUTED_PAIRS: Final = (
    *((1, 1), (2, 1), (1, 2), (2, 2), (3, 1)),
    *((2, 4), (3, 2), (3, 3), (5, 1)),
)
GENERIC_PAIRS: Final = ((2, 1), (3, 2), (2, 4), (5, 1), (3, 3))  # the same, at random
REFUSED_ROWS: Final = 600  # that a proposal costs that is not accepted
CUT_ROWS: Final = 30_000  # that one costs whose check is cut: most models have no more
SINGLE_POINTS: Final = 4  # systems at parameter values that differ in one parameter
WEIGHING: Final = 4  # ranks that the weights of one case cost

# criterion.sample, criterion.system: what costs as much as one short row
PARTS_OF_ROW: Final = 64  # of a density that is evaluated
SLOPES_OF_ROW: Final = 100  # of the rows whose rank is found
CELLS_OF_ROW: Final = 4000  # of their matrix

# ---------------------------------------------------------------- unexplained

# criterion.explain_refutation
REMEDY_ATTEMPTS: Final = 40  # linear problems for all changes of one model together
REMEDY_CHANGES: Final = 16  # of a model that are tried
HINT_WORK: Final = 12_000  # rows, for the remedies of one model
BLAME_WORK: Final = 1000  # for the blame of one argument
REMEDY_WORK: Final = 4000  # monomials whose denominators are cleared, in the search for a remedy

# ---------------------------------------------------------------- unnoticed

# try_result
IDENTITY_TRIALS: Final = 3  # points at which (U) is tried
IDENTITY_TOLERANCE: Final = 1e-8  # of (U), relative
SUM_TOLERANCE: Final = 1e-5  # of F by quadrature, with a derivative by differences

# index.domains
DRAWN_TRIALS: Final = 3  # of counts whose sum is not known
DRAWN_INSIDE: Final = (0.1, 0.9)  # where a random value lies between two ends
DRAWN_BEYOND: Final = (0.3, 2.5)  # where it lies beyond one end
DRAWN_DENOMINATORS: Final = (37, 53, 71)  # of values at which nothing holds by accident

# trial.remember
REMEMBERED_FROM: Final = 2000  # subterms, as a tree: of larger ones what is repeated is kept

# trial.evaluate
LOST_PIVOT: Final = 1e-12  # of the largest entry, to which a pivot is rounding
LOST_DIGITS: Final = 1e-6  # of the larger part, to which a difference is small

# trial.identity
Q_POINTS: Final = 4  # of q
IDENTITY_OPERATIONS: Final = 40_000  # of one evaluation; else smaller sizes are tried, or none
TRIED_ENTRIES: Final = 4000  # that are drawn at one point; else likewise
IDENTITY_ATTEMPTS: Final = 40  # per trial, where a draw falls outside the domain of the model
DRAWN_NATURAL: Final = 5  # that is drawn of a node; numbers of trials are not below
REDRAWS: Final = 25  # of the nodes, where they do not satisfy a condition

# trial.normalization
MASS_POINTS: Final = 3  # of the arguments
MASS_ATTEMPTS: Final = 20  # where a draw falls outside the domain of the density
MASS_COUNTS: Final = (96, 192)  # nodes at two resolutions, terms of an infinite sum
MASS_INTEGERS: Final = 200  # that are summed, where a density may be one of counts
MASS_OFF: Final = 0.02  # a mass further from 1 is wrong
MASS_SEEN: Final = 1e-6  # so near to 1 it is taken for 1
MASS_DOUBT: Final = 100  # times the difference of two resolutions is no certain error
MASS_MISSED: Final = 0.05  # less may be a peak between the nodes
MASS_AGREEMENT: Final = 0.002  # of the two resolutions; else nothing was integrated
MASS_FURTHER: Final = 0.8  # tails: with nodes that reach further, the mass has to be the same

# trial.printed_sum
SUM_STEP: Final = 1e-4  # of the derivative along the motion
SUM_SMALL: Final = 1e-6  # a residual that needs no second look
SUM_AGREEMENT: Final = 1e-6  # of the integrals at two resolutions; else nothing was integrated
SUM_GROSS: Final = 0.03  # a residual that no kink explains, nor tails of q beyond the nodes
SUM_LOST: Final = 0.01  # of the mass of q, if tails beyond the nodes hold less
SUM_OPERATIONS: Final = 2_000_000  # of F at all nodes; else smaller sizes are tried, or none
SUM_DRAWN: Final = 8  # points of an arbitrary q, where there are too many entries to enumerate
DRAWN_OPERATIONS: Final = 300_000  # of F at these
SUM_ATTEMPTS: Final = 20  # where a draw falls outside the domain of the model
SUM_RETRIES: Final = 2  # at other values, where an integral is not good enough
SUM_COUNTS: Final = (48, 96)  # nodes of an entry, and more where these do not suffice

# ---------------------------------------------------------------- unprinted

# criterion.choose_functions
WRITTEN_OUT: Final = 3  # places of a sum in a function that stands for an abstract one

# page.summary, page.documents
LEFT_OVER_TERMS: Final = 12  # of what is left over; all are in derivation.json

# certify.enclose
ENCLOSED_BITS: Final = 164  # of a number that is printed to four digits

# entropy.sum_entropies, proof.abbreviate, code.draft, code.plan_moments
SHORT_SUBTERMS: Final = 3  # of an argument; a longer one is abbreviated
NEAR_SUBTERMS: Final = 6  # around exp, sigmoid and the like, which then stay in sight

# language.fault
QUOTED_CHARACTERS: Final = 60  # of a text that a message quotes

# code.separate_data
DATA_PARTS: Final = 64  # products of data and rest; beyond, every data point meets every sample
DATA_DEGREE: Final = 4  # of a power that is multiplied out

# code.stable_form
STABLE_ROUNDS: Final = 20  # of the rules of stable forms, at one term

# index.substitute, proof.find_shorthand, code.draft
WRITTEN_SUBTERMS: Final = 2000  # a longer formula is not expanded, and what it repeats is named
WRITTEN_DEPTH: Final = 40  # of nested operations, the same

# proof.find_shorthand, code.draft
LISTED_QUANTITIES: Final = 12  # of the user's, that one formula explains
NAMED_FROM: Final = 12  # subterms of what is repeated

# code.draft
REPEATED_FROM: Final = 400  # subterms, as a tree: from there on what is repeated is assigned

# cli
GC_THRESHOLD: Final = (400_000, 20, 50)  # a run is short, and next to nothing of it is a cycle

# compile_pdf
TEX_SECONDS: Final = 60  # for one run of TeX; else there is no PDF
TEX_RUNS: Final = 2  # the second one, where the numbers of references were not foreseen

# manifest
MANIFEST_BYTES: Final = 1 << 20  # of a manifest that is read; a larger one is none of ours

# replace_folder
RECORD_BYTES: Final = 1 << 26  # of a record, which names every entry of the user's folder

# ---------------------------------------------------------------- estimated

# uses.parts_of_gap
DIFFERENCE_STEP: Final = 1e-3  # of differences that are exact for polynomials of degree four
DIRECTIONS: Final = 4  # in which a parameter at rest is moved

# sklearn
STATIONARY_GAP: Final = 1e-6  # relative to 1 + |F|: a smaller one is none

# uses.monitor
MONITORED_POINTS: Final = 200  # whose q say which latents are collapsed

# ---------------------------------------------------------------- recomputed

# index.ring
KEPT_POLYNOMIALS: Final = 100_000  # of terms
KEPT_MATRICES: Final = 10_000  # whose symmetry is known
KEPT_NORMAL: Final = 1000  # terms in normal form

# index.tidy
KEPT_TIDY: Final = 400  # terms, factored

# index.substitute, index.differentiate
KEPT_REPLACED: Final = 1000  # terms in which symbols are replaced
KEPT_DERIVATIVES: Final = 400  # along a field

# expfam.derive_moments
KEPT_MEANS: Final = 40  # of the statistics of a form

# index.rewrite_products
KEPT_DIVISORS: Final = 10_000  # whose leading atom is known

# model.least_sizes
KEPT_NEEDS: Final = 4000  # terms, and the sizes that their places need

# notation.arrange
KEPT_DISPLAYS: Final = 20_000  # of terms, and of places in the order of reading

# notation.names, notation.print_latex
KEPT_NAMES: Final = 10_000  # taken apart
KEPT_RENAMED: Final = 4000  # terms whose indices have letters
KEPT_PIECES: Final = 20_000  # of LaTeX, whose width is known

# notation.print_latex, notation.print_text
KEPT_TEXTS: Final = 4000  # of terms, in each notation
KEPT_SET: Final = 4000  # of parts of them, which may be shared

# language.density
KEPT_DENSITIES: Final = 1000  # of families at given extents

# trial.evaluate
KEPT_SCOPES: Final = 10_000  # free indices of terms and of arrays
KEPT_SERIES: Final = 32  # derivatives of one function

# expfam.respond
KEPT_RESPONSES: Final = 2000  # of changes, in a gauge

# criterion.factor
KEPT_FACTORS: Final = 2000  # of statements
KEPT_CHANGES: Final = 1000  # of densities

# index.gradient
SHORT_GRADIENT: Final = 24  # columns, up to which a gradient is a table at once

# criterion.residues
KEPT_RATIONALS: Final = 1 << 14  # of residues

# code.stable_form
KEPT_FORMS: Final = 20_000  # stable ones, of terms

# sklearn
KEPT_ESTIMATORS: Final = 16  # models of them, derived
