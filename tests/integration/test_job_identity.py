from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from fakes.issuer import REQUEST_TOKEN, Issuer, claims_in
from fakes.means import Heard, means_for
from fakes.server import PAGE, Answer, Request, serving
from r2d_action.errors import LoginFailed
from r2d_action.inputs import Inputs
from r2d_action.reference import Registry
from r2d_action.registry.job_identity import JobIdentity, claims_of
from r2d_action.registry.keychain import Keychain


@dataclass
class Job:
    issuer: Issuer = field(default_factory=Issuer)
    heard: Heard = field(default_factory=Heard)
    instead: list[Answer] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    env: Mapping[str, str] = field(default_factory=dict)

    def handle(self, request: Request) -> Answer:
        self.paths.append(request.path)
        return self.instead.pop() if self.instead else self.issuer.handle(request)

    @property
    def identity(self) -> JobIdentity:
        return JobIdentity(means_for(Inputs(), self.env, self.heard))

    def refusal(self) -> str:
        with pytest.raises(LoginFailed) as caught:
            self.identity.token("cloud")
        text = "\n".join([str(caught.value), *self.heard.said])
        assert REQUEST_TOKEN not in text
        assert "<html>" not in text
        return text


@pytest.fixture
def job() -> Iterator[Job]:
    job = Job()
    with serving(job.handle) as host:
        job.env = job.issuer.env(host)
        yield job


def test_a_token_is_for_the_one_audience(job: Job) -> None:
    token = job.identity.token("api://Some Cloud?&")
    assert claims_in(token)["aud"] == "api://Some Cloud?&"
    assert job.paths == ["/token?api-version=2.0&audience=api%3A%2F%2FSome+Cloud%3F%26"]


def test_its_claims_can_be_told(job: Job) -> None:
    assert claims_of(job.identity.token("cloud"))["sub"] == "repo:org/repo:ref:refs/heads/main"


@pytest.mark.parametrize("text", ["", "opaque", "a.b.c", "a.bm90IGpzb24.c", "a.W10.c"])
def test_a_token_of_another_kind_claims_nothing(text: str) -> None:
    assert claims_of(text) == {}


def test_all_secrets_are_masked(job: Job) -> None:
    token = job.identity.token("cloud")
    assert job.heard.masked == [REQUEST_TOKEN, token]
    assert not job.heard.said


@pytest.mark.parametrize("kept", ["ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"])
def test_a_job_without_the_permission_learns_of_it(job: Job, kept: str) -> None:
    job.env = {kept: job.env[kept]}
    assert not job.identity.is_available
    text = job.refusal()
    assert "add `id-token: write` to the job's permissions" in text
    assert "      id-token: write # " in text
    assert not job.paths


def test_what_passes_is_tried_again(job: Job) -> None:
    job.instead = [Answer(503), Answer(429)]
    assert job.identity.token("cloud")
    assert len(job.heard.slept) == 2


def test_it_is_not_tried_forever(job: Job) -> None:
    job.instead = [Answer(503)] * 9
    assert "answered 503, 3 times in a row" in job.refusal()
    assert len(job.paths) == 3


@pytest.mark.parametrize(
    "answer",
    [
        Answer.of({"message": "no"}, 403),
        Answer.of({"count": 0}),
        Answer.of({"value": 7}),
        Answer(200, PAGE, "text/html"),
    ],
)
def test_an_answer_without_a_token(job: Job, answer: Answer) -> None:
    job.instead = [answer]
    text = job.refusal()
    assert "\n" not in text
    assert len(job.paths) == 1


def test_nobody_answers(job: Job) -> None:
    with serving(job.handle) as gone:
        pass
    job.env = job.issuer.env(gone)
    assert "127.0.0.1 does not answer" in job.refusal()


def test_a_login_that_failed_is_not_tried_again_in_a_run(job: Job, tmp_path: Path) -> None:
    job.instead = [Answer.of({"message": "no"}, 403)]
    google = Registry("europe-docker.pkg.dev")
    pool = "projects/123/locations/global/workloadIdentityPools/pool/providers/github"
    inputs = Inputs(google_workload_identity_provider=pool)
    keychain = Keychain(google, means_for(inputs, job.env, job.heard), tmp_path)
    for _ in range(2):
        assert keychain.login(google).credential() is None
    with pytest.raises(LoginFailed, match="GitHub gave this job no token"):
        _ = keychain.client(google).credential
    assert len(job.paths) == len(job.heard.said) == 1
