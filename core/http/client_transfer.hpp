/// One request in libcurl: how it is set up, what its callbacks keep, and what became of it. Internal to
/// core/http.
#pragma once

#include "http/client.hpp"
#include "http/client_failure.hpp"
#include "http/curl_library.hpp"

#include <array>
#include <chrono>
#include <functional>
#include <memory>
#include <string>

namespace callchain::http {

struct FreeEasy {
    void operator()(CURL* easy) const { curl().easy_cleanup(easy); }
};
struct FreeList {
    void operator()(curl_slist* list) const { curl().slist_free_all(list); }
};
using Easy = std::unique_ptr<CURL, FreeEasy>;
using HeaderList = std::unique_ptr<curl_slist, FreeList>;

/// Owned by one thread at a time. libcurl holds its address from set_up() until the handle is reset.
struct Transfer {
    ClientRequest request;
    std::function<void(ClientResult)> done;
    std::chrono::steady_clock::time_point sent_at;   ///< of send()
    std::chrono::steady_clock::time_point deadline;  ///< of the whole answer; ours to keep

    Easy easy = {};
    HeaderList headers = {};
    std::array<char, CURL_ERROR_SIZE> words{};
    ClientResponse response = {};
    std::size_t most_body_bytes = 0;
    std::size_t header_bytes = 0;
    bool block_ended = true;  ///< the next header line opens a response, or is a trailer
    std::string fault = {};   ///< why a callback ended the transfer
    bool begun = false;       ///< a connection was ready once
    long bytes_before = 0;    ///< which libcurl had sent until then: a proxy's CONNECT

    [[nodiscard]] Progress progress() const;
};

/// Its time counts from now.
[[nodiscard]] std::unique_ptr<Transfer> new_transfer(ClientRequest request,
                                                     std::function<void(ClientResult)> done);

/// Sets every option on `transfer.easy`, which is new or reset.
/// Units: `running` is the number of transfers under way beside it, `left` the time to its deadline.
[[nodiscard]] CURLcode set_up(Transfer& transfer, const ClientOptions& client, std::size_t running,
                              std::chrono::milliseconds left);

/// What a transfer that libcurl has ended with `code` came to; takes the response out of it.
[[nodiscard]] ClientResult result_of(Transfer& transfer, CURLcode code);
[[nodiscard]] ClientFailure failure_of(const Transfer& transfer, CURLcode code);
/// Its deadline has passed.
[[nodiscard]] ClientFailure failure_when_late(const Transfer& transfer);
/// The client was stopped, or never had a libcurl to send with.
[[nodiscard]] ClientFailure failure_when_stopped(const ClientRequest& request);

/// Calls `done`, and lets nothing that it throws come out.
void call_back(const std::function<void(ClientResult)>& done, ClientResult result);

}  // namespace callchain::http
