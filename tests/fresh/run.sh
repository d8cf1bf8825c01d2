#!/usr/bin/env bash
# Proves `./dev demo` and `./dev test`, each alone, in an empty Debian 12 that has nothing but git and apt; then the Debian
# package, built where the tests ran and used in another empty Debian 12 (use_package.sh).
#
#     run.sh                   all of it
#     run.sh demo | test       one of the two, and with `test` the package
#     run.sh package [FILE]    the package alone: FILE, or the one that ./dev package makes here
#
# debootstrap makes a minimal system in a temporary folder. For each verb a new copy of it gets a fresh clone of HEAD,
# and the verb runs there, in a chroot with an empty environment; then it runs once more, to show what a second run
# costs. How the mirrors are reached (apt sources, proxies, extra certificate authorities, npm's registry) is taken
# from this machine's own configuration at run time. The result goes into docs/reliability.md.
#
# CALLCHAIN_FRESH_KEEP=1 keeps the folder.
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../.."
repository=$PWD
page=$repository/docs/reliability.md

say() { printf 'fresh: %s\n' "$*"; }
die() {
    printf 'fresh: %s\nhint: %s\n' "$1" "$2" >&2
    exit 1
}
[ "$(id -u)" = 0 ] || die "needs root, for debootstrap and chroot" "sudo ./dev fresh"

# A mount namespace of our own: whatever happens to this script, no mount outlives it or is seen by the system.
if [ "${1:-}" != in-own-namespace ]; then
    case ${1:-all} in all | demo | test | package) ;; *) die "no such part: $1" "./dev fresh, or ./dev fresh demo, test or package [FILE]" ;; esac
    exec unshare --mount --propagation private "$(readlink -f "${BASH_SOURCE[0]}")" in-own-namespace "$@"
fi
part=${2:-all}

work=$(mktemp -d "${TMPDIR:-/var/tmp}/callchain-fresh.XXXXXX")
clean_up() {
    local mounted
    # Deepest first. Nothing is removed while anything is mounted below.
    while read -r mounted; do umount "$mounted" || umount --lazy "$mounted"; done \
        < <(awk -v below="$work/" 'index($2, below) == 1 { print $2 }' /proc/mounts | sort -r)
    if [ "${CALLCHAIN_FRESH_KEEP:-}" = 1 ]; then
        say "kept: $work"
    else
        rm -rf --one-file-system "$work"
    fi
}
trap clean_up EXIT
trap 'exit 130' INT TERM

# The machine's own Debian sources as "URI suite component" lines; other vendors' sources are left out.
debian_sources() {
    apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' 'Origin: Debian' |
        awk '$2 ~ /^bookworm/' | sort -u
}

# make_system FOLDER: a minimal Debian 12 with git, configured to reach the mirrors as this machine does.
make_system() {
    local root=$1 sources mirror packages=git
    sources=$(debian_sources)
    if [ -z "$sources" ]; then
        apt-get update >/dev/null
        sources=$(debian_sources)
    fi
    mirror=$(awk '$2 == "bookworm" { print $1; exit }' <<<"$sources")
    [ -n "$mirror" ] || die "apt has no source for Debian bookworm" "add one to /etc/apt/sources.list.d and run apt-get update"
    case $mirror in https:*) packages=git,ca-certificates ;; esac

    local apt_proxy
    apt_proxy=$(apt-config dump Acquire::http::Proxy --format '%v')
    http_proxy=${http_proxy:-$apt_proxy} debootstrap --variant=minbase --include="$packages" bookworm "$root" "$mirror" \
        >"$work/debootstrap.log" 2>&1 || { tail -n 20 "$work/debootstrap.log" >&2; die "debootstrap failed" "see above"; }

    sed 's/^/deb /' <<<"$sources" >"$root/etc/apt/sources.list"
    apt-config dump | grep -E '^Acquire::(https?|ftp)::' >"$root/etc/apt/apt.conf.d/99host" || true
    cp /etc/resolv.conf /etc/hosts "$root/etc/"
    if [ -d /usr/local/share/ca-certificates ]; then
        mkdir -p "$root/usr/local/share"
        cp -r /usr/local/share/ca-certificates "$root/usr/local/share/"
    fi
    npm_settings >"$root/root/.npmrc"
}

# What npm needs to reach its registry, from this machine's npm if there is one; no credentials.
npm_settings() {
    local name value
    if ! command -v npm >/dev/null; then return; fi
    for name in registry cafile proxy https-proxy noproxy; do
        value=$(cd / && npm config get "$name" 2>/dev/null || true)
        case $value in '' | null | undefined) ;; *) printf '%s=%s\n' "$name" "$value" ;; esac
    done
}

# in_system FOLDER COMMAND: with nothing of this environment but the proxies.
in_system() {
    local root=$1 name pass=()
    shift
    for name in http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY; do
        if [ -n "${!name:-}" ]; then pass+=("$name=${!name}"); fi
    done
    env -i "${pass[@]}" HOME=/root LANG=C.UTF-8 TERM=dumb PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
        chroot "$root" bash -c "cd /srv/callchain && $*" </dev/null
}

# copy_system FOLDER: the minimal system once more, with what every running one has.
copy_system() {
    local root=$1
    cp -a "$work/system" "$root"
    # The root of a system is where something is mounted: tests that give a process mounts of its own need that.
    mount --bind "$root" "$root"
    mount -t proc proc "$root/proc"
    # Pseudo-terminals, as every running system has them: the tests look at what a terminal shows.
    mkdir -p "$root/dev/pts"
    mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
    ln -sfn pts/ptmx "$root/dev/ptmx"
    mkdir -p "$root/srv/callchain"
}

