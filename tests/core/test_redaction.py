"""No secret in a log, however short it is and however it travels."""

import base64

import pytest

from agentos.core.security.redaction import redacted


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("bad key sk-abc", "sk-abc"),
        ("Incorrect API key provided: sk-proj-****wxyz.", "wxyz"),
        ("API key: xyz1 is wrong", "xyz1"),
        ("api_key=abc", "abc"),
        ("Authorization: Bearer abc", "abc"),
        ("{'Authorization': 'Bearer abc'}", "abc"),
        ("authorization: Basic YTpi", "YTpi"),
        ("x-api-key: abc", "abc"),
        ("GET https://models.example.com/v1beta?alt=sse&key=abc HTTP/1.1", "abc"),
        ("http://user:abc@10.0.0.1/v1", "abc"),
        ("token eyJhbGciOi.eyJzdWIi.c2ln expired", "eyJzdWIi"),
        ("AIzaSyA1 is not allowed", "AIzaSyA1"),
        ("gsk_1 xai-1 hf_1", "gsk_1"),
    ],
)
def test_that_looks_like_one_is_taken_out(text: str, secret: str) -> None:
    assert secret not in redacted(text)
    assert "[redacted]" in redacted(text)


@pytest.mark.parametrize(
    "text", ["API key provided: abc.", "api_key=abc&x", "Bearer abc", "http://user:abc@host/", "?token=abc#x", "sk-abc", "(secret: abc)"]
)
def test_is_taken_out_once_however_often_one_looks(text: str) -> None:
    assert redacted(redacted(text)) == redacted(text)


@pytest.mark.parametrize("key", ["k7", "Zf3q", "a key with blanks", "p/q+r=="])
def test_that_is_set_here_is_taken_out_however_it_travels(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.setenv("SOME_API_KEY", key)
    assert key not in redacted(f"The server said: {key} is no good.")
    if len(key) >= 4:
        coded = base64.b64encode(f":{key}".encode()).decode()
        assert coded.rstrip("=") not in redacted(f"Sent {coded}")


@pytest.mark.parametrize(
    "text",
    [
        "The key of this site was not accepted.",
        "POST /v1/chat/completions 401",
        "Run run_7h2k5d9s0a3f6g8j1l4z failed (model_auth)",
        "a task-list",
    ],
)
def test_leaves_other_text_alone(text: str) -> None:
    assert redacted(text) == text
