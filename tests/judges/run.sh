#!/usr/bin/env bash
# run.sh PROGRAM FOLDER: lets independent implementations judge PROGRAM's verdicts; they are installed in FOLDER.
set -euo pipefail
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
program=$(readlink -f "$1")
mkdir -p "$2"
folder=$(readlink -f "$2")

node=$("$here/install.sh" "$folder")
for judge in judges sdp twiml serve matrix simulator stand_ins; do
    "$node" "$here/$judge.mjs" "$program" "$folder"
done
