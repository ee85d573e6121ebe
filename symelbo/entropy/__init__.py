"""The entropy sum: what the ELBO equals at stationary points, and its closed form."""
