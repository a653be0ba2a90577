"""The skills in the workshop: where operators, and owners and admins of a team, write down how work is done."""
