from lab.registry import Request, requests_in

UPLOAD = "/v2/a/blobs/uploads/1?_state=x%3D&digest=sha256%3A00ff"


def access(request: str, answer: str) -> str:
    return (
        f'127.0.0.1 - ada [02/Jan/2026:03:04:05 +0000] "{request} HTTP/1.1" {answer} "" "docker"\n'
    )


def test_requests_are_those_that_clients_make_to_the_interface() -> None:
    log = (
        'time="2026-01-02T03:04:05Z" level=warning msg="No HTTP secret provided"\n'
        + access("GET /", "200 0")
        + access("GET /v2/", "401 87")
        + access(f"PUT {UPLOAD}", "201 0")
    )
    assert requests_in(log) == [Request("GET", "/v2/", 401, 87), Request("PUT", UPLOAD, 201, 0)]


def test_an_answer_to_head_has_no_body() -> None:
    (request,) = requests_in(access("HEAD /v2/a/b/manifests/1", "200 951"))
    assert request.sent == 0


def test_an_upload_tells_its_digest_when_it_is_complete() -> None:
    assert Request("PUT", UPLOAD, 201, 0).digest == "sha256:00ff"
    assert Request("PUT", UPLOAD, 400, 0).digest is None
    assert Request("PUT", "/v2/a/manifests/1", 201, 0).digest is None
