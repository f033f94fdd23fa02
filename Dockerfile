# How to build and run it: docs/container.md.
# The base image must have python3, 3.11 or newer, with venv and pip.
ARG PYTHON_IMAGE=python:3.13-slim

FROM ${PYTHON_IMAGE} AS build
ARG EXTRAS=server,otel
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
COPY constraints.txt .
# Installed explicitly, because pip ignores constraints for build requirements that it installs itself.
RUN --mount=type=cache,target=/root/.cache/pip \
    python3 -m venv --without-pip /opt/build \
    && python3 -m pip --python /opt/build/bin/python install \
        --only-binary :all: --constraint constraints.txt hatchling
COPY . .
RUN python3 -m pip --python /opt/build/bin/python wheel \
        --no-build-isolation --no-deps --wheel-dir /wheels .
# unchecked-hash: no need to compare bytecode with its source, as nobody can write to either.
RUN --mount=type=cache,target=/root/.cache/pip \
    python3 -m venv --without-pip /opt/harmony \
    && python3 -m pip --python /opt/harmony/bin/python install \
        --only-binary :all: --no-compile --constraint constraints.txt "$(echo /wheels/*.whl)[${EXTRAS}]" \
    && /opt/harmony/bin/python -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/harmony/lib

FROM ${PYTHON_IMAGE}
ARG PYTHON_IMAGE
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="harmony-sidecar" \
      org.opencontainers.image.description="gRPC sidecar that renders and parses the harmony format of OpenAI's gpt-oss models" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.base.name="${PYTHON_IMAGE}"
ENV PATH=/opt/harmony/bin:$PATH
COPY --from=build /opt/harmony /opt/harmony
# Tests the image. Also compiles the modules of the standard library that the server uses, which
# python:*-slim has no bytecode for; without it each start takes nearly twice as long.
RUN harmony-server encode ok && python -c "import harmony_server.process.server"
# Defaults in a file, so that flags, HARMONY_… variables and another file take precedence.
# A new volume mounted on /run/harmony gets the owner of this folder.
RUN install -d /etc/harmony \
    && echo 'listen = ["unix:///run/harmony/harmony.sock", "127.0.0.1:50051"]' > /etc/harmony/harmony.toml \
    && install -d -o 65532 -g 65532 /run/harmony
# Every module that the server uses has its bytecode by now.
ENV PYTHONDONTWRITEBYTECODE=1 \
    HARMONY_CONFIG=/etc/harmony/harmony.toml \
    HEALTH_TARGET=unix:///run/harmony/harmony.sock
USER 65532:65532
WORKDIR /
# Keeps the socket's folder writable with a read-only root file system.
VOLUME /run/harmony
EXPOSE 50051
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s CMD ["harmony-server", "health"]
ENTRYPOINT ["harmony-server"]
CMD ["serve"]
