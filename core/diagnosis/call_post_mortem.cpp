#include "diagnosis/call_post_mortem.hpp"

#include "base/redact.hpp"
#include "base/text.hpp"
#include "signature/twilio_url.hpp"
#include "twiml/dial_action.hpp"
#include "twiml/dial_parameters.hpp"
#include "webhook/capture_summary.hpp"

#include <algorithm>
#include <optional>

namespace callchain::diagnosis {
namespace {

using twilio::CallNotice;
using twilio::CallResource;
using twilio::Level;

constexpr std::size_t kMostShown = 200;

std::string shown(std::string_view text) {
    return safe_excerpt(webhook::mask_telephone_numbers(text), kMostShown);
}

bool tells_of_dial(const encoding::FormFields& fields) {
    return std::any_of(fields.begin(), fields.end(),
                       [](const auto& field) { return field.first == "DialCallStatus"; });
}

// The last leg stands for the dial where no webhook told of it.
std::optional<twiml::DialResult> dial_of_leg(const twilio::CallFile& file) {
    if (file.legs.empty() || !file.legs.back().is_over()) return std::nullopt;
    const auto& leg = file.legs.back();
    twiml::DialResult result;
    result.status = leg.status;
    result.call_duration = leg.duration;
    if (leg.status == "completed")
        result.bridged = leg.duration.value_or(std::chrono::seconds{0}).count() > 0;
    return result;
}

std::optional<twiml::DialResult> find_dial(const twilio::CallFile& file) {
    for (auto at = file.exchanges.rbegin(); at != file.exchanges.rend(); ++at)
        if (tells_of_dial(at->parameters)) return twiml::dial_result_of(at->parameters);
    for (auto at = file.notices.rbegin(); at != file.notices.rend(); ++at)
        if (tells_of_dial(at->request_variables)) return twiml::dial_result_of(at->request_variables);
    return dial_of_leg(file);
}

// "failed:400:13224", as `explain` takes it.
std::string explain_of(const twiml::DialResult& result) {
    const auto status = result.status.value_or("");
    const auto& known = twiml::dial_statuses();
    if (std::find(known.begin(), known.end(), status) == known.end()) return {};
    std::string text = status;
    if (result.sip_response_code) text += ":" + std::to_string(*result.sip_response_code);
    return text;
}

// One of each code, and how often it came.
std::vector<ShownCode> codes_of(const twilio::CallFile& file, Level level) {
    std::vector<ShownCode> codes;
    for (const auto& notice : file.notices) {
        const auto is_warning = notice.level == Level::warning;
        if (notice.code == 0 || is_warning != (level == Level::warning)) continue;
        const auto number = std::to_string(notice.code);
        const auto found = std::find_if(codes.begin(), codes.end(),
                                        [&](const ShownCode& code) { return code.explain == number; });
        if (found != codes.end()) {
            ++found->times;
            continue;
        }
        ShownCode code{.explain = number, .is_warning = is_warning};
        if (const auto* page = twilio::find_error(notice.code); page != nullptr) {
            code.title = page->title;
            code.fix = page->fix;
        }
        code.detail = shown(notice.text());
        if (!notice.request_url.empty()) {
            const auto url = signature::show_url(notice.request_url.substr(0, notice.request_url.find('?')));
            code.detail += (code.detail.empty() ? "" : "; ") + shown(notice.request_method + " " + url);
        }
        codes.push_back(std::move(code));
    }
    return codes;
}

class Judge {
  public:
    explicit Judge(const twilio::CallFile& file) : file_(file), dial_(find_dial(file)) {}

    PostMortem judge() {
        auto errors = codes_of(file_, Level::error);
        if (dial_) add_dial(errors);
        if (!file_.call.is_over())
            set(CallFate::not_over,
                "The call is not over: Twilio shows it as " +
                    (file_.call.status.empty() ? "nothing at all" : shown(file_.call.status)) + ".");
        else if (!errors.empty() && !is_connected())
            set_error(errors.front());
        else if (!dial_)
            set_without_dial(errors);
        out_.codes.insert(out_.codes.end(), errors.begin(), errors.end());
        const auto warnings = codes_of(file_, Level::warning);
        out_.codes.insert(out_.codes.end(), warnings.begin(), warnings.end());
        return std::move(out_);
    }

