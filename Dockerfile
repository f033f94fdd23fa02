# How to build and run it: docs/container.md.
# The base needs python3, 3.11 or newer, with venv and pip.
ARG PYTHON_IMAGE=python:3.13-slim

FROM ${PYTHON_IMAGE} AS build
ARG EXTRAS=server,otel
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
COPY constraints.txt .
# pip takes no constraints for what it builds with by itself.
RUN --mount=type=cache,target=/root/.cache/pip \
    python3 -m venv --without-pip /opt/build \
    && python3 -m pip --python /opt/build/bin/python install \
        --only-binary :all: --constraint constraints.txt hatchling
COPY . .
RUN python3 -m pip --python /opt/build/bin/python wheel \
        --no-build-isolation --no-deps --wheel-dir /wheels .
# Bytecode that is never checked against its source: nobody can write to either.
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
# It proves the image, and leaves behind what python:*-slim lacks: the bytecode of those modules of the
# standard library that are used, without which each start takes nearly twice as long.
RUN harmony-server encode ok && python -c "import harmony_server.process.server"
# The defaults are a file, so that flags, HARMONY_… variables and a file of the user's all come first.
# A new volume mounted on /run/harmony gets that folder's owner.
RUN install -d /etc/harmony \
    && echo 'listen = ["unix:///run/harmony/harmony.sock", "127.0.0.1:50051"]' > /etc/harmony/harmony.toml \
    && install -d -o 65532 -g 65532 /run/harmony
# From here on nothing is written.
ENV PYTHONDONTWRITEBYTECODE=1 \
    HARMONY_CONFIG=/etc/harmony/harmony.toml \
    HEALTH_TARGET=unix:///run/harmony/harmony.sock
USER 65532:65532
WORKDIR /
# Where the socket is stays writable when the root is read-only.
VOLUME /run/harmony
EXPOSE 50051
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s CMD ["harmony-server", "health"]
ENTRYPOINT ["harmony-server"]
CMD ["serve"]
