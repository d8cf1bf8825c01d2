/// Rows of the catalogue: the webhook endpoints of a project at OpenAI, and the API that manages them.
#include "diagnosis/catalogue_tables.hpp"

namespace callchain::diagnosis {
namespace {

constexpr CatalogueEntry kEntries[] = {
    {"endpoint_api_missing", "There is no API for webhook endpoints at this base URL",
     "Ask OpenAI itself: --base-url https://api.openai.com/v1; or look into the dashboard, settings, "
     "project, "
     "webhooks.",
     "The address was answered 404 as a whole. OpenAI has this API since 2026; proxies, gateways and other "
     "vendors that speak the rest of OpenAI's API may not pass it on. A base URL without /v1, or with it "
     "twice, ends here as well."},
    {"endpoint_credential_refused", "OpenAI refuses the API key for webhook endpoints",
     "Use a key of the project whose endpoints are meant, with permission to read and write webhooks.",
     "The API answered 401 or 403. The key is mistyped, revoked or of an organisation that has no access; or "
     "it is restricted: a key that may accept calls need not be one that may manage webhooks. Endpoints "
     "belong to a project, and a key shows those of its own project only. The webhook secret is another "
     "thing "
     "and opens nothing here."},
    {"endpoint_network_failure", "No answer came from OpenAI about webhook endpoints",
     "Look at name resolution, outgoing port 443, proxies and the certificate store of this host.",
     "The request ended without a whole answer: the name could not be resolved, the connection was refused "
     "or broke, TLS failed, or time ran out. A list changes nothing and can be asked for again. A test or a "
     "rotation that broke behind the sending may have been carried out; the command says so."},
    {"endpoint_none_subscribed", "No webhook endpoint of the project is subscribed to call events",
     "Subscribe the endpoint of this service to realtime.call.incoming (dashboard: settings, project, "
     "webhooks); live events likewise, where Live is used.",
     "OpenAI announces a call by a webhook and by nothing else: without a subscription nobody learns of it, "
     "nobody accepts it, and the caller hears nothing until the call is given up. Look whether the key is of "
     "the project that the SIP address names: calls to sip:proj_...@sip.api.openai.com are announced to the "
     "endpoints of that project."},
    {"endpoint_not_found", "The project has no webhook endpoint of that id",
     "Take the id from callchain endpoints list, with a key of the same project.",
     "The API answered 404 and means the endpoint. It was deleted, the id is cut or mistyped, or it belongs "
     "to "
     "another project than the key. The id of a delivery (wh_...) or of an event (evt_...) is none of an "
     "endpoint."},
    {"endpoint_rate_limited", "OpenAI limits the requests about webhook endpoints",
     "Wait a minute and ask again; look for a script that asks all the time.",
     "The API answered 429. Nothing was changed by this request. Listing takes one request for a hundred "
     "endpoints; tests and rotations are seldom, and limits for them are not documented."},
    {"endpoint_request_refused", "OpenAI refuses the request about a webhook endpoint",
     "Read the message of the answer and correct what it names.",
     "The API answered 400 or another 4xx, and changed nothing. For a test the usual reasons are an event "
     "type "
     "that cannot be tested (those of Live are subscribed in the dashboard and not listed for tests), or a "
     "server that could not be reached at all, which is told as an error and not as a status."},
    {"endpoint_rotation_unknown", "The answer to a rotation is lost; the secret may have changed",
     "Run callchain endpoints list: if updated_at is of this minute or the hint is another one, rotate again "
     "and set that secret at once; else nothing has happened.",
     "The request was sent, and its answer did not come, could not be read, or said that OpenAI failed. The "
     "new secret is shown in that answer only and cannot be asked for. If it was carried out with the old "
     "secret kept for 24 hours, deliveries still verify and there is time for another rotation. If not, "
     "every "
     "delivery fails until the secret of another rotation is set."},
    {"endpoint_secret_lost", "The secret was rotated, and the new one could not be kept",
     "Rotate again to a place that can be written, and set that secret at once.",
     "The secret was changed, and the new one came and could not be written: a full disk, a closed pipe, a "
     "folder that went away. It is shown once only, so it is lost, and the way on is another rotation. Where "
     "the old secret was kept for 24 hours it verifies until then; whether it survives a second rotation is "
     "not documented, so have the service ready to be restarted."},
    {"endpoint_secret_of_other", "The secret is that of an endpoint with another server",
     "Set the secret of the endpoint whose URL is this server, or rotate that endpoint to get a new one.",
     "Each endpoint has a secret of its own, and signs with that. The one that is set here fits the hint of "
     "an "
     "endpoint whose URL is on another host, so deliveries to this host do not verify: they are signed with "
     "the secret of this host's endpoint. It comes about when one .env is copied to two hosts. A hint shows "
     "a "
     "few characters only; callchain verify-sig proves it with a delivery."},
    {"endpoint_secret_unknown", "The secret fits no endpoint that is subscribed to call events",
     "Copy the secret of the subscribed endpoint again, or rotate it: callchain endpoints rotate.",
     "What the hints show of the secrets at OpenAI is not so in any that was given here. Deliveries of call "
     "events are then refused as not matching. The secret may be of a deleted endpoint, of another project, "
     "or of the time before a rotation; within 24 hours of one it may still verify, since deliveries are "
     "signed with both. A hint shows a few characters; callchain verify-sig proves it with a delivery."},
    {"endpoint_server_error", "OpenAI failed to answer a request about webhook endpoints",
     "Look at OpenAI's status page and ask again later.",
     "The API answered 5xx. A list changes nothing and can be asked for again at once. A test may have "
     "reached the server all the same: its log tells. After a rotation look at updated_at in callchain "
     "endpoints list before anything else."},
    {"endpoint_several_subscribed", "Several webhook endpoints are subscribed to call events",
     "Leave one endpoint subscribed to call events, that of the service; take the events off the others "
     "or delete them.",
     "Each subscribed endpoint gets every call event, signed with a secret of its own. A secret that was "
     "copied "
     "from one to the host of another never verifies there, which is the likeliest cause of signatures that "
     "do not match for weeks. And of two services that verify, the first accept decides: the other is told "
     "call_decided_elsewhere or call_gone. A tunnel to a laptop, an old deployment and a second team are the "
     "usual others."},
    {"endpoint_test_failed", "The server did not take the test event",
     "Read what the status says; then look into the log of the server at the time of the test.",
     "OpenAI sent a made-up event to the URL of the endpoint and reports the status that came back; only "
     "2xx counts as delivered. 400, 401 and 403 are refusals, as a rule because the secret is another "
     "endpoint's; 404 is a path; 3xx is never followed; 5xx is a failure of the server or of a proxy in "
     "front. "
     "A service that answers the test with 2xx verifies with the right secret, if it verifies at all."},
    {"endpoint_unexpected_answer", "What answered is not the API for webhook endpoints",
     "Request the base URL by hand and look who answers; compare it with https://api.openai.com/v1.",
     "The status is none that the API uses, or the body is not its JSON, or the pages of the list repeat. A "
     "proxy with a login page, a redirect, or a server of another kind stands at the configured address. "
     "Redirects are not followed, since the key would go along."},
    {"endpoint_url_elsewhere", "No endpoint that is subscribed to call events leads to this server",
     "Give the endpoint the URL of this service, with /openai/webhook; or set CALLCHAIN_PUBLIC_URL to where "
     "the service really is.",
     "The hosts of the subscribed endpoints are compared with CALLCHAIN_PUBLIC_URL and "
     "RAILWAY_PUBLIC_DOMAIN. If none is among them, call events go to another deployment: an old domain, a "
     "preview, a tunnel that is closed. This service then gets no delivery at all, and its log stays empty "
     "while calls ring. A custom domain that is missing in CALLCHAIN_PUBLIC_URL looks the same; add it."},
};

}  // namespace

std::span<const CatalogueEntry> endpoint_entries() { return kEntries; }

}  // namespace callchain::diagnosis
