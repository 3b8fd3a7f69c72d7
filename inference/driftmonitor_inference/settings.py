"""What the programs read from their environment: names, meanings, defaults and checks in one place."""

import dataclasses
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args
from urllib.parse import urlsplit

MIB = 1 << 20
MAX_WORKERS = 16
TERMINATION = Path("/dev/termination-log")


class SettingsError(Exception):
    """A variable is missing or bad; the message names it and says what it takes."""


def _positive(value: float) -> str | None:
    return None if value > 0 else "must be greater than 0"


def _not_negative(value: float) -> str | None:
    return None if value >= 0 else "must be 0 or more"


def _port(value: int) -> str | None:
    return None if 0 < value < 65536 else "must be 1 to 65535"


def _workers(value: int) -> str | None:
    return None if 0 < value <= MAX_WORKERS else f"must be 1 to {MAX_WORKERS}"


def _pod_uid(value: str) -> str | None:
    return None if re.fullmatch(r"[A-Za-z0-9._-]{1,128}", value) else "must be 1 to 128 of A-Z a-z 0-9 . _ -"


def _http_url(value: str) -> str | None:
    try:
        parts = urlsplit(value)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        good = False
    return None if good else "must be of the form http://host:port or https://host:port"


@dataclass(frozen=True)
class Variable:
    """What a variable means, for `--help`, and what its value must be beyond its type."""

    meaning: str
    check: Callable[[Any], str | None] | None = None


@dataclass(frozen=True, kw_only=True)
class FetchSettings:
    """Environment of `fetch`; each field is the variable of its name in capitals."""

    model_uri: Annotated[
        str, Variable("where the model lies: configmap://, pvc://, s3://, gs://, https://, http:// or models:/")
    ]
    model_version: Annotated[str, Variable("version that is reported with the model's digest")]
    model_file: Annotated[Path, Variable("file to write the model to")]
    model_mount: Annotated[Path, Variable("folder where the volume of a configmap:// or pvc:// address is mounted")]
    model_credentials_dir: Annotated[
        Path | None, Variable("folder where the Secret of spec.model.credentialsSecret is mounted")
    ] = None
    model_sha256: Annotated[str | None, Variable("digest that the model must have, hexadecimal")] = None
    model_field: Annotated[str, Variable("field of the DriftMonitor that describes the model")] = "spec.model"
    model_max_bytes: Annotated[int, Variable("largest size of a model, bytes", _positive)] = 2048 * MIB - 1
    """No ONNX file can be larger: none of the protocol buffers can."""
    termination_message_file: Annotated[Path, Variable("file for the result, written if it exists")] = TERMINATION


@dataclass(frozen=True, kw_only=True)
class ServeSettings:
    """Environment of `serve`; each field is the variable of its name in capitals."""

    config_file: Annotated[Path, Variable("the inference configuration, a JSON file")]
    model_file: Annotated[Path, Variable("the ONNX model")]
    outlier_model_file: Annotated[Path | None, Variable("the outlier detector, another ONNX model")] = None
    log_dir: Annotated[Path, Variable("folder of the prediction log")]
    log_limit_bytes: Annotated[
        int, Variable("size of all log files at which predictions are refused; workers have equal shares", _positive)
    ]
    pod_uid: Annotated[str, Variable("uid of the pod; the first part of the writer's name in records", _pod_uid)]
    collector_url: Annotated[str, Variable("the collector, such as http://wine-collector.default.svc:8080", _http_url)]
    collector_token_file: Annotated[Path, Variable("file with the collector's token, read anew for each report")]
    redact_key_file: Annotated[
        Path | None, Variable("file with the key of spec.logging.redact.hash, read once at the start")
    ] = None
    host: Annotated[str, Variable("address to listen on")] = "0.0.0.0"  # noqa: S104 - the pod's own address
    port: Annotated[int, Variable("port to listen on", _port)] = 8080
    grpc_port: Annotated[int, Variable("port to listen on for gRPC", _port)] = 9000
    workers: Annotated[int, Variable(f"processes that serve, 1 to {MAX_WORKERS}", _workers)] = 1
    max_rows: Annotated[int, Variable("most rows in a request", _positive)] = 10_000
    max_body_bytes: Annotated[int, Variable("largest body of a request, bytes", _positive)] = 16 * MIB
    log_rotate_bytes: Annotated[
        int, Variable("size at which a new log file is begun; 0: 8 MiB, or more of a log above 4 GiB", _not_negative)
    ] = 0
    report_seconds: Annotated[
        float,
        Variable("seconds between two reports to the collector; a file that is full is reported sooner", _positive),
    ] = 2.0
    shutdown_delay_seconds: Annotated[
        float, Variable("seconds after SIGTERM in which requests are still taken, till all nodes know", _not_negative)
    ] = 3.0
    shutdown_request_seconds: Annotated[int, Variable("seconds after that for the last answers", _positive)] = 10
    drain_seconds: Annotated[
        float, Variable("most seconds to wait at the end till every row is stored at the collector", _not_negative)
    ] = 40.0
    worker_silence_seconds: Annotated[
        float, Variable("seconds after which one of several workers is killed whose event loop stands still", _positive)
    ] = 60.0
    server_log_dir: Annotated[
        Path | None, Variable("folder for the server's own log as files, beside its standard output")
    ] = None
    access_log: Annotated[bool, Variable("whether each request is logged: true or false")] = False
    termination_message_file: Annotated[Path, Variable("file for a fatal error, written if it exists")] = TERMINATION


