"""Before the build: may this run push at all? A wrong password costs seconds, not a build."""

from __future__ import annotations

from r2d_action.inputs import Inputs
from r2d_action.outcome import Outcome
from r2d_action.plan import Plan
from r2d_action.reference import Repository
from r2d_action.registry.explanation import explained, unreachable
from r2d_action.registry.providers import provider_of
from r2d_action.registry.refusal import RegistryError
from r2d_action.retry import Temporary
from r2d_action.stages.clients import keychain_of
from r2d_action.stages.site import Site


def permitted(outcome: Outcome, site: Site) -> Outcome:
    """Raises :class:`EngineError` and :class:`PublishFailed`."""
    plan = outcome.plan
    if plan and not plan.skip and not outcome.reused:
        # What is at hand is looked at before anybody else is asked.
        _ = site.engine
    if plan and plan.push:
        for repository in plan.repositories:
            # What is reused is there, and pushed at once, which proves the same.
            if not outcome.reused or repository != plan.repository:
                _require_push(repository, plan, site)
    return outcome


def _require_push(repository: Repository, plan: Plan, site: Site) -> None:
    with site.runner.group(f"May this run push to {repository}?"):
        keychain, registry = keychain_of(plan.repository.registry, site), repository.registry
        client = keychain.client(registry)
        site.runner.say(f"login   {client.credential.source if client.credential else 'none'}")
        provider_of(registry).prepare(repository, keychain.means_for(registry))
        try:
            client.require_push(repository)
            site.runner.say("push    is allowed")
        except RegistryError as error:
            forgotten = "" if client.credential else _forgotten(site.inputs)
            raise explained(error, repository, forgotten=forgotten) from error
        except Temporary as trouble:
            if repository == plan.repository:
                raise unreachable(trouble, client, repository) from trouble
            # It must not hold up the others.
            site.runner.warning(
                f"PUSH_TO: {repository} cannot be reached now: {trouble.reason}. The build goes "
                "on, and the image is sent there at its end if it answers by then."
            )


def _forgotten(inputs: Inputs) -> str:
    """The half of the login that is missing beside the other."""
    if inputs.docker_username and not inputs.docker_password:
        return "DOCKER_PASSWORD"
    return "DOCKER_USERNAME" if inputs.docker_password and not inputs.docker_username else ""
