"""Values only: the words every stage of Raceway shares, and nothing that does work."""
