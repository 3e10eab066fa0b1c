"""What git and GitHub say about a push that did not go through, and what it means."""

from __future__ import annotations

import pytest

from r2d_action.binder.refusal import (
    PushDelayed,
    PushRefused,
    Refusal,
    read_refusal,
    require_accepted,
)
from r2d_action.process import Completed
from r2d_action.retry import Temporary

READ_ONLY_TOKEN = """\
remote: Permission to octo/course.git denied to github-actions[bot].
fatal: unable to access 'https://github.com/octo/course/': The requested URL returned error: 403
"""
NO_CREDENTIAL = (
    "fatal: could not read Username for 'https://github.com': terminal prompts disabled\n"
)
RULES = """\
To https://github.com/octo/course
!\tHEAD:refs/heads/main\t[remote rejected] (push declined due to repository rule violations)
remote: error: GH013: Repository rule violations found for refs/heads/main.
remote: - Changes must be made through a pull request.
error: failed to push some refs to 'https://github.com/octo/course'
"""
PROTECTED = """\
remote: error: GH006: Protected branch update failed for refs/heads/main.
!\tHEAD:refs/heads/main\t[remote rejected] (protected branch hook declined)
"""
BEHIND = """\
!\tHEAD:refs/heads/main\t[rejected] (fetch first)
hint: Updates were rejected because the remote contains work that you do not have locally.
"""
SAME_MOMENT = "!\ta:refs/heads/main\t[remote rejected] (cannot lock ref 'refs/heads/main': is at 1)"
DEPLOY_KEY = """\
ERROR: The key you are authenticating with has been marked as read only.
fatal: Could not read from remote repository. The remote end hung up unexpectedly
"""
BAD_GATEWAY = "fatal: unable to access 'https://x/': The requested URL returned error: 502"


@pytest.mark.parametrize(
    ("said", "meaning"),
    [
        (READ_ONLY_TOKEN, Refusal.NO_PERMISSION),
        ("remote: Write access to repository not granted.\nfatal: 403", Refusal.NO_PERMISSION),
        (DEPLOY_KEY, Refusal.NO_PERMISSION),
        (NO_CREDENTIAL, Refusal.NO_CREDENTIAL),
        ("fatal: Authentication failed for 'https://github.com/o/r/'", Refusal.NO_CREDENTIAL),
        ("git@github.com: Permission denied (publickey).", Refusal.NO_CREDENTIAL),
        (RULES, Refusal.PROTECTED),
        (PROTECTED, Refusal.PROTECTED),
        ("fatal: couldn't find remote ref refs/heads/topic", Refusal.BRANCH_GONE),
        (BEHIND, Refusal.MOVED_ON),
        (SAME_MOMENT, Refusal.MOVED_ON),
        (BAD_GATEWAY, Refusal.TEMPORARY),
        ("fatal: unable to access 'https://x/': Could not resolve host: x", Refusal.TEMPORARY),
        ("error: RPC failed; curl 56 Recv failure: Connection reset by peer", Refusal.TEMPORARY),
        ("fatal: 'origin' does not appear to be a git repository", Refusal.OTHER),
    ],
)
def test_sentence_is_understood(said: str, meaning: Refusal) -> None:
    assert read_refusal(said) is meaning


@pytest.mark.parametrize("said", [BEHIND, BAD_GATEWAY])
def test_what_may_pass_is_temporary(said: str) -> None:
    with pytest.raises(PushDelayed) as raised:
        require_accepted(Completed(("git", "push"), 1, said))
    assert isinstance(raised.value, Temporary)
    assert raised.value.reason == raised.value.refusal.value


def test_what_stays_is_not_temporary() -> None:
    with pytest.raises(PushRefused) as raised:
        require_accepted(Completed(("git", "push"), 128, "", READ_ONLY_TOKEN))
    assert not isinstance(raised.value, Temporary)


def test_success_is_accepted() -> None:
    require_accepted(Completed(("git", "push"), 0, "Everything up-to-date"))


def test_missing_permission_comes_with_the_lines_to_paste() -> None:
    told = str(PushRefused(READ_ONLY_TOKEN, Refusal.NO_PERMISSION).explained("main"))
    assert "`main`: the job may only read" in told
    assert "    permissions:\n      contents: write\n" in told
    assert "    remote: Permission to octo/course.git denied to github-actions[bot]." in told


def test_missing_credential_names_the_checkout_step() -> None:
    told = str(PushRefused(NO_CREDENTIAL, Refusal.NO_CREDENTIAL).explained("main"))
    assert "persist-credentials: true" in told
    assert "contents: write" in told


def test_protected_branch_quotes_the_rule_and_leaves_hints_out() -> None:
    told = str(PushRefused(RULES + BEHIND, Refusal.PROTECTED).explained("main"))
    assert "Changes must be made through a pull request." in told
    assert "hint:" not in told


def test_unknown_reason_still_quotes_git() -> None:
    told = str(PushRefused("fatal: something new", Refusal.OTHER).explained("main"))
    assert told.endswith("git said:\n    fatal: something new")
