#!/usr/bin/env bash
# Makes the environment in .venv, from the first Python on this machine that is new enough.
#
# PYTHON names the interpreter to use instead. What is installed into .venv is the Makefile's
# business.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH="${PATH//"$PWD/.venv/bin:"/}"  # The environment is not made from itself.

is_new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

can_make_environments() {
    "$1" -c 'import ensurepip, venv' >/dev/null 2>&1
}

if [ -x .venv/bin/python ] && is_new_enough .venv/bin/python \
    && .venv/bin/python -m pip --version >/dev/null 2>&1; then
    exit 0
fi

without_venv=""
for candidate in ${PYTHON:-python3 python3.11 python3.12 python3.13 python3.14 python}; do
    is_new_enough "$candidate" || continue
    if ! can_make_environments "$candidate"; then
        without_venv="$candidate"
        continue
    fi
    echo "== environment: .venv from $candidate ($("$candidate" --version))"
    # --clear: a .venv that did not pass the test above is half made or too old.
    exec "$candidate" -m venv --clear .venv
done

if [ -n "$without_venv" ]; then
    echo "error: $without_venv cannot make environments." \
        "On Debian and Ubuntu: apt-get install python3-venv" >&2
else
    found="$(python3 --version 2>/dev/null || echo 'no python3')"
    echo "error: Livefile needs Python 3.11 or newer; found: $found." \
        "Install one, or name it: make PYTHON=/path/to/python3.11" >&2
fi
exit 1
