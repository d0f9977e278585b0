#!/usr/bin/env bash
# Set up what is missing: virtual environment, Python packages from the lock file, MariaDB, and Chromium for tests.
# Usage: tools/setup.sh run|test|lint|bench
set -euo pipefail
cd "$(dirname "$0")/.."
what="${1:-run}"

say() { printf '\033[1m%s\033[0m\n' "$*" >&2; }
fail() { printf '\033[31m%s\033[0m\n' "$*" >&2; exit 1; }

# Install Debian packages as root, through sudo where it asks for no password, or tell what to type.
install_packages() {
    local why="$1"; shift
    if ! command -v apt-get >/dev/null; then
        fail "$why is missing and this is not Debian or Ubuntu. Install it with your system's tools (there the packages are called: $*), then try again."
    fi
    local as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        if command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
            as_root=(sudo -n)
        else
            fail "$why is missing and you are not root. Run: sudo apt-get install --no-install-recommends $*   then try again."
        fi
    fi
    say "Installing $why ($*) ..."
    "${as_root[@]}" apt-get update -qq || say "apt-get update failed; trying with the lists that are there"
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null \
        || fail "$why could not be installed; run: apt-get install --no-install-recommends $*"
}

find_python() {
    local name
    for name in python3 python3.14 python3.13 python3.12 python3.11; do
        if command -v "$name" >/dev/null \
            && "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$name"
            return
        fi
    done
}

python="$(find_python)"
[ -n "$python" ] || fail "Python 3.11 or newer is needed; found: $(python3 --version 2>&1 || echo none)."

if [ ! -x .venv/bin/python ]; then
    "$python" -c 'import ensurepip, venv' 2>/dev/null || install_packages "Python's venv module" python3-venv
    say "Making the virtual environment .venv ..."
    "$python" -m venv .venv
fi

# Each lock holds all of the one before it, so that a larger one that is installed never has to give way.
case "$what" in
    run) lock=requirements.lock ;;
    bench) lock=requirements-bench.lock ;;
    *) lock=requirements-dev.lock ;;
esac
if [ "$what" != bench ] && [ -f .venv/installed-requirements-bench.lock ]; then lock=requirements-bench.lock
elif [ "$what" = run ] && [ -f .venv/installed-requirements-dev.lock ]; then lock=requirements-dev.lock; fi
stamp=".venv/installed-$lock"
if ! cat "$lock" pyproject.toml | cmp -s - "$stamp"; then
    say "Installing Python packages from $lock ..."
    .venv/bin/python -m pip install -qq --disable-pip-version-check --require-hashes -r "$lock"
    .venv/bin/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation -e .
    cat "$lock" pyproject.toml > "$stamp"
fi

# Somebody's own database: in the environment or, as the portal reads it, in .env.
names_database() {
    [ -n "${DATABASE_URL:-}" ] || grep -qsE '^[[:space:]]*(export[[:space:]]+)?DATABASE_URL=.+' .env
}

has_database() {
    PATH="$PATH:/usr/sbin:/usr/local/sbin" command -v mariadbd >/dev/null \
        || PATH="$PATH:/usr/sbin:/usr/local/sbin" command -v mysqld >/dev/null
}

if [ "$what" != lint ] && ! has_database; then
    if [ "$what" != run ] || ! names_database; then
        install_packages "MariaDB's server" mariadb-server-core
    fi
fi

if [ "$what" = test ] && ! command -v chromium-headless-shell >/dev/null && ! command -v chromium >/dev/null; then
    # Chromium without a window, which tests in half of the time.
    install_packages "Chromium" chromium-headless-shell fonts-dejavu-core fonts-noto-color-emoji
fi

if [ "$what" = bench ]; then
    command -v wrk >/dev/null || install_packages "the load generator wrk" wrk
    if ! PATH="$PATH:/usr/sbin" command -v nginx >/dev/null; then
        install_packages "nginx" nginx-light
        # Debian starts it as a service on port 80; the benchmark starts its own.
        if [ -d /run/systemd/system ]; then
            if [ "$(id -u)" -eq 0 ]; then systemctl disable --now --quiet nginx; else sudo -n systemctl disable --now --quiet nginx; fi
        fi
    fi
    if ! command -v gcc >/dev/null || ! command -v mariadb_config >/dev/null; then
        install_packages "a C compiler and MariaDB's C client" gcc libc6-dev libmariadb-dev
    fi
fi
