/// Codes of WhatsApp calling, and of Twilio's products that turn up beside it in the same account.
#include "twilio/error_tables.hpp"

namespace callchain::twilio {
namespace {

using enum Level;

constexpr std::string_view kPage2026 = "2026-03-11";
constexpr std::string_view kNoText = "no text of its page could be had, 2026-11";
constexpr std::string_view kRangeOnly =
    "The number is in the range of Twilio's product WhatsApp Voice; more is not known here, and nothing is "
    "guessed.";
constexpr std::string_view kReadPage =
    "Read Twilio's page of the code, and the notification of the call in the console.";

constexpr ErrorPage kPagesOfTable[] = {
    {37000, error, "The WhatsApp user has not granted permission to be called",
     "An outbound call was placed before the user accepted a call request, or the permission ended (7 days) "
     "or was revoked after missed calls.",
     "Send a message with VOICE_CALL_REQUEST and wait for ButtonPayload=ACCEPTED. At most one request in 24 "
     "hours and two in 7 days.",
     kPage2026},
    {37001, error, "Outbound WhatsApp calls are not supported in this Twilio region",
     "The REST request went to a regional host such as api.dublin.ie1.twilio.com.",
     "Place the call through api.twilio.com, which is US1.", kPages},
    {37002, unknown, "A fault of WhatsApp Voice; its text is not known here", kRangeOnly, kReadPage, kNoText},
    {37003, unknown, "A fault of WhatsApp Voice; its text is not known here", kRangeOnly, kReadPage, kNoText},
    {37004, error, "The business number has placed too many calls",
     "A burst of outbound calls from one sender.", "Slow down, and try the rest later.", kPages},
    {37005, unknown, "A fault of WhatsApp Voice; its text is not known here", kRangeOnly, kReadPage, kNoText},
    {37006, error, "This user was called too often in 24 hours",
     "More than 5 connected calls to one user in 24 hours, often by a retry loop. Meta changes this figure "
     "now and then.",
     "Count the calls to each user, and wait until the day is over.", kPages},
    {37007, unknown, "A fault of WhatsApp Voice; its text is not known here", kRangeOnly, kReadPage, kNoText},
    {37008, error, "From is not one of the account's WhatsApp senders",
     "The prefix is missing (From=+55...), or the sender belongs to another account or subaccount.",
     "Write From=whatsapp:+NUMBER with a sender that the console lists for this account.", kPages},
    {37009, error, "The WhatsApp sender has no voice application",
     "Inbound calls fail before any webhook: voice_application_sid of the sender is empty, so Twilio has no "
     "URL to call.",
     "Set the TwiML application in the console under the sender's Voice Endpoint Configuration.", kPage2026},
    {57012, error, "The signature of a request is not valid, in messaging",
     "The URL or the parameters that were checked differ from the signed ones, or the secondary token was "
     "used.",
     "Check the recorded request with: callchain verify-sig --scheme twilio.", kPage},
    {64001,
     error,
     "A fault of <Pay>",
     "Codes 64001 to 64024 belong to <Pay>, which this chain does not use. Another application of the "
     "account causes them.",
     "Look at the call SID of the alert: it is not one of your calls.",
     kList,
     {},
     64024},
    {64102, error, "ConversationRelay could not connect to its WebSocket",
     "Another product of the same account. It shows up as noise where alerts are listed for the whole "
     "account.",
     "Filter the alerts by the call SID.", kPages},
    {64105, error, "The WebSocket of ConversationRelay was closed",
     "Another product of the same account. It shows up as noise where alerts are listed for the whole "
     "account.",
     "Filter the alerts by the call SID.", kPages},
    {64106, error, "ConversationRelay was given a bad argument",
     "Another product of the same account. It shows up as noise where alerts are listed for the whole "
     "account.",
     "Filter the alerts by the call SID.", kPages},
    {64107, error, "ConversationRelay received a bad message",
     "Another product of the same account. It shows up as noise where alerts are listed for the whole "
     "account.",
     "Filter the alerts by the call SID.", kPages},
};

}  // namespace

std::span<const ErrorPage> whatsapp_errors() { return kPagesOfTable; }

}  // namespace callchain::twilio
