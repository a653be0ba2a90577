"""Accounts, teams, plans, subscriptions and tokens, as operators work with them. Signing in is the site's own page."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

from django import forms
from django.apps import apps
from django.contrib import admin, messages
from django.contrib.auth import get_user_model
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminUserCreationForm
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Count, Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.decorators import method_decorator

from agentos.access import actions
from agentos.access.forms import OperatorsTokenForm
from agentos.access.models import ApiToken, Customer, Membership, Plan, Subscription, Team, User
from agentos.access.queries import team_of_last_owner
from agentos.audit.admin import AuditedAdmin, ReadOnlyAdmin
from agentos.core import clock
from agentos.core.columns import column
from agentos.core.http.request import user_of
from agentos.core.people import searched


class AddUserForm(AdminUserCreationForm):
    class Meta:
        model = User
        fields = ("email", "name")


class PicksUser:
    """A page with a field for a user: with a search, where this project's admin has users that can be searched."""

    def get_autocomplete_fields(self, request: HttpRequest) -> tuple[str, ...]:
        found = tuple(super().get_autocomplete_fields(request))  # type: ignore[misc]  # of an admin class beside this one
        users = admin.site.get_model_admin(get_user_model()) if admin.site.is_registered(get_user_model()) else None
        return (*found, "user") if users and users.search_fields else found


class MembershipsOfUser(forms.BaseInlineFormSet):
    def clean(self) -> None:
        """No team loses its last owner by the page of a person either."""
        super().clean()
        for form in self.initial_forms:
            given = getattr(form, "cleaned_data", None)
            if given and (team := team_of_last_owner(form.instance.pk)) and not self._stays(given, team):
                msg = f"The team {team} needs at least one owner."
                raise forms.ValidationError(msg)

    @staticmethod
    def _stays(given: dict[str, Any], team: Team) -> bool:
        return not given.get("DELETE") and given.get("role") == Membership.Role.OWNER and given.get("team") == team


class MembershipOfUser(admin.TabularInline):
    model = Membership
    formset = MembershipsOfUser
    fields = ("team", "role")
    autocomplete_fields = ("team",)
    extra = 0


class TeamMembers(forms.BaseInlineFormSet):
    def clean(self) -> None:
        super().clean()
        kept = [form.cleaned_data for form in self.forms if getattr(form, "cleaned_data", None) and not form.cleaned_data.get("DELETE")]
        if kept and not any(row.get("role") == Membership.Role.OWNER for row in kept):
            msg = "A team needs at least one owner."
            raise forms.ValidationError(msg)


class MembershipOfTeam(PicksUser, admin.TabularInline):
    model = Membership
    formset = TeamMembers
    fields = ("user", "role")
    extra = 0


class SubscriptionOfCustomer(admin.TabularInline):
    model = Subscription
    fields = ("plan", "status", "current_period_end")
    extra = 0


