# One image for every process: `serve` (all on one machine, the default), `api`, `worker`, `check`.
FROM python:3.13-slim-bookworm AS build
WORKDIR /src
ENV UV_LINK_MODE=copy UV_COMPILE_BYTECODE=1 VIRTUAL_ENV=/opt/paper-processing
# What changes seldom comes first: the packages of the lock, without those that only development needs.
COPY pyproject.toml requirements.lock ./
RUN pip install --no-cache-dir --disable-pip-version-check "$(grep '^uv==' requirements.lock)" \
    && uv venv --no-cache "$VIRTUAL_ENV" \
    && uv pip install --no-cache --constraint requirements.lock --extra otel --extra s3 --extra neural -r pyproject.toml
COPY README.md LICENSE ./
COPY app app
RUN uv pip install --no-cache --no-deps --build-constraint requirements.lock .

FROM python:3.13-slim-bookworm
COPY --from=build /opt/paper-processing /opt/paper-processing
RUN useradd --system --uid 10001 --no-create-home --home-dir /data papers \
    && install --directory --owner=papers --mode=0700 /data
ENV PATH=/opt/paper-processing/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PAPERS_HOST=0.0.0.0 \
    PAPERS_PORT=8000 \
    PAPERS_DATA_DIR=/data
# By number, so that Kubernetes can see that it is not root.
USER 10001
WORKDIR /data
VOLUME /data
EXPOSE 8000
# Of `serve` and `api`; a worker answers no HTTP, and compose.yaml switches it off there.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as web; web.urlopen(f\"http://127.0.0.1:{os.environ['PAPERS_PORT']}/health/ready\", timeout=4)"]
ENTRYPOINT ["paper-processing"]
CMD ["serve"]
