#!/usr/bin/env bash
# run.sh [--cpu] [SECONDS [NAME…]]: runs each fuzz target of build/fuzz that long (60), two at a time on two cores.
# Seeds are in tests/fuzz/corpus/<name>; what a run discovers is kept in build/fuzz/corpus/<name> and used by the next.
# With --cpu it is seconds of the processor: on a machine that is shared, time on the wall says little.
# A run of ten minutes and more is written down in docs/reliability.md, target by target.
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../.."

clock=wall
if [ "${1:-}" = --cpu ]; then
    clock=cpu
    shift
fi
readonly seconds=${1:-60} clock
shift || true
[[ $seconds =~ ^[1-9][0-9]*$ ]] || { printf "fuzz: not a number of seconds: %s\nhint: ./dev fuzz 60\n" "$seconds" >&2; exit 1; }

# Longest input: enough for every state of the parsers, short enough for thousands of runs a second. libFuzzer knows the time on the
# wall alone: where the machine is shared, ten seconds of it may be a moment of the processor.
most_seconds_per_input=10
if [ "$clock" = cpu ]; then most_seconds_per_input=300; fi
readonly most_bytes=8192 most_megabytes=1024 most_seconds_per_input
readonly seconds_worth_writing_down=600

# cpu_ticks PID: what it has used so far, in ticks of getconf CLK_TCK; nothing where it has ended.
cpu_ticks() {
    local stat
    { read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 0
    # The name of the program stands in parentheses, in front of all that has a place of its own.
    local fields
    read -r -a fields <<<"${stat##*) }"
    if [ "${fields[0]}" = Z ]; then return 0; fi
    echo $((fields[11] + fields[12]))
}

# stop_after_cpu PID: asks libFuzzer to end, with its statistics, once it has used $seconds of the processor.
stop_after_cpu() {
    local most=$((seconds * $(getconf CLK_TCK))) used
    while used=$(cpu_ticks "$1") && [ -n "$used" ]; do
        if [ "$used" -ge "$most" ]; then
            kill -USR1 "$1" 2>/dev/null || true
            return
        fi
        sleep 1
    done
}

# run_target NAME ARGUMENT…: the program until its time is over; its status.
run_target() {
    local program=build/fuzz/fuzz_$1 log=build/fuzz/$1.log
    shift
    if [ "$clock" = wall ]; then
        "$program" "$@" -max_total_time="$seconds" >"$log" 2>&1
        return
    fi
    "$program" "$@" >"$log" 2>&1 &
    local pid=$!
    stop_after_cpu "$pid"
    wait "$pid"
}

# fuzz_one NAME: one line of result; a crash leaves its input in build/fuzz/crashes.
fuzz_one() {
    local name=$1 program=build/fuzz/fuzz_$1 corpus=build/fuzz/corpus/$1 log=build/fuzz/$1.log dictionary=()
    local seeds=()
    mkdir -p "$corpus" build/fuzz/crashes build/fuzz/results
    rm -f "build/fuzz/results/$name"
    if [ -d "tests/fuzz/corpus/$name" ]; then seeds=("tests/fuzz/corpus/$name"); fi
    if [ -f "tests/fuzz/$name.dict" ]; then dictionary=(-dict="tests/fuzz/$name.dict"); fi
    local status=0
    run_target "$name" "$corpus" "${seeds[@]}" -max_len=$most_bytes -rss_limit_mb=$most_megabytes \
        -timeout=$most_seconds_per_input -print_final_stats=1 -artifact_prefix="build/fuzz/crashes/$name-" \
        "${dictionary[@]}" || status=$?

    local runs kept rate
    runs=$(stat_of "$log" number_of_executed_units)
    # A target that ends by itself although nobody told it to has found something.
    if [ $status != 0 ] || [ "$runs" = '?' ]; then
        local input
        input=$(sed -n 's/.*Test unit written to //p' "$log" | tail -n 1)
        grep -m 1 -E 'ERROR|SUMMARY|runtime error|libFuzzer:|Assertion' "$log" || tail -n 5 "$log"
        printf 'FAILED %s after %s\n  input kept: %s\n  again:      %s %s\n  whole log:  %s\n' "$name" \
            "$runs runs" "${input:-none}" "$program" "${input:-}" "$log"
        return 1
    fi
    kept=$(find "$corpus" -type f | wc -l)
    rate=$((runs / seconds))
    printf '%-24s %9s runs  %7s runs/s  %6s new units  %6s in the corpus\n' "$name" "$runs" "$rate" \
        "$(stat_of "$log" new_units_added)" "$kept"
    printf '%s\t%s\t%s\t%s\t%s\t%s\n' "$name" "$runs" "$rate" "$kept" "$seconds" "$clock" >"build/fuzz/results/$name"
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

export seconds clock most_bytes most_megabytes most_seconds_per_input
export -f fuzz_one run_target stop_after_cpu cpu_ticks stat_of
printf '%s targets, %s s of %s time each\n' $# "$seconds" "$clock"
status=0
# shellcheck disable=SC2016 # expanded by the inner bash
printf '%s\0' "$@" | xargs -0 -n 1 -P "$(nproc)" bash -c 'set -euo pipefail; fuzz_one "$1"' fuzz_one || status=1
if [ "$seconds" -ge $seconds_worth_writing_down ]; then /usr/bin/python3 -B tests/fuzz/write_down.py "$@"; fi
if [ $status != 0 ]; then
    echo 'fuzz: a target failed, see above' >&2
    exit 1
fi
