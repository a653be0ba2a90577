"""Whose noise the log holds back."""

import contextvars
import json
import logging
import sys
from typing import Any

import pytest

from agentos.core import log_context, repeated
from site_config.logs import JsonLine, is_due, is_raised, logging_config


def record(error: Exception | None) -> logging.LogRecord:
    try:
        if error:
            raise error
    except ValueError:
        return logging.makeLogRecord({"exc_info": sys.exc_info()})
    return logging.makeLogRecord({"exc_info": None})


def test_an_answer_that_was_given_on_purpose_is_said_by_the_line_of_the_request_alone() -> None:
    config = logging_config("INFO")
    (name,) = config["loggers"]["django.request"]["filters"]
    shown = config["filters"][name]["()"]()
    assert shown is is_raised
    assert shown(record(ValueError()))
    assert not shown(record(None))


class TestJson:
    def line(self, **more: Any) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(
            JsonLine().format(logging.makeLogRecord({"name": "agentos.x", "levelno": logging.INFO, "levelname": "INFO", **more}))
        )
        return found

    def test_is_one_line_whatever_it_says(self) -> None:
        text = JsonLine().format(logging.makeLogRecord({"levelno": logging.INFO, "msg": 'a\n"b\u2028\x1b[31m'}))
        assert len(text.splitlines()) == 1
        assert "\x1b" not in text
        assert json.loads(text)["message"] == 'a\n"b\u2028\x1b[31m'

    def test_has_a_traceback_as_a_field_and_no_secret(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("OPENAI_API_KEY", "sk-of-the-test-123")
        try:
            raise ValueError("sk-of-the-test-123 is refused")
        except ValueError:
            found = self.line(
                levelno=logging.ERROR, levelname="ERROR", msg="It broke: %s", args=("sk-of-the-test-123",), exc_info=sys.exc_info()
            )
        assert found["message"] == "It broke: [redacted]"
        assert "ValueError: [redacted] is refused" in found["traceback"]

    def test_has_the_ids_that_are_known_and_the_fields_of_an_answer(self) -> None:
        context = contextvars.copy_context()
        context.run(log_context.run_id.set, "run_1")
        found = context.run(self.line, agentos_fields={"status": 200, "ms": 3})
        assert (found["run_id"], found["status"], found["ms"], found["level"]) == ("run_1", 200, 3, "INFO")
        assert "request_id" not in found

    def test_is_made_by_its_setting(self) -> None:
        assert {handler["formatter"] for handler in logging_config("INFO", "JSON")["handlers"].values()} == {"JSON"}
        assert {handler["formatter"] for handler in logging_config("INFO")["handlers"].values()} == {"TEXT"}


def test_a_collector_that_is_away_is_told_of_once_a_minute() -> None:
    repeated.forget()
    noise = logging.makeLogRecord({"name": "opentelemetry.exporter", "msg": "failed"})
    assert [is_due(noise) for _ in range(3)] == [True, False, False]
    repeated.forget()
