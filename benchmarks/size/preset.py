"""Prints Evidently's scores of the columns as JSON: `python -m benchmarks.size.preset METHOD REFERENCE CURRENT`."""

import json
import sys
import warnings

import pandas as pd

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from evidently import DataDefinition, Dataset, Report
    from evidently.presets import DataDriftPreset


def main(method: str, reference: str, current: str) -> None:
    """Run the data drift preset over the files in two folders; no page is made of it."""
    frames = [pd.read_parquet(folder) for folder in (reference, current)]
    definition = DataDefinition(numerical_columns=list(frames[0].columns), categorical_columns=[])
    sides = [Dataset.from_pandas(frame, data_definition=definition) for frame in frames]
    snapshot = Report([DataDriftPreset(num_method=method)], include_tests=True).run(sides[1], sides[0])
    metrics = [each for each in snapshot.dict()["metrics"] if "column" in each["config"]]
    print(json.dumps({each["config"]["column"]: [float(each["value"])] * 3 for each in metrics}))


if __name__ == "__main__":
    main(*sys.argv[1:])
