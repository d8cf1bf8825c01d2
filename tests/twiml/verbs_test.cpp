#include "twiml/verbs.hpp"

#include "base/text.hpp"

#include <fstream>
#include <gtest/gtest.h>
#include <map>
#include <set>
#include <string>

namespace callchain::twiml {
namespace {

using Names = std::set<std::string, std::less<>>;

/// (element around it, element) -> attributes, as Twilio's own library has them.
std::map<std::pair<std::string, std::string>, Names> elements_of_twilio() {
    std::ifstream file(TEST_DATA_DIR "/twiml/npm-twilio-6.2.0.txt", std::ios::binary);
    std::map<std::pair<std::string, std::string>, Names> elements;
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with('#')) continue;
        const auto words = split(line, ' ');
        auto& names = elements[{std::string(words.at(0)), std::string(words.at(1))}];
        for (std::size_t i = 2; i < words.size(); ++i) names.emplace(words[i]);
    }
    return elements;
}

TEST(Verbs, KnowEveryElementAndAttributeOfTwiliosLibrary) {
    const auto elements = elements_of_twilio();
    ASSERT_GT(elements.size(), 120U);
    for (const auto& [key, attributes] : elements) {
        SCOPED_TRACE(key.first + " " + key.second);
        const auto* spec = find_spec(key.second, key.first);
        ASSERT_NE(spec, nullptr);
        for (const auto& attribute : attributes) {
            if (attribute.starts_with("xml:")) continue;  // may stand anywhere
            EXPECT_NE(spec->find(attribute), nullptr) << attribute;
        }
    }
}

TEST(Verbs, KnowNothingThatTwiliosLibraryDoesNotBut) {
    // Twilio, "TwiML Voice: <Dial>" has it, the typings do not.
    const std::set<std::pair<std::string_view, std::string_view>> documented{
        {"Dial", "callReason"},
        {"Recording", "name"},
        {"ConversationRelay", "backgroundNoiseReduction"},
        {"ConversationRelay", "deepgramSmartFormat"},
        {"ConversationRelay", "eotThreshold"},
        {"ConversationRelay", "ignoreBackchannel"},
        {"ConversationRelay", "speechTimeout"},
        {"ConversationRelay", "turnDetection"},
        {"Assistant", "id"},
        {"Assistant", "voice"},
        {"Assistant", "welcomeGreeting"},
    };
    const std::set<std::pair<std::string_view, std::string_view>> documented_places{
        {"Stop", "Recording"}, {"Connect", "Assistant"}, {"Assistant", "Parameter"}};
    const auto elements = elements_of_twilio();
    for (const auto& spec : element_specs()) {
        SCOPED_TRACE(spec.name);
        if (spec.name == kRoot) continue;
        Names known;
        for (const auto parent : split(spec.parents, ' ')) {
            const auto found = elements.find({std::string(parent), std::string(spec.name)});
            // Speech mark-up nests by rules of the speech vendors, which this table does not repeat.
            if (found == elements.end() && has_word("emphasis lang p prosody s w", parent)) continue;
            if (found == elements.end() && documented_places.contains({parent, spec.name})) continue;
            ASSERT_NE(found, elements.end()) << parent;
            known.insert(found->second.begin(), found->second.end());
        }
        for (const auto& attribute : spec.attributes)
            EXPECT_TRUE(known.contains(attribute.name) || documented.contains({spec.name, attribute.name}))
                << attribute.name;
    }
}

TEST(Verbs, HaveWordsWhereAWordIsWantedAndARangeWhereANumberIs) {
    for (const auto& spec : element_specs()) {
        for (const auto& attribute : spec.attributes) {
            SCOPED_TRACE(std::string(spec.name) + " " + std::string(attribute.name));
            const bool words = attribute.kind == ValueKind::word || attribute.kind == ValueKind::words;
            EXPECT_EQ(words, !attribute.words.empty());
            EXPECT_EQ(attribute.kind == ValueKind::integer, attribute.most > attribute.least);
        }
    }
}

TEST(FindSpec, TellsElementsApartByWhatTheyStandIn) {
    ASSERT_NE(find_spec("Sip", "Dial"), nullptr);
    ASSERT_NE(find_spec("Sip", "Refer"), nullptr);
    EXPECT_NE(find_spec("Sip", "Dial")->find("statusCallback"), nullptr);
    EXPECT_EQ(find_spec("Sip", "Refer")->find("statusCallback"), nullptr);
    EXPECT_EQ(find_spec("Sip", kRoot), nullptr);
    EXPECT_EQ(find_spec("Dial", "Dial"), nullptr);
    EXPECT_EQ(find_spec("sip", "Dial"), nullptr);
    EXPECT_EQ(find_spec_in_any_case("SIP", "Dial"), find_spec("Sip", "Dial"));
    EXPECT_EQ(find_spec_in_any_case("SIP", kRoot), nullptr);
    EXPECT_EQ(find_spec("Dial", ""), nullptr);
}

TEST(Nearest, FindsSlipsAndNothingFarAway) {
    struct Row {
        std::string_view typed;
        std::string_view meant;
    };
    for (const auto& row : {Row{"Sipp", "Sip"}, Row{"Conferense", "Conference"}, Row{"whatsap", "WhatsApp"},
                            Row{"Webhook", ""}, Row{"", ""}}) {
        SCOPED_TRACE(row.typed);
        const auto* near = nearest_spec(row.typed, "Dial");
        EXPECT_EQ(near == nullptr ? "" : near->name, row.meant);
    }
    EXPECT_EQ(nearest_spec(std::string(1U << 20U, 'S'), "Dial"), nullptr);
    const auto& dial = *find_spec("Dial", kRoot);
    ASSERT_NE(nearest_attribute("caller_id", dial), nullptr);
    EXPECT_EQ(nearest_attribute("caller_id", dial)->name, "callerId");
    EXPECT_EQ(nearest_word("answerd", "initiated ringing answered completed"), "answered");
    EXPECT_EQ(nearest_word("failed", "initiated ringing answered completed"), "");
}

}  // namespace
}  // namespace callchain::twiml
