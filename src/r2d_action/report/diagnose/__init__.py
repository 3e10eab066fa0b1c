"""Why a build failed, and what its owner can change: read from the build's own output."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from r2d_action.report.diagnose import (
    apt,
    base_image,
    checkout,
    compiling,
    conda,
    dockerfile,
    fallback,
    git_access,
    network,
    pip,
    r_packages,
    repository,
    resources,
    scripts,
)
from r2d_action.report.diagnose.diagnosis import Diagnosis
from r2d_action.report.diagnose.sources import Sources
from r2d_action.report.diagnose.stream import Stream

__all__ = ["Diagnosis", "Sources", "diagnose"]

Strategy = Callable[[Stream, Sources], Diagnosis | None]

# The first answer counts. Causes come before what follows from them: a full disk or a dead
# network also makes apt and pip say that there is no such package.
STRATEGIES: tuple[Strategy, ...] = (
    repository.argument,
    repository.two_folders,
    repository.yaml_error,
    repository.not_a_mapping,
    repository.python_version,
    repository.apt_name,
    repository.pyproject_python,
    repository.unreadable,
    repository.r_snapshot,
    repository.r_snapshot_server,
    repository.runtime,
    repository.not_utf8,
    repository.legacy_image,
    repository.misfit,
    resources.disk_full,
    resources.memory_full,
    base_image.base_environment,
    dockerfile.parse_error,
    dockerfile.unreadable,
    dockerfile.missing_user,
    dockerfile.user_taken,
    checkout.submodule,
    dockerfile.missing_source,
    scripts.not_a_script,
    scripts.windows_line_ends,
    scripts.script_left_out,
    base_image.unknown_stage,
    base_image.rate_limited,
    base_image.wrong_platform,
    base_image.denied,
    base_image.unknown,
    network.certificate,
    git_access.git_missing,
    git_access.refused,
    git_access.revision_missing,
    network.unreachable,
    checkout.lfs,
    apt.windows_list,
    apt.unknown_package,
    apt.no_candidate,
    apt.unknown_version,
    apt.not_root,
    apt.asks,
    apt.no_release,
    apt.stale_list,
    apt.clash,
    conda.missing,
    conda.invalid_spec,
    conda.channel,
    conda.need_missing,
    conda.incompatible,
    pip.index_refused,
    pip.hash_missing,
    pip.hash_differs,
    pip.conflict,
    pip.invalid_requirement,
    pip.no_match,
    pip.other_python,
    pip.no_requirements_file,
    pip.no_local_package,
    pip.system_python,
    compiling.tool_missing,
    compiling.own_failed,
    compiling.failed,
    conda.unsolved,
    r_packages.not_served,
    r_packages.wrong_function,
    r_packages.syntax,
    r_packages.unavailable,
    r_packages.dependency,
    r_packages.from_github,
    r_packages.not_installed,
    r_packages.failed,
    scripts.lab_build,
    scripts.no_command,
    scripts.no_module,
    scripts.download_missing,
    scripts.permission,
    scripts.no_file,
    scripts.script_failed,
)


def diagnose(lines: Sequence[str], sources: Sources) -> Diagnosis:
    """What failed, why, and what to change, from what ``jupyter-repo2docker`` printed."""
    stream = Stream.parse(lines)
    for strategy in STRATEGIES:
        if diagnosis := strategy(stream, sources):
            return diagnosis
    return fallback.diagnose(stream, sources)
