"""A run of MLflow for each check: `content` says what is in it, `mlflow` writes it by MLflow's REST interface."""
