"""The engine: finds what is due and does it, step by step, under leases."""
