from __future__ import annotations

import base64
import json

import pytest
import requests

from r2d_action.registry.refusal import MOST_CHARACTERS, RegistryError, printable, refusal

HOST = "registry.example.org"


def answer(status: int, body: bytes, content_type: str = "application/json") -> requests.Response:
    made = requests.Response()
    made.status_code = status
    made.reason = "Its Reason"
    made.headers["Content-Type"] = content_type
    made._content = body
    return made


def refused(content: object, status: int = 403) -> RegistryError:
    return refusal(HOST, answer(status, json.dumps(content).encode()))


def test_the_error_of_a_registry() -> None:
    error = refused(
        {"errors": [{"code": "DENIED", "message": "no", "detail": "why"}, {"code": "OTHER"}]}
    )
    assert (error.host, error.status, error.code) == (HOST, 403, "DENIED")
    assert (error.message, error.detail) == ("no", "why")
    assert str(error) == f"{HOST} answered 403 DENIED"
    assert error.is_denial


def test_the_error_of_an_oauth_server() -> None:
    error = refused({"error": "invalid_grant", "error_description": "gone"}, 400)
    assert (error.code, error.message) == ("invalid_grant", "gone")
    assert not error.is_denial


def test_the_error_of_docker_hub() -> None:
    assert refused({"details": "incorrect username or password"}, 401).detail


@pytest.mark.parametrize(
    "content",
    [{}, [], 7, None, {"errors": []}, {"errors": [7]}, {"errors": {"code": "A"}}, {"code": {}}],
)
def test_what_is_no_error_of_a_registry_has_no_words(content: object) -> None:
    assert refused(content).code == ""


def test_only_text_is_taken() -> None:
    error = refused({"errors": [{"code": "A", "message": {"token": "x"}, "detail": [{"b": "c"}]}]})
    assert (error.message, error.detail) == ("", "")


def test_an_answer_that_is_no_document_has_its_reason() -> None:
    assert refusal(HOST, answer(500, b'{"errors":[{"co')).message == "Its Reason"


def test_a_page_is_a_proxys() -> None:
    error = refusal(HOST, answer(403, b"<html>Bearer abc</html>", "text/html; charset=utf-8"))
    assert error.message == "a proxy answered in place of the registry"
    assert "abc" not in str(vars(error))


def test_what_was_shown_is_recognised() -> None:
    word = "nothing-about-this-word-is-odd"
    body = {"errors": [{"code": word, "message": f"I know {word}", "detail": f"{word}{word}"}]}
    error = refusal(HOST, answer(401, json.dumps(body).encode()), {word, ""})
    assert (error.code, error.message, error.detail) == ("***", "I know ***", "******")


JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    "secret",
    [
        JWT,
        "ghp_16charactersOfIt",
        "dckr_pat_abc-DEF_123",
        "glpat-xyz",
        "AKIAIOSFODNN7EXAMPLE",
        "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY",
        base64.b64encode(b"somebody:hunter2hunter2hunter2").decode(),
        "0123456789abcdef0123456789abcdef01234567",
    ],
)
def test_what_looks_like_a_secret_is_left_out(secret: str) -> None:
    assert printable(f"cannot take {secret}, sorry") == "cannot take ***, sorry"


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("Authorization: Bearer abc123", "Authorization: Bearer ***"),
        ("the header was Basic cm9ib3Q6cHc9", "the header was Basic ***"),
        ("password=letmein&x=1", "password=***&x=1"),
        ('{"token": "abc-1"}', '{"token": ***'),
        ("secret: hunter2", "secret: ***"),
        ("see https://u:p@host/a/b?X-Amz-Signature=1#c now", "see https://host/a/b now"),
    ],
)
def test_what_is_called_a_secret_is_left_out(said: str, told: str) -> None:
    assert printable(said) == told


@pytest.mark.parametrize(
    "said",
    [
        "authentication required",
        "basic authentication required",
        "invalid token: expired",
        f"manifest sha256:{'0a' * 32} unknown",
        "repository organisation-2026/a-rather-long-name-of-an-image-for-course-101 not found",
        "requested access to the resource is denied",
        "project org: quota of 10 GiB is used up",
    ],
)
def test_what_helps_is_kept(said: str) -> None:
    assert printable(said) == said


def test_one_line_of_bounded_length() -> None:
    assert printable("a\r\n::error::b\x1b[31m\tc") == "a ::error::b [31m c"
    assert len(printable("word " * 1000)) == MOST_CHARACTERS
