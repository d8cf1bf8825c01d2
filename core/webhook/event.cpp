#include "webhook/event.hpp"

#include "encoding/json_text.hpp"

#include <nlohmann/json.hpp>

namespace callchain::webhook {
namespace {

using Json = nlohmann::json;

/// Listens to nlohmann's parser, which keeps its nesting on the heap and builds nothing for a listener.
class IdentityListener final : public Json::json_sax_t {
  public:
    [[nodiscard]] EventIdentity take() && { return std::move(identity_); }
    [[nodiscard]] bool saw_object() const { return saw_object_; }

    bool null() override { return value({}); }
    bool boolean(bool) override { return value({}); }
    bool number_integer(Json::number_integer_t number) override { return value(std::to_string(number)); }
    bool number_unsigned(Json::number_unsigned_t number) override { return value(std::to_string(number)); }
    bool number_float(Json::number_float_t, const std::string& token) override { return value(token); }
    bool string(std::string& text) override {
        if (auto* member = wanted(); member != nullptr && member != &identity_.created_at)
            *member = std::move(text);
        return begins_as_object();
    }
    bool binary(Json::binary_t&) override { return false; }
    bool start_object(std::size_t) override {
        saw_object_ = saw_object_ || depth_ == 0;
        if (depth_ == 1) in_data_ = key_ == "data";
        return descend();
    }
    bool key(std::string& name) override {
        if (depth_ <= 2) key_ = std::move(name);
        return true;
    }
    bool end_object() override { return ascend(); }
    bool start_array(std::size_t) override {
        if (depth_ == 1) in_data_ = false;
        return begins_as_object() && descend();
    }
    bool end_array() override { return ascend(); }
    bool parse_error(std::size_t, const std::string&, const Json::exception&) override { return false; }

  private:
    std::optional<std::string>* wanted() {
        if (depth_ == 1 && key_ == "id") return &identity_.id;
        if (depth_ == 1 && key_ == "type") return &identity_.type;
        if (depth_ == 1 && key_ == "created_at") return &identity_.created_at;
        if (depth_ == 2 && in_data_ && key_ == "call_id") return &identity_.call_id;
        if (depth_ == 2 && in_data_ && key_ == "session_id") return &identity_.session_id;
        return nullptr;
    }
    bool value(std::string number_token) {
        if (!number_token.empty() && wanted() == &identity_.created_at)
            identity_.created_at = std::move(number_token);
        return begins_as_object();
    }
    [[nodiscard]] bool begins_as_object() const { return saw_object_; }
    bool descend() { return ++depth_ <= encoding::kMostJsonDepth; }
    bool ascend() {
        --depth_;
        return true;
    }

    EventIdentity identity_;
    std::string key_;
    std::size_t depth_ = 0;
    bool in_data_ = false;
    bool saw_object_ = false;
};

}  // namespace

EventIdentity read_event_identity(std::string_view body) {
    IdentityListener listener;
    if (!Json::sax_parse(body, &listener) || !listener.saw_object()) return {};
    return std::move(listener).take();
}

}  // namespace callchain::webhook
