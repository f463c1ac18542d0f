"""Happens-before detection over the recorder's stream: clocks, shadow state, locksets, regions."""
