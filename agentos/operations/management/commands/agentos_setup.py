"""`agentos setup EMAIL`: the first operator, for scripts. Running it again changes nothing."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from agentos.core.http.errors import Problem
from agentos.core.starting.refusal import CannotStart
from agentos.core.starting.sentences import said
from agentos.operations import actions

ELSE = "There are accounts already, and none of them is an operator with this address. agentos createoperator makes another operator."


class Command(BaseCommand):
    help = "Makes the first operator's account, and changes nothing when it is there. Reads the password from standard input."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email", metavar="EMAIL", help="what the operator signs in with")
        parser.add_argument("--name", default="", help="what others see")
        parser.add_argument("--team", default="", help="make a team of this name, which is the operator's")

    def handle(self, **options: Any) -> None:
        about = {key: options[key] for key in ("email", "name", "team")}
        with said():
            try:
                user, is_new = actions.set_up_by_script(**about, password=sys.stdin.readline().rstrip("\r\n"), by=None)
            except actions.LinkIsOver:
                raise CannotStart(ELSE) from None
            except Problem as problem:
                raise CannotStart(problem.sentence) from None
        done = "is an operator now" if is_new else "is an operator already: nothing was changed"
        self.stdout.write(f"{user.get_username()} {done}.")
