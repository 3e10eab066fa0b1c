from __future__ import annotations

import pytest

from r2d_action.hub.files import look_at

PATHS = (
    *("values.yaml", "config/staging.values.yml", "config/deep/prod.yaml", "docs/notes.md"),
    *("hub/jupyterhub_config.py", "infra/main.tf", "infra/.env", "Dockerfile", "values.json"),
    *(".github/workflows/ci.yaml", ".git/x.yaml", ".sops.yaml", "node_modules/a/b.yaml"),
    *("pnpm-lock.yaml", "conda.lock.yml", "lock.yaml", "unlock.yaml", "Locked.YAML"),
)


def test_without_a_wish_all_yaml_but_what_is_hidden_or_locked() -> None:
    assert look_at(PATHS).paths == (
        *("config/deep/prod.yaml", "config/staging.values.yml", "unlock.yaml", "values.yaml"),
    )


@pytest.mark.parametrize(
    ("glob", "paths"),
    [
        ("*.yaml", ["unlock.yaml", "values.yaml"]),
        ("config/*", ["config/staging.values.yml"]),
        ("config/**", ["config/deep/prod.yaml", "config/staging.values.yml"]),
        ("./config/**/prod.yaml", ["config/deep/prod.yaml"]),
        (
            "**/*.y*ml",
            ["config/deep/prod.yaml", "config/staging.values.yml", "unlock.yaml", "values.yaml"],
        ),
        ("pnpm-lock.yaml", ["pnpm-lock.yaml"]),
        (".github/**/*.yaml", [".github/workflows/ci.yaml"]),
        ("hub/jupyterhub_config.py", ["hub/jupyterhub_config.py"]),
        ("**/*.py", ["hub/jupyterhub_config.py"]),
        ("**/*_config.py", ["hub/jupyterhub_config.py"]),
        ("hub/*", []),
        ("hub/**", []),
        ("**/*.tf", ["infra/main.tf"]),
        ("infra/.env", ["infra/.env"]),
        ("**/Dockerfile", ["Dockerfile"]),
        ("*", ["unlock.yaml", "values.yaml"]),
        ("**/*.json", ["values.json"]),
    ],
)
def test_a_glob_takes_other_kinds_of_files_only_by_their_ending_or_name(
    glob: str, paths: list[str]
) -> None:
    assert list(look_at(PATHS, [glob]).paths) == paths


def test_globs_that_no_file_answers_to_are_told() -> None:
    looked = look_at(PATHS, ["values.yaml", "config/*.yaml"])
    assert looked.paths == ("values.yaml",)
    assert looked.unmatched == ("config/*.yaml",)


def test_a_repository_without_yaml_has_nothing_unmatched() -> None:
    assert look_at(["README.md"]).unmatched == ()
