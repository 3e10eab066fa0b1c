from pathlib import Path

from lab.stock import inputs_digest, machine_bundle


def test_an_image_is_stale_when_a_file_of_its_folder_changes(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch")
    before = inputs_digest(tmp_path, b"")
    assert inputs_digest(tmp_path, b"") == before
    (tmp_path / "Dockerfile").write_text("FROM scratch AS base")
    assert inputs_digest(tmp_path, b"") != before


def test_an_image_is_stale_when_what_it_stands_on_changes(tmp_path: Path) -> None:
    assert inputs_digest(tmp_path, b"one") != inputs_digest(tmp_path, b"two")


def test_the_machines_certificates_are_where_its_programs_look() -> None:
    assert machine_bundle({}) is None
    assert machine_bundle({"SSL_CERT_FILE": "", "PIP_CERT": "/bundle.crt"}) == Path("/bundle.crt")
