/// Whatever row of the tables is applied to whatever delivery, the search finds a way back.
#include "crypto/hash.hpp"
#include "diagnosis/body_rows.hpp"
#include "diagnosis/key_forms.hpp"
#include "diagnosis/search.hpp"
#include "encoding/base64.hpp"
#include "encoding/json_text.hpp"
#include "signature/standard_webhooks.hpp"

#include <algorithm>
#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace callchain::diagnosis {
namespace {

std::string random_event() {
    auto name = *rc::gen::arbitrary<std::string>();
    std::erase(name, '\x7F');  // which json.dumps escapes and quote_json() does not
    const auto number = *rc::gen::arbitrary<std::uint32_t>();
    // quote_json() makes valid UTF-8 of any bytes; json.dumps writes it in ASCII.
    const auto text = encoding::quote_json(name + "/é🔑<&>", encoding::JsonStyle::NonAscii::escaped);
    return R"({"id": "evt_)" + std::to_string(number) + R"(", "object": "event", "created_at": )" +
           std::to_string(number) +
           R"(, "type": "realtime.call.incoming", "data": {"call_id": "rtc_1", "sip_headers": [{"name": "From", "value": )" +
           text + "}]}}";
}

std::string random_secret() {
    const auto seed = *rc::gen::arbitrary<std::uint64_t>();
    return "whsec_" +
           encoding::to_base64(crypto::hash(crypto::HashAlgorithm::sha256, {std::to_string(seed)}).view());
}

std::vector<const BodyRow*> rows_that_can_be_undone() {
    std::vector<const BodyRow*> rows;
    for (const auto table : {text_body_rows(), json_body_rows(), coding_body_rows()}) {
        for (const auto& row : table) {
            // What a JSON library or a cut drops for good, nothing brings back.
            const std::string_view code = row.code;
            const bool lossy = code == "body_json_null_dropped" || code == "body_truncated" ||
                               code == "body_data_only" || code == "body_percent_decoded" ||
                               code == "body_json_reserialized";
            if (row.undo != nullptr && row.redo != nullptr && !lossy) rows.push_back(&row);
        }
    }
    return rows;
}

TEST(Search, FindsTheWayBackFromEveryBodyRow) {
    const auto rows = rows_that_can_be_undone();
    EXPECT_TRUE(rc::check("a body altered by any row", [&rows] {
        const auto secret = random_secret();
        const std::vector<signature::LabelledSecret> secrets{{"one", secret}};
        const auto body = random_event();
        const auto& row = *rows[*rc::gen::inRange<std::size_t>(0, rows.size())];
        auto altered = row.redo(BodyText(body));
        RC_PRE(!altered.empty());
        const auto& variant = altered[*rc::gen::inRange<std::size_t>(0, altered.size())];
        RC_PRE(variant.bytes != body);
        const crypto::HmacKey key(crypto::HashAlgorithm::sha256,
                                  signature::read_secret(secret).value().bytes);
        const auto header = signature::sign_webhook(key, "wh_1", "1750287078", body);
        const auto found =
            search({secrets, "wh_1", "1750287078", header, variant.bytes}, Direction::received);
        RC_LOG() << row.code << "\n";
        RC_ASSERT(!found.matches.empty());
        RC_ASSERT(found.matches.front().key == signature::read_secret(secret).value().bytes);
    }));
}

TEST(Search, FindsEveryKeyFormThatOneSecretHas) {
    EXPECT_TRUE(rc::check("a delivery signed with any key form", [] {
        const auto secret = random_secret();
        const std::vector<signature::LabelledSecret> secrets{{"one", secret}};
        const auto forms = key_forms(secret);
        const auto& form = forms[*rc::gen::inRange<std::size_t>(0, forms.size())];
        const auto body = random_event();
        const auto header = signature::sign_webhook(
            crypto::HmacKey(crypto::HashAlgorithm::sha256, form.bytes), "wh_1", "1750287078", body);
        const auto found = search({secrets, "wh_1", "1750287078", header, body}, Direction::received);
        RC_ASSERT(!found.matches.empty());
        RC_ASSERT(found.matches.front().faults.size() <= 2U);
        RC_ASSERT(significant_key(found.matches.front().key) == significant_key(form.bytes));
    }));
}

}  // namespace
}  // namespace callchain::diagnosis
