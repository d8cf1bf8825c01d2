#!/usr/bin/env bash
# run.sh SECONDS [NAME…]: runs each fuzz target of build/fuzz that long, two at a time on two cores.
# Seeds are in tests/fuzz/corpus/<name>; what a run discovers is kept in build/fuzz/corpus/<name> and used by the next.
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../.."

readonly seconds=$1
shift
[[ $seconds =~ ^[1-9][0-9]*$ ]] || { printf "fuzz: not a number of seconds: %s\nhint: ./dev fuzz 60\n" "$seconds" >&2; exit 1; }

# Longest input: enough for every state of the parsers, short enough for thousands of runs a second.
readonly most_bytes=8192 most_megabytes=1024 most_seconds_per_input=10

# fuzz_one NAME: one line of result; a crash leaves its input in build/fuzz/crashes.
fuzz_one() {
    local name=$1 program=build/fuzz/fuzz_$1 corpus=build/fuzz/corpus/$1 log=build/fuzz/$1.log dictionary=()
    local seeds=()
    mkdir -p "$corpus" build/fuzz/crashes
    if [ -d "tests/fuzz/corpus/$name" ]; then seeds=("tests/fuzz/corpus/$name"); fi
    if [ -f "tests/fuzz/$name.dict" ]; then dictionary=(-dict="tests/fuzz/$name.dict"); fi
    local status=0
    "$program" "$corpus" "${seeds[@]}" -max_total_time="$seconds" -max_len=$most_bytes -rss_limit_mb=$most_megabytes \
        -timeout=$most_seconds_per_input -print_final_stats=1 -artifact_prefix="build/fuzz/crashes/$name-" \
        "${dictionary[@]}" >"$log" 2>&1 || status=$?

    if [ $status != 0 ]; then
        local input
        input=$(sed -n 's/.*Test unit written to //p' "$log" | tail -n 1)
        grep -m 1 -E 'ERROR|SUMMARY|runtime error|libFuzzer:|Assertion' "$log" || tail -n 5 "$log"
        printf 'FAILED %s after %s\n  input kept: %s\n  again:      %s %s\n  whole log:  %s\n' "$name" \
            "$(stat_of "$log" number_of_executed_units) runs" "${input:-none}" "$program" "${input:-}" "$log"
        return 1
    fi
    printf '%-24s %9s runs  %7s runs/s  %6s new units  %6s in the corpus\n' "$name" "$(stat_of "$log" number_of_executed_units)" \
        "$(stat_of "$log" average_exec_per_sec)" "$(stat_of "$log" new_units_added)" "$(find "$corpus" -type f | wc -l)"
}

stat_of() { sed -n "s/^stat::$2: *//p" "$1" | grep . || echo '?'; }

if [ $# = 0 ]; then
    for program in build/fuzz/fuzz_*; do
        if [ -x "$program" ]; then set -- "$@" "${program#build/fuzz/fuzz_}"; fi
    done
fi
[ $# != 0 ] || { printf 'fuzz: there is no target in build/fuzz\nhint: one is made of each tests/fuzz/*_fuzz.cpp\n' >&2; exit 1; }
for name in "$@"; do
    [ -x "build/fuzz/fuzz_$name" ] || { printf 'fuzz: no such target: %s\nhint: ls tests/fuzz\n' "$name" >&2; exit 1; }
done

export seconds most_bytes most_megabytes most_seconds_per_input
export -f fuzz_one stat_of
printf '%s targets, %s s each\n' $# "$seconds"
printf '%s\0' "$@" | xargs -0 -n 1 -P "$(nproc)" bash -c 'set -euo pipefail; fuzz_one "$1"' fuzz_one || {
    echo 'fuzz: a target failed, see above' >&2
    exit 1
}
