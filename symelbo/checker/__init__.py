"""The checker of certificates: standard library only, and nothing of the engine.

    python -m symelbo.checker FILE...

The folder may be copied alone to another place.  What it reads is described in docs/certificate.md.
"""
