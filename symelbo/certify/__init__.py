"""The checking wing: the engine proposes, this package disposes; it imports terms alone."""
