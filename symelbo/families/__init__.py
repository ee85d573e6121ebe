"""The families: one file each, its log-density and its domain."""
