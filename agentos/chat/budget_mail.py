"""Tells people that a budget is nearly used up, and when it is: by a notice in their open pages, and by a mail unless they want none.

Looked at when an answer has ended, once that is committed: whatever goes wrong here, the answer is kept, and the next one looks again. A
row says what was told, so it is told once, whichever server ends the answer.
"""

from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import QuerySet
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _

from agentos.access import outbox, queries
from agentos.access.users import User
from agentos.agents.models import DjangoAgent
from agentos.chat import budgets
from agentos.chat.usage_models import Budget, BudgetTold
from agentos.core import mail, notices
from agentos.core.people import address_of, name_of
from agentos.core.security.invisible import visible

USED_UP = 100  # percent

TEXT = """Hello {person},

{sentence} {used} of {limit} are spent. {then}

{link}

This mail comes once a month at 80 percent, and once when a budget is used up. You can turn such mails off under Settings, You.
"""


def look(user_pk: int, agent_pk: int) -> None:
    """Tell of the budgets that an answer of this agent for this user counts for. No query while there is no budget."""
    if not budgets.has_some():
        return
    with transaction.atomic():
        _look(User.objects.get(pk=user_pk), DjangoAgent.objects.only("pk", "team").select_related("team").get(pk=agent_pk))


def _look(by: User, agent: DjangoAgent) -> None:
    for spent in budgets.counting_for(by, agent):
        percent = spent.micro * 100 // spent.limit if spent.limit else USED_UP
        level = USED_UP if percent >= USED_UP else budgets.SCARCE if percent >= budgets.SCARCE else 0
        if level and _is_first(spent, by, level):
            _tell(spent, by, agent, level)


def _is_first(spent: budgets.Spent, by: User, level: int) -> bool:
    """Also of a larger budget that takes the place of one that people were told of."""
    whose = f"{by.pk}:" if spent.budget.of == Budget.Of.EACH else ""
    key = f"{spent.budget.key}:{whose}{budgets.month():%Y-%m}:{spent.limit}:{level}"
    return BudgetTold.objects.get_or_create(key=key, defaults={"budget": spent.budget})[1]


def _tell(spent: budgets.Spent, by: User, agent: DjangoAgent, level: int) -> None:
    sentence = _sentence(spent, level)
    people = _who(spent.budget, by, agent)
    wanting = queries.wanting_budget_mails(people)
    for person in people.order_by("pk"):
        notices.send(person.pk, sentence)
        if person.pk in wanting and address_of(person):
            _post(spent, person, sentence, level)


def _sentence(spent: budgets.Spent, level: int) -> str:
    agent = spent.budget.agent
    said = {"whose": _("The budget of the agent %(agent)s") % {"agent": agent} if agent else spent.whose}
    if level == USED_UP:
        return _("%(whose)s for this month is used up.") % said
    return _("%(whose)s for this month is nearly used up.") % said


def _who(budget: Budget, by: User, agent: DjangoAgent) -> QuerySet[User]:
    """Those whose it is: the person, who looks after the team or the agent, or who runs the site."""
    if budget.of in {Budget.Of.PERSON, Budget.Of.EACH}:
        return User.objects.filter(pk=by.pk, is_active=True)
    team = budget.team if budget.of == Budget.Of.TEAM else agent.team if budget.of == Budget.Of.AGENT else None
    return queries.managers_of(team) if team else queries.operators()


def _post(spent: budgets.Spent, person: User, sentence: str, level: int) -> None:
    try:
        link = mail.site() + _page(spent.budget)
    except NoReverseMatch:  # in a project without our pages
        return
    if level < USED_UP or not spent.budget.is_hard:
        then = "Answers go on." if not spent.budget.is_hard else "Once it is used up, no answer begins until the first of the next month."
    else:
        then = "No answer begins until the first of the next month, unless there is more."
    text = TEXT.format(person=visible(name_of(person)), sentence=sentence, then=then, link=link, **spent.amounts)
    outbox.post(EmailMessage(" ".join(sentence.split()).rstrip("."), text, to=[address_of(person)]), what="a budget is scarce")


def _page(budget: Budget) -> str:
    if budget.of == Budget.Of.TEAM:
        return reverse("dashboard:team-usage", args=[budget.team_id])
    return reverse("dashboard:all-usage" if budget.of == Budget.Of.SITE else "dashboard:usage")
