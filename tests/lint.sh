#!/usr/bin/env bash
# lint.sh changed|all: clang-format and clang-tidy over our sources; fails on anything they say.
# `changed` means: against the main branch of the remote, uncommitted work included, and what includes a changed header.
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.."

readonly all_sources=('core/*.cpp' 'core/*.hpp' 'cli/*.cpp' 'cli/*.hpp' 'tests/*.cpp' 'tests/*.hpp')

every_file() { git ls-files -co --exclude-standard -- "${all_sources[@]}"; }

changed_files() {
    local base
    base=$(git merge-base HEAD origin/main 2>/dev/null || git rev-parse --verify --quiet HEAD) || { every_file; return; }
    git diff --name-only "$base" -- "${all_sources[@]}"
    git ls-files -o --exclude-standard -- "${all_sources[@]}"
}

# Sources that include one of the headers named on standard input.
includers() {
    local header sources
    mapfile -t sources < <(every_file | grep '\.cpp$')
    while IFS= read -r header; do
        grep -lF "#include \"${header#*/}\"" "${sources[@]}" || true
    done
}

existing() { while IFS= read -r file; do if [ -f "$file" ]; then printf '%s\n' "$file"; fi; done; }

case ${1:-changed} in
all) mapfile -t files < <(every_file | existing) ;;
changed) mapfile -t files < <(changed_files | sort -u | existing) ;;
*) printf "lint: changed or all, not: %s\n" "$1" >&2; exit 1 ;;
esac
if [ ${#files[@]} = 0 ]; then
    echo 'lint: nothing has changed'
    exit 0
fi

unformatted=$(printf '%s\0' "${files[@]}" |
    xargs -0 -n 1 -P "$(nproc)" bash -c 'clang-format-14 --dry-run -Werror "$1" >/dev/null 2>&1 || printf "  %s\n" "$1"' format)
if [ -n "$unformatted" ]; then
    printf 'lint: not formatted:\n%s\nhint: ./dev format\n' "$unformatted" >&2
    exit 1
fi

# clang-tidy reads what the build knows how to compile: headers are read through the sources that include them.
mapfile -t units < <({ printf '%s\n' "${files[@]}" | grep '\.cpp$'; printf '%s\n' "${files[@]}" | grep '\.hpp$' | includers; } |
    sort -u | while IFS= read -r file; do if grep -qF "\"$PWD/$file\"" build/lint/compile_commands.json; then printf '%s\n' "$file"; fi; done)
printf 'lint: format of %s files, clang-tidy on %s sources\n' ${#files[@]} ${#units[@]}
if [ ${#units[@]} != 0 ]; then
    printf '%s\0' "${units[@]}" | xargs -0 -n 1 -P "$(nproc)" clang-tidy-16 --quiet -p build/lint 2>&1 |
        { grep --line-buffered -vE '^[0-9]+ warnings? (generated|treated as)|^Suppressed |^Use -header-filter' || true; }
fi
