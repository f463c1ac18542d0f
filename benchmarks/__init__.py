"""What watching a program costs: `make bench`, or `python -m benchmarks --help`. Results: docs/performance.md."""
