#include "b2bua/offer.hpp"

#include "base/text.hpp"
#include "sdp/answer.hpp"
#include "sdp/facts.hpp"
#include "sdp/filter.hpp"

#include <algorithm>
#include <utility>

namespace callchain::b2bua {
namespace {

// Far more than any peer of this chain offers; what is longer costs the next hop and helps nobody.
constexpr std::size_t kMostStreams = 16;

// The text of a quoted-string: what would end or break it is left out. Source: RFC 3261 section 25.1.
std::string quotable(std::string_view text) {
    std::string out;
    for (const char c : text)
        if (static_cast<unsigned char>(c) >= 0x20 && c != '\x7F' && c != '"' && c != '\\') out += c;
    return out;
}

std::string warning_of(int code, std::string_view text, const CallSettings& settings) {
    auto agent = settings.advertised_host.empty() ? std::string("callchain") : settings.advertised_host;
    return std::to_string(code) + " " + agent + " \"" + quotable(text) + "\"";
}

MediaDecision refuse(MediaRefusal refusal) {
    MediaDecision decision;
    decision.refusal = std::move(refusal);
    return decision;
}

MediaDecision refuse_type(std::string_view type) {
    return refuse({.status = 415,
                   .code = "sdp_other_type",
                   .detail = "the body is " + visible_excerpt(type, 80) + " and not application/sdp",
                   .remedy = {}});
}

MediaDecision refuse_unreadable(const Error& error, int status) {
    return refuse({.status = status,
                   .code = "sdp_unreadable",
                   .detail = "the session description cannot be read: " + error.message,
                   .remedy = error.hint});
}

std::vector<std::string> texts_of(const std::vector<sdp::Format>& formats) {
    std::vector<std::string> texts;
    for (const auto& format : formats)
        texts.push_back(format.codec ? format.codec->text() : std::string(format.text));
    return texts;
}

std::vector<std::string> codecs_of(std::string_view text) {
    const auto document = sdp::parse_document(text);
    if (!document) return {};
    const auto facts = sdp::audio_facts(*document);
    return facts ? texts_of(facts->formats) : std::vector<std::string>{};
}

// Splits what the judge says into what stops and the rest.
struct Sorted {
    const sdp::Issue* stop = nullptr;   ///< the first
    std::vector<std::string> remedies;  ///< of all that stop
    std::vector<std::string> remarks;
};
Sorted sort_issues(const std::vector<sdp::Issue>& issues) {
    Sorted sorted;
    for (const auto& issue : issues) {
        if (issue.weight == sdp::Issue::Weight::stops) {
            if (sorted.stop == nullptr) sorted.stop = &issue;
            if (!issue.remedy.empty()) sorted.remedies.push_back(issue.remedy);
        } else {
            sorted.remarks.push_back(std::string(issue.code) + ": " + issue.detail);
        }
    }
    return sorted;
}

sdp::Direction opposite(sdp::Direction direction) {
    return direction == sdp::Direction::meta_to_twilio ? sdp::Direction::twilio_to_meta
                                                       : sdp::Direction::meta_to_twilio;
}

}  // namespace

bool is_sdp(std::optional<std::string_view> content_type) {
    if (!content_type) return true;
    return equal_ignoring_case(trim(split(*content_type, ';').front()), "application/sdp");
}

MediaDecision decide_offer(std::string_view offer, std::optional<std::string_view> content_type, Leg from,
                           const CallSettings& settings) {
    if (!is_sdp(content_type)) return refuse_type(*content_type);
    const sdp::Setting setting{from == Leg::a ? settings.direction : opposite(settings.direction),
                               settings.secure_media};
    const auto document = sdp::parse_document(offer);
    if (!document) return refuse_unreadable(document.error(), 400);
    if (document->media.size() > kMostStreams)
        return refuse_unreadable({ErrorCode::limit,
                                  "it has " + count_of(document->media.size(), "stream") + ", and at most " +
                                      std::to_string(kMostStreams) + " are taken",
                                  std::nullopt,
                                  {}},
                                 400);
    auto filtered = sdp::filter_offer(*document, settings.keep);
    const auto verdict = sdp::judge_offer(*document, filtered, settings.keep, setting);
    const auto sorted = sort_issues(verdict.issues);
    // The advice for calls from TwiML would be wrong here: nobody dialled.
    if (from == Leg::b && settings.direction == sdp::Direction::meta_to_twilio && sorted.stop != nullptr &&
        sorted.stop->code == "sdp_plain_rtp") {
        constexpr std::string_view kText = "the called side offers plain RTP: switch Secure Media on there";
        return refuse({.status = 488,
                       .warning = warning_of(302, kText, settings),
                       .code = "sdp_plain_rtp",
                       .detail = sorted.stop->detail,
                       .remedy = "Switch Secure Media on at the SIP Domain: Meta takes SRTP alone."});
    }
    if (verdict.answer == sdp::Verdict::Answer::fails) {
        const int code = verdict.warning_code != 0 ? verdict.warning_code : 399;
        return refuse(
            {.status = 488,
             .warning = warning_of(
                 code, verdict.warning_text.empty() ? verdict.summary : verdict.warning_text, settings),
             .code = std::string(sorted.stop != nullptr ? sorted.stop->code : "sdp_no_common_codec"),
             .detail = sorted.stop != nullptr ? sorted.stop->detail : verdict.summary,
             .remedy = join(sorted.remedies, " ")});
    }
    MediaDecision decision;
    decision.codecs = verdict.left;
    filtered.text.shrink_to_fit();  // it is kept as long as the call, and was written with room for all
    decision.sdp = std::move(filtered.text);
    decision.remarks = sorted.remarks;
    return decision;
}

MediaDecision decide_answer(std::string_view offer, std::string_view answer,
                            std::optional<std::string_view> content_type, const CallSettings& settings) {
    if (!is_sdp(content_type)) {
        // Not a matter of what leg A sent: to it the media do not fit.
        auto decision = refuse_type(*content_type);
        decision.refusal->status = 488;
        decision.refusal->warning = warning_of(399, "the called side answered with no SDP", settings);
        return decision;
    }
    auto verdict = sdp::judge_answer(offer, answer);
    if (!verdict) {
        auto decision = refuse_unreadable(verdict.error(), 488);
        decision.refusal->warning = warning_of(399, "the answer of the called side cannot be read", settings);
        return decision;
    }
    const auto sorted = sort_issues(verdict->issues);
    if (!verdict->good) {
        const std::string detail =
            sorted.stop != nullptr ? sorted.stop->detail : "the answer does not fit the offer";
        return refuse(
            {.status = 488,
             .warning = warning_of(399, "the answer of the called side does not fit: " + detail, settings),
             .code = std::string(sorted.stop != nullptr ? sorted.stop->code : "sdp_unreadable"),
             .detail = detail,
             .remedy = join(sorted.remedies, " ")});
    }
    MediaDecision decision;
    decision.codecs = codecs_of(verdict->filtered.text);
    verdict->filtered.text.shrink_to_fit();
    decision.sdp = std::move(verdict->filtered.text);
    decision.remarks = sorted.remarks;
    return decision;
}

namespace {

// What of one part of a description, the session's or a stream's, says how media flow: its lines in one
// order, but for those that do not matter. `direction` is what a stream without one of its own has.
std::vector<std::string> lines_of(const sdp::Document& document, std::size_t first, std::size_t end,
                                  std::string_view direction) {
    std::vector<std::string> lines;
    bool has_direction = false;
    for (auto at = first; at < end; ++at) {
        const auto& line = document.lines[at];
        // Who describes, how often, its title and its times: none of them moves a packet.
        if (std::string_view("vost").find(line.type) != std::string_view::npos || line.type == 0) continue;
        if (line.type == 'm') {
            // The order of formats is a preference; which there are matters.
            auto words = split(trim(line.value), ' ');
            if (words.size() > 3) std::sort(words.begin() + 3, words.end());
            std::string text = "m=";
            for (const auto word : words) text += std::string(word) + " ";
            lines.push_back(text);
            continue;
        }
        const auto name = line.type == 'a' ? sdp::attribute_of(line).name : std::string_view();
        has_direction = has_direction || name == "sendrecv" || name == "sendonly" || name == "recvonly" ||
                        name == "inactive";
        lines.push_back(std::string(1, line.type) + "=" + std::string(trim(line.value)));
    }
    if (!has_direction && !direction.empty()) lines.push_back("a=" + std::string(direction));
    std::sort(lines.begin(), lines.end());
    return lines;
}

std::string_view session_direction(const sdp::Document& document) {
    for (std::size_t at = 0; at < document.session_end; ++at) {
        const auto& line = document.lines[at];
        if (line.type != 'a') continue;
        const auto name = sdp::attribute_of(line).name;
        if (name == "sendonly" || name == "recvonly" || name == "inactive") return name;
    }
    return "sendrecv";
}

bool is_direction(std::string_view line) {
    return line == "a=sendrecv" || line == "a=sendonly" || line == "a=recvonly" || line == "a=inactive";
}

}  // namespace

bool same_session(std::string_view standing, std::string_view offer) {
    const auto before = sdp::parse_document(standing);
    const auto after = sdp::parse_document(offer);
    if (!before || !after || before->media.size() != after->media.size()) return false;
    auto session_before = lines_of(*before, 0, before->session_end, {});
    auto session_after = lines_of(*after, 0, after->session_end, {});
    // The session's direction counts where a stream has none: it is compared there.
    std::erase_if(session_before, is_direction);
    std::erase_if(session_after, is_direction);
    if (session_before != session_after) return false;
    for (std::size_t index = 0; index < before->media.size(); ++index) {
        const auto& one = before->media[index];
        const auto& other_one = after->media[index];
        if (lines_of(*before, one.first, one.end, session_direction(*before)) !=
            lines_of(*after, other_one.first, other_one.end, session_direction(*after)))
            return false;
    }
    return true;
}

}  // namespace callchain::b2bua
