#include "evidence/selection.hpp"

#include "base/text.hpp"
#include "encoding/json_text.hpp"
#include "timeline/from_log.hpp"
#include "timeline/from_twilio.hpp"
#include "twilio/call_resources.hpp"
#include "webhook/capture.hpp"

#include <algorithm>
#include <iterator>

namespace callchain::evidence {
namespace {

using timeline::Party;
using timeline::Timeline;

// An id of fewer characters would be found in what has nothing to do with it.
constexpr std::size_t kShortestId = 8;

tl::unexpected<Error> at_input(const Input& input, const Error& error) {
    auto told = error;
    told.message = visible_excerpt(input.name, 200) + ": " + error.message;
    return tl::unexpected(std::move(told));
}

Result<std::vector<timeline::Event>> events_of(const Input& input) {
    switch (input.kind) {
        case Input::Kind::log:
            return timeline::events_of_log(input.bytes).events;
        case Input::Kind::capture: {
            const auto capture = webhook::parse_capture(input.bytes);
            if (!capture) return at_input(input, capture.error());
            if (!input.at) return std::vector<timeline::Event>{};
            return std::vector{timeline::event_of_capture(*capture, *input.at)};
        }
        case Input::Kind::twilio: {
            const auto document = encoding::parse_json_text(input.bytes);
            if (!document) return at_input(input, document.error());
            const auto file = twilio::read_saved_call(*document);
            if (!file) return at_input(input, file.error());
            return timeline::events_of_call(*file);
        }
        case Input::Kind::sip_trace:
            break;
    }
    return std::vector<timeline::Event>{};
}

bool has_id(const Timeline& call, const std::string& id) {
    return std::any_of(call.events.begin(), call.events.end(), [&](const auto& event) {
        return std::any_of(event.ids.begin(), event.ids.end(),
                           [&](const auto& one) { return one.second == id; });
    });
}

Ids ids_of(const std::vector<Timeline>& calls) {
    Ids ids;
    for (const auto& call : calls)
        for (const auto& event : call.events)
            for (const auto& [name, value] : event.ids) ids[name].insert(value);
    return ids;
}

bool is_for(Audience audience, const Input& input) {
    const auto capture_has = [&](const char* header) {
        const auto capture = webhook::parse_capture(input.bytes);
        return capture && capture->headers.find(header).has_value();
    };
    switch (audience) {
        case Audience::openai:
            return input.kind == Input::Kind::log ||
                   (input.kind == Input::Kind::capture && !capture_has("x-twilio-signature"));
        case Audience::twilio:
            return input.kind != Input::Kind::capture || capture_has("x-twilio-signature");
        case Audience::meta:
            return input.kind == Input::Kind::log || input.kind == Input::Kind::sip_trace;
        case Audience::anybody:
            break;
    }
    return true;
}

bool is_for(Audience audience, Party party) {
    if (audience == Audience::openai) return party == Party::serve;
    return audience != Audience::meta || party == Party::gateway;
}

class Selector {
  public:
    explicit Selector(const Request& request) : request_(request) {}

    Result<Selection> select() {
        std::vector<timeline::Event> events;
        for (const auto& input : request_.inputs) {
            auto more = CALLCHAIN_TRY(events_of(input));
            events.insert(events.end(), std::make_move_iterator(more.begin()),
                          std::make_move_iterator(more.end()));
        }
        for (auto& call : timeline::join_calls(std::move(events))) {
            if (request_.call.empty() || has_id(call, request_.call)) out_.calls.push_back(std::move(call));
        }
        out_.ids = ids_of(out_.calls);
        for (const auto& [name, values] : out_.ids)
            std::copy_if(values.begin(), values.end(), std::back_inserter(wanted_),
                         [](const auto& value) { return value.size() >= kShortestId; });
        if (request_.call.size() >= kShortestId) wanted_.push_back(request_.call);
        for (const auto& input : request_.inputs) {
            if (is_for(request_.audience, input)) keep(input);
        }
        // A trace that stays whole is no sign that something belongs to the call.
        const bool is_there = std::any_of(out_.inputs.begin(), out_.inputs.end(),
                                          [this](const auto& input) { return is_of_call(input.bytes); });
        if (out_.calls.empty() && !is_there) out_.inputs.clear();
        return std::move(out_);
    }

  private:
    bool is_of_call(std::string_view text) const {
        return request_.call.empty() || std::any_of(wanted_.begin(), wanted_.end(), [&](const auto& id) {
                   return text.find(id) != std::string_view::npos;
               });
    }

    void keep(const Input& input) {
        auto kept = input;
        if (input.kind == Input::Kind::log)
            kept.bytes = log_lines(input.bytes);
        else if (input.kind == Input::Kind::sip_trace)
            kept.bytes = trace_lines(input.bytes);
        else if (!is_of_call(input.bytes))
            kept.bytes.clear();
        if (!kept.bytes.empty()) out_.inputs.push_back(std::move(kept));
    }

    std::string log_lines(std::string_view log) const {
        if (request_.call.empty() && request_.audience == Audience::anybody) return std::string(log);
        std::string kept;
        for (const auto& line : timeline::lines_of_log(log)) {
            const bool is_ours = is_of_call(line.text) || (line.event && shares_id(*line.event));
            if (is_ours && is_for(request_.audience, line.party)) kept.append(line.text).append("\n");
        }
        return kept;
    }

    // The ids of a record stand in its body, which is in base64.
    bool shares_id(const timeline::Event& event) const {
        return std::any_of(event.ids.begin(), event.ids.end(), [&](const auto& id) {
            return std::find(wanted_.begin(), wanted_.end(), id.second) != wanted_.end();
        });
    }

    std::string trace_lines(std::string_view trace) const {
        const bool is_json_lines = trim_left(trace).starts_with('{');
        if (request_.call.empty() || !is_json_lines) return std::string(trace);
        std::string kept;
        for (const auto line : split(trace, '\n'))
            if (!trim(line).empty() && is_of_call(line)) kept.append(line).append("\n");
        return kept;
    }

    const Request& request_;
    std::vector<std::string> wanted_;
    Selection out_;
};

}  // namespace

Result<Selection> select(const Request& request) { return Selector(request).select(); }

}  // namespace callchain::evidence
