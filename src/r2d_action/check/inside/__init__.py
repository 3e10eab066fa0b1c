"""Scripts that run inside the image, with its own Python (3.6 or later) and nothing else.

They are copied into throw-away containers and never imported from there.
"""
