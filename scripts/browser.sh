#!/usr/bin/env bash
# Looks for Chromium, and installs it where that needs no question: as root on Debian.
#
# Without a browser the browser tests are skipped; LIVEFILE_REQUIRE_BROWSER=1 makes that a failure.
set -euo pipefail

for candidate in chromium chromium-browser google-chrome google-chrome-stable; do
    if command -v "$candidate" >/dev/null 2>&1; then
        exit 0
    fi
done

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "== browser: installing Chromium"
    export DEBIAN_FRONTEND=noninteractive
    if apt-get update -qq && apt-get install -y -qq chromium >/dev/null; then
        exit 0
    fi
    echo "   Chromium could not be installed" >&2
fi

if [ "${LIVEFILE_REQUIRE_BROWSER:-}" = 1 ]; then
    echo "error: no Chromium, and LIVEFILE_REQUIRE_BROWSER=1 asks for one" >&2
    exit 1
fi
echo "== browser: no Chromium here, so the browser tests will be skipped"
