/// Codes of Twilio's REST API: placing and changing calls.
#include "twilio/error_tables.hpp"

namespace callchain::twilio {
namespace {

using enum Level;

constexpr ErrorPage kPagesOfTable[] = {
    {20003, error, "Permission denied: the credentials do not allow this request",
     "A wrong or rotated auth token, the SID of one account with the token of another, a subaccount mixed "
     "with its parent, or an API key of another region.",
     "Compare account SID and token in the console, and the host of the request with the region of the key.",
     kList},
    {20404, error, "There is nothing at that address of the API",
     "The call belongs to another account or region, is long gone, or the SID was cut in a log.",
     "Check account, region and SID of the request.", kList},
    {20429, error, "Too many requests to the API", "A loop polls for the state of calls.",
     "Wait longer after each refusal, with some randomness, and use status callbacks in place of polling.",
     kList},
    {21205, error, "A URL in the request is not valid",
     "Url, FallbackUrl or StatusCallback is relative or has no host.", "Write absolute https URLs.", kList},
    {21210, error, "The From number is not verified for this account",
     "An outbound WhatsApp call was placed with a bare number as From, so Twilio looks for a phone number of "
     "the account.",
     "Write From=whatsapp:+NUMBER with a sender of the account.", kList},
    {21211, error, "The To number is not valid",
     "The prefix whatsapp: was lost or doubled, the + was sent unescaped and became a blank, or a digit is "
     "missing.",
     "Write To=whatsapp:+NUMBER and percent-encode it in the form (whatsapp%3A%2B...).", kList},
    {21212, error, "The From number, the caller id, is not valid",
     "From has no prefix, a doubled one, or a + that became a blank in the form.",
     "Write From=whatsapp:+NUMBER and percent-encode it in the form.", kList},
    {21213, error, "The caller's number is missing",
     "From is empty: the variable that holds the sender is not set.",
     "Set the sender, and send From with each request.", kList},
    {21214, error, "The To number cannot be reached",
     "A bare number where a WhatsApp address was meant, or a route that Twilio does not have.",
     "Write To=whatsapp:+NUMBER, and try the number by hand.", kList},
    {21215, error, "The account's geographic permissions do not allow this call",
     "The country of To is not enabled for voice, or a WhatsApp call was placed as a phone call.",
     "Enable the country in the console under Voice, Geo permissions, or add the prefix whatsapp:.", kList},
    {21216, error, "The call was stopped by Twilio's block list",
     "The number range is held for fraud or by regulation.", "Ask Twilio's support about the range.", kList},
    {21217, error, "The phone number does not look valid",
     "The prefix whatsapp: was lost or doubled, or a digit is missing.",
     "Write the number in E.164, behind whatsapp: for WhatsApp.", kList},
    {21218, error, "The ApplicationSid is not valid",
     "The SID is of another account or region, or does not begin with AP.",
     "Copy the SID of the TwiML application from the console of this account.", kList},
    {21220, error, "The call is not in a state that allows this",
     "A hang-up or redirect came when the call had already ended. Harmless after a normal end.",
     "Treat it as done where you wanted to end the call.", kList},
    {21226, warning, "SIP calling is not enabled for this account", "A trial or very new account.",
     "Upgrade the account, or ask Twilio's support to enable SIP.", kList},
    {21227, warning, "The headers of the SIP URI are 1024 characters or more",
     "The header list behind ? of the SIP URI was built from data of the user.",
     "Pass an id in place of the data.", kList},
    {21228, warning, "The name of a SIP header on the URI has characters that are not allowed",
     "An underscore, blank or colon in the name, or a name that was not percent-encoded.",
     "Use letters, digits and hyphens, beginning with X-.", kList},
    {21229, warning, "The value of a SIP header on the URI has characters that are not allowed",
     "A reserved character (; = , @) stands unescaped in the value.",
     "Percent-encode the value: %3B for a semicolon, %3D for an equals sign, %2C for a comma, %40 for @.",
     kList},
    {21230, error, "The account has as many SIP Domains as it may have",
     "A provisioning script that creates a domain at each run; 100 are allowed.",
     "Delete domains that are left over, and look for an existing one first.", kList},
    {21231, error, "The SIP Domain or what is mapped to it is not valid",
     "Seen when an address list that is already mapped to the domain is mapped again.",
     "Read what is mapped first, and map only what is missing.", kList},
    {21232, error, "The name of the SIP Domain is not valid or is taken",
     "Names are unique over all of Twilio's customers and take letters, digits and hyphens.",
     "Choose a longer name of your own.", kList},
};

}  // namespace

std::span<const ErrorPage> rest_errors() { return kPagesOfTable; }

}  // namespace callchain::twilio
