"""Several images in one repository: where they are, what they are built on, which have changed."""
