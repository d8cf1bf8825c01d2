/// Whatever comes as a session description: the filter changes nothing the second time, touches only lines
/// that it accounts for, invents no format, shows no key, and the verdicts come to an end.
#include "fuzz/require.hpp"
#include "sdp/answer.hpp"
#include "sdp/filter.hpp"
#include "sdp/shown_line.hpp"
#include "sdp/verdict.hpp"

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

namespace callchain::sdp {
namespace {

void check_filter(std::string_view text, const KeepList& keep) {
    const auto once = filter_offer(text, keep);
    const auto document = parse_document(text);
    require(once.has_value() == document.has_value());
    if (!once) return;
    const auto twice = filter_offer(once->text, keep);
    require(twice && twice->text == once->text && twice->changes.empty());

    std::string rebuilt;
    auto change = once->changes.begin();
    for (std::size_t i = 0; i < document->lines.size(); ++i) {
        const bool changed = change != once->changes.end() && change->line == i + 1;
        rebuilt += changed ? std::string_view(change->after) : document->lines[i].bytes;
        if (changed) ++change;
    }
    require(change == once->changes.end() && rebuilt == once->text);

    const auto after = parse_document(once->text);
    require(after && after->media.size() == document->media.size());
    for (std::size_t i = 0; i < after->media.size(); ++i) {
        const auto& from = document->media[i];
        const auto& to = after->media[i];
        require(from.type == to.type && from.protocol == to.protocol &&
                (to.port == 0 || to.port == from.port));
        auto next = from.formats.begin();
        for (const auto format : to.formats) {
            next = std::find(next, from.formats.end(), format);
            require(next != from.formats.end());
            ++next;
        }
    }
}

/// No key of a line is shown, whatever stands around it, and none in an error.
void check_shown(std::string_view text) {
    constexpr std::string_view kInline = "inline:";
    const auto document = parse_document(text);
    const auto error = document ? std::string() : document.error().message + document.error().hint;
    for (auto at = text.find(kInline); at != std::string_view::npos; at = text.find(kInline, at + 1)) {
        constexpr std::size_t kTelling = 20;
        const auto start = text.rfind('\n', at) + 1;
        const auto line = text.substr(start, text.find('\n', at) - start);
        const auto key = text.substr(at + kInline.size(), kTelling);
        const bool is_key =
            key.size() == kTelling && key.find_first_of(" :_-|;\t\r\n") == std::string_view::npos;
        // Where the same characters stand elsewhere too, nothing says that they are a key.
        const auto first = text.find(key);
        if (!is_key || first != at + kInline.size() || text.find(key, first + 1) != std::string_view::npos)
            continue;
        require(shown_line(line).find(key) == std::string::npos);
        require(error.find(key) == std::string::npos);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    static const auto everything =
        *parse_keep_list("PCMU,PCMA,opus,G722,CN,red,rtx,ulpfec,X,telephone-event/8000,telephone-event");
    check_filter(text, default_keep_list());
    check_filter(text, everything);
    check_shown(text);
    for (const auto direction : {Direction::meta_to_twilio, Direction::twilio_to_meta}) {
        for (const auto secure_media : {SecureMedia::on, SecureMedia::off}) {
            const auto verdict = judge_offer(text, default_keep_list(), {direction, secure_media});
            if (verdict) require((verdict->answer == Verdict::Answer::fails) == (verdict->warning_code != 0));
        }
    }
    // An offer answered by itself, and by what is behind a second v=0.
    (void)judge_answer(text, text);
    if (const auto second = text.find("v=0", 1); second != std::string_view::npos)
        (void)judge_answer(text.substr(0, second), text.substr(second));
    (void)parse_keep_list(text.substr(0, 200));
    return 0;
}

}  // namespace callchain::sdp
