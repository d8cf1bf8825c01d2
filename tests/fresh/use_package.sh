#!/bin/sh
# use_package.sh PACKAGE: installs callchain's package in an empty Debian 12, uses it as a stranger would, and removes it.
#
# Run by run.sh within a chroot, from a folder that holds samples/.
set -eu

package=$1
step() { printf 'package: %s\n' "$1"; }

step 'apt-get install, with nothing but what it depends on'
apt-get update -q >/dev/null
apt-get install -q -y --no-install-recommends "$package" >install.log 2>&1 || { cat install.log >&2; exit 1; }
[ ! -e /etc/callchain ]

step 'the program runs'
callchain --version
callchain verify-sig --request samples/valid-openai.http --secret-file samples/secrets/railway.secret --now 1767801601 | grep -q '^VALID'
callchain twiml lint samples/good.twiml
code=0
callchain health serve --quiet || code=$?
[ $code -eq 6 ]

step 'man page, completion, schemas, examples'
zcat /usr/share/man/man1/callchain-verify-sig.1.gz | grep -q -- '--secret'
bash -c '. /usr/share/bash-completion/completions/callchain && complete -p callchain' >/dev/null
[ -s /usr/share/callchain/schemas/verify-sig.schema.json ]
callchain serve --check --env-file /usr/share/doc/callchain/examples/serve.env

step 'the service answers, as a user without rights'
setpriv --reuid=65534 --regid=65534 --clear-groups env CALLCHAIN_LISTEN=127.0.0.1:18473 \
    callchain serve --env-file /usr/share/doc/callchain/examples/serve.env --admin-listen off >serve.log 2>&1 &
served=$!
tries=0
until CALLCHAIN_LISTEN=127.0.0.1:18473 callchain health serve --quiet 2>/dev/null; do
    tries=$((tries + 1))
    [ $tries -lt 100 ] || { cat serve.log >&2; exit 1; }
    sleep 0.1
done
kill $served
wait $served

step 'systemd makes the user, takes the units, and enables none'
apt-get install -q -y --no-install-recommends systemd >install.log 2>&1 || { cat install.log >&2; exit 1; }
systemd-sysusers
getent passwd callchain
# There is no man in this system to find the pages by.
systemd-analyze --man=no verify /usr/lib/systemd/system/callchain-serve.service /usr/lib/systemd/system/callchain-gateway.service >verify.log 2>&1 || true
if grep 'callchain-' verify.log; then exit 1; fi
[ -z "$(find /etc/systemd -name 'callchain*')" ]
apt-get install -q -y --no-install-recommends --reinstall "$package" >install.log 2>&1 || { cat install.log >&2; exit 1; }

step 'apt-get purge leaves nothing behind'
apt-get purge -q -y callchain >purge.log 2>&1 || { cat purge.log >&2; exit 1; }
[ -z "$(find / -xdev -path /srv -prune -o -path /proc -prune -o -name '*callchain*' -print)" ]
step 'all of it as it should be'
