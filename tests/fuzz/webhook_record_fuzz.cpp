/// What is read from any line must write and be read again as the same; a record made of any bytes survives
/// the damage that log pipelines do.
#include "encoding/json_text.hpp"
#include "fuzz/require.hpp"
#include "webhook/log_json.hpp"
#include "webhook/record.hpp"

#include <cstdint>

using namespace callchain;
using namespace callchain::webhook;

namespace {

/// Cuts the input into pieces at NUL bytes.
class Pieces {
  public:
    explicit Pieces(std::string_view text) : rest_(text) {}
    std::string next() {
        const auto piece = rest_.substr(0, rest_.find('\0'));
        rest_.remove_prefix(piece.size() < rest_.size() ? piece.size() + 1 : piece.size());
        return std::string(piece);
    }

  private:
    std::string_view rest_;
};

WebhookRecord record_of(std::string_view bytes) {
    constexpr std::chrono::sys_time<std::chrono::milliseconds> kNow{std::chrono::seconds{1750287078}};
    Pieces pieces(bytes);
    WebhookRecord record;
    record.webhook_timestamp = "1750287078";
    record.received_at = kNow;
    record.webhook_id = pieces.next();
    record.webhook_signature = pieces.next();
    record.user_agent = pieces.next();
    record.reason = pieces.next();
    record.secrets = {{pieces.next(), bytes.size(), pieces.next(), pieces.next()}};
    record.body = pieces.next();
    record.body_length = record.body->size();
    return record;
}

std::string escaped(std::string_view line) {
    const auto quoted = encoding::quote_json(line);
    return quoted.substr(1, quoted.size() - 2);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    if (const auto read = parse_webhook_record(bytes)) {
        auto once = parse_webhook_record(write_webhook_record(*read));
        require(once.has_value());
        // The writer keeps a body out, and values that are too long; what it wrote it must keep.
        require(parse_webhook_record(write_webhook_record(*once)) == once);
    }
    (void)read_log_object(bytes);
    require(remove_backslash_layer(escaped(remove_backslash_layer(bytes))).size() <= 3 * size);

    auto record = record_of(bytes);
    const auto line = write_webhook_record(record);
    require(line.find_first_of("\\\r\n\x1b") == std::string::npos);
    require(encoding::parse_json_text(line).has_value());
    if (const auto reason = why_body_stays_out(record)) {
        record.body.reset();
        record.body_left_out = std::string(*reason);
    }
    constexpr std::size_t kShortHeaders = 4096;
    if (size > kShortHeaders) return 0;
    for (const auto& form :
         {line, escaped(line), escaped(escaped(line)), "2025-06-18 [err] {} " + line + " }",
          "{\"message\":" + encoding::quote_json(line) + ",\"level\":\"error\"}"}) {
        require(parse_webhook_record(form) == record);
    }
    return 0;
}
