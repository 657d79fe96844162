"""The simulator: what it proves, and that it would notice."""
