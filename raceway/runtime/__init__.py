"""What probes and sync models reach: the recorder, identity, actors, stacks and the choice of core."""
