"""What can go wrong while the lab is set up."""


class LabError(Exception):
    """A sentence for the person at the terminal; it ends the program with exit code 1."""
