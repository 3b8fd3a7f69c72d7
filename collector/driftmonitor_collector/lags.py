"""How long what writers wrote has been waiting to be stored. Times are monotonic seconds."""

_MARKS = 64


class Lags:
    """What this collector heard of each writer, at most _MARKS moments of it."""

    def __init__(self) -> None:
        self._marks: dict[str, list[tuple[int, float]]] = {}

    def heard(self, writer: str, written: int, settled_through: int, now: float) -> None:
        """Note that the writer has written so much, of which so much is stored or given up."""
        marks = self._open(writer, settled_through)
        if written > settled_through and (not marks or written > marks[-1][0]):
            marks.append((written, now))
            if len(marks) > _MARKS:
                del marks[1:-1:2]  # the oldest, which is asked for, stays
        if not marks:
            self._marks.pop(writer, None)

    def seconds(self, writer: str, settled_through: int, now: float) -> float:
        """For how long the oldest outstanding record has been known to be written; 0 if none is."""
        marks = self._open(writer, settled_through)
        return max(0.0, now - marks[0][1]) if marks else 0.0

    def _open(self, writer: str, settled_through: int) -> list[tuple[int, float]]:
        marks = self._marks.setdefault(writer, [])
        while marks and marks[0][0] <= settled_through:
            del marks[0]
        return marks
