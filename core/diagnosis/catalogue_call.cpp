/// Rows of the catalogue: the body that accepts a call at OpenAI, and how a call can end.
#include "diagnosis/catalogue_tables.hpp"

namespace callchain::diagnosis {
namespace {

constexpr CatalogueEntry kEntries[] = {
    {"call_accept_body_audio_format", "The accept body sets an audio format on a SIP call",
     "Remove format from audio.input and audio.output, and audio.format of a Live session.",
     "On a SIP call the codec is agreed in the SDP of the call, G.711 as a rule; a format in the body "
     "belongs "
     "to WebSocket sessions. An engineer of OpenAI named it as a cause of calls that failed with 400 or fell "
     "silent. Code that was written for a WebSocket and is reused for calls brings it along."},
    {"call_accept_body_beta_member", "The accept body has a member of the beta API",
     "Move the member to its place of today: output_modalities, audio.output.voice, "
     "audio.input.transcription, audio.input.turn_detection, max_output_tokens. Leave audio formats and "
     "temperature out.",
     "The session of the beta API had modalities, voice, input_audio_transcription and others at its top. "
     "The API was seen to answer 200 to such a body: the caller hears nothing, and after about four seconds "
     "the call is gone. Examples and generated code of that time still have this form. It is an error for "
     "members that were seen to do so or have moved, and a hint for those about which nothing is known."},
    {"call_accept_body_instructions_empty", "The instructions of the session are empty",
     "Set the variable or file that the instructions come from, or leave the member out on purpose.",
     "Without instructions the model follows its own defaults: it answers in whatever language it hears and "
     "knows nothing of your business. The call works, so nobody notices until somebody listens. An empty "
     "text is nearly always a variable that is not set where the service runs."},
    {"call_accept_body_instructions_large", "The instructions of the session are very long",
     "Shorten them, and move knowledge that is needed now and then into a tool.",
     "Live takes 16,384 tokens of instructions; for Realtime no limit is known here. How many tokens a text "
     "has depends on the model, so this is an estimate of three bytes to a token, and the body is sent all "
     "the same. Long instructions delay the first word and are paid for with every turn."},
    {"call_accept_body_member_missing", "The accept body lacks a member that is required",
     "Add the member at the path that is named.",
     "Some members are optional as a whole and have parts that are not: turn_detection needs its type, a "
     "function its name, an MCP server its server_label and an address, a prompt its id, a Live session its "
     "model. The API answers 400 and names the member, or it answers 200 and the session never starts. A "
     "function whose name stands within a member \"function\" comes from the Chat Completions API."},
    {"call_accept_body_member_repeated", "A member of the accept body stands there twice",
     "Keep the one that is meant and remove the other.",
     "JSON does not say which of two members of the same name counts. Most readers take the last one, some "
     "the first, and strict ones refuse the body. It comes from bodies that are put together as text, or "
     "from two people who edited one file."},
    {"call_accept_body_modalities", "The output modalities are not one of the two that exist",
     "Write output_modalities with [\"audio\"], or leave it out.",
     "The session speaks, [\"audio\"], or writes, [\"text\"]; speech brings its transcript along. Asking for "
     "both, as the beta API wanted it, is refused. An empty array and other words are refused as well."},
    {"call_accept_body_model_preview", "The accept body names a preview model of the beta API",
     "Write gpt-realtime, or one of its dated forms.",
     "The models gpt-4o-realtime-preview and gpt-4o-mini-realtime-preview belong to the beta API. A call "
     "that "
     "was accepted with a dated one and a session of the old form was answered 200, stayed silent and was "
     "gone after about four seconds. Previews are also switched off with little notice."},
    {"call_accept_body_model_unknown", "The accept body names a model that is not known here",
     "Compare the name with the list of models in OpenAI's documentation, and with what the project may use.",
     "The body is sent all the same: models are added faster than this program is. If the name is misspelt, "
     "or belongs to the other API (gpt-live-1 is Live, gpt-realtime is Realtime), the accept is refused or "
     "the session never starts. On Azure the name is that of the deployment."},
    {"call_accept_body_not_json", "The accept body is no JSON object",
     "Send one JSON object, in UTF-8, without anything around it.",
     "The body that is configured cannot be read as JSON, or it is an array or a text. The usual causes are "
     "a "
     "comma behind the last member, single quotes, a comment, a byte order mark, and a variable whose quotes "
     "were eaten by a shell. Nothing is sent, since the API would answer 400 and the call would be lost."},
    {"call_accept_body_text_only", "The session is told to write and not to speak",
     "Write output_modalities with [\"audio\"], or leave it out.",
     "With [\"text\"] the model answers in text on the sideband connection. On a phone call the caller hears "
     "silence, unless your application turns the text into speech by itself, which it cannot feed into a SIP "
     "call of OpenAI's."},
    {"call_accept_body_too_large", "The accept body is too large or too deeply nested",
     "Shorten it: one MiB and 256 levels are the most that are read here.",
     "No session needs that much; the whole of its instructions and tools has tens of kilobytes. A body of "
     "this size has something else in it, as a file that was read by mistake, or text that was encoded "
     "again and again."},
    {"call_accept_body_type_missing", "The accept body has no type",
     "Write \"type\":\"realtime\" at the top of the body; for Live \"type\":\"live\" within \"session\".",
     "The type is required since the Realtime API left its beta. Without it the API answers 400 and names "
     "the "
     "parameter, or takes the body for one of the beta and answers 200 to a session that is dead: no audio "
     "starts, and the call drops after about four seconds."},
    {"call_accept_body_type_wrong", "The accept body has the type of another API",
     "Write \"type\":\"realtime\" for Realtime calls and \"type\":\"live\" for Live sessions.",
     "The type says which API the session is for. A call that was announced by realtime.call.incoming is "
     "accepted at the calls endpoint with realtime; one from live.transport.incoming at the sessions "
     "endpoint "
     "with live. The type transcription exists, but no call can be accepted with it."},
    {"call_accept_body_unknown_member", "The accept body has a member that is not known here",
     "Compare the spelling and the place of the member with the reference of the API.",
     "The body is sent all the same: OpenAI adds members faster than this program is. If it is misspelt, or "
     "stands one level too high or too low, the API ignores it or refuses the body. A member that is ignored "
     "shows up later, as a voice or a language that nobody asked for."},
    {"call_accept_body_value_range", "A value of the accept body is out of its range",
     "Write a value within the range that is named.",
     "The reference gives limits: speed 0.25 to 1.5, threshold and retention_ratio 0 to 1, max_output_tokens "
     "1 "
     "to 4096 or \"inf\", at most 128 messages as input of a Live session. Names and ids must not be empty. "
     "The API refuses what is outside, or answers 200 and the session ends at once."},
    {"call_accept_body_value_type", "A value of the accept body is of the wrong kind",
     "Write it as the kind that is named: numbers and true or false without quotes.",
     "JSON tells \"0.5\" from 0.5 and \"true\" from true. Values that come from environment variables or "
     "forms "
     "are texts until they are converted, and null is taken only where the reference says so. The API "
     "answers "
     "400 and names the parameter."},
    {"call_accept_body_value_unknown", "A value of the accept body is none of those that exist",
     "Write one of the words that are named.",
     "Some members take a fixed set of words: the type of turn_detection and of a tool, eagerness, the type "
     "of "
     "noise_reduction, tool_choice, truncation, tracing, and the role of a message. Turn detection is "
     "switched "
     "off with null, not with a word. It is an error where the set is closed, and a hint where it grows."},
    {"call_accept_body_voice_unknown", "The accept body names a voice that is not known here",
     "Write one of the voices of the reference in small letters, or {\"id\":\"voice_...\"} for one of your "
     "own.",
     "The body is sent all the same: voices are added now and then. A name that the API does not know makes "
     "it "
     "refuse the session. The voice cannot be changed once the model has spoken, so it belongs in the accept "
     "body and not in a later update. Live has all voices of Realtime and more of its own."},
    {"call_accept_body_wrapper_wrong", "The session stands in the wrong place of the accept body",
     "Live: {\"session\":{...}}. Realtime: the members of the session at the top of the body.",
     "The two APIs differ in this: Live takes the session as a member named session, Realtime takes it as "
     "the "
     "body. Code that serves both sends one form to the other. The session.update of the sideband has a "
     "wrapper in both, which is where the mistake often comes from."},
    {"call_conflict", "The call is in a state that does not allow the request",
     "Read the message of the answer; do not repeat the request.",
     "The API answered 409 with another reason than a decision that was made already. Hanging up or "
     "transferring a call that was not accepted yet, or that is just ending, is the usual case."},
    {"call_credential_refused", "OpenAI refuses the API key",
     "Use a key of the project that the SIP address names, with write access to Realtime; set it where the "
     "service runs and restart.",
     "The API answered 401 or 403. The key is missing, mistyped, revoked, restricted, or belongs to another "
     "project than the call: calls come to the project in sip:proj_...@sip.api.openai.com and can be "
     "accepted "
     "with its keys only. The webhook secret is another thing and opens nothing here."},
    {"call_dead_session", "The call was accepted, and its session never lived",
     "Check the accept body with care, first for beta members and the model; then try it with nothing but "
     "type and model.",
     "The accept was answered 200, but the sideband connection was refused with 404 again and again, or it "
     "ended before any event. So the session died while it was set up, and the caller hears silence until "
     "the line drops. The API does not say why; in the cases that were made public the body was at fault."},
    {"call_deadline_passed", "The time for the call ran out before an answer came",
     "Look at the times in the log: event created, received, accept sent. Shorten what takes longest.",
     "A caller does not wait, and OpenAI gives a call that is not accepted up: Twilio then reports a SIP "
     "400, "
     "mostly as error 13224. How long OpenAI waits is not documented, so the service stops after ten seconds "
     "from the receipt of the event. If the event came late already, the delay is at OpenAI or at the "
     "proxy."},
    {"call_decided_elsewhere", "The call was accepted or rejected already",
     "Look which endpoints of the project are subscribed to call events, and leave one of them.",
     "The first successful accept or reject decides, on either API. Who comes later gets "
     "decision_already_made. A second webhook endpoint is the usual cause: a tunnel to a laptop, an old "
     "deployment, or another team's service in the same project. A request of one's own whose answer was "
     "lost "
     "can be it, too: then the sideband opens."},
    {"call_event_stale", "The event that announces the call is too old",
     "Find out why the event came late: answers other than 2xx to earlier deliveries, or a long queue.",
     "OpenAI repeats deliveries that were not answered with 2xx for up to 72 hours, but a caller is gone "
     "after "
     "seconds. An event that is more than half a minute old therefore announces a call that no longer "
     "exists. "
     "An accept is tried once, and 404 is final. Compare created_at with the time of receipt."},
    {"call_gone", "OpenAI does not know the call, or no longer",
     "Nothing is left to do for this call. If it happens to many, look at the age of the events and for a "
     "second endpoint.",
     "The API answered 404 with call_id_not_found. Within a second of the event it may be a race with the "
     "registration of the call, so it is asked again after 300, 600 and 1,000 milliseconds. After that the "
     "caller has hung up, the event is an old retry, another process has answered first, or the key belongs "
     "to another project."},
    {"call_id_malformed", "The id of the call cannot be one",
     "Pass on data.call_id or data.session_id as it stands in the event.",
     "Ids of calls are opaque: rtc_ or live_ and letters, today. One that has a slash, a percent sign, a "
     "question mark, a blank or more than 256 characters is refused, since it becomes part of an address, "
     "and the request could reach something else. A placeholder that was never filled in looks like that."},
    {"call_network_failure", "No answer came from OpenAI",
     "Look at name resolution, outgoing port 443, proxies and the certificate store of the host that the "
     "service runs on.",
     "The request ended without any answer: the name could not be resolved, the connection was refused or "
     "broke, TLS failed, or time ran out. It was repeated with growing pauses until the deadline of the "
     "call. "
     "If the connection broke after the request was sent, the call may be accepted all the same."},
    {"call_rate_limited", "The limit or the quota of the project is used up",
     "Raise the limit or the budget of the project, or take fewer calls at a time.",
     "The API answered 429. Where it says when to come back and the call can wait that long, the request is "
     "repeated then; otherwise the call is lost. The reason insufficient_quota is about money, not about "
     "speed, and no waiting mends it."},
    {"call_request_refused", "OpenAI refuses the request as it is",
     "Read the message of the answer and correct what it names; compare the base URL as well.",
     "The API answered 400, 422 or a status like them, or 404 with a code that is about something other than "
     "the call, as a model that the project may not use. Repeating it would change nothing. The param of the "
     "answer names the member at fault. An address with /v1 twice, or without it, ends here too."},
    {"call_server_error", "OpenAI failed until the time for the call was over",
     "Look at OpenAI's status page; reject or divert calls while it lasts.",
     "The API answered 5xx each time. The request was repeated with growing pauses, within ten seconds from "
     "the receipt of the event. Where it is a transfer that is answered 500, see that the trunk has call "
     "transfers switched on before anything else."},
    {"call_session_error", "The session of the call ended with an error",
     "Read the code and the message of the error event in the log.",
     "The sideband connection brought an event of the type error and then ended. Errors that do not end the "
     "session, as a message with a wrong member, are logged and the call goes on. A frequent one is a "
     "session.update without session.type."},
    {"call_session_expired", "The session of the call reached its longest time",
     "Set a shorter time of your own, so that the caller hears a farewell before.",
     "OpenAI ends a Realtime session after 60 minutes, in the middle of a sentence if need be; for Live "
     "calls two hours are documented. A call that lasts so long is seldom a conversation: it is a line that "
     "was not hung up, or two machines that talk to each other."},
    {"call_sideband_refused", "The sideband connection of the call is refused",
     "Compare the key and the base URL with those of the accept; look whether a proxy lets WebSockets "
     "through.",
     "The accept worked, and the WebSocket that observes and steers the call was answered with something "
     "other "
     "than 101. With 401 or 403 it is the key, with 404 the session is not there (yet), and 400, 426 and 502 "
     "come from proxies that do not pass the upgrade on. The call itself goes on without greeting and "
     "without log."},
    {"call_unexpected_answer", "The answer has a status that the API does not use",
     "Request the base URL by hand and look who answers; compare it with https://api.openai.com/v1.",
     "Redirects, 1xx and statuses that mean nothing here come from somebody in between: a proxy with a login "
     "page, a load balancer, or a server of another kind at the configured address. Redirects are not "
     "followed, since the key would go along."},
};

}  // namespace

std::span<const CatalogueEntry> call_entries() { return kEntries; }

}  // namespace callchain::diagnosis
