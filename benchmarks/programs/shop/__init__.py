"""A small shop over HTTP: Flask on werkzeug's threaded server, several modules with state that threads share."""
