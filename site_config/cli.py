"""The command ``agentos``: the few words that a person needs, and Django's own commands behind ``agentos manage``."""

import os
import sys

import django
from django.core.management import ManagementUtility, execute_from_command_line

from agentos.core.starting.sentences import plainly

COMMANDS = {
    "serve": ("agentos_serve", "start the server (in an empty folder: a local installation with its data in .data)"),
    "worker": ("agentos_worker", "drive the runs of servers with AGENTOS_WORKERS=external, until it is told to stop"),
    "setup": ("agentos_setup", "make the first operator, for scripts: once, and again without harm"),
    "createoperator": ("agentos_createoperator", "make the account of somebody who runs the site"),
    "agents": (
        "agentos_agents",
        "write an agent into a file, or make a draft of one: agents export ID, agents import FILE; agents sync: those in code",
    ),
    "skills": (
        "agentos_skills",
        "bring skills, or write one into a zip: skills import PATH, skills export NAME; skills sync: those of AGENTOS_SKILLS",
    ),
    "chats": ("agentos_chats", "bring the chats of an export, or write one into a file: chats import FILE, chats export ID"),
    "models": ("agentos_models", "list the providers of models, and what is missing to use them"),
    "billing": ("agentos_billing", "compare what is paid with Stripe, and write what differs"),
    "demo": ("agentos_demo", "make demo accounts and agents"),
    "backup": ("agentos_backup", "write a backup into one file, while the server works"),
    "restore": ("agentos_restore", "put a backup back"),
    "move": ("agentos_move", "bring everything from SQLite to PostgreSQL"),
    "check": ("check", "say what is wrong with the settings"),
}
USAGE = "\n".join(
    [
        "usage: agentos COMMAND [options]",
        "",
        *(f"  {name:<16}{help_text}" for name, (_, help_text) in COMMANDS.items()),
        f"  {'manage':<16}any other command of Django's, for example: agentos manage migrate",
        "",
        "agentos COMMAND --help lists the options of a command.",
    ]
)
HELP = {"", "help", "-h", "--help"}
MISUSED = 2  # exit code
# What a production must name. Where none is named, this is somebody's own machine: settings.py then keeps the server on loopback.
NAMED_BY_PRODUCTION = {"AGENTOS_LOCAL", "SECRET_KEY", "SECRET_KEY_FILE", "ALLOWED_HOSTS", "ALLOWED_HOSTS_FILE"}


def main() -> None:
    """Run ``agentos``. Exits with 2 when there is no such command, with 1 when a setting is wrong."""
    name, *rest = sys.argv[1:] or [""]
    if name in HELP:
        print(USAGE)  # noqa: T201
        return
    if name != "manage" and name not in COMMANDS:
        print(f"agentos: there is no command {name!r}.\n\n{USAGE}", file=sys.stderr)  # noqa: T201
        sys.exit(MISUSED)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "site_config.settings")
    if not NAMED_BY_PRODUCTION & os.environ.keys():
        os.environ["AGENTOS_LOCAL"] = "1"
    with plainly():
        if name == "manage":
            execute_from_command_line(["agentos manage", *rest])
            return
        django.setup()
        command, _ = COMMANDS[name]
        migrate = ["--migrate"] if name in {"serve", "worker"} else []
        ManagementUtility().fetch_command(command).run_from_argv(["agentos", name, *migrate, *rest])
