#!/bin/sh
# Brings the tables up to date: in the container with its own Python, in a checkout with .venv.
set -eu
cd "$(dirname "$0")/.."
python="python"
[ ! -x .venv/bin/python ] || python=".venv/bin/python"
exec "$python" manage.py migrate --no-input
