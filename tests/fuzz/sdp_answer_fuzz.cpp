/// An offer and an answer of anybody's: what the verdict leaves of the answer was in both, it is left as it
/// is when it is judged again, and no key is in what is said about it.
#include "base/text.hpp"
#include "fuzz/require.hpp"
#include "sdp/answer.hpp"

#include <algorithm>
#include <cstdint>

namespace callchain::sdp {
namespace {

/// Every base64 of a key in the texts, which are of 40 characters (RFC 4568 section 6.1).
std::vector<std::string_view> keys_in(std::string_view text) {
    constexpr std::string_view kInline = "inline:";
    constexpr std::size_t kTelling = 30;
    std::vector<std::string_view> keys;
    for (auto at = text.find(kInline); at != std::string_view::npos; at = text.find(kInline, at + 1)) {
        const auto key = text.substr(at + kInline.size(), kTelling);
        const bool is_base64 = std::all_of(key.begin(), key.end(), [](char c) {
            return is_ascii_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '+' ||
                   c == '/';
        });
        // Where the same characters stand elsewhere too, nothing says there that they are a key.
        const bool is_alone = text.find(key) == text.rfind(key);
        if (key.size() == kTelling && is_base64 && is_alone) keys.push_back(key);
    }
    return keys;
}

void check_left(const AnswerVerdict& verdict, const Document& offer, std::string_view answer) {
    const auto left = parse_document(verdict.filtered.text);
    const auto before = parse_document(answer);
    require(left && before && left->media.size() == before->media.size());
    for (std::size_t i = 0; i < left->media.size(); ++i) {
        for (const auto format : left->media[i].formats) {
            const auto& from = before->media[i].formats;
            require(std::find(from.begin(), from.end(), format) != from.end());
        }
    }
    const auto again = filter_answer(verdict.filtered.text, offer);
    require(again && again->text == verdict.filtered.text && again->changes.empty());
}

}  // namespace

/// The input: the offer, a NUL, the answer.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const auto middle = std::min(bytes.find('\0'), size);
    const auto offer = bytes.substr(0, middle);
    const auto answer = bytes.substr(std::min(middle + 1, size));
    const auto verdict = judge_answer(offer, answer);
    const auto document = parse_document(offer);
    require(verdict.has_value() == (document && parse_document(answer)));
    std::string said;
    if (!verdict) {
        require(verdict.error().message.starts_with("offer: ") ||
                verdict.error().message.starts_with("answer: "));
        said = verdict.error().message + verdict.error().hint;
    } else {
        require(verdict->good ==
                std::none_of(verdict->issues.begin(), verdict->issues.end(),
                             [](const Issue& issue) { return issue.weight == Issue::Weight::stops; }));
        for (const auto& issue : verdict->issues) said += issue.detail + issue.remedy;
        check_left(*verdict, *document, answer);
    }
    require(visible(said) == said);
    for (const auto key : keys_in(bytes)) require(said.find(key) == std::string::npos);
    return 0;
}

}  // namespace callchain::sdp
