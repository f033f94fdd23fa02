# How to build and run it: docs/container.md.
# The base needs python3, 3.11 or newer, with venv and pip.
ARG PYTHON_IMAGE=python:3.13-slim

FROM ${PYTHON_IMAGE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/root/.cache/pip \
    python3 -m pip wheel --no-deps --wheel-dir /wheels .
# Bytecode that is never checked against its source: nobody can write to either.
RUN --mount=type=cache,target=/root/.cache/pip \
    python3 -m venv --without-pip /opt/harmony \
    && python3 -m pip --python /opt/harmony/bin/python install \
        --only-binary :all: --no-compile --constraint constraints.txt "$(echo /wheels/*.whl)[server]" \
    && /opt/harmony/bin/python -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/harmony/lib

FROM ${PYTHON_IMAGE}
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="harmony-sidecar" \
      org.opencontainers.image.description="gRPC sidecar that renders and parses the harmony format of OpenAI's gpt-oss models" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
ENV PATH=/opt/harmony/bin:$PATH
COPY --from=build /opt/harmony /opt/harmony
# It proves the image, and leaves behind what python:*-slim lacks: the bytecode of those modules of the
# standard library that are used, without which each start takes nearly twice as long.
# A new volume mounted on /run/harmony gets that folder's owner.
RUN harmony-server encode ok && python -c "import harmony_server.server" \
    && install -d -o 65532 -g 65532 /run/harmony
# From here on nothing is written.
ENV PYTHONDONTWRITEBYTECODE=1 \
    HEALTH_TARGET=127.0.0.1:50051
USER 65532:65532
WORKDIR /
EXPOSE 50051
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s CMD ["python", "-c", "import os, grpc; from grpc_health.v1 import health_pb2 as pb, health_pb2_grpc as rpc; channel = grpc.insecure_channel(os.environ['HEALTH_TARGET'], options=[('grpc.enable_http_proxy', 0)]); raise SystemExit(rpc.HealthStub(channel).Check(pb.HealthCheckRequest(), timeout=4).status != pb.HealthCheckResponse.SERVING)"]
ENTRYPOINT ["harmony-server"]
# Every interface of the container, or no client could reach it. It is not encrypted: docs/container.md.
CMD ["serve", "--listen", "0.0.0.0:50051"]
