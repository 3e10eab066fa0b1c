"""What we ask of a registry, and as whom."""
