"""What `pytest --raceway` brings in: the session that watches, and what it says of each test.

`plugin` is the plugin that pytest calls, `asserts` has pytest's own import hook give instrumented code, `tests` tells
which findings belong to which test, `failures` how it fails for them, `workers` gathers what the processes of
pytest-xdist found.
"""
