"""Random programs, run plain and watched: the same effects, values, exceptions and tracebacks. `make fuzz` runs many."""
