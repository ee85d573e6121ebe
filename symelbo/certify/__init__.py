"""What is claimed of a model, as data: stated in its terms, encoded for the checker, confirmed."""
