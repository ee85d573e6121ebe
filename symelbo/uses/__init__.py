"""What the sums are good for: which parameter is off, model selection, posterior collapse."""
