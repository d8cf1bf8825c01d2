#include "base/redact.hpp"
#include "encoding/json_text.hpp"
#include "openai/sideband.hpp"

#include <initializer_list>
#include <nlohmann/json.hpp>
#include <utility>

namespace callchain::openai {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMostShownName = 80;
constexpr std::size_t kMostShownMessage = 300;

/// A function_call item of a response.
struct Item {
    std::string type;
    std::string name;
    std::string call_id;
    std::string status;

    // An interrupted response ends its items too, as incomplete: such a call was not made to its end.
    [[nodiscard]] bool is_call() const {
        return type == "function_call" && !name.empty() && (status.empty() || status == "completed");
    }
};

/// What the text holds, whatever its type makes of it.
struct Members {
    std::string type, event_id, name, call_id, response_id, dtmf, reason;
    std::string error_type, error_code, error_message, error_about;
    std::string response, response_status;
    Item call;
};

/// Listens to nlohmann's parser, which keeps its nesting on the heap and builds nothing for a listener.
class EventListener final : public Json::json_sax_t {
  public:
    [[nodiscard]] Members take() && { return std::move(members_); }

    bool null() override { return begins_as_object(); }
    bool boolean(bool) override { return begins_as_object(); }
    bool number_integer(Json::number_integer_t number) override { return scalar(std::to_string(number)); }
    bool number_unsigned(Json::number_unsigned_t number) override { return scalar(std::to_string(number)); }
    bool number_float(Json::number_float_t, const std::string& token) override { return scalar(token); }
    bool string(std::string& text) override { return scalar(std::move(text)); }
    bool binary(Json::binary_t&) override { return false; }
    bool key(std::string& name) override {
        key_ = std::move(name);
        return true;
    }
    bool start_object(std::size_t) override {
        if (!descend()) return false;
        if (in_item()) item_ = {};
        return true;
    }
    bool end_object() override {
        if (in_item()) keep_call();
        return ascend();
    }
    bool start_array(std::size_t) override { return begins_as_object() && descend(); }
    bool end_array() override { return ascend(); }
    bool parse_error(std::size_t, const std::string&, const Json::exception&) override { return false; }

  private:
    /// Whether the open containers are these members of the root, one within the other. The elements of an
    /// array have no name and are skipped.
    [[nodiscard]] bool within(std::initializer_list<std::string_view> names) const {
        auto wanted = names.begin();
        for (const auto& name : open_) {
            if (name.empty()) continue;
            if (wanted == names.end() || name != *wanted) return false;
            ++wanted;
        }
        return wanted == names.end();
    }
    [[nodiscard]] bool in_item() const { return within({"item"}) || within({"response", "output"}); }

    std::string* wanted() {
        if (within({})) return wanted_of_root();
        if (within({"error"})) return wanted_of_error();
        if (in_item()) return wanted_of_item();
        if (!within({"response"})) return nullptr;
        if (key_ == "id") return &members_.response;
        return key_ == "status" ? &members_.response_status : nullptr;
    }
    std::string* wanted_of_root() {
        if (key_ == "type") return &members_.type;
        if (key_ == "event_id") return &members_.event_id;
        if (key_ == "response_id") return &members_.response_id;
        if (key_ == "name") return &members_.name;
        if (key_ == "call_id") return &members_.call_id;
        if (key_ == "event") return &members_.dtmf;
        return key_ == "reason" ? &members_.reason : nullptr;
    }
    std::string* wanted_of_error() {
        if (key_ == "code") return &members_.error_code;
        if (key_ == "type") return &members_.error_type;
        if (key_ == "message") return &members_.error_message;
        // Realtime and Live name it differently.
        return key_ == "event_id" || key_ == "client_event_id" ? &members_.error_about : nullptr;
    }
    std::string* wanted_of_item() {
        if (key_ == "type") return &item_.type;
        if (key_ == "name") return &item_.name;
        if (key_ == "call_id") return &item_.call_id;
        return key_ == "status" ? &item_.status : nullptr;
    }
    void keep_call() {
        if (!item_.is_call()) return;
        if (members_.call.name.empty() ||
            (item_.name == kEndCallFunction && members_.call.name != kEndCallFunction))
            members_.call = item_;
    }

    bool scalar(std::string text) {
        if (auto* member = wanted()) *member = std::move(text);
        return begins_as_object();
    }
    [[nodiscard]] bool begins_as_object() const { return !open_.empty(); }
    bool descend() {
        if (open_.size() >= encoding::kMostJsonDepth) return false;
        open_.push_back(std::exchange(key_, {}));
        return true;
    }
    bool ascend() {
        open_.pop_back();
        key_.clear();
        return true;
    }

    Members members_;
    Item item_;
    std::string key_;                ///< of the value to come; empty in an array
    std::vector<std::string> open_;  ///< the member that each open container is; empty: root or element
};

/// An id goes back to the server as it is, or not at all.
std::string id_of(std::string text) { return text.size() <= kMostIdBytes ? std::move(text) : std::string(); }

void set_function(ServerEvent& event, Members& members) {
    if (event.type == "response.function_call_arguments.done") {
        event.function_name = id_of(std::move(members.name));
        event.function_call_id = id_of(std::move(members.call_id));
    } else if (event.type == "response.output_item.done" || event.type == "response.done") {
        event.function_name = id_of(std::move(members.call.name));
        event.function_call_id = id_of(std::move(members.call.call_id));
    }
}

}  // namespace

ServerEvent read_server_event(std::string_view text) {
    EventListener listener;
    if (!Json::sax_parse(text, &listener)) return {};
    auto members = std::move(listener).take();

    ServerEvent event;
    event.type = safe_excerpt(members.type, kMostShownName);
    if (event.type.empty()) return {};
    event.event_id = id_of(std::move(members.event_id));
    if (event.type == "error") {
        event.error_code = safe_excerpt(members.error_code.empty() ? members.error_type : members.error_code,
                                        kMostShownName);
        event.error_message = safe_excerpt(members.error_message, kMostShownMessage);
        event.error_about = id_of(std::move(members.error_about));
    }
    set_function(event, members);
    event.response_id =
        id_of(std::move(members.response_id.empty() ? members.response : members.response_id));
    if (event.type == "response.done")
        event.response_status = safe_excerpt(members.response_status, kMostShownName);
    if (event.type == "session.closed") event.close_reason = safe_excerpt(members.reason, kMostShownName);
    if (event.type == "input_audio_buffer.dtmf_event_received" || event.type == "transport.dtmf.received")
        event.dtmf = safe_excerpt(members.dtmf, kMostShownName);
    return event;
}

}  // namespace callchain::openai
