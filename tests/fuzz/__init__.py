"""Random programs, plain and watched: the same effects, values, exceptions and tracebacks. `make fuzz` runs many."""
