"""Pure: the evidence -> the name of the change. The rules are ordered: the first that holds names it.

docs/diagnosis.md has them as a table, and how often they are right.
"""

from collections.abc import Sequence

from driftmonitor_api.v1alpha1.diagnosis import Diagnosis, DiagnosisName
from driftmonitor_check.diagnosis.evidence import Basis, Evidence
from driftmonitor_check.verdict import listed

LEAST_EXPLAINED: dict[Basis, float] = {"labels": 0.7, "labels of the reference": 0.7, "predictions": 0.8}
"""Share of the features' drift that the classes must explain. Predictions stand for labels less well."""
_MOST_COLUMNS = 10
_FELT = 0.02
"""Change of the mean confidence that is worth a word."""


def diagnose(evidence: Evidence) -> Diagnosis:
    """The name of the change, with its evidence in a sentence."""
    for rule in (_upstream_fault, _prior, _concept, _covariate, _undetermined):
        if found := rule(evidence):
            return found
    return Diagnosis(name="None", message="Nothing points to a change.")


def _upstream_fault(evidence: Evidence) -> Diagnosis | None:
    """Most of the columns with something to tell are damaged."""
    damaged = list(evidence.faults)
    others = [name for name in evidence.moved if name not in evidence.faults]
    if not damaged or len(others) > len(damaged):
        return None
    told = listed([f"{name} ({evidence.faults[name]})" for name in damaged])
    return _named("UpstreamDataFault", damaged, [f"Data reached the model damaged: {told}.", _besides(others)])


def _prior(evidence: Evidence) -> Diagnosis | None:
    """The classes have moved, and the features of each class are as they were."""
    shifted = evidence.predictions_moved if evidence.labels_moved is None else evidence.labels_moved
    because = evidence.explained
    if not shifted or because is None or because.share < LEAST_EXPLAINED[because.basis]:
        return None
    sentences = [
        "What is predicted has other shares than before, and the features given that are as they were:"
        f" by the {because.basis}, the shares explain {min(because.share, 1):.0%} of the features' drift.",
        _damaged(evidence),
    ]
    return _named("PriorDrift", evidence.moved, sentences)


def _concept(evidence: Evidence) -> Diagnosis | None:
    """The labels do not follow from the features as they did, which have not moved."""
    if evidence.moved or evidence.joint or not (evidence.errors or evidence.relation):
        return None
    sentences = [
        "The features are as they were, and what follows from them is not:",
        _relation(evidence),
        _errors(evidence),
        _damaged(evidence),
    ]
    columns = [evidence.relation] if evidence.relation else []
    return _named("ConceptDrift", columns, sentences)


def _covariate(evidence: Evidence) -> Diagnosis | None:
    """The features have moved."""
    if not evidence.moved and not evidence.joint:
        return None
    moved = f"The features have moved: {listed(evidence.moved)}." if evidence.moved else ""
    joint = f"Together, or in a part of the rows, they have moved: {listed(evidence.joint)}." if evidence.joint else ""
    kept = ""
    if not evidence.relation_known:
        kept = "Whether labels still follow from them in the same way is not known without labels."
    elif evidence.relation is None and not evidence.errors:
        kept = "Labels follow from them as before."
    return _named(
        "CovariateDrift",
        evidence.moved,
        [moved, joint, kept, _relation(evidence), _errors(evidence), _confidence(evidence), _damaged(evidence)],
    )


def _undetermined(evidence: Evidence) -> Diagnosis | None:
    """Something has moved that the features do not explain."""
    what = []
    if evidence.predictions_moved:
        what.append("the predictions")
    if evidence.labels_moved:
        what.append("the labels")
    if not what:
        return None
    reason = "no rule says why: the features taken one by one are as they were"
    return _named("Undetermined", (), [f"{' and '.join(what).capitalize()} have moved, and {reason}."])


def _named(name: DiagnosisName, columns: Sequence[str], sentences: Sequence[str]) -> Diagnosis:
    message = " ".join(filter(None, sentences))
    return Diagnosis(name=name, message=message[:1024], columns=[column[:128] for column in columns[:_MOST_COLUMNS]])


def _besides(others: Sequence[str]) -> str:
    return f"Besides, these have moved undamaged: {listed(others)}." if others else ""


def _damaged(evidence: Evidence) -> str:
    told = listed([f"{name} ({what})" for name, what in evidence.faults.items()])
    return f"Besides, damaged: {told}." if told else ""


def _relation(evidence: Evidence) -> str:
    return f"Labels follow otherwise than before from {evidence.relation}." if evidence.relation else ""


def _errors(evidence: Evidence) -> str:
    return f"The errors have grown ({', '.join(evidence.errors)})." if evidence.errors else ""


def _confidence(evidence: Evidence) -> str:
    if evidence.confidence is None:
        return ""
    before, now = evidence.confidence
    if abs(now - before) < _FELT:
        return ""
    return f"The model's mean confidence was {before:.2f} and is {now:.2f}."
