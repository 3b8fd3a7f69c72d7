"""What has passed the retention is deleted from the store, by the same clock as on a volume."""

import logging
from datetime import datetime, timedelta

from driftmonitor_collector.retention import Expired, cutoff
from driftmonitor_collector.shared import names, partitions
from driftmonitor_collector.shared.reports import SharedReports
from driftmonitor_collector.store.objects import Objects
from driftmonitor_collector.store.partitions import HOUR

_logger = logging.getLogger(__name__)


def expire(objects: Objects, reports: SharedReports, now: datetime, retention: timedelta) -> Expired:
    """Any collector may do it, or several at once. What was stored stays known: the checkpoints have it."""
    newest = next(partitions.hours(objects, names.RECORDS), None)
    before = cutoff(now, [*([newest[0]] if newest else []), *reports.newest_times()], retention)
    if before is None:
        return Expired()
    hours = _expire_hours(objects, names.RECORDS, before)
    _expire_hours(objects, names.LABELS, before)
    old = [item.name for folder in names.WITHOUT_HOURS for item in objects.listing(folder) if item.modified < before]
    objects.delete(old)
    removed = len(old) + reports.expire(before)
    if hours or removed:
        _logger.info("retention: %d hours and %d other files from before %s deleted", hours, removed, before)
    return Expired(hours=hours, files=removed)


def _expire_hours(objects: Objects, folder: str, before: datetime) -> int:
    old = [found for hour, found in partitions.hours(objects, folder, end=before) if hour + HOUR <= before]
    for found in reversed(old):
        objects.delete(item.name for item in objects.listing(found))
    return len(old)
