"""Running the tests of an agent: rounds that are started and stopped, and what drives them."""
