#include "http/client.hpp"

#include "base/text.hpp"
#include "http/client_failure.hpp"
#include "http/request_rules.hpp"
#include "http/url.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <cstdint>
#include <curl/curl.h>
#include <future>
#include <map>
#include <mutex>
#include <optional>
#include <pthread.h>
#include <set>
#include <thread>
#include <utility>

namespace callchain::http {
namespace {

using Clock = std::chrono::steady_clock;
using Kind = ClientFailure::Kind;
using std::chrono::milliseconds;

constexpr std::size_t kMostHeaderBytes = std::size_t{64} << 10U;
constexpr std::size_t kMostSpareHandles = 256;
// The first requests to a host connect side by side; those behind them wait for whichever is there first.
constexpr std::size_t kMostConnectingAtOnce = 8;
// More are kept back here. libcurl looks through all that wait for a connection whenever one has ended: with
// thousands of them it does little else.
constexpr std::size_t kMostAtOnce = 512;
constexpr milliseconds kIdlePoll{60'000};
constexpr long kDnsCacheSeconds = 60;
constexpr long kCaCacheSeconds = 3'600;
constexpr long kKeepAliveSeconds = 30;
constexpr long kMostIdleConnections = 256;

struct FreeEasy {
    void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct FreeMulti {
    void operator()(CURLM* multi) const { curl_multi_cleanup(multi); }
};
struct FreeList {
    void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using Easy = std::unique_ptr<CURL, FreeEasy>;
using Multi = std::unique_ptr<CURLM, FreeMulti>;
using HeaderList = std::unique_ptr<curl_slist, FreeList>;

// Sets options and remembers whether one was refused.
class EasyOptions {
  public:
    explicit EasyOptions(CURL* easy) : easy_(easy) {}
    template <class Value>
    EasyOptions& set(CURLoption option, Value value) {
        const auto code = curl_easy_setopt(easy_, option, value);
        if (code != CURLE_OK && first_ == CURLE_OK) first_ = code;
        return *this;
    }
    [[nodiscard]] CURLcode result() const { return first_; }

  private:
    CURL* easy_;
    CURLcode first_ = CURLE_OK;
};

// One request under way. Touched by the client's thread only, once it has left the queue.
struct Transfer {
    ClientRequest request;
    std::function<void(ClientResult)> done;
    Clock::time_point sent_at;
    Clock::time_point deadline;

    Easy easy = {};
    HeaderList headers = {};
    std::array<char, CURL_ERROR_SIZE> words{};
    ClientResponse response = {};
    std::size_t most_body_bytes = 0;
    std::size_t header_bytes = 0;
    bool block_ended = true;  // the next header line opens a response, or is a trailer
    std::string fault = {};   // why a callback ended the transfer
    bool begun = false;       // a connection was ready once
    long bytes_before = 0;    // which libcurl had sent until then: a proxy's CONNECT

    [[nodiscard]] Progress progress() const {
        if (!begun) return Progress::waiting;
        long bytes = 0;
        curl_easy_getinfo(easy.get(), CURLINFO_REQUEST_SIZE, &bytes);
        return bytes > bytes_before ? Progress::sent : Progress::waiting;
    }
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
        curl_easy_getinfo(transfer.easy.get(), CURLINFO_REQUEST_SIZE, &transfer.bytes_before);
        return CURL_PREREQFUNC_OK;
    }
    if (transfer.progress() == Progress::waiting || is_idempotent(transfer.request.method))
        return CURL_PREREQFUNC_OK;
    return CURL_PREREQFUNC_ABORT;
}

void append(HeaderList& list, const std::string& line) {
    if (auto* longer = curl_slist_append(list.get(), line.c_str())) {
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
    static const bool has_bundle = curl_version_info(CURLVERSION_NOW)->cainfo != nullptr;
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

std::string version_text(long version) {
    switch (version) {
        case CURL_HTTP_VERSION_1_0:
            return "HTTP/1.0";
        case CURL_HTTP_VERSION_1_1:
            return "HTTP/1.1";
        case CURL_HTTP_VERSION_2_0:
            return "HTTP/2";
        default:
            return "";
    }
}

ClientFailure failure_of(const Transfer& transfer, CURLcode code) {
    const auto kind = kind_of_curl_code(code, transfer.progress());
    std::string_view words = transfer.words.data();
    if (words.empty()) words = curl_easy_strerror(code);
    // libcurl's word for a header line that is longer than it takes.
    if (code == CURLE_OUT_OF_MEMORY && kind == Kind::broken && !transfer.block_ended)
        words = "a line of its header is too long";
    if (!transfer.fault.empty()) words = transfer.fault;
    if (code == CURLE_ABORTED_BY_CALLBACK)
        words = "a kept connection was closed without an answer; the request is not sent a second time";
    ClientFailure failure{kind, failure_message(kind, transfer.request.url, words)};
    if (kind == Kind::tls) {
        long verify_result = 0;
        curl_easy_getinfo(transfer.easy.get(), CURLINFO_SSL_VERIFYRESULT, &verify_result);
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
    curl_easy_getinfo(transfer.easy.get(), CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(transfer.easy.get(), CURLINFO_HTTP_VERSION, &version);
    response.status = static_cast<int>(status);
    response.version = version_text(version);
    const char* peer = nullptr;
    curl_easy_getinfo(transfer.easy.get(), CURLINFO_PRIMARY_IP, &peer);
    if (peer != nullptr) response.peer = peer;
    response.duration =
        std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - transfer.sent_at);
    return std::move(response);
}

ClientFailure late(const Transfer& transfer) {
    const auto kind = transfer.progress() == Progress::waiting ? Kind::connect : Kind::timeout;
    const auto words = "gave up after " + std::to_string(transfer.request.total_time.count()) + " ms";
    return {kind, failure_message(kind, transfer.request.url, words)};
}

ClientFailure stopped(const ClientRequest& request) {
    return {Kind::closed, failure_message(Kind::closed, request.url, {})};
}

void answer(const std::function<void(ClientResult)>& done, ClientResult result) {
    try {
        if (done) done(std::move(result));
    } catch (...) {
        // The caller's own fault must not end the transfers of others.
    }
}

// libcurl's own initialisation is safe among threads since 7.84; it is undone by nobody.
void initialise_libcurl() {
    static std::once_flag once;
    std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
}

// A new thread takes over the mask, so that signals of the process never run on it, SIGPIPE included.
class SignalsBlocked {
  public:
    SignalsBlocked() {
        sigset_t all;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before_);
    }
    SignalsBlocked(const SignalsBlocked&) = delete;
    SignalsBlocked& operator=(const SignalsBlocked&) = delete;
    ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

  private:
    sigset_t before_{};
};

}  // namespace

struct Client::State {
    explicit State(ClientOptions of_client);
    ~State() { stop(); }
    State(const State&) = delete;
    State& operator=(const State&) = delete;

    void send(ClientRequest request, std::function<void(ClientResult)> done);
    void stop();
    [[nodiscard]] milliseconds delay() const;

  private:
    using Key = std::pair<Clock::time_point, Transfer*>;

    void run();
    bool take_queue();
    void start(std::unique_ptr<Transfer> transfer);
    void start_waiting();
    void perform();
    void finish_completed();
    void finish_late();
    void finish(Transfer& transfer, ClientResult result);
    void finish_all(CURLMcode code);
    void wait();
    [[nodiscard]] Clock::time_point first_deadline() const;

    const ClientOptions options_;
    Multi multi_;
    std::vector<Easy> spare_;
    std::map<Key, std::unique_ptr<Transfer>> running_;  // the next deadline first
    std::map<std::uint64_t, std::unique_ptr<Transfer>>
        waiting_;  // for others to end: first come, first served
    std::set<std::pair<Clock::time_point, std::uint64_t>> waiting_ends_;  // the deadline of each
    std::uint64_t last_waiting_ = 0;
    std::atomic<Clock::rep> waits_since_ = 0;  // the first of these; 0: there is none

    std::mutex mutex_;  // of the two below
    std::vector<std::unique_ptr<Transfer>> queue_;
    bool stopping_ = false;

    std::mutex join_mutex_;
    std::thread thread_;
};

Client::State::State(ClientOptions of_client) : options_(std::move(of_client)) {
    initialise_libcurl();
    multi_.reset(curl_multi_init());
    if (!multi_) {
        stopping_ = true;  // out of memory: every request is answered with `closed`
        return;
    }
    curl_multi_setopt(multi_.get(), CURLMOPT_PIPELINING, static_cast<long>(CURLPIPE_MULTIPLEX));
    curl_multi_setopt(multi_.get(), CURLMOPT_MAX_HOST_CONNECTIONS,
                      static_cast<long>(options_.most_connections_per_host));
    curl_multi_setopt(multi_.get(), CURLMOPT_MAXCONNECTS,
                      std::max(kMostIdleConnections, static_cast<long>(options_.most_connections_per_host)));
    const SignalsBlocked blocked;
    thread_ = std::thread([this] { run(); });
}

void Client::State::send(ClientRequest request, std::function<void(ClientResult)> done) {
    const auto now = Clock::now();
    auto transfer = std::make_unique<Transfer>();
    transfer->deadline = now + request.total_time;
    transfer->request = std::move(request);
    transfer->done = std::move(done);
    transfer->sent_at = now;
    std::unique_lock lock(mutex_);
    if (stopping_) {
        lock.unlock();
        return answer(transfer->done, stopped(transfer->request));
    }
    const bool first = queue_.empty();  // the thread has not been woken for an earlier one
    queue_.push_back(std::move(transfer));
    lock.unlock();
    if (first) curl_multi_wakeup(multi_.get());
}

void Client::State::stop() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    curl_multi_wakeup(multi_.get());
    const std::lock_guard joining(join_mutex_);
    if (thread_.joinable()) thread_.join();
}

void Client::State::run() {
    while (take_queue()) {
        perform();
        finish_completed();
        finish_late();
        start_waiting();
        wait();
    }
    std::vector<std::unique_ptr<Transfer>> left;
    {
        const std::lock_guard lock(mutex_);
        left.swap(queue_);
    }
    while (!running_.empty()) {
        auto& transfer = *running_.begin()->second;
        finish(transfer, stopped(transfer.request));
    }
    for (const auto& [number, transfer] : std::exchange(waiting_, {}))
        answer(transfer->done, stopped(transfer->request));
    for (const auto& transfer : left) answer(transfer->done, stopped(transfer->request));
    spare_.clear();
}

// False once the client is stopping.
bool Client::State::take_queue() {
    std::vector<std::unique_ptr<Transfer>> queue;
    {
        const std::lock_guard lock(mutex_);
        if (stopping_) return false;
        queue.swap(queue_);
    }
    for (auto& transfer : queue) {
        waiting_ends_.emplace(transfer->deadline, ++last_waiting_);
        waiting_.emplace(last_waiting_, std::move(transfer));
    }
    start_waiting();
    return true;
}

void Client::State::start_waiting() {
    while (!waiting_.empty() && running_.size() < kMostAtOnce) {
        auto node = waiting_.extract(waiting_.begin());
        waiting_ends_.erase({node.mapped()->deadline, node.key()});
        start(std::move(node.mapped()));
    }
    waits_since_ = waiting_.empty() ? 0 : waiting_.begin()->second->sent_at.time_since_epoch().count();
}

milliseconds Client::State::delay() const {
    const auto since = waits_since_.load();
    if (since == 0) return milliseconds{0};
    return std::chrono::duration_cast<milliseconds>(Clock::now().time_since_epoch() - Clock::duration(since));
}

void Client::State::start(std::unique_ptr<Transfer> transfer) {
    const auto& request = transfer->request;
    if (const auto fault = fault_of(request); !fault.empty())
        return answer(transfer->done,
                      ClientFailure{Kind::url, failure_message(Kind::url, request.url, fault)});
    const auto left = std::chrono::ceil<milliseconds>(transfer->deadline - Clock::now());
    if (left.count() <= 0) return answer(transfer->done, late(*transfer));

    if (spare_.empty()) {
        transfer->easy.reset(curl_easy_init());
    } else {
        transfer->easy = std::move(spare_.back());
        spare_.pop_back();
    }
    transfer->most_body_bytes = options_.body_bytes;
    auto code = transfer->easy ? set_up(*transfer, options_, running_.size(), left) : CURLE_OUT_OF_MEMORY;
    if (code == CURLE_OK && curl_multi_add_handle(multi_.get(), transfer->easy.get()) != CURLM_OK)
        code = CURLE_FAILED_INIT;
    if (code != CURLE_OK) return answer(transfer->done, failure_of(*transfer, code));
    const Key key{transfer->deadline, transfer.get()};
    running_.emplace(key, std::move(transfer));
}

void Client::State::perform() {
    int running = 0;
    if (const auto code = curl_multi_perform(multi_.get(), &running); code != CURLM_OK) finish_all(code);
}

void Client::State::finish_completed() {
    int left = 0;
    while (const auto* message = curl_multi_info_read(multi_.get(), &left)) {
        if (message->msg != CURLMSG_DONE) continue;
        const auto code = message->data.result;
        Transfer* transfer = nullptr;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
        finish(*transfer, result_of(*transfer, code));
    }
}

void Client::State::finish_late() {
    const auto now = Clock::now();
    while (!running_.empty() && running_.begin()->first.first <= now) {
        auto& transfer = *running_.begin()->second;
        finish(transfer, late(transfer));
    }
    while (!waiting_ends_.empty() && waiting_ends_.begin()->first <= now) {
        const auto node = waiting_.extract(waiting_ends_.begin()->second);
        waiting_ends_.erase(waiting_ends_.begin());
        answer(node.mapped()->done, late(*node.mapped()));
    }
}

void Client::State::finish(Transfer& transfer, ClientResult result) {
    curl_multi_remove_handle(multi_.get(), transfer.easy.get());
    const auto node = running_.extract({transfer.deadline, &transfer});
    if (spare_.size() < kMostSpareHandles) {
        curl_easy_reset(transfer.easy.get());  // it borrows from the transfer
        spare_.push_back(std::move(transfer.easy));
    }
    answer(transfer.done, std::move(result));
}

void Client::State::finish_all(CURLMcode code) {
    while (!running_.empty()) {
        auto& transfer = *running_.begin()->second;
        finish(transfer, ClientFailure{Kind::broken, failure_message(Kind::broken, transfer.request.url,
                                                                     curl_multi_strerror(code))});
    }
}

Clock::time_point Client::State::first_deadline() const {
    auto first = Clock::time_point::max();
    if (!running_.empty()) first = running_.begin()->first.first;
    if (!waiting_ends_.empty()) first = std::min(first, waiting_ends_.begin()->first);
    return first;
}

void Client::State::wait() {
    auto most = kIdlePoll;
    if (const auto first = first_deadline(); first != Clock::time_point::max())
        most = std::clamp(std::chrono::ceil<milliseconds>(first - Clock::now()), milliseconds{0}, kIdlePoll);
    const auto code = curl_multi_poll(multi_.get(), nullptr, 0, static_cast<int>(most.count()), nullptr);
    if (code == CURLM_OK) return;
    finish_all(code);
    std::this_thread::sleep_for(milliseconds{10});  // not to spin, should it fail again at once
}

Client::Client(ClientOptions options) : state_(std::make_unique<State>(std::move(options))) {}
Client::~Client() = default;

void Client::send(ClientRequest request, std::function<void(ClientResult)> done) {
    state_->send(std::move(request), std::move(done));
}

ClientResult Client::perform(ClientRequest request) {
    // Shared with the client's thread, which may still be inside set_value() when get() returns.
    const auto promise = std::make_shared<std::promise<ClientResult>>();
    auto future = promise->get_future();
    send(std::move(request), [promise](ClientResult result) { promise->set_value(std::move(result)); });
    return future.get();
}

void Client::stop() { state_->stop(); }

std::chrono::milliseconds Client::delay() const { return state_->delay(); }

std::string curl_version_text() {
    constexpr std::string_view kPrefix = "libcurl/";
    std::string_view text = curl_version();
    if (text.starts_with(kPrefix)) text.remove_prefix(kPrefix.size());
    return std::string(text);
}

}  // namespace callchain::http
