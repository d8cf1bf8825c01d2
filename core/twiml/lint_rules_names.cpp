/// Names: elements and attributes that Twilio knows, each in its place, and text where it may be.
#include "base/redact.hpp"
#include "base/text.hpp"
#include "twiml/lint_rules.hpp"

#include <algorithm>
#include <span>

namespace callchain::twiml {
namespace {

std::string did_you_mean(std::string_view name) {
    return name.empty() ? std::string() : " Did you mean " + std::string(name) + "?";
}

/// "within <Dial>", "within <Gather> or <Prompt>".
std::string places_of(std::string_view parents) {
    std::string out;
    const auto names = split(parents, ' ');
    for (std::size_t i = 0; i < names.size(); ++i)
        out += (i == 0 ? "" : i + 1 == names.size() ? " or " : ", ") + tag(names[i]);
    return "within " + out;
}

/// Judges the name of a child of a known element. Returns its spec where Twilio will not ignore it, or would
/// not but for its letter case.
const ElementSpec* check_element_name(const Element& element, const ElementSpec& parent, Findings& findings) {
    if (const auto* spec = find_spec(element.name, parent.name)) return spec;
    if (const auto* spec = find_spec_in_any_case(element.name, parent.name)) {
        findings.add("twiml_letter_case", element,
                     "Twilio knows " + tag(spec->name) + " and not " + tag(element.name) +
                         ": it tells letter case apart and leaves this step out.");
        return spec;
    }
    if (element.name == kRoot) {
        findings.add("twiml_second_response", element,
                     "A <Response> stands within " + tag(parent.name) + ": Twilio takes one, as the root.");
        return nullptr;
    }
    if (const auto* spec = find_spec_anywhere(element.name)) {
        findings.add("twiml_element_misplaced", element.place,
                     tag(element.name) + " stands within " + tag(parent.name) + " and belongs " +
                         places_of(spec->parents) + ". Twilio leaves it out.",
                     element.name, {}, parent.name == "Dial" ? 13215 : 0);
        return nullptr;
    }
    // Prefixed names are extensions of a speech vendor, e.g. amazon:effect.
    if (element.name.find(':') != std::string::npos) return nullptr;
    const auto* near = findings.wants_more() ? nearest_spec(element.name, parent.name) : nullptr;
    if (has_word("Say emphasis lang p prosody s w", parent.name)) {
        findings.add("twiml_speech_unknown", element,
                     tag(element.name) + " is no speech mark-up known here; not every voice takes each." +
                         did_you_mean(near == nullptr ? "" : tag(near->name)));
        return nullptr;
    }
    const bool verb = parent.name == kRoot;
    const bool messaging = element.name == "Message";
    findings.add(verb ? "twiml_verb_unknown" : "twiml_noun_unknown", element,
                 tag(element.name) + (messaging ? " is a verb of TwiML for messages, not for calls."
                                                : " is nothing that Twilio knows within " + tag(parent.name) +
                                                      ": it leaves it out." +
                                                      did_you_mean(near == nullptr ? "" : tag(near->name))));
    return nullptr;
}

bool is_codec_attribute(std::string_view name) {
    const auto lower = ascii_lower(name);
    return lower == "codec" || lower == "codecs" || lower == "codecpolicy" || lower == "secure" ||
           lower == "srtp" || lower == "transport";
}

/// Where an attribute that `element` does not have would be known: a noun within it, or the verb around it.
std::string_view owner_of(std::string_view attribute, std::string_view element, std::string_view parent) {
    for (const auto& spec : element_specs())
        if (has_word(spec.parents, element) && spec.find(attribute) != nullptr) return spec.name;
    for (const auto& spec : element_specs())
        if (spec.name == parent && spec.find(attribute) != nullptr) return spec.name;
    return {};
}

/// statusCallback is known to every noun of <Dial>; the message names the one that is there.
std::string_view owner_among_children(std::string_view attribute, const Element& element,
                                      const Document& document, std::string_view parent) {
    constexpr std::size_t kEnough = 10;  // nouns of a <Dial>
    for (const auto child : std::span(element.children).first(std::min(element.children.size(), kEnough))) {
        const auto* spec = find_spec(document.elements[child].name, element.name);
        if (spec != nullptr && spec->find(attribute) != nullptr) return spec->name;
    }
    return owner_of(attribute, element.name, parent);
}

void check_attribute_name(const Document& document, const Element& element, const ElementSpec& spec,
                          std::string_view parent, const Attribute& attribute, Findings& findings) {
    if (spec.find(attribute.name) != nullptr || spec.changes_often) return;
    if (attribute.name.starts_with("xml:") || attribute.name.starts_with("xmlns") ||
        attribute.name.starts_with("xsi:"))
        return;
    const std::string at = " on " + tag(spec.name);
    const std::string name = safe_excerpt(attribute.name, 40);
    for (const auto& each : spec.attributes) {
        if (!equal_ignoring_case(each.name, attribute.name)) continue;
        return findings.add("twiml_attribute_letter_case", element, attribute,
                            "Twilio knows " + std::string(each.name) + at + " and not " + name +
                                ": it tells letter case apart and ignores this one.");
    }
    if (const auto owner = owner_among_children(attribute.name, element, document, parent); !owner.empty())
        return findings.add("twiml_attribute_misplaced", element, attribute,
                            name + " belongs on " + tag(owner) + "; Twilio ignores it" + at + ".");
    if (is_codec_attribute(attribute.name))
        return findings.add("twiml_attribute_codec", element, attribute,
                            "There is no attribute " + name + at +
                                ": Twilio ignores it and offers PCMU and PCMA all the same.");
    const auto* near = findings.wants_more() ? nearest_attribute(attribute.name, spec) : nullptr;
    findings.add("twiml_attribute_unknown", element, attribute,
                 "Twilio knows no attribute " + name + at + " and ignores it." +
                     did_you_mean(near == nullptr ? "" : near->name));
}

void check_text_place(const Element& element, const ElementSpec& spec, Findings& findings) {
    if (trim(element.text).empty()) return;
    if (spec.text == TextKind::none) {
        findings.add_at_text("twiml_text_unexpected", element,
                             "Twilio ignores the text " + quoted(trim(element.text)) + " within " +
                                 tag(spec.name) + ": only elements count there.");
    } else if (spec.name == "Dial" && !element.children.empty()) {
        findings.add_at_text("twiml_text_unexpected", element,
                             "<Dial> has nouns and the text " + quoted(trim(element.text)) +
                                 ": what Twilio makes of both is not documented.");
    }
}

/// The root's spec, or nullptr where nothing more can be judged.
const ElementSpec* check_root(const Element& root, Findings& findings) {
    const auto* spec = find_spec_anywhere(kRoot);
    if (root.name == kRoot) return spec;
    if (equal_ignoring_case(root.name, kRoot)) {
        findings.add(
            "twiml_letter_case", root,
            "The root is <Response> and not " + tag(root.name) + ": Twilio tells letter case apart.");
        return spec;
    }
    const bool html = equal_ignoring_case(root.name, "html");
    findings.add("twiml_root_not_response", root,
                 "The root is " + tag(root.name) + " and not <Response>" +
                     (html ? ": this is an HTML page, as a framework or proxy sends it for an error."
                           : "; nothing in it was judged."));
    return nullptr;
}

}  // namespace

Judged check_names(const Document& document, std::string_view source, Chain chain, Findings& findings) {
    Judged judged{document, std::vector<const ElementSpec*>(document.elements.size()), chain, source};
    for (std::size_t i = 0; i < document.elements.size(); ++i) {
        const auto& element = document.elements[i];
        const auto* parent = i == 0 ? nullptr : judged.specs[element.parent];
        if (i != 0 && parent == nullptr) continue;
        const auto* spec =
            i == 0 ? check_root(element, findings) : check_element_name(element, *parent, findings);
        judged.specs[i] = spec;
        if (spec == nullptr) continue;
        for (const auto& attribute : element.attributes)
            check_attribute_name(document, element, *spec, parent == nullptr ? "" : parent->name, attribute,
                                 findings);
        check_text_place(element, *spec, findings);
    }
    return judged;
}

std::vector<std::size_t> Judged::known_children(std::size_t i) const {
    std::vector<std::size_t> known;
    for (const auto child : element(i).children)
        if (specs[child] != nullptr) known.push_back(child);
    return known;
}

}  // namespace callchain::twiml
