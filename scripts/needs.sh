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

# 仿宋, 黑体 and 楷体 are in Debian only inside a package of 50 MB that draws TeX in; its Fandol folder is unpacked by itself.
fandol=/usr/local/share/fonts/fandol
if [ ! -e $fandol/FandolFang-Regular.otf ]; then
    missing="$missing fandol"
fi

if [ -z "$missing" ]; then
    exit 0
fi
if [ "$(id -u)" -ne 0 ]; then
    echo "The tests need$missing. Please run: sudo sh scripts/needs.sh" >&2
    exit 1
fi

echo "installing$missing …"
export DEBIAN_FRONTEND=noninteractive

unpack_fandol() { # also leaves the licence beside the fonts
    folder=$(mktemp -d)
    (cd "$folder" && apt-get download -qq -o APT::Sandbox::User=root texlive-lang-chinese && dpkg-deb -x ./*.deb .) &&
        mkdir -p $fandol &&
        cp "$folder"/usr/share/doc/texlive-doc/fonts/fandol/* $fandol &&
        cp "$folder"/usr/share/texlive/texmf-dist/fonts/opentype/public/fandol/Fandol[FHKS]*.otf $fandol
    done=$?
    rm -rf "$folder"
    return $done
}

packages=${missing% fandol}
# shellcheck disable=SC2086  # a list of package names, to be split at its blanks
if ! { apt-get update -qq && apt-get install -y -qq --no-install-recommends $packages; } </dev/null; then
    echo "apt-get could not install$missing. The tests need it; please install it by hand." >&2
    exit 1
fi
if [ "$packages" != "$missing" ] && ! unpack_fandol; then
    echo "Debian's texlive-lang-chinese could not be unpacked into $fandol. The tests need its Fandol fonts." >&2
    exit 1
fi
