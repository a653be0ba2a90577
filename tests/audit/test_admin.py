"""Every page of the admin, of every room: it opens, it carries no script of its own, it does not slow down with its rows."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from django.contrib import admin
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from agentos.accounts.models import GroupRole, Provider
from agentos.agents.models import OwnPrice
from agentos.audit.admin import changes
from agentos.audit.models import AuditRecord
from agentos.chat.usage_models import Budget, MonthlyUsage, Usage
from agentos.connections.models import OAuthClient, SignIn
from agentos.core.http.middleware import HEADERS
from agentos.files.models import Attachment, Blob
from agentos.knowledge.models import Document
from agentos.skills.models import SkillVersion
from tests import factories
from tests.html import Page, page


def used() -> dict[str, Any]:
    return {"user": factories.UserFactory(), "agent": factories.AgentFactory(), "day": date(2026, 5, 1), "model": "scripted:5x0"}


FACTORIES: dict[str, Callable[[], Any]] = {
    "access_user": lambda: factories.MembershipFactory().user,
    "access_team": lambda: factories.MembershipFactory().team,
    "access_plan": lambda: factories.SubscriptionFactory().plan,
    "access_customer": lambda: factories.SubscriptionFactory().customer,
    "access_subscription": factories.SubscriptionFactory,
    "access_apitoken": factories.ApiTokenFactory,
    "billing_price": factories.PriceFactory,
    "billing_payer": factories.PayerFactory,
    "billing_paid": factories.PaidFactory,
    "billing_event": factories.StripeEventFactory,
    "billing_reading": factories.ReadingFactory,
    "axes_accessattempt": factories.AccessAttemptFactory,
    "agents_djangoagent": lambda: factories.AgentFactory(team=factories.TeamFactory(), plans=[factories.PlanFactory()], tools=["clock"]),
    "agents_ownprice": lambda: OwnPrice.objects.create(model=f"openai:made-up-{OwnPrice.objects.count()}", read=1, written=2),
    "connections_server": factories.RemoteServerFactory,
    "connections_remotetool": factories.RemoteToolFactory,
    "connections_grant": factories.GrantFactory,
    "connections_oauthclient": lambda: OAuthClient.objects.create(server=factories.RemoteServerFactory(), issuer="https://example.com"),
    "connections_signin": lambda: SignIn.objects.create(server=factories.RemoteServerFactory(), user=factories.UserFactory()),
    "files_blob": lambda: Blob.objects.create(owner=factories.UserFactory(), sha256="0" * 64, size=3, mime="text/plain", kind="text"),
    "files_attachment": lambda: Attachment.objects.create(owner=factories.UserFactory(), blob=FACTORIES["files_blob"](), name="a.txt"),
    "knowledge_base": factories.BaseFactory,
    "knowledge_document": lambda: Document.objects.create(base=factories.BaseFactory(), title="Handbook", source="text"),
    "accounts_provider": lambda: Provider.objects.create(
        slug=f"example-{Provider.objects.count()}", name="Example", server_url="https://id.example.com"
    ),
    "accounts_grouprole": lambda: GroupRole.objects.create(provider="example", group="support", team=factories.TeamFactory()),
    "account_emailaddress": lambda: EmailAddress.objects.get(user=factories.UserFactory()),
    "socialaccount_socialaccount": lambda: SocialAccount.objects.create(
        user=factories.UserFactory(), uid=str(SocialAccount.objects.count())
    ),
    "chat_chatsession": lambda: factories.RunFactory().session,
    "chat_feedback": factories.FeedbackFactory,
    "chat_run": factories.RunFactory,
    "chat_usage": lambda: Usage.objects.create(**used()),
    "chat_monthlyusage": lambda: MonthlyUsage.objects.create(**used()),
    "chat_budget": lambda: Budget.objects.create(
        of="person", key=f"person:{(user := factories.UserFactory()).pk}", user=user, micro_a_month=1
    ),
    "webhooks_webhookendpoint": factories.WebhookEndpointFactory,
    "webhooks_webhookevent": factories.WebhookEventFactory,
    "webhooks_outgoing_endpoint": factories.HookFactory,
    "webhooks_outgoing_delivery": factories.DeliveryFactory,
    "skills_skill": factories.SkillFactory,
    "skills_skillversion": lambda: SkillVersion.objects.create(skill=factories.SkillFactory(), number=2, text="# Be brief"),
    "audit_auditrecord": factories.AuditRecordFactory,
}
READ_ONLY = {
    "agents_ownprice",
    "chat_usage",
    "chat_monthlyusage",
    "chat_budget",
    "billing_price",
    "billing_payer",
    "billing_paid",
    "billing_event",
    "billing_reading",
    "connections_server",
    "connections_remotetool",
    "connections_grant",
    "connections_oauthclient",
    "connections_signin",
    "files_blob",
    "files_attachment",
    "knowledge_base",
    "knowledge_document",
    "access_apitoken",
    "axes_accessattempt",
    "chat_chatsession",
    "chat_feedback",
    "chat_run",
    "webhooks_webhookendpoint",
    "webhooks_webhookevent",
    "webhooks_outgoing_endpoint",
    "webhooks_outgoing_delivery",
    "skills_skill",
    "skills_skillversion",
    "audit_auditrecord",
}
MADE_HERE = {"access_apitoken"}  # by a form of its own: tests/access/test_admin.py
GOES_FROM_HERE = {"webhooks_webhookendpoint"}  # by the action of its page
pytestmark = pytest.mark.usefixtures("operator")


def is_clean(html: Page) -> bool:
    """Say whether the browser would run and paint all of it under ``script-src 'self'; style-src 'self'``."""
    inline = [tag for tag in html.all("script") if not tag.get("src") and tag.get("type") != "application/json"]
    handlers = [tag for tag in html.all("*") if any(name.startswith("on") for name in tag.attrs)]
    return not (inline or handlers or html.all("style, [style]"))


class TestEveryAdmin:
    def test_has_a_row_here(self) -> None:
        ours = {f"{model._meta.app_label}_{model._meta.model_name}" for model in admin.site._registry}
        assert ours - {"auth_group"} == set(FACTORIES)

    @pytest.mark.parametrize("name", FACTORIES)
    def test_opens_its_pages(self, name: str, as_operator: Client) -> None:
        obj = FACTORIES[name]()
        urls = [reverse(f"admin:{name}_changelist"), reverse(f"admin:{name}_change", args=(obj.pk,))]
        if name not in READ_ONLY:
            urls += [reverse(f"admin:{name}_add"), reverse(f"admin:{name}_delete", args=(obj.pk,))]
        for url in urls:
            response = as_operator.get(url)
            assert response.status_code == 200, url
            assert is_clean(page(response)), url
            assert response["Content-Security-Policy"] == HEADERS["Content-Security-Policy"]

    @pytest.mark.parametrize("name", FACTORIES)
    def test_finds_by_text(self, name: str, as_operator: Client) -> None:
        FACTORIES[name]()
        response = as_operator.get(reverse(f"admin:{name}_changelist"), {"q": "nothing-is-called-this"})
        assert response.status_code == 200
        assert page(response).has("#changelist-search")
        assert not page(response).has("#result_list")

    @pytest.mark.parametrize("name", FACTORIES)
    def test_lists_thirty_rows_at_the_price_of_three(self, name: str, as_operator: Client) -> None:
        def queries() -> int:
            with CaptureQueriesContext(connection) as captured:
                assert as_operator.get(reverse(f"admin:{name}_changelist")).status_code == 200
            return len(captured)

        ContentType.objects.clear_cache()
        for _ in range(3):
            FACTORIES[name]()
        queries()
        few = queries()
        for _ in range(27):
            FACTORIES[name]()
        assert queries() == few

    @pytest.mark.parametrize("name", sorted(READ_ONLY))
    def test_shows_what_happened_without_a_way_to_change_it(self, name: str, as_operator: Client) -> None:
        obj = FACTORIES[name]()
        assert name in MADE_HERE or as_operator.get(reverse(f"admin:{name}_add")).status_code == 403
        may_go = as_operator.get(reverse(f"admin:{name}_delete", args=(obj.pk,))).status_code == 200
        assert may_go == (name in GOES_FROM_HERE)
        assert not page(as_operator.get(reverse(f"admin:{name}_change", args=(obj.pk,)))).has("[name=_save]")

    @pytest.mark.parametrize("name", FACTORIES)
    def test_is_for_operators_only(self, name: str, as_owner: Client, anonymous: Client) -> None:
        url = reverse(f"admin:{name}_changelist")
        assert as_owner.get(url, follow=True).status_code == 403
        assert page(anonymous.get(url, follow=True)).has("#sign-in")


class TestSignInToTheAdmin:
    def test_comes_back_to_the_page(self, anonymous: Client) -> None:
        start = anonymous.get("/admin/access/team/", follow=True)
        credentials = {
            "email": "operator@example.com",
            "password": factories.PASSWORD,
            "next": page(start).one("#sign-in [name=next]")["value"],
        }
        response = anonymous.post("/sign-in/", credentials, follow=True)
        assert response.request["PATH_INFO"] in {"/admin/access/team/", "/admin/"}
        assert response.status_code == 200


class TestAuditRecordAdmin:
    def test_shows_what_changed(self, as_operator: Client) -> None:
        factories.AuditRecordFactory(verb="access.team.changed", object_id="7", data={"fields": ["Name", "Rows"], "role": "member"})
        html = page(as_operator.get("/admin/audit/auditrecord/?q=access.team"))
        assert html.texts(".field-details") == ["fields: Name, Rows; role: member"]


class TestAuditedAdmin:
    def test_records_a_new_row_a_change_and_a_deletion(self, as_operator: Client, operator: Any) -> None:
        as_operator.post("/admin/access/plan/add/", {"name": "Gold", "description": ""})
        made = AuditRecord.objects.get(verb="access.plan.created")
        as_operator.post(f"/admin/access/plan/{made.object_id}/change/", {"name": "Silver", "description": ""})
        changed = AuditRecord.objects.get(verb="access.plan.changed")
        assert (changed.actor, changed.object_type, changed.object_id, changed.data) == (
            operator,
            "plan",
            made.object_id,
            {"fields": ["Name"]},
        )
        as_operator.post(f"/admin/access/plan/{made.object_id}/delete/", {"post": "yes"})
        assert AuditRecord.objects.get(verb="access.plan.deleted").data == {"name": "Silver"}

    def test_records_each_of_many_deletions(self, as_operator: Client) -> None:
        plans = [factories.PlanFactory(), factories.PlanFactory()]
        chosen = {"action": "delete_selected", "_selected_action": [plan.pk for plan in plans], "post": "yes"}
        as_operator.post("/admin/access/plan/", chosen)
        assert AuditRecord.objects.filter(verb="access.plan.deleted").count() == 2

    def test_keeps_rows_whose_deletion_cannot_be_recorded(self, as_operator: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        plan = factories.PlanFactory()
        model_admin = admin.site._registry[type(plan)]

        def fail(*args: Any) -> None:
            raise OSError

        monkeypatch.setattr(type(model_admin), "delete_queryset", fail)
        with pytest.raises(OSError):
            as_operator.post("/admin/access/plan/", {"action": "delete_selected", "_selected_action": [plan.pk], "post": "yes"})
        assert not AuditRecord.objects.filter(verb="access.plan.deleted").exists()

    def test_records_nothing_when_nothing_changed(self, as_operator: Client) -> None:
        plan = factories.PlanFactory(name="Gold")
        as_operator.post(f"/admin/access/plan/{plan.pk}/change/", {"name": "Gold", "description": ""})
        assert not AuditRecord.objects.exists()

    def test_has_the_audit_for_a_history(self, as_operator: Client) -> None:
        plan = factories.PlanFactory()
        factories.AuditRecordFactory(verb="access.plan.created", object_type="plan", object_id=str(plan.pk))
        factories.AuditRecordFactory(verb="access.plan.created", object_type="plan", object_id="other")
        html = page(as_operator.get(f"/admin/access/plan/{plan.pk}/history/", follow=True))
        assert html.texts(".field-object_id") == [str(plan.pk)]


class TestChanges:
    def test_names_fields_and_rows_but_no_values(self) -> None:
        message = [
            {"changed": {"fields": ["Name"]}},
            {"added": {"name": "membership", "object": "secret"}},
            {"changed": {"name": "membership", "object": "secret", "fields": ["Role"]}},
        ]
        assert changes(message) == {"fields": ["Name"], "rows": ["membership added", "membership changed"]}
