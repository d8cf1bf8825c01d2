#include "diagnosis/delivery.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <functional>

namespace callchain::diagnosis {
namespace {

// Names that frameworks and gateways make of a header: CGI and Rack variables, underscores, an x- in front.
std::vector<std::string> renamings_of(const std::string& name) {
    const std::string underscored = replace_all(name, "-", "_");
    return {"http_" + underscored, "http-" + name,     underscored,
            "x-" + name,           "x-openai-" + name, "openai-" + name};
}

std::string joined(const std::vector<std::string_view>& values) {
    std::string out;
    for (const auto value : values) out += (out.empty() ? "" : ", ") + std::string(value);
    return out;
}

class Finder {
  public:
    Finder(const webhook::Headers& headers, SignatureHeaders& found) : headers_(headers), found_(found) {}

    std::string take(const std::string& suffix) {
        const std::string name = "webhook-" + suffix;
        auto values = headers_.values(name);
        if (values.empty()) {
            values = headers_.values("svix-" + suffix);
            if (!values.empty()) svix_ = true;
        }
        if (values.empty()) values = renamed(name);
        if (values.empty()) {
            found_.missing.push_back(name);
            return {};
        }
        if (values.size() > 1) {
            remark("header_duplicated",
                   name + " came " + count_of(values.size(), "time") +
                       "; values that differ were joined by a comma.",
                   name);
        }
        // Twice the same is one value; of two, HTTP libraries hand over both, joined.
        if (std::adjacent_find(values.begin(), values.end(), std::not_equal_to<>{}) == values.end())
            values.resize(std::min<std::size_t>(values.size(), 1));
        auto value = joined(values);
        if (trim(value).empty()) found_.missing.push_back(name);
        return value;
    }

    void note_svix() {
        if (!svix_) return;
        remark("header_svix",
               "The signature headers are named svix-*: a relay that signs with its own secret sends these.",
               "svix-id");
    }

  private:
    std::vector<std::string_view> renamed(const std::string& name) {
        for (const auto& other : renamings_of(name)) {
            auto values = headers_.values(other);
            if (values.empty()) continue;
            remark("header_renamed", name + " is not there; " + other + " is, and was taken for it.", other);
            return values;
        }
        return {};
    }

    void remark(std::string code, std::string detail, const std::string& header) {
        found_.remarks.push_back({std::move(code), Proof::hint, std::move(detail), {{"header", header}}});
    }

    const webhook::Headers& headers_;
    SignatureHeaders& found_;
    bool svix_ = false;
};

}  // namespace

Scheme scheme_of(const webhook::Headers& headers) {
    const bool twilio = headers.find("x-twilio-signature").has_value();
    return twilio && find_signature_headers(headers).missing.size() == 3 ? Scheme::twilio : Scheme::standard;
}

SignatureHeaders find_signature_headers(const webhook::Headers& headers) {
    SignatureHeaders found;
    Finder finder(headers, found);
    found.id = finder.take("id");
    found.timestamp = finder.take("timestamp");
    found.signature = finder.take("signature");
    finder.note_svix();
    return found;
}

std::vector<Finding> capture_findings(const webhook::Capture& capture) {
    std::vector<Finding> findings;
    for (const auto& remark : capture.remarks) {
        const bool shorter = remark.kind == webhook::CaptureRemark::Kind::shorter_than_declared;
        std::string detail = remark.detail + ".";
        detail.replace(0, 1, ascii_upper(detail.substr(0, 1)));
        findings.push_back(
            {shorter ? "capture_body_shorter" : "capture_final_newline", Proof::hint, std::move(detail), {}});
    }
    return findings;
}

std::vector<std::pair<std::string, std::string>> pairs_of(const webhook::Headers& headers) {
    std::vector<std::pair<std::string, std::string>> pairs;
    for (const auto& field : headers.fields) pairs.emplace_back(field.name, field.value);
    return pairs;
}

}  // namespace callchain::diagnosis
