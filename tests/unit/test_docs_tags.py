"""Whoever looks at a registry's list of tags finds there what each of ours is."""

from __future__ import annotations

import re

from pages import DOCS
from r2d_action.plan.tagging import cache_tag, key_tag
from r2d_action.reference import Digest


def test_each_kind_of_tag_is_told() -> None:
    # A list of packages, where the registry knows no referrers:
    # https://github.com/opencontainers/distribution-spec/blob/main/spec.md#referrers-tag-schema
    of_a_list = str(Digest(f"sha256:{'0' * 64}")).replace(":", "-")
    text = (DOCS / "reuse.md").read_text(encoding="utf-8")
    told = re.findall(r"^\| `([\w-]+-)` and ", text, re.MULTILINE)
    ours = (str(key_tag("0" * 24)), str(cache_tag("main")), of_a_list)
    assert [tag.startswith(start) for tag, start in zip(ours, told, strict=True)] == [True] * 3
