"""The parts of asking mybinder.org that need no connection."""

from __future__ import annotations

import pytest

from r2d_action.binder.binderhub import BinderSource


@pytest.mark.parametrize(
    ("ref", "path"),
    [
        ("main", "gh/octo/course/main"),
        ("refs/heads/main", "gh/octo/course/main"),
        ("refs/heads/feature/x", "gh/octo/course/feature/x"),
        ("refs/tags/v1.0", "gh/octo/course/v1.0"),
        ("refs/pull/5/merge", "gh/octo/course/refs/pull/5/merge"),
        ("issue#7 50%", "gh/octo/course/issue%237%2050%25"),
    ],
)
def test_ref_is_written_as_in_links(ref: str, path: str) -> None:
    assert BinderSource("octo/course", ref).path == path
