#include "sdp/facts.hpp"

#include "base/text.hpp"

#include <algorithm>

namespace callchain::sdp {
namespace {

std::vector<std::string_view> words_of(std::string_view text) {
    std::vector<std::string_view> words;
    for (const auto part : split(text, ' ')) {
        for (const auto word : split(part, '\t')) {
            if (!word.empty()) words.push_back(word);
        }
    }
    return words;
}

/// 30 bytes in base64: the key and salt of the suites with AES_CM_128. Source: RFC 4568 sections 6.1 and 6.2.
bool is_key(std::string_view text, std::string_view suite) {
    if (!suite.starts_with("AES_CM_128_")) return !text.empty();
    constexpr std::size_t kCharacters = 40;
    return text.size() == kCharacters && std::all_of(text.begin(), text.end(), [](char c) {
               return is_ascii_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '+' ||
                      c == '/';
           });
}

/// tag suite key-params [session-params]; key-params are `inline:KEY[|LIFETIME][|MKI:LENGTH]` divided by ';'.
CryptoLine read_crypto(std::string_view value) {
    CryptoLine line;
    const auto words = words_of(value);
    line.readable = words.size() >= 3 && words[0].size() <= 9 && parse_decimal(words[0]).has_value();
    if (!line.readable) return line;
    line.tag = words[0];
    line.suite = words[1];
    line.keys = words[2];
    for (const auto part : split(words[2], ';')) {
        constexpr std::string_view kInline = "inline:";
        const auto fields = split(part.substr(std::min(kInline.size(), part.size())), '|');
        line.readable = line.readable && part.starts_with(kInline) && is_key(fields[0], line.suite);
        // A lifetime has no colon, an MKI has.
        line.has_mki =
            line.has_mki || std::any_of(fields.begin() + 1, fields.end(), [](std::string_view field) {
                return field.find(':') != std::string_view::npos;
            });
    }
    line.weakened = std::any_of(words.begin() + 3, words.end(), [](std::string_view word) {
        return word.starts_with("UNENCRYPTED") || word.starts_with("UNAUTHENTICATED");
    });
    return line;
}

/// Takes in one a= line, be it of the session or of the stream.
void read_attribute(const Attribute& attribute, AudioFacts& facts) {
    if (attribute.name == "fingerprint") facts.has_fingerprint = true;
    if (attribute.name == "setup") facts.setup = trim(attribute.value);
    if (attribute.name == "ice-lite") facts.ice = Ice::lite;
    if (attribute.name == "ice-ufrag" && facts.ice == Ice::none) facts.ice = Ice::full;
    for (const std::string_view direction : {"sendrecv", "sendonly", "recvonly", "inactive"}) {
        if (attribute.name == direction) facts.direction = direction;
    }
}

void read_lines(const Document& document, std::size_t first, std::size_t end, AudioFacts& facts) {
    for (auto i = first; i < end; ++i) {
        const auto& line = document.lines[i];
        if (line.type == 'c') facts.address = line.value.substr(std::min<std::size_t>(3, line.value.size()));
        if (line.type != 'a') continue;
        const auto attribute = attribute_of(line);
        read_attribute(attribute, facts);
        if (first == 0) continue;  // the rest counts only below an m= line
        if (attribute.name == "rtcp-mux") facts.has_rtcp_mux = true;
        if (attribute.name == "crypto") facts.crypto.push_back(read_crypto(attribute.value));
    }
}

/// The profile decides; what contradicts it is a finding, not another kind of key exchange.
KeyExchange keys_of(const AudioFacts& facts) {
    if (facts.protocol.starts_with("UDP/TLS/") || facts.protocol.starts_with("TCP/DTLS/"))
        return KeyExchange::dtls;
    if (!facts.secure_profile) return KeyExchange::none;
    return facts.crypto.empty() && facts.has_fingerprint ? KeyExchange::dtls : KeyExchange::sdes;
}

}  // namespace

std::optional<AudioFacts> audio_facts(const Document& document, std::size_t media_index) {
    const auto& media = document.media[media_index];
    if (media.port == 0 || !media.is_audio() || !media.is_rtp()) return std::nullopt;
    AudioFacts facts;
    facts.media_index = media_index;
    facts.line = Document::line_number(media);
    facts.port_text = media.port_text;
    facts.protocol = media.protocol;
    facts.secure_profile = media.protocol.find("RTP/SAVP") != std::string_view::npos;
    facts.direction = "sendrecv";
    read_lines(document, 0, document.session_end, facts);
    read_lines(document, media.first, media.end, facts);
    facts.keys = keys_of(facts);
    // With ICE the address of c= may be a placeholder: the candidates count.
    facts.on_hold = facts.ice == Ice::none && (facts.address == "IP4 0.0.0.0" || facts.address == "IP6 ::");
    facts.formats = read_formats(document, media);
    return facts;
}

std::optional<AudioFacts> audio_facts(const Document& document) {
    for (std::size_t i = 0; i < document.media.size(); ++i) {
        if (auto facts = audio_facts(document, i)) return facts;
    }
    return std::nullopt;
}

std::string_view word_of(KeyExchange keys) {
    switch (keys) {
        case KeyExchange::dtls:
            return "DTLS";
        case KeyExchange::sdes:
            return "SDES";
        case KeyExchange::none:
            break;
    }
    return "none";
}

std::string_view word_of(Ice ice) {
    switch (ice) {
        case Ice::full:
            return "full";
        case Ice::lite:
            return "lite";
        case Ice::none:
            break;
    }
    return "none";
}

}  // namespace callchain::sdp
