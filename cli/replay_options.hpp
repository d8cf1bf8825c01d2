/// What replay-webhook was asked for, and the parts that its modes share.
#pragma once

#include "call_commands.hpp"
#include "crypto/hash.hpp"
#include "diagnosis/ci_report.hpp"
#include "diagnosis/receiver_matrix.hpp"
#include "http/client.hpp"
#include "signature/known_secrets.hpp"
#include "webhook/json_edit.hpp"
#include "webhook/made_up.hpp"
#include "webhook/replay.hpp"

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace callchain::cli {

inline constexpr int kMostDeliveries = 100'000;

struct ReplayOptions {
    // What is sent.
    std::vector<std::string> paths;
    std::string log_file;
    std::string ngrok_url;
    std::string event;
    std::string pick;
    std::string body_file;
    std::vector<std::string> edits;
    SecretSources secrets;
    bool as_is = false;
    bool keep_id = false;
    // Where to, and how.
    std::string to;
    std::string compare;
    std::string matrix;  ///< "", "basic" or "full"
    int repeat = 1;
    int concurrency = 1;
    double rate = 0;  ///< a second; 0: as fast as the receiver answers
    int max_time_s = 300;
    bool yes_load = false;
    SendOptions send;
    // What is made of it.
    std::string expect;
    std::vector<std::string> reports;
    std::string save_file;
    std::size_t show_bytes = 500;
};

/// One request that was recorded, or made up.
struct ReplaySource {
    std::string name;  ///< for a person: the file, with the number of the delivery where it has several
    webhook::Capture capture;
};

/// Reads what the options name: captures, folders, archives, a log, ngrok's inspector, or an event that is
/// made up. What is odd about one is said. Errors: those of the inputs, and usage where one delivery of
/// several must be chosen.
[[nodiscard]] Result<std::vector<ReplaySource>> read_sources(const ReplayOptions& options, Context& context,
                                                             webhook::MadeUpIds& ids);

/// A delivery before it is signed.
struct Prepared {
    std::string source;
    webhook::Delivery delivery;
    std::vector<std::string> left_out;
    std::string recorded_id;  ///< empty: none
    webhook::Staleness staleness;
    std::string body_sha256 = {};
    std::optional<webhook::Delivery> signed_before = {};  ///< what --save wrote is what is sent first
};

/// Statuses that were asked for.
class Expectation {
  public:
    /// "200", "2xx", or several with commas. Errors: usage.
    [[nodiscard]] static Result<Expectation> parse(const std::string& text);
    [[nodiscard]] bool holds(int status) const;
    [[nodiscard]] const std::string& text() const { return text_; }

  private:
    std::string text_;
    std::vector<std::pair<int, int>> ranges_;
};

/// Everything that a mode works with. One thread.
struct Replay {
    const ReplayOptions& options;
    Context& context;
    webhook::MadeUpIds& ids;
    std::vector<Prepared> prepared;
    std::vector<signature::LabelledSecret> secrets;
    std::vector<crypto::HmacKey> keys;  ///< one for each secret; none with --as-is
    signature::KnownSecrets known;      ///< what no answer may show
    Expectation expected;
};

/// How a receiver answered, or why it did not.
struct ReplayAnswer {
    http::ClientResult result;  ///< of the body only as much as may be shown
    std::chrono::microseconds duration{};
    std::size_t body_length = 0;  ///< of the answer as it came, at most a MiB
    std::string body_sha256 = {};
    [[nodiscard]] const http::ClientResponse* response() const {
        return std::get_if<http::ClientResponse>(&result);
    }
    [[nodiscard]] const http::ClientFailure* failure() const {
        return std::get_if<http::ClientFailure>(&result);
    }
};
/// Keeps of an answer what may be shown of it, with secrets withheld. Units: `began` is when the request was
/// made.
[[nodiscard]] ReplayAnswer keep_answer(const Replay& replay, http::ClientResult result,
                                       std::chrono::steady_clock::time_point began);
[[nodiscard]] diagnosis::ReceiverAnswer receiver_answer(const ReplayAnswer& answer);

/// The URL that a delivery goes to: `to`, with the recorded path where `to` has neither path nor query.
[[nodiscard]] std::string url_for(const std::string& to, const webhook::Delivery& delivery);
/// The same as it may be shown: values of the query that look like credentials withheld.
[[nodiscard]] std::string shown_url(std::string_view url);
[[nodiscard]] http::ClientRequest request_for(const Replay& replay, const std::string& to,
                                              const webhook::Delivery& delivery);
[[nodiscard]] http::ClientOptions replay_client(const ReplayOptions& options);
/// Signed now with all keys, under a new id or the recorded one; with --as-is as it was recorded.
[[nodiscard]] webhook::Delivery sign_now(Replay& replay, Prepared& prepared);

/// "401 Unauthorized, 3 ms, application/json, 56 bytes", or why there was no answer.
[[nodiscard]] std::string answer_line(const ReplayAnswer& answer);
/// The lines of an answer's body, each behind a bar; empty where there is none or none is to be shown.
[[nodiscard]] std::string answer_body_lines(const Replay& replay, const ReplayAnswer& answer);
/// status, version, content_type, location, duration_ms, answer, failure.
void add_answer(nlohmann::ordered_json& json, const Replay& replay, const ReplayAnswer& answer);

/// Prints the result, `text` or else `json`, fenced where a CI system reads the output, then writes the
/// reports. Errors: io where a report cannot be written.
[[nodiscard]] Result<void> print_and_report(const Replay& replay, const std::string& text,
                                            const nlohmann::ordered_json& json,
                                            const diagnosis::CiReport& report);
/// For each --report: whether its form is known and its file can be written. Errors: usage, io.
[[nodiscard]] Result<void> check_reports(const std::vector<std::string>& reports);

/// The exit code of a run whose reports may have failed, which is said: the verdict stays what it is, but a
/// good one becomes an error.
[[nodiscard]] int with_report(const Replay& replay, const Result<void>& reported, int code);

/// What to do about a delivery that got no answer.
[[nodiscard]] std::string hint_on_failure(const http::ClientFailure& failure);

/// The cases of --matrix, signed with the first secret and the time of now.
[[nodiscard]] std::vector<diagnosis::MatrixCase> matrix_cases(Replay& replay);

/// The modes. Each returns the exit code.
[[nodiscard]] Result<int> replay_deliveries(Replay& replay);
[[nodiscard]] Result<int> replay_matrix(Replay& replay);
[[nodiscard]] Result<int> replay_comparison(Replay& replay);

}  // namespace callchain::cli
