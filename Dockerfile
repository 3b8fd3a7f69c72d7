# The image of one component: docker build --build-arg COMPONENT=operator|inference|collector|driftcheck .
ARG BASE_IMAGE=python:3.11-slim-bookworm
ARG COMPONENT

# The component's own code, laid out as it lies in the image.
FROM ${BASE_IMAGE} AS code
ARG COMPONENT
COPY pyproject.toml hack/images/build/install.py /build/
COPY api ${COMPONENT} /build/source/
RUN python3 /build/install.py /build/pyproject.toml /build/source /image opt/venv

# The third-party packages in one layer, which stays the same while only code changes. pip has an environment of its
# own, gone at the layer's end: copying the packages from another stage instead would write a gigabyte three times.
# The secrets say how pip reaches its packages on the machine that builds; without them it uses its own defaults.
# The constraints are complete, hence --no-deps; wheels only, so that no compiler is ever needed.
FROM ${BASE_IMAGE} AS runtime
ARG COMPONENT
COPY constraints/${COMPONENT}.txt hack/images/build/slim.py /opt/build/
RUN --mount=type=secret,id=pip.conf,target=/etc/pip.conf \
    --mount=type=secret,id=certificates,target=/run/secrets/certificates \
    python3 -m venv /opt/pip && python3 -m venv --without-pip /opt/venv \
    && /opt/pip/bin/python -m pip --python /opt/venv/bin/python install \
        --progress-bar off --no-cache-dir --no-compile \
        --no-deps --only-binary :all: --require-hashes -r /opt/build/${COMPONENT}.txt \
    && python3 /opt/build/slim.py /opt/venv \
    && python3 /opt/build/slim.py --base \
    && rm -r /opt/pip /opt/build
COPY --from=code /image /
# No user of the base image: a home that can be written, as every pod has one.
ENV PATH=/opt/venv/bin:/usr/local/bin:/usr/bin:/bin HOME=/tmp PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
USER 65532:65532

FROM runtime AS operator
COPY fluentd /etc/driftmonitor/shippers
ENTRYPOINT ["python", "-m", "driftmonitor_operator"]

FROM runtime AS inference
ENTRYPOINT ["python", "-m", "driftmonitor_inference"]

FROM runtime AS collector
ENTRYPOINT ["python", "-m", "driftmonitor_collector"]

FROM runtime AS driftcheck
# Evidently sums over sets of names: the same data must give the same last digits.
ENV DO_NOT_TRACK=1 PYTHONHASHSEED=0
ENTRYPOINT ["python", "-m", "driftmonitor_check"]

FROM ${COMPONENT}
