"""An independent oracle for criterion (U): what holds, what fails, at small sizes, as numbers.

It shares nothing with symelbo but the language of the YAML files: own parser, own densities, own
derivatives, own linear algebra.  It proves nothing; it is there to catch false proofs and false
refutations.  Notation and section numbers are those of the theory page (`theory.md`).

    from tests.oracle.rank import decide
    for answer in decide("the text, a Path, or a dict", details=True):
        answer.sizes, answer.verdict      # {'D': 2, 'H': 2}, HOLDS | FAILS | UNCLEAR
        answer.theorem, answer.moves      # 1 or 2, of the preferred solution; latents move in it
        answer.theorem1                   # whether any solution has b constant
        answer.moving, answer.must        # latents that suffice; that move in every solution
        answer.closed                     # declared q: closed under a motion that serves the model
        answer.motions[0].velocities      # the solution at one parameter point

    python -m tests.oracle.compare --count 2000 --seed 0 --jobs 2

| module | what it knows |
|---|---|
| `language`, `spec` | the language: a parser, a model at concrete sizes, log p of every factor |
| `families` | log-densities of all families, from their definitions |
| `tape` | arrays with exact derivatives, in float64 or 100 digits |
| `sampling` | the linear system of (U) at sample points of the actual supports |
| `system` | its solution case by case: in float64 where that is clear, else in 100 digits |
| `rank` | the cases ("D b constant", latents at rest or moving), sizes, the answer |
| `entropy_sum` | F, dF/ds and entropies at random points: `gap(...)` is 0 for a right claim |
| `random_models` | models from a seed |
| `naive` | a second solver, slow and plain, to test the first with |
| `compare` | symelbo against the oracle |

What an answer means.  FAILS: at these sizes, constants and points no motion of the class exists,
so none exists for all sizes: `proved` is wrong.  HOLDS: there is one at every sampled point; the
points outnumber the unknowns, so with probability one there is one at almost every point of these
sizes, and `refuted` is wrong there.  UNCLEAR: neither is claimed.

The class: parameters move along their constraints; a real latent by r z + s, a positive one by r z,
one that begins at a known lo by r (z - lo), an angle by s, a matrix by r X; everything else stands
still.  Not decided (`Unsupported`): abstract families, parameters without admissible values.  Left
UNCLEAR instead of FAILS: real latents with a pole inside the line, vectors and matrices that may
move partly or mix, a latent Pareto whose minimum is not a number, if that might save the model.
An abstract function is one random function, so HOLDS is for it, not for every function.  Constants
are random too, counts are 2 or 3.
"""

import os

# The matrices are small: threads only get into each other's way.  (Before NumPy is loaded.)
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
