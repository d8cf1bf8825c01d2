#!/usr/bin/env bash
# sofia.sh FOLDER: Debian's source of sofia-sip, checked by hash and built with AddressSanitizer and for libFuzzer,
# into FOLDER/libsofia.a. What is installed on the machine stays as it is: a fault in the parser shows here only.
set -euo pipefail

readonly folder=$(mkdir -p "${1:?usage: sofia.sh FOLDER}" && cd "$1" && pwd)
readonly version=1.12.11+20110422.1+1e14eea~dfsg-6
readonly source=$folder/sofia-sip-${version%-*}
readonly hashes="3a2f76739c816736aa7de81c26ea4913130f546b61780e25fce26848a165a239  sofia-sip_$version.dsc
9aedd1f013d705488a77fcdf19b949906f542cdd9830a7847da8075b3164db09  sofia-sip_${version%-*}.orig.tar.xz
b2cefb7aa21460711221b23a9f3f077465438cf9d68fcf67bfbc86fdc1107648  sofia-sip_$version.debian.tar.xz"

if [ -s "$folder/libsofia.a" ]; then exit 0; fi

# The machine's own mirror, asked for sources: in lists of our own, so that its lists do not change.
list_sources() {
    mkdir -p "$folder/apt/sources.d" "$folder/apt/lists/partial" "$folder/apt/cache/archives/partial"
    local list
    for list in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
        if [ -f "$list" ]; then sed -n 's/^deb /deb-src /p' "$list" >"$folder/apt/sources.d/$(basename "$list" .list).list"; fi
    done
    for list in /etc/apt/sources.list.d/*.sources; do
        if [ -f "$list" ]; then sed 's/^Types:.*/Types: deb-src/' "$list" >"$folder/apt/sources.d/$(basename "$list")"; fi
    done
    printf 'Dir::Etc::SourceList "/dev/null";\nDir::Etc::SourceParts "%s";\nDir::State::Lists "%s";\nDir::Cache "%s";\n' \
        "$folder/apt/sources.d" "$folder/apt/lists" "$folder/apt/cache" >"$folder/apt/apt.conf"
}

fetch_source() {
    cd "$folder"
    if ! sha256sum --check --status <<<"$hashes" 2>/dev/null; then
        list_sources
        APT_CONFIG=$folder/apt/apt.conf apt-get update -qq
        APT_CONFIG=$folder/apt/apt.conf apt-get source -qq --download-only -o APT::Sandbox::User=root "sofia-sip=$version"
    fi
    sha256sum --check --quiet <<<"$hashes"
    rm -rf "$source"
    dpkg-source --no-check -x "sofia-sip_$version.dsc" "$source" >/dev/null
}

# Only what parses a message: no sockets, no TLS, no transactions.
build_source() {
    cd "$source"
    autoreconf --install >autoreconf.log 2>&1 || { tail "$PWD/autoreconf.log" >&2; return 1; }
    CC=clang-16 CFLAGS='-O1 -g1 -fno-omit-frame-pointer -fsanitize=address,fuzzer-no-link -w' \
        ./configure --disable-shared --enable-static --without-openssl --without-glib --without-doxygen \
        --disable-nth --disable-stun >configure.log 2>&1 || { tail "$PWD/config.log" >&2; return 1; }
    local part
    for part in su features bnf url msg sip; do
        { make -C "libsofia-sip-ua/$part" built-sources && make -C "libsofia-sip-ua/$part" -j "$(nproc)" "lib$part.la"; } \
            >"make-$part.log" 2>&1 || { tail "$PWD/make-$part.log" >&2; return 1; }
    done
    rm -f "$folder/libsofia.a"
    ar -M <<<"create $folder/libsofia.a
$(for part in su bnf url msg sip; do echo "addlib $source/libsofia-sip-ua/$part/.libs/lib$part.a"; done)
save
end"
}

fetch_source
build_source