# prove VERB: in its own copy of the system; sets seconds_first and seconds_again.
prove() {
    local verb=$1 root=$work/$1 log=$work/$1.log start which
    copy_system "$root"
    git clone --quiet --no-hardlinks "$repository" "$root/srv/callchain"
    git -C "$root/srv/callchain" checkout --quiet --detach "$commit"
    say "./dev $verb, with nothing there yet"
    for which in first again; do
        start=$SECONDS
        if ! in_system "$root" "./dev $verb" >"$log" 2>&1; then
            tail -n 60 "$log" >&2
            mkdir -p "$repository/build"
            cp "$log" "$repository/build/fresh-$verb.log"
            die "./dev $verb failed (its $which run); its last lines stand above, all of them in build/fresh-$verb.log" \
                "CALLCHAIN_FRESH_KEEP=1 ./dev fresh keeps the folder"
        fi
        printf -v "seconds_$which" '%s' $((SECONDS - start))
    done
    say "./dev $verb: ${seconds_first} s, and ${seconds_again} s when run again"
    tail -n 3 "$log"
}

# prove_package FILE: used in a copy of the system that has never built anything; sets seconds_package.
prove_package() {
    local root=$work/package log=$work/package.log start=$SECONDS
    copy_system "$root"
    cp "$1" "$root/srv/callchain/"
    cp -r samples tests/fresh/use_package.sh "$root/srv/callchain/"
    say "$(basename "$1"), installed by apt-get"
    if ! in_system "$root" "./use_package.sh ./$(basename "$1")" >"$log" 2>&1; then
        tail -n 60 "$log" >&2
        die "the package failed; its last lines stand above" "CALLCHAIN_FRESH_KEEP=1 ./dev fresh package keeps the folder"
    fi
    seconds_package=$((SECONDS - start))
    grep '^package: ' "$log"
}

version_in() { in_system "$1" "$2 --version" 2>/dev/null | grep -oE '[0-9]+(\.[0-9]+)+' | head -n 1; }

# write_result NAME: puts standard input between the page's markers of that name.
write_result() {
    local result
    result=$(cat)
    grep -q "^<!-- $1:begin" "$page" || die "docs/reliability.md has lost its markers" "git checkout -- docs/reliability.md"
    awk -v result="$result" -v begin="^<!-- $1:begin" -v end="^<!-- $1:end" '
        $0 ~ begin { print; print result; inside = 1 }
        $0 ~ end { inside = 0 }
        !inside && $0 !~ begin || $0 ~ end' "$page" >"$page.new"
    mv "$page.new" "$page"
}

# write_row VERB RESULT: into the table of the commands, where the row of that verb is replaced.
write_row() {
    local root=$work/$1 row
    row="| \`./dev $1\` | $seconds_first s | $seconds_again s | $2 | $(date -u +%Y-%m-%d), \`$(git rev-parse --short "$commit")\`"
    row+=", Debian $(cat "$root/etc/debian_version") ($(uname -m), $(nproc) cores), g++ $(version_in "$root" g++), CMake $(version_in "$root" cmake) |"
    grep -qF "| \`./dev $1\` |" "$page" || die "docs/reliability.md has lost the row of ./dev $1" "git checkout -- docs/reliability.md"
    awk -v row="$row" -v begin="| \`./dev $1\` |" 'index($0, begin) == 1 { print row; next } { print }' "$page" >"$page.new"
    mv "$page.new" "$page"
}

write_package_result() {
    write_result fresh-package <<RESULT
Last run: $(date -u +%Y-%m-%d), commit \`$(git rev-parse --short "$commit")\`, Debian $(cat "$work/package/etc/debian_version") ($(uname -m)), \`$1\`,
$(du -k --apparent-size "$2" | cut -f 1) kB: installed, used and purged in $seconds_package s.
RESULT
}

commit=$(git rev-parse HEAD)
git diff --quiet HEAD -- || say "note: this proves commit $(git rev-parse --short HEAD); changes that are not committed are not part of it"
if [ "$part" = package ]; then
    package=${3:-$(./dev package)}
    [ -f "$package" ] || die "there is no package $package" "./dev package makes build/package/callchain_….deb"
    package=$(readlink -f "$package")
fi
say "debootstrap of a minimal Debian 12 in $work"
make_system "$work/system"
if [ "$part" = package ]; then
    prove_package "$package"
    write_package_result "$(basename "$package")" "$package"
    say "the package does what it should; the result stands in docs/reliability.md"
    exit 0
fi
if [ "$part" != test ]; then
    prove demo
    write_row demo "every sample judged as expected"
fi
if [ "$part" = demo ]; then exit 0; fi
prove test
write_row test "$(grep -E '% tests passed' "$work/test.log")"

say "./dev package, where the tests ran"
in_system "$work/test" "./dev package" >"$work/make-package.log" 2>&1 ||
    { tail -n 60 "$work/make-package.log" >&2; die "./dev package failed" "see above"; }
package=$(echo "$work"/test/srv/callchain/build/package/*.deb)
prove_package "$package"
write_package_result "$(basename "$package")" "$package"
say "what was run passed, and the package works; the result stands in docs/reliability.md"
