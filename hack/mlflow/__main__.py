"""`python -m hack.mlflow`: installs MLflow and prints the path of its Python."""

from hack.mlflow.build import ensure

print(ensure())
