"""Our settings: one name and one default each, read at every use, and looked at by `manage.py check`."""

from typing import Any

import pytest
from django.conf import settings as django_settings

from agentos.conf import AppSettings, app_settings, declared
from agentos.conf.checks import settings_are_good, settings_are_known


class TestASetting:
    def test_has_its_default_in_a_project_that_says_nothing(self, settings: Any) -> None:
        del settings.AGENTOS_SENDS_A_MINUTE
        assert app_settings.SENDS_A_MINUTE == 60

    def test_is_what_the_project_says_at_this_moment(self, settings: Any) -> None:
        settings.AGENTOS_SENDS_A_MINUTE = 7
        assert app_settings.SENDS_A_MINUTE == 7

    @pytest.mark.parametrize("setting", declared(), ids=lambda setting: setting.name)
    def test_has_a_good_default_and_a_sentence(self, setting: Any) -> None:
        assert setting.objection(setting.default) == ""
        assert setting.help.endswith((".", ")."))

    def test_is_known_by_its_name_and_its_variable(self) -> None:
        assert (AppSettings.PORT.name, AppSettings.PORT.variable) == ("AGENTOS_PORT", "PORT")
        assert AppSettings.RUN_TIMEOUT.variable == "AGENTOS_RUN_TIMEOUT"


class TestTheCheck:
    def test_has_nothing_against_the_tests_own(self) -> None:
        assert settings_are_good() == settings_are_known() == []
        assert any(name.startswith("AGENTOS_") for name in dir(django_settings))

    def test_says_what_is_wrong(self, settings: Any) -> None:
        settings.AGENTOS_GATEWAY_ORIGINS = ["foo"]
        (found,) = settings_are_good()
        assert (found.id, found.msg.partition(" must")[0]) == ("agentos.E002", "AGENTOS_GATEWAY_ORIGINS")

    def test_says_what_there_is_not(self, settings: Any) -> None:
        settings.AGENTOS_SENDS_PER_MINUTE = 3
        (found,) = settings_are_known()
        assert (found.id, found.msg) == ("agentos.W006", "There is no setting AGENTOS_SENDS_PER_MINUTE.")
