#include "sip/transaction_key.hpp"

#include "base/text.hpp"

namespace callchain::sip {
namespace {

constexpr std::string_view kMagicCookie = "z9hG4bK";
// No value that was parsed from a header holds it.
constexpr char kSeparator = '\n';

void append_sent_by(std::string& key, const Via& via) {
    key += ascii_lower(via.host);
    if (via.port) key.append(1, ':').append(std::to_string(*via.port));
}

}  // namespace

bool identifies_transaction(std::string_view branch) {
    return branch.size() > kMagicCookie.size() && starts_with_ignoring_case(branch, kMagicCookie);
}

std::string transaction_key(const Via& top) {
    std::string key;
    key.reserve(top.branch().size() + top.host.size() + 8);
    key.append(top.branch()).append(1, kSeparator);
    append_sent_by(key, top);
    return key;
}

std::string legacy_transaction_key(const Received& request) {
    auto uri = request.message.uri;
    uri.host = ascii_lower(uri.host);
    auto via = request.via.front();
    via.host = ascii_lower(via.host);
    via.parameters.remove("received");
    via.parameters.remove("rport");

    std::string key(1, kSeparator);
    key.append(write_uri(uri)).append(1, kSeparator);
    key.append(request.from.tag().value_or("")).append(1, kSeparator);
    key.append(request.call_id).append(1, kSeparator);
    key.append(std::to_string(request.cseq.number)).append(1, kSeparator);
    key.append(write_via(via));
    return key;
}

std::string server_key(const Received& request) {
    const auto& top = request.via.front();
    return identifies_transaction(top.branch()) ? transaction_key(top) : legacy_transaction_key(request);
}

std::string merge_key(const Received& request) {
    std::string key(request.from.tag().value_or(""));
    key.append(1, kSeparator).append(request.call_id).append(1, kSeparator);
    key.append(std::to_string(request.cseq.number)).append(1, ' ').append(request.cseq.method);
    return key;
}

}  // namespace callchain::sip
