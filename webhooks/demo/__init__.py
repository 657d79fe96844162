"""The demo: Amends on SQLite against the sandbox hosts, with a small world of tickets."""
