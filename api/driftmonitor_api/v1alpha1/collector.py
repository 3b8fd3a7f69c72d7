"""`spec.collector`: where predictions are stored."""

from typing import Annotated

from pydantic import AfterValidator, Field

from driftmonitor_api.base import ByteSize, Duration, ObjectName, SpecModel, rule, rules
from driftmonitor_api.storeaddress import STORE_ADDRESS, STORE_ADDRESSES, is_store_address
from driftmonitor_api.v1alpha1.names import DEFAULT_VOLUME_SIZE
from driftmonitor_api.v1alpha1.serving import Resources


def _store_address(uri: str) -> str:
    if not is_store_address(uri):
        raise ValueError(f"{uri!r} is not of the form {STORE_ADDRESSES}")
    return uri


class Storage(SpecModel):
    """Where the records lie: on a volume, or in an object store."""

    model_config = {
        "json_schema_extra": rules(
            (
                "!has(self.uri) || (!has(self.size) && !has(self.storageClassName))",
                "uri is for an object store, size and storageClassName are for a volume: set one or the other",
            ),
            (
                "has(self.uri) == has(self.credentialsSecret)",
                "set uri and credentialsSecret together: the Secret has the keys for the object store",
            ),
        )
    }

    size: ByteSize | None = None
    """Size of the volume claim. Default: `10Gi`."""
    storage_class_name: ObjectName | None = None
    """Of the volume claim. Default: the cluster's default StorageClass."""
    uri: (
        Annotated[
            str,
            Field(min_length=1, max_length=1024),
            rule(f"self.matches('^{STORE_ADDRESS}$')", f"must be {STORE_ADDRESSES}"),
            AfterValidator(_store_address),
        ]
        | None
    ) = None
    """Object store instead of a volume: `s3://<bucket>/<prefix>`, `gs://<bucket>/<prefix>` or
    `az://<container>/<prefix>`. The records lie below it, in `<namespace>/<name>` of the DriftMonitor, and stay there
    when it is deleted. The store must have conditional writes (`If-None-Match: *`), as all three clouds have. Default:
    a volume."""
    credentials_secret: ObjectName | None = None
    """Secret of the same namespace with the keys for `uri`, which must allow to read, write, list and delete. For
    `s3://` and `gs://` those of `model.credentialsSecret`; for `az://`: `AZURE_STORAGE_ACCOUNT_NAME` and one of
    `AZURE_STORAGE_ACCOUNT_KEY` and `AZURE_STORAGE_SAS_TOKEN`, where needed `AZURE_STORAGE_ENDPOINT`."""

    @property
    def volume_size(self) -> str:
        """Size of the volume claim, where there is one."""
        return self.size or DEFAULT_VOLUME_SIZE


def _unchanged(field: str, default: str | None = None) -> str:
    """A rule's part: whether an optional field of `self` is as it was."""
    if default is not None:
        return " == ".join(f"(has({it}.{field}) ? {it}.{field} : '{default}')" for it in ("self", "oldSelf"))
    return f"has(self.{field}) == has(oldSelf.{field}) && (!has(self.{field}) || self.{field} == oldSelf.{field})"


class Collector(SpecModel):
    """The service that stores the records."""

    model_config = {
        "json_schema_extra": rules(
            (
                "!has(self.replicas) || self.replicas == 1 || (has(self.storage) && has(self.storage.uri))",
                "several replicas need storage.uri: a volume has one writer",
            ),
            (
                "!has(self.retentionSize) || !has(self.storage) || !has(self.storage.uri)",
                "retentionSize is for a volume; an object store has no size, and retention deletes by age",
            ),
        )
    }

    storage: Annotated[
        Storage,
        rule(
            " && ".join((_unchanged("size", DEFAULT_VOLUME_SIZE), _unchanged("storageClassName"), _unchanged("uri"))),
            "storage cannot change, but for its credentialsSecret: it holds the records; make a new DriftMonitor",
        ),
    ] = Storage()
    """Where they lie."""
    replicas: Annotated[int, Field(ge=1, le=10)] = 1
    """Number of its pods; several need `storage.uri`. Each takes records and answers for all: a record is stored once,
    whichever of them it was sent to."""
    retention: Duration = "30d"
    """Age at which records are deleted, by the hour; reports too."""
    retention_size: ByteSize | None = None
    """Size of the stored records, such as `8Gi`, above which their oldest hours are deleted although they have not
    reached that age. Default: 80 % of `storage.size`. With more than is left of the volume, records are refused when it
    is full, and then predictions as `logging.whenFull` says."""
    resources: Resources | None = None
    """Of the collector. Default: requests of 100m and 128Mi, a memory limit of 1Gi."""
