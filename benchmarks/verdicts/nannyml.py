"""NannyML as a judge: a process of its own environment, which pins other libraries than the check's."""

import json
import os
import subprocess
import tempfile
from pathlib import Path

from pyarrow import parquet

from benchmarks.verdicts.cases import Case
from benchmarks.verdicts.judges import SILENT, Judgement

_PROGRAM = """
import json, sys, warnings
warnings.simplefilter("ignore")
import nannyml, pandas
for line in sys.stdin:
    asked = json.loads(line)
    reference, window = (pandas.read_parquet(asked[side]) for side in ("reference", "window"))
    alarmed, looked_at = [], []
    for column, type_ in asked["types"].items():
        try:
            calculator = nannyml.UnivariateDriftCalculator(
                column_names=[column], treat_as_categorical=[column] if type_ == "Categorical" else None,
                chunk_size=len(window),
            )
            calculator.fit(reference)
            found = calculator.calculate(window).filter(period="analysis").to_df()
            alerts = found.xs("alert", axis=1, level=-1)
        except Exception:
            continue
        looked_at.append(column)
        if bool(alerts.to_numpy().any()):
            alarmed.append(column)
    print(json.dumps([alarmed, looked_at]), flush=True)
"""


class NannyML:
    """Univariate drift of one chunk, the window, by NannyML's default methods and thresholds; any column alarms."""

    def __init__(self, python: Path) -> None:
        environment = {**os.environ, "NML_DISABLE_USAGE_LOGGING": "1"}
        self._folder = tempfile.TemporaryDirectory(prefix="driftmonitor-verdicts-")
        self._process = subprocess.Popen(
            [str(python), "-c", _PROGRAM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment,
        )

    def judge(self, case: Case) -> Judgement:
        """Its judgement of one window."""
        paths = {side: str(Path(self._folder.name) / f"{side}.parquet") for side in ("reference", "window")}
        for side, table in (("reference", case.reference), ("window", case.window)):
            parquet.write_table(table, paths[side])
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(json.dumps({**paths, "types": dict(case.types)}) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError(f"NannyML ended with {self._process.wait()}; is it installed there?")
        alarmed, looked_at = (frozenset(names) for names in json.loads(answer))
        return Judgement(bool(alarmed), alarmed, looked_at) if looked_at else SILENT
