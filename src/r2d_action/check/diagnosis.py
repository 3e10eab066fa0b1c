"""Why an image does not start as on a hub: told from what was seen, never guessed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from pathlib import PurePosixPath

from r2d_action.check.entrypoint import (
    EXEC_LINE,
    Advice,
    Fault,
    advice_on,
    command_lost,
    no_interpreter,
    read_refusal,
    windows_line_ends,
)

PORT = 8888
SINGLEUSER = "jupyterhub-singleuser"
KILLED = 137


class Reason(Enum):
    STARTED = "started"
    NO_SINGLEUSER = "no jupyterhub-singleuser"
    ENTRYPOINT = "entrypoint does not run the hub's command"
    START_SCRIPT_HIDDEN = "start script hidden by the home volume"
    HOME_PERMISSION = "no permission in the home"
    WRONG_USER = "wrong user"
    WRONG_ADDRESS = "wrong port or address"
    VERSION = "jupyterhub version"
    CRASHED = "crashed"
    NO_ANSWER = "no answer in time"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said to one request. ``server_version`` is its own word, if any."""

    host: str
    port: int
    path: str
    status: int
    up: bool
    jupyterhub: str = ""
    server_version: str = ""


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """Of the image's configuration and of its accounts, as far as a hub depends on them.

    ``account`` is the name of uid 1000, or nothing; ``home`` the folder over which the
    volume is mounted; ``singleuser`` the path of its command in the image, or nothing;
    ``closed`` the folder that keeps uid 1000 from it, or that file. ``odd_scripts`` are those
    of the programs that start the server whose first line the image cannot follow, and that line.
    """

    account: str
    home: str
    home_variable: str = ""
    singleuser: str = ""
    closed: str = ""
    start_script: str = ""
    entrypoint: tuple[str, ...] = ()
    odd_scripts: tuple[tuple[str, str], ...] = ()
    python: bool = True

    @property
    def from_repo2docker(self) -> bool:
        return any("repo2docker-entrypoint" in word for word in self.entrypoint)

    @property
    def starts_with(self) -> str:
        """What is to run the hub's command, or nothing."""
        return self.start_script or " ".join(self.entrypoint)

    @property
    def start_files(self) -> list[str]:
        """The files with which it starts, as far as they are named by their path."""
        return [word for word in (*self.entrypoint, self.start_script) if word.startswith("/")]


@dataclass(frozen=True, slots=True)
class Evidence:
    """``exit_code`` is missing while the container runs; ``logs`` are its last lines.

    ``asked`` is the answer from where the hub looks, ``elsewhere`` that of a Jupyter
    server at another place, ``logged_in`` the answer to a user whom the hub vouches for.
    """

    image: ImageFacts
    seconds: float
    exit_code: int | None = None
    refusal: str = ""
    logs: tuple[str, ...] = ()
    asked: Answer | None = None
    elsewhere: Answer | None = None
    logged_in: Answer | None = None
    listening: tuple[tuple[str, int], ...] = field(default=())

    @property
    def words(self) -> tuple[str, ...]:
        """All that was said about a failure, by the container and by the engine."""
        return (*self.logs, *([self.refusal] if self.refusal else []))

    @property
    def last_words(self) -> tuple[str, ...]:
        """Those that tell what ended it; before them, much is complained of and survived."""
        return self.words[-3:]


@dataclass(frozen=True, slots=True)
class Diagnosis:
    reason: Reason
    explanation: str
    remedy: str = ""

    @classmethod
    def of(cls, reason: Reason, advice: Advice) -> Diagnosis:
        return cls(reason, advice.explanation, advice.remedy)


def diagnose(evidence: Evidence) -> Diagnosis:
    """What the first rule says that the evidence meets."""
    rules = WHILE_IT_RUNS if evidence.exit_code is None else WHEN_IT_ENDED
    found = (rule(evidence) for rule in (*WITH_AN_ANSWER, *rules))
    return next(diagnosis for diagnosis in found if diagnosis)


def started(evidence: Evidence) -> Diagnosis | None:
    if not (evidence.asked and evidence.asked.up and _lets_users_in(evidence)):
        return None
    return Diagnosis(
        Reason.STARTED, f"The image starts as on a hub and answers after {evidence.seconds:.0f} s."
    )


def _lets_users_in(evidence: Evidence) -> bool:
    # Not found: no Jupyter server, but one that a hub can start all the same.
    answer = evidence.logged_in
    return answer is not None and (answer.status == NOT_FOUND or answer.status < REDIRECTION)


