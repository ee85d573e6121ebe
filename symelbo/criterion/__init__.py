"""The criterion (U): one motion of parameters and latents for all factors, or a refutation."""
