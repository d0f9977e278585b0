#!/usr/bin/env bash
# Write requirements.lock, requirements-dev.lock and requirements-bench.lock anew from pyproject.toml.
set -euo pipefail
cd "$(dirname "$0")/.."
python3 -m venv .venv-lock
trap 'rm -rf .venv-lock' EXIT
.venv-lock/bin/pip install --quiet pip-tools
compile=(.venv-lock/bin/pip-compile --quiet --generate-hashes --no-emit-index-url --no-emit-find-links --no-header
         --strip-extras --allow-unsafe)
"${compile[@]}" --extra build -o requirements.lock pyproject.toml
"${compile[@]}" --extra build --extra dev -c requirements.lock -o requirements-dev.lock pyproject.toml
"${compile[@]}" --extra build --extra dev --extra bench-rewrite --extra bench-serve -c requirements-dev.lock -o requirements-bench.lock \
    pyproject.toml
