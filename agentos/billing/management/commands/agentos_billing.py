"""`agentos billing`: compare everything with Stripe now, and read what differs, as every server does once a day."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from agentos.billing import comparing, remote, waiting
from agentos.billing.models import Reading
from agentos.billing.problems import BillingProblem


class Command(BaseCommand):
    help = "Compare all subscriptions with Stripe, and write what it says of those that differ."

    def handle(self, **_options: Any) -> None:
        if not remote.is_on():
            raise CommandError("AGENTOS_STRIPE_KEY is not set: no plan is paid for here.")
        try:
            found = comparing.compare()
        except BillingProblem as problem:
            raise CommandError(problem.sentence) from None
        waiting.read_due()
        self.stdout.write(f"Compared: {found.compared}. Different: {found.different}. Of customers that nobody here is: {found.foreign}.")
        if left := Reading.objects.count():
            raise CommandError(f"{left} could not be read now; they are tried again while the server runs.")
