"""What a run does for Binder: the cache commit, and the build ahead of the first visitor."""
