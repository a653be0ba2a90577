"""What `manage.py check` says about addresses."""

from typing import Any

import pytest
from django.core import checks

from agentos.access.checks import proxies_are_counted


class TestProxies:
    @pytest.mark.parametrize(("proxy", "count", "warned"), [(False, 0, False), (True, 1, False), (True, 0, True), (False, 1, False)])
    def test_that_nobody_counts_are_warned_of(self, settings: Any, proxy: bool, count: int, warned: bool) -> None:
        settings.BEHIND_TLS_PROXY, settings.TRUSTED_PROXY_COUNT = proxy, count
        assert bool(proxies_are_counted()) == warned

    def test_are_looked_at_by_manage_py_check(self) -> None:
        assert proxies_are_counted in checks.registry.registry.get_checks()
