#include "bundle_inputs.hpp"

#include "base/text.hpp"
#include "base_name.hpp"
#include "capture_files.hpp"
#include "crypto/hash.hpp"
#include "encoding/charset.hpp"
#include "http/client.hpp"
#include "http/message.hpp"
#include "service/delivery_judge.hpp"
#include "service/gateway_config.hpp"
#include "service/serve_config.hpp"
#include "signature/standard_webhooks.hpp"

#include <algorithm>
#include <cstring>
#include <sys/stat.h>
#include <unistd.h>

namespace callchain::cli {
namespace {

using evidence::Input;
using service::DeliveryJudge;

constexpr std::size_t kMostInputBytes = std::size_t{64} << 20U;
constexpr std::size_t kMostBytes = std::size_t{256} << 20U;
constexpr std::size_t kMostShown = 200;

std::string name_of_input(const std::string& path) { return path == "-" ? "stdin" : base_name(path); }

// UTF-16 is what Windows makes of a log; a mask would find nothing in it.
Result<std::string> as_text(const std::string& path, std::string bytes) {
    const auto little = bytes.starts_with("\xFF\xFE");
    if (little || bytes.starts_with("\xFE\xFF")) {
        auto text = encoding::utf16_to_utf8(
            bytes, little ? encoding::Utf16::little_endian : encoding::Utf16::big_endian);
        if (text) bytes = *std::move(text);
    }
    if (bytes.find('\0') != std::string::npos)
        return fail(ErrorCode::bad_input,
                    visible_excerpt(path, kMostShown) + ": not text: what stands in it could not be masked",
                    "give logs as text, traces as text or JSON lines, captures as raw requests");
    return bytes;
}

/// Those that the variables of serve and gateway run hold, and the ones of other commands.
std::vector<signature::LabelledSecret> configured_secrets(const Context& context) {
    std::vector<std::string> names{"OPENAI_WEBHOOK_SECRET", "OPENAI_API_KEY",    "TWILIO_AUTH_TOKEN",
                                   "TWILIO_TOKEN",          "TWILIO_API_SECRET", "META_SIP_PASSWORD",
                                   "TWILIO_SIP_PASSWORD"};
    for (const auto specs : {service::serve_settings(), service::gateway_settings()})
        for (const auto& spec : specs)
            if (spec.secret) names.emplace_back(spec.name);
    std::vector<signature::LabelledSecret> secrets;
    for (const auto& name : names) {
        const auto value = context.variable(name);
        if (!value || value->empty()) continue;
        for (auto& item : signature::split_secret_list(*value)) {
            const auto plain = std::string(service::tolerant_secret(item));
            secrets.push_back({name, std::move(item)});
            secrets.push_back({name, plain});
        }
    }
    return secrets;
}

std::optional<timeline::WallTime> time_of(const CaptureFile& file) {
    if (const auto named = webhook::time_of_capture_name(name_of_input(file.path))) return *named;
    // Not that of the file: a copy would make another archive.
    const auto stamp = file.capture.headers.find("webhook-timestamp");
    if (!stamp) return std::nullopt;
    const auto seconds = signature::parse_timestamp(*stamp);
    if (!seconds || seconds->time_since_epoch() > std::chrono::hours{24 * 365 * 1000}) return std::nullopt;
    return *seconds;
}

evidence::Judged judge(const DeliveryJudge& judge, const CaptureFile& file,
                       const std::optional<timeline::WallTime>& at) {
    http::Request request;
    request.method = file.capture.method;
    request.target = file.capture.target;
    request.version = file.capture.version;
    request.headers = file.capture.headers;
    request.body = file.capture.body;
    if (at) request.received_at = std::chrono::floor<std::chrono::milliseconds>(*at);
    auto judgement = judge.check(request);
    judge.explain(request, judgement);
    constexpr std::array kSchemes{"none", "standard", "twilio"};
    return {std::string(service::name_of(judgement.verdict)),
            kSchemes.at(static_cast<std::size_t>(judgement.scheme)),
            judgement.label,
            judgement.codes,
            judgement.proved,
            judgement.detail};
}

// Captures hold numbers and signatures: who can put files there could have others read.
Result<void> check_owner(const std::string& path) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0 || status.st_uid == ::geteuid()) return {};
    return fail(ErrorCode::io,
                visible_excerpt(path, kMostShown) + " belongs to user " + std::to_string(status.st_uid) +
                    ", and not to this one",
                "give single files of it, or run as its owner");
}

