#include "sip/dialog.hpp"

#include "sip/response.hpp"
#include "sip/sip_text.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace callchain::sip {
namespace {

using Values = std::vector<std::string_view>;
using What = DialogSet::What;

// RFC 3261 section 24.2, F1, with a password of its own.
Message invite_of_alice() {
    return sent(
        "INVITE sip:bob@biloxi.com SIP/2.0\n"
        "Via: SIP/2.0/UDP pc33.atlanta.com;branch=z9hG4bKnashds8\n"
        "Max-Forwards: 70\n"
        "To: Bob <sip:bob@biloxi.com>\n"
        "From: Alice <sip:alice@atlanta.com>;tag=1928301774;x=y\n"
        "Call-ID: a84b4c76e66710\n"
        "CSeq: 314159 INVITE\n"
        "Proxy-Authorization: Digest username=\"alice\", realm=\"atlanta.com\", nonce=\"n\", uri=\"u\", "
        "response=\"r\"\n"
        "Contact: <sip:alice@pc33.atlanta.com>\n"
        "Content-Length: 0\n\n");
}

struct Answer {
    int status = 200;
    std::string to_tag = ";tag=a6c85cf";
    std::string contact = "Contact: <sip:bob@192.0.2.4>\n";
    std::string routes = {};
    std::string cseq = "314159 INVITE";
    std::string from_tag = ";tag=1928301774";
    std::string call_id = "a84b4c76e66710";
};

Received response_of_bob(const Answer& answer = {}) {
    return received("SIP/2.0 " + std::to_string(answer.status) +
                    " Reason\n"
                    "Via: SIP/2.0/UDP pc33.atlanta.com;branch=z9hG4bKnashds8;received=192.0.2.1\n" +
                    answer.routes + "To: Bob <sip:bob@biloxi.com>" + answer.to_tag +
                    "\n"
                    "From: Alice <sip:alice@atlanta.com>" +
                    answer.from_tag + "\nCall-ID: " + answer.call_id + "\nCSeq: " + answer.cseq + "\n" +
                    answer.contact + "Content-Length: 0\n\n");
}

Answer with_routes(const std::string& routes) {
    Answer answer;
    answer.routes = routes;
    return answer;
}

Dialog alices_dialog(const Answer& answer = {}) {
    return Dialog::from_response(invite_of_alice(), response_of_bob(answer)).value();
}

// The INVITE of Meta's SIP guide for WhatsApp calls, shortened.
Received invite_of_meta(
    const std::string& contact = "<sip:+12195550714@wa.meta.vc;transport=tls;ob>;isfocus") {
    return received(
        "INVITE sip:+12145551869@meta-voip.example.com;transport=tls SIP/2.0\n"
        "Via: SIP/2.0/TLS [2803:6080:f948:9597::]:57363;rport;branch=z9hG4bKPj3a9f;alias\n"
        "Record-Route: <sip:wa.meta.vc;transport=tls;lr>\n"
        "Record-Route: <sip:onevc-sip-proxy.fbinfra.net:8191;transport=tls;lr>\n"
        "Max-Forwards: 69\n"
        "From: \"12195550714\" <sip:+12195550714@wa.meta.vc>;tag=8a0f7e65\n"
        "To: <sip:+12145551869@meta-voip.example.com>\n" +
        (contact.empty() ? contact : "Contact: " + contact + "\n") +
        "Call-ID: outgoing:wacid.HBgLMTIx=\n"
        "CSeq: 31159 INVITE\n"
        "Content-Length: 0\n\n");
}

Dialog metas_dialog() {
    auto dialog = Dialog::from_request(invite_of_meta(), "ours").value();
    dialog.confirm();
    return dialog;
}

// A request of Meta within metas_dialog().
Received from_meta(const std::string& method, std::uint32_t cseq, const std::string& to_tag = ";tag=ours",
                   const std::string& contact = "") {
    return received(method +
                    " sip:+12145551869@198.51.100.7:5061;transport=tls SIP/2.0\n"
                    "Via: SIP/2.0/TLS [2803::1]:5061;branch=z9hG4bKPj77\n"
                    "From: <sip:+12195550714@wa.meta.vc>;tag=8a0f7e65\n"
                    "To: <sip:+12145551869@meta-voip.example.com>" +
                    to_tag + "\n" + (contact.empty() ? contact : "Contact: " + contact + "\n") +
                    "Call-ID: outgoing:wacid.HBgLMTIx=\nCSeq: " + std::to_string(cseq) + " " + method +
                    "\nContent-Length: 0\n\n");
}

TEST(DialogFromResponse, TakesItsPartsFromRequestAndResponse) {
    const auto dialog = alices_dialog();
    EXPECT_EQ(dialog.id(), (DialogId{"a84b4c76e66710", "1928301774", "a6c85cf"}));
    EXPECT_EQ(dialog.id(), dialog_of_response(response_of_bob()));
    EXPECT_EQ(dialog.state(), DialogState::confirmed);
    EXPECT_EQ(write_uri(dialog.remote_target()), "sip:bob@192.0.2.4");
    EXPECT_TRUE(dialog.route_set().empty());
    EXPECT_EQ(dialog.local_cseq(), 314'159U);
    EXPECT_EQ(dialog.remote_cseq(), std::nullopt);
}

TEST(DialogFromResponse, JudgesTheResponse) {
    struct Row {
        const char* name = "";
        Answer answer;
        std::optional<DialogState> state;
    };
    const Row rows[] = {
        {"180 with a tag", {180}, DialogState::early},
        {"180 without Contact", {180, ";tag=x", ""}, DialogState::early},
        {"180 without a tag", {180, ""}, std::nullopt},
        {"100", {100}, std::nullopt},
        {"299", {299}, DialogState::confirmed},
        {"200 without a tag, as RFC 2543 has it", {200, ""}, DialogState::confirmed},
        {"302", {302}, std::nullopt},
        {"486", {486}, std::nullopt},
        {"of another method", {200, ";tag=x", "", "", "314159 OPTIONS"}, std::nullopt},
        {"of another CSeq", {200, ";tag=x", "", "", "314160 INVITE"}, std::nullopt},
        {"of another From tag", {200, ";tag=x", "", "", "314159 INVITE", ";tag=y"}, std::nullopt},
        {"of another call", {200, ";tag=x", "", "", "314159 INVITE", ";tag=1928301774", "z"}, std::nullopt},
    };
    for (const auto& row : rows) {
        SCOPED_TRACE(row.name);
        const auto dialog = Dialog::from_response(invite_of_alice(), response_of_bob(row.answer));
        EXPECT_EQ(dialog ? std::optional(dialog->state()) : std::nullopt, row.state);
    }
}

TEST(DialogFromResponse, NamesWhatTheInviteLacks) {
    for (const std::string name : {"From", "To", "CSeq", "Call-ID"}) {
        SCOPED_TRACE(name);
        auto invite = invite_of_alice();
        std::erase_if(invite.headers, [&name](const HeaderField& field) { return field.name == name; });
        const auto dialog = Dialog::from_response(invite, response_of_bob());
        ASSERT_FALSE(dialog.has_value());
        EXPECT_EQ(dialog.error().code, ErrorCode::bad_input);
        EXPECT_NE(dialog.error().message.find("no usable " + name), std::string::npos);
    }
}

TEST(DialogFromResponse, SendsToTheRequestUriWhereThereIsNoContact) {
    Answer answer;
    answer.contact = "";
    EXPECT_EQ(write_uri(alices_dialog(answer).remote_target()), "sip:bob@biloxi.com");
}

TEST(DialogFromRequest, TakesItsPartsFromTheRequest) {
    const auto dialog = Dialog::from_request(invite_of_meta(), "ours").value();
    EXPECT_EQ(dialog.id(), (DialogId{"outgoing:wacid.HBgLMTIx=", "ours", "8a0f7e65"}));
    EXPECT_EQ(dialog.state(), DialogState::early);
    EXPECT_EQ(write_uri(dialog.remote_target()), "sip:+12195550714@wa.meta.vc;transport=tls;ob");
    ASSERT_EQ(dialog.route_set().size(), 2U);
    EXPECT_EQ(dialog.route_set()[0].uri.host, "wa.meta.vc");
    EXPECT_EQ(dialog.local_cseq(), 0U);
    EXPECT_EQ(dialog.remote_cseq(), 31'159U);
    EXPECT_EQ(metas_dialog().state(), DialogState::confirmed);
}

TEST(DialogFromRequest, NeedsContactAndNoTag) {
    EXPECT_FALSE(Dialog::from_request(invite_of_meta(""), "ours").has_value());
    EXPECT_FALSE(Dialog::from_request(from_meta("INVITE", 1, ";tag=x", "<sip:a@b>"), "ours").has_value());
}

// RFC 3261 section 12.1: the client's route set is that of Record-Route in reverse, the server's is not.
TEST(DialogRouteSet, IsReversedForTheClientOnly) {
    auto client =
        alices_dialog(with_routes("Record-Route: <sip:p3.example;lr>, <sip:p2.example;lr>\n"
                                  "Record-Route: <sip:p1.example;lr>\n"));
    const auto bye = client.request("BYE").value();
    EXPECT_EQ(bye.message.values("Route"),
              (Values{"<sip:p1.example;lr>", "<sip:p2.example;lr>", "<sip:p3.example;lr>"}));
    EXPECT_EQ(write_uri(bye.message.uri), "sip:bob@192.0.2.4");
    EXPECT_EQ(write_uri(bye.next_hop), "sip:p1.example;lr");
}

// As Meta writes its Record-Route: the second name is private; the next hop is the first Route.
TEST(DialogRequest, FollowsMetasRoutes) {
    auto dialog = metas_dialog();
    const auto bye = dialog.request("BYE").value();
    EXPECT_EQ(bye.message.method, "BYE");
    EXPECT_EQ(write_uri(bye.message.uri), "sip:+12195550714@wa.meta.vc;transport=tls;ob");
    EXPECT_EQ(bye.message.values("Route"),
              (Values{"<sip:wa.meta.vc;transport=tls;lr>",
                      "<sip:onevc-sip-proxy.fbinfra.net:8191;transport=tls;lr>"}));
    EXPECT_EQ(write_uri(bye.next_hop), "sip:wa.meta.vc;transport=tls;lr");
    EXPECT_EQ(bye.message.find("From"), "<sip:+12145551869@meta-voip.example.com>;tag=ours");
    EXPECT_EQ(bye.message.find("To"), "\"12195550714\" <sip:+12195550714@wa.meta.vc>;tag=8a0f7e65");
    EXPECT_EQ(bye.message.find("Call-ID"), "outgoing:wacid.HBgLMTIx=");
    EXPECT_EQ(bye.message.find("CSeq"), "1 BYE");
    EXPECT_EQ(bye.message.find("Max-Forwards"), "70");
    EXPECT_EQ(bye.message.find("Via"), std::nullopt);
    EXPECT_EQ(bye.message.find("Contact"), std::nullopt);
}

TEST(DialogRequest, LeavesOutWhatIsNotTheDialogs) {
    auto dialog = alices_dialog();
    const auto info = dialog.request("INFO").value();
    EXPECT_EQ(info.message.find("From"), "Alice <sip:alice@atlanta.com>;tag=1928301774");
    EXPECT_EQ(info.message.find("To"), "Bob <sip:bob@biloxi.com>;tag=a6c85cf");
    EXPECT_EQ(info.message.find("CSeq"), "314160 INFO");
    EXPECT_EQ(write_uri(info.next_hop), "sip:bob@192.0.2.4");
    EXPECT_EQ(info.message.find("Proxy-Authorization"), std::nullopt);
}

TEST(DialogRequest, HasNoTagWhereThePeerSentNone) {
    Answer answer;
    answer.to_tag = "";
    EXPECT_EQ(alices_dialog(answer).request("BYE").value().message.find("To"), "Bob <sip:bob@biloxi.com>");
}

// RFC 3261 section 12.2.1.1, its example: a strict router gets its own address as Request-URI, without what a
// Request-URI may not have, and the target as last Route.
TEST(DialogRequest, GivesAStrictRouterItsRequestUri) {
    auto dialog =
        alices_dialog(with_routes("Record-Route: <sip:proxy2;lr>\n"
                                  "Record-Route: <sip:proxy1;method=INVITE;x=1?Subject=s>\n"));
    const auto bye = dialog.request("BYE").value();
    EXPECT_EQ(write_uri(bye.message.uri), "sip:proxy1;x=1");
    EXPECT_EQ(bye.message.values("Route"), (Values{"<sip:proxy2;lr>", "<sip:bob@192.0.2.4>"}));
    EXPECT_EQ(write_uri(bye.next_hop), "sip:proxy1;x=1");
}

TEST(DialogRequest, CleansTheTargetOfWhatARequestUriMayNotHave) {
    Answer answer;
    answer.contact = "Contact: <sip:bob@192.0.2.4;method=BYE;transport=tls?Route=x>\n";
    EXPECT_EQ(write_uri(alices_dialog(answer).remote_target()), "sip:bob@192.0.2.4;transport=tls");
}

TEST(DialogRequest, StopsBelowTheHighestCseq) {
    auto message = invite_of_alice();
    for (auto& field : message.headers) {
        if (field.name == "CSeq") field.value = "2147483646 INVITE";
    }
    Answer answer;
    answer.cseq = "2147483646 INVITE";
    auto dialog = Dialog::from_response(message, response_of_bob(answer)).value();
    EXPECT_EQ(dialog.request("INFO").value().message.find("CSeq"), "2147483647 INFO");
    const auto more = dialog.request("BYE");
    ASSERT_FALSE(more.has_value());
    EXPECT_EQ(more.error().code, ErrorCode::limit);
}

TEST(DialogRequest, HasRisingCseqs) {
    EXPECT_TRUE(rc::check([] {
        auto dialog = *rc::gen::arbitrary<bool>() ? alices_dialog() : metas_dialog();
        const auto invite = invite_of_alice();
        auto last = dialog.local_cseq();
        for (int i = *rc::gen::inRange(1, 30); i > 0; --i) {
            const auto method = *rc::gen::element<std::string>("INFO", "INVITE", "OPTIONS", "ACK");
            if (method == "ACK") {
                RC_ASSERT(dialog.ack(invite).message.find("CSeq") == "314159 ACK");
                continue;
            }
            const auto request = dialog.request(method).value().message;
            RC_ASSERT(request.find("CSeq") == std::to_string(last + 1) + " " + method);
            RC_ASSERT(dialog.local_cseq() == ++last);
        }
    }));
}

// RFC 3261 sections 13.2.2.4 and 22.1.
TEST(DialogAck, RepeatsCseqAndCredentialsOfItsInvite) {
    auto dialog = alices_dialog(with_routes("Record-Route: <sip:p1.example;lr>\n"));
    ASSERT_TRUE(dialog.request("INFO").has_value());
    auto invite = invite_of_alice();
    invite.add("Authorization", "Digest of a server");
    const auto ack = dialog.ack(invite);
    EXPECT_EQ(ack.message.method, "ACK");
    EXPECT_EQ(ack.message.find("Authorization"), "Digest of a server");
    EXPECT_EQ(ack.message.find("CSeq"), "314159 ACK");
    EXPECT_EQ(ack.message.find("Proxy-Authorization"), invite_of_alice().find("Proxy-Authorization"));
    EXPECT_EQ(write_uri(ack.message.uri), "sip:bob@192.0.2.4");
    EXPECT_EQ(ack.message.values("Route"), Values{"<sip:p1.example;lr>"});
    EXPECT_EQ(write_uri(ack.next_hop), "sip:p1.example;lr");
    EXPECT_EQ(dialog.local_cseq(), 314'160U);
}

TEST(DialogReceive, JudgesRequestsByTagsAndCseq) {
    struct Row {
        const char* name = "";
        Received request;
        InDialog want = InDialog::proceed;
    };
    const Row rows[] = {
        {"in order", from_meta("INFO", 31'160), InDialog::proceed},
        {"a gap is none of our business", from_meta("OPTIONS", 40'000), InDialog::proceed},
        {"the same again", from_meta("INFO", 31'159), InDialog::old_cseq},
        {"lower", from_meta("BYE", 3), InDialog::old_cseq},
        {"another To tag", from_meta("BYE", 31'160, ";tag=other"), InDialog::no_such_dialog},
        {"no To tag", from_meta("BYE", 31'160, ""), InDialog::no_such_dialog},
        {"a tag in other letters", from_meta("BYE", 31'160, ";tag=OURS"), InDialog::no_such_dialog},
        {"ACK", from_meta("ACK", 31'159), InDialog::ack},
        {"ACK of another INVITE", from_meta("ACK", 31'160), InDialog::stray_ack},
        {"ACK with another tag", from_meta("ACK", 31'159, ";tag=other"), InDialog::stray_ack},
        {"CANCEL", from_meta("CANCEL", 31'159), InDialog::cancel},
    };
    for (const auto& row : rows) {
        SCOPED_TRACE(row.name);
        auto dialog = metas_dialog();
        EXPECT_EQ(dialog.receive(row.request), row.want);
        EXPECT_EQ(dialog.remote_cseq(), row.want == InDialog::proceed ? row.request.cseq.number : 31'159U);
        EXPECT_EQ(dialog.receive(row.request), row.want == InDialog::proceed ? InDialog::old_cseq : row.want);
    }
}

TEST(DialogReceive, KnowsTheAckOfAReInvite) {
    auto dialog = metas_dialog();
    EXPECT_EQ(dialog.receive(from_meta("INVITE", 31'170)), InDialog::proceed);
    EXPECT_EQ(dialog.receive(from_meta("INFO", 31'171)), InDialog::proceed);
    EXPECT_EQ(dialog.receive(from_meta("ACK", 31'159)), InDialog::stray_ack);
    EXPECT_EQ(dialog.receive(from_meta("ACK", 31'170)), InDialog::ack);
}

TEST(DialogReceive, TakesAnyFirstCseqWhereWeBeganTheDialog) {
    auto dialog = alices_dialog();
    auto bye = received(
        "BYE sip:alice@pc33.atlanta.com SIP/2.0\n"
        "Via: SIP/2.0/UDP 192.0.2.4;branch=z9hG4bKnashds10\n"
        "From: Bob <sip:bob@biloxi.com>;tag=a6c85cf\n"
        "To: Alice <sip:alice@atlanta.com>;tag=1928301774\n"
        "Call-ID: a84b4c76e66710\n"
        "CSeq: 0 BYE\n"
        "Content-Length: 0\n\n");
    EXPECT_EQ(dialog_of_request(bye), dialog.id());
    EXPECT_EQ(dialog.receive(bye), InDialog::proceed);
}

TEST(DialogReceive, AnswersAByeThatCrossesOurs) {
    auto dialog = metas_dialog();
    ASSERT_TRUE(dialog.request("BYE").has_value());
    dialog.terminate();
    EXPECT_EQ(dialog.receive(from_meta("INFO", 31'160)), InDialog::no_such_dialog);
    EXPECT_EQ(dialog.receive(from_meta("BYE", 31'161)), InDialog::proceed);
    EXPECT_EQ(dialog.receive(from_meta("ACK", 31'159)), InDialog::ack);
    dialog.confirm();
    EXPECT_EQ(dialog.state(), DialogState::terminated);
}

TEST(DialogTarget, MovesWithAcceptedRefreshesOnly) {
    auto dialog = metas_dialog();
    const auto original = write_uri(dialog.remote_target());
    const auto refresh = from_meta("INVITE", 31'160, ";tag=ours", "<sip:new@wa.meta.vc>");
    EXPECT_EQ(dialog.receive(refresh), InDialog::proceed);
    EXPECT_EQ(write_uri(dialog.remote_target()), original);
    dialog.accepted(from_meta("INFO", 31'161, ";tag=ours", "<sip:info@wa.meta.vc>"));
    EXPECT_EQ(write_uri(dialog.remote_target()), original);
    dialog.accepted(refresh);
    EXPECT_EQ(write_uri(dialog.remote_target()), "sip:new@wa.meta.vc");
    dialog.accepted(from_meta("UPDATE", 31'162, ";tag=ours", "<sip:update@wa.meta.vc>"));
    EXPECT_EQ(write_uri(dialog.remote_target()), "sip:update@wa.meta.vc");
    // The route set never changes within a dialog.
    EXPECT_EQ(dialog.route_set().size(), 2U);
}

Received answer_within(int status, const std::string& cseq) {
    Answer answer{status};
    answer.cseq = cseq;
    answer.contact = "Contact: <sip:moved@192.0.2.9>\n";
    answer.routes = "Record-Route: <sip:late.example;lr>\n";
    return response_of_bob(answer);
}

TEST(DialogTarget, MovesWithA2xxToARefresh) {
    struct Row {
        const char* name = "";
        Received response;
        const char* target = "";
    };
    const Row rows[] = {
        {"re-INVITE", answer_within(200, "314160 INVITE"), "sip:moved@192.0.2.9"},
        {"UPDATE", answer_within(202, "314160 UPDATE"), "sip:moved@192.0.2.9"},
        {"INFO", answer_within(200, "314160 INFO"), "sip:bob@192.0.2.4"},
        {"refused re-INVITE", answer_within(488, "314160 INVITE"), "sip:bob@192.0.2.4"},
        {"provisional", answer_within(183, "314160 INVITE"), "sip:bob@192.0.2.4"},
    };
    for (const auto& row : rows) {
        SCOPED_TRACE(row.name);
        auto dialog = alices_dialog();
        dialog.on_response(row.response);
        EXPECT_EQ(write_uri(dialog.remote_target()), row.target);
        EXPECT_TRUE(dialog.route_set().empty());
        EXPECT_EQ(dialog.state(), DialogState::confirmed);
    }
}

// RFC 3261 section 12.2.1.2; RFC 5057 section 5.1.
TEST(DialogOnResponse, EndsWhereThePeerHasLostTheDialog) {
    for (const int status : {404, 408, 410, 416, 481, 482, 484, 485, 502, 604}) {
        SCOPED_TRACE(status);
        auto dialog = alices_dialog();
        dialog.on_response(answer_within(status, "314160 OPTIONS"));
        EXPECT_EQ(dialog.state(), DialogState::terminated);
    }
    for (const int status :
         {400, 401, 403, 405, 407, 415, 420, 480, 483, 486, 487, 488, 491, 500, 501, 503}) {
        SCOPED_TRACE(status);
        auto dialog = alices_dialog();
        dialog.on_response(answer_within(status, "314160 OPTIONS"));
        EXPECT_EQ(dialog.state(), DialogState::confirmed);
    }
    auto dialog = alices_dialog();
    dialog.on_response(answer_within(481, "314160 CANCEL"));
    EXPECT_EQ(dialog.state(), DialogState::confirmed);
}

Received from_branch(int status, const std::string& tag) {
    Answer answer{status, ";tag=" + tag};
    answer.contact = "Contact: <sip:" + tag + "@192.0.2.4>\n";
    answer.routes = "Record-Route: <sip:" + tag + std::to_string(status) + ".example;lr>\n";
    return response_of_bob(answer);
}

TEST(DialogSet, ConfirmsTheEarlyDialogByRouteSetAndTargetOfThe2xx) {
    DialogSet set(invite_of_alice());
    EXPECT_EQ(set.on_response(response_of_bob({100, ""})).what, What::nothing);
    EXPECT_EQ(set.on_response(response_of_bob({180, ""})).what, What::nothing);
    EXPECT_EQ(set.on_response(from_branch(180, "a")).what, What::early);
    EXPECT_EQ(set.on_response(from_branch(183, "a")).what, What::early);
    ASSERT_EQ(set.dialogs().size(), 1U);
    EXPECT_EQ(set.dialogs()[0].state(), DialogState::early);
    EXPECT_EQ(set.dialogs()[0].route_set()[0].uri.host, "a180.example");
    EXPECT_EQ(set.call(), nullptr);

    EXPECT_EQ(set.on_response(from_branch(200, "a")).what, What::confirmed);
    ASSERT_NE(set.call(), nullptr);
    EXPECT_EQ(set.call()->state(), DialogState::confirmed);
    EXPECT_EQ(set.call()->route_set()[0].uri.host, "a200.example");
    EXPECT_EQ(set.on_response(from_branch(200, "a")).what, What::again);
    EXPECT_EQ(set.on_response(from_branch(180, "a")).what, What::nothing);
    EXPECT_EQ(set.dialogs().size(), 1U);
}

TEST(DialogSet, TellsTheForked2xxThatMustBeEnded) {
    DialogSet set(invite_of_alice());
    EXPECT_EQ(set.on_response(from_branch(180, "a")).what, What::early);
    EXPECT_EQ(set.on_response(from_branch(180, "b")).what, What::early);
    EXPECT_EQ(set.on_response(from_branch(180, "c")).what, What::early);
    EXPECT_EQ(set.on_response(from_branch(200, "b")).what, What::confirmed);
    const auto extra = set.on_response(from_branch(200, "a"));
    EXPECT_EQ(extra.what, What::extra);
    auto& dialog = set.dialogs().at(extra.index);
    EXPECT_EQ(write_uri(dialog.ack(set.invite()).message.uri), "sip:a@192.0.2.4");
    EXPECT_EQ(dialog.request("BYE").value().message.find("CSeq"), "314160 BYE");
    dialog.terminate();
    EXPECT_EQ(set.on_response(from_branch(200, "a")).what, What::extra_again);
    EXPECT_EQ(dialog.state(), DialogState::terminated);
    EXPECT_EQ(set.on_response(from_branch(200, "b")).what, What::again);

    set.end_early();
    EXPECT_EQ(set.dialogs()[2].state(), DialogState::terminated);
    EXPECT_EQ(set.call()->state(), DialogState::confirmed);
    EXPECT_EQ(set.on_response(from_branch(200, "c")).what, What::extra);
}

TEST(DialogSet, EndsEarlyDialogsWhenTheInviteFails) {
    DialogSet set(invite_of_alice());
    EXPECT_EQ(set.on_response(from_branch(180, "a")).what, What::early);
    EXPECT_EQ(set.on_response(from_branch(486, "a")).what, What::failed);
    EXPECT_EQ(set.dialogs()[0].state(), DialogState::terminated);
    EXPECT_EQ(set.on_response(from_branch(200, "b")).what, What::extra);
    EXPECT_EQ(set.call(), nullptr);
}

TEST(DialogSet, IsBoundedAndStillFindsRoomForA2xx) {
    DialogSet set(invite_of_alice());
    for (int i = 0; i < 16; ++i)
        EXPECT_EQ(set.on_response(from_branch(180, std::to_string(i))).what, What::early);
    EXPECT_EQ(set.on_response(from_branch(180, "more")).what, What::nothing);
    EXPECT_EQ(set.on_response(from_branch(200, "more")).what, What::confirmed);
    EXPECT_EQ(set.dialogs().size(), 16U);
    EXPECT_EQ(set.call()->id().remote_tag, "more");
}

TEST(DialogSet, TakesNoNoticeOfOtherRequests) {
    DialogSet set(invite_of_alice());
    EXPECT_EQ(set.on_response(answer_within(200, "314160 INVITE")).what, What::nothing);
    EXPECT_TRUE(set.dialogs().empty());
}

TEST(DialogSet, TakesNoNoticeOfOtherRequestsWithinADialogThatItKnows) {
    DialogSet set(invite_of_alice());
    EXPECT_EQ(set.on_response(from_branch(180, "a")).what, What::early);
    auto other = from_branch(200, "a");
    ++other.cseq.number;
    EXPECT_EQ(set.on_response(other).what, What::nothing);
    EXPECT_EQ(set.call(), nullptr);
}

}  // namespace
}  // namespace callchain::sip
