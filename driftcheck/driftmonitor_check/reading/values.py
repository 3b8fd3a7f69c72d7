"""Pure: what the readers of all types give and raise."""

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from driftmonitor_check.tables import NO_NUMBER


@dataclass(frozen=True)
class Pair:
    """A column's values, one a row, null where there is nothing to compare."""

    reference: pa.Array
    current: pa.Array


@dataclass(frozen=True)
class Read:
    """One side of a column, read as a type."""

    values: pa.Array
    """One a row, null where there is none."""
    unreadable: int = 0
    """Rows with what is no value of the type."""

    @property
    def missing(self) -> int:
        """Rows with nothing."""
        return int(self.values.null_count) - self.unreadable


class ColumnFaultError(Exception):
    """A column cannot be compared; `check` is the fault's name in SageMaker Model Monitor's vocabulary."""

    def __init__(self, check: str, message: str) -> None:
        super().__init__(message)
        self.check = check


def wrong_type(type_: str, side: str, found: pa.DataType, advice: str = "") -> ColumnFaultError:
    """A whole column holds what no value of the type can be."""
    what = f"it is {type_}, but the {side} holds {found} values"
    return ColumnFaultError("data_type_check", f"{what}; {advice}" if advice else what)


def present(texts: pa.Array) -> pa.Array:
    """Texts without white space around them, null for what stands for nothing."""
    texts = pc.utf8_trim_whitespace(texts.cast(pa.string()))
    return pc.if_else(pc.match_substring_regex(texts, NO_NUMBER), pa.nulls(len(texts), pa.string()), texts)
