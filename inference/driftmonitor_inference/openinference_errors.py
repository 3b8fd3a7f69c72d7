"""Pure: why a body of the Open Inference Protocol was refused. Slow, and only run for bodies that were."""

import json
import math
from collections.abc import Iterator
from typing import Any

import numpy

from driftmonitor_inference.openinference import Description, Interface
from driftmonitor_inference.rows import RequestError
from driftmonitor_inference.tensors import DTYPES, FLOAT_MAX, Slot


def explain_body(head: bytes, interface: Interface, otherwise: str) -> RequestError:
    """Why the JSON of a request was not decoded."""
    try:
        # Unlike the strict decoder this one reads NaN and Infinity, so that their row and feature can be named.
        document = json.loads(head.decode())
    except (ValueError, RecursionError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        return RequestError(400, f"The request is not JSON in UTF-8: {reason}.")
    try:
        tensors = [
            Description(str(item["name"]), item["datatype"], tuple(item["shape"])) for item in document["inputs"]
        ]
        slots = interface.slots(tensors)
    except RequestError as error:
        return error
    except (TypeError, KeyError, AttributeError):
        return RequestError(400, f"The request does not follow the protocol: {otherwise}.")
    for slot, item in zip(slots, document["inputs"], strict=True):
        if (problem := _misfit(slot, item.get("data", []))) is not None:
            return problem
    return RequestError(400, f"The request does not follow the protocol: {otherwise}.")


def explain_data(slot: Slot, text: bytes) -> RequestError:
    """Why the data of one input was not decoded."""
    try:
        problem = _misfit(slot, json.loads(text))
    except (ValueError, RecursionError) as error:
        return RequestError(400, f"Input {slot.input!r}: its data cannot be read: {error}.")
    return problem or RequestError(400, f"Input {slot.input!r}: its data cannot be read.")


def _misfit(slot: Slot, data: Any) -> RequestError | None:
    if not isinstance(data, list):
        return RequestError(400, f"Input {slot.input!r}: its data must be an array, not {kind(data)}.")
    nested = any(isinstance(row, list) for row in data)
    if nested and len(slot.shape) != 2:
        return RequestError(
            400, f"Input {slot.input!r}: its data must be a flat array, since its shape has one dimension."
        )
    for place, value in enumerate(_flat(data)):
        if place < slot.count and (problem := _problem(value, slot.datatype)):
            return slot.refuse(place, problem)
    if nested:
        width = len(slot.columns)
        for place, row in enumerate(data):
            if not isinstance(row, list) or len(row) != width:
                has = f"{len(row)} values" if isinstance(row, list) else kind(row)
                return RequestError(
                    400, f"Input {slot.input!r}, row {place} has {has}, and its shape says {width} values.", place
                )
        return None if len(data) == slot.shape[0] else slot.miscounted(len(data), "rows")
    return None if len(data) == slot.count else slot.miscounted(len(data))


def _flat(data: list[Any]) -> Iterator[Any]:
    for row in data:
        if isinstance(row, list):
            yield from row
        else:
            yield row


def _problem(value: Any, datatype: str) -> str | None:
    """Why a value is none of this datatype; None if it is one."""
    if datatype == "BYTES":
        if not isinstance(value, str):
            return f"takes a string, not {kind(value)}"
        return None if value.encode(errors="replace").decode() == value else "the string has half of a surrogate pair"
    if datatype == "BOOL":
        return None if isinstance(value, bool) else f"takes true or false, not {kind(value)}"
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if datatype in FLOAT_MAX:
        if not number or (isinstance(value, float) and math.isnan(value)):
            return f"takes a number, not {kind(value)}"
        return f"{kind(value)} is outside of {datatype}" if abs(value) > FLOAT_MAX[datatype] else None
    if not number or isinstance(value, float):
        return f"takes an integer, not {kind(value)}"
    limits = numpy.iinfo(DTYPES[datatype])
    return None if limits.min <= value <= limits.max else f"{kind(value)} is outside of {datatype}"


def kind(value: Any) -> str:
    """A value in a sentence."""
    if isinstance(value, list | dict):
        return "an array" if isinstance(value, list) else "an object"
    try:
        text = json.dumps(value, ensure_ascii=False)
    except ValueError:  # an integer of thousands of digits
        text = "an integer of too many digits"
    shown = text if len(text) <= 60 else f"{text[:60]}..."
    if isinstance(value, str):
        return f"the string {shown}".encode(errors="replace").decode()
    return shown if value is None or isinstance(value, bool) else f"the number {shown}"
