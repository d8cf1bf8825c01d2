/// Rows of the catalogue: what Twilio's REST API answers where it is asked about a call.
#include "diagnosis/catalogue_tables.hpp"

namespace callchain::diagnosis {
namespace {

constexpr CatalogueEntry kEntries[] = {
    {"twilio_call_not_found", "Twilio knows no such call in this account and region",
     "Take the CallSid from the log of serve or from the console; ask the region that handled the call "
     "(--region, --edge) with a credential of that region.",
     "The API answered 404. A call lives in one region and in one account, and is not found from any other: "
     "a "
     "CallSid of br1 is unknown at api.twilio.com. Subaccounts have calls of their own as well. A CallSid "
     "that "
     "was cut, or that is one of a leg in another account, ends here too."},
    {"twilio_credential_refused", "Twilio refuses the credential",
     "Copy account and token, or key and secret, again from the console of the same region; restart whatever "
     "still holds the old ones.",
     "The API answered 401, or with the code 20003. The token is mistyped or was rotated, or it belongs to "
     "another account or region than the one that was asked: each region has tokens and keys of its own. "
     "With "
     "an API key (SK...) the secret belongs to that key, and the account still stands in the address. The "
     "SID "
     "of a key is no account."},
    {"twilio_network_failure", "No answer came from Twilio's API",
     "Look at name resolution, outgoing port 443, proxies and the certificate store of this host; then ask "
     "again.",
     "The request ended without a whole answer: the name could not be resolved, the connection was refused "
     "or "
     "broke, TLS failed, or time ran out. Nothing is changed by asking, so it can be asked again. "
     "Names of a region without an edge (api.ie1.twilio.com) exist no more since 2026-04-28: give both."},
    {"twilio_permission_missing", "The credential may not read this at Twilio",
     "Give the key permission to read calls, notifications and monitor alerts, or use one that has it.",
     "The API answered 403: it knows the credential, and the credential may not do this. Restricted keys "
     "have "
     "a list of permissions, and the alerts of Monitor are a product of their own there. The rest of what "
     "was "
     "asked for is printed all the same; what is missing is named."},
    {"twilio_rate_limited", "Twilio limits the requests of this account",
     "Wait a minute and ask again; see what else asks so often with this account.",
     "The API answered 429, or with the code 20429. The limit is on requests at the same time over the whole "
     "account, so other programs count as well. Asking about a call takes some ten requests, one behind the "
     "other."},
    {"twilio_request_refused", "Twilio refuses the request",
     "Read Twilio's own message; callchain explain has pages on its codes.",
     "The API answered 4xx, and neither the credential nor the call is what it objects to. An account that "
     "is "
     "suspended and an address of another product than Voice are the usual ones."},
    {"twilio_server_error", "Twilio failed to answer", "Look at Twilio's status page and ask again later.",
     "The API answered 5xx. Asking changes nothing, so it can be asked again at once. Where only a part "
     "failed, "
     "the rest is printed, and the part is named."},
    {"twilio_unexpected_answer", "What answered is not Twilio's API",
     "Request the address by hand and look who answers; compare it with https://api.twilio.com.",
     "The status is none that the API uses, or the body is not its JSON, or its pages repeat or lead to "
     "another host. A proxy with a login page, a redirect, or a server of another kind stands at the "
     "configured address. Redirects are not followed, since the credential would go along."},
};

}  // namespace

std::span<const CatalogueEntry> twilio_api_entries() { return kEntries; }

}  // namespace callchain::diagnosis
