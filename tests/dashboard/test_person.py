"""The settings page of the person, and that pages obey it."""

from io import BytesIO
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from PIL import Image

from agentos.access import actions
from agentos.access.models import Preferences, User
from agentos.access.queries import preferences_of
from agentos.audit.models import AuditRecord
from agentos.chat.models import ChatSession
from tests.html import page

URL = "/agentos/settings/person/"
THEME = f"{URL}theme/"
PICTURE = f"{URL}picture/"
CHOSEN = {"name": "Mika M.", "theme": "dark", "spoken": "off"}  # and not enter_sends: a box without a tick is not sent


class TestPage:
    def test_is_the_first_of_the_settings(self, as_member: Client) -> None:
        assert as_member.get("/agentos/settings/").headers["Location"] == URL
        assert page(as_member.get(URL)).one(".settings-menu [aria-current=page]")["href"] == URL

    def test_shows_what_holds_without_a_choice(self, as_member: Client) -> None:
        found = page(as_member.get(URL))
        assert found.one("#id_name")["value"] == "Mika Member"
        assert found.one("[name=theme][checked]")["value"] == "system"
        assert found.one("[name=spoken][checked]")["value"] == "done"
        assert found.has("#id_enter_sends[checked]")

    def test_keeps_what_is_chosen_and_says_so(self, as_member: Client, member: User) -> None:
        answer = as_member.post(URL, CHOSEN, follow=True)
        member.refresh_from_db()
        wants = preferences_of(member)
        assert (member.name, wants.theme, wants.enter_sends, wants.spoken) == ("Mika M.", "dark", False, "off")
        found = page(answer)
        assert "Saved." in found.text("#notices")
        assert found.one("[name=theme][checked]")["value"] == "dark"
        assert not found.has("#id_enter_sends[checked]")
        assert "Mika M." in found.text("#account summary")

    @pytest.mark.parametrize("wrong", [{"theme": "pink"}, {"spoken": "loudly"}, {"name": "x" * 101}, {"theme": ""}])
    def test_refuses_what_there_is_not_and_changes_nothing(self, as_member: Client, member: User, wrong: dict[str, str]) -> None:
        answer = as_member.post(URL, CHOSEN | wrong)
        assert answer.status_code == 422
        assert page(answer).has(f"#{next(iter(wrong))}-error")
        member.refresh_from_db()
        assert member.name == "Mika Member"
        assert not Preferences.objects.exists()

    def test_takes_a_name_away(self, as_member: Client, member: User) -> None:
        as_member.post(URL, CHOSEN | {"name": "  "})
        member.refresh_from_db()
        assert (member.name, member.get_full_name()) == ("", "member")


class TestMail:
    def test_about_budgets_comes_unless_it_is_turned_off(self, as_member: Client, member: User) -> None:
        assert page(as_member.get(URL)).has("#id_budget_mails[checked]")
        as_member.post(URL, CHOSEN)
        assert not preferences_of(member).budget_mails
        assert not page(as_member.get(URL)).has("#id_budget_mails[checked]")
        as_member.post(URL, CHOSEN | {"budget_mails": "on"})
        assert preferences_of(member).budget_mails


class TestVoice:
    def test_is_as_it_was_chosen(self, as_member: Client, member: User) -> None:
        chosen = {"language": "fr", "sends_spoken": "on", "keeps_recordings": "on", "reads_aloud": "on", "speed": "150"}
        assert as_member.post(URL, {"theme": "system", "spoken": "done", **chosen}).status_code == 303
        wants = preferences_of(member)
        assert (wants.language, wants.sends_spoken, wants.keeps_recordings, wants.reads_aloud, wants.speed) == ("fr", True, True, True, 150)
        shown = page(as_member.get(URL))
        assert [option["value"] for option in shown.all("option[selected]")] == ["fr", "150"]
        refused = as_member.post(URL, {"theme": "system", "spoken": "done", "language": "klingon", "speed": "3"})
        assert refused.status_code == 422
        assert page(refused).has("#language-error")
        assert page(refused).has("#speed-error")


class TestPages:
    def test_are_as_each_browser_has_them_without_a_choice(self, as_member: Client) -> None:
        found = page(as_member.get("/agentos/"))
        assert "data-theme" not in found.one("html").attrs
        assert found.one("body")["data-enter"] == "send"
        assert found.one("#spoken")["role"] == "status"
        assert not found.has("#sentences, script[src*=spoken]")

    def test_obey(self, as_member: Client, member: User, session: ChatSession, url: str) -> None:
        actions.change_preferences(by=member, theme="dark", enter_sends=False, spoken="sentences")
        for path in ("/agentos/", URL, url, "/agentos/nothing/"):
            found = page(as_member.get(path))
            assert found.one("html")["data-theme"] == "dark"
            assert found.one("body")["data-enter"] == "line"
            assert found.one("#sentences")["role"] == "log"
            assert found.has("script[src*=spoken]")

    def test_say_nothing_of_answers_to_who_wants_nothing_said(self, as_member: Client, member: User) -> None:
        actions.change_preferences(by=member, spoken="off")
        found = page(as_member.get("/agentos/"))
        assert "role" not in found.one("#spoken").attrs
        assert not found.has("#sentences")
        assert found.one("#status")["role"] == "status"  # what buttons say of themselves is no answer


