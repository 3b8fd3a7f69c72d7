"""What the collector cannot give of a window because files of its were damaged, and the words for it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Damage:
    """Of one window."""

    missing_rows: int = 0
    """Rows that its hours lack."""
    label_files: int = 0
    """Damaged files that may have had labels of its rows."""

    def told(self, what: str) -> str:
        """Sentences for the verdict's message on what this is, the window or the reference; empty where nothing is
        damaged."""
        said = []
        if self.missing_rows:
            said.append(
                f"{_counted(self.missing_rows, 'row')} of the {what}'s hours, which the collector had stored, could not"
                " be looked at: their files are damaged."
            )
        if self.label_files:
            said.append(
                f"{_counted(self.label_files, 'file')} of labels at the collector cannot be read: rows may lack theirs."
            )
        return " ".join(said)


UNDAMAGED = Damage()


def _counted(count: int, thing: str) -> str:
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"
