"""Proof: the real engine against hostile hosts, in virtual time and as real processes that die."""