def refuses_users(evidence: Evidence) -> Diagnosis | None:
    """The server is up and does not believe the hub that somebody is who they are."""
    if not (evidence.asked and evidence.asked.up and evidence.logged_in):
        return None
    version = evidence.asked.jupyterhub
    named = f"its jupyterhub {version}" if version else "it is not jupyterhub's, and"
    return Diagnosis(
        Reason.VERSION,
        f"The server starts, but {named} turns away users whom the hub sends.",
        _update_jupyterhub(evidence.image),
    )


def wrong_address(evidence: Evidence) -> Diagnosis | None:
    found = evidence.elsewhere
    if not found:
        return None
    if found.port != PORT:
        listens, setting = f"on port {found.port}, and the hub asks on port {PORT}", "port"
    elif found.host in LOOPBACK:
        listens, setting = f"on {found.host} only, where no hub can reach it", "ip"
    else:
        path = found.path.removesuffix("api")
        listens, setting = f"under {path}, and the hub asks under /user/NAME/", "base_url"
    return Diagnosis(
        Reason.WRONG_ADDRESS,
        f"The server listens {listens}.",
        f"Remove `{setting}` from jupyter_server_config.py and from the start script, for the hub "
        f"sets it; the start script runs the hub's command when it ends with {EXEC_LINE}.",
    )


def drops_the_command(evidence: Evidence) -> Diagnosis | None:
    advice = command_lost(evidence.image.entrypoint)
    return Diagnosis.of(Reason.ENTRYPOINT, advice) if advice else None


def no_python(evidence: Evidence) -> Diagnosis | None:
    if evidence.image.python:
        return None
    return Diagnosis(
        Reason.NO_SINGLEUSER,
        f"The image has no Python that can be run, and so no {SINGLEUSER}, which is what hubs "
        "start.",
        f"Begin the Dockerfile {FROM_AN_IMAGE}.",
    )


def start_script_hidden(evidence: Evidence) -> Diagnosis | None:
    image = evidence.image
    hidden = (file for file in image.start_files if _is_below(file, image.home))
    script = next((file for file in hidden if _said(evidence, _not_found(file))), "")
    if not script:
        return None
    return Diagnosis(
        Reason.START_SCRIPT_HIDDEN,
        f"The start script {script} is gone: a hub mounts each user's own volume over "
        f"{evidence.image.home} and hides what the image has there.",
        "Keep the repository outside the home: add `REPO_DIR: /srv/repo` to the action's inputs."
        if evidence.image.from_repo2docker
        else "Let the Dockerfile copy the script to another folder, such as /srv/repo, and name it "
        f"there in {'R2D_ENTRYPOINT' if script == image.start_script else 'ENTRYPOINT'}.",
    )


def odd_script(evidence: Evidence) -> Diagnosis | None:
    """One of the programs that start the server begins with a line that leads nowhere."""
    for path, first_line in evidence.image.odd_scripts:
        name = PurePosixPath(path).name
        if any(name in line or WINDOWS_LINE_END.search(line) for line in evidence.last_words):
            return Diagnosis.of(Reason.ENTRYPOINT, no_interpreter(path, first_line))
    return None


def windows_script(evidence: Evidence) -> Diagnosis | None:
    """Its first line may be fine, or be read by nobody: a shell was called with its path."""
    if not _said(evidence, WINDOWS_LINE_END):
        return None
    script = next(reversed(evidence.image.start_files), "The start script")
    return Diagnosis.of(Reason.ENTRYPOINT, windows_line_ends(script))


def entrypoint_refused(evidence: Evidence) -> Diagnosis | None:
    refusals = filter(None, map(read_refusal, evidence.last_words))
    refusal = next((one for one in refusals if one.name != SINGLEUSER), None)
    # The user is the hub's choice, and not the image's.
    if refusal is None or refusal.fault is Fault.NO_USER:
        return None
    return Diagnosis.of(Reason.ENTRYPOINT, advice_on(refusal))


def no_singleuser(evidence: Evidence) -> Diagnosis | None:
    image = evidence.image
    if not _said(evidence, _not_found(SINGLEUSER)) or image.closed:
        return None
    if _is_below(image.singleuser, image.home):
        return Diagnosis(
            Reason.NO_SINGLEUSER,
            f"{SINGLEUSER} is installed in {image.singleuser}, which the user's volume hides on "
            "a hub.",
            f"Install Jupyter outside {image.home}, for example in /opt or /srv.",
        )
    if image.singleuser and image.entrypoint:
        return _entrypoint_in_the_way(image)
    return Diagnosis(
        Reason.NO_SINGLEUSER,
        f"The image has no {SINGLEUSER} on its PATH, which is what hubs start.",
        _install_jupyterhub(image),
    )


def is_a_server(evidence: Evidence) -> Diagnosis | None:
    """The hub's command was added to the command of another server."""
    image = evidence.image
    program = PurePosixPath(next(iter(image.entrypoint), "")).name
    return _entrypoint_in_the_way(image) if program.startswith("jupyter") else None


