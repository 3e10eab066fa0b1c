"""The command ``r2d-action``: the only reader of the environment, and the only place that
turns errors into exit codes."""