class TestTheme:
    def test_of_the_button_is_kept(self, as_member: Client, member: User) -> None:
        actions.change_preferences(by=member, spoken="off")
        assert as_member.post(THEME, {"theme": "light"}).status_code == 204
        wants = preferences_of(member)
        assert (wants.theme, wants.spoken) == ("light", "off")

    @pytest.mark.parametrize("form", [{}, {"theme": "pink"}])
    def test_that_there_is_not_is_refused(self, as_member: Client, form: dict[str, str]) -> None:
        assert as_member.post(THEME, form).status_code == 422
        assert not Preferences.objects.exists()


class TestActions:
    def test_leave_a_record_of_what_changed_and_none_of_nothing(self, member: User) -> None:
        actions.change_preferences(by=member, theme="dark", enter_sends=True)
        actions.change_preferences(by=member, theme="dark")
        actions.change_name(name="Mika Member", by=member)
        actions.change_name(name="Mika", by=member)
        records = AuditRecord.objects.order_by("pk").values_list("verb", "data")
        assert list(records) == [("access.preferences.changed", {"theme": "dark"}), ("access.user.renamed", {})]

    def test_name_nobody_where_users_have_no_names(self, member: User, monkeypatch: pytest.MonkeyPatch, as_member: Client) -> None:
        monkeypatch.setattr("agentos.core.people.has_column", lambda name: False)
        with pytest.raises(actions.InvalidPreference):
            actions.change_name(name="Mika", by=member)

    @pytest.mark.parametrize("wrong", [{"theme": "pink"}, {"spoken": "loudly"}, {"language": "klingon"}, {"speed": 1000}])
    def test_name_the_field_that_is_wrong(self, member: User, wrong: dict[str, Any]) -> None:
        with pytest.raises(actions.InvalidPreference) as refused:
            actions.change_preferences(by=member, **wrong)
        assert refused.value.field in wrong


class TestApi:
    def test_says_who_one_is_and_what_one_wants(self, as_member: Client, member: User) -> None:
        wants = {"theme": None, "enter_sends": True, "spoken": "done"}
        expected = {"id": str(member.pk), "name": "Mika Member", "email": "member@example.com", "is_operator": False, "preferences": wants}
        assert as_member.get("/api/v1/agentos/me/").json() == expected
        actions.change_preferences(by=member, theme="light", spoken="sentences")
        changed = as_member.get("/api/v1/agentos/me/").json()["preferences"]
        assert changed == {"theme": "light", "enter_sends": True, "spoken": "sentences"}


def picture(size: tuple[int, int] = (300, 200), form: str = "PNG") -> SimpleUploadedFile:
    found = BytesIO()
    Image.new("RGB", size, "teal").save(found, form)
    return SimpleUploadedFile(f"me.{form.lower()}", found.getvalue())


class TestPicture:
    def test_takes_the_place_of_the_initials(self, as_member: Client, member: User) -> None:
        answer = as_member.post(PICTURE, {"picture": picture()}, follow=True)
        found = page(answer)
        assert "Saved." in found.text("#notices")
        shown = [tile["src"] for tile in found.all("img.tile")]
        assert shown == [f"{PICTURE}?v={preferences_of(member).picture_id}"] * 2
        sent = as_member.get(str(shown[0]))
        assert (sent.headers["Content-Type"], sent.headers["Cache-Control"]) == ("image/webp", "private, max-age=31536000, immutable")
        assert Image.open(BytesIO(sent.content)).size == (256, 256)

    def test_can_be_removed(self, as_member: Client, member: User) -> None:
        as_member.post(PICTURE, {"picture": picture()})
        found = page(as_member.post(PICTURE, {"remove": "1"}, follow=True))
        assert not found.has("img.tile")
        assert not found.has("[name=remove]")
        assert as_member.get(PICTURE).status_code == 404
        assert list(AuditRecord.objects.values_list("verb", flat=True)) == ["access.picture.removed", "access.picture.changed"]

    @pytest.mark.parametrize(
        ("given", "sentence"),
        [
            ({}, "Choose a picture first."),
            ({"picture": SimpleUploadedFile("me.png", b"<svg/>")}, "This file cannot be shown as a picture."),
            ({"picture": SimpleUploadedFile("me.png", b"x" * 1_100_000)}, "A picture has at most 1 MB."),
        ],
    )
    def test_what_cannot_be_shown_is_said_at_the_field(self, as_member: Client, member: User, given: Any, sentence: str) -> None:
        answer = as_member.post(PICTURE, given)
        assert answer.status_code == 422
        assert sentence in page(answer).text("#picture-error")
        assert preferences_of(member).picture_id == ""

    def test_is_seen_by_its_owner_alone(self, as_member: Client, as_stranger: Client, anonymous: Client) -> None:
        as_member.post(PICTURE, {"picture": picture()})
        assert as_stranger.get(PICTURE).status_code == 404
        assert anonymous.get(PICTURE).status_code == 302

    def test_is_not_read_by_pages_that_show_it(self, as_member: Client) -> None:
        as_member.post(PICTURE, {"picture": picture()})
        with CaptureQueriesContext(connection) as queries:
            as_member.get("/agentos/chats/")
        assert not [query for query in queries if '"picture",' in query["sql"]]

    def test_too_many_are_refused_in_words(self, as_member: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("agentos.dashboard.views.person.PICTURES_A_MINUTE", 1)
        as_member.post(PICTURE, {"picture": picture()})
        assert as_member.post(PICTURE, {"picture": picture()}).status_code == 429
