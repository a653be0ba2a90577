"""What was paid, as operators look it up. Prices are added on the page *Plans*; all else is Stripe's word."""

from django.contrib import admin

from agentos.audit.admin import ReadOnlyAdmin
from agentos.billing.models import Event, Paid, Payer, Price, Reading
from agentos.core.people import searched


@admin.register(Price)
class PriceAdmin(ReadOnlyAdmin):
    list_display = ("stripe_id", "plan", "amount", "currency", "interval", "per_seat", "trial_days", "is_offered")
    list_filter = ("plan", "is_offered")
    list_select_related = ("plan",)
    search_fields = ("stripe_id", "plan__name")


@admin.register(Payer)
class PayerAdmin(ReadOnlyAdmin):
    list_display = ("customer", "stripe_id", "created_at")
    list_select_related = ("customer__user", "customer__team")
    search_fields = (*searched("customer__user__"), "customer__team__name", "stripe_id")


@admin.register(Paid)
class PaidAdmin(ReadOnlyAdmin):
    list_display = ("stripe_id", "payer", "plan", "status", "quantity", "period_end", "ends_at", "opens_until", "read_at")
    list_filter = ("status", "plan")
    list_select_related = ("payer__customer__user", "payer__customer__team", "plan")
    search_fields = ("stripe_id", "payer__stripe_id", *searched("payer__customer__user__"), "payer__customer__team__name")


@admin.register(Event)
class EventAdmin(ReadOnlyAdmin):
    list_display = ("kind", "subscription", "received_at", "stripe_id")
    list_filter = ("kind", "received_at")
    search_fields = ("stripe_id", "subscription")


@admin.register(Reading)
class ReadingAdmin(ReadOnlyAdmin):
    list_display = ("stripe_id", "due_at", "tries", "is_to_end", "taken_until")
    search_fields = ("stripe_id",)