@admin.register(User)
class UserAdmin(AuditedAdmin, DjangoUserAdmin):
    audit_type = "user"
    add_form = AddUserForm
    list_display = (column("email"), column("name"), "teams", "is_active", "is_staff", "last_login")
    list_filter = ("is_active", "is_staff", "memberships__team")
    search_fields = ("email", "name")
    ordering = ("email",)
    readonly_fields = ("is_active", "last_login", "date_joined")
    actions = ("suspend", "reinstate")
    inlines = (MembershipOfUser,)
    fieldsets = (
        (None, {"fields": ("email", "name", "password")}),
        (
            "Account",
            {"fields": ("is_active", "last_login", "date_joined"), "description": "Suspend and reinstate are actions of the list."},
        ),
        ("Operator", {"fields": ("is_staff", "is_superuser", "groups", "user_permissions"), "classes": ("collapse",)}),
    )
    add_fieldsets = ((None, {"classes": ("wide",), "fields": ("email", "name", "usable_password", "password1", "password2")}),)
    user_change_password = method_decorator(transaction.atomic)(DjangoUserAdmin.user_change_password)

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return super().get_queryset(request).prefetch_related("memberships__team")

    def get_inlines(self, request: HttpRequest, obj: Model | None) -> Any:
        return self.inlines if obj else ()

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:
        """Leave to superusers what would make anybody a superuser."""
        powers = () if is_superuser(request) else ("is_staff", "is_superuser", "groups", "user_permissions")
        return (*self.readonly_fields, *powers)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        above = isinstance(obj, User) and obj.is_superuser and not is_superuser(request)
        return not above and super().has_change_permission(request, obj)

    @admin.display(description="teams")
    def teams(self, obj: User) -> str:
        return ", ".join(str(membership.team) for membership in obj.memberships.all())

    @admin.action(description="Suspend the selected users (signs them out)", permissions=["change"])
    def suspend(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        self.each(request, queryset.filter(is_active=True), actions.suspend_user)

    @admin.action(description="Reinstate the selected users", permissions=["change"])
    def reinstate(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        self.each(request, queryset.filter(is_active=False), actions.reinstate_user)

    def each(self, request: HttpRequest, users: QuerySet[User], act: Callable[..., User]) -> None:
        done = []
        for user in users:
            if not self.has_change_permission(request, user):
                continue
            try:
                done.append(str(act(user=user, by=user_of(request))))
            except actions.AccessError as error:
                self.message_user(request, str(error), messages.ERROR)
        self.message_user(request, f"Changed: {', '.join(done) or 'nobody'}.")


def is_superuser(request: HttpRequest) -> bool:
    return user_of(request).is_superuser


@admin.register(Team)
class TeamAdmin(AuditedAdmin):
    audit_type = "team"
    list_display = (column("name"), "people", "created_at")
    search_fields = ("name",)
    inlines = (MembershipOfTeam,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Team]:
        return super().get_queryset(request).annotate(people=Count("members")).order_by("name")

    @admin.display(description="members", ordering="people")
    def people(self, obj: Any) -> int:
        number: int = obj.people
        return number


@admin.register(Plan)
class PlanAdmin(AuditedAdmin):
    audit_type = "plan"
    list_display = (column("name"), column("description"), "runs_a_day", "tokens_a_month", "concurrent_runs", "running", "created_at")
    search_fields = ("name",)
    fieldsets = (
        (None, {"fields": ("name", "description", "price_text")}),
        ("Quotas", {"fields": ("runs_a_day", "tokens_a_month", "concurrent_runs", "files_mb"), "description": "Of one subscriber."}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Plan]:
        opens = Q(subscriptions__status=Subscription.Status.ACTIVE) & (
            Q(subscriptions__current_period_end__isnull=True) | Q(subscriptions__current_period_end__gt=clock.now())
        )
        return super().get_queryset(request).annotate(running=Count("subscriptions", filter=opens)).order_by("name")

    @admin.display(description="running subscriptions", ordering="running")
    def running(self, obj: Any) -> int:
        number: int = obj.running
        return number


@admin.register(Customer)
class CustomerAdmin(PicksUser, AuditedAdmin):
    audit_type = "customer"
    list_display = ("holder", "plans", "created_at")
    list_select_related = ("user", "team")
    search_fields = (*searched("user__"), "team__name")
    inlines = (SubscriptionOfCustomer,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Customer]:
        return super().get_queryset(request).prefetch_related("subscriptions__plan")

    @admin.display(description="customer", ordering="user")
    def holder(self, obj: Customer) -> str:
        return str(obj)

    @admin.display(description="plans")
    def plans(self, obj: Customer) -> str:
        return ", ".join(f"{one.plan} ({one.get_status_display().lower()})" for one in obj.subscriptions.all())


@admin.register(Subscription)
class SubscriptionAdmin(AuditedAdmin):
    audit_type = "subscription"
    list_display = ("customer", "plan", "status", "current_period_end", "source", "created_at")
    list_filter = ("status", "plan")
    list_select_related = ("customer__user", "customer__team", "plan")
    search_fields = (*searched("customer__user__"), "customer__team__name", "plan__name")
    autocomplete_fields = ("customer", "plan")
    actions = ("cancel",)

    @admin.action(description="Cancel the selected subscriptions", permissions=["change"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[Subscription]) -> None:
        for subscription in queryset.filter(status=Subscription.Status.ACTIVE, source=""):
            actions.cancel_subscription(subscription=subscription, by=user_of(request))


@admin.register(ApiToken)
class ApiTokenAdmin(ReadOnlyAdmin):
    """Who has which, and an end to it. Its text is nowhere; its digest is nobody's business."""

    list_display = (column("name"), "user", "hint", "may", "created_at", "expires_at", "last_used_at", "status")
    list_filter = ("created_at", "expires_at", "revoked_at")
    list_select_related = ("user",)
    search_fields = (*searched("user__"), "hint", "name")
    search_help_text = "An owner, a name, or the first or last characters of a token."
    fields = ("name", "user", "hint", "may", "created_at", "expires_at", "last_used_at", "status", "revoked_at", "revoked_by")
    actions = ("revoke",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[ApiToken]:
        return super().get_queryset(request).defer("digest")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(user_of(request).has_perm("access.add_apitoken"))

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Make a token and show its text, in the answer itself: it is kept nowhere."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = OperatorsTokenForm(request.POST or None, operator=user_of(request))
        secret = self._made(request, form) if form.is_valid() else ""
        context = {**self.admin_site.each_context(request), "title": "Add API token", "opts": self.opts, "form": form, "secret": secret}
        return TemplateResponse(request, "admin/access/apitoken/add_form.html", context)

    def _made(self, request: HttpRequest, form: OperatorsTokenForm) -> str:
        """Return the token's text; empty when it was refused, which the form then says."""
        chosen = form.cleaned_data
        try:
            _, secret = actions.create_token(
                by=user_of(request), owner=chosen["user"], name=chosen["name"], scopes=chosen["scopes"], days=chosen["days"]
            )
        except actions.InvalidToken as error:
            form.add_error(error.field if error.field in form.fields else None, str(error))
            return ""
        return secret

    @admin.display(description="may")
    def may(self, obj: ApiToken) -> str:
        return ", ".join(obj.scopes)

    @admin.display(description="state")
    def status(self, obj: ApiToken) -> str:
        return obj.state

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return bool(user_of(request).has_perm("access.change_apitoken"))

    @admin.action(description="Revoke the selected tokens", permissions=["revoke"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiToken]) -> None:
        for token in queryset.filter(revoked_at__isnull=True):
            actions.revoke_token(by=user_of(request), token=token)
        self.message_user(request, "Revoked: programs that use them are refused from now on.")


if apps.is_installed("axes"):
    import_module("agentos.access.lockout_admin")
