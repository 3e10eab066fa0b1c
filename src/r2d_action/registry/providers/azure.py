"""Azure Container Registry.

https://github.com/Azure/acr/blob/main/docs/AAD-OAuth.md
"""

from __future__ import annotations

from collections.abc import Mapping

import requests

from r2d_action.authorization import as_it_is
from r2d_action.errors import LoginFailed
from r2d_action.reference import Registry, Repository
from r2d_action.registry.auth import Credential
from r2d_action.registry.client import RegistryError
from r2d_action.registry.job_identity import JobIdentity, claims_of
from r2d_action.registry.providers.answers import Refused, accepted, patiently, text_in
from r2d_action.registry.providers.generic import given_login
from r2d_action.registry.providers.provider import Means, Provider
from r2d_action.retry import Temporary

# Means that the password is a token, in all clouds.
TOKEN_USER = "00000000-0000-0000-0000-000000000000"  # noqa: S105
AUDIENCE = "api://AzureADTokenExchange"
AUTHORITY = "AZURE_AUTHORITY_HOST"
# https://learn.microsoft.com/entra/identity-platform/authentication-national-cloud
AUTHORITIES = {
    ".azurecr.cn": "login.chinacloudapi.cn",
    ".azurecr.us": "login.microsoftonline.us",
    ".azurecr.io": "login.microsoftonline.com",
}
TIMEOUT_SECONDS = (10.0, 30.0)
SOURCE = "this job's identity, by an application of Entra ID"


def _login(registry: Registry, means: Means) -> Credential | None:
    """An admin user and a service principal are a user and a password."""
    if means.inputs.docker_password:
        return given_login(registry, means)
    if not means.inputs.azure_client_id and not means.inputs.azure_tenant_id:
        return None
    if not means.inputs.azure_client_id or not means.inputs.azure_tenant_id:
        raise LoginFailed(
            "AZURE_CLIENT_ID and AZURE_TENANT_ID belong together; set both, or neither and "
            "DOCKER_USERNAME and DOCKER_PASSWORD instead."
        )
    identity = JobIdentity(means).token(AUDIENCE)
    try:
        return _as_the_job(registry, means, identity)
    except Refused as refusal:
        subject = str(claims_of(identity).get("sub", ""))
        raise _refused(refusal, registry, means, subject) from None


def _as_the_job(registry: Registry, means: Means, identity: str) -> Credential:
    means.extra("azure")
    from r2d_action.registry.providers.entra_token import entra_token  # noqa: PLC0415

    token = entra_token(means, means.env.get(AUTHORITY) or _authority(registry), identity)
    password = patiently(
        means.retry, f"token from {registry}", lambda: _exchanged(registry, means, token)
    )
    means.mask(password)
    return Credential(TOKEN_USER, password, SOURCE, expires=claims_of(password).get("exp"))


def _authority(registry: Registry) -> str:
    ends = (host for end, host in AUTHORITIES.items() if registry.host.endswith(end))
    return next(ends, AUTHORITIES[".azurecr.io"])


def _exchanged(registry: Registry, means: Means, token: str) -> str:
    """What docker takes as the password, for three hours."""
    scheme = "http" if registry.is_loopback else "https"
    form = {
        "grant_type": "access_token",
        "service": registry.host,
        "tenant": means.inputs.azure_tenant_id,
        "access_token": token,
    }
    try:
        answer = means.session.post(
            f"{scheme}://{registry.host}/oauth2/exchange",
            data=form,
            auth=as_it_is,
            timeout=TIMEOUT_SECONDS,
            allow_redirects=False,
        )
    except requests.RequestException as error:
        raise Temporary(f"{registry} does not answer") from error
    content = accepted(registry.host, answer.status_code, answer.text)
    return text_in(content, "refresh_token", registry.host)


# Words --------------------------------------------------------------------------------------

# Entra ID's numbers, and what to do about them.
# https://learn.microsoft.com/entra/identity-platform/reference-error-codes
_REMEDIES: Mapping[str, str] = {
    "AADSTS70021": "the application {client} trusts another job: give it a federated credential "
    "with the subject `{subject}` to the letter, the issuer "
    "`https://token.actions.githubusercontent.com` and the audience `" + AUDIENCE + "`",
    "AADSTS70002": "it did not take the job's token: run the job again, and check the clock of the "
    "runner if it is your own",
    "AADSTS700016": "there is no application {client} in the tenant {tenant}: correct "
    "AZURE_CLIENT_ID or AZURE_TENANT_ID",
    "AADSTS90002": "there is no tenant {tenant}: correct AZURE_TENANT_ID",
}
_NO_REMEDY = (
    "compare AZURE_CLIENT_ID, AZURE_TENANT_ID and the federated credential with the steps in "
    "docs/registries/azure.md"
)


def _refused(refusal: Refused, registry: Registry, means: Means, subject: str) -> LoginFailed:
    client, tenant = means.inputs.azure_client_id, means.inputs.azure_tenant_id
    if refusal.host == registry.host:
        return LoginFailed(
            f"{registry} does not know this job: {_role(registry, client)}. {refusal}"
        )
    found = (remedy for number, remedy in _REMEDIES.items() if number in refusal.said)
    remedy = next(found, _NO_REMEDY).format(client=client, tenant=tenant, subject=subject)
    return LoginFailed(f"Entra ID refused this job's identity: {remedy}. {refusal}")


def _role(registry: Registry, member: str) -> str:
    name = registry.host.partition(".")[0]
    return (
        f"let it push with `az role assignment create --role AcrPush --assignee {member} --scope "
        f"$(az acr show --name {name} --query id --output tsv)`"
    )


def _explain(error: RegistryError, repository: Repository) -> str:
    said = error.message.lower()
    name = repository.registry.host.partition(".")[0]
    if "is not allowed access" in said:
        return (
            "The registry's firewall does not let this runner in: let it in (Azure portal, the "
            f"registry `{name}`, Networking), or use a runner of your own inside your network."
        )
    if error.is_denial:
        return (
            "There was no login, or it may not push there: "
            f"{_role(repository.registry, 'APPLICATION-ID')}, or, for the admin user, turn it on "
            f"with `az acr update --name {name} --admin-enabled true`."
        )
    return ""


def _make_public(repository: Repository) -> str:
    name = repository.registry.host.partition(".")[0]
    return (
        f"Run `az acr update --name {name} --anonymous-pull-enabled true` (Standard and Premium "
        "only), which lets everybody pull all images of that registry."
    )


PROVIDER = Provider(
    name="Azure Container Registry",
    serves=lambda registry: registry.host.endswith(tuple(AUTHORITIES)),
    login=_login,
    explain=_explain,
    make_public=_make_public,
)
