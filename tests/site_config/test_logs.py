"""Whose noise the log holds back."""

import logging
import sys

from site_config.logs import is_raised, logging_config


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
