"""A message board: its messages are in a database, its pages are made from templates."""
