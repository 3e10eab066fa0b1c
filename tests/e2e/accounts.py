"""Who may push to the tests' registry."""

# Characters that quoting gets wrong: in shells, in YAML, in JSON and in URLs.
PASSWORD = r"""it's a "$HOME" \n pass%20word: {100%} #1"""
USER = "ann"
# One more user for each case in which the user's name is the image's.
USERS = (USER, *(f"user{number:02}" for number in range(16)))
