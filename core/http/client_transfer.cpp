#include "http/client_transfer.hpp"

#include "base/text.hpp"
#include "http/request_rules.hpp"
#include "http/url.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

namespace callchain::http {
namespace {

using Clock = std::chrono::steady_clock;
using Kind = ClientFailure::Kind;
using std::chrono::milliseconds;

constexpr std::size_t kMostHeaderBytes = std::size_t{64} << 10U;
// The first requests to a host connect side by side; those behind them wait for whichever is there first.
constexpr std::size_t kMostConnectingAtOnce = 8;
constexpr long kDnsCacheSeconds = 60;
constexpr long kCaCacheSeconds = 3'600;
constexpr long kKeepAliveSeconds = 30;

// Sets options and remembers whether one was refused.
class EasyOptions {
  public:
    explicit EasyOptions(CURL* easy) : easy_(easy) {}
    template <class Value>
    EasyOptions& set(CURLoption option, Value value) {
        const auto code = curl().easy_setopt(easy_, option, value);
        if (code != CURLE_OK && first_ == CURLE_OK) first_ = code;
        return *this;
    }
    [[nodiscard]] CURLcode result() const { return first_; }

  private:
    CURL* easy_;
    CURLcode first_ = CURLE_OK;
};

void add_header_line(Transfer& transfer, std::string_view line) {
    auto& fields = transfer.response.headers.fields;
    if (line.front() == ' ' || line.front() == '\t') {
        // A folded line: obsolete, and still sent. Source: RFC 9112 section 5.2.
        if (!fields.empty()) fields.back().value += ' ' + std::string(trim(line));
        return;
    }
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) return;
    fields.push_back({std::string(line.substr(0, colon)), std::string(trim(line.substr(colon + 1)))});
}

// libcurl hands over whole lines: of interim responses, of the final one, and of trailers.
std::size_t take_header_line(Transfer& transfer, std::string_view line) {
    const auto length = line.size();
    line = trim_right(line);
    if (transfer.block_ended) {
        if (!line.starts_with("HTTP/")) return length;  // a trailer
        transfer.response.headers.fields.clear();
        transfer.header_bytes = 0;
        transfer.block_ended = false;
    } else if (line.empty()) {
        transfer.block_ended = true;
    } else {
        add_header_line(transfer, line);
    }
    transfer.header_bytes += length;
    if (transfer.header_bytes <= kMostHeaderBytes) return length;
    transfer.fault = "its header is longer than " + count_of(kMostHeaderBytes, "byte");
    return 0;
}

std::size_t take_body(Transfer& transfer, std::string_view bytes) {
    auto& response = transfer.response;
    const auto kept = std::min(bytes.size(), transfer.most_body_bytes - response.body.size());
    response.body.append(bytes.substr(0, kept));
    if (kept == bytes.size()) return kept;
    response.body_cut = true;
    return 0;  // ends the transfer: nobody waits for what is thrown away
}

// Nothing may be thrown through libcurl. A short count ends the transfer with CURLE_WRITE_ERROR.
extern "C" std::size_t callchain_on_header(char* data, std::size_t, std::size_t count, void* user) {
    try {
        return take_header_line(*static_cast<Transfer*>(user), {data, count});
    } catch (...) {
        return 0;
    }
}

extern "C" std::size_t callchain_on_body(char* data, std::size_t, std::size_t count, void* user) {
    try {
        return take_body(*static_cast<Transfer*>(user), {data, count});
    } catch (...) {
        return 0;
    }
}

// Called before each attempt, on a connection that is ready. When a kept connection ends without an answer,
// libcurl sends the same request again on a new one, whatever its method and although the peer may have read
// it. That is allowed for idempotent methods only, or where not a byte had left.
// Source: RFC 9110 section 9.2.2; lib/transfer.c of 7.88.1, Curl_retry_request().
extern "C" int callchain_before_request(void* user, char*, char*, int, int) {
    auto& transfer = *static_cast<Transfer*>(user);
    if (!transfer.begun) {
        transfer.begun = true;
        curl().easy_getinfo(transfer.easy.get(), CURLINFO_REQUEST_SIZE, &transfer.bytes_before);
        return CURL_PREREQFUNC_OK;
    }
    if (transfer.progress() == Progress::waiting || is_idempotent(transfer.request.method))
        return CURL_PREREQFUNC_OK;
    return CURL_PREREQFUNC_ABORT;
}

void append(HeaderList& list, const std::string& line) {
    if (auto* longer = curl().slist_append(list.get(), line.c_str())) {
        static_cast<void>(list.release());
        list.reset(longer);
    }
}

HeaderList header_list(const ClientRequest& request) {
    HeaderList list;
    bool has_content_type = false;
    bool has_accept = false;
    for (const auto& header : request.headers) {
        if (is_framing_header(header)) continue;
        has_content_type = has_content_type || equal_ignoring_case(header.name, "Content-Type");
        has_accept = has_accept || equal_ignoring_case(header.name, "Accept");
        append(list, header.value.empty() ? header.name + ';' : header.name + ": " + header.value);
    }
    append(list, "Expect:");  // libcurl would hold back a body above 1 MiB for a second
    if (!has_content_type) append(list, "Content-Type:");
    if (!has_accept && request.form == ClientRequest::Form::as_given) append(list, "Accept:");
    return list;
}

bool has_body(const ClientRequest& request) { return !request.body.empty() || takes_body(request.method); }

void set_method_and_body(EasyOptions& options, const ClientRequest& request) {
    if (request.method == "HEAD") {
        options.set(CURLOPT_NOBODY, 1L);
    } else if (has_body(request)) {
        options.set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()))
            .set(CURLOPT_POSTFIELDS, request.body.data());
    }
    options.set(CURLOPT_CUSTOMREQUEST, request.method.c_str());
}

