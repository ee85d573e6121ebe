"""What people read: the proof document, the terminal summary, derivation.json."""
