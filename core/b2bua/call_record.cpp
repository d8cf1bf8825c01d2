#include "b2bua/call_record.hpp"

#include "base/redact.hpp"
#include "base/text.hpp"

#include <array>
#include <chrono>

namespace callchain::b2bua {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

struct EndName {
    CallEnd end;
    std::string_view name;
};
constexpr std::array kEnds{
    EndName{CallEnd::none, "none"},
    EndName{CallEnd::offer_refused, "offer_refused"},
    EndName{CallEnd::cancelled, "cancelled"},
    EndName{CallEnd::refused, "refused"},
    EndName{CallEnd::credentials_refused, "credentials_refused"},
    EndName{CallEnd::unreachable, "unreachable"},
    EndName{CallEnd::no_answer, "no_answer"},
    EndName{CallEnd::answer_refused, "answer_refused"},
    EndName{CallEnd::not_acknowledged, "not_acknowledged"},
    EndName{CallEnd::hung_up_by_a, "hung_up_by_a"},
    EndName{CallEnd::hung_up_by_b, "hung_up_by_b"},
    EndName{CallEnd::too_long, "too_long"},
    EndName{CallEnd::lost, "lost"},
    EndName{CallEnd::stopped, "stopped"},
    EndName{CallEnd::fault, "fault"},
};

// Who brought it about: the caller's side, the called one's, or we.
std::string_view ended_by(const CallRecord& record) {
    switch (record.end) {
        case CallEnd::cancelled:
        case CallEnd::hung_up_by_a:
            return name_of(Leg::a, record.direction);
        case CallEnd::none:
            return {};
        case CallEnd::refused:
        case CallEnd::credentials_refused:
        case CallEnd::hung_up_by_b:
            return name_of(Leg::b, record.direction);
        default:
            return "gateway";
    }
}

class Fields {
  public:
    void add(std::string_view name, std::string value) {
        if (!value.empty()) fields_.emplace_back(name, std::move(value));
    }
    void add_number(std::string_view name, std::int64_t value) {
        if (value != 0) add(name, std::to_string(value));
    }
    void add_time(std::string_view name, const std::optional<milliseconds>& time) {
        if (time) add(name, std::to_string(time->count()));
    }
    [[nodiscard]] std::vector<std::pair<std::string_view, std::string>> take() { return std::move(fields_); }

  private:
    std::vector<std::pair<std::string_view, std::string>> fields_;
};

std::string silence_hint(SilencePattern pattern) {
    switch (pattern) {
        case SilencePattern::never_began:
            return "Meta hung up about 20 s after the answer, as it does where no media from the business "
                   "side "
                   "reached it: check Secure Media, the codecs in answered, and that the far end sends first";
        case SilencePattern::stopped:
            return "Meta hung up about 30 s after the answer, as it does where media from the business side "
                   "stopped: check that the far end keeps sending, silence included";
        case SilencePattern::none:
            break;
    }
    return {};
}

}  // namespace

std::string_view name_of(CallEnd end) {
    for (const auto& entry : kEnds)
        if (entry.end == end) return entry.name;
    return "fault";
}

std::vector<std::string_view> call_end_names() {
    std::vector<std::string_view> names;
    for (const auto& entry : kEnds)
        if (entry.end != CallEnd::none) names.push_back(entry.name);
    return names;
}

SilencePattern silence_pattern(const CallRecord& record) {
    const bool meta_hung_up =
        (record.direction == sdp::Direction::meta_to_twilio && record.end == CallEnd::hung_up_by_a) ||
        (record.direction == sdp::Direction::twilio_to_meta && record.end == CallEnd::hung_up_by_b);
    if (!meta_hung_up || !record.answered_after || !record.ended) return SilencePattern::none;
    const auto lasted = *record.ended - *record.answered_after;
    if (lasted >= seconds(19) && lasted <= seconds(22)) return SilencePattern::never_began;
    if (lasted >= seconds(29) && lasted <= seconds(33)) return SilencePattern::stopped;
    return SilencePattern::none;
}

std::vector<std::pair<std::string_view, std::string>> summary_fields(const CallRecord& record) {
    const bool from_meta = record.direction == sdp::Direction::meta_to_twilio;
    Fields fields;
    fields.add("callchain_id", record.id);
    fields.add("direction", std::string(sdp::word_of(record.direction)));
    fields.add("end", std::string(name_of(record.end)));
    fields.add("ended_by", std::string(ended_by(record)));
    fields.add_number("status", record.final_status);
    fields.add("why", record.why);
    fields.add("remedy", record.remedy);
    fields.add("code", record.code);
    fields.add("call_id_meta", from_meta ? record.call_id_a : record.call_id_b);
    fields.add("call_id_twilio", from_meta ? record.call_id_b : record.call_id_a);
    fields.add("call_sid", record.twilio_call_sid);
    fields.add("wacid", record.wacid);
    fields.add("caller", show_number(record.caller));
    fields.add("called", show_number(record.called));
    fields.add("offered", join(record.offered, " "));
    fields.add("answered", join(record.answered, " "));
    fields.add_number("callee_status", record.leg_b_status);
    fields.add_number("twilio_error", record.twilio_error);
    fields.add_time("dialled_ms", record.dialled);
    fields.add_time("rang_ms", record.rang);
    fields.add_time("answered_ms", record.answered_after);
    fields.add_time("ended_ms", record.ended);
    if (record.answered_after && record.ended)
        fields.add_time("talked_ms", *record.ended - *record.answered_after);
    if (record.whatsapp_duration)
        fields.add("whatsapp_duration_s", std::to_string(*record.whatsapp_duration));
    fields.add("silence", silence_hint(silence_pattern(record)));
    return fields.take();
}

}  // namespace callchain::b2bua
