"""GitHub, as far as a hub's pull request needs it, over a real bare git repository."""
