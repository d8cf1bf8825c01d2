#include "sdp/filter.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <utility>

namespace callchain::sdp {
namespace {

using Action = MediaOutcome::Action;

/// Which formats a stream may keep: those of a list, or those that were offered in its place.
struct Policy {
    const KeepList* keep = nullptr;
    const std::vector<Format>* offered = nullptr;

    [[nodiscard]] bool accepts(std::uint8_t payload_type, const Codec& codec) const {
        if (keep != nullptr) return keep->takes(codec);
        return std::any_of(offered->begin(), offered->end(), [&](const Format& format) {
            return format.payload_type == payload_type && format.means(codec);
        });
    }
    /// The clock of events is no question where the offer had them, or where the list names it.
    [[nodiscard]] bool fixes_clock(const Codec& codec) const {
        return keep == nullptr || keep->names_clock_of(codec);
    }
    /// What a number means that nothing in its own description explains.
    [[nodiscard]] std::optional<Codec> unexplained(std::uint8_t payload_type) const {
        if (const auto codec = static_audio_codec(payload_type)) return codec;
        if (keep != nullptr) return std::nullopt;
        // An answer may take the meaning of a number from the offer.
        for (const auto& format : *offered) {
            if (format.payload_type == payload_type) return format.codec;
        }
        return std::nullopt;
    }
};

std::string_view line_end_of(std::string_view bytes) {
    if (bytes.ends_with("\r\n")) return "\r\n";
    return bytes.ends_with('\n') ? "\n" : "";
}

std::string_view first_word(std::string_view text) { return text.substr(0, text.find_first_of(" \t")); }

/// The formats of one stream, decided one after the other; voice first, since the others depend on it.
class FormatChooser {
  public:
    FormatChooser(const Document& document, const Media& media, const Policy& policy)
        : document_(document), media_(media), policy_(policy), maps_(rtpmap_lines(document, media)) {
        outcomes_.reserve(media.formats.size());
        chosen_map_.fill(kNoLine);
    }

    void decide() {
        for (const auto text : media_.formats) outcomes_.push_back(first_look(text));
        for (auto& outcome : outcomes_) {
            if (!outcome.removed_by) decide_voice(outcome);
        }
        for (auto& outcome : outcomes_) {
            if (!outcome.removed_by && undecided(outcome)) decide_companion(outcome);
        }
        // What repeats or protects others comes last: those it names are decided by now.
        for (auto& outcome : outcomes_) {
            if (!outcome.removed_by && undecided(outcome)) decide_redundancy(outcome);
        }
    }

    [[nodiscard]] bool has_voice() const { return !voice_clocks_.empty(); }
    [[nodiscard]] bool offers(std::uint8_t payload_type) const {
        return state_[payload_type] != State::absent;
    }
    [[nodiscard]] bool keeps(std::uint8_t payload_type) const { return state_[payload_type] == State::kept; }
    /// True for the one rtpmap line that counts for its number.
    [[nodiscard]] bool counts(std::uint8_t payload_type, std::size_t line) const {
        return chosen_map_[payload_type] == line;
    }
    [[nodiscard]] Rule reason_of(std::uint8_t payload_type) const {
        for (const auto& outcome : outcomes_) {
            if (outcome.format.payload_type == payload_type && outcome.removed_by) return *outcome.removed_by;
        }
        return Rule::attribute_without_format;
    }
    [[nodiscard]] std::vector<FormatOutcome>& outcomes() { return outcomes_; }

  private:
    enum class State : std::uint8_t { absent, undecided, kept, removed };
    static constexpr std::size_t kNoLine = static_cast<std::size_t>(-1);

    FormatOutcome first_look(std::string_view text) {
        FormatOutcome outcome{{text, parse_payload_type(text)}};
        if (!outcome.format.payload_type) {
            outcome.removed_by = Rule::format_not_a_number;
        } else if (state_[*outcome.format.payload_type] != State::absent) {
            outcome.removed_by = Rule::format_repeated;
        } else {
            state_[*outcome.format.payload_type] = State::undecided;
        }
        return outcome;
    }

    [[nodiscard]] bool undecided(const FormatOutcome& outcome) const {
        return state_[*outcome.format.payload_type] == State::undecided;
    }

