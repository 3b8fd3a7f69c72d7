"""Pure: what the model's outputs mean."""

from collections.abc import Sequence

from driftmonitor_inference.onnxfile import Hints, Labels
from driftmonitor_inference.signature import INTEGER_RANGE, ModelError, Outputs, Tensor, listed

_LABELS = (*(f"tensor({element_type})" for element_type in INTEGER_RANGE), "tensor(string)", "tensor(bool)")
_FLOATS = ("tensor(float)", "tensor(double)", "tensor(float16)")


def outputs_of(tensors: Sequence[Tensor], classes: Sequence[str] | None, hints: Hints) -> Outputs:
    """What the model's outputs mean; ModelError says how to export it where that cannot be told."""
    zipmaps = [tensor for tensor in tensors if tensor.type.startswith("seq(map(")]
    labels = [tensor for tensor in tensors if tensor.type in _LABELS]
    floats = [tensor for tensor in tensors if tensor.type in _FLOATS]
    if len(labels) == 1 and len(zipmaps) == 1 and not floats:
        known = _one_of(hints.zipmap_labels)
        if known is None:
            raise ModelError("the model's ZipMap does not tell its classes; export it with zipmap off")
        return Outputs("zipmap", (labels[0], zipmaps[0]), known, _class_names(classes, known, len(known)))
    if len(labels) == 1 and len(floats) == 1 and not zipmaps:
        return _with_scores(labels[0], floats[0], classes, hints)
    if len(floats) == 1 and not labels and not zipmaps:
        return _floats_only(floats[0], classes)
    if len(labels) == 1 and not floats and not zipmaps:
        if classes is not None:
            raise ModelError("spec.model.classes is given, but the model gives labels without scores; remove it")
        return Outputs("labels", (labels[0],), None, None)
    listed = ", ".join(f"{tensor.name} {tensor.type}" for tensor in tensors)
    raise ModelError(
        f"the model's outputs ({listed}) are neither a label with probabilities nor one tensor of values;"
        ' export a classifier with options={"zipmap": False}'
    )


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
    return Outputs("scores", (label, scores), known, _class_names(classes, known, count))


def _floats_only(tensor: Tensor, classes: Sequence[str] | None) -> Outputs:
    if classes is not None:
        probability_of_the_second = tensor.width == 1 and len(classes) == 2
        if tensor.width not in (None, len(classes)) and not probability_of_the_second:
            raise ModelError(
                f"spec.model.classes names {len(classes)} classes, but the model's output {tensor.name!r}"
                f" has {tensor.width} columns"
            )
        return Outputs("scores", (tensor,), None, tuple(classes))
    if tensor.width not in (1, None) or len(tensor.shape) > 2:
        raise ModelError(
            f"the model's output {tensor.name!r} has {tensor.width} columns: a classifier's scores need"
            " spec.model.classes, a regressor may give one value"
        )
    return Outputs("values", (tensor,), None, None)


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
        raise ModelError(f"spec.model.classes has another order than the model's scores; write them as {listed(own)}")
    return names


def _one_of(candidates: Sequence[Labels]) -> Labels | None:
    """The candidate, where all are the same; an ensemble's inner models may have other labels than the whole."""
    return candidates[0] if len(set(candidates)) == 1 else None
