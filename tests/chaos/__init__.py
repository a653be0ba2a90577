"""`make chaos`: a server of its own, people who use it, and a nemesis that kills, freezes and cuts. A checker reads what is
left and counts what must be zero: lost, duplicated, changed and stuck messages, tools that ran twice, words taken back."""
