# Painplan in a container. It runs from a copy of the checkout in /app, as `make setup` does, so that
# app/, fhir_profiles/ and migrations/ lie beside one another. See docs/docker.md for how to run it.
#
# The image sets no PAINPLAN_AUTH. Its default, off, is accepted on a loopback address only, and the
# service refuses to start on 0.0.0.0 with it: whoever runs the image decides who may speak to it.

FROM python:3.11-slim-bookworm AS build

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1

RUN python -m venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH

# The lock first: this layer is built again only when a dependency changes.
COPY requirements.lock /app/
RUN pip install --require-hashes -r /app/requirements.lock

WORKDIR /app
COPY pyproject.toml README.md LICENSE openapi.yaml alembic.ini /app/
COPY app /app/app
COPY fhir_profiles /app/fhir_profiles
COPY migrations /app/migrations
# No index and no build isolation: the backend is the one in the lock. What only installs leaves.
RUN pip install --no-index --no-deps --no-build-isolation --editable . \
    && python -m compileall -q /app/app /opt/venv/lib \
    && pip uninstall --yes setuptools pip

FROM python:3.11-slim-bookworm

LABEL org.opencontainers.image.title="painplan" \
      org.opencontainers.image.licenses="Apache-2.0"

COPY --from=build /opt/venv /opt/venv
COPY --from=build /app /app

# The venv needs Python itself and none of the packages beside it. Owned by root and only read by
# the service; what it writes is in /data.
RUN python -m pip uninstall --yes pip setuptools wheel \
    && groupadd --system --gid 10001 painplan \
    && useradd --system --uid 10001 --gid painplan --home-dir /data --no-create-home painplan \
    && install --directory --owner=painplan --group=painplan --mode=0750 /data

ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PAINPLAN_DATABASE_URL=sqlite:////data/painplan.db

WORKDIR /app
USER 10001:10001
VOLUME ["/data"]
EXPOSE 8000

HEALTHCHECK --interval=30s --timeout=3s --start-period=20s --retries=3 \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=2)"]

CMD ["painplan", "serve", "--host", "0.0.0.0", "--port", "8000"]
