#!/bin/sh
# Installs from Debian what `make test` needs beyond Python: a browser, PostgreSQL, an SMS gateway, Chinese fonts, a PDF reader.
# Does nothing when all of it is there. Without root it says what to install, and fails.
set -eu

missing=
needs() { # needs PACKAGE FILE…: PACKAGE is missing unless one of the files exists
    package=$1
    shift
    for file in "$@"; do
        if [ -e "$file" ]; then
            return
        fi
    done
    missing="$missing $package"
}

needs chromium /usr/bin/chromium
needs postgresql /usr/lib/postgresql/*/bin/initdb
needs kannel /usr/sbin/bearerbox
needs fonts-noto-cjk /usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc
needs poppler-utils /usr/bin/pdftotext

if [ -z "$missing" ]; then
    exit 0
fi
if [ "$(id -u)" -ne 0 ]; then
    echo "The tests need$missing. Please run: sudo apt-get install --no-install-recommends$missing" >&2
    exit 1
fi

echo "installing$missing …"
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086  # a list of package names, to be split at its blanks
if ! { apt-get update -qq && apt-get install -y -qq --no-install-recommends $missing; } </dev/null; then
    echo "apt-get could not install$missing. The tests need it; please install it by hand." >&2
    exit 1
fi
