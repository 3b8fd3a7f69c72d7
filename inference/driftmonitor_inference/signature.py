"""Pure: what a model takes and gives, decided from its ONNX description and `spec.model`."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from driftmonitor_api.v1alpha1 import Feature, FeatureType
from driftmonitor_inference.onnxfile import Hints, Labels

ElementType = Literal["float32", "float64", "int32", "int64", "bool", "string"]

_ELEMENT_TYPES: dict[str, ElementType] = {
    "tensor(float)": "float32",
    "tensor(double)": "float64",
    "tensor(int32)": "int32",
    "tensor(int64)": "int64",
    "tensor(bool)": "bool",
    "tensor(string)": "string",
}


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


OutputKind = Literal["zipmap", "scores", "labels", "values"]


@dataclass(frozen=True)
class Outputs:
    """What the model gives."""

    kind: OutputKind
    names: tuple[str, ...]
    """Outputs to ask for: label and scores, only scores, only labels, or values."""
    labels: Labels | None
    """The model's own labels in the order of its scores; None where it does not tell them."""
    classes: tuple[str, ...] | None
    """Their names in answers and records; None for a regressor, or a model that gives nothing but labels."""


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
        return Inputs(tuple(_column(tensor, tensor.name, None) for tensor in tensors), None)
    named = _by_name(tensors, features)
    return Inputs(tuple(_column(tensor, feature.name, feature.type) for tensor, feature in named), None)


def outputs_of(tensors: Sequence[Tensor], classes: Sequence[str] | None, hints: Hints) -> Outputs:
    """What the model's outputs mean; ModelError says how to export it where that cannot be told."""
    zipmaps = [tensor for tensor in tensors if tensor.type.startswith("seq(map(")]
    labels = [tensor for tensor in tensors if tensor.type in ("tensor(int64)", "tensor(string)", "tensor(int32)")]
    floats = [tensor for tensor in tensors if tensor.type in ("tensor(float)", "tensor(double)")]
    if len(labels) == 1 and len(zipmaps) == 1 and not floats:
        known = _one_of(hints.zipmap_labels)
        if known is None:
            raise ModelError("the model's ZipMap does not tell its classes; export it with zipmap off")
        return Outputs("zipmap", (labels[0].name, zipmaps[0].name), known, _class_names(classes, known, len(known)))
    if len(labels) == 1 and len(floats) == 1 and not zipmaps:
        return _with_scores(labels[0], floats[0], classes, hints)
    if len(floats) == 1 and not labels and not zipmaps:
        return _floats_only(floats[0], classes)
    if len(labels) == 1 and not floats and not zipmaps:
        if classes is not None:
            raise ModelError("spec.model.classes is given, but the model gives labels without scores; remove it")
        return Outputs("labels", (labels[0].name,), None, None)
    listed = ", ".join(f"{tensor.name} {tensor.type}" for tensor in tensors)
    raise ModelError(
        f"the model's outputs ({listed}) are neither a label with probabilities nor one tensor of values;"
        ' export a classifier with options={"zipmap": False}'
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
        raise ModelError(f"spec.model.features names {_listed(repeated)} more than once")


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
    own: FeatureType = "Categorical" if element_type in ("string", "bool") else "Numerical"
    return Column(name, wanted or own, element_type, tensor.name, len(tensor.shape))


def _by_name(tensors: Sequence[Tensor], features: Sequence[Feature]) -> list[tuple[Tensor, Feature]]:
    """Pair inputs and features: by name, where exporters replace what is no letter or digit by an underscore; by
    order where not one name is the same."""
    if len(features) != len(tensors):
        raise ModelError(
            f"spec.model.features names {len(features)} features, but the model has {len(tensors)} inputs:"
            f" {_listed([tensor.name for tensor in tensors])}"
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
            f"spec.model.features names {_listed(unknown)}, which the model does not take;"
            f" its inputs without a feature: {_listed(free)}"
        )
    return pairs


def _with_scores(label: Tensor, scores: Tensor, classes: Sequence[str] | None, hints: Hints) -> Outputs:
    width = scores.width if len(scores.shape) == 2 else None
    kind = str if label.type == "tensor(string)" else int
    fitting = [known for known in hints.labels if isinstance(known[0], kind) and width in (None, len(known))]
    known = _one_of(fitting)
    if known is None and classes is None:
        missing = "classes" if width is None else f"{width} classes"
        raise ModelError(
            f"the model does not name its {missing}; name them, in the order of its scores, in spec.model.classes"
        )
    count = len(known) if known is not None else width
    return Outputs("scores", (label.name, scores.name), known, _class_names(classes, known, count))


def _floats_only(tensor: Tensor, classes: Sequence[str] | None) -> Outputs:
    if classes is not None:
        if tensor.width is not None and tensor.width != len(classes):
            raise ModelError(
                f"spec.model.classes names {len(classes)} classes, but the model's output {tensor.name!r}"
                f" has {tensor.width} columns"
            )
        return Outputs("scores", (tensor.name,), None, tuple(classes))
    if tensor.width not in (1, None) or len(tensor.shape) > 2:
        raise ModelError(
            f"the model's output {tensor.name!r} has {tensor.width} columns: a classifier's scores need"
            " spec.model.classes, a regressor may give one value"
        )
    return Outputs("values", (tensor.name,), None, None)


def _class_names(classes: Sequence[str] | None, known: Labels | None, count: int | None) -> tuple[str, ...]:
    own = tuple(str(label) for label in known or ())
    if classes is None:
        return own
    names = tuple(classes)
    if len(set(names)) < len(names):
        raise ModelError("spec.model.classes names a class more than once")
    if count is not None and len(names) != count:
        raise ModelError(f"spec.model.classes names {len(names)} classes, but the model has {count}")
    if names != own and set(names) == set(own):
        raise ModelError(f"spec.model.classes has another order than the model's scores; write them as {_listed(own)}")
    return names


def _one_of(candidates: Sequence[Labels]) -> Labels | None:
    """The candidate, where all are the same; an ensemble's inner models may have other labels than the whole."""
    return candidates[0] if len(set(candidates)) == 1 else None


def _plain(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_]", "_", name)


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:20])
    return shown + (f" and {len(names) - 20} more" if len(names) > 20 else "")
