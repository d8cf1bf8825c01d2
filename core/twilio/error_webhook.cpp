/// Codes of the account, and of Twilio's requests to our webhooks.
#include "twilio/error_tables.hpp"

namespace callchain::twilio {
namespace {

using enum Level;

constexpr ErrorPage kPagesOfTable[] = {
    {10001, error, "The account is not active",
     "The account is suspended or was never upgraded, mostly for an unpaid bill. Every call fails, whatever "
     "the TwiML says.",
     "Open the Twilio console, settle the balance, and reactivate the account.", kList},
    {10003, error, "An incoming call was rejected because the account is not active",
     "The account is suspended. The WhatsApp user's call never reaches the voice webhook.",
     "Open the Twilio console, settle the balance, and reactivate the account.", kList},
    {10004, error, "More calls at one time than the account may have",
     "A load test, or a retry loop that starts calls faster than they end.",
     "Slow the caller down, end calls that are left over, and ask Twilio for a higher limit.", kList},
    {11100, error, "A URL has a format that Twilio cannot use",
     "An action or callback URL is relative to nothing, has no scheme, has a doubled one (https://https://), "
     "or holds an empty host because a variable was unset. Twilio does not say which URL it was.",
     "Write every URL in the TwiML as absolute https. Check it with: callchain twiml lint.", kList},
    {11200, error, "Twilio fetched a URL of ours and got no usable answer",
     "The handler crashed, took longer than 15 seconds, answered 4xx or 5xx, or sent a content type that is "
     "no TwiML. A signature check that answers 403 shows like this too, and so does a tunnel that is down.",
     "Read the status and body that Twilio got in the console's request inspector, then the log of the "
     "service at that second. Newer accounts get 11205 or 11217 instead, which say more.",
     "2025 to 2026"},
    {11202, error, "The TCP connection was refused, at both tries",
     "Nothing listens on that port: the service is down or still starting, or PORT differs from what the "
     "platform passes on.",
     "Start the service, and compare the port it names in its ready line with the one in the URL.",
     "2025 to 2026"},
    {11205, error, "Twilio could not connect within 10 seconds, or had no answer within 15",
     "A firewall, a localhost or private address in the URL, or a handler that does slow work before it "
     "answers. Twilio's 15 seconds cannot be raised.",
     "Use a public host name. Answer first and do slow work afterwards; below one second is the aim.",
     "2025 to 2026"},
    {11206, error, "The answer was not valid HTTP",
     "Plain HTTP was spoken to a TLS port, or TLS to a plain one; or a proxy cut the answer.",
     "Make scheme and port of the URL fit what listens there.", kList},
    {11210, error, "The host name of the URL cannot be resolved",
     "A spelling mistake, a domain that is gone, or a tunnel whose name changed at its last start.",
     "Resolve the name from outside (dig NAME @1.1.1.1), and correct the URL or the DNS record.", kList},
    {11215, error, "Too many redirects",
     "A proxy and the service send each other round: often http to https on one side and back on the other.",
     "Give Twilio the final URL. Look at the chain with: curl -sIL URL.", kList},
    {11217, error, "Our webhook answered with a 4xx or 5xx status",
     "403: our own signature check refused the request. 404: the route or the method differs. 502 to 504: "
     "the proxy did not reach the service. 429: somebody limits Twilio's rate, which Twilio does not honour.",
     "Take the status from the console's request inspector. For 403 check the recorded request with: "
     "callchain verify-sig --scheme twilio. Never rate-limit Twilio's requests.",
     "2025 to 2026",
     "Twilio does not try 4xx and 5xx again by itself. It calls the fallback URL, if there is one, with "
     "ErrorCode and ErrorUrl; without one the caller hears an English error and the call ends. An action URL "
     "has no fallback of its own."},
    {11220, error, "The TLS handshake with our host failed",
     "The server offers no version or cipher that Twilio accepts, asks for a client certificate, or ends the "
     "connection because the name (SNI) is unknown to it.",
     "Offer TLS 1.2 with ECDHE-RSA and AES-GCM ciphers. Try it with: openssl s_client -connect HOST:443 "
     "-servername HOST -tls1_2.",
     kList},
    {11235, error, "The certificate is not for this host name",
     "The URL uses another name than the certificate, for example the platform's own name behind a custom "
     "domain, or an address in place of a name.",
     "Use the name that stands in the certificate, or have a certificate issued for this one.", kList},
    {11236, error, "The certificate has expired",
     "Automatic renewal stopped, or the service still serves the old file.",
     "Renew the certificate, and restart or reload what serves it.", kList},
    {11237, error, "No path from the certificate to a known authority",
     "The server sends its own certificate without the intermediate one, which browsers hide; or it is "
     "self-signed.",
     "Serve the full chain. Check with: openssl s_client -connect HOST:443 -servername HOST -showcerts.",
     kList},
    {11240, error, "The edge location in the URL's connection override is not valid",
     "The part of the URL behind # has an e= value that is misspelt. That part is Twilio's, not the "
     "browser's.",
     "Correct or remove e= behind the # of the webhook URL.", kList},
    {11241, error, "The edge location in the URL's connection override is not supported here",
     "The part of the URL behind # asks for an edge that this product or account does not have.",
     "Correct or remove e= behind the # of the webhook URL.", kList},
    {11750, error, "The TwiML is larger than 64 kB",
     "Hardly ever real TwiML: an HTML error page or a whole web application was served at the voice URL.",
     "Fetch the URL as Twilio does (POST) and look at what comes back.", kList},
    {15003, warning, "A status callback URL answered with a warning status, 4xx or 5xx",
     "The route behind statusCallback is missing, checks a signature it cannot check, or fails. The call "
     "itself is not touched.",
     "Answer status callbacks with 200 or 204 and an empty body.", kList},
};

}  // namespace

std::span<const ErrorPage> webhook_errors() { return kPagesOfTable; }

}  // namespace callchain::twilio
