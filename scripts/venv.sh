#!/bin/sh
# Makes .venv anew with exactly what requirements.lock names. Every file is checked against its hash.
set -eu
cd "$(dirname "$0")/.."

python=
for candidate in python3.11 python3.12 python3.13 python3; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        python=$candidate
        break
    fi
done
if [ -z "$python" ]; then
    echo "Songda needs Python 3.11 or newer, and none was found. On Debian or Ubuntu: apt-get install python3 python3-venv" >&2
    exit 1
fi

echo "making .venv with $("$python" --version) …"
if ! "$python" -m venv --clear .venv; then
    echo "$python cannot make a virtual environment. On Debian or Ubuntu: apt-get install python3-venv" >&2
    exit 1
fi

# uv installs in seconds what takes pip a minute. Where it cannot be had, pip does the same work.
pip=".venv/bin/python -m pip --disable-pip-version-check"
if $pip install --quiet --require-hashes -r scripts/tools.lock; then
    .venv/bin/uv pip install --quiet --system-certs --python .venv/bin/python --require-hashes -r requirements.lock
else
    echo "uv could not be installed; pip takes a minute …" >&2
    $pip install --quiet --require-hashes -r requirements.lock
fi
