"""What the API is called, and its bounds."""

GROUP = "driftmonitor.dev"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"
KIND = "DriftMonitor"
PLURAL = "driftmonitors"
SINGULAR = "driftmonitor"
SHORT_NAMES = ["drift", "dm"]

NAME_PATTERN = r"^[a-z]([-a-z0-9]*[a-z0-9])?$"
NAME_MAX_LENGTH = 40
"""The children's names (`<name>-collector`, CronJob `<name>-check`) must fit Kubernetes' bounds of 63 and 52."""

DEFAULT_VOLUME_SIZE = "10Gi"
MAX_STATUS_COLUMNS = 50
MAX_STATUS_VIOLATIONS = 50
MAX_HISTORY = 20
MAX_ENDED_WRITERS = 100
