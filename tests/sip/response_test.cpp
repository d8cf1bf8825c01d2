#include "sip/response.hpp"

#include "sip/sip_text.hpp"

#include <gtest/gtest.h>

namespace callchain::sip {
namespace {

// As Meta's INVITE has them: Via, Record-Route, Record-Route, Via, Via.
Received invite_of_meta(const std::string& to_tag = "") {
    return received(
        "INVITE sip:+12145551869@meta-voip.example.com;transport=tls SIP/2.0\n"
        "Via: SIP/2.0/TLS [2803:6080:f948:9597::]:57363;rport;branch=z9hG4bKPj3a9f;alias\n"
        "Record-Route: <sip:wa.meta.vc;transport=tls;lr>\n"
        "Record-Route: <sip:onevc-sip-proxy.fbinfra.net:8191;transport=tls;lr>\n"
        "v: SIP/2.0/TLS [2803:6080:f948:9597:d33c:e00:400:0]:5061;branch=z9hG4bKPj3a9f\n"
        "Via: SIP/2.0/TLS [2803::1]:63057;rport=63057;received=2803::1;branch=z9hG4bKPj-phic0;alias\n"
        "f: \"12195550714\" <sip:+12195550714@wa.meta.vc>;tag=8a0f7e65\n"
        "To: <sip:+12145551869@meta-voip.example.com>" +
        to_tag +
        "\n"
        "Contact: <sip:+12195550714@wa.meta.vc;transport=tls;ob>;isfocus\n"
        "Call-ID: outgoing:wacid.HBgLMTIx=\n"
        "CSeq: 31159 INVITE\n"
        "Timestamp: 54.21\n"
        "Content-Length: 0\n\n");
}

using Values = std::vector<std::string_view>;

TEST(MakeResponse, CopiesWhatTheRfcNames) {
    const auto request = invite_of_meta();
    const auto response = make_response(request, 200, "", "a6c85cf");
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.reason, "OK");
    EXPECT_EQ(response.values("Via"), request.message.values("Via"));
    EXPECT_EQ(response.values("Record-Route"),
              (Values{"<sip:wa.meta.vc;transport=tls;lr>",
                      "<sip:onevc-sip-proxy.fbinfra.net:8191;transport=tls;lr>"}));
    EXPECT_EQ(response.find("From"), "\"12195550714\" <sip:+12195550714@wa.meta.vc>;tag=8a0f7e65");
    EXPECT_EQ(response.find("To"), "<sip:+12145551869@meta-voip.example.com>;tag=a6c85cf");
    EXPECT_EQ(response.find("Call-ID"), "outgoing:wacid.HBgLMTIx=");
    EXPECT_EQ(response.find("CSeq"), "31159 INVITE");
    EXPECT_EQ(response.find("Timestamp"), std::nullopt);
    EXPECT_EQ(response.find("Contact"), std::nullopt);
}

TEST(MakeResponse, CopiesRecordRouteOnlyWhereADialogBegins) {
    struct Row {
        const char* name = "";
        int status = 0;
        const char* to_tag = "";
        std::size_t copies = 0;
    };
    for (const auto& row :
         {Row{"100", 100, "", 0}, Row{"180", 180, "", 2}, Row{"200", 200, "", 2}, Row{"302", 302, "", 0},
          Row{"488", 488, "", 0}, Row{"a re-INVITE", 200, ";tag=x", 0}}) {
        SCOPED_TRACE(row.name);
        EXPECT_EQ(
            make_response(invite_of_meta(row.to_tag), row.status, "", "y").values("Record-Route").size(),
            row.copies);
    }
}

TEST(MakeResponse, PutsTheTagWhereThereIsNone) {
    EXPECT_EQ(make_response(invite_of_meta(), 100, "", "").find("To"),
              "<sip:+12145551869@meta-voip.example.com>");
    EXPECT_EQ(make_response(invite_of_meta(";tag=mine"), 200, "", "other").find("To"),
              "<sip:+12145551869@meta-voip.example.com>;tag=mine");
}

TEST(MakeResponse, CopiesTimestampInto100) {
    EXPECT_EQ(make_response(invite_of_meta(), 100, "", "").find("Timestamp"), "54.21");
}

TEST(MakeResponse, HasAReasonForEveryStatus) {
    EXPECT_EQ(make_response(invite_of_meta(), 488, "Codec not allowed", "t").reason, "Codec not allowed");
    EXPECT_EQ(make_response(invite_of_meta(), 481, "", "t").reason, "Call/Transaction Does Not Exist");
    EXPECT_FALSE(make_response(invite_of_meta(), 499, "", "t").reason.empty());
    EXPECT_EQ(make_response(invite_of_meta(), 700, "", "t").reason, "");  // which no class knows
}

TEST(MakeResponse, TellsWhatTheTransportNotedInTheTopVia) {
    auto request = invite_of_meta();
    request.via.front().parameters.set("received", "192.0.2.1");
    const auto response = make_response(request, 200, "", "t");
    EXPECT_NE(response.values("Via").front().find(";received=192.0.2.1"), std::string_view::npos);
}

}  // namespace
}  // namespace callchain::sip
