"""The rolling pull request against a stateful GitHub: a real bare git repository, and traffic
that is held to GitHub's own description of its interfaces."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from fakes.github.model import App, GitHub, Grant
from fakes.github.server import Answer, Served, serving
from integration.hub_repository import BOT, HUB, TOKEN, WRITE, hub_with, served
from r2d_action.errors import HubFailed, InputError
from r2d_action.hub.access import Surroundings
from r2d_action.hub.description import Facts
from r2d_action.hub.target import Source
from r2d_action.hub.update import update_hub_repository
from r2d_action.hub.values import NewImage, Proposal
from r2d_action.inputs import Inputs
from r2d_action.reference import Repository, Tag
from r2d_action.retry import Retry

__all__ = ["served"]

IMAGE = Repository.parse("quay.io/org/user-image")
OLD, NEW, NEWER = "0000000aaaaa", "1111111bbbbb", "2222222ccccc"
HUB_FILE = "config/hub.yaml"
NOW = 1_700_000_000.0


def values(tag: str, cpu: int = 1) -> bytes:
    return f"jupyterhub:\n  image: quay.io/org/user-image:{tag}  # ours\n  cpu: {cpu}\n".encode()


@pytest.fixture
def github(tmp_path: Path) -> GitHub:
    return hub_with(tmp_path / "hub.git", {HUB_FILE: values(OLD), "README.md": b"A hub\n"})


def hub_inputs(**inputs: object) -> Inputs:
    return Inputs(**{"hub_repo": HUB, "hub_token": TOKEN, **inputs})  # type: ignore[arg-type]


@dataclass
class Run:
    """A run of the source repository, which has built ``tag``."""

    served: Served
    tag: str
    inputs: Inputs = field(default_factory=hub_inputs)
    newer: tuple[str, ...] = ()
    going_back: bool = False
    said: list[str] = field(default_factory=list)
    slept: list[float] = field(default_factory=list)
    masked: list[str] = field(default_factory=list)

    def __call__(self) -> Proposal:
        surroundings = Surroundings(
            api_url=self.served.api_url,
            certificates=None,
            mask=self.masked.append,
            retry=Retry(self.slept.append, self.said.append, tries=3),
            clock=lambda: NOW,
        )
        source = Source(
            commit=self.tag + "0" * 28,
            url="https://github.com/org/image",
            run_url="https://github.com/org/image/actions/runs/1",
            newer=tuple(tag + "0" * 28 for tag in self.newer),
        )
        return update_hub_repository(
            self.inputs,
            NewImage(IMAGE, Tag(self.tag)),
            source,
            Facts(checks=("5 tests",)),
            surroundings,
            going_back=self.going_back,
        )


def test_the_first_run_opens_a_pull_request_with_the_change_alone(
    github: GitHub, served: Served
) -> None:
    inputs = hub_inputs(hub_labels=("image",), hub_reviewers=("robin",), hub_automerge=True)
    proposal = Run(served, NEW, inputs)()
    assert (proposal.status, proposal.number, proposal.notes) == ("opened", 1, ())
    assert proposal.url == f"{served.page}/pull/1"
    pull = github.pull(1)
    assert github.content(HUB_FILE, pull.head) == values(NEW)
    assert github.git.paths("main", pull.head) == [HUB_FILE]
    assert (pull.labels, pull.reviewers, pull.auto_merge) == (["image"], ["robin"], "SQUASH")
    assert github.content(HUB_FILE) == values(OLD)


def test_the_commit_names_where_it_comes_from_and_is_made_by_github_itself(
    github: GitHub, served: Served
) -> None:
    Run(served, NEW)()
    (commit,) = github.pull(1).commits
    assert (commit.author, commit.committer) == (BOT.email, "noreply@github.com")
    assert f"Source-Commit: https://github.com/org/image/commit/{NEW}{'0' * 28}" in commit.message
    assert "Source-Run: https://github.com/org/image/actions/runs/1" in commit.message


def test_a_newer_image_updates_and_retitles_the_same_pull_request(
    github: GitHub, served: Served
) -> None:
    first = Run(served, NEW)()
    second = Run(served, NEWER)()
    assert (second.status, second.number) == ("updated", first.number)
    (pull,) = github.open_pulls
    assert pull.title == f"Update user-image to {NEWER} in {HUB_FILE}"
    assert f":{OLD}` | `quay.io/org/user-image:{NEWER}`" in pull.body
    assert [github.content(HUB_FILE, pull.head)] == [values(NEWER)]
    assert len(pull.commits) == 1
    assert github.branches == ["main", pull.head]


def test_the_same_image_again_changes_nothing(github: GitHub, served: Served) -> None:
    Run(served, NEW)()
    before = github.pull(1).commits
    asked = len(served.seen)
    assert Run(served, NEW)().status == "unchanged"
    assert github.pull(1).commits == before
    assert len(served.seen) - asked == 3


def test_a_hub_that_has_the_image_is_left_alone(github: GitHub, served: Served) -> None:
    assert Run(served, OLD)().status == "current"
    assert github.branches == ["main"]


def test_a_hub_without_the_image_is_not_called_up_to_date(github: GitHub, served: Served) -> None:
    github.push({HUB_FILE: b"jupyterhub: {}\n"})
    proposal = Run(served, NEW)()
    assert proposal.status == "absent"
    assert "by hand" in proposal.note


def test_the_pull_request_is_closed_once_the_hub_has_the_image_by_another_way(
    github: GitHub, served: Served
) -> None:
    Run(served, NEW)()
    github.push({HUB_FILE: values(NEW)})
    assert Run(served, NEW)().status == "closed"
    assert github.pull(1).state == "CLOSED"
    assert github.branches == ["main"]
    # Ours to close, so nobody has declined it.
    github.push({HUB_FILE: values(OLD)})
    assert Run(served, NEW)().status == "opened"


def test_what_a_person_closed_is_not_proposed_again_but_the_next_image_is(
    github: GitHub, served: Served
) -> None:
    Run(served, NEW)()
    github.close(1)
    declined = Run(served, NEW)()
    assert (declined.status, declined.number) == ("declined", 1)
    assert "reopen" in declined.note
    assert (Run(served, NEWER)().status, len(github.open_pulls)) == ("opened", 1)


def test_a_reopened_pull_request_is_the_rolling_one_again(github: GitHub, served: Served) -> None:
    Run(served, NEW)()
    github.close(1)
    github.reopen(1)
    assert (Run(served, NEWER)().number, len(github.pulls)) == (1, 1)


def test_a_deleted_branch_counts_as_closed(github: GitHub, served: Served) -> None:
    head = Run(served, NEW)().branch
    github.delete_branch(head)
    assert Run(served, NEW)().status == "declined"
    assert Run(served, NEWER)().status == "opened"
    assert [pull.head for pull in github.open_pulls] == [head]


def test_a_merged_image_that_was_taken_out_again_is_not_proposed_a_second_time(
    github: GitHub, served: Served
) -> None:
    Run(served, NEW)()
    github.merge(1)
    github.push({HUB_FILE: values(OLD)})
    declined = Run(served, NEW)()
    assert declined.status == "declined"
    assert "taken out again" in declined.note


def test_a_branch_that_was_left_is_not_reset_under_a_pull_request_that_comes_between(
    github: GitHub, served: Served
) -> None:
    Run(served, NEW)()
    github.merge(1)
    served.once("POST", "mutation Commit", lambda: _none(Run(served, NEWER)()))
    assert Run(served, NEWER)().number == 2
    assert [pull.number for pull in github.open_pulls] == [2]


@pytest.mark.parametrize("squash", [False, True])
def test_after_a_merge_the_next_image_gets_a_new_pull_request(
    github: GitHub, served: Served, squash: bool
) -> None:
    Run(served, NEW)()
    github.merge(1, squash=squash)
    assert Run(served, NEW)().status == "current"
    proposal = Run(served, NEWER)()
    assert (proposal.status, proposal.number, proposal.branch) == ("opened", 2, github.pull(1).head)
    assert [commit.parents[0] for commit in github.pull(2).commits] == [github.git.resolve("main")]


def test_the_commit_is_made_anew_when_the_base_changed_the_same_file(
    github: GitHub, served: Served
) -> None:
    Run(served, NEW)()
    github.push({HUB_FILE: values(OLD, cpu=2)})
    assert Run(served, NEW)().status == "updated"
    (commit,) = github.pull(1).commits
    assert commit.parents == (github.git.resolve("main"),)
    assert github.content(HUB_FILE, github.pull(1).head) == values(NEW, cpu=2)


def test_a_conflict_is_gone_with_the_next_run(github: GitHub, served: Served) -> None:
    Run(served, NEW)()
    github.push({HUB_FILE: values("9999999fffff")})
    assert Run(served, NEWER)().status == "updated"
    assert f":9999999fffff` | `quay.io/org/user-image:{NEWER}`" in github.pull(1).body


def test_other_files_of_the_base_do_not_touch_the_proposal(github: GitHub, served: Served) -> None:
    Run(served, NEW)()
    github.push({"README.md": b"Still a hub\n"})
    assert Run(served, NEW)().status == "unchanged"


def test_the_base_may_move_while_a_run_is_at_work(github: GitHub, served: Served) -> None:
    served.once("POST", "query Standing", lambda: _none(github.push({HUB_FILE: values(OLD, 3)})))
    proposal = Run(served, NEW)()
    assert github.content(HUB_FILE, proposal.branch) == values(NEW, cpu=3)
    assert len(github.pulls) == 1


def test_commits_of_others_are_never_overwritten(github: GitHub, served: Served) -> None:
    head = Run(served, NEW)().branch
    theirs = github.push({"notes.md": b"wait for Monday\n"}, branch=head)
    fresh = Run(served, NEWER)()
    assert (fresh.status, fresh.number, fresh.branch) == ("opened", 2, f"{head}-2")
    assert "commits by others" in fresh.notes[0]
    assert "replaces #1" in github.pull(2).body
    assert github.git.resolve(f"refs/heads/{head}") == theirs
    # From now on the fresh one rolls.
    assert (Run(served, "3333333ddddd")().number, len(github.pulls)) == (2, 2)


def test_an_amended_commit_is_somebody_elses(github: GitHub, served: Served) -> None:
    head = Run(served, NEW)().branch
    github.amend(head, {HUB_FILE: values(NEW, cpu=8)})
    assert Run(served, NEWER)().branch == f"{head}-2"
    assert github.content(HUB_FILE, head) == values(NEW, cpu=8)


def test_others_may_add_to_the_image_that_is_still_wanted(github: GitHub, served: Served) -> None:
    head = Run(served, NEW)().branch
    github.push({"notes.md": b"wait for Monday\n"}, branch=head)
    assert (Run(served, NEW)().status, len(github.pulls)) == ("unchanged", 1)


def test_the_update_branch_button_takes_nothing_over(github: GitHub, served: Served) -> None:
    Run(served, NEW)()
    github.push({"README.md": b"Still a hub\n"})
    github.update_branch(1)
    assert (Run(served, NEWER)().number, len(github.pull(1).commits)) == (1, 1)


def test_when_others_work_on_every_branch_the_run_says_so(github: GitHub, served: Served) -> None:
    for tag in (NEW, NEWER, "3333333ddddd"):
        github.push({"notes.md": tag.encode()}, branch=Run(served, tag)().branch)
    with pytest.raises(HubFailed, match="merge or delete one of these branches"):
        Run(served, "4444444eeeee")()


def test_an_older_run_moves_neither_the_proposal_nor_the_hub_back(
    github: GitHub, served: Served
) -> None:
    Run(served, NEWER)()
    late = Run(served, NEW, newer=(NEWER,))()
    assert (late.status, late.number) == ("overtaken", 1)
    assert NEWER in github.pull(1).title
    github.merge(1)
    assert Run(served, NEW, newer=(NEWER,))().status == "overtaken"
    # Also where the hub was moved on by hand.
    github.push({HUB_FILE: values("5555555aaaaa")})
    by_hand = Run(served, "4444444eeeee", newer=("5555555aaaaa",))()
    assert (by_hand.status, HUB_FILE in by_hand.note) == ("overtaken", True)


def test_an_older_run_whose_image_the_hub_has_does_not_close_the_newer_proposal(
    github: GitHub, served: Served
) -> None:
    Run(served, NEW)()
    assert Run(served, OLD, newer=(NEW,))().status == "overtaken"
    assert len(github.open_pulls) == 1


def test_going_back_on_purpose_is_a_pull_request_as_well(github: GitHub, served: Served) -> None:
    Run(served, NEW)()
    github.merge(1)
    back = Run(served, OLD, newer=(NEW,), going_back=True)()
    assert back.status == "opened"
    assert github.pull(2).title == f"Go back with user-image to {OLD} in {HUB_FILE}"


def test_going_back_is_asked_again_after_it_was_closed(github: GitHub, served: Served) -> None:
    github.push({HUB_FILE: values(NEW)})
    back = Run(served, OLD, newer=(NEW,), going_back=True)
    back()
    github.close(1)
    assert (back().status, len(github.open_pulls)) == ("opened", 1)


def test_an_older_run_proposes_nothing_where_a_newer_image_was_declined(
    github: GitHub, served: Served
) -> None:
    Run(served, NEWER)()
    github.close(1)
    assert (Run(served, NEW, newer=(NEWER,))().status, len(github.pulls)) == ("overtaken", 1)


def test_staging_and_production_have_a_pull_request_each(github: GitHub, served: Served) -> None:
    github.push({HUB_FILE: values(OLD)}, branch="production")
    for tag in (NEW, NEWER):
        Run(served, tag)()
        Run(served, tag, hub_inputs(hub_branch="production"))()
    assert [(pull.base, NEWER in pull.title) for pull in github.open_pulls] == [
        ("main", True),
        ("production", True),
    ]


@pytest.mark.parametrize("part", ["query Standing", "mutation Commit", "/pulls"])
def test_two_runs_at_once_end_in_one_pull_request(
    github: GitHub, served: Served, part: str
) -> None:
    """The other run happens whole between what this one sees and what it does."""
    served.once("POST", part, lambda: _none(Run(served, NEW)()))
    assert Run(served, NEW)().number == 1
    (pull,) = github.pulls
    assert github.content(HUB_FILE, pull.head) == values(NEW)


@pytest.mark.parametrize("part", ["query Standing", "mutation Commit", "mutation Move"])
def test_a_newer_run_that_comes_between_wins(github: GitHub, served: Served, part: str) -> None:
    Run(served, "7777777aaaaa")()
    served.once("POST", part, lambda: _none(Run(served, NEWER)()))
    assert Run(served, NEW, newer=(NEWER,))().status == "overtaken"
    (pull,) = github.pulls
    assert github.content(HUB_FILE, pull.head) == values(NEWER)
    assert NEWER in pull.title


def test_runs_that_really_are_at_once(github: GitHub, served: Served) -> None:
    results: list[Proposal] = []
    runs = [threading.Thread(target=lambda: results.append(Run(served, NEW)())) for _ in range(3)]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert len(results) == 3
    assert {(one.number, one.url) for one in results} == {(1, f"{served.page}/pull/1")}
    (pull,) = github.pulls
    assert github.content(HUB_FILE, pull.head) == values(NEW)
    assert len(pull.commits) == 1


def test_a_run_that_ended_between_commit_and_pull_request_is_taken_up(
    github: GitHub, served: Served
) -> None:
    served.once("POST", "/pulls", lambda: _fault(403, "Resource not accessible by integration"))
    with pytest.raises(HubFailed):
        Run(served, NEW)()
    assert (github.pulls, len(github.branches)) == ([], 2)
    del served.seen[:]
    assert Run(served, NEW)().status == "opened"
    assert len(github.pull(1).commits) == 1
    assert not [one for one in served.seen if one.is_about("POST", "mutation")]


def test_a_run_that_ended_between_commit_and_words_is_taken_up(
    github: GitHub, served: Served
) -> None:
    Run(served, NEW)()
    served.once("PATCH", "/pulls/1", lambda: _fault(403, "Resource not accessible by integration"))
    with pytest.raises(HubFailed):
        Run(served, NEWER)()
    assert Run(served, NEWER)().status == "updated"
    assert NEWER in github.pull(1).title


def test_a_protected_base_is_no_hindrance(github: GitHub, served: Served) -> None:
    github.closed_to_api = ("main",)
    assert Run(served, NEW)().status == "opened"


def test_a_rule_against_our_branches_is_named(github: GitHub, served: Served) -> None:
    github.closed_to_api = ("r2d-action/*",)
    with pytest.raises(HubFailed, match=r"exempt branches named r2d-action/\*\*") as refused:
        Run(served, NEW)()
    assert "creations being restricted" in refused.value.what


@pytest.mark.parametrize(
    ("permissions", "missing"),
    [
        ({}, "Contents: read"),
        ({"contents": "read", "pull_requests": "write"}, "Contents: write"),
        ({"contents": "write", "pull_requests": "read"}, "Pull requests: write"),
    ],
)
def test_a_missing_permission_is_named(
    github: GitHub, served: Served, permissions: Mapping[str, str], missing: str
) -> None:
    github.tokens[TOKEN] = Grant(BOT, permissions)
    with pytest.raises(HubFailed, match=f"give it the permission “{missing}”"):
        Run(served, NEW)()


def _break_token(github: GitHub) -> None:
    github.tokens.clear()


def _blind_token(github: GitHub) -> None:
    github.tokens[TOKEN] = Grant(BOT, WRITE, sees=False)


def _archive(github: GitHub) -> None:
    github.archived = True


@pytest.mark.parametrize(
    ("prepare", "branch", "sentence"),
    [
        (_break_token, "", "has expired, was revoked"),
        (_blind_token, "", "or the token in HUB_TOKEN may not see it"),
        (_archive, "", "is archived"),
        (lambda _: None, "prod", "has no branch prod"),
    ],
)
def test_what_cannot_be_used_is_told_in_one_sentence(
    github: GitHub,
    served: Served,
    prepare: Callable[[GitHub], None],
    branch: str,
    sentence: str,
) -> None:
    prepare(github)
    with pytest.raises(HubFailed, match=sentence) as refused:
        Run(served, NEW, hub_inputs(hub_branch=branch))()
    assert "\n" not in refused.value.what
    assert refused.value.what.endswith(".")


@pytest.mark.parametrize("part", ["/tarball/", "query Standing", "mutation Commit", "/pulls"])
def test_a_secondary_rate_limit_is_waited_for_as_told(served: Served, part: str) -> None:
    method = "GET" if part == "/tarball/" else "POST"
    limited = Answer(
        403,
        {"message": "You have exceeded a secondary rate limit.", "documentation_url": "d"},
        (("Retry-After", "17"),),
    )
    served.once(method, part, lambda: limited)
    run = Run(served, NEW)
    assert run().status == "opened"
    assert run.slept == [17.0]
    assert "GitHub asks for a pause" in run.said[0]


def test_nobody_waits_for_an_hour(served: Served) -> None:
    spent = (("X-RateLimit-Remaining", "0"), ("X-RateLimit-Reset", str(int(NOW) + 3000)))
    served.once(
        "GET", "/tarball/", lambda: Answer(403, {"message": "API rate limit exceeded"}, spent)
    )
    run = Run(served, NEW)
    with pytest.raises(HubFailed, match="for 50 minutes"):
        run()
    assert run.slept == []


def test_a_fault_of_github_is_tried_again_and_then_told(served: Served) -> None:
    served.once("POST", "mutation Commit", lambda: _fault(502, "Bad gateway"))
    assert Run(served, NEW)().status == "opened"
    served.interceptions.append(lambda _: _fault(503, "Unavailable"))
    with pytest.raises(HubFailed, match="was asked 3 times"):
        Run(served, NEW)()


def test_extras_that_cannot_be_had_fail_nothing(github: GitHub, served: Served) -> None:
    github.auto_merge_allowed = False
    inputs = hub_inputs(hub_labels=("image",), hub_reviewers=("org/strangers",), hub_automerge=True)
    proposal = Run(served, NEW, inputs)()
    assert proposal.status == "opened"
    assert [note.partition(" in ")[0] for note in proposal.notes] == [
        "GitHub refused to ask for reviews",
        "GitHub refused to switch on auto-merge",
    ]
    assert github.pull(1).labels == ["image"]


def test_what_the_edit_refuses_leaves_everything_as_it_is(github: GitHub, served: Served) -> None:
    Run(served, NEW)()
    github.push(
        {
            "config/other.yaml": values("8888888eeeee")
            + values("9999999fffff").replace(b"jup", b"cup")
        }
    )
    with pytest.raises(HubFailed, match="Nothing was proposed") as refused:
        Run(served, NEWER)()
    assert "HUB_SELECT:\n  " in refused.value.remedy
    assert "cupyterhub.image   (config/other.yaml has 9999999fffff)" in refused.value.remedy
    assert NEW in github.open_pulls[0].title


def test_a_file_that_the_archive_rewrites_is_refused(github: GitHub, served: Served) -> None:
    github.push({".gitattributes": b"*.yaml text eol=crlf\n"})
    with pytest.raises(HubFailed, match="gitattributes"):
        Run(served, NEW)()
    assert github.branches == ["main"]


class TestApp:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    @property
    def private(self) -> str:
        return self.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ).decode()

    @pytest.fixture
    def installed(self, github: GitHub) -> App:
        public = self.key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        github.app = App("12345", public.decode(), WRITE)
        return github.app

    def ours(self, **inputs: object) -> Inputs:
        app = {"hub_token": "", "hub_app_id": "12345", "hub_app_private_key": self.private}
        return hub_inputs(**{**app, **inputs})

    def test_its_token_opens_the_one_repository_with_what_is_needed(
        self, github: GitHub, served: Served, installed: App
    ) -> None:
        run = Run(served, NEW, inputs=self.ours())
        assert run().status == "opened"
        assert installed.minted == [{"repositories": ["hub"], "permissions": WRITE}]
        assert github.pull(1).commits[0].author.endswith("[bot]@users.noreply.github.com")
        assert [token for token in github.tokens if token != TOKEN] == run.masked

    @pytest.mark.usefixtures("installed")
    def test_a_key_written_in_one_line_will_do(self, served: Served) -> None:
        one_line = self.private.replace("\n", "\\n")
        assert Run(served, NEW, self.ours(hub_app_private_key=one_line))().status == "opened"

    @pytest.mark.usefixtures("installed")
    def test_a_wrong_id_or_key(self, served: Served) -> None:
        with pytest.raises(HubFailed, match="belong to the same App"):
            Run(served, NEW, self.ours(hub_app_id="54321"))()
        with pytest.raises(InputError, match=r"whole content of the \.pem file") as refused:
            Run(served, NEW, self.ours(hub_app_private_key="-----BEGIN secret"))()
        assert "secret" not in str(refused.value)

    def test_an_app_that_is_not_installed(self, served: Served, installed: App) -> None:
        installed.installed = False
        with pytest.raises(HubFailed, match="is not installed on org/hub"):
            Run(served, NEW, inputs=self.ours())()

    def test_an_app_that_lacks_a_permission(self, served: Served, installed: App) -> None:
        installed.permissions = {"contents": "write"}
        with pytest.raises(HubFailed, match="lacks permissions on org/hub"):
            Run(served, NEW, inputs=self.ours())()

    @pytest.mark.usefixtures("installed")
    def test_500_files_cost_ten_requests_at_most(self, github: GitHub, served: Served) -> None:
        files = {f"config/hub-{n}.yaml": values(OLD, cpu=n) for n in range(250)}
        others = {f"config/other-{n}.yaml": b"image: quay.io/org/other:1\n" for n in range(250)}
        github.push({**files, **others})
        inputs = self.ours(hub_labels=("image",), hub_reviewers=("robin",), hub_automerge=True)
        proposal = Run(served, NEW, inputs)()
        assert len(proposal.changes) == 251
        assert len(github.pull(1).commits) == 1
        assert len(served.seen) <= 10
        # The next image: no extras, and the commit is put in the place of the first.
        del served.seen[:]
        assert Run(served, NEWER, inputs)().status == "updated"
        assert len(served.seen) <= 8
        # One more where the branch of the merged one was left; the archive's host is not the API.
        github.merge(1)
        del served.seen[:]
        assert Run(served, "3333333ddddd", inputs)().number == 2
        assert len([one for one in served.seen if "/codeload/" not in one.path]) <= 10
        assert len(github.pull(1).body) < 60_000


def test_an_enterprise_server_has_its_interfaces_elsewhere(github: GitHub) -> None:
    with serving(github, enterprise=True) as served:
        assert Run(served, NEW)().status == "opened"
    assert served.violations == []


def test_a_hub_with_its_own_automation_is_told(github: GitHub, served: Served) -> None:
    run = Run(served, NEW, hub_inputs(hub_dispatch="new-image"))
    assert run().status == "dispatched"
    (event,) = github.dispatched
    assert event["event_type"] == "new-image"
    assert event["client_payload"]["reference"] == f"quay.io/org/user-image:{NEW}"
    assert github.pulls == []
    github.tokens[TOKEN] = replace(github.tokens[TOKEN], permissions={"contents": "read"})
    with pytest.raises(HubFailed, match="Contents: write"):
        run()


def test_only_the_places_that_were_asked_for_are_changed(github: GitHub, served: Served) -> None:
    other = values(OLD) + values(OLD).replace(b"jupyterhub", b"teachers")
    github.push({"config/other.yaml": other})
    inputs = hub_inputs(hub_files=("config/o*.yaml",), hub_select=("teachers.image",))
    proposal = Run(served, NEW, inputs)()
    assert [(one.path, one.selector) for one in proposal.changes] == [
        ("config/other.yaml", "teachers.image")
    ]
    with pytest.raises(HubFailed, match=r"HUB_FILES: org/hub has no file that 'x\.yaml' names"):
        Run(served, NEW, hub_inputs(hub_files=("x.yaml",)))()


def test_files_of_several_minds_have_to_be_named(github: GitHub, served: Served) -> None:
    github.push({"config/other.yaml": values("9999999fffff")})
    with pytest.raises(HubFailed, match="Nothing was proposed"):
        Run(served, NEW)()
    named = hub_inputs(hub_files=("config/*.yaml",))
    assert len(Run(served, NEW, named)().changes) == 2


@pytest.mark.parametrize(
    ("inputs", "sentence"),
    [
        ({"hub_token": ""}, "HUB_REPO needs a way in"),
        ({"hub_app_id": "1"}, "leave one of them out"),
        ({"hub_token": "", "hub_app_id": "1"}, "one of them is empty"),
        ({"hub_select": ("a..b",)}, "HUB_SELECT: "),
        ({"hub_repo": "hub"}, "HUB_REPO: 'hub' is not"),
        ({"hub_repo": "https://github.com/org/hub"}, "write owner and name alone"),
        ({"hub_repo": "org/hub/x"}, "write owner and name alone"),
    ],
)
def test_inputs_that_cannot_be_used_are_refused_before_anything_is_asked(
    served: Served, inputs: Mapping[str, object], sentence: str
) -> None:
    with pytest.raises(InputError, match=sentence):
        Run(served, NEW, hub_inputs(**inputs))()
    assert served.seen == []


def test_no_password_of_the_user_goes_along(
    served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password mine\n")
    monkeypatch.setenv("NETRC", str(netrc))
    assert Run(served, NEW)().status == "opened"
    sent = {one.authorization for one in served.seen if "/codeload/" not in one.path}
    assert sent == {f"token {TOKEN}"}


def test_no_secret_is_in_any_output(github: GitHub, served: Served) -> None:
    run = Run(served, NEW)
    served.once("GET", "/tarball/", lambda: _fault(502, "Bad gateway"))
    proposal = run()
    github.tokens.clear()
    with pytest.raises(HubFailed) as refused:
        run()
    told = [*run.said, repr(proposal), str(refused.value), github.pull(1).body]
    told += [commit.message for commit in github.pull(1).commits]
    assert not [text for text in told if TOKEN in text]


def _fault(status: int, message: str) -> Answer:
    return Answer(status, {"message": message, "documentation_url": "d"})


def _none(_: object) -> None:
    """An interception that only wants something to have happened."""
