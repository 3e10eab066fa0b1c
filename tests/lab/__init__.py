"""The real things that tests run on: an engine, a registry and a few small images."""
