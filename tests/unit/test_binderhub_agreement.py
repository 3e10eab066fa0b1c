"""What is said when a BinderHub does not find what was published for it."""

from __future__ import annotations

from dataclasses import replace

from r2d_action.binder.agreement import why_not_found
from r2d_action.binder.binderhub import Triggered, TriggerOutcome
from r2d_action.plan.binderhub import binderhub_reference
from r2d_action.reference import Digest

NAME = binderhub_reference("quay.io/my-hub/r2d-", "octo/course", "0123456789" * 4)
PUBLISHED = NAME.with_digest(Digest(f"sha256:{'a' * 64}"))
FOUND = Triggered(TriggerOutcome.BUILT, "", "", "ready", image=str(NAME), found=True)


def test_found() -> None:
    assert why_not_found(FOUND, PUBLISHED) == ""


def test_other_prefix() -> None:
    other = binderhub_reference("quay.io/my-hub/other-", "octo/course", "0123456789" * 4)
    for found in (True, False):
        sentence = why_not_found(replace(FOUND, image=str(other), found=found), PUBLISHED)
        assert sentence.startswith("BINDERHUB_IMAGE_PREFIX: ")
        assert str(other) in sentence
        assert f"as {NAME};" in sentence


def test_built_all_the_same() -> None:
    assert "may not read" in why_not_found(replace(FOUND, found=False), PUBLISHED)


def test_nothing_is_known() -> None:
    failed = Triggered(TriggerOutcome.UNREACHABLE, "", "it answered 403")
    assert why_not_found(failed, PUBLISHED) == ""
