"""The variables definitely assigned at a point of a function: a set, or None where the point is never reached."""

Assigned = frozenset[str]


def both(*ends: Assigned | None) -> Assigned | None:
    """What is assigned where several ways meet; a way that never gets there does not count."""
    reached = [end for end in ends if end is not None]
    return frozenset.intersection(*reached) if reached else None
