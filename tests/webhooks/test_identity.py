"""The service identity: a user whose rights runs have, and whom nobody can be."""

from typing import Any

import pytest
from django.contrib.auth import authenticate
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.urls import reverse

from agentos.access.models import Team, User
from agentos.agents.models import DjangoAgent
from agentos.agents.queries import agents_for
from agentos.webhooks.inbound import actions
from agentos.webhooks.inbound.models import WebhookEndpoint

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse battery"


@pytest.fixture
def endpoint(team_agent: DjangoAgent, support: Team, operator: User) -> WebhookEndpoint:
    return actions.create_endpoint(name="Helpdesk", agent=team_agent, teams=[support], by=operator)


class TestAServiceIdentity:
    def test_may_what_its_teams_may(self, endpoint: WebhookEndpoint, team_agent: DjangoAgent, other_team_agent: DjangoAgent) -> None:
        assert list(agents_for(endpoint.identity)) == [team_agent]

    def test_has_no_password_and_no_address(self, endpoint: WebhookEndpoint) -> None:
        assert not endpoint.identity.has_usable_password()
        assert endpoint.identity.email == f"{endpoint.endpoint_id}@service.invalid"
        assert not endpoint.identity.is_staff

    @pytest.mark.parametrize("email", ["", "somebody@example.com"])
    def test_cannot_be_given_a_password_or_staff_rights(self, endpoint: WebhookEndpoint, email: str) -> None:
        identity = User.objects.get(pk=endpoint.identity_id)
        identity.email = email or identity.email
        identity.is_staff = identity.is_superuser = True
        identity.set_password(PASSWORD)
        identity.save()
        stored = User.objects.get(pk=identity.pk)
        assert (stored.has_usable_password(), stored.is_staff, stored.is_superuser) == (False, False, False)
        assert authenticate(None, username=stored.email, password=PASSWORD) is None

    def test_cannot_be_given_them_one_at_a_time(self, endpoint: WebhookEndpoint) -> None:
        identity = User.objects.get(pk=endpoint.identity_id)
        for field in ("is_staff", "is_superuser"):
            setattr(identity, field, True)
            identity.save(update_fields=[field])
        identity.set_password(PASSWORD)
        identity.save(update_fields=["password"])
        stored = User.objects.get(pk=identity.pk)
        assert (stored.has_usable_password(), stored.is_staff, stored.is_superuser) == (False, False, False)

    @pytest.mark.parametrize("password", ["", "!", PASSWORD])
    def test_cannot_sign_in(self, endpoint: WebhookEndpoint, password: str) -> None:
        client = Client()
        client.post(reverse("access:sign-in"), {"email": endpoint.identity.email, "password": password})
        assert "_auth_user_id" not in client.session

    def test_cannot_be_signed_in_by_other_means(self, endpoint: WebhookEndpoint) -> None:
        client = Client()
        with pytest.raises(PermissionDenied):
            client.force_login(endpoint.identity)
        assert client.get("/agentos/").status_code == 302

    def test_is_not_asked_for_where_a_save_cannot_make_anybody_sign_in(self, owner: User, django_assert_num_queries: Any) -> None:
        """A sign-in writes its own time only, and somebody without a password stays without one."""
        with django_assert_num_queries(1):
            owner.save(update_fields=["last_login"])
        owner.set_unusable_password()
        with django_assert_num_queries(1):
            owner.save(update_fields=["password"])

    def test_leaves_people_alone(self, owner: User) -> None:
        owner.set_password(PASSWORD)
        owner.save()
        assert authenticate(None, username=owner.email, password=PASSWORD) == owner
