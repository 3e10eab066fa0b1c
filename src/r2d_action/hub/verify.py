"""Does a hub start a server with the new image?

A server is started as a user would start it, is asked what it runs, and is stopped again,
however the check ends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus

from r2d_action.errors import HubFailed
from r2d_action.hub.comparison import Basis, DigestOf, compare
from r2d_action.hub.jupyterhub import Api, Hub, Refused, ServerName
from r2d_action.hub.progress import follow
from r2d_action.hub.scopes import configuration, lacking, require_scopes
from r2d_action.hub.terminal import Done, Silence, run
from r2d_action.reference import Reference
from r2d_action.retry import Retry, Temporary
from r2d_action.runner import Runner

PRINT_IMAGE = 'printf %s "$JUPYTER_IMAGE_SPEC"'
# The hub's own words, which its status does not tell apart.
NO_NAMES, NO_MORE_NAMES, RUNNING = "not enabled", "maximum", "already running"
KEPT_LINES = 40
# The waits between them come to two minutes.
STOP_TRIES, STOP_SECONDS = 8, 120.0
# A runner that stops a job leaves it ten seconds.
GRACE_SECONDS, POLL_SECONDS = 4.0, 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What is asked of the hub. ``server`` is the name for the server, free at this hub;
    ``options`` are the choices of the hub's form; ``timeout`` in seconds is for all but the stop.
    """

    user: str
    server: str
    image: Reference
    options: Mapping[str, str]
    command: str
    timeout: float


@dataclass(frozen=True, slots=True)
class Step:
    name: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """``output`` are the last lines of the command, empty without one."""

    hub: str
    jupyterhub: str
    server: str
    image: Reference
    runs: Reference
    compared: Basis
    output: str
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Tools:
    """What the check has of the world beside the hub; ``clock`` in seconds."""

    runner: Runner
    clock: Callable[[], float]
    sleep: Callable[[float], None]
    digest_of: DigestOf


@dataclass(slots=True)
class _Check:
    """One check: its deadline, its steps so far, and the server that it has to stop."""

    hub: Hub
    trial: Trial
    tools: Tools
    deadline: float
    steps: list[Step] = field(default_factory=list)
    owned: ServerName | None = None

    def remaining(self) -> float:
        return self.deadline - self.tools.clock()

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Tells how long it took, however it ends."""
        began = self.tools.clock()
        try:
            yield
        finally:
            step = Step(name, round(self.tools.clock() - began, 2))
            self.steps.append(step)
            self.tools.runner.say(f"{name}: {step.seconds:.1f} s")


def verify(hub: Hub, trial: Trial, tools: Tools) -> Verified:
    """Raises :class:`HubFailed` with what is wrong, after the server is stopped."""
    check = _Check(hub, trial, tools, tools.clock() + trial.timeout)
    with check.step("ask the hub"):
        version = hub.version()
        require_scopes(hub.scopes(), trial.user)
    try:
        server = _started(check)
        access = _access(check, server)
        with check.step("ask the server"):
            _require_status(access)
            spec = _run(check, access, PRINT_IMAGE).output
        comparison = compare(trial.image, spec, tools.digest_of)
        tools.runner.say(comparison.sentence)
        output = _command_output(check, access)
    finally:
        _stop(check)
    return Verified(
        hub=hub.address.base,
        jupyterhub=version,
        server=str(server),
        image=trial.image,
        runs=comparison.runs,
        compared=comparison.basis,
        output=output,
        steps=tuple(check.steps),
    )


# Start ------------------------------------------------------------------------------------


def _started(check: _Check) -> ServerName:
    trial = check.trial
    with check.step("start the server"):
        server = ServerName(trial.user, trial.server)
        try:
            _start(check, server)
        except Refused as refusal:
            if NO_NAMES not in refusal.message:
                raise _not_started(refusal, trial) from refusal
            server = _started_without_name(check)
        follow(check.hub, server, check.tools.runner.say, check.remaining)
    return server


def _started_without_name(check: _Check) -> ServerName:
    """A hub without named servers has the user's default one, unless somebody works in it."""
    trial, server = check.trial, ServerName(check.trial.user)
    check.tools.runner.say(f"The hub has no named servers: this takes {server}.")
    try:
        if server.name in check.hub.servers(trial.user):
            raise _in_use(trial)
        _start(check, server)
    except Refused as refusal:
        raise _not_started(refusal, trial) from refusal
    return server


def _start(check: _Check, server: ServerName) -> None:
    """Raises :class:`Refused` where nothing was started."""
    # Whatever happens from here on, a stop signal included, the server is ours to stop.
    check.owned = server
    try:
        _ask_to_start(check, server)
    except Temporary as throttled:
        check.owned = None
        raise _full(throttled.reason) from throttled
    except Refused as refusal:
        if refusal.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return  # It failed within the first seconds: the progress has the reason.
        if server.name and RUNNING in refusal.message:
            return  # Nobody else has this name: an answer was lost, and we asked again.
        check.owned = None
        raise


