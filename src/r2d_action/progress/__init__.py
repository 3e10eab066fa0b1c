"""What a person at a terminal sees of a run while it lasts, and how long it took last time."""
