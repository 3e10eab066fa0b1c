"""What is installed in an image: read, kept with it, compared with another one's, locked."""
