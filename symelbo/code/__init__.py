"""The emitted module: NumPy functions for entropy sum, ELBO and gap."""
