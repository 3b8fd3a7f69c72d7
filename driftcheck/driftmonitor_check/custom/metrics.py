"""A metric of Evidently by its name. Imports Evidently, in the process of one custom check."""

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from driftmonitor_check.custom.child import CheckError

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # names that Evidently's libraries have deprecated
    from evidently import DataDefinition, Dataset, Report
    from evidently import metrics as evidently_metrics
    from evidently.core.metric_types import Metric

_SHOWN = ("Numerical", "Boolean", "Categorical")
"""Types of columns that metrics see; booleans as 0 and 1."""
_DEFAULT_PARTS = ("share", "mean")
"""Of a result of several numbers: that of a count, and that of a mean with its deviation."""


def value(
    name: str,
    parameters: Mapping[str, Any],
    part: str | None,
    window: pa.Table,
    reference: pa.Table,
    types: Mapping[str, str],
) -> float:
    """The value of a metric over the window, with the reference beside it. Raises CheckError."""
    made = _metric(name, parameters)
    columns = [
        column
        for column, type_ in types.items()
        if type_ in _SHOWN and column in window.column_names and column in reference.column_names
    ]
    definition = DataDefinition(
        numerical_columns=[column for column in columns if types[column] != "Categorical"],
        categorical_columns=[column for column in columns if types[column] == "Categorical"],
    )
    sides = [
        Dataset.from_pandas(_frame(table, columns, types), data_definition=definition) for table in (window, reference)
    ]
    with np.errstate(all="ignore"):
        found = Report([made]).run(*sides).dict()["metrics"]
    if len(found) != 1:
        raise CheckError(f"{name} gives {len(found)} results; take one that gives one")
    return _part(name, found[0]["value"], part)


def _metric(name: str, parameters: Mapping[str, Any]) -> Any:
    kind = getattr(evidently_metrics, name, None)
    if not (isinstance(kind, type) and issubclass(kind, Metric)):
        raise CheckError(f"evidently.metrics has no metric {name}")
    fields: dict[str, Any] = getattr(kind, "__fields__", {})
    if unknown := sorted(parameters.keys() - fields.keys()):
        known = sorted(fields.keys() - {"type"})
        raise CheckError(f"{name} has no parameter {unknown[0]}; it has {', '.join(known)}")
    try:
        return kind(**parameters)
    except Exception as error:  # pydantic's, whose version is Evidently's
        raise CheckError(f"{name} does not take these parameters: {' '.join(str(error).split())}") from error


def _frame(table: pa.Table, columns: list[str], types: Mapping[str, str]) -> pd.DataFrame:
    """Doubles and texts: Evidently leaves out, without a word, columns of many other types."""
    frame = pd.DataFrame(index=range(table.num_rows))
    for name in columns:
        raw = table.column(name).to_pandas()
        if types[name] != "Categorical":
            frame[name] = pd.to_numeric(raw, errors="coerce").astype("float64").to_numpy()
        else:
            frame[name] = [None if pd.isna(each) else str(each) for each in raw.astype("object")]
    return frame


def _part(name: str, result: Any, part: str | None) -> float:
    if not isinstance(result, Mapping):
        if part is not None:
            raise CheckError(f"{name} gives one number; leave out result")
        return float(result)
    flat = dict(result)
    if isinstance(flat.get("shares"), Mapping):  # of categories: a share each
        flat = dict(flat["shares"])
    wanted = part or next((each for each in _DEFAULT_PARTS if each in flat), None)
    if wanted is None or wanted not in flat:
        named = ", ".join(str(each) for each in list(flat)[:10])
        asked = f"no {part!r} in it" if part else "several numbers"
        raise CheckError(f"{name} gives {asked}; set result to one of {named}")
    return float(flat[wanted])
