"""Independent oracle."""