class Reader {
  public:
    Reader(const BundleOptions& options, Context& context) : options_(options), context_(context) {}

    Result<evidence::Request> read() {
        CALLCHAIN_TRY(read_secrets_of_all());
        for (const auto& path : options_.logs) CALLCHAIN_TRY(read_text(path, Input::Kind::log));
        for (const auto& path : options_.traces) CALLCHAIN_TRY(read_text(path, Input::Kind::sip_trace));
        for (const auto& path : options_.twilio) CALLCHAIN_TRY(read_text(path, Input::Kind::twilio));
        for (const auto& path : options_.captures) CALLCHAIN_TRY(read_captures(path));
        return std::move(request_);
    }

  private:
    Result<void> read_secrets_of_all() {
        DeliveryJudge::Secrets secrets;
        secrets.webhook = CALLCHAIN_TRY(read_secrets(context_, options_.secrets, "OPENAI_WEBHOOK_SECRET"));
        secrets.tokens = CALLCHAIN_TRY(read_secrets(context_, options_.tokens, "TWILIO_AUTH_TOKEN"));
        secrets.public_urls = options_.public_urls;
        request_.secrets = configured_secrets(context_);
        for (const auto* given : {&secrets.webhook, &secrets.tokens})
            request_.secrets.insert(request_.secrets.end(), given->begin(), given->end());
        judge_.emplace(CALLCHAIN_TRY(DeliveryJudge::make(std::move(secrets))));
        return {};
    }

    Result<void> add(Input input) {
        total_ += input.bytes.size();
        if (total_ > kMostBytes)
            return fail(ErrorCode::limit, "the inputs have more than 256 MiB together",
                        "give less of the logs, for instance an hour around the call");
        request_.inputs.push_back(std::move(input));
        return {};
    }

    Result<void> read_text(const std::string& path, Input::Kind kind) {
        auto bytes = CALLCHAIN_TRY(context_.read_input(path, kMostInputBytes));
        return add({ kind, name_of_input(path), CALLCHAIN_TRY(as_text(path, std::move(bytes))) });
    }

    Result<void> read_captures(const std::string& path) {
        if (path == "-" || !is_folder(path)) return read_capture(path);
        CALLCHAIN_TRY(check_owner(path));
        const auto found = CALLCHAIN_TRY(captures_in(path));
        if (found.empty())
            context_.say("callchain: " + context_.command + ": no capture (*.http) in " +
                         visible_excerpt(path, kMostShown));
        for (const auto& file : found) CALLCHAIN_TRY(read_capture(file));
        return {};
    }

    Result<void> read_capture(const std::string& path) {
        auto file = CALLCHAIN_TRY(read_capture_file(context_, path));
        Input input{Input::Kind::capture, name_of_input(path), {}, time_of(file)};
        if (judge_->has_secrets()) input.judged = judge(*judge_, file, input.at);
        input.bytes = std::move(file.bytes);
        return add(std::move(input));
    }

    const BundleOptions& options_;
    Context& context_;
    evidence::Request request_;
    std::optional<DeliveryJudge> judge_;
    std::size_t total_ = 0;
};

}  // namespace

Result<evidence::Request> read_bundle_inputs(const BundleOptions& options, Context& context) {
    auto request = CALLCHAIN_TRY(Reader(options, context).read());
    request.call = options.call;
    for (const auto audience :
         {evidence::Audience::openai, evidence::Audience::twilio, evidence::Audience::meta})
        if (options.audience == ascii_lower(evidence::name_of(audience))) request.audience = audience;
    for (const auto kind : evidence::kKinds)
        if (std::find(options.revealed.begin(), options.revealed.end(), evidence::name_of(kind)) !=
            options.revealed.end())
            request.revealed.insert(kind);
    request.tool_version = CALLCHAIN_VERSION;
    request.libraries = {{"curl", http::curl_version_text()},
                         {"libzip", evidence::archive_library_version()},
                         {"openssl", crypto::openssl_version()}};
    return request;
}

}  // namespace callchain::cli
