"""Hosts in memory for the simulator: virtual time, runners in lock-step, hostile hosts.

Written from `core.ports` alone. A host here is two things kept apart: its own books, which only the
host writes and nobody can talk to, and a connector's roles, which reach the books over a line that
loses, repeats, delays and lies.
"""
