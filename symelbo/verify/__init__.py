"""The checking wing: the engine proposes, this package disposes.

Imports the term data and the standard library only, so that what finds a result is never what
checks it.
"""
