"""Tokens of Microsoft Entra ID. Importable when the extra ``azure`` is there."""

from __future__ import annotations

from typing import Any

from azure.core.exceptions import AzureError
from azure.core.pipeline.transport import RequestsTransport
from azure.identity import ClientAssertionCredential

from r2d_action.addresses import name_in
from r2d_action.errors import LoginFailed
from r2d_action.registry.providers.answers import accepted, patiently, text_in
from r2d_action.registry.providers.provider import Means
from r2d_action.retry import Temporary

# Of all clouds alike.
SCOPE = "https://containerregistry.azure.net/.default"


def entra_token(means: Means, authority: str, identity: str) -> str:
    """A token for registries, masked already; ``identity`` is the job's token.

    Raises :class:`Refused` and :class:`LoginFailed`.
    """
    token = patiently(
        means.retry, "token from Entra ID", lambda: _asked(means, authority, identity)
    )
    means.mask(token)
    return token


def _asked(means: Means, authority: str, identity: str) -> str:
    try:
        credential = ClientAssertionCredential(
            means.inputs.azure_tenant_id,
            means.inputs.azure_client_id,
            lambda: identity,
            authority=authority,
            transport=RequestsTransport(
                session=means.session, session_owner=False, connection_verify=means.session.verify
            ),
            raw_response_hook=_require_answer,
            # Trying again is our part, since we say so.
            retry_total=0,
        )
        return credential.get_token(SCOPE).token
    except AzureError as error:
        raise Temporary(f"{authority} does not answer") from error
    except ValueError as error:
        raise LoginFailed(f"AZURE_TENANT_ID or {authority!r} cannot be used: {error}") from error


def _require_answer(response: Any) -> None:
    """Before azure-identity reads it, which expects JSON whatever comes."""
    answer = response.http_response
    host = name_in(answer.request.url)
    text_in(accepted(host, answer.status_code, answer.text()), "access_token", host)
