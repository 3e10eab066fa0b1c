"""The image, in the engine of this machine."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from docker.errors import APIError

from r2d_action.build import Built, Layers, Repo2dockerFailed, build
from r2d_action.context import Context, laid_out
from r2d_action.disk import freeing
from r2d_action.engine import Engine, free_bytes, require_builder, require_buildx
from r2d_action.environments import repo2docker_command
from r2d_action.errors import BuildFailed
from r2d_action.images.pins import read_pins, stand_in
from r2d_action.key.engine import strangers
from r2d_action.layers import layers_for
from r2d_action.outcome import Keyed, Outcome, Reused
from r2d_action.plan import Plan
from r2d_action.plan.tagging import cache_tag, tag_of_commit
from r2d_action.publish.push import auth_config
from r2d_action.reference import Reference, Tag
from r2d_action.registry.client import RegistryError
from r2d_action.registry.lending import lent
from r2d_action.report.diagnose import Sources, diagnose
from r2d_action.retry import Temporary
from r2d_action.stages.clients import hasty_client_for, keychain_of
from r2d_action.stages.site import Site
from r2d_action.workflow_files import docker_is_used_later

# What repo2docker reads from the directory it is started in.
REPO2DOCKER_CONFIG = "repo2docker_config.py"
_NOT_HERE = (
    "no later step of this job was seen to use it, so it is not brought to this runner's Docker "
    "(REUSE: false builds it there)"
)


def built(outcome: Outcome, site: Site) -> Outcome:
    plan = outcome.plan
    if plan is None or plan.skip:
        return outcome
    if outcome.reused and _reused(outcome, outcome.reused, plan, site):
        return outcome
    runner, engine = site.runner, site.engine
    require_builder(plan.build.builder, engine)
    outcome = _with_own_bases(outcome, plan, site)
    free_before = free_bytes(engine.client)
    with freeing(site.inputs.free_disk_space, site.env, runner):
        command = repo2docker_command(
            plan.build.requirement,
            plan.build.extra_packages,
            env=site.env,
            temporary=site.temporary,
            cwd=site.event.workspace,
            say=runner.say,
        )
        with runner.group(f"Build {plan.commit_reference}"):
            result = _build(plan, site, engine, command)
    free_after = free_bytes(engine.client)
    return replace(
        outcome,
        reused=None,
        built=replace(result, free_before=free_before, free_after=free_after),
    )


def _with_own_bases(outcome: Outcome, plan: Plan, site: Site) -> Outcome:
    """Without the key where it speaks of other base images than this engine builds on: whoever
    reuses the image by it would get the wrong ones."""
    key = outcome.key
    if plan.build.builder or key is None or key.material is None:
        return outcome
    pins = read_pins(site.inputs.base_images)
    bases = [base for base in key.material.bases if not stand_in(base[0], pins)]
    for name in strangers(bases, site.engine.client):
        reason = f"this machine has another {name} than the registry"
        site.runner.warning(
            f"The image is built on the {name} that this machine has, which is another one than "
            "the registry's, so no other run will reuse it. If no earlier step made it on "
            f"purpose, run `docker pull {name}` in a step before this one."
        )
        return replace(outcome, key=Keyed(value="", why_none=reason))
    return outcome


def _reused(outcome: Outcome, reused: Reused, plan: Plan, site: Site) -> bool:
    """Says so, and brings the image here if somebody looks for it. False when it must be built."""
    event, commit = site.event, f" for commit {reused.commit[:12]}" if reused.commit else ""
    wanted = not plan.push or docker_is_used_later(event.workspace / event.workflow, event.job)
    site.runner.say(
        f"reused  {plan.repository}@{reused.manifest.digest}, which was built{commit}; "
        + ("it is pulled for the steps that follow" if wanted else _NOT_HERE)
    )
    tags = {planned.tag for planned in plan.tags}
    if outcome.adopted and outcome.adopted.tag:
        tags.add(outcome.adopted.tag)
    return not wanted or _pulled(reused, tags, plan, site)


def _pulled(reused: Reused, tags: Iterable[Tag], plan: Plan, site: Site) -> bool:
    """Into the engine, under all its tags. False when the engine cannot have it: what the
    registry said of it is not what it gives."""
    registry = plan.repository.registry
    auth = auth_config(keychain_of(registry, site).login(registry).credential())
    name = f"{plan.repository}@{reused.manifest.digest}"
    with site.runner.group(f"Pull {name}"):
        try:
            image = site.engine.client.images.pull(name, auth_config=auth)
        except APIError as refusal:
            site.runner.say(
                f"{name} cannot be pulled, so the image is built: {refusal.explanation}"
            )
            return False
    for tag in tags:
        image.tag(plan.repository.name, str(tag))
    return True


def _layers(plan: Plan, site: Site) -> Layers:
    exported = plan.build.builder and plan.push and plan.cache_branches
    return Layers(
        () if plan.build.fresh else _nearest_layers(plan, site),
        plan.repository.tagged(cache_tag(plan.cache_branches[0])) if exported else None,
    )


def _nearest_layers(plan: Plan, site: Site) -> tuple[Reference, ...]:
    """Those of the nearest branches, and of the commits that this one comes after: a new branch
    may come from any. That there is none is no error."""
    client = hasty_client_for(plan.repository.registry, plan, site)
    commits = site.git.parents if plan.cache_branches else ()
    found: list[Reference] = []
    for tag in (*map(cache_tag, plan.cache_branches), *map(tag_of_commit, commits)):
        try:
            found += layers_for(client, plan.repository, tag)
        except (RegistryError, Temporary) as trouble:
            site.runner.say(f"layers of {tag} cannot be used: {trouble}")
            break
    return tuple(dict.fromkeys(found))


def _build(plan: Plan, site: Site, engine: Engine, command: tuple[str, ...]) -> Built:
    context = site.context
    config = site.event.workspace / REPO2DOCKER_CONFIG
    registry = plan.repository.registry
    credential = keychain_of(registry, site).login(registry).credential()
    with (
        laid_out(context, site.git, appendix=plan.build.appendix) as folder,
        lent(engine.env, engine.config, registry, credential) as env,
    ):
        try:
            return build(
                plan,
                folder,
                engine=engine,
                env=env,
                repo2docker=command,
                config=config if config.is_file() else None,
                layers=_layers(plan, site),
                bases=read_pins(site.inputs.base_images),
                on_line=site.runner.say,
            )
        except Repo2dockerFailed as failed:
            require_buildx(engine)
            raise _explained(failed, plan, context, site) from failed


def _explained(failed: Repo2dockerFailed, plan: Plan, context: Context, site: Site) -> BuildFailed:
    prefix = context.root.relative_to(site.event.workspace).as_posix()
    sources = Sources.read(
        context.root, "" if prefix == "." else prefix, appendix_file=plan.build.appendix_file
    )
    diagnosis = diagnose(failed.completed.lines, sources)
    return BuildFailed(
        f"{diagnosis.what} {diagnosis.why}".strip(),
        remedy=diagnosis.remedy,
        place=diagnosis.place,
        link=diagnosis.link,
    )