def _entrypoint_in_the_way(image: ImageFacts) -> Diagnosis:
    return Diagnosis(
        Reason.ENTRYPOINT,
        f"The image has {SINGLEUSER}, but what it starts with, `{image.starts_with}`, does not run "
        "that when the hub asks for it.",
        f"Let the start script keep the PATH and end with {EXEC_LINE}."
        if image.start_script
        else "Write CMD for ENTRYPOINT in the Dockerfile: a hub puts its own command in the place "
        f"of CMD. Or name a script there that keeps the PATH and ends with {EXEC_LINE}.",
    )


def home_permission(evidence: Evidence) -> Diagnosis | None:
    image = evidence.image
    homes = [home for home in (image.home, image.home_variable) if home]
    denied = next((path for path in _denied(evidence) if _is_in_any(path, homes)), "")
    if not denied:
        return None
    strange = not _is_in_any(denied, [image.home])
    return Diagnosis(
        Reason.HOME_PERMISSION,
        f"The server may not write to {denied}, which it takes for a part of its user's home.",
        f"Set `ENV HOME={image.home}` in the Dockerfile: HOME is {image.home_variable} there."
        if strange
        else f"Remove what the image mounts or creates below {image.home} (a VOLUME line in the "
        "Dockerfile, for example): on a hub the whole home belongs to the user.",
    )


def wrong_user(evidence: Evidence) -> Diagnosis | None:
    image = evidence.image
    denied = image.closed or next(_denied(evidence), "")
    if not image.account and (denied or _said(evidence, UNKNOWN_UID)):
        explanation = "Hubs start the server as uid 1000, and the image has no such user."
    elif denied:
        explanation = f"Hubs start the server as uid 1000, and that user may not use {denied}."
    elif any(WANTS_ROOT.search(line) for line in evidence.last_words):
        explanation = "The image insists on being root, and hubs start it as uid 1000."
    else:
        return None
    return Diagnosis(Reason.WRONG_USER, explanation, _become_uid_1000(image, denied))


def broken_jupyterhub(evidence: Evidence) -> Diagnosis | None:
    """It fell over its own imports: its parts are of versions that do not fit together."""
    culprit = next((line for line in evidence.last_words if IMPORT_ERROR.match(line)), "")
    if not culprit or not _said(evidence, JUPYTERHUB_CODE) or _said(evidence, OWN_CONFIGURATION):
        return None
    return Diagnosis(
        Reason.VERSION,
        f"The image's jupyterhub does not fit the Jupyter beside it: {culprit.strip()}.",
        _update_jupyterhub(evidence.image),
    )


def ended_by_start_script(evidence: Evidence) -> Diagnosis | None:
    if evidence.exit_code != 0 or _said(evidence, JUPYTER):
        return None
    starts_with = evidence.image.starts_with
    if not starts_with:
        return Diagnosis(
            Reason.CRASHED,
            f"The image's {SINGLEUSER} ended without an error before any server ran.",
            _update_jupyterhub(evidence.image),
        )
    return Diagnosis(
        Reason.CRASHED,
        f"The container ended without an error before any server ran: {starts_with} did not go on "
        "to run the command that it was given.",
        f"End that script with the line: {EXEC_LINE}",
    )


def crashed(evidence: Evidence) -> Diagnosis:
    memory = " (killed, which is what happens when memory runs out)"
    said = next((line.strip() for line in reversed(evidence.words) if line.strip()), "nothing")
    return Diagnosis(
        Reason.CRASHED,
        f"The container ended after {evidence.seconds:.1f} s with exit code {evidence.exit_code}"
        f"{memory if evidence.exit_code == KILLED else ''}; the last that it said: {said}",
        "Read its last lines. The start script has to cope with an empty home, which every new "
        "user of a hub has.",
    )


def no_answer(evidence: Evidence) -> Diagnosis:
    places = ", ".join(f"{host}:{port}" for host, port in evidence.listening)
    if evidence.asked and evidence.asked.up:
        seen = "answered, but not to a user whom the hub had let in"
    elif evidence.asked:
        seen = f"answered {evidence.asked.status} to every request for {evidence.asked.path}"
    elif PORT in (port for _, port in evidence.listening):
        seen = f"opened port {PORT} and answered no request"
    elif places:
        seen = f"listened on {places} only, not on port {PORT}"
    else:
        seen = "opened no port"
    return Diagnosis(
        Reason.NO_ANSWER,
        f"The container runs, but within {evidence.seconds:.0f} s its server {seen}.",
        "Move slow work from the start script to postBuild or the Dockerfile, and let the script "
        f"end with {EXEC_LINE}.",
    )


