"""The root of every error Amends raises on purpose.

An `AmendsError` carries a sentence a person can act on and never a secret; whatever else escapes is
a fault of ours and is treated as one.
"""


class AmendsError(Exception):
    """Something Amends refuses or cannot do, said in words for the person who has to act."""