    void keep(FormatOutcome& outcome, const Codec& codec, std::size_t line) {
        outcome.format.codec = codec;
        state_[*outcome.format.payload_type] = State::kept;
        chosen_map_[*outcome.format.payload_type] = line;
    }

    void remove(FormatOutcome& outcome, const Codec& codec, Rule rule) {
        outcome.format.codec = codec;
        outcome.removed_by = rule;
        state_[*outcome.format.payload_type] = State::removed;
    }

    /// Calls `visit(codec, line)` for each meaning that the stream gives a number, until one returns true.
    template <class Visit>
    bool any_meaning(std::uint8_t payload_type, Visit visit) const {
        bool mapped = false;
        for (const auto& each : maps_) {
            if (each.map.payload_type != payload_type) continue;
            mapped = true;
            if (visit(each.map.codec, each.line)) return true;
        }
        if (mapped) return false;
        const auto codec = policy_.unexplained(payload_type);
        return codec && visit(*codec, kNoLine);
    }

    /// Keeps a voice codec that the policy takes; leaves what may be a companion undecided; removes the rest.
    void decide_voice(FormatOutcome& outcome) {
        const auto payload_type = *outcome.format.payload_type;
        std::optional<Codec> first;
        bool companion = false;
        const bool kept = any_meaning(payload_type, [&](const Codec& codec, std::size_t line) {
            if (!first) first = codec;
            if (role_of(codec) != CodecRole::voice) {
                companion = true;
                return false;
            }
            if (!policy_.accepts(payload_type, codec)) return false;
            keep(outcome, codec, line);
            voice_clocks_.push_back(codec.clock);
            return true;
        });
        if (kept || companion) return;
        if (!first) {
            outcome.removed_by = Rule::format_without_rtpmap;
            state_[payload_type] = State::removed;
            return;
        }
        remove(outcome, *first, reason_for_voice(payload_type, *first));
    }

    [[nodiscard]] Rule reason_for_voice(std::uint8_t payload_type, const Codec& codec) const {
        if (policy_.keep == nullptr) return Rule::format_not_offered;
        if (policy_.keep->has_name(codec.name)) return Rule::codec_other_rate;
        const auto usual = static_audio_codec(payload_type);
        const bool remapped = usual && policy_.keep->takes(*usual) && !usual->same_as(codec);
        return remapped ? Rule::static_type_remapped : Rule::codec_removed;
    }

    [[nodiscard]] bool is_voice_clock(std::uint32_t clock) const {
        return std::find(voice_clocks_.begin(), voice_clocks_.end(), clock) != voice_clocks_.end();
    }

    /// Events and comfort noise.
    void decide_companion(FormatOutcome& outcome) {
        const auto payload_type = *outcome.format.payload_type;
        std::optional<Codec> first;
        const bool kept = any_meaning(payload_type, [&](const Codec& codec, std::size_t line) {
            const auto role = role_of(codec);
            if (role != CodecRole::event && role != CodecRole::comfort_noise) return false;
            if (!first) first = codec;
            if (!policy_.accepts(payload_type, codec)) return false;
            if (!is_voice_clock(codec.clock) && !(policy_.fixes_clock(codec) && has_voice())) return false;
            keep(outcome, codec, line);
            return true;
        });
        if (!kept && first) remove(outcome, *first, reason_for_companion(*first));
    }

    [[nodiscard]] Rule reason_for_companion(const Codec& codec) const {
        if (policy_.keep == nullptr) return Rule::format_not_offered;
        if (!policy_.keep->has_name(codec.name)) {
            return role_of(codec) == CodecRole::comfort_noise ? Rule::comfort_noise_removed
                                                              : Rule::codec_removed;
        }
        // RFC 4733 was never used below 8000 Hz: a smaller number is a slip of the pen, not a clock.
        return codec.clock < 8000 || codec.channels != 1 ? Rule::event_clock_invalid
                                                         : Rule::event_clock_differs;
    }

