from __future__ import annotations

import json
import re
from collections.abc import Mapping

import pytest

from fakes.means import Heard, means_for
from r2d_action.errors import LoginFailed
from r2d_action.inputs import Inputs
from r2d_action.reference import Registry, Repository
from r2d_action.registry.client import RegistryError
from r2d_action.registry.providers import provider_of
from r2d_action.registry.providers.ecr import PROVIDER

HOST = "123456789012.dkr.ecr.eu-central-1.amazonaws.com"
IMAGE = Repository.parse(f"{HOST}/team/image")
PUBLIC = Repository.parse("public.ecr.aws/my-community/image")
CHINA = Repository.parse("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/image")
GOV = Repository.parse("123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com/image")
ROLE = "arn:aws:iam::210987654321:role/images"


@pytest.mark.parametrize(
    "host",
    [
        HOST,
        "123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com",
        "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn",
        "public.ecr.aws",
    ],
)
def test_the_hosts_of_amazon(host: str) -> None:
    assert provider_of(Registry(host)) is PROVIDER


@pytest.mark.parametrize(
    "host",
    [
        "dkr.ecr.eu-central-1.amazonaws.com",
        f"{HOST}.example.org",
        f"my-{HOST}",
        "12345678901.dkr.ecr.eu-central-1.amazonaws.com",
        "ecr.aws",
        f"{HOST}:5000",
    ],
)
def test_other_hosts(host: str) -> None:
    assert provider_of(Registry(host)) is not PROVIDER


# Login --------------------------------------------------------------------------------------


def login(inputs: Inputs, env: Mapping[str, str] | None = None) -> object:
    return PROVIDER.login(IMAGE.registry, means_for(inputs, env or {}, Heard()))


def test_nothing_given_is_no_login() -> None:
    assert login(Inputs()) is None
    assert login(Inputs(), {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE"}) is None


def test_the_password_of_an_earlier_login_is_used_as_it_is() -> None:
    given = Inputs(docker_username="AWS", docker_password="from-amazon-ecr-login")
    keys = {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret"}
    credential = PROVIDER.login(IMAGE.registry, means_for(given, keys, Heard()))
    assert credential
    assert (credential.username, credential.password) == ("AWS", "from-amazon-ecr-login")


@pytest.mark.parametrize("role", ["images", "arn:aws:iam::210987654321:user/images", f"{ROLE}!"])
def test_what_is_not_a_role_is_refused(role: str) -> None:
    with pytest.raises(LoginFailed, match=re.escape(f"AWS_ROLE_ARN: {role!r} is not the ARN")):
        login(Inputs(aws_role_arn=(role,)))


def test_of_several_roles_one_must_be_of_the_account() -> None:
    roles = (ROLE, "arn:aws:iam::111111111111:role/images")
    with pytest.raises(LoginFailed, match="none of the 2 roles is of the account 123456789012"):
        login(Inputs(aws_role_arn=roles))


def test_a_role_needs_the_permission_of_the_job() -> None:
    with pytest.raises(LoginFailed, match="id-token: write"):
        login(Inputs(aws_role_arn=(ROLE,)))


# Words --------------------------------------------------------------------------------------


def explained(status: int, code: str, message: str, repository: Repository = IMAGE) -> str:
    error = RegistryError(repository.registry.host, status, code, message)
    return PROVIDER.explain(error, repository)


def test_an_immutable_tag() -> None:
    for code in ("TAG_INVALID", "ImageTagAlreadyExistsException"):
        text = explained(400, code, "The image tag 'latest' already exists")
        assert "`LATEST_TAG_OFF: true`" in text


def test_a_login_that_ran_out() -> None:
    said = "Your authorization token has expired. Reauthenticate and try again."
    assert "AWS_ROLE_ARN" in explained(403, "DENIED", said)


@pytest.mark.parametrize(
    ("repository", "service", "arn"),
    [
        (IMAGE, "ecr", "arn:aws:ecr:eu-central-1:123456789012:repository/team/image"),
        (CHINA, "ecr", "arn:aws-cn:ecr:cn-north-1:123456789012:repository/image"),
        (GOV, "ecr", "arn:aws-us-gov:ecr:us-gov-west-1:123456789012:repository/image"),
        (PUBLIC, "ecr-public", "arn:aws:ecr-public::*:repository/image"),
    ],
    ids=str,
)
def test_a_policy_that_lacks_something(repository: Repository, service: str, arn: str) -> None:
    said = "User is not authorized to perform: ecr:InitiateLayerUpload"
    [line] = re.findall(r"\{.+\}", explained(403, "DENIED", said, repository))
    statement = json.loads(line)
    assert statement["Resource"] == arn
    assert f"{service}:PutImage" in statement["Action"]
    assert (f"{service}:BatchGetImage" in statement["Action"]) is (repository is not PUBLIC)


def test_a_repository_that_does_not_exist() -> None:
    said = "The repository with name 'team/image' does not exist in the registry"
    assert "`ecr:CreateRepository`" in explained(404, "NAME_UNKNOWN", said)


def test_nothing_is_known_of_other_refusals() -> None:
    assert explained(500, "UNKNOWN", "") == ""


def test_only_the_public_registry_is_open_to_everybody() -> None:
    assert "public.ecr.aws" in PROVIDER.make_public(IMAGE)
    assert PROVIDER.make_public(PUBLIC) == ""
