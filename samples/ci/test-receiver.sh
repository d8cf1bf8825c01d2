#!/bin/sh
# test-receiver.sh [CAPTURE]: does a receiver of OpenAI's webhooks take what it must, and refuse what it must?
#
#     RECEIVER_URL=http://127.0.0.1:8080/openai/webhook OPENAI_WEBHOOK_SECRET=whsec_… ./test-receiver.sh
#
# Whoever calls this starts the receiver, with the same secret. Without CAPTURE the deliveries are of made-up calls.
#     CALLCHAIN     the program (callchain)              WAIT_SECONDS  until it must answer (60)
#     JUNIT_FILE    the report (webhook-receiver.xml)    MATRIX        basic or full (basic)
# Exit code: 0 passed, 1 a wrong answer, 2 something is not set or cannot be read, 6 no answer.
set -u
callchain=${CALLCHAIN:-callchain}
[ $# -gt 0 ] || set -- --event realtime.call.incoming

fail() {
    printf 'test-receiver: %s\nhint: %s\n' "$2" "$3" >&2
    exit "$1"
}
[ -n "${RECEIVER_URL:-}" ] || fail 2 'RECEIVER_URL is not set' 'the URL that deliveries go to: http://127.0.0.1:8080/openai/webhook'
[ -n "${OPENAI_WEBHOOK_SECRET:-}" ] || fail 2 'OPENAI_WEBHOOK_SECRET is not set' 'the secret that the receiver was started with'
command -v "$callchain" >/dev/null || fail 2 "there is no program $callchain" './dev build makes build/release/callchain; CALLCHAIN names it'

# One delivery: any answer but a server error shows that the receiver is up.
end=$(($(date +%s) + ${WAIT_SECONDS:-60}))
until said=$("$callchain" replay-webhook "$@" --to "$RECEIVER_URL" --expect 2xx,3xx,4xx --timeout 5 2>&1); do
    code=$?
    [ "$code" -ne 2 ] && [ "$(date +%s)" -lt "$end" ] && sleep 1 && continue
    printf '%s\n' "$said" >&2
    [ "$code" -ne 2 ] || exit 2
    fail 6 "the receiver did not answer within ${WAIT_SECONDS:-60} s" 'does it run, and listen at RECEIVER_URL? Its log says more'
done

[ "${GITHUB_ACTIONS:-}" != true ] || set -- "$@" --report github
exec "$callchain" replay-webhook "$@" "--matrix=${MATRIX:-basic}" --to "$RECEIVER_URL" --report "junit=${JUNIT_FILE:-webhook-receiver.xml}"
