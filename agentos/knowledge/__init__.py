"""Knowledge: documents in bases, of a person, a team or everyone, which agents search and name as their sources."""
