/// Requests that others recorded, as captures: HAR files, the inspector of ngrok, the log of a service.
#pragma once

#include "base/result.hpp"
#include "webhook/capture.hpp"
#include "webhook/railway_log.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace callchain::webhook {

/// One recorded request. `capture.remarks` is empty; what is odd stands in `remark`.
struct Recording {
    Capture capture;
    std::string time;    ///< as the recorder wrote it; may be empty
    std::string remark;  ///< one sentence, or empty: the body may not be the bytes that were sent, and why
    std::size_t number = 0;  ///< among all requests of the recorder, from 1: what --pick takes
};

/// Requests of a recorder that look like signed deliveries: those with a webhook-id, webhook-timestamp,
/// webhook-signature, svix-signature or X-Twilio-Signature header.
struct Recordings {
    std::vector<Recording> found;  ///< at most kMostRecordings, in the order of the recorder
    std::size_t requests = 0;      ///< all that were there
    std::size_t left_out = 0;      ///< signed ones beyond the bounds
};
inline constexpr std::size_t kMostRecordings = 1'000;
/// Bodies that are kept, over all of them.
inline constexpr std::size_t kMostRecordingBytes = std::size_t{64} << 20U;

/// Reads log.entries[].request of an HTTP archive: method, url, httpVersion, headers, postData.text (base64
/// where postData.encoding or the custom _encoding says so). Anything else, responses above all, is passed
/// over without being kept: the memory used is that of the input and of what is found. A body stands there as
/// text, so bytes that are not UTF-8 are lost; a body that holds U+FFFD, or has another length than
/// Content-Length (or, without one, bodySize) says, gets a remark. Of the headers of one request at most
/// 1,000 are kept. Pseudo-headers (":method") are left out. Errors: bad_input with offset for what is no JSON
/// or no archive (no log.entries), with a hint for what it may be instead. Source: HTTP Archive (HAR) 1.2,
/// "request", "postData".
[[nodiscard]] Result<Recordings> read_har(std::string_view bytes);
/// True where a file may be an archive: JSON with an object at its top. Looks at the first bytes only.
[[nodiscard]] bool may_be_har(std::string_view bytes);

/// Reads the answer of ngrok's agent to GET /api/requests/http: requests[].request.raw is the request as it
/// was received, in base64. ngrok lists the newest first; here the oldest comes first. Where raw is only the
/// body, or lacks, the capture is put together from method, uri and headers, with a remark.
/// Errors: bad_input for what is no such answer. Source: ngrok documentation, "Agent API", List captured
/// requests.
[[nodiscard]] Result<Recordings> read_ngrok_requests(std::string_view json);

/// The delivery of a log as a request to `target`, with what of the headers is known: the three of Standard
/// Webhooks, Content-Type and User-Agent. `body` replaces the log's own.
/// Errors: bad_input where there is no body, where it was cut or re-ordered and its SHA-256 does not confirm
/// it, or where the log has a SHA-256 or a length that is another body's; the hint says how the service logs
/// bodies (CALLCHAIN_RECORD=full) or to pass the body by itself.
[[nodiscard]] Result<Capture> capture_of_delivery(const LoggedDelivery& delivery, std::string_view target,
                                                  const std::optional<std::string>& body);

}  // namespace callchain::webhook
