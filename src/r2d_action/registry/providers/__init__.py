"""Operators of registries, one module each, chosen by the registry's host."""
