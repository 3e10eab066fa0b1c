"""What the built image must do before it is pushed: pass its tests, start as on a hub."""
