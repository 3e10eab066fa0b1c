"""The stages of a run, each with its effects; what they decide is decided elsewhere."""
