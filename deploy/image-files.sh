#!/bin/sh
# image-files.sh PROGRAM FOLDER: puts into FOLDER all that a container needs to run PROGRAM, and nothing else.
#
# That is the program without symbols, the shared libraries that it is linked to or loads, the authorities that it trusts, a user,
# and of each Debian package that a file is taken from its copyright and its entry for scanners of vulnerabilities. There is no shell
# and no package manager. The Dockerfile makes its image of it, and a test runs the program in it.
set -eu

fail() {
    printf 'image-files: %s\nhint: %s\n' "$1" "$2" >&2
    exit 1
}
[ $# -eq 2 ] || fail 'two arguments are needed' 'deploy/image-files.sh PROGRAM FOLDER'
program=$1
folder=$2
bundle=/etc/ssl/certs/ca-certificates.crt
here=$(dirname "$(readlink -f "$0")")
[ -x "$program" ] || fail "$program is no program" './dev build release callchain makes build/release/callchain'
[ -s "$bundle" ] || fail "$bundle is missing" 'apt-get install ca-certificates'
[ ! -e "$folder" ] || [ -z "$(ls -A "$folder")" ] || fail "$folder is not empty" 'name a new folder'
umask 022

# With usr merged, as on every Debian 12: what is linked to /lib is found in /usr/lib.
mkdir -p "$folder/usr/bin" "$folder/usr/lib" "$folder/usr/lib64" "$folder/etc/ssl/certs" "$folder/usr/lib/ssl" \
    "$folder/var/lib/dpkg/status.d" "$folder/usr/share/doc/callchain"
ln -s usr/bin "$folder/bin"
ln -s usr/lib "$folder/lib"
ln -s usr/lib64 "$folder/lib64"
install -d -m 1777 "$folder/tmp"

strip -o "$folder/usr/bin/callchain" "$program"
chmod 755 "$folder/usr/bin/callchain"
cp "$here/../LICENSE" "$folder/usr/share/doc/callchain/copyright"

# Of a package: what its licence asks for, and its name and version.
add_package() {
    [ ! -e "$folder/var/lib/dpkg/status.d/$1" ] || return 0
    dpkg-query --status "$1" >"$folder/var/lib/dpkg/status.d/$1"
    mkdir -p "$folder/usr/share/doc/$1"
    cp -L "/usr/share/doc/$1/copyright" "$folder/usr/share/doc/$1/copyright"
}

# "libcurl.so.4 => /lib/x86_64-linux-gnu/libcurl.so.4 (0x…)" and "/lib64/ld-linux-x86-64.so.2 (0x…)"
libraries=$(ldd "$program") || fail "$program is not linked to shared libraries" 'it must be a program of this system'
# libcurl is loaded at the first request, and named in a note of the program alone: .note.dlopen.
curl=$(/sbin/ldconfig -p | sed -n 's/.*libcurl\.so\.4 .* => //p' | head -n 1)
[ -n "$curl" ] || fail 'libcurl.so.4 is missing' 'apt-get install libcurl4'
libraries="$libraries
$curl
$(ldd "$curl")"
case $libraries in *'not found'*) fail "a library is missing: $libraries" './dev build installs them' ;; esac
for library in $(printf '%s\n' "$libraries" | grep -o '/[^ ]*' | sort -u); do
    place=/usr/${library#/usr/}
    case $library in /lib*) place=/usr$library ;; esac
    mkdir -p "$folder$(dirname "$place")"
    cp -L "$library" "$folder$place"
    file=$(readlink -f "$library")
    # The lists of packages have a file with or without /usr.
    owner=$(dpkg-query --search "$file" "${file#/usr}" 2>/dev/null | head -n 1)
    [ -n "$owner" ] || fail "$file belongs to no package" 'take the library from Debian'
    add_package "${owner%%:*}"
done

# The bundle for libcurl; cert.pem and openssl.cnf are where OpenSSL looks by itself.
cp "$bundle" "$folder$bundle"
cp -L /etc/ssl/openssl.cnf "$folder/etc/ssl/openssl.cnf"
ln -s /etc/ssl/certs "$folder/usr/lib/ssl/certs"
ln -s "$bundle" "$folder/usr/lib/ssl/cert.pem"
ln -s /etc/ssl/openssl.cnf "$folder/usr/lib/ssl/openssl.cnf"
add_package ca-certificates
add_package openssl

# Without this file glibc asks DNS before /etc/hosts.
printf 'hosts: files dns\n' >"$folder/etc/nsswitch.conf"
printf 'root:x:0:0::/:/nonexistent\ncallchain:x:65532:65532::/:/nonexistent\n' >"$folder/etc/passwd"
printf 'root:x:0:\ncallchain:x:65532:\n' >"$folder/etc/group"
grep -E '^(PRETTY_NAME|NAME|VERSION_ID|VERSION|VERSION_CODENAME|ID)=' /etc/os-release >"$folder/etc/os-release"
