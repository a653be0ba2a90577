"""Paths with a key are what Django makes of them."""

import pytest
from django.urls import NoReverseMatch, reverse, set_script_prefix

from agentos.core.paths import path_to


@pytest.mark.parametrize("key", ["chat_1", "a b", "ä~:@!$", "%2F", "100%"])
@pytest.mark.parametrize("name", ["dashboard:session", "dashboard:stop", "dashboard:chat"])
def test_are_what_django_makes(name: str, key: str) -> None:
    assert path_to(name, key) == reverse(name, args=[key])


def test_stand_below_the_prefix_of_the_site() -> None:
    without = path_to("dashboard:session", "chat_1")
    set_script_prefix("/below/")
    try:
        assert path_to("dashboard:session", "chat_1") == f"/below{without}"
    finally:
        set_script_prefix("/")


@pytest.mark.urls("tests.core.urls")
def test_are_of_the_urls_that_hold_now() -> None:
    with pytest.raises(NoReverseMatch):
        path_to("dashboard:session", "chat_1")
