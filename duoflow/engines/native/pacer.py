"""The rule that says when a program runs on the team and when on a single thread."""

from __future__ import annotations

__all__ = ["Pacer"]


class Pacer:
    """Chooses for each run of one program between the team and a single thread, from the times of earlier runs.

    It begins with the team. From time to time it runs the other way for a while, less and less often as long as
    nothing changes, and keeps whichever has done more runs in the time; while the team is clearly quicker than one
    thread was, it tries nothing. A pace is that of many runs, with those that were displaced by other programs among
    them: on a loaded machine those are what counts.
    """

    __slots__ = ("_interval", "_known", "_left", "_pace", "_runs", "_spent", "_trial", "together")

    #: In nanoseconds: the shortest time that tells a pace, and the shortest and longest between two trials.
    _WINDOW, _FIRST, _LAST = 50_000_000, 200_000_000, 4_000_000_000
    #: A trial, and what is between two, are in this proportion.
    _SHARE = 16
    #: By what factor the pace must change for a new trial.
    _CHANGE = 1.5

    def __init__(self) -> None:
        #: Whether the next run should use the team.
        self.together = True
        #: Nanoseconds a run, each way, and that of the way in use when the ways were last compared.
        self._pace = {True: 0.0, False: 0.0}
        self._known = 0.0
        self._interval, self._left = self._FIRST, self._WINDOW
        self._trial = False
        self._spent, self._runs = 0, -1

    def record(self, together: bool, nanoseconds: int) -> None:
        """Tell how long a run took and so decide about the next."""
        self._runs += 1
        if not self._runs:  # the first run finds nothing in the caches
            return
        self._spent += nanoseconds
        if self._spent < max(self._WINDOW, self._interval // self._SHARE if self._trial else 0):
            return
        spent, pace = self._spent, self._spent / self._runs
        self._spent = self._runs = 0
        if self._trial:
            self._compare(together, pace)
            return
        before = self._pace[together]
        pace = self._pace[together] = (before + pace) / 2 if before else pace
        self._left -= spent
        changed = not self._known / self._CHANGE < pace < self._known * self._CHANGE
        if changed and self._known:
            self._left = min(self._left, self._FIRST)
        if self._left > 0:
            return
        if together and pace < 0.8 * self._pace[False] and not changed:
            self._wait_longer(pace)
        else:
            self._trial, self.together = True, not together

    def _compare(self, together: bool, pace: float) -> None:
        """End a trial."""
        self._trial, self._pace[together] = False, pace
        if pace < 0.95 * self._pace[not together]:
            self._interval = self._left = self._FIRST
            self._known = pace
        else:
            self.together = not together
            self._wait_longer(self._pace[not together])

    def _wait_longer(self, pace: float) -> None:
        self._known = pace
        self._left = self._interval
        self._interval = min(2 * self._interval, self._LAST)
