#include "gateway/node.hpp"
#include "gateway/process.hpp"
#include "gateway/tls_context.hpp"
#include "gateway/transports.hpp"

#include <fstream>
#include <gtest/gtest.h>

namespace callchain::gateway {
namespace {

const Certificates& certificates() { return Certificates::shared(); }

/// Runs `openssl s_client` against the node to its end; it hangs up as soon as its input is at an end.
std::string s_client(Loop& loop, const Node& node, const std::string& arguments,
                     const std::string& input = "true") {
    Process process("sh -c '" + input + " | openssl s_client -connect " + node.address(Transport::tls) +
                    " -CAfile " + certificates().root() + " " + arguments + "'");
    EXPECT_TRUE(run_until(loop, [&] { return process.has_ended(); }));
    return process.output();
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST(TlsListener, SendsTheWholeChainWithAndWithoutSni) {
    Loop loop;
    const Node server(loop, tls_settings(), {Transport::tls});
    for (const std::string sni : {"-servername sip.example.com -verify_hostname sip.example.com",
                                  "-noservername", "-servername something.else"}) {
        SCOPED_TRACE(sni);
        const auto output = s_client(loop, server, "-showcerts -verify_return_error " + sni);
        EXPECT_EQ(count_in(output, "BEGIN CERTIFICATE"), 2U) << output;
        EXPECT_TRUE(has(output, "CN = good")) << output;
        EXPECT_TRUE(has(output, "i:CN = Test Root")) << output;
        EXPECT_TRUE(has(output, "Verify return code: 0 (ok)")) << output;
    }
}

TEST(TlsListener, SpeaksFromVersion12OnWithGoodCiphersAlone) {
    Loop loop;
    const Node server(loop, tls_settings(), {Transport::tls});
    struct Row {
        const char* arguments;
        const char* want;  // "": refused
    };
    for (const auto& row : {
             Row{"-tls1_3", "TLSv1.3, Cipher is TLS_"},
             Row{"-tls1_2", "TLSv1.2, Cipher is ECDHE-ECDSA-"},
             Row{"-tls1_2 -cipher ECDHE-ECDSA-AES128-GCM-SHA256", "Cipher is ECDHE-ECDSA-AES128-GCM-SHA256"},
             Row{"-tls1_2 -cipher ECDHE-ECDSA-AES128-SHA", ""},
             Row{"-tls1_1 -cipher DEFAULT@SECLEVEL=0", ""},
             Row{"-tls1 -cipher DEFAULT@SECLEVEL=0", ""},
         }) {
        SCOPED_TRACE(row.arguments);
        const auto output = s_client(loop, server, row.arguments);
        const std::string want = row.want;
        EXPECT_TRUE(has(output, want.empty() ? "Cipher is (NONE)" : want)) << output;
    }
    EXPECT_EQ(server.transports->counts().handshake_failures, 3U);
}

TEST(TlsListener, ServesTheCiphersOfTwilioWithAnRsaKey) {
    Loop loop;
    auto settings = tls_settings();
    ASSERT_EQ(
        std::system(("openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=rsa -keyout " +
                     certificates().key("rsa") + " -out " + certificates().chain("rsa") + " 2>/dev/null")
                        .c_str()),
        0);
    settings.tls_server->certificate.path = certificates().chain("rsa");
    settings.tls_server->key.path = certificates().key("rsa");
    const Node server(loop, settings, {Transport::tls});
    // Source: Twilio, "TLS and SRTP", supported ciphers.
    for (const std::string cipher : {"ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-AES256-GCM-SHA384"}) {
        const auto output = s_client(loop, server, "-tls1_2 -cipher " + cipher);
        EXPECT_TRUE(has(output, "Cipher is " + cipher)) << output;
    }
}

TEST(TlsListener, KnowsNoAlpnAndNoRenegotiation) {
    Loop loop;
    const Node server(loop, tls_settings(), {Transport::tls});
    EXPECT_TRUE(has(s_client(loop, server, "-alpn sip,h2"), "No ALPN negotiated"));
    const auto output = s_client(loop, server, "-tls1_2", "(sleep 0.3; echo R; sleep 0.3)");
    EXPECT_TRUE(has(output, "RENEGOTIATING")) << output;
    EXPECT_TRUE(has(output, "no renegotiation")) << output;
}

TEST(TlsListener, ResumesSessions) {
    Loop loop;
    const Node server(loop, tls_settings(), {Transport::tls});
    const auto file = certificates().path("session");
    for (const std::string version : {"-tls1_2", "-tls1_2 -no_ticket", "-tls1_3"}) {
        SCOPED_TRACE(version);
        const auto first = s_client(loop, server, version + " -sess_out " + file, "sleep 0.3");
        EXPECT_TRUE(has(first, "New, TLS")) << first;
        const auto second = s_client(loop, server, version + " -sess_in " + file);
        EXPECT_TRUE(has(second, "Reused, TLS")) << second;
    }
}

TEST(TlsListener, AsksForAClientCertificateAndRequiresItOnlyIfTold) {
    Loop loop;
    const auto own = " -cert " + certificates().chain("client") + " -cert_chain " +
                     certificates().chain("client") + " -key " + certificates().key("client");
    const auto foreign =
        " -cert " + certificates().chain("stranger") + " -key " + certificates().key("stranger");
    struct Row {
        const char* name;
        TlsServerSettings::ClientCertificate mode;
        std::string arguments;
        bool is_let_in;
        std::string subject;
        bool is_verified;
    };
    using enum TlsServerSettings::ClientCertificate;
    for (const auto& row : {
             Row{"none", request, "", true, "", false},
             Row{"a good one", request, own, true, "CN=client,O=callchain test", true},
             Row{"of an unknown authority", request, foreign, true, "CN=stranger,O=callchain test", false},
             Row{"required, none", require, "", false, "", false},
             Row{"required, a good one", require, own, true, "CN=client,O=callchain test", true},
             Row{"required, of an unknown authority", require, foreign, false, "", false},
         }) {
        SCOPED_TRACE(row.name);
        auto settings = tls_settings();
        settings.tls_server->client_certificate = row.mode;
        settings.tls_server->client_ca_file = certificates().root();
        Node server(loop, settings, {Transport::tls});
        std::ofstream(certificates().path("request"), std::ios::binary) << options_request("one");
        s_client(loop, server, "-quiet -no_ign_eof" + row.arguments,
                 "(cat " + certificates().path("request") + "; sleep 0.3)");
        ASSERT_EQ(server.messages.size(), row.is_let_in ? 1U : 0U);
        if (!row.is_let_in) {
            ASSERT_EQ(server.refused.size(), 1U);
            EXPECT_TRUE(has(server.refused[0], "certificate")) << server.refused[0];
            continue;
        }
        EXPECT_EQ(server.messages[0].flow.client_name, row.subject);
        EXPECT_EQ(server.messages[0].flow.client_verified, row.is_verified);
    }
}

TEST(TlsListener, TakesCertificateAndKeyAsText) {
    Loop loop;
    auto settings = tls_settings();
    const auto one_line = [](std::string text) {
        for (auto at = text.find('\n'); at != std::string::npos; at = text.find('\n', at))
            text.replace(at, 1, "\\n");
        return text;
    };
    settings.tls_server->certificate = {.text = certificates().text("good.pem")};
    settings.tls_server->key = {.text = one_line(certificates().text("good.key"))};
    const Node server(loop, settings, {Transport::tls});
    EXPECT_TRUE(has(s_client(loop, server, ""), "Verify return code: 0 (ok)"));
    EXPECT_FALSE(server.transports->tls_files_changed());
}

TEST(TlsListener, ReloadsWhileConnectionsStay) {
    Loop loop;
    auto settings = tls_settings();
    const auto chain = certificates().chain("live");
    const auto key = certificates().key("live");
    const auto write = [&](const std::string& name) {
        std::ofstream(chain) << certificates().text(name + ".pem");
        std::ofstream(key) << certificates().text(name + ".key");
    };
    write("good");
    settings.tls_server = TlsServerSettings{.certificate = {.path = chain}, .key = {.path = key}};
    Node server(loop, settings, {Transport::tls});
    Node client(loop, tls_settings());
    const SendTarget target{Transport::tls, server.endpoint(Transport::tls), "sip.example.com"};
    const auto flow = open_flow(loop, client, target);
    ASSERT_TRUE(flow.has_value()) << flow.error().message;
    const auto first_end = server.transports->certificate_ends();
    EXPECT_FALSE(server.transports->tls_files_changed());

    write("renewed");
    EXPECT_TRUE(server.transports->tls_files_changed());
    ASSERT_TRUE(server.transports->reload_tls().has_value());
    EXPECT_FALSE(server.transports->tls_files_changed());
    EXPECT_GT(*server.transports->certificate_ends() - *first_end, std::chrono::days(29));
    EXPECT_TRUE(has(s_client(loop, server, ""), "CN = renewed"));

    std::ofstream(chain) << "nonsense";
    const auto failed = server.transports->reload_tls();
    ASSERT_FALSE(failed.has_value());
    EXPECT_TRUE(has(failed.error().message, chain)) << failed.error().message;
    EXPECT_TRUE(has(s_client(loop, server, ""), "CN = renewed"));

    ASSERT_TRUE(client.transports->send(flow->id, options_request("one")));
    ASSERT_TRUE(run_until(loop, [&] { return server.messages.size() == 1; }));
    EXPECT_TRUE(client.closed.empty());
}

TEST(TlsListener, ExplainsWhatItCannotUse) {
    Loop loop;
    const auto encrypted = certificates().path("encrypted.key");
    ASSERT_EQ(std::system(("openssl ec -aes128 -passout pass:secret -in " + certificates().key("good") +
                           " -out " + encrypted + " 2>/dev/null")
                              .c_str()),
              0);
    struct Row {
        const char* name;
        PemSource certificate;
        PemSource key;
        std::string part;
    };
    const PemSource good{.path = certificates().chain("good")};
    const PemSource good_key{.path = certificates().key("good")};
    for (const auto& row : {
             Row{"no file", {.path = "/nonexistent"}, good_key, "cannot read /nonexistent: No such file"},
             Row{"no PEM", {.text = "nonsense"}, good_key, "certificate of the PEM text: no start line"},
             Row{"a key for a certificate", good_key, good_key, "no start line"},
             Row{"no key", good, {.text = "nonsense"}, "key of the PEM text"},
             Row{"of another pair", good, {.path = certificates().key("other")}, "key values mismatch"},
             Row{"with a passphrase", good, {.path = encrypted}, encrypted},
         }) {
        SCOPED_TRACE(row.name);
        const auto context = TlsServerContext::load({.certificate = row.certificate, .key = row.key});
        ASSERT_FALSE(context.has_value());
        EXPECT_EQ(context.error().code, ErrorCode::usage);
        EXPECT_TRUE(has(context.error().message, row.part)) << context.error().message;
        EXPECT_NE(context.error().hint + "x", "x");
    }
    const auto strict =
        TlsServerContext::load({.certificate = good,
                                .key = good_key,
                                .client_certificate = TlsServerSettings::ClientCertificate::require});
    ASSERT_FALSE(strict.has_value());
    EXPECT_TRUE(has(strict.error().message, "authorities")) << strict.error().message;
}

TEST(OutboundTls, TakesACertificateOnlyForTheNameOfTheUri) {
    Loop loop;
    struct Row {
        const char* name;
        std::string certificate;
        std::string identity;
        std::string fault;  // "": it is taken
    };
    for (const auto& row : {
             Row{"the name", "good", "sip.example.com", ""},
             Row{"in other letters, with a dot", "good", "SIP.Example.com.", ""},
             Row{"the address", "good", "127.0.0.1", ""},
             Row{"no name", "good", "", ""},  // then the address counts
             Row{"another address", "good", "127.0.0.2", "not for 127.0.0.2"},
             Row{"another name", "other", "sip.example.com", "not for sip.example.com"},
             Row{"only the common name", "good", "good", "not for good"},
             Row{"wildcard", "wildcard", "sip.example.com", ""},
             Row{"wildcard, two labels", "wildcard", "a.sip.example.com", "not for a.sip.example.com"},
             Row{"wildcard, no label", "wildcard", "example.com", "not for example.com"},
             Row{"expired", "expired", "sip.example.com", "certificate has expired"},
             Row{"self-signed", "self", "sip.example.com", "self-signed certificate"},
             Row{"unknown authority", "stranger", "sip.example.com",
                 "self-signed certificate in certificate chain"},
         }) {
        SCOPED_TRACE(row.name);
        const Node server(loop, tls_settings(row.certificate), {Transport::tls});
        Node client(loop, tls_settings());
        const auto flow =
            open_flow(loop, client, {Transport::tls, server.endpoint(Transport::tls), row.identity});
        ASSERT_EQ(flow.has_value(), row.fault.empty()) << (flow ? "" : flow.error().message);
        if (flow) continue;
        EXPECT_TRUE(has(flow.error().message, row.fault)) << flow.error().message;
        EXPECT_EQ(client.transports->counts().handshake_failures, 1U);
        EXPECT_TRUE(run_until(loop, [&] { return server.refused.size() == 1; }));
    }
}

TEST(OutboundTls, SendsSniAndNoAlpnResumesAndRefusesOldVersions) {
    Loop loop;
    const int port = [] {  // s_server takes no port 0 that it would tell
        Loop probe;
        const Node node(probe, {}, {Transport::tcp});
        return static_cast<int>(node.endpoint(Transport::tcp).port);
    }();
    const Endpoint endpoint{"127.0.0.1", static_cast<std::uint16_t>(port)};
    const auto start = [&](const std::string& more) {
        return "openssl s_server -accept 127.0.0.1:" + std::to_string(port) + " -cert " +
               certificates().chain("good") + " -cert_chain " + certificates().chain("good") + " -key " +
               certificates().key("good") + " " + more;
    };
    {
        Process server(start("-trace"));
        ASSERT_TRUE(run_until(loop, [&] { return server.has_written("ACCEPT"); }));
        Node client(loop, tls_settings());
        for (std::size_t i = 0; i < 2; ++i) {
            const auto flow = open_flow(loop, client, {Transport::tls, endpoint, "sip.example.com"});
            ASSERT_TRUE(flow.has_value()) << flow.error().message;
            // The tickets come behind the handshake and before what is typed: with that they are read, and
            // used the next time. That the server tells of them is no proof, since it does so before it
            // sends.
            ASSERT_TRUE(server.type(options_request("behind-the-tickets")));
            ASSERT_TRUE(run_until(loop, [&] { return client.messages.size() == i + 1; })) << server.output();
            client.transports->close(flow->id, "next");
            ASSERT_TRUE(run_until(loop, [&] { return client.closed.size() == i + 1; }));
        }
        // Its report of a session comes behind the handshake.
        ASSERT_TRUE(run_until(loop, [&] { return has(server.output(), "Reused session-id"); }))
            << server.output();
        const auto output = server.output();
        EXPECT_GE(count_in(output, "NewSessionTicket"), 2U) << output;
        EXPECT_TRUE(has(output, "server_name")) << output;
        EXPECT_TRUE(has(output, "sip.example.com")) << output;
        EXPECT_FALSE(has(output, "application_layer_protocol")) << output;
    }
    Process old(start("-tls1_1 -cipher DEFAULT@SECLEVEL=0"));
    ASSERT_TRUE(run_until(loop, [&] { return old.has_written("ACCEPT"); }));
    Node client(loop, tls_settings());
    const auto flow = open_flow(loop, client, {Transport::tls, endpoint, "sip.example.com"});
    ASSERT_FALSE(flow.has_value());
    EXPECT_TRUE(has(flow.error().message, "version")) << flow.error().message;
}

TEST(OutboundTls, SaysThatThePeerDoesNotSpeakTls) {
    Loop loop;
    Node server(loop, {}, {Transport::tcp});
    Node client(loop, tls_settings());
    const auto flow =
        open_flow(loop, client, {Transport::tls, server.endpoint(Transport::tcp), "sip.example.com"});
    ASSERT_FALSE(flow.has_value());
    EXPECT_TRUE(has(flow.error().message, "handshake")) << flow.error().message;
}

TEST(OutboundTls, NamesACaFileThatCannotBeRead) {
    Loop loop;
    const Node server(loop, tls_settings(), {Transport::tls});
    TransportSettings settings;
    settings.tls_ca_file = "/nonexistent";
    Node client(loop, settings);
    const auto flow =
        open_flow(loop, client, {Transport::tls, server.endpoint(Transport::tls), "sip.example.com"});
    ASSERT_FALSE(flow.has_value());
    EXPECT_TRUE(has(flow.error().message, "/nonexistent")) << flow.error().message;
}

}  // namespace
}  // namespace callchain::gateway
