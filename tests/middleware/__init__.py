"""Middleware, against the real frameworks on real servers."""
