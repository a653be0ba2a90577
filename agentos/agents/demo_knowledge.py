"""The knowledge of the demo: the handbook of a library of things, which its scripted librarian is asked about."""

import re

from agentos.access.users import User
from agentos.core.people import is_operator
from agentos.knowledge import actions
from agentos.knowledge.models import Base

NAME = "Library of things"
DESCRIPTION = "The handbook of a library that lends tools, tents and instruments: opening hours, what is lent for how long, fees, damage."
TITLE = "Handbook of the library of things"

UNWRAPPED = re.compile(r"(?<=[^|\n])\n(?=[^#|\n])")  # line ends within a paragraph

HANDBOOK = """\
# Handbook of the library of things

This handbook belongs to the demo. The library lends what people need rarely and have no room for.

## Opening hours

The library is open on Tuesdays and Thursdays from 15:00 to 19:00, and on Saturdays from 10:00 to 14:00. It stays closed in the first two
weeks of August. Things can be brought back at any time through the hatch beside the door, as long as they fit: the hatch takes parcels of
up to 60 by 40 centimetres. What was brought back through the hatch counts as returned on the next day that the library is open.

## Becoming a member

Anybody older than sixteen can become a member. A membership costs 24 euros a year, and 12 euros for students and for people without work.
Bring something that shows your address. The card is made at once. A lost card is replaced for 3 euros.

## What is lent, and for how long

| Kind | How long | Deposit |
| --- | --- | --- |
| Hand tools | 14 days | none |
| Power tools | 7 days | 30 euros |
| Tents and camping stoves | 21 days | 40 euros |
| Musical instruments | 28 days | 80 euros |
| Projector and screen | 3 days | 100 euros |

A member may have five things at a time, of these two with a deposit. Loans are renewed once, by telephone or at the counter, unless
somebody else waits for the thing. The projector is never renewed.

### Reserving

Up to three things can be reserved. A reserved thing is kept for you until the end of the second day that the library is open after you
were told. The telephone is answered during opening hours only.

## When something is late

From the day after the last day a thing costs 50 cents a day, power tools 2 euros a day, and the projector 10 euros a day. Nobody pays more
than the deposit of the thing, or 15 euros where there is none. Who owes more than 20 euros borrows nothing until it is paid.

## Damage and wear

Wear is no damage: blades become dull, ropes fray, strings break. Tell us, and nothing is to be paid. A drill bit that broke is replaced by
the one who broke it, or costs 4 euros. For what is lost the price of a used one is paid, and the deposit is counted towards it. Never
repair electrical things yourself: a plug that was changed at home cannot be lent any more.

## Safety

Chainsaws are lent only to members who have shown the certificate of a course. Helmet and trousers come along and have to be worn.
Camping stoves are filled outdoors. Ladders are not lent in winds above six Beaufort, which is looked up at the counter.

## The workshop

On the first Saturday of each month, from 10:00 to 13:00, volunteers help to mend what broke at home: lamps, bicycles, clothes. It costs
nothing; a box for donations stands by the kettle. Microwave ovens are not opened, since they can kill even when they are unplugged.

## Giving things to the library

We take tools and instruments that work, and tents without holes. We take no furniture, no clothes, and nothing with an engine that burns
fuel, except chainsaws. What we cannot use we pass on to the repair café in the next street.
"""


def make_knowledge(by: User) -> None:
    """Make the base, unless there is one of this name, or ``by`` may make none. It is indexed once a server runs."""
    if is_operator(by) and not Base.objects.filter(name=NAME, owner=None, team=None).exists():
        base = actions.create_base(name=NAME, description=DESCRIPTION, scope=actions.EVERYONE, by=by)
        actions.add_text(base=base, title=TITLE, text=UNWRAPPED.sub(" ", HANDBOOK), by=by)
