"""What containers really said and did, kept in check_evidence.json, and what is told of it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import cattrs
import pytest

from r2d_action.check.diagnosis import Answer, Evidence, Reason, diagnose
from r2d_action.check.hub_start import HubStart, conclude

KEPT = cattrs.structure(
    json.loads(Path(__file__).with_name("check_evidence.json").read_text()), dict[str, Evidence]
)


@pytest.mark.parametrize(
    ("name", "reason", "named"),
    [
        ("repo2docker", Reason.STARTED, "starts as on a hub"),
        ("docker-stacks", Reason.STARTED, "starts as on a hub"),
        ("start-hidden", Reason.START_SCRIPT_HIDDEN, "`REPO_DIR: /srv/repo`"),
        ("start-ends", Reason.CRASHED, "/srv/repo/start did not go on"),
        ("start-fails", Reason.CRASHED, "exit code 3"),
        ("start-hangs", Reason.NO_ANSWER, "opened no port"),
        ("other-port", Reason.WRONG_ADDRESS, "port 9999"),
        ("loopback-only", Reason.WRONG_ADDRESS, "127.0.0.1 only"),
        ("other-server", Reason.WRONG_ADDRESS, "`base_url`"),
        ("turns-users-away", Reason.VERSION, "jupyterhub 6.1.1 turns away"),
        ("old-jupyterhub", Reason.VERSION, "ModuleNotFoundError"),
        ("no-singleuser", Reason.NO_SINGLEUSER, "environment.yml"),
        ("no-python", Reason.NO_SINGLEUSER, "Begin the Dockerfile FROM an image"),
        ("from-scratch", Reason.NO_SINGLEUSER, "no Python that can be run"),
        ("plain", Reason.NO_SINGLEUSER, "RUN pip install"),
        ("tini-entrypoint", Reason.NO_SINGLEUSER, "RUN pip install"),
        ("bash-entrypoint", Reason.NO_SINGLEUSER, "RUN pip install"),
        ("singleuser-in-home", Reason.NO_SINGLEUSER, "outside /home/jovyan"),
        ("volume-in-home", Reason.HOME_PERMISSION, "VOLUME"),
        ("other-home", Reason.HOME_PERMISSION, "HOME is /root there"),
        ("no-account", Reason.WRONG_USER, "the image has no such user"),
        ("insists-on-root", Reason.WRONG_USER, "`USER jovyan`"),
        ("sudo-entrypoint", Reason.WRONG_USER, "`USER jovyan`"),
        ("chown-entrypoint", Reason.WRONG_USER, "what has to be done with /srv"),
        ("files-of-others", Reason.WRONG_USER, "`RUN chmod a+rx /opt/env/bin/jupyterhub-single"),
        ("singleuser-cannot-run", Reason.WRONG_USER, "`RUN chmod a+rx /opt/env/bin/jupyterhub"),
        ("environment-closed", Reason.WRONG_USER, "`RUN chmod -R a+rX /opt/env`"),
        ("becomes-another-user", Reason.WRONG_USER, "insists on being root"),
        ("environment-moved", Reason.ENTRYPOINT, "does not have: /opt/elsewhere/bin/python"),
        ("start-of-windows", Reason.ENTRYPOINT, "`start text eol=lf`"),
        ("script-of-windows", Reason.ENTRYPOINT, "/srv/entry was saved with"),
        ("entrypoint-missing", Reason.ENTRYPOINT, "install tini in a RUN line"),
        ("entrypoint-closed", Reason.ENTRYPOINT, "`RUN chmod a+rx /srv/entry`"),
        ("entrypoint-no-program", Reason.ENTRYPOINT, "#!/bin/bash"),
        ("entrypoint-hidden", Reason.START_SCRIPT_HIDDEN, "name it there in ENTRYPOINT"),
        ("shell-form", Reason.ENTRYPOINT, "`exec start-notebook.sh`, is run by a shell"),
        ("starts-a-server", Reason.ENTRYPOINT, "Write CMD for ENTRYPOINT"),
        ("starts-python", Reason.ENTRYPOINT, "Write CMD for ENTRYPOINT"),
        ("installed-by-root", Reason.WRONG_USER, "not in /root"),
    ],
)
def test_the_reason_is_told_from_the_evidence(name: str, reason: Reason, named: str) -> None:
    diagnosis = diagnose(KEPT[name])
    assert diagnosis.reason is reason
    assert named in f"{diagnosis.explanation}\n{diagnosis.remedy}"
    assert bool(diagnosis.remedy) is (reason is not Reason.STARTED)


def test_all_kept_evidence_is_told_apart() -> None:
    assert {diagnose(evidence).reason for evidence in KEPT.values()} == set(Reason)


def test_a_script_that_is_lost_elsewhere_is_not_laid_at_the_homes_door() -> None:
    hidden = KEPT["start-hidden"]
    elsewhere = replace(hidden, image=replace(hidden.image, start_script="/srv/repo/start"))
    assert diagnose(elsewhere).reason is Reason.CRASHED


def test_the_script_of_a_dockerfile_is_moved_by_its_author() -> None:
    hidden = KEPT["start-hidden"]
    own = replace(hidden, image=replace(hidden.image, entrypoint=("/entry.sh",)))
    assert "R2D_ENTRYPOINT" in diagnose(own).remedy


def test_a_server_that_a_hub_can_start_needs_no_jupyter() -> None:
    started = KEPT["repo2docker"]
    assert started.logged_in
    other = replace(started.logged_in, status=404, up=False)
    assert diagnose(replace(started, logged_in=other)).reason is Reason.STARTED


@pytest.mark.parametrize("status", [302, 403, 500])
def test_a_server_must_believe_the_hub(status: int) -> None:
    started = KEPT["repo2docker"]
    assert started.logged_in
    other = replace(started.logged_in, status=status)
    assert diagnose(replace(started, logged_in=other)).reason is Reason.VERSION


def test_a_users_own_configuration_is_no_matter_of_versions() -> None:
    broken = KEPT["old-jupyterhub"]
    configured = 'File "/opt/env/etc/jupyter/jupyter_server_config.py", line 1, in <module>'
    own = replace(broken, logs=(*broken.logs[:-1], configured, broken.logs[-1]))
    assert diagnose(own).reason is Reason.CRASHED


def test_a_warning_about_permissions_does_not_explain_a_running_server() -> None:
    hanging = KEPT["start-hangs"]
    warned = replace(hanging, logs=("touch: cannot touch '/home/jovyan/x': Permission denied",))
    assert diagnose(warned).reason is Reason.NO_ANSWER


@pytest.mark.parametrize(
    "complaint",
    [
        "touch: cannot touch '/srv/x': Permission denied",
        "touch: cannot touch '/home/jovyan/x': Permission denied",
        "This part must be run as root",
    ],
)
def test_what_was_complained_of_and_survived_explains_no_crash(complaint: str) -> None:
    crash = KEPT["start-fails"]
    survived = replace(crash, logs=(complaint, "starting", "loading data", *crash.logs))
    assert diagnose(survived).reason is Reason.CRASHED
    final = replace(crash, logs=(*crash.logs, complaint))
    assert diagnose(final).reason is not Reason.CRASHED


def test_lack_of_memory_is_named() -> None:
    killed = replace(KEPT["start-fails"], exit_code=137)
    assert "memory runs out" in diagnose(killed).explanation
    assert "memory" not in diagnose(KEPT["start-fails"]).explanation


def test_what_the_server_did_until_time_was_up_is_told() -> None:
    hanging = KEPT["start-hangs"]
    elsewhere = replace(hanging, listening=(("0.0.0.0", 5432),))  # noqa: S104
    assert "listened on 0.0.0.0:5432 only" in diagnose(elsewhere).explanation
    stuck = replace(hanging, listening=(("0.0.0.0", 8888),))  # noqa: S104
    assert "opened port 8888 and answered no" in diagnose(stuck).explanation
    broken = Answer("10.0.0.2", 8888, "/user/r2d-check/api", status=503, up=False)
    assert (
        "answered 503 to every request for /user/r2d-check/api"
        in diagnose(replace(hanging, asked=broken)).explanation
    )


def test_what_the_reader_gets_survives_json() -> None:
    evidence = KEPT["turns-users-away"]
    result = conclude(evidence, diagnose(evidence))
    assert not result.ok
    assert result.jupyterhub == "6.1.1"
    assert cattrs.structure(json.loads(json.dumps(cattrs.unstructure(result))), HubStart) == result


def test_the_engines_own_words_are_kept_where_nothing_better_is_known() -> None:
    plain = KEPT["plain"]
    assert conclude(plain, diagnose(plain)).last_lines == ()
    odd = replace(plain, refusal="exec failed: argument list too long")
    diagnosis = diagnose(odd)
    assert diagnosis.reason is Reason.CRASHED
    assert conclude(odd, diagnosis).last_lines == (odd.refusal,)


@pytest.mark.parametrize("command", ["su", "setpriv", "sudo"])
def test_programs_that_become_another_user_want_root(command: str) -> None:
    refused = replace(KEPT["becomes-another-user"], logs=(f"{command}: failed",))
    assert diagnose(refused).reason is Reason.WRONG_USER


def test_a_start_script_that_loses_the_path_is_to_blame_and_not_the_image() -> None:
    lost = replace(
        KEPT["no-singleuser"],
        image=replace(KEPT["no-singleuser"].image, singleuser="/opt/env/bin/jupyterhub-singleuser"),
    )
    diagnosis = diagnose(lost)
    assert diagnosis.reason is Reason.ENTRYPOINT
    assert diagnosis.remedy.startswith("Let the start script keep the PATH")


def test_a_command_that_ends_by_itself_has_no_script_to_mend() -> None:
    crash = KEPT["start-fails"]
    bare = replace(crash.image, start_script="", entrypoint=())
    ended = diagnose(replace(crash, image=bare, exit_code=0, logs=()))
    assert ended.explanation.startswith("The image's jupyterhub-singleuser ended")
    assert "pip install" in ended.remedy


def test_no_answer_to_a_login_is_not_a_refusal() -> None:
    silent = replace(KEPT["repo2docker"], logged_in=None)
    assert diagnose(silent).reason is Reason.NO_ANSWER
    assert "not to a user whom the hub had let in" in diagnose(silent).explanation


def test_a_server_that_is_the_entrypoint_gets_the_command_as_its_argument() -> None:
    crash = KEPT["start-fails"]
    server = replace(crash.image, start_script="", entrypoint=("/opt/env/bin/jupyter-lab",))
    assert diagnose(replace(crash, image=server)).reason is Reason.ENTRYPOINT
