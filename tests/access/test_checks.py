"""What `manage.py check` says about addresses and about the user model."""

from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.core import checks

from agentos.access import checks as access_checks
from agentos.access.checks import proxies_are_counted, users_are_what_we_need
from agentos.core import people


class TestProxies:
    @pytest.mark.parametrize(("proxy", "count", "warned"), [(False, 0, False), (True, 1, False), (True, 0, True), (False, 1, False)])
    def test_that_nobody_counts_are_warned_of(self, settings: Any, proxy: bool, count: int, warned: bool) -> None:
        settings.AGENTOS_BEHIND_TLS_PROXY, settings.AGENTOS_TRUSTED_PROXY_COUNT = proxy, count
        assert bool(proxies_are_counted()) == warned

    def test_are_looked_at_by_manage_py_check(self) -> None:
        assert proxies_are_counted in checks.registry.registry.get_checks()


class TestTheUserModel:
    def test_of_ours_is_good(self) -> None:
        assert users_are_what_we_need() == []

    def test_of_another_project_has_to_know_suspension_and_whole_numbers(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(people, "get_user_model", lambda: Session)
        monkeypatch.setattr(access_checks, "get_user_model", lambda: Session)
        assert [(found.id, found.msg.partition(":")[0]) for found in users_are_what_we_need()] == [
            ("agentos.E003", "sessions.Session needs a field is_active"),
            ("agentos.E003", "sessions.Session needs a whole number for its key."),
        ]
