"""Turn a repository into the image that a JupyterHub runs."""

__version__ = "0.1.0"

# The published home. The generator writes it into the docs and the template.
HOME = "jupyterhub/r2d-action"