Rule = Callable[[Evidence], Diagnosis | None]
WITH_AN_ANSWER: tuple[Rule, ...] = (
    started,
    no_python,
    drops_the_command,
    refuses_users,
    wrong_address,
)
WHEN_IT_ENDED: tuple[Rule, ...] = (
    start_script_hidden,
    odd_script,
    windows_script,
    entrypoint_refused,
    no_singleuser,
    is_a_server,
    home_permission,
    broken_jupyterhub,
    wrong_user,
    ended_by_start_script,
    crashed,
)
WHILE_IT_RUNS: tuple[Rule, ...] = (no_answer,)

REDIRECTION, NOT_FOUND = 300, 404
# Folders above this, such as /usr, are the system's and not to be given away.
OWN_DEPTH = 3
FROM_AN_IMAGE = "FROM an image that hubs start, such as those of jupyter/docker-stacks"
LOOPBACK = ("127.0.0.1", "::1")
PERMISSION = re.compile(
    r"permission denied|read-only file system|operation not permitted", re.IGNORECASE
)
ABSOLUTE_PATH = re.compile(r"/[^\s'\"`:,;()\u2018\u2019]+")
UNKNOWN_UID = re.compile(
    r"uid not found|no such user|unknown user|cannot find name for user", re.IGNORECASE
)
WANTS_ROOT = re.compile(
    r"\b(?:must|needs? to|has to)\b.*\broot\b|no new privileges|non-root users"
    # Programs that become another user.
    r"|\b(?:sudo|su|su-exec|setpriv): |failed switching to",
    re.IGNORECASE,
)
# A carriage return that was taken for a part of a name; Bash and env quote such names.
WINDOWS_LINE_END = re.compile(r"\\r(?:['\u2019]|: )")
IMPORT_ERROR = re.compile(r"(?:\w*ImportError|ModuleNotFoundError|AttributeError|SyntaxError):")
JUPYTER = re.compile("Jupyter")
OWN_CONFIGURATION = re.compile(r'File ".*_config\.py"')
JUPYTERHUB_CODE = re.compile(r'File ".*/jupyterhub/')
NO_SUCH_FILE = r"(?:no such file|not found|cannot find|can't open)"


def _not_found(name: str) -> re.Pattern[str]:
    quoted = re.escape(name)
    return re.compile(f"{quoted}.*{NO_SUCH_FILE}|{NO_SUCH_FILE}.*{quoted}", re.IGNORECASE)


def _said(evidence: Evidence, pattern: re.Pattern[str]) -> bool:
    return any(pattern.search(line) for line in evidence.words)


def _denied(evidence: Evidence) -> Iterator[str]:
    """The last path on each line that tells of a missing permission."""
    for line in evidence.last_words:
        if PERMISSION.search(line):
            yield from ABSOLUTE_PATH.findall(line)[-1:]


def _is_below(path: str, folder: str) -> bool:
    return bool(path) and PurePosixPath(folder) in PurePosixPath(path).parents


def _is_in_any(path: str, folders: list[str]) -> bool:
    return any(path == folder or _is_below(path, folder) for folder in folders)


def _install_jupyterhub(image: ImageFacts) -> str:
    if image.from_repo2docker:
        return (
            "Add `jupyterhub` to requirements.txt, or `jupyterhub-singleuser` to environment.yml."
        )
    return (
        "Add `RUN pip install --no-cache-dir jupyterhub jupyterlab` to the Dockerfile, or begin it "
        f"{FROM_AN_IMAGE}."
    )


def _update_jupyterhub(image: ImageFacts) -> str:
    if image.from_repo2docker:
        return (
            "Take out the version at which jupyterhub is held in requirements.txt or "
            "environment.yml, or name the hub's own version there."
        )
    return "Add `RUN pip install --no-cache-dir --upgrade jupyterhub jupyterlab` to the Dockerfile."


def _become_uid_1000(image: ImageFacts, denied: str) -> str:
    if not image.account:
        return (
            "Add `RUN useradd --create-home --uid 1000 jovyan` and `USER jovyan` to the Dockerfile."
        )
    if _is_in_any(denied, ["/root"]):
        return "Install Jupyter where everybody may read, such as /opt, and not in /root."
    if not denied:
        return (
            f"Let the Dockerfile end with `USER {image.account}`, and do what root has to do in "
            "RUN lines before it."
        )
    if denied in (image.singleuser, *image.start_files):
        return f"Add `RUN chmod a+rx {denied}` to the Dockerfile, before its USER line."
    if denied == image.closed:
        return f"Add `RUN chmod -R a+rX {denied}` to the Dockerfile, before its USER line."
    folder = PurePosixPath(denied).parent
    if len(folder.parts) < OWN_DEPTH:
        return f"Do as root, in a RUN line of the Dockerfile, what has to be done with {denied}."
    return f"Add `RUN chown -R {image.account} {folder}` to the Dockerfile, before its USER line."
