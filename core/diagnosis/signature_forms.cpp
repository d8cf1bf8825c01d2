#include "diagnosis/signature_forms.hpp"

#include "base/text.hpp"
#include "encoding/base64.hpp"
#include "encoding/text_codings.hpp"
#include "signature/standard_webhooks.hpp"

#include <algorithm>
#include <optional>
#include <set>

namespace callchain::diagnosis {
namespace {

using encoding::Base64Rules;
constexpr std::size_t kMostForms = 128;

bool is_mac_size(std::size_t bytes) { return bytes == 20 || bytes == 32 || bytes == 64; }

// ---- the header as a whole: how it was joined, wrapped or escaped ----

using Mended = std::optional<std::string>;

Mended if_changed(std::string_view before, std::string after) {
    if (after == before) return std::nullopt;
    return after;
}

Mended take_quotes(std::string_view header) {
    std::string out;
    for (const char c : header) {
        if (c != '"' && c != '\'') out += c;
    }
    return if_changed(header, out);
}

Mended undo_percent(std::string_view header) {
    return if_changed(header, encoding::percent_decode(header, encoding::PlusSign::literal));
}

// Two header lines joined by a proxy: "v1,a, v1,b" or "v1,a,v1,b".
Mended split_at_commas(std::string_view header) {
    if (header.find(',') == std::string_view::npos) return std::nullopt;
    std::string out;
    for (const auto piece : split(header, ',')) {
        const auto value = trim(piece);
        if (value.empty() || value == "v1" || value == "v1a") continue;
        out += (out.empty() ? "v1," : " v1,") + std::string(value);
    }
    return if_changed(header, out);
}

Mended take_scheme_name(std::string_view header) {
    std::string out;
    bool found = false;
    const std::string spaced = replace_all(header, ",", " ");
    for (auto part : split(spaced, ' ')) {
        for (const std::string_view name :
             {"v1=", "v0=", "v1:", "sha256=", "sha1=", "sha512=", "hmac-sha256=", "HMAC-SHA256="}) {
            if (!starts_with_ignoring_case(part, name)) continue;
            part.remove_prefix(name.size());
            out += (out.empty() ? "v1," : " v1,") + std::string(part);
            found = true;
            break;
        }
    }
    if (!found) return std::nullopt;
    return out;
}

// A form decoder turned every '+' of the value into a blank, which splits it into parts.
Mended restore_plus(std::string_view header) {
    const auto text = trim(header);
    if (text.find(' ') == std::string_view::npos) return std::nullopt;
    return replace_all(text, " ", "+");
}

struct Mending {
    std::string_view code;
    Mended (*apply)(std::string_view header);
};
constexpr Mending kMendings[] = {
    {"signature_quoted", take_quotes},
    {"signature_percent_encoded", undo_percent},
    {"signature_joined_by_comma", split_at_commas},
    {"signature_scheme_name", take_scheme_name},
    {"signature_plus_lost", restore_plus},
};

// ---- one value: how the MAC was written ----

void add_values(std::vector<TargetForm>& out, std::string_view value, const Faults& faults) {
    const auto add = [&](TargetForm::Match match, std::string mac, Faults more) {
        auto all = faults + more;
        const int cost = static_cast<int>(all.size());
        out.push_back({match, std::move(mac), std::move(all), cost});
    };
    const auto decode = [&](const Base64Rules& rules) -> std::optional<std::string> {
        auto mac = encoding::parse_base64(value, rules);
        if (!mac || !is_mac_size(mac->size())) return std::nullopt;
        return *std::move(mac);
    };
    using enum Base64Rules::Alphabet;
    using enum Base64Rules::Padding;
    if (auto mac = decode(encoding::kStrictBase64)) return add(TargetForm::Match::bytes, *std::move(mac), {});
    if (auto mac = decode({url_safe}))
        return add(TargetForm::Match::bytes, *std::move(mac), {{"signature_base64url"}});
    if (auto mac = decode({standard, excess_allowed, Base64Rules::TrailingBits::ignored})) {
        return add(TargetForm::Match::bytes, *std::move(mac), {{"signature_padding_lost"}});
    }
    if (auto mac = decode({either, excess_allowed, Base64Rules::TrailingBits::ignored})) {
        return add(TargetForm::Match::bytes, *std::move(mac),
                   {{"signature_base64url"}, {"signature_padding_lost"}});
    }
    if (auto mac = encoding::parse_hex(value); mac && is_mac_size(mac->size())) {
        return add(TargetForm::Match::bytes, *std::move(mac), {{"signature_hex"}});
    }
    std::string_view start = value;
    for (const std::string_view ellipsis : {"…", "..."}) start = start.substr(0, start.find(ellipsis));
    const bool is_text = encoding::parse_base64(start.substr(0, start.size() / 4 * 4)).has_value();
    if (start.size() >= kShortestPrefix && start.size() < 44 && is_text && !start.ends_with('=')) {
        const Evidence compared{"compared_characters", static_cast<std::int64_t>(start.size())};
        add(TargetForm::Match::prefix, std::string(start), {{"signature_truncated", {compared}}});
    }
}

// A MAC in base64 has letters of both cases but once in many millions.
void add_folded(std::vector<TargetForm>& out, std::string_view value, const Faults& faults) {
    if (value.size() != 44 || (ascii_lower(value) != value && ascii_upper(value) != value)) return;
    out.push_back({TargetForm::Match::folded_text, ascii_lower(value),
                   faults + Faults{{"signature_case_folded"}}, static_cast<int>(faults.size()) + 1});
}

void add_header(std::vector<TargetForm>& out, std::string_view header, const Faults& faults) {
    for (const auto value : signature::signature_values(header)) {
        add_values(out, value, faults);
        add_folded(out, value, faults);
    }
    if (starts_with_ignoring_case(header, "v1,") && !header.starts_with("v1,")) {
        add_folded(out, header.substr(3), faults);
    }
}

}  // namespace

std::vector<TargetForm> target_forms(std::string_view header) {
    std::vector<TargetForm> all;
    add_header(all, header, {});
    for (const auto& mending : kMendings) {
        const auto once = mending.apply(header);
        if (!once) continue;
        add_header(all, *once, {{mending.code}});
        for (const auto& second : kMendings) {
            if (second.code == mending.code) continue;
            if (const auto twice = second.apply(*once))
                add_header(all, *twice, {{mending.code}, {second.code}});
        }
    }
    std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.cost < b.cost; });
    std::set<std::pair<TargetForm::Match, std::string>> seen;
    std::vector<TargetForm> forms;
    for (auto& form : all) {
        const bool wanted = form.cost <= 2 && forms.size() < kMostForms;
        if (wanted && seen.emplace(form.match, form.value).second) forms.push_back(std::move(form));
    }
    return forms;
}

}  // namespace callchain::diagnosis
