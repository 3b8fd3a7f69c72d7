"""`spec.serving`: how the model is served."""

import math
from typing import Annotated

from pydantic import Field

from driftmonitor_api.base import Milliseconds, Quantity, SpecModel, parse_quantity, rules
from driftmonitor_api.v1alpha1.fields import WebAddress


class ResourceList(SpecModel):
    """Amounts of processor and memory."""

    cpu: Quantity | None = None
    """Processor, such as `500m` or `2`."""
    memory: Quantity | None = None
    """Memory, such as `512Mi`."""


def _within_limit(resource: str) -> tuple[str, str]:
    both = f"has(self.requests) && has(self.limits) && has(self.requests.{resource}) && has(self.limits.{resource})"
    request, limit = (f"quantity(string(self.{amount}.{resource}))" for amount in ("requests", "limits"))
    return f"!({both}) || {request}.compareTo({limit}) <= 0", f"requests.{resource} must not be more than its limit"


class Resources(SpecModel):
    """What the scheduler reserves, and what the kernel enforces."""

    model_config = {"json_schema_extra": rules(_within_limit("cpu"), _within_limit("memory"))}

    requests: ResourceList | None = None
    """Reserved on the node."""
    limits: ResourceList | None = None
    """Enforced; over its memory limit a container is killed."""


class Autoscaling(SpecModel):
    """A HorizontalPodAutoscaler over the inference pods' processor use; it needs a metrics server in the cluster."""

    model_config = {
        "json_schema_extra": rules(
            ("self.minReplicas <= self.maxReplicas", "minReplicas must not be more than maxReplicas"),
        )
    }

    min_replicas: Annotated[int, Field(ge=1, le=100)] = 1
    """The fewest inference pods."""
    max_replicas: Annotated[int, Field(ge=1, le=100)]
    """The most inference pods."""
    target_cpu_utilization_percent: Annotated[int, Field(ge=1, le=100)] = 80
    """Processor use of the inference container, in percent of its request, that the number of pods is steered to."""


class Batching(SpecModel):
    """The rows of requests that come at the same time are predicted together."""

    max_batch_size: Annotated[int, Field(ge=2, le=10_000)] = 32
    """Rows that are predicted together at most; a request of as many rows or more is predicted by itself."""
    max_latency: Milliseconds = "2ms"
    """How long a request waits for others at most, such as `2ms`."""


class Tracing(SpecModel):
    """A span for each request, sent to an OpenTelemetry collector. One that is not to be had costs spans, never
    requests."""

    endpoint: WebAddress
    """Where spans go, by OTLP over HTTP, such as `http://otel-collector.observability.svc:4318/v1/traces`."""
    sampling_percent: Annotated[int, Field(ge=1, le=100)] = 100
    """Percent of the requests without a `traceparent` that are traced. One with a `traceparent` is traced if its caller
    traces it."""


MAX_WORKERS = 16


class Serving(SpecModel):
    """How the model is served."""

    model_config = {
        "json_schema_extra": rules(
            ("!has(self.replicas) || !has(self.autoscaling)", "set replicas or autoscaling, not both"),
        )
    }

    replicas: Annotated[int, Field(ge=0, le=100)] | None = None
    """Number of inference pods. Default: 1, or what `autoscaling` makes of it."""
    autoscaling: Autoscaling | None = None
    """Has the number of pods follow the load, instead of `replicas`."""
    resources: Resources | None = None
    """Of the inference container. Default: requests of 100m and 256Mi, a memory limit of 1Gi. One process serves for
    each processor of `limits.cpu`, rounded up, 16 at most; without that limit one."""
    batching: Batching | None = None
    """Predicts rows of several requests together. Default: each request by itself, which is faster for most models."""
    max_concurrent_requests: Annotated[int, Field(ge=1, le=100_000)] = 256
    """Requests that a process has in hand at once; what comes beyond is answered 503 with `Retry-After`."""
    access_log: bool = False
    """Whether each request is a line of the container's log: method, path, status, rows, seconds and ids."""
    tracing: Tracing | None = None
    """Exports a span for each request. Default: none."""

    @property
    def workers(self) -> int:
        """Number of processes of one pod that serve."""
        limits = self.resources.limits if self.resources is not None else None
        processors = parse_quantity(limits.cpu) if limits is not None and limits.cpu is not None else 1
        return min(max(1, math.ceil(processors)), MAX_WORKERS)

    @property
    def least_replicas(self) -> int:
        """The number of pods that must be there, autoscaled or not."""
        if self.autoscaling is not None:
            return self.autoscaling.min_replicas
        return 1 if self.replicas is None else self.replicas
