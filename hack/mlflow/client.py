"""Runs in MLflow's own environment: `client.py URI` logs and registers the models that standard input describes.

They are a JSON array of objects: `name`, `file` (an ONNX file; none for a model that is not ONNX), and where wanted
`stage`, `alias`, and `artifacts`, the address under which their files are to lie instead of the server's own.
"""

# mypy: disable-error-code="import-not-found,import-untyped"
# The packages are in that environment alone.

import json
import sys
from typing import Any

import mlflow
import mlflow.pyfunc
import onnx


class _Other(mlflow.pyfunc.PythonModel):  # type: ignore[misc]
    def predict(self, context: Any, model_input: list[str]) -> list[str]:
        return model_input


def main() -> None:
    mlflow.set_tracking_uri(sys.argv[1])
    client = mlflow.MlflowClient()
    for model in json.load(sys.stdin):
        experiment = f"artifacts at {model.get('artifacts', 'the server')}"
        found = client.get_experiment_by_name(experiment)
        known = found.experiment_id if found else client.create_experiment(experiment, model.get("artifacts"))
        with mlflow.start_run(experiment_id=known):
            described = {"name": "model", "registered_model_name": model["name"], "pip_requirements": ["onnx"]}
            if model.get("file"):
                external = {"save_as_external_data": model.get("external", False)}
                mlflow.onnx.log_model(onnx.load(model["file"]), **described, **external)
            else:
                mlflow.pyfunc.log_model(python_model=_Other(), **described)
        version = max(client.search_model_versions(f"name='{model['name']}'"), key=lambda v: int(v.version)).version
        if "alias" in model:
            client.set_registered_model_alias(model["name"], model["alias"], version)
        if "stage" in model:
            client.transition_model_version_stage(model["name"], version, model["stage"])


main()
