#include "sip/response.hpp"

#include "sip/status.hpp"

#include <string>

namespace callchain::sip {
namespace {

std::string_view default_reason(int status) {
    if (const auto* const page = find_status(status)) return page->reason;
    const auto known = status_class(status);
    return known ? known->name : std::string_view();
}

void copy_all(const Message& from, std::string_view name, Message& to) {
    for (const auto value : from.values(name)) to.add(name, std::string(value));
}

}  // namespace

Message make_response(const Received& request, int status, std::string_view reason, std::string_view tag) {
    constexpr int kTrying = 100;
    const auto& from = request.message;
    Message response;
    response.status = status;
    response.reason = reason.empty() ? default_reason(status) : reason;
    for (const auto& via : request.via) response.add("Via", write_via(via));
    const bool begins_dialog = from.method == "INVITE" && !request.to.tag();
    if (begins_dialog && status > kTrying && status < 300) copy_all(from, "Record-Route", response);
    response.add("From", std::string(from.find("From").value_or("")));
    std::string to(from.find("To").value_or(""));
    if (!tag.empty() && !request.to.tag()) to.append(";tag=").append(tag);
    response.add("To", std::move(to));
    response.add("Call-ID", std::string(from.find("Call-ID").value_or("")));
    response.add("CSeq", std::string(from.find("CSeq").value_or("")));
    if (status == kTrying) copy_all(from, "Timestamp", response);
    return response;
}

}  // namespace callchain::sip
