"""The hand-marking SDK."""
