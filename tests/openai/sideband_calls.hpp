/// A call's sideband driven by hand: events in, actions out as short lines.
#pragma once

#include "openai/sideband.hpp"

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

namespace callchain::openai {

using Lines = std::vector<std::string>;
using How = SidebandEnded::How;
using Which = SidebandTimer::Which;

inline std::string name_of(Which which) {
    switch (which) {
        case Which::reconnect:
            return "reconnect";
        case Which::max_call:
            return "max_call";
        case Which::farewell:
            return "farewell";
        case Which::settled:
            break;
    }
    return "settled";
}

/// "say Olá", "answer call_1", else the message's type.
inline std::string line_of_message(const std::string& text) {
    const auto message = nlohmann::json::parse(text);
    const auto type = message.at("type").get<std::string>();
    const auto phrase = [](const std::string& instructions) {
        return "say " + instructions.substr(instructions.rfind('\n') + 1);
    };
    if (type == "response.create") return phrase(message.at("response").at("instructions"));
    if (type == "session.instructions.append") return phrase(message.at("content"));
    if (type == "conversation.item.create")
        return "answer " + message.at("item").at("call_id").get<std::string>();
    return type;
}

inline std::string line_of(const SidebandAction& action) {
    using What = SidebandAction::What;
    switch (action.what) {
        case What::connect:
            return "connect";
        case What::send:
            return line_of_message(action.text);
        case What::set_timer:
            return "timer " + name_of(action.timer) + ' ' + std::to_string(action.delay.count());
        case What::cancel_timer:
            return "cancel " + name_of(action.timer);
        case What::hang_up:
            return "hang up";
        case What::close:
            return "close";
        case What::note:
            return "note " + action.text;
        case What::finished:
            break;
    }
    return "finished " + action.text;
}

inline Lines lines_of(const std::vector<SidebandAction>& actions) {
    Lines lines;
    for (const auto& action : actions) lines.push_back(line_of(action));
    return lines;
}

class Call {
  public:
    explicit Call(SidebandSettings settings = {}) : machine_(std::move(settings)) {}

    Lines start() { return keep(machine_.start()); }
    Lines step(const SidebandEvent& event) { return keep(machine_.step(event)); }
    Lines opened() { return step(SidebandOpened{}); }
    Lines text(std::string text) { return step(SidebandText{std::move(text)}); }
    /// An event without other members.
    Lines event(const std::string& type) { return text(R"({"type":")" + type + R"("})"); }
    Lines error(const std::string& code, const std::string& about = {}) {
        const nlohmann::json event = {{"type", "error"},
                                      {"error", {{"code", code}, {"message", "No."}, {"event_id", about}}}};
        return text(event.dump());
    }
    Lines ended(How how, int status = 0, int close_code = 0, std::string message = {}) {
        return step(SidebandEnded{how, status, close_code, std::move(message)});
    }
    Lines timer(Which which) { return step(SidebandTimer{which}); }
    Lines drain() { return step(SidebandDrain{}); }
    Lines hung_up(bool done, std::string outcome) { return step(SidebandHungUp{done, std::move(outcome)}); }

    /// Open and alive, with the actions so far left out.
    void go_live() {
        start();
        opened();
        event("session.created");
    }
    [[nodiscard]] const Sideband& machine() const { return machine_; }
    /// The `detail` of the last action that has this line.
    [[nodiscard]] std::string detail_of(const std::string& line) const {
        for (auto at = all_.rbegin(); at != all_.rend(); ++at)
            if (line_of(*at) == line) return at->detail;
        return "no such line: " + line;
    }

  private:
    Lines keep(const std::vector<SidebandAction>& actions) {
        all_.insert(all_.end(), actions.begin(), actions.end());
        return lines_of(actions);
    }

    Sideband machine_;
    std::vector<SidebandAction> all_;
};

inline const std::string kEndCallArguments =
    R"({"type":"response.function_call_arguments.done","response_id":"r1","call_id":"call_1","name":"end_call",)"
    R"("arguments":"{}"})";
inline const std::string kEndCallItem =
    R"({"type":"response.output_item.done","response_id":"r1","item":{"type":"function_call","status":"completed",)"
    R"("name":"end_call","call_id":"call_1"}})";
inline const std::string kEndCallResponse =
    R"({"type":"response.done","response":{"id":"r1","status":"completed","output":[{"type":"function_call",)"
    R"("status":"completed","name":"end_call","call_id":"call_1"}]}})";

inline std::string created(const std::string& id) {
    return R"({"type":"response.created","response":{"id":")" + id + R"("}})";
}
inline std::string done(const std::string& id, const std::string& status = "completed") {
    return R"({"type":"response.done","response":{"id":")" + id + R"(","status":")" + status + R"("}})";
}
inline std::string buffer(const std::string& what, const std::string& id) {
    return R"({"type":"output_audio_buffer.)" + what + R"(","response_id":")" + id + R"("})";
}

inline SidebandSettings with_farewell() { return {.farewell = "Tchau"}; }

/// Alive, end_call made with r1 active, the farewell waiting for its end.
inline Call ending_call(SidebandSettings settings = with_farewell()) {
    Call call(std::move(settings));
    call.go_live();
    call.text(created("r1"));
    call.text(kEndCallArguments);
    return call;
}

}  // namespace callchain::openai
