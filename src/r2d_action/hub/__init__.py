"""The last mile: the hub's configuration names the new image, and a server starts with it."""
