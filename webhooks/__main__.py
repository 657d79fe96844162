"""`python -m webhooks`: the same as `amends`."""

from webhooks.cli import main

main()
