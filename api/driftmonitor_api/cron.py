"""Which cron expressions Kubernetes' CronJob takes, as CEL rules: a bad one is refused where it is written."""

_MONTHS = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
_DAYS = "sun|mon|tue|wed|thu|fri|sat"
_VALUES = (
    "[0-5]?[0-9]",
    "([01]?[0-9]|2[0-3])",
    "(0?[1-9]|[12][0-9]|3[01])",
    f"(0?[1-9]|1[0-2]|(?i:{_MONTHS}))",
    f"(0?[0-6]|(?i:{_DAYS}))",
)
"""Minute, hour, day of the month, month, day of the week."""


def _field(value: str) -> str:
    item = rf"(\*|{value}(-{value})?)(/0*[1-9][0-9]*)?"
    return f"{item}(,{item})*"


PATTERN = f"^(@(yearly|annually|monthly|weekly|daily|midnight|hourly)|{' '.join(map(_field, _VALUES))})$"
RULES = (
    (f"self.matches(r'{PATTERN}')", 'must be a cron expression of five fields, such as "*/5 * * * *"'),
    (
        "self.findAll('[0-9]{1,2}-[0-9]{1,2}').all(range, int(range.split('-')[0]) <= int(range.split('-')[1]))",
        "a range must begin with its smaller value, such as 1-5",
    ),
)
"""(expression, message) pairs. Ranges of names that run backwards, as fri-mon, are left to the CronJob to refuse."""