@dataclass(frozen=True, kw_only=True)
class WorkerSettings:
    """What the server tells each of its workers beside all that it was told itself."""

    worker: Annotated[int, Variable("number of this worker, from 0")]
    worker_dir: Annotated[Path, Variable("folder that the workers and their supervisor share")]
    worker_listener: Annotated[int, Variable("descriptor of the socket to serve from")]
    worker_lifeline: Annotated[int, Variable("descriptor of a pipe that ends with the supervisor")]

    def environment(self) -> dict[str, str]:
        """The variables that `read` has these from."""
        return {field.name.upper(): str(getattr(self, field.name)) for field in dataclasses.fields(self)}

    @staticmethod
    def ready_file(directory: Path, worker: int) -> Path:
        """The file that a worker makes once it serves."""
        return directory / f"ready.{worker}"

    @staticmethod
    def turns_file(directory: Path) -> Path:
        """The memory in which the workers say how many connections they have."""
        return directory / "turns"


SettingsT = TypeVar("SettingsT", FetchSettings, ServeSettings, WorkerSettings)


def read(settings: type[SettingsT], environment: Mapping[str, str]) -> SettingsT:
    """The settings that an environment gives; SettingsError names every variable that is missing or bad."""
    values: dict[str, Any] = {}
    problems: list[str] = []
    for field in dataclasses.fields(settings):
        kind, variable = get_args(field.type)
        name, text = field.name.upper(), environment.get(field.name.upper(), "")
        if not text:
            if field.default is dataclasses.MISSING:
                problems.append(f"{name} is not set ({variable.meaning})")
            continue
        try:
            value = _parse(kind, text)
        except ValueError as error:
            problems.append(f"{name}={text!r} {error}")
            continue
        if variable.check is not None and (complaint := variable.check(value)):
            problems.append(f"{name}={text!r} {complaint}")
        values[field.name] = value
    if problems:
        raise SettingsError("; ".join(problems))
    return settings(**values)


def describe(settings: type[FetchSettings] | type[ServeSettings]) -> str:
    """One line for each variable, for `--help`."""
    lines = []
    for field in dataclasses.fields(settings):
        _, variable = get_args(field.type)
        note = "required" if field.default is dataclasses.MISSING else f"default {_shown(field.default)}"
        lines.append(f"  {field.name.upper():<26}{variable.meaning} ({note})")
    return "\n".join(lines)


def _shown(default: object) -> str:
    return str(default).lower() if default is None or isinstance(default, bool) else str(default)


def _parse(kind: Any, text: str) -> Any:
    if kind is bool:
        if text not in ("true", "false"):
            raise ValueError("must be true or false")
        return text == "true"
    if kind is int:
        if not re.fullmatch(r"-?[0-9]{1,18}", text):
            raise ValueError("must be a whole number")
        return int(text)
    if kind is float:
        if not re.fullmatch(r"-?[0-9]{1,9}(\.[0-9]{1,9})?", text):
            raise ValueError("must be a number such as 2 or 0.5")
        return float(text)
    optional = get_args(kind)  # such as Path | None
    return optional[0](text) if optional else kind(text)
