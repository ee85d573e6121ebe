"""Numbers against the result as printed: evaluation, quadrature, random points."""