void set_trust(EasyOptions& options, const ClientOptions& client) {
    options.set(CURLOPT_SSL_VERIFYPEER, 1L)
        .set(CURLOPT_SSL_VERIFYHOST, 2L)
        .set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2))
        .set(CURLOPT_CA_CACHE_TIMEOUT, kCaCacheSeconds);
    if (!client.ca_file.empty()) options.set(CURLOPT_CAINFO, client.ca_file.c_str());
    // With a folder set as well, libcurl reads the whole bundle for each connection: some 20 ms of CPU.
    static const bool has_bundle = curl().version_info(CURLVERSION_NOW)->cainfo != nullptr;
    if (!client.ca_file.empty() || has_bundle) options.set(CURLOPT_CAPATH, static_cast<char*>(nullptr));
}

// What holds for every request. Its deadline is ours to keep: libcurl has none for a transfer that waits for
// a free connection.
void set_behaviour(EasyOptions& options, const ClientOptions& client) {
    options.set(CURLOPT_NOSIGNAL, 1L)
        .set(CURLOPT_PROTOCOLS_STR, "http,https")
        .set(CURLOPT_FOLLOWLOCATION, 0L)
        .set(CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED))
        .set(CURLOPT_PATH_AS_IS, 1L)
        .set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L)
        .set(CURLOPT_TCP_NODELAY, 1L)
        .set(CURLOPT_TCP_KEEPALIVE, 1L)
        .set(CURLOPT_TCP_KEEPIDLE, kKeepAliveSeconds)
        .set(CURLOPT_DNS_CACHE_TIMEOUT, kDnsCacheSeconds)
        // Else a transfer that ends while its name is looked up holds up all others until that has ended.
        .set(CURLOPT_QUICK_EXIT, 1L);
    if (!client.user_agent.empty()) options.set(CURLOPT_USERAGENT, client.user_agent.c_str());
}

// HTTP/2 needs TLS here. PIPEWAIT lets a request wait until a connection that is being made turns out to
// speak HTTP/2, and share it. In a first burst that saves handshakes and costs no time; but one connection
// that hangs would hold up all, and an HTTP/1.1 peer would see one handshake more. So the first few do not.
void set_version(EasyOptions& options, bool https, std::size_t running) {
    if (!https) {
        options.set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
        return;
    }
    options.set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2TLS))
        .set(CURLOPT_PIPEWAIT, running >= kMostConnectingAtOnce ? 1L : 0L);
}

void set_form(EasyOptions& options, const ClientRequest& request) {
    if (!request.target.empty()) options.set(CURLOPT_REQUEST_TARGET, request.target.c_str());
    if (request.form == ClientRequest::Form::usual) return;
    options.set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1))
        .set(CURLOPT_PIPEWAIT, 0L)
        .set(CURLOPT_USERAGENT, static_cast<char*>(nullptr))
        .set(CURLOPT_FRESH_CONNECT, 1L)
        .set(CURLOPT_FORBID_REUSE, 1L);
}

void set_callbacks(EasyOptions& options, Transfer& transfer) {
    options.set(CURLOPT_HEADERFUNCTION, &callchain_on_header)
        .set(CURLOPT_HEADERDATA, &transfer)
        .set(CURLOPT_WRITEFUNCTION, &callchain_on_body)
        .set(CURLOPT_WRITEDATA, &transfer)
        .set(CURLOPT_PREREQFUNCTION, &callchain_before_request)
        .set(CURLOPT_PREREQDATA, &transfer)
        .set(CURLOPT_ERRORBUFFER, transfer.words.data())
        .set(CURLOPT_PRIVATE, &transfer);
}

// libcurl takes an answer of no other version.
std::string version_text(long version) {
    if (version == CURL_HTTP_VERSION_1_0) return "HTTP/1.0";
    return version == CURL_HTTP_VERSION_2_0 ? "HTTP/2" : "HTTP/1.1";
}

}  // namespace

