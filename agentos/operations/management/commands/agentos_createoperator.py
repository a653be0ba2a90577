"""`agentos createoperator EMAIL`: an account for somebody who runs the site."""

import getpass
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from agentos.conf import app_settings
from agentos.core.http.errors import Problem
from agentos.core.starting.refusal import CannotStart
from agentos.core.starting.sentences import said
from agentos.operations import actions
from agentos.operations.links import link


class Command(BaseCommand):
    help = "Makes an operator's account. Asks for the password, unless told otherwise."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email", metavar="EMAIL", help="what the operator signs in with")
        parser.add_argument("--name", default="", help="what others see")
        parser.add_argument("--team", default="", help="make a team of this name, which is the operator's")
        way = parser.add_mutually_exclusive_group()
        way.add_argument("--password-stdin", action="store_true", help="read the password from standard input")
        way.add_argument("--link", action="store_true", help="print a link by which the operator chooses the password, once, within a day")

    def handle(self, **options: Any) -> None:
        email, name = options["email"], options["name"]
        with said():
            try:
                if options["link"]:
                    self.stdout.write(link(actions.make_link(email=email, name=name, by=None), self.address()))
                    return
                password = sys.stdin.readline().rstrip("\r\n") if options["password_stdin"] else asked()
                user = actions.create_operator(email=email, name=name, password=password, team=options["team"], by=None)
            except Problem as problem:
                raise CannotStart(problem.sentence) from None
        self.stdout.write(f"{user.get_username()} is an operator now.")

    @staticmethod
    def address() -> str:
        host = "localhost" if app_settings.HOST == "127.0.0.1" else app_settings.HOST
        host = f"[{host}]" if ":" in host else host
        return f"http://{host}:{app_settings.PORT}"


def asked() -> str:
    """Ask at the terminal, twice. Raises CannotStart."""
    if not sys.stdin.isatty():
        raise CannotStart("There is no terminal to ask for the password at. Give it with --password-stdin, or use --link.")
    password = getpass.getpass("Password: ")
    if getpass.getpass("Password again: ") != password:
        raise CannotStart("The two passwords are not the same. Nothing was made.")
    return password
