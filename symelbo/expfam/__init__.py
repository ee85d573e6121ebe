"""Natural parameters, statistics, log-partition and moments, derived from a log-density."""
