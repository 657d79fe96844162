from tests.stores import sql_url, store

__all__ = ["sql_url", "store"]
