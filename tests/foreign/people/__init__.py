"""The people of the foreign project, and which agents they may use."""
