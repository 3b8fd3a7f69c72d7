"""Pure: what an ONNX model takes, and which feature goes to which of its inputs. The server and the check read it
alike."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from driftmonitor_api.limits import MAX_FEATURE_NAME, MAX_FEATURES
from driftmonitor_api.v1alpha1 import Feature, FeatureType

ElementType = Literal[
    "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "bool", "string"
]
INTEGER_RANGE: dict[ElementType, tuple[int, int]] = {
    "int8": (-(1 << 7), (1 << 7) - 1),
    "int16": (-(1 << 15), (1 << 15) - 1),
    "int32": (-(1 << 31), (1 << 31) - 1),
    "int64": (-(1 << 63), (1 << 63) - 1),
    "uint8": (0, (1 << 8) - 1),
    "uint16": (0, (1 << 16) - 1),
    "uint32": (0, (1 << 32) - 1),
}
"""The smallest and the largest integer of each type."""


class ModelError(Exception):
    """The model cannot be served, or does not fit `spec.model`; the message says what to change."""


@dataclass(frozen=True)
class Tensor:
    """An input or output as onnxruntime describes it; a free dimension is None."""

    name: str
    type: str
    shape: tuple[int | None, ...]

    @property
    def width(self) -> int | None:
        """Number of columns; None where it is free."""
        return self.shape[1] if len(self.shape) > 1 else 1


@dataclass(frozen=True)
class Column:
    """One feature: its name in requests and records, and the tensor that takes it."""

    name: str
    type: FeatureType
    element_type: ElementType
    input: str
    rank: int
    """Of the input: 1 for [N], 2 for [N,1]."""


@dataclass(frozen=True)
class Inputs:
    """What the model takes."""

    columns: tuple[Column, ...]
    matrix: str | None
    """Name of the one input tensor that takes all columns; None where each column has its own."""


_ELEMENT_TYPES: dict[str, ElementType] = {
    "tensor(float)": "float32",
    "tensor(double)": "float64",
    **{f"tensor({element_type})": element_type for element_type in INTEGER_RANGE},
    "tensor(bool)": "bool",
    "tensor(string)": "string",
}


def listed(names: Sequence[str]) -> str:
    """Names for a message, at most 20 of them."""
    shown = ", ".join(repr(name) for name in names[:20])
    return shown + (f" and {len(names) - 20} more" if len(names) > 20 else "")


def inputs_of(tensors: Sequence[Tensor], features: Sequence[Feature] | None) -> Inputs:
    """Match the model's inputs with the features; ModelError names what does not fit."""
    if not tensors:
        raise ModelError("the model has no inputs")
    for tensor in tensors:
        _check_input(tensor)
    if features is not None:
        _check_features(features)
    if len(tensors) == 1 and (tensors[0].width != 1 or (features is not None and len(features) != 1)):
        return _matrix(tensors[0], features)
    for tensor in tensors:
        if tensor.width != 1:
            raise ModelError(
                f"the model has {len(tensors)} inputs, and {tensor.name!r} of them takes several columns;"
                " export it with one input tensor, or with one input for each column"
            )
    if features is None:
        _check_names([tensor.name for tensor in tensors])
        return Inputs(tuple(_column(tensor, tensor.name, None) for tensor in tensors), None)
    named = _by_name(tensors, features)
    return Inputs(tuple(_column(tensor, feature.name, feature.type) for tensor, feature in named), None)


def _check_names(names: Sequence[str]) -> None:
    """Features that the collector would refuse in every record must not be served."""
    if len(names) > MAX_FEATURES:
        raise ModelError(f"the model has {len(names)} inputs; a record holds {MAX_FEATURES} features at most")
    for name in names:
        if len(name) > MAX_FEATURE_NAME:
            raise ModelError(
                f"the model's input {name[:40] + '...'!r} has a name of {len(name)} characters; a feature's name has"
                f" {MAX_FEATURE_NAME} at most: name it in spec.model.features"
            )


