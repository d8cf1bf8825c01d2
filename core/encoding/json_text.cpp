#include "encoding/json_text.hpp"

#include <algorithm>

namespace callchain::encoding {
namespace {

// Builds the tree with a list of open containers rather than on the call stack. A container's items do not
// move while a child is open, since only the innermost container grows.
class TreeBuilder {
  public:
    explicit TreeBuilder(std::string_view text) : json_(text) {}

    Result<JsonValue> build() {
        JsonValue root;
        take_value(root);
        while (!open_.empty()) take_item(*open_.back());
        CALLCHAIN_TRY(json_.end());
        return root;
    }

  private:
    // The next item of an open container, or its end.
    void take_item(JsonValue& container) {
        if (container.kind == JsonKind::array) {
            if (!json_.next_item()) return open_.pop_back();
        } else {
            const auto name = json_.next_member();
            if (!name) return open_.pop_back();
            container.names.push_back(name->text());
        }
        take_value(container.items.emplace_back());
    }

    // Of an array or object only the opening bracket.
    void take_value(JsonValue& value) {
        value.kind = json_.next_kind().value_or(JsonKind::null);
        switch (value.kind) {
            case JsonKind::null:
                return json_.skip();
            case JsonKind::boolean:
                value.truth = json_.take_boolean().value_or(false);
                return;
            case JsonKind::number:
                value.text = json_.take_number().value_or("");
                return;
            case JsonKind::string:
                if (const auto string = json_.take_string()) value.text = string->text();
                return;
            case JsonKind::array:
                if (json_.enter_array()) open_.push_back(&value);
                return;
            case JsonKind::object:
                if (json_.enter_object()) open_.push_back(&value);
                return;
        }
    }

    JsonReader json_;
    std::vector<JsonValue*> open_;
};

}  // namespace

const JsonValue* JsonValue::find(std::string_view name) const {
    if (kind != Kind::object) return nullptr;
    const auto found = std::find(names.begin(), names.end(), name);
    return found == names.end() ? nullptr : &items[static_cast<std::size_t>(found - names.begin())];
}

Result<JsonValue> parse_json_text(std::string_view text) { return TreeBuilder(text).build(); }

}  // namespace callchain::encoding
