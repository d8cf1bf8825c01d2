#include "http/client_transfers.hpp"

#include "http/request_rules.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace callchain::http {
namespace {

using Kind = ClientFailure::Kind;
using std::chrono::milliseconds;

constexpr std::size_t kMostSpareHandles = 256;
// More are kept back here. libcurl looks through all that wait for a connection whenever one has ended: with
// thousands of them it does little else.
constexpr std::size_t kMostAtOnce = 512;
constexpr long kMostIdleConnections = 256;

}  // namespace

Transfers::Transfers(ClientOptions options) : options_(std::move(options)) {
    if (!curl_library()) return;
    multi_.reset(curl().multi_init());
    if (!multi_) return;
    const auto most_per_host = static_cast<long>(options_.most_connections_per_host);
    curl().multi_setopt(multi_.get(), CURLMOPT_PIPELINING, static_cast<long>(CURLPIPE_MULTIPLEX));
    curl().multi_setopt(multi_.get(), CURLMOPT_MAX_HOST_CONNECTIONS, most_per_host);
    curl().multi_setopt(multi_.get(), CURLMOPT_MAXCONNECTS, std::max(kMostIdleConnections, most_per_host));
}

void Transfers::take(std::unique_ptr<Transfer> transfer) {
    if (waiting_.empty() && running_.size() < kMostAtOnce) return start(std::move(transfer));
    waiting_ends_.emplace(transfer->deadline, ++last_waiting_);
    waiting_.emplace(last_waiting_, std::move(transfer));
    start_waiting();
}

void Transfers::turn(CURLMcode performed) {
    if (performed != CURLM_OK) finish_all(performed);
    finish_completed();
    finish_late();
    start_waiting();
}

void Transfers::stop() {
    while (!running_.empty()) {
        auto& transfer = *running_.begin()->second;
        finish(transfer, failure_when_stopped(transfer.request));
    }
    waiting_ends_.clear();
    waits_since_ = 0;
    for (const auto& [number, transfer] : std::exchange(waiting_, {}))
        call_back(transfer->done, failure_when_stopped(transfer->request));
    spare_.clear();
}

void Transfers::start_waiting() {
    while (!waiting_.empty() && running_.size() < kMostAtOnce) {
        auto node = waiting_.extract(waiting_.begin());
        waiting_ends_.erase({node.mapped()->deadline, node.key()});
        start(std::move(node.mapped()));
    }
    waits_since_ = waiting_.empty() ? 0 : waiting_.begin()->second->sent_at.time_since_epoch().count();
}

milliseconds Transfers::delay() const {
    const auto since = waits_since_.load();
    if (since == 0) return milliseconds{0};
    return std::chrono::duration_cast<milliseconds>(Clock::now().time_since_epoch() - Clock::duration(since));
}

void Transfers::start(std::unique_ptr<Transfer> transfer) {
    const auto& request = transfer->request;
    if (const auto fault = fault_of(request); !fault.empty())
        return call_back(transfer->done,
                         ClientFailure{Kind::url, failure_message(Kind::url, request.url, fault)});
    const auto left = std::chrono::ceil<milliseconds>(transfer->deadline - Clock::now());
    if (left.count() <= 0) return call_back(transfer->done, failure_when_late(*transfer));

    if (spare_.empty()) {
        transfer->easy.reset(curl().easy_init());
    } else {
        transfer->easy = std::move(spare_.back());
        spare_.pop_back();
    }
    transfer->most_body_bytes = options_.body_bytes;
    auto code = transfer->easy ? set_up(*transfer, options_, running_.size(), left) : CURLE_OUT_OF_MEMORY;
    if (code == CURLE_OK && curl().multi_add_handle(multi_.get(), transfer->easy.get()) != CURLM_OK)
        code = CURLE_FAILED_INIT;
    if (code != CURLE_OK) return call_back(transfer->done, failure_of(*transfer, code));
    const Key key{transfer->deadline, transfer.get()};
    running_.emplace(key, std::move(transfer));
}

void Transfers::finish_completed() {
    int left = 0;
    while (const auto* message = curl().multi_info_read(multi_.get(), &left)) {
        if (message->msg != CURLMSG_DONE) continue;
        const auto code = message->data.result;
        Transfer* transfer = nullptr;
        curl().easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
        finish(*transfer, result_of(*transfer, code));
    }
}

void Transfers::finish_late() {
    const auto now = Clock::now();
    while (!running_.empty() && running_.begin()->first.first <= now) {
        auto& transfer = *running_.begin()->second;
        finish(transfer, failure_when_late(transfer));
    }
    while (!waiting_ends_.empty() && waiting_ends_.begin()->first <= now) {
        const auto node = waiting_.extract(waiting_ends_.begin()->second);
        waiting_ends_.erase(waiting_ends_.begin());
        call_back(node.mapped()->done, failure_when_late(*node.mapped()));
    }
}

void Transfers::finish(Transfer& transfer, ClientResult result) {
    curl().multi_remove_handle(multi_.get(), transfer.easy.get());
    const auto node = running_.extract({transfer.deadline, &transfer});
    if (spare_.size() < kMostSpareHandles) {
        curl().easy_reset(transfer.easy.get());  // it borrows from the transfer
        spare_.push_back(std::move(transfer.easy));
    }
    call_back(transfer.done, std::move(result));
}

void Transfers::finish_all(CURLMcode code) {
    while (!running_.empty()) {
        auto& transfer = *running_.begin()->second;
        finish(transfer, ClientFailure{Kind::broken, failure_message(Kind::broken, transfer.request.url,
                                                                     curl().multi_strerror(code))});
    }
}

Transfers::Clock::time_point Transfers::first_deadline() const {
    auto first = Clock::time_point::max();
    if (!running_.empty()) first = running_.begin()->first.first;
    if (!waiting_ends_.empty()) first = std::min(first, waiting_ends_.begin()->first);
    return first;
}

}  // namespace callchain::http
