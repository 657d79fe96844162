"""Real processes that stand still or die."""