def _ask_to_start(check: _Check, server: ServerName) -> None:
    """Again when the hub says when: it starts so many servers at a time.

    Raises :class:`Refused`, and :class:`Temporary` when the hub never found the time.
    """

    def ask() -> None:
        try:
            check.hub.start(server, check.trial.options)
        except Refused as refusal:
            if refusal.retry_after is None:
                raise
            raise Temporary(refusal.message, refusal.retry_after) from refusal

    check.hub.api.retry(f"starting {server}", ask)


def _in_use(trial: Trial) -> HubFailed:
    return HubFailed(
        f"The hub has no named servers, and {trial.user} has a server running, which was left "
        "alone. Stop it, or name a user in HUB_VERIFY_USER who does not work on this hub."
    )


def _full(message: str) -> HubFailed:
    return HubFailed(
        f"The hub starts no more servers now: {message} Run the check again later, or raise the "
        "hub's active_server_limit or concurrent_spawn_limit."
    )


def _not_started(refusal: Refused, trial: Trial) -> HubFailed:
    match refusal.status:
        case HTTPStatus.TOO_MANY_REQUESTS:
            return _full(refusal.message)
        case HTTPStatus.NOT_FOUND:
            return HubFailed(
                f"The hub has no user {trial.user}, or the token may not see that user. Add the "
                "user once on the hub's page /hub/admin, and see whether the role names it:",
                remedy=configuration(trial.user),
            )
        case HTTPStatus.FORBIDDEN:
            return lacking(["servers"], trial.user)
    if NO_MORE_NAMES in refusal.message:
        return HubFailed(
            f"{refusal.message} Delete those that are not needed on the page /hub/home of that "
            "user, or raise the hub's named_server_limit_per_user."
        )
    return HubFailed(f"The hub refused to start a server for {trial.user}: {refusal.message}")


# Ask --------------------------------------------------------------------------------------


def _access(check: _Check, server: ServerName) -> Api:
    """The server under its own address, with a token that opens nothing else: what the image
    runs sees the token, and must not be able to do with it what ours can do."""
    try:
        model = check.hub.servers(server.user)[server.name]
        token = check.hub.token_for(server, int(check.trial.timeout + STOP_SECONDS))
    except Refused as refusal:
        raise lacking(["tokens"], server.user) from refusal
    except KeyError as trouble:
        raise HubFailed(
            f"{server} was gone right after its start: it ended by itself, or somebody stopped it."
        ) from trouble
    check.tools.runner.mask(token)
    return check.hub.below(str(model["url"]), token)


def _require_status(server: Api) -> None:
    try:
        server.ask_json("GET", "api/status")
    except Refused as refusal:
        raise HubFailed(
            f"The server runs, but gives {refusal} for {server.url}api/status. The image must "
            "start `jupyterhub-singleuser` (the hub's `cmd`, or the image's CMD), of a "
            "JupyterHub whose first number is the hub's."
        ) from refusal


def _command_output(check: _Check, server: Api) -> str:
    if not check.trial.command:
        return ""
    with check.step("run the command"):
        done = _run(check, server, check.trial.command)
    tail = "\n".join(done.output.splitlines()[-KEPT_LINES:])
    if done.exit_code:
        raise HubFailed(
            f"In the server, `{check.trial.command}` ended with {done.exit_code}.",
            remedy=f"Its last lines:\n{tail}",
        )
    check.tools.runner.say(tail)
    return check.tools.runner.redact(tail)


def _run(check: _Check, server: Api, command: str) -> Done:
    try:
        return run(server, command, check.remaining)
    except Silence:
        raise HubFailed(
            f"In the server, `{command}` did not end in time; write for example "
            "`HUB_VERIFY_TIMEOUT: 30m`."
        ) from None


# Stop -------------------------------------------------------------------------------------


def _stop(check: _Check) -> None:
    server = check.owned
    if server is None:
        return
    retry = Retry(check.tools.sleep, check.tools.runner.say, tries=STOP_TRIES)
    with check.step("stop the server"):
        try:
            _let_it_begin(check, server)
            retry(f"stopping {server}", lambda: _remove(check.hub, server))
        except (Temporary, Refused, HubFailed) as trouble:
            # A warning, so that the check's own verdict is heard.
            check.tools.runner.warning(
                f"{server} may still run; stop it on the hub's page /hub/admin. {trouble}"
            )


def _let_it_begin(check: _Check, server: ServerName) -> None:
    """A spawner that is interrupted while it makes a container may forget that container."""
    end = check.tools.clock() + GRACE_SECONDS
    while check.tools.clock() < end:
        if check.hub.servers(server.user).get(server.name, {}).get("pending") != "spawn":
            return
        check.tools.sleep(POLL_SECONDS)


def _remove(hub: Hub, server: ServerName) -> None:
    """Raises :class:`Temporary` while the hub is busy with it."""
    try:
        gone = hub.remove(server)
    except Refused as refusal:
        if refusal.status == HTTPStatus.NOT_FOUND:
            return
        raise Temporary(str(refusal)) from refusal
    if not gone:
        raise Temporary("the hub is still stopping it")
