"""`manage.py agentos_demo`: demo accounts, teams, plans and agents."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from agentos.agents import demo
from agentos.conf import app_settings


class Command(BaseCommand):
    help = "Makes demo data once and prints the demo accounts. Never touches what people have changed."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--force", action="store_true", help="make it in a production too (with a known password!)")

    def handle(self, **options: Any) -> None:
        if not app_settings.LOCAL and not options["force"]:
            msg = (
                "This is a production (AGENTOS_LOCAL is not set), and the demo accounts have a known password. Add --force if you mean it."
            )
            raise CommandError(msg)
        is_new = demo.make_demo()
        accounts = demo.accounts()
        if accounts:
            self.stdout.write("Demo accounts, made just now:" if is_new else "Demo accounts:")
        else:
            self.stdout.write("The demo accounts have been removed or suspended.")
        for account in accounts:
            password = account.password or "(the password was changed)"
            self.stdout.write(f"  {account.email:<22} {password}   {account.about}")
