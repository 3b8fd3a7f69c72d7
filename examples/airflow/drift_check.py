"""An Airflow DAG: check the day's rows for drift, train anew where there is some.

Put this file into the folder of DAGs, and `pip install "driftmonitor[driftcheck]"` where tasks run. The exit status of
the check is 0 (stable), 1 (drift) or 2 (could not tell); 2 fails the task, so that it is tried again and told.
"""

from datetime import datetime, timedelta

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import dag, task

FOLDER = "/data/flights"
CHECK = (
    f"driftmonitor check --monitor {FOLDER}/monitor.yaml --reference {FOLDER}/reference.parquet"
    f" --current {FOLDER}/day={{{{ ds }}}}.parquet --report {FOLDER}/drift-{{{{ ds }}}}.html"
    f" --json {FOLDER}/drift-{{{{ ds }}}}.json"
)


@dag(
    schedule="@daily",
    start_date=datetime(2026, 1, 1),
    catchup=False,
    default_args={"retries": 2, "retry_delay": timedelta(minutes=5)},
    tags=["drift"],
)
def drift_check() -> None:
    """Check, then train where the data has drifted."""
    # Drift is an answer here, and no fault of the task: its exit status is what the task hands on.
    check = BashOperator(
        task_id="check",
        bash_command=f"{CHECK}; status=$?; echo $status; test $status -le 1",
        do_xcom_push=True,
    )

    @task.branch
    def drifted(status: str) -> str:
        return "train" if status.strip() == "1" else "stay"

    train = BashOperator(task_id="train", bash_command="echo 'train the model anew here'")
    stay = BashOperator(task_id="stay", bash_command="echo stable")
    drifted(check.output) >> [train, stay]


drift_check()