Progress Transfer::progress() const {
    if (!begun) return Progress::waiting;
    long bytes = 0;
    curl().easy_getinfo(easy.get(), CURLINFO_REQUEST_SIZE, &bytes);
    return bytes > bytes_before ? Progress::sent : Progress::waiting;
}

std::unique_ptr<Transfer> new_transfer(ClientRequest request, std::function<void(ClientResult)> done) {
    auto transfer = std::make_unique<Transfer>();
    transfer->sent_at = Clock::now();
    transfer->deadline = transfer->sent_at + request.total_time;
    transfer->request = std::move(request);
    transfer->done = std::move(done);
    return transfer;
}

CURLcode set_up(Transfer& transfer, const ClientOptions& client, std::size_t running, milliseconds left) {
    auto* easy = transfer.easy.get();
    const auto& request = transfer.request;
    const auto url = read_url(request.url);
    EasyOptions options(easy);
    options.set(CURLOPT_URL, request.url.c_str());
    set_behaviour(options, client);
    set_trust(options, client);
    set_version(options, starts_with_ignoring_case(request.url, "https:"), running);
    set_form(options, request);
    set_method_and_body(options, request);
    set_callbacks(options, transfer);
    transfer.headers = header_list(request);
    options.set(CURLOPT_HTTPHEADER, transfer.headers.get());
    const auto connect = std::max(milliseconds{1}, std::min(request.connect_time, left));
    options.set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(connect.count()));
    if ((url && url->loopback()) || client.proxies == ClientOptions::Proxies::none)
        options.set(CURLOPT_NOPROXY, "*");
    return options.result();
}

ClientFailure failure_of(const Transfer& transfer, CURLcode code) {
    auto kind = kind_of_curl_code(code, transfer.progress());
    std::string_view words = transfer.words.data();
    if (words.empty()) words = curl().easy_strerror(code);
    // libcurl's word for a header line that is longer than it takes, and for a head of ours that is.
    if (code == CURLE_OUT_OF_MEMORY && kind == Kind::broken && !transfer.block_ended)
        words = "a line of its header is too long";
    if (code == CURLE_OUT_OF_MEMORY && kind == Kind::connect && transfer.begun) {
        kind = Kind::url;
        words = "its header is too long";
    }
    if (!transfer.fault.empty()) words = transfer.fault;
    if (code == CURLE_ABORTED_BY_CALLBACK)
        words = "a kept connection was closed without an answer; the request is not sent a second time";
    ClientFailure failure{kind, failure_message(kind, transfer.request.url, words)};
    if (kind == Kind::tls) {
        long verify_result = 0;
        curl().easy_getinfo(transfer.easy.get(), CURLINFO_SSL_VERIFYRESULT, &verify_result);
        failure.tls_cause = tls_cause_of(code, verify_result, words);
    }
    return failure;
}

ClientResult result_of(Transfer& transfer, CURLcode code) {
    const bool enough = code == CURLE_WRITE_ERROR && transfer.response.body_cut;
    if (code != CURLE_OK && !enough) return failure_of(transfer, code);
    // libcurl is content with a head that ends where the connection does.
    if (!transfer.block_ended) {
        transfer.fault = "its answer ends within its header";
        return failure_of(transfer, CURLE_PARTIAL_FILE);
    }
    auto& response = transfer.response;
    long status = 0;
    long version = 0;
    curl().easy_getinfo(transfer.easy.get(), CURLINFO_RESPONSE_CODE, &status);
    curl().easy_getinfo(transfer.easy.get(), CURLINFO_HTTP_VERSION, &version);
    response.status = static_cast<int>(status);
    response.version = version_text(version);
    const char* peer = nullptr;
    curl().easy_getinfo(transfer.easy.get(), CURLINFO_PRIMARY_IP, &peer);
    if (peer != nullptr) response.peer = peer;
    response.duration =
        std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - transfer.sent_at);
    return std::move(response);
}

ClientFailure failure_when_late(const Transfer& transfer) {
    const auto kind = transfer.progress() == Progress::waiting ? Kind::connect : Kind::timeout;
    const auto words = "gave up after " + std::to_string(transfer.request.total_time.count()) + " ms";
    return {kind, failure_message(kind, transfer.request.url, words)};
}

ClientFailure failure_when_stopped(const ClientRequest& request) {
    if (const auto& library = curl_library(); !library)
        return {Kind::url, failure_message(Kind::url, request.url,
                                           library.error().message + "; " + library.error().hint)};
    return {Kind::closed, failure_message(Kind::closed, request.url, {})};
}

void call_back(const std::function<void(ClientResult)>& done, ClientResult result) {
    try {
        if (done) done(std::move(result));
    } catch (...) {
        // The caller's own fault must not end the transfers of others.
    }
}

}  // namespace callchain::http
