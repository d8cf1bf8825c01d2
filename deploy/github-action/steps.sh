#!/bin/sh
# steps.sh install|receiver|twiml: the steps of action.yml beside it, which sets the variables.
set -u

fail() {
    printf '::error title=callchain::%s\n' "$1"
    printf 'hint: %s\n' "$2"
    exit 2
}
output() { printf '%s=%s\n' "$1" "$2" >>"$GITHUB_OUTPUT"; }
passed_or_failed() { if [ "$1" -eq 0 ]; then echo passed; else echo failed; fi; }
need_program() {
    command -v callchain >/dev/null || fail 'there is no program callchain' 'give the input deb, or install callchain in a step before'
}

install_package() {
    [ -f "$DEB" ] || fail 'the package of the input deb is not there' 'a path in the workspace: a step before downloads or builds it'
    if [ -n "$SHA256" ]; then
        printf '%s  %s\n' "$SHA256" "$DEB" | sha256sum --check --status ||
            fail 'the package has another SHA-256 than the input says' 'sha256sum shows which; install nothing that you do not know'
    fi
    sudo=
    [ "$(id -u)" -eq 0 ] || sudo=sudo
    # With a slash in front, apt takes it for a file.
    $sudo apt-get update -q
    $sudo apt-get install -q -y --no-install-recommends "$(readlink -f "$DEB")" ||
        fail 'apt-get could not install the package' 'it is for Debian 12: run the job with "container: debian:12"'
    callchain --version
}

test_receiver() {
    need_program
    case $SECRET_ENV in '' | [0-9]* | *[!A-Za-z0-9_]*) fail 'the input secret-env is no name of a variable' 'the name, as OPENAI_WEBHOOK_SECRET; never the secret' ;; esac
    [ -n "$(printenv "$SECRET_ENV")" ] || fail "the variable $SECRET_ENV is not set" 'under env: of the step that uses this action, from secrets or made for the run'
    case $JUNIT in '' | *"
"*) fail 'the input junit is no path' 'a name such as webhook-receiver.xml' ;; esac
    if [ -n "$CAPTURE" ]; then set -- "$CAPTURE"; else set -- --event realtime.call.incoming; fi
    callchain replay-webhook "$@" "--matrix=$MATRIX" --to "$TO_URL" --secret-env "$SECRET_ENV" --report "junit=$JUNIT" --report github
    code=$?
    output result "$(passed_or_failed $code)"
    [ ! -f "$JUNIT" ] || output junit "$JUNIT"
    exit $code
}

# The findings become annotations by the matcher; what stands in a document must not become a command.
lint_twiml() {
    need_program
    worst=0
    printf '::add-matcher::%s/twiml-matcher.json\n' "$GITHUB_ACTION_PATH"
    fence=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
    printf '::stop-commands::%s\n' "$fence"
    {
        printf '## TwiML\n\n'
        printf '%s\n' "$TWIML" | {
            while IFS= read -r document; do
                [ -n "$document" ] || continue
                said=$(callchain twiml lint --chain "$CHAIN" --color never -- "$document" 2>&1)
                code=$?
                [ $code -le "$worst" ] || worst=$code
                printf '%s\n' "$said" >&3
                printf '%s\n' "$said" | sed 's/^/    /'
                printf '\n'
            done
            exit "$worst"
        }
        worst=$?
    } 3>&1 >>"$GITHUB_STEP_SUMMARY"
    printf '::%s::\n::remove-matcher owner=callchain-twiml::\n' "$fence"
    output result "$(passed_or_failed "$worst")"
    exit "$worst"
}

case ${1:-} in
install) install_package ;;
receiver) test_receiver ;;
twiml) lint_twiml ;;
*) fail 'no such step' 'steps.sh install, receiver or twiml' ;;
esac
