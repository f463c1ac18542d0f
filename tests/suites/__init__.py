"""Other people's test suites, run plain and watched: `make suites`. Each test must end as it does without Raceway."""