    void decide_redundancy(FormatOutcome& outcome) {
        const auto payload_type = *outcome.format.payload_type;
        std::optional<Codec> first;
        const bool kept = any_meaning(payload_type, [&](const Codec& codec, std::size_t line) {
            if (!first) first = codec;
            if (role_of(codec) != CodecRole::redundancy || !policy_.accepts(payload_type, codec))
                return false;
            if (policy_.keep != nullptr && !is_voice_clock(codec.clock)) return false;
            if (policy_.keep != nullptr && !names_only_kept(payload_type)) return false;
            keep(outcome, codec, line);
            return true;
        });
        if (!kept)
            remove(outcome, *first,
                   policy_.keep == nullptr ? Rule::format_not_offered : Rule::redundancy_removed);
    }

    /// True where every number in the format's parameters (`111/111`, `apt=96`) stays.
    [[nodiscard]] bool names_only_kept(std::uint8_t payload_type) const {
        for (auto i = media_.first + 1; i < media_.end; ++i) {
            const auto& line = document_.lines[i];
            if (line.type != 'a' || !line.value.starts_with("fmtp:")) continue;
            auto value = line.value.substr(std::string_view("fmtp:").size());
            const auto word = first_word(value);
            if (parse_payload_type(word) != payload_type) continue;
            value.remove_prefix(word.size());
            if (const auto apt = value.find("apt="); apt != std::string_view::npos) {
                value = value.substr(apt + 4);
                value = value.substr(0, value.find(';'));
            }
            for (const auto part : split(value, '/')) {
                const auto named = parse_payload_type(trim(part));
                if (!named || !keeps(*named)) return false;
            }
        }
        return true;
    }

    const Document& document_;
    const Media& media_;
    const Policy& policy_;
    std::vector<RtpMapLine> maps_;
    std::vector<FormatOutcome> outcomes_;
    std::vector<std::uint32_t> voice_clocks_;
    std::array<State, 128> state_{};
    std::array<std::size_t, 128> chosen_map_{};
};

/// Decides line by line, then writes once.
class Editor {
  public:
    explicit Editor(const Document& document) : document_(document), verdicts_(document.lines.size()) {
        result_.media.reserve(document.media.size());
        result_.changes.reserve(8);
    }

    void edit_media(const Media& media, const Policy& policy) {
        MediaOutcome outcome;
        outcome.index = result_.media.size();
        outcome.line = Document::line_number(media);
        if (media.port == 0 && !is_bundle_only(media)) {
            outcome.action = Action::at_zero;
        } else if (media.port == 0) {
            refuse(media, outcome, Rule::bundle_only_refused);
        } else if (!media.is_audio()) {
            refuse(media, outcome, Rule::media_not_audio);
        } else if (!media.is_rtp()) {
            refuse(media, outcome, Rule::transport_not_rtp);
        } else {
            had_live_audio_ = true;
            edit_audio(media, policy, outcome);
        }
        result_.media.push_back(std::move(outcome));
    }

    /// For a stream of an answer to which no offer belongs.
    void refuse_unasked(const Media& media) {
        MediaOutcome outcome;
        outcome.index = result_.media.size();
        outcome.line = Document::line_number(media);
        if (media.port == 0) {
            outcome.action = Action::at_zero;
        } else {
            refuse(media, outcome, Rule::format_not_offered);
        }
        result_.media.push_back(std::move(outcome));
    }

    [[nodiscard]] Filtered finish(std::size_t input_bytes) {
        for (std::size_t i = document_.lines.size(); i > 0 && document_.lines[i - 1].type == 0; --i)
            drop(i - 1, Rule::empty_line_removed);
        mend_groups();
        write(input_bytes);
        result_.outcome = has_live_audio_   ? Filtered::Outcome::audio_left
                          : had_live_audio_ ? Filtered::Outcome::no_codec_left
                                            : Filtered::Outcome::no_audio;
        return std::move(result_);
    }

  private:
    struct Verdict {
        bool changed = false;
        Rule rule = Rule::codec_removed;
        std::string after;  // empty: the line goes
    };

    void drop(std::size_t line, Rule rule) { verdicts_[line] = {true, rule, {}}; }

    void replace(std::size_t line, Rule rule, std::string content) {
        content += line_end_of(document_.lines[line].bytes);
        verdicts_[line] = {true, rule, std::move(content)};
    }

    [[nodiscard]] bool is_bundle_only(const Media& media) const {
        for (auto i = media.first + 1; i < media.end; ++i) {
            if (document_.lines[i].type == 'a' && trim(document_.lines[i].value) == "bundle-only")
                return true;
        }
        return false;
    }