  private:
    void set(CallFate fate, std::string sentence, std::string fix = {}, std::string explain = {}) {
        out_.fate = fate;
        out_.sentence = std::move(sentence);
        out_.fix = std::move(fix);
        out_.explain = std::move(explain);
    }

    bool is_connected() const { return out_.fate == CallFate::connected; }

    static CallFate fate_of(const twiml::DialReading& reading, const twiml::DialResult& result) {
        if (reading.severity == twiml::DialSeverity::ok) return CallFate::connected;
        if (reading.severity == twiml::DialSeverity::unknown) return CallFate::unknown;
        return result.status == "failed" ? CallFate::failed : CallFate::not_connected;
    }

    // The error goes with the dial: 13224 alone would say that a number is wrong.
    void add_dial(const std::vector<ShownCode>& errors) {
        auto result = *dial_;
        if (!result.error_code && !errors.empty())
            result.error_code = static_cast<int>(parse_decimal(errors.front().explain).value_or(0));
        const auto reading = twiml::read_dial(result);
        ShownCode code{.kind = ShownCode::Kind::dial, .explain = explain_of(*dial_)};
        code.title = reading.happened;
        code.fix = reading.next;
        code.detail = std::string(reading.name);
        set(fate_of(reading, result), reading.happened, reading.next, code.explain);
        if (is_connected() && dial_->call_duration)
            out_.sentence += " The leg lasted " + duration_of(*dial_->call_duration) + ".";
        out_.codes.push_back(std::move(code));
    }

    // Behind what is known of the dial, or alone.
    void set_error(const ShownCode& error) {
        const auto named = "Twilio's " + error.explain + (error.title.empty() ? "" : ": " + error.title);
        if (dial_ && !out_.sentence.empty()) {
            out_.sentence += " (" + named + ")";
            if (out_.explain.empty()) out_.explain = error.explain;
            return;
        }
        const auto dialled = file_.legs.empty() ? ", and no leg to OpenAI was made" : "";
        set(CallFate::failed, "The call failed" + std::string(dialled) + ": " + named + ".", error.fix,
            error.explain);
    }

    void set_without_dial(const std::vector<ShownCode>& errors) {
        const auto& status = file_.call.status;
        const auto lasted = file_.call.duration ? ", " + duration_of(*file_.call.duration) : std::string();
        if (errors.empty() && !file_.is_whole)
            return set(CallFate::unknown,
                       "The call is over (" + shown(status) + lasted +
                           "); whether with an error is not known, since not all of it could be had.",
                       "Ask again; what is missing is listed.");
        if (status == "completed" && errors.empty())
            return set(CallFate::unknown,
                       "The call is over (completed" + lasted +
                           "), and Twilio shows no error; no leg to OpenAI was made, or Twilio does not tell "
                           "of it.",
                       "Look what the voice URL answered: it stands among the webhooks of the call.");
        set(status == "failed" ? CallFate::failed : CallFate::not_connected,
            "The call is over without a leg to OpenAI: " + shown(status) + lasted + ".");
    }

    const twilio::CallFile& file_;
    std::optional<twiml::DialResult> dial_;
    PostMortem out_;
};

}  // namespace

std::string_view name_of(CallFate fate) {
    switch (fate) {
        case CallFate::connected:
            return "connected";
        case CallFate::failed:
            return "failed";
        case CallFate::not_connected:
            return "not_connected";
        case CallFate::not_over:
            return "not_over";
        case CallFate::unknown:
            break;
    }
    return "unknown";
}

PostMortem judge_call(const twilio::CallFile& file) { return Judge(file).judge(); }

}  // namespace callchain::diagnosis
