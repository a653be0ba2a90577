"""The workshop: where operators, and owners and admins of a team, make agents."""
