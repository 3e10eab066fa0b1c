"""A repository for an image: made from nothing, or converted from repo2docker-action."""
