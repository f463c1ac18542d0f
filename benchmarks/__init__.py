"""What watching a program costs: `make bench`, or `python -m benchmarks --help`. docs/performance.md has the results."""