def _check_input(tensor: Tensor) -> None:
    if tensor.type not in _ELEMENT_TYPES:
        raise ModelError(
            f"the model's input {tensor.name!r} is a {tensor.type}; only tensors of"
            f" {', '.join(_ELEMENT_TYPES.values())} can be served"
        )
    if len(tensor.shape) not in (1, 2):
        raise ModelError(
            f"the model's input {tensor.name!r} has {len(tensor.shape)} dimensions; rows need [N] or [N,k]"
        )
    if tensor.shape[0] is not None:
        raise ModelError(
            f"the model's input {tensor.name!r} has room for exactly {tensor.shape[0]} rows;"
            " export it with a free first dimension"
        )


def _check_features(features: Sequence[Feature]) -> None:
    names = [feature.name for feature in features]
    if not names:
        raise ModelError("spec.model.features is empty; name the model's inputs, or leave it out")
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise ModelError(f"spec.model.features names {listed(repeated)} more than once")


def _matrix(tensor: Tensor, features: Sequence[Feature] | None) -> Inputs:
    width = "several" if tensor.width is None else str(tensor.width)
    if features is None:
        raise ModelError(
            f"the model has one input {tensor.name!r} of {width} columns and no names for them;"
            " name them, in the model's order, in spec.model.features"
        )
    if tensor.width is not None and tensor.width != len(features):
        raise ModelError(
            f"spec.model.features names {len(features)} features, but the model's input {tensor.name!r}"
            f" has {tensor.width} columns"
        )
    return Inputs(tuple(_column(tensor, feature.name, feature.type) for feature in features), tensor.name)


def _column(tensor: Tensor, name: str, wanted: FeatureType | None) -> Column:
    element_type = _ELEMENT_TYPES[tensor.type]
    if wanted == "Numerical" and element_type == "string":
        raise ModelError(
            f"spec.model.features: {name!r} is Numerical, but the model's input {tensor.name!r} takes strings;"
            " make it Categorical"
        )
    if wanted in ("Datetime", "Text") and element_type != "string":
        raise ModelError(
            f"spec.model.features: {name!r} is {wanted}, but the model's input {tensor.name!r} takes {element_type};"
            " make it Numerical"
        )
    if wanted == "Embedding":
        raise ModelError(
            f"spec.model.features: {name!r} is an Embedding, but requests hold one number or text for each feature;"
            " name each of its components as a Numerical feature"
        )
    own: FeatureType = "Categorical" if element_type in ("string", "bool") else "Numerical"
    return Column(name, wanted or own, element_type, tensor.name, len(tensor.shape))


def _by_name(tensors: Sequence[Tensor], features: Sequence[Feature]) -> list[tuple[Tensor, Feature]]:
    """Pair inputs and features: by name, where exporters replace what is no letter or digit by an underscore; by
    order where not one name is the same."""
    if len(features) != len(tensors):
        raise ModelError(
            f"spec.model.features names {len(features)} features, but the model has {len(tensors)} inputs:"
            f" {listed([tensor.name for tensor in tensors])}"
        )
    exact = {feature.name: feature for feature in features}
    plain = {_plain(feature.name): feature for feature in features}
    if len(plain) < len(features):
        plain = {}
    found = [exact.get(tensor.name) or plain.get(_plain(tensor.name)) for tensor in tensors]
    if not any(found):
        return list(zip(tensors, features, strict=True))
    pairs = [(tensor, feature) for tensor, feature in zip(tensors, found, strict=True) if feature is not None]
    matched = {feature.name for _, feature in pairs}
    if len(matched) < len(features):
        unknown = [feature.name for feature in features if feature.name not in matched]
        free = [tensor.name for tensor, feature in zip(tensors, found, strict=True) if feature is None]
        raise ModelError(
            f"spec.model.features names {listed(unknown)}, which the model does not take;"
            f" its inputs without a feature: {listed(free)}"
        )
    return pairs


def _plain(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_]", "_", name)