    static std::string media_line(const Media& media, std::string_view port) {
        std::string line = "m=";
        for (const auto part : {media.type, port, media.protocol}) {
            line += part;
            line += ' ';
        }
        return line;
    }

    /// Port 0, the first format, and of the rest only what says which stream this was.
    void refuse(const Media& media, MediaOutcome& outcome, Rule reason) {
        outcome.action = Action::refused;
        outcome.reason = reason;
        replace(media.first, reason, media_line(media, "0") + std::string(media.formats.front()));
        for (auto i = media.first + 1; i < media.end; ++i) {
            const auto& line = document_.lines[i];
            const bool names_stream = line.type == 'i' || line.type == 'c' || line.type == 'b' ||
                                      (line.type == 'a' && line.value.starts_with("mid:"));
            if (!names_stream) drop(i, Rule::attribute_of_refused_media);
        }
    }

    void edit_audio(const Media& media, const Policy& policy, MediaOutcome& outcome) {
        FormatChooser chooser(document_, media, policy);
        chooser.decide();
        if (!chooser.has_voice()) {
            refuse(media, outcome, Rule::no_voice_codec);
            outcome.formats = std::move(chooser.outcomes());
            return;
        }
        has_live_audio_ = true;
        for (auto i = media.first + 1; i < media.end; ++i) {
            if (document_.lines[i].type == 'a') edit_attribute(i, chooser);
        }
        edit_rids(media, chooser);
        outcome.formats = std::move(chooser.outcomes());
        auto content = media_line(media, media.port_text);
        bool changed = false;
        for (const auto& format : outcome.formats) {
            if (format.removed_by) {
                changed = true;
            } else {
                content += format.format.text;
                content += ' ';
            }
        }
        if (!changed) return;
        content.pop_back();
        outcome.action = Action::changed;
        replace(media.first, Rule::formats_removed, std::move(content));
    }

    void edit_attribute(std::size_t index, const FormatChooser& chooser) {
        const auto& line = document_.lines[index];
        // Most lines are none of the three: they are left before anything is taken apart.
        if (line.value.empty() || std::string_view("rRf \t").find(line.value[0]) == std::string_view::npos)
            return;
        const auto attribute = attribute_of(line);
        const bool maps = is_rtpmap(line);
        if (!maps && attribute.name != "fmtp" && attribute.name != "rtcp-fb") return;
        const auto word = first_word(trim(attribute.value));
        if (!maps && word == "*") return;
        const auto payload_type = parse_payload_type(word);
        if (!payload_type || !chooser.offers(*payload_type)) {
            drop(index, Rule::attribute_without_format);
        } else if (!chooser.keeps(*payload_type)) {
            drop(index, maps ? chooser.reason_of(*payload_type) : Rule::attribute_of_removed_format);
        } else if (maps && !chooser.counts(*payload_type, index)) {
            drop(index, Rule::rtpmap_repeated);
        }
    }

    /// a=rid lines that name a removed number, and an a=simulcast line that names such a rid.
    void edit_rids(const Media& media, const FormatChooser& chooser) {
        std::vector<std::string_view> gone;
        const auto value_of = [&](std::size_t index, std::string_view name) {
            const auto& line = document_.lines[index];
            return line.type == 'a' && line.value.starts_with(name) ? line.value.substr(name.size())
                                                                    : std::string_view();
        };
        for (auto i = media.first + 1; i < media.end; ++i) {
            const auto rid = value_of(i, "rid:");
            if (rid.empty() || !names_removed(rid, chooser)) continue;
            gone.push_back(first_word(rid));
            drop(i, Rule::rid_removed);
        }
        for (auto i = media.first + 1; i < media.end && !gone.empty(); ++i) {
            if (names_any(value_of(i, "simulcast:"), gone)) drop(i, Rule::rid_removed);
        }
    }

    static bool names_removed(std::string_view rid, const FormatChooser& chooser) {
        const auto at = rid.find(" pt=");
        const auto also = rid.find(";pt=");
        const auto start = std::min(at, also);
        if (start == std::string_view::npos) return false;
        auto list = rid.substr(start + 4);
        list = list.substr(0, list.find(';'));
        for (const auto part : split(list, ',')) {
            const auto payload_type = parse_payload_type(trim(part));
            if (!payload_type || !chooser.keeps(*payload_type)) return true;
        }
        return false;
    }

