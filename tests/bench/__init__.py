"""`make bench`: our chat against Agno's own AgentOS server, the same scripted model, the same machine, alternating in one run.

It prints ratios; the absolute numbers belong to the machine. Nothing here is a test: timings never decide whether a build is green.
"""
