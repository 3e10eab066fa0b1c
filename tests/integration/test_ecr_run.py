"""Whole runs that push to several of Amazon's registries, by one role."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
import requests

from fakes.aws import ACCOUNT, ROLE, Aws
from fakes.ecr import ImmutableTags
from fakes.elsewhere import Elsewhere
from fakes.issuer import REQUEST_TOKEN, Issuer
from fakes.server import serving
from integration.front import Front, in_front_of
from integration.repo import NOON, Repo, repo
from lab.registry import RunningRegistry
from r2d_action.outcome import Outcome
from r2d_action.walk import RUN, walk

__all__ = ["repo"]

NewRegistry = Callable[..., RunningRegistry]
NAME = "team/image"
PASSWORD = f"{ACCOUNT}-auth-token"
REGIONS = ("eu-west-1", "us-west-2")


def host(region: str) -> str:
    return f"{ACCOUNT}.dkr.ecr.{region}.amazonaws.com"


@dataclass
class Amazon:
    """A registry in each region; ``rules`` say which of their tags may move."""

    repo: Repo
    env: dict[str, str]
    issuer: Issuer
    aws: Aws
    rules: dict[str, ImmutableTags]
    fronts: dict[str, Front] = field(default_factory=dict)

    def run(self, hours: int = 0, **inputs: str) -> Outcome:
        given = {
            "PUSH_TO": " ".join(f"{host(region)}/{NAME}" for region in REGIONS),
            "AWS_ROLE_ARN": ROLE,
            **inputs,
        }
        site = self.repo.site("push", NOON + timedelta(hours=hours), self.env, given)
        for region, front in self.fronts.items():
            site.session.mount(f"https://{host(region)}/", Elsewhere(host(region), front.host))
        return walk(RUN, site)

    def digest(self, region: str, tag: str) -> str:
        url = f"http://{self.fronts[region].host}/v2/{NAME}/manifests/{tag}"
        kinds = ("oci.image.manifest.v1", "docker.distribution.manifest.v2")
        accept = {"Accept": ", ".join(f"application/vnd.{kind}+json" for kind in kinds)}
        answer = requests.head(url, headers=accept, auth=("AWS", PASSWORD), timeout=10)
        return answer.headers["Docker-Content-Digest"]


@pytest.fixture
def amazon(repo: Repo, new_registry: NewRegistry) -> Iterator[Amazon]:
    aws, issuer = Aws(), Issuer()
    rules = {region: ImmutableTags(excluded=("*",)) for region in REGIONS}
    with ExitStack() as running:
        api = running.enter_context(serving(aws.handle))
        env = issuer.env(running.enter_context(serving(issuer.handle)))
        amazon = Amazon(repo, {"AWS_ENDPOINT_URL": f"http://{api}", **env}, issuer, aws, rules)
        for region, rule in rules.items():
            registry = new_registry(htpasswd={"AWS": PASSWORD})
            amazon.fronts[region] = running.enter_context(in_front_of(registry.host, rule))
        yield amazon


def test_each_region_gets_the_image(amazon: Amazon) -> None:
    outcome = amazon.run()
    said = amazon.repo.said.getvalue()
    assert outcome.failure is None, said
    assert outcome.published
    for region in REGIONS:
        assert amazon.digest(region, "latest") == str(outcome.published.digest)
        assert f"created the repository {host(region)}/{NAME}" in said
    secrets = (PASSWORD, REQUEST_TOKEN, *amazon.issuer.issued.values(), *amazon.aws.keys.values())
    assert not [secret for secret in secrets if secret and secret in said]


def test_an_image_that_is_reused_finds_its_new_repositories_made(amazon: Amazon) -> None:
    amazon.run(PUSH_TO="")
    outcome = amazon.run(1)
    assert outcome.status == "reused"
    for region in REGIONS:
        assert f"created the repository {host(region)}/{NAME}" in amazon.repo.said.getvalue()


def test_a_rerun_is_fine_with_tags_that_cannot_move(amazon: Amazon) -> None:
    amazon.rules[REGIONS[0]].excluded = ()
    amazon.rules[REGIONS[0]].strict = True
    for hours in range(2):
        outcome = amazon.run(hours)
        assert outcome.failure is None, amazon.repo.said.getvalue()


def test_another_image_under_a_tag_that_cannot_move_is_told(amazon: Amazon) -> None:
    amazon.rules[REGIONS[0]].excluded = ("r2d-*",)
    first = amazon.run()
    assert first.published
    amazon.repo.commit(data_txt="2")
    second = amazon.run(1)
    assert second.published
    assert second.failure
    assert "`LATEST_TAG_OFF: true`" in second.failure.remedy
    assert amazon.digest(REGIONS[0], "latest") == str(first.published.digest)
    assert amazon.digest(REGIONS[0], amazon.repo.git.head[:12]) == str(second.published.digest)
    assert amazon.digest(REGIONS[1], "latest") == str(second.published.digest)


def test_without_latest_nothing_has_to_move(amazon: Amazon) -> None:
    amazon.rules[REGIONS[0]].excluded = ()
    for hours in range(2):
        amazon.repo.commit(data_txt=str(hours))
        outcome = amazon.run(hours, LATEST_TAG_OFF="true")
        assert outcome.failure is None, amazon.repo.said.getvalue()
