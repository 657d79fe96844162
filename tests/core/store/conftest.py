"""Fixtures of the stores' suite; see tests/stores.py."""

from tests.stores import sql_url, store

__all__ = ["sql_url", "store"]
