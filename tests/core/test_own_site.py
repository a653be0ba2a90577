"""What is ours to decide in a project that has other pages and tables too, and what is not."""

from typing import Any

import pytest
from django.db.migrations.recorder import MigrationRecorder
from django.http import HttpResponse
from django.test import RequestFactory

from agentos.core.http.errors import is_for_programs
from agentos.core.http.middleware import security_headers
from agentos.core.paths import is_below
from agentos.core.starting.migrations import check, check_not_newer
from agentos.core.starting.refusal import CannotStart

OURS = ("/agentos/", "/agentos/chat/x/", "/api/v1/agentos/agents/", "/v1/models", "/agentos/webhook/x/")
OTHERS = ("/", "/shop/", "/agentosphere/")


@pytest.fixture(params=[True, False], ids=["own site", "another project"])
def own_site(request: pytest.FixtureRequest, settings: Any) -> bool:
    settings.AGENTOS_OWN_SITE = request.param
    return bool(request.param)


class TestSafetyHeaders:
    @pytest.mark.parametrize("path", OURS)
    def test_are_on_all_that_is_ours(self, path: str, own_site: bool) -> None:
        assert "Content-Security-Policy" in security_headers(lambda request: HttpResponse())(RequestFactory().get(path)).headers

    @pytest.mark.parametrize("path", OTHERS)
    def test_are_on_the_rest_of_our_own_site_alone(self, path: str, own_site: bool) -> None:
        answer = security_headers(lambda request: HttpResponse())(RequestFactory().get(path))
        assert ("Content-Security-Policy" in answer.headers, "Cache-Control" in answer.headers) == (own_site, own_site)


class TestWhatIsForPrograms:
    def test_is_below_our_apis_wherever_they_are(self, own_site: bool) -> None:
        assert [is_for_programs(path) for path in OURS] == [False, False, True, True, True]

    def test_is_everything_below_api_on_our_own_site_alone(self, own_site: bool) -> None:
        assert is_for_programs("/api/of/the/shop/") == own_site

    def test_is_nothing_below_a_view_that_there_is_not(self) -> None:
        assert not is_below("/agentos/", "shop:front")


@pytest.mark.django_db
class TestMigrations:
    def test_of_another_app_are_not_our_business_in_another_project(self, own_site: bool) -> None:
        MigrationRecorder.Migration.objects.create(app="shop", name="0001_gone_since")
        if own_site:
            with pytest.raises(CannotStart, match="newer version"):
                check()
        else:
            check()

    def test_of_ours_are_our_business_everywhere(self, own_site: bool) -> None:
        MigrationRecorder.Migration.objects.create(app="chat", name="9999_later")
        with pytest.raises(CannotStart, match=r"newer version.*chat\.9999_later"):
            check_not_newer()

    def test_that_lack_of_ours_are_missed_everywhere(self, own_site: bool) -> None:
        MigrationRecorder.Migration.objects.filter(app="chat", name__gt="0003").delete()
        with pytest.raises(CannotStart, match="not up to date"):
            check()

    def test_that_lack_of_others_are_theirs_to_miss_in_another_project(self, own_site: bool) -> None:
        MigrationRecorder.Migration.objects.filter(app="sessions").delete()
        if own_site:
            with pytest.raises(CannotStart, match="not up to date"):
                check()
        else:
            check()
