"""A policy without memory of earlier decisions as one query, for DuckDB."""
