"""The serving process: uvicorn, signals, and the line that says why it ended."""

import logging
import signal
from collections.abc import Callable, Mapping

import uvicorn

from driftmonitor_api.bearer import TokenError, TokenFile
from driftmonitor_check.settings import SettingsError
from driftmonitor_check.validation.app import create_app
from driftmonitor_check.validation.settings import ServiceSettings

_GRACE_SECONDS = 20  # below the 30 s that Kubernetes waits by default


def serve(environment: Mapping[str, str], explain: Callable[[str], None]) -> int:
    """Serve until SIGTERM or SIGINT; the exit status: 0, 1 when it cannot listen, 2 for bad configuration. `explain` is
    told why it ends where it ends by itself."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        settings = ServiceSettings.of(environment)
        token = TokenFile(settings.token_file)
    except (SettingsError, TokenError) as error:
        explain(str(error))
        return 2
    server = uvicorn.Server(
        uvicorn.Config(
            create_app(settings, token),
            host=settings.host,
            port=settings.port,
            ws="none",
            access_log=False,
            log_config=None,
            timeout_graceful_shutdown=_GRACE_SECONDS,
        )
    )
    # uvicorn raises its signal once more when it is done; a clean end has status 0.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    try:
        server.run()
    except SystemExit:  # uvicorn logged why: the port is taken
        explain(f"cannot listen on {settings.host}:{settings.port}")
        return 1
    return 0