    static bool names_any(std::string_view list, const std::vector<std::string_view>& names) {
        while (!list.empty()) {
            const auto end = std::min(list.find_first_of(" ;,~"), list.size());
            if (std::find(names.begin(), names.end(), list.substr(0, end)) != names.end()) return true;
            list.remove_prefix(std::min(end + 1, list.size()));
        }
        return false;
    }

    [[nodiscard]] std::string_view mid_of(const Media& media) const {
        for (auto i = media.first + 1; i < media.end; ++i) {
            const auto& line = document_.lines[i];
            if (line.type == 'a' && line.value.starts_with("mid:")) return trim(line.value.substr(4));
        }
        return {};
    }

    /// A refused stream leaves its groups; the next one in the list becomes the tagged one by itself. A name
    /// that no stream has goes with it: a group that is written again is written right.
    void mend_groups() {
        bool any_refused = false;
        std::vector<std::string_view> live;
        for (std::size_t i = 0; i < document_.media.size(); ++i) {
            const auto action = result_.media[i].action;
            if (action == Action::refused || action == Action::at_zero) {
                any_refused = true;
            } else {
                live.push_back(mid_of(document_.media[i]));
            }
        }
        const auto has_left = [&](std::string_view mid) {
            return std::find(live.begin(), live.end(), mid) == live.end();
        };
        for (std::size_t i = 0; i < document_.session_end && any_refused; ++i) {
            const auto& line = document_.lines[i];
            if (line.type == 'a' && line.value.starts_with("group:")) mend_group(i, has_left);
        }
    }

    template <class HasLeft>
    void mend_group(std::size_t index, HasLeft has_left) {
        const auto words = split(document_.lines[index].value, ' ');
        std::string content = "a=" + std::string(words.front());
        std::size_t stay = 0;
        bool changed = false;
        for (std::size_t i = 1; i < words.size(); ++i) {
            if (words[i].empty()) continue;
            if (has_left(words[i])) {
                changed = true;
                continue;
            }
            ++stay;
            content += ' ';
            content += words[i];
        }
        if (!changed) return;
        if (stay < 2) {
            drop(index, Rule::group_dropped);
        } else {
            replace(index, Rule::group_mended, std::move(content));
        }
    }

    void write(std::size_t input_bytes) {
        result_.text.reserve(input_bytes);
        for (std::size_t i = 0; i < document_.lines.size(); ++i) {
            auto& verdict = verdicts_[i];
            if (!verdict.changed) {
                result_.text += document_.lines[i].bytes;
                continue;
            }
            result_.text += verdict.after;
            result_.changes.push_back(
                {i + 1, verdict.rule, document_.lines[i].bytes, std::move(verdict.after)});
        }
    }

    const Document& document_;
    std::vector<Verdict> verdicts_;
    Filtered result_;
    bool had_live_audio_ = false;
    bool has_live_audio_ = false;
};

}  // namespace

Result<Filtered> filter_offer(std::string_view text, const KeepList& keep) {
    return filter_offer(CALLCHAIN_TRY(parse_document(text)), keep);
}

Filtered filter_offer(const Document& offer, const KeepList& keep) {
    Editor editor(offer);
    const Policy policy{&keep, nullptr};
    for (const auto& media : offer.media) editor.edit_media(media, policy);
    return editor.finish(offer.text_bytes());
}

Result<Filtered> filter_answer(std::string_view answer, const Document& offer) {
    return filter_answer(CALLCHAIN_TRY(parse_document(answer)), offer);
}

Filtered filter_answer(const Document& answer, const Document& offer) {
    Editor editor(answer);
    for (std::size_t i = 0; i < answer.media.size(); ++i) {
        if (i >= offer.media.size()) {
            editor.refuse_unasked(answer.media[i]);
            continue;
        }
        const auto offered = read_formats(offer, offer.media[i]);
        editor.edit_media(answer.media[i], {nullptr, &offered});
    }
    return editor.finish(answer.text_bytes());
}

}  // namespace callchain::sdp
