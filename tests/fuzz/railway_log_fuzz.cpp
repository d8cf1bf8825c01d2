/// Any log is read; every line number is one of the log's; no control of memory is lost; a record that stands
/// in a line of its own among any other lines is found again.
#include "fuzz/require.hpp"
#include "webhook/railway_log.hpp"

#include <algorithm>
#include <cstdint>

using namespace callchain::webhook;

namespace {

using callchain::require;

void check_ranges(const LogReading& reading, std::size_t size) {
    const auto in_log = [&](std::size_t line) { return line >= 1 && line <= reading.shape.lines; };
    for (const auto& delivery : reading.deliveries) {
        require(in_log(delivery.first_line) && in_log(delivery.last_line));
        require(delivery.first_line <= delivery.last_line);
        require(!delivery.error || in_log(delivery.error->line));
        if (!delivery.body) continue;
        require(in_log(delivery.body->line) && !delivery.body->candidates.empty());
        for (const auto& candidate : delivery.body->candidates) require(candidate.bytes.size() <= 2 * size);
    }
    for (const auto& mask : reading.masks) {
        require(in_log(mask.first_line) && mask.first_line <= mask.last_line && in_log(mask.last_line));
        require(mask.head.size() + mask.tail.size() <= 200 && mask.text.find("…") != std::string::npos);
    }
    for (const auto& loss : reading.losses) require(in_log(loss.line) && !loss.detail.empty());
    for (const auto line : reading.clear_secret_lines) require(in_log(line));
}

WebhookRecord marked_record() {
    WebhookRecord record;
    record.webhook_id = "wh_found_again";
    record.webhook_timestamp = "1750287078";
    record.webhook_signature = "v1,CBTrrwrCprSg+So15PJ3z4FzGOdNF92Ubm9/IY7hDlA=";
    record.received_at = std::chrono::sys_time<std::chrono::milliseconds>{std::chrono::seconds{1750287078}};
    record.body = R"({"id": "evt_1", "object": "event"})";
    return record;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    check_ranges(read_railway_log(bytes), size);

    // Behind a line with a time of its own, so that no line before can claim it as its continuation.
    const auto middle = bytes.find('\n', size / 2);
    if (middle == std::string_view::npos || bytes.starts_with("\xFF\xFE") || bytes.starts_with("\xFE\xFF"))
        return 0;
    const auto record = marked_record();
    std::string log(bytes.substr(0, middle + 1));
    log += "\n2025-06-18T22:51:18Z [err] " + write_webhook_record(record) + "\n\n";
    log += bytes.substr(middle + 1);
    const auto reading = read_railway_log(log);
    check_ranges(reading, log.size());
    const auto found =
        std::any_of(reading.deliveries.begin(), reading.deliveries.end(), [&](const auto& delivery) {
            return delivery.record && delivery.id.text == *record.webhook_id && delivery.body &&
                   delivery.body->candidates[0].bytes == *record.body;
        });
    require(found);
    return 0;
}
