"""Skills: instructions for one kind of work, in folders with a SKILL.md, which agents read when they need them."""
