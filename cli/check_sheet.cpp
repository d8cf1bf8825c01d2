#include "check_sheet.hpp"

#include "base/redact.hpp"
#include "base/text.hpp"
#include "diagnosis/catalogue.hpp"
#include "diagnosis/render.hpp"
#include "json_output.hpp"

#include <nlohmann/json.hpp>
#include <ostream>

namespace callchain::cli {
namespace {

using Json = nlohmann::ordered_json;
using service::Check;

constexpr std::size_t kWordWidth = 7;

diagnosis::Paint paint_of(Check::Outcome result) {
    switch (result) {
        case Check::Outcome::pass:
            return diagnosis::Paint::green;
        case Check::Outcome::warn:
            return diagnosis::Paint::yellow;
        case Check::Outcome::fail:
            return diagnosis::Paint::red;
        case Check::Outcome::skipped:
            break;
    }
    return diagnosis::Paint::faint;
}

Json check_json(const Check& check) {
    return {{"name", check.name},
            {"result", service::name_of(check.result)},
            {"sentence", check.sentence},
            {"remedy", check.remedy},
            {"code", check.code.empty() ? Json(nullptr) : Json(check.code)}};
}

}  // namespace

void CheckSheet::add(std::vector<Check> checks) {
    for (auto& check : checks) {
        check.sentence = shown(check.sentence);
        check.remedy = shown(check.remedy);
        // What names no page is none of ours.
        if (diagnosis::find_entry(check.code) == nullptr) check.code.clear();
        if (!context_.output.json) print(check);
        checks_.push_back(std::move(check));
    }
}

std::string CheckSheet::shown(const std::string& text) const {
    return visible(withhold_secrets(known_.withhold(text)));
}

void CheckSheet::print(const Check& check) const {
    const std::string indent(kWordWidth + 2, ' ');
    auto word = std::string(service::name_of(check.result));
    word.resize(kWordWidth, ' ');
    context_.out << diagnosis::paint(word, paint_of(check.result), context_.colour_of_out()) << "  "
                 << check.name << ": " << check.sentence << "\n";
    if (!check.remedy.empty()) context_.out << indent << "remedy: " << check.remedy << "\n";
    if (!check.code.empty()) context_.out << indent << "more: callchain explain " << check.code << "\n";
    context_.out.flush();
}

// What needs somebody's hand is named, since the lines themselves may have left the screen.
std::string CheckSheet::summary() const {
    constexpr std::size_t kMostNamed = 6;
    std::vector<std::string> parts;
    for (const auto result :
         {Check::Outcome::fail, Check::Outcome::warn, Check::Outcome::pass, Check::Outcome::skipped}) {
        const auto count = service::how_many(checks_, result);
        if (count == 0) continue;
        auto part = std::to_string(count) + " " + std::string(service::name_of(result));
        std::vector<std::string> names;
        for (const auto& check : checks_) {
            const bool is_new = names.empty() || names.back() != check.name;
            if (check.result == result && is_new) names.push_back(check.name);
        }
        if (names.size() > kMostNamed) {
            names.resize(kMostNamed);
            names.emplace_back("…");
        }
        if (result == Check::Outcome::fail || result == Check::Outcome::warn)
            part += " (" + join(names, ", ") + ")";
        parts.push_back(std::move(part));
    }
    return parts.empty() ? "nothing was checked" : join(parts, ", ");
}

Json CheckSheet::document(const Json& members) const {
    Json document{{"schema", schema_},
                  {"tool_version", CALLCHAIN_VERSION},
                  {"result", service::name_of(service::worst_of(checks_))}};
    document.update(members);
    document["checks"] = Json::array();
    for (const auto& check : checks_) document["checks"].push_back(check_json(check));
    return document;
}

int CheckSheet::close(const Json& members) {
    if (context_.output.json)
        print_document(context_, document(members));
    else
        context_.out << summary() << "\n";
    return service::worst_of(checks_) == Check::Outcome::fail ? kNo : kDone;
}

int CheckSheet::close() { return close(Json::object()); }

}  // namespace callchain::cli
