"""``python -m tests.npm`` installs them."""

from tests.npm import main

main()
