# syntax=docker/dockerfile:1
FROM python:3.12-slim-bookworm AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /app
COPY requirements.txt .
RUN python -m venv /venv && /venv/bin/pip install --only-binary :all: -r requirements.txt
COPY . .
# Any values do: static files depend on none of them, and none is kept in the image.
RUN ENVIRONMENT=production BASE_URL=http://build.invalid \
    SECRET_KEY=only-used-while-building-the-image-000 \
    FIELD_ENCRYPTION_KEY=only-used-while-building-the-image-000 \
    LOCAL_AUTH_TOKEN=only-used-while-building-the-image-0000000000000000 \
    /venv/bin/python manage.py collectstatic --no-input --verbosity 0

FROM python:3.12-slim-bookworm
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    ENVIRONMENT=production DATA_DIR=/data LOG_FORMAT=json
RUN useradd --system --uid 10001 --create-home --home-dir /home/missioncontrol missioncontrol \
    && install -d -o missioncontrol -g missioncontrol -m 0700 /data
COPY --from=build /venv /venv
COPY --from=build /app /app
COPY deploy/npm /usr/local/bin/npm
WORKDIR /app
USER missioncontrol
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=6 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
ENTRYPOINT ["python", "-m", "missioncontrol.run", "--host", "0.0.0.0", "--port", "8000"]
CMD ["--role", "web"]
