#!/usr/bin/env bash
# Runs callchain on every sample, shows what it says, and compares exit code and finding with what is expected.
#
#     samples/run-demo.sh [PROGRAM]      default: build/release/callchain
#
# Exit code: 0 where every sample gave what was expected, 1 where one did not, 2 where there is no program to run.
set -uo pipefail

program=${1:-build/release/callchain}
[[ $program != */* || -x $program ]] || program_missing=1
[[ $program == */* || -n $(command -v "$program") ]] || program_missing=1
if [[ -n ${program_missing:-} ]]; then
    printf 'run-demo: there is no program %s\nhint: ./dev build makes build/release/callchain\n' "$program" >&2
    exit 2
fi
# Commands are shown with the path as given, and work from the top folder of the repository.
callchain_path=$program
[[ $program != */* ]] || callchain_path=$(realpath "$program")
cd "$(dirname "$(realpath "${BASH_SOURCE[0]}")")/.." || exit 2
unset OPENAI_WEBHOOK_SECRET TWILIO_AUTH_TOKEN

callchain() { "$callchain_path" "$@"; }

bold='' faint='' red='' plain=''
if [[ -t 1 && -z ${NO_COLOR:-} && ${TERM:-dumb} != dumb ]]; then
    bold=$'\e[1m' faint=$'\e[2m' red=$'\e[1;31m' plain=$'\e[0m'
fi

count=0
failed=()

# has_finding JSON CODE yes|no: is the finding there, and was it proved (or not)?
has_finding() {
    local proved=false
    [[ $3 == yes ]] && proved=true
    grep -A1 -F "\"code\": \"$2\"," <<<"$1" | grep -qF "\"proved\": $proved,"
}

# sample TITLE EXIT EXPECTED COMMAND
#   EXPECTED  finding codes divided by blanks, each proved; with `?` behind it, noticed and not proved; `-` for none and the verdict valid
#   COMMAND   a shell command line; with --json behind it, the same answer as JSON
sample() {
    local title=$1 want_exit=$2 expected=$3 command=$4 got_exit json code problems=()
    count=$((count + 1))
    printf '%s%2d. %s%s\n\n' "$bold" "$count" "$title" "$plain"
    printf '%s$ %s%s\n' "$faint" "${command//callchain /$program }" "$plain"
    eval "$command"
    got_exit=$?
    [[ $got_exit == "$want_exit" ]] || problems+=("exit code $got_exit instead of $want_exit")

    json=$(eval "$command --json" 2>&1)
    if [[ $expected == - ]]; then
        grep -qF '"verdict": "valid"' <<<"$json" || problems+=("the verdict is not valid")
        ! grep -qF '"proved": true' <<<"$json" || problems+=("a finding where none was expected")
    else
        for code in $expected; do
            if [[ $code == *\? ]]; then
                has_finding "$json" "${code%\?}" no || problems+=("no unproved finding ${code%\?}")
            else
                has_finding "$json" "$code" yes || problems+=("no proved finding $code")
            fi
        done
    fi

    if ((${#problems[@]} == 0)); then
        [[ $expected == - ]] && expected=valid
        printf '\n%sas expected: exit code %s, %s%s\n\n\n' "$faint" "$got_exit" "${expected//\?/}" "$plain"
    else
        printf '\n%snot as expected: %s%s\n\n\n' "$red" "$(printf '%s; ' "${problems[@]}" | sed 's/; $//')" "$plain"
        failed+=("$count")
    fi
}

# run TITLE EXIT TEXT COMMAND: as sample, for an answer that has no findings; TEXT must stand in it.
run() {
    local title=$1 want_exit=$2 text=$3 command=$4 got_exit output
    count=$((count + 1))
    printf '%s%2d. %s%s\n\n' "$bold" "$count" "$title" "$plain"
    printf '%s$ %s%s\n' "$faint" "${command//callchain /$program }" "$plain"
    output=$(eval "$command" 2>&1)
    got_exit=$?
    printf '%s\n' "${output//$'\r'/}"
    if [[ $got_exit == "$want_exit" && $output == *"$text"* ]]; then
        printf '\n%sas expected: exit code %s, %s%s\n\n\n' "$faint" "$got_exit" "$text" "$plain"
    else
        printf '\n%snot as expected: exit code %s, or without: %s%s\n\n\n' "$red" "$got_exit" "$text" "$plain"
        failed+=("$count")
    fi
}

# The chain itself first: stand-ins for the three vendors, and our two services as the processes that they are.

run 'A WhatsApp call through the whole chain on this host: it works' 0 'bridged, greeted and ended cleanly' \
    'callchain simulate call --talk 1'

run 'The same with the secret of another endpoint, as on Railway: what the caller hears, and why' 1 'secret_other_label' \
    'callchain simulate call --fault wrong-secret'

# Captures are older than the 300 seconds that a signature is good for: --now judges them at their own time.

sample 'A delivery as OpenAI sends it, with the right secret' 0 - \
    'callchain verify-sig --request samples/valid-openai.http \
    --secret-file railway=samples/secrets/railway.secret --now 1767801601'

sample 'The failure on Railway: the other endpoint'\''s secret is the signer' 1 secret_other_label \
    'callchain verify-sig --log samples/other-endpoint/railway.log --body samples/other-endpoint/body.json \
    --secret-file railway=samples/secrets/railway.secret --secret-file local=samples/secrets/local.secret'

sample 'A body that was parsed and written again before it was checked' 1 body_json_reserialized \
    'callchain verify-sig --request samples/reserialized-body.http \
    --secret-file railway=samples/secrets/railway.secret --now 1767801601'

sample 'Quotes around the secret' 1 secret_quoted \
    'callchain verify-sig --request samples/valid-openai.http \
    --secret-file railway=samples/secrets/quoted.secret --now 1767801601'

sample 'A capture that is replayed too late: the MAC is right, the timestamp is not' 1 timestamp_too_old \
    'callchain verify-sig --request samples/stale-replay.http \
    --secret-file railway=samples/secrets/railway.secret --now 1767801601'

sample 'The value that your own code printed: which recipe yields it?' 0 secret_raw_text \
    'callchain verify-sig --request samples/valid-openai.http \
    --computed v1,goLrUX4x367axwTmBzoe3igAwi2g3esplBBF49xk7B4= \
    --secret-file railway=samples/secrets/railway.secret --now 1767801601'

sample 'A log in which everything that matters is cut: what is missing to prove more' 3 \
    'log_headers_missing? log_signature_cut? log_body_missing?' \
    'callchain verify-sig --log samples/masked-log/railway.log'

sample 'A record line in a log that railway logs --json gave: the log alone is enough' 1 body_json_reserialized \
    'callchain verify-sig --log samples/record-line/railway.jsonl \
    --secret-file railway=samples/secrets/railway.secret'

sample 'One delivery, captured at two hops: what happened in between' 1 'body_json_reserialized?' \
    'callchain diff-webhook samples/two-hops/ngrok.http samples/two-hops/railway.http'

sample 'Twilio behind a proxy: the URL as the application saw it' 1 'url_scheme url_host' \
    'callchain verify-sig --request samples/twilio-behind-proxy.http \
    --url http://bridge.railway.internal:8080/twilio/voice --auth-token-file samples/secrets/twilio.token'

sample 'The same request with the URL that is configured at Twilio' 0 - \
    'callchain verify-sig --request samples/twilio-behind-proxy.http \
    --url https://bridge.example.com/twilio/voice --auth-token-file samples/secrets/twilio.token'

sample "Meta's default offer: can a call with it have sound at Twilio?" 1 'sdp_dtls_offer? sdp_no_common_codec?' \
    'callchain sdp-filter --verdict samples/sdp/meta-default.sdp'

run "Meta's offer with SDES and G.711: what Twilio would see, and why" 0 'm=audio 3480 RTP/SAVP 8 0 126' \
    'callchain sdp-filter --explain samples/sdp/meta-sdes-g711.sdp'

sample 'The same offer, but Secure Media of the SIP Domain is off' 1 'sdp_secure_media_off?' \
    'callchain sdp-filter --verdict --secure-media off samples/sdp/meta-sdes-g711.sdp'

run 'An offer of Chrome: video is refused in its place' 0 'm=video 0 RTP/AVP 102' \
    'callchain sdp-filter samples/sdp/chrome.sdp'

sample 'The answer that a gateway gets which writes 0 8 101 into each offer' 0 'sdp_format_not_offered?' \
    'callchain sdp-filter samples/sdp/meta-sdes-g711.sdp --answer samples/sdp/answer-of-a-rewriting-gateway.sdp'

sample 'The TwiML of a service whose calls failed with 13224' 1 'twiml_caller_id_missing? twiml_attribute_misplaced? twiml_action_relative?' \
    'callchain twiml lint samples/seed.twiml'

run 'The document as it should be' 0 'callerId="+5561999998888"' \
    'callchain twiml --project-id proj_abc123 --caller-id +5561999998888 --region br1 \
    --action https://bridge.example.com/twilio/dial-action |
    tee /dev/stderr | callchain twiml lint -'

run 'What Twilio posted when the dial had failed: what happened, and what next' 1 not_accepted \
    "printf %s \"{'DialCallStatus': 'failed', 'DialBridged': 'false', 'DialSipResponseCode': '400', 'ErrorCode': '13224'}\" |
    callchain twiml dial-action -"

sample 'A body signed here and now, for a test of your own service' 0 - \
    'callchain sign-webhook samples/event.json --secret-file samples/secrets/railway.secret |
    callchain verify-sig --request - --secret-file samples/secrets/railway.secret'

run 'A call that nobody made, as OpenAI would tell of it' 0 '"type": "realtime.call.incoming"' \
    'callchain sign-webhook --event realtime.call.incoming --secret-file samples/secrets/railway.secret'

run 'A recorded delivery, signed afresh with another call: what would go out, and to which address' 0 'rtc_again' \
    'callchain replay-webhook samples/valid-openai.http --to http://127.0.0.1:8080/openai/webhook \
    --set data.call_id=rtc_again --secret-file samples/secrets/railway.secret --dry-run'

if ((${#failed[@]} > 0)); then
    printf 'demo: %d of %d samples not as expected: %s\n' "${#failed[@]}" "$count" "${failed[*]}"
    exit 1
fi
printf 'demo: %d samples, each as expected\n' "$count"
