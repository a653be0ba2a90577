"""Small faults on purpose, to see whether the tests notice: `make mutants`. It never runs with `make test`.

Neither mutmut (passes over decorated functions, which our actions are, and draws no sample) nor cosmic-ray (writes into the checkout,
and runs every test for each fault) fits, so this is a tool of our own on top of coverage.
"""
