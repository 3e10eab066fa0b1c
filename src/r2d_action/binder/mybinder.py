"""MYBINDERORG_TAG: have mybinder.org build the repository before its first visitor comes."""

from r2d_action.binder.binderhub import BinderHub

MYBINDER = BinderHub(
    name="mybinder.org",
    url="https://mybinder.org",
    # Its clusters launch whatever they build.
    build_only=False,
    time_limit=900.0,
    tries=2,
)
