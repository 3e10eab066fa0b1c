"""What runs inside the image, with its own shell; never imported."""
