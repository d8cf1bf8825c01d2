#include "sip/grammar.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <string>

namespace callchain::sip {
namespace {

Message invite() {
    Message message;
    message.method = "INVITE";
    message.uri = *parse_uri("sip:+12145551869@acme.sip.twilio.com;transport=tls");
    message.add("Via", "SIP/2.0/TLS gw.example.com:5061;branch=z9hG4bK1");
    message.add("l", "999");
    message.add("X-Empty", "");
    message.body = "v=0\r\n";
    return message;
}

TEST(WriteMessage, WritesARequest) {
    const auto text = write_message(invite());
    ASSERT_TRUE(text.has_value()) << text.error().message;
    EXPECT_EQ(*text,
              "INVITE sip:+12145551869@acme.sip.twilio.com;transport=tls SIP/2.0\r\n"
              "Via: SIP/2.0/TLS gw.example.com:5061;branch=z9hG4bK1\r\n"
              "X-Empty: \r\n"
              "Content-Length: 5\r\n\r\n"
              "v=0\r\n");
}

TEST(WriteMessage, WritesAResponse) {
    Message message;
    message.status = 488;
    message.reason = "Not Acceptable Here";
    message.add("Warning", "304 gw.example.com \"DTLS offered\"");
    EXPECT_EQ(
        *write_message(message),
        "SIP/2.0 488 Not Acceptable Here\r\nWarning: 304 gw.example.com \"DTLS offered\"\r\nContent-Length: "
        "0\r\n\r\n");
}

TEST(WriteMessage, PutsTheViaOfThisHopAboveAll) {
    const std::string hop = "SIP/2.0/UDP b2bua.example.com;branch=z9hG4bK2";
    const auto text = write_message(invite(), hop);
    ASSERT_TRUE(text.has_value()) << text.error().message;
    EXPECT_EQ(*text,
              "INVITE sip:+12145551869@acme.sip.twilio.com;transport=tls SIP/2.0\r\n"
              "Via: SIP/2.0/UDP b2bua.example.com;branch=z9hG4bK2\r\n"
              "Via: SIP/2.0/TLS gw.example.com:5061;branch=z9hG4bK1\r\n"
              "X-Empty: \r\n"
              "Content-Length: 5\r\n\r\n"
              "v=0\r\n");
    for (const auto* end : {"\r", "\n", "\r\nInjected: yes"})
        EXPECT_FALSE(write_message(invite(), hop + end).has_value());
}

TEST(WriteMessage, RefusesWhatWouldBecomeAnotherLine) {
    using namespace std::string_literals;
    for (const auto& bad : {"\r"s, "\n"s, "\0"s, "a\r\nInjected: yes"s}) {
        const auto is_refused = [&](auto change) {
            auto message = invite();
            change(message);
            const auto text = write_message(message);
            EXPECT_FALSE(text.has_value());
            EXPECT_TRUE(text.has_value() || text.error().code == ErrorCode::bad_input);
            EXPECT_FALSE(check_writable(message).has_value());
        };
        is_refused([&](Message& message) { message.add("X-Name", bad); });
        is_refused([&](Message& message) { message.add(bad, "value"); });
        is_refused([&](Message& message) { message.method = bad; });
        is_refused([&](Message& message) { message.uri.user = bad; });
        is_refused([&](Message& message) { message.uri.headers = bad; });
        is_refused([&](Message& message) { message.uri.parameters.set("x", bad); });
        is_refused([&](Message& message) {
            message.status = 200;
            message.reason = bad;
        });
    }
}

TEST(WriteMessage, RefusesAMalformedStartLineOrName) {
    const auto refuses = [](auto change) {
        auto message = invite();
        change(message);
        const bool is_written = write_message(message).has_value();
        EXPECT_EQ(check_writable(message).has_value(), is_written);
        return !is_written;
    };
    EXPECT_TRUE(refuses([](Message& message) { message.method = ""; }));
    EXPECT_TRUE(refuses([](Message& message) { message.method = "IN VITE"; }));
    EXPECT_TRUE(refuses([](Message& message) { message.uri.user = "a b"; }));
    EXPECT_TRUE(refuses([](Message& message) { message.add("", "x"); }));
    EXPECT_TRUE(refuses([](Message& message) { message.add("a:", "x"); }));
    for (const int status : {-1, 1, 99, 700, 4'294'967}) {
        SCOPED_TRACE(status);
        EXPECT_TRUE(refuses([&](Message& message) { message.status = status; }));
    }
    for (const int status : {100, 699})
        EXPECT_FALSE(refuses([&](Message& message) { message.status = status; }));
}

// Names and values are not put into the error: they may be another's numbers or keys.
TEST(WriteMessage, DoesNotQuoteAValueInItsError) {
    auto message = invite();
    message.add("X-Key", "secret\r\n");
    const auto text = write_message(message);
    ASSERT_FALSE(text.has_value());
    EXPECT_EQ(text.error().message.find("secret"), std::string::npos);
    EXPECT_NE(text.error().message.find("X-Key"), std::string::npos);
}

std::string pick(std::initializer_list<std::string> values) {
    return *rc::gen::elementOf(std::vector<std::string>(values));
}

std::string text_of(const std::string& characters, int least, int most) {
    const auto size = *rc::gen::inRange(least, most + 1);
    std::string text;
    for (int i = 0; i < size; ++i)
        text +=
            characters[static_cast<std::size_t>(*rc::gen::inRange(0, static_cast<int>(characters.size())))];
    return text;
}

const std::string kToken = "abcXYZ019-.!%*_+`'~";

Parameters random_parameters(const std::string& name_characters, std::initializer_list<std::string> values) {
    Parameters parameters;
    const auto count = *rc::gen::inRange(0, 4);
    for (int i = 0; i < count; ++i) {
        Parameter parameter{text_of(name_characters, 1, 6)};
        if (*rc::gen::arbitrary<bool>()) parameter.value = pick(values);
        parameters.list.push_back(std::move(parameter));
    }
    return parameters;
}

Parameters header_parameters() {
    return random_parameters(
        kToken, {"1", "z9hG4bK-.!%*_+`'~", R"("quoted \" ; , < > \\")", "2803:6080::1", "[::1]"});
}

Uri random_uri() {
    Uri uri;
    uri.scheme = pick({"sip", "sip", "sips", "tel", "urn"});
    if (uri.scheme == "urn") {
        uri.rest = pick({"service:sos", "a", "//b/c?d=e#f"});
        return uri;
    }
    uri.parameters = random_parameters("aB1-_.!~*'()[]/:&+$", {"tls", "%41b", "[::1]", "a/b:c&d"});
    if (uri.scheme == "tel") {
        uri.user = pick({"+12145551869", "+1(214)555-18.69", "911", "*21"});
        return uri;
    }
    uri.user = text_of("+1aZ-_.!~*'()&=$,;?/", 0, 12) + pick({"", "%20", "%2f"});
    if (!uri.user.empty() && *rc::gen::inRange(0, 4) == 0) uri.password = text_of("a1-_.!~*'()&=+$,", 0, 6);
    uri.host = pick({"example.com", "192.0.2.1", "[2803:6080:f948:9597::]", "a-b.c_d", "h."});
    if (*rc::gen::arbitrary<bool>()) uri.port = *rc::gen::arbitrary<std::uint16_t>();
    if (*rc::gen::inRange(0, 4) == 0) uri.headers = pick({"a=b", "Route=%3Csip:x%3E&b=", "a=?/[]"});
    return uri;
}

NameAddress random_address() {
    NameAddress address;
    address.display_name =
        pick({"", "", "Alice", "T. Watson", "\"12195550714\"", R"("a \" <;,> \\")", "\"\""});
    address.uri = random_uri();
    address.parameters = header_parameters();
    return address;
}

Via random_via() {
    Via via;
    via.transport = pick({"TLS", "UDP", "TCP", "SCTP", "tls", "WSS", "X-1"});
    via.host = pick({"example.com", "192.0.2.1", "[2803:6080:f948:9597::]", "localhost"});
    if (*rc::gen::arbitrary<bool>()) via.port = *rc::gen::arbitrary<std::uint16_t>();
    via.parameters = header_parameters();
    return via;
}

template <class Make>
auto several(int least, Make make) {
    std::vector<decltype(make())> values(static_cast<std::size_t>(*rc::gen::inRange(least, 4)));
    for (auto& value : values) value = make();
    return values;
}

/// A message with its parsed form, made from the parts up.
Received random_received() {
    Received made;
    made.version = "SIP/2.0";
    made.via = several(1, random_via);
    made.from = random_address();
    made.to = random_address();
    made.contact = several(0, random_address);
    made.route = several(0, random_address);
    made.record_route = several(0, random_address);
    made.call_id = text_of(kToken + "()<>:\\\"/[]?{}@=", 1, 20);
    made.cseq.number = *rc::gen::arbitrary<std::uint32_t>();
    if (*rc::gen::arbitrary<bool>()) made.max_forwards = *rc::gen::inRange(0U, 256U);
    made.require = several(0, [] { return text_of(kToken, 1, 6); });
    auto& message = made.message;
    if (*rc::gen::arbitrary<bool>()) {
        message.method = *rc::gen::arbitrary<bool>()
                             ? pick({"INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "INFO"})
                             : text_of(kToken, 1, 10);
        // What begins like a version is a status line to any reader.
        if (message.method.starts_with("SIP")) message.method = "X";
        message.uri = random_uri();
        made.cseq.method = message.method;
    } else {
        message.status = *rc::gen::inRange(100, 700);
        message.reason = pick({"OK", "", "Ringing", "= 2**3 * 5**2 \xD0\xBD\xD0\xBE"});
        made.cseq.method = pick({"INVITE", "BYE", "PING", "A+B"});
    }
    message.body = pick({"", "v=0\r\n", std::string("\0\r\n\r\n\xFF", 6)});
    made.content_length = message.body.size();
    return made;
}

void add_headers(Received& made) {
    auto& message = made.message;
    const auto joined = *rc::gen::arbitrary<bool>();
    const auto add_all = [&](const char* name, const auto& values, auto write) {
        std::string list;
        for (const auto& value : values) {
            if (!joined) message.add(name, write(value));
            list += (list.empty() ? "" : ", ") + write(value);
        }
        if (joined && !list.empty()) message.add(name, list);
    };
    add_all("Record-Route", made.record_route, write_name_address);
    add_all(pick({"Via", "v"}).c_str(), made.via, write_via);
    message.add("f", write_name_address(made.from));
    message.add("To", write_name_address(made.to));
    message.add("i", made.call_id);
    message.add("CSeq", std::to_string(made.cseq.number) + " " + made.cseq.method);
    add_all("Contact", made.contact, write_name_address);
    add_all("Route", made.route, write_name_address);
    add_all("Require", made.require, [](const std::string& tag) { return tag; });
    if (made.max_forwards) message.add("Max-Forwards", std::to_string(*made.max_forwards));
    message.add("X-" + text_of(kToken, 1, 8), text_of("abc ;,=\"<>\t\x01\x7F\xC3", 0, 12));
}

TEST(WriteMessageProperty, WhatIsWrittenParsesBackFieldByField) {
    EXPECT_TRUE(rc::check([] {
        auto made = random_received();
        add_headers(made);
        const auto text = write_message(made.message);
        RC_ASSERT(text.has_value());
        for (const auto& address : {made.from, made.to}) {
            RC_ASSERT(write_uri(address.uri).size() <= room_for(address.uri));
            std::string parameters;
            append_parameters(parameters, address.parameters);
            RC_ASSERT(parameters.size() <= room_for(address.parameters));
        }
        const auto carrier = *rc::gen::element(Carrier::stream, Carrier::datagram);
        const auto read = parse_message(*text, carrier);
        if (!read) RC_FAIL(read.error().why + "\n" + *text);
        RC_ASSERT(read->message.method == made.message.method);
        RC_ASSERT(read->message.uri == made.message.uri);
        RC_ASSERT(read->message.status == made.message.status);
        RC_ASSERT(read->message.reason == made.message.reason);
        RC_ASSERT(read->message.body == made.message.body);
        RC_ASSERT(read->via == made.via);
        RC_ASSERT(read->from == made.from);
        RC_ASSERT(read->to == made.to);
        RC_ASSERT(read->call_id == made.call_id);
        RC_ASSERT(read->cseq == made.cseq);
        RC_ASSERT(read->contact == made.contact);
        RC_ASSERT(read->route == made.route);
        RC_ASSERT(read->record_route == made.record_route);
        RC_ASSERT(read->max_forwards == made.max_forwards);
        RC_ASSERT(read->content_length == made.content_length);
        RC_ASSERT(read->require == made.require);
        RC_ASSERT(read->message.headers.size() == made.message.headers.size() + 1);
    }));
}

}  // namespace
}  // namespace callchain::sip
