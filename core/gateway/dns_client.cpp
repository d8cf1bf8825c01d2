#include "gateway/dns_client.hpp"

#include "base/text.hpp"
#include "gateway/dns_reply.hpp"
#include "gateway/loop_wait.hpp"

#include <algorithm>
#include <ares.h>
#include <cstdint>
#include <fcntl.h>
#include <map>
#include <optional>
#include <sys/time.h>
#include <utility>

namespace callchain::gateway {
namespace {

using std::chrono::milliseconds;

constexpr int kClassInternet = 1;
constexpr int kTries = 2;  // for each server; the second one waits twice as long

DnsReply failed(std::string trouble) {
    return {{.status = sip::DnsAnswer::Status::failed}, std::move(trouble)};
}

// c-ares does not say which it was when all servers refused or failed: only that none is left to ask.
std::string words_of(int status) {
    switch (status) {
        case ARES_ETIMEOUT:
            return "no DNS server answers";
        case ARES_ECONNREFUSED:
            return "no DNS server can be reached, or each refuses or fails";
        default:
            return std::string("DNS: ") + ares_strerror(status);
    }
}

DnsReply reply_of(int status, std::string_view message, const sip::DnsQuery& query) {
    // With a message its own code counts, which says the same and more.
    if (message.empty()) return failed(words_of(status));
    auto answer = parse_dns_reply(message, query);
    if (!answer) return failed(answer.error().message);
    if (answer->status == sip::DnsAnswer::Status::failed)
        return failed(status == ARES_SUCCESS ? "DNS: aliases without an end" : words_of(status));
    return {*std::move(answer)};
}

}  // namespace

struct DnsClient::State : std::enable_shared_from_this<State> {
    // A socket of c-ares, watched through a copy of its descriptor, since c-ares closes its own itself.
    struct Socket {
        std::unique_ptr<Watched> watched;
        bool readable = false;
        bool writable = false;
    };
    struct Question {
        sip::SteadyTime deadline;
        std::function<void(const DnsReply&)> done;
    };
    // What a callback of c-ares gets back.
    struct Asked {
        State& state;
        std::uint64_t number;
        sip::DnsQuery query;
    };

    State(Loop& loop_of, milliseconds time)
        : loop(loop_of),
          query_time(time),
          alarm(loop_of, [this] { process(ARES_SOCKET_BAD, ARES_SOCKET_BAD); }) {}

    void open(const std::string& servers);
    void close();
    void watch(ares_socket_t number, bool readable, bool writable);
    void await(const Socket& socket) const;
    void process(ares_socket_t readable, ares_socket_t writable);
    void end_overdue();
    void set_alarm();
    void settle(std::uint64_t number, DnsReply reply);

    static void on_socket(void* state, ares_socket_t number, int readable, int writable) {
        static_cast<State*>(state)->watch(number, readable != 0, writable != 0);
    }
    static void on_reply(void* argument, int status, int /*timeouts*/, unsigned char* bytes, int length) {
        const std::unique_ptr<Asked> asked(static_cast<Asked*>(argument));
        const std::string_view message(reinterpret_cast<const char*>(bytes),
                                       bytes == nullptr ? 0 : static_cast<std::size_t>(std::max(length, 0)));
        asked->state.settle(asked->number, reply_of(status, message, asked->query));
    }

    Loop& loop;
    milliseconds query_time;
    ares_channel channel = nullptr;
    std::string fault;  // why there is no channel
    std::map<ares_socket_t, Socket> sockets;
    std::map<std::uint64_t, Question> questions;  // in the order of their deadlines
    std::uint64_t last_number = 0;
    Alarm alarm;
};

void DnsClient::State::open(const std::string& servers) {
    ares_options options{};
    options.flags = ARES_FLAG_NOSEARCH;
    // One server that stays silent is asked twice within the whole time: for a third of it, then for two.
    options.timeout = static_cast<int>(std::clamp<milliseconds::rep>(query_time.count() / 3, 1, 60'000));
    options.tries = kTries;
    options.sock_state_cb = &State::on_socket;
    options.sock_state_cb_data = this;
    // The empty list of domains keeps it from looking at the host's own name.
    const int mask =
        ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB | ARES_OPT_DOMAINS;
    int status = ares_library_init(ARES_LIB_INIT_ALL);
    if (status == ARES_SUCCESS) status = ares_init_options(&channel, &options, mask);
    if (status != ARES_SUCCESS) {
        channel = nullptr;
        fault = std::string("DNS cannot be used: ") + ares_strerror(status);
        return;
    }
    if (!servers.empty() && ares_set_servers_ports_csv(channel, servers.c_str()) != ARES_SUCCESS) {
        close();
        fault = "not a list of DNS servers: " + visible_excerpt(servers, 80);
    }
}

void DnsClient::State::close() {
    questions.clear();
    ares_destroy(std::exchange(channel, nullptr));
}

void DnsClient::State::watch(ares_socket_t number, bool readable, bool writable) {
    if (!readable && !writable) {
        sockets.erase(number);
        return;
    }
    auto& socket = sockets[number];
    if (!socket.watched) {
        // Without a descriptor left for the copy it is not watched, and its questions end at their deadlines.
        socket.watched = std::make_unique<Watched>(
            loop, system::Descriptor(fcntl(number, F_DUPFD_CLOEXEC, 0)),
            Watched::Handlers{[this, number] { process(number, ARES_SOCKET_BAD); },
                              [this, number] { process(ARES_SOCKET_BAD, number); }});
    }
    socket.readable = readable;
    socket.writable = writable;
    await(socket);
}

void DnsClient::State::await(const Socket& socket) const {
    if (socket.readable) socket.watched->await_readable();
    if (socket.writable) socket.watched->await_writable();
}

// Lets c-ares work: on a socket that is ready, or on what has been waiting too long.
void DnsClient::State::process(ares_socket_t readable, ares_socket_t writable) {
    ares_process_fd(channel, readable, writable);
    for (const auto& [number, socket] : sockets) await(socket);
    end_overdue();
    set_alarm();
}

// c-ares bounds each try; with many servers, or TCP behind UDP, the tries together would take longer.
void DnsClient::State::end_overdue() {
    const auto now = Loop::now();
    while (!questions.empty() && questions.begin()->second.deadline <= now) {
        const auto number = questions.begin()->first;
        settle(number, failed(words_of(ARES_ETIMEOUT)));
    }
}

void DnsClient::State::set_alarm() {
    const auto now = Loop::now();
    std::optional<sip::SteadyTime> due;
    timeval left{};
    if (ares_timeout(channel, nullptr, &left) != nullptr) {
        // Rounded up, so that it does not ring for nothing.
        due = now + std::chrono::seconds(left.tv_sec) + std::chrono::microseconds(left.tv_usec) +
              milliseconds(1);
    }
    if (!questions.empty())
        due = std::min(due.value_or(sip::SteadyTime::max()), questions.begin()->second.deadline);
    if (due) alarm.set(*due);
}

// The answer goes by way of the loop: c-ares is left before anybody may ask again or end us.
void DnsClient::State::settle(std::uint64_t number, DnsReply reply) {
    const auto question = questions.find(number);
    if (question == questions.end()) return;  // it was overdue, or we are being destroyed
    auto done = std::move(question->second.done);
    questions.erase(question);
    loop.post([client = weak_from_this(), done = std::move(done), reply = std::move(reply)] {
        if (client.lock()) done(reply);
    });
}

DnsClient::DnsClient(Loop& loop, const std::string& servers, milliseconds query_time)
    : state_(std::make_shared<State>(loop, query_time)) {
    state_->open(servers);
}

DnsClient::~DnsClient() {
    state_->close();
    ares_library_cleanup();
}

void DnsClient::ask(const sip::DnsQuery& query, std::function<void(const DnsReply&)> done) {
    auto& state = *state_;
    const auto number = ++state.last_number;
    state.questions.emplace(number, State::Question{Loop::now() + state.query_time, std::move(done)});
    if (state.channel == nullptr) {
        state.settle(number, failed(state.fault));
        return;
    }
    // c-ares gives it back once, in on_reply(), whatever happens.
    auto asked = std::make_unique<State::Asked>(State::Asked{state, number, query});
    ares_query(state.channel, query.name.c_str(), kClassInternet, record_type(query.type), &State::on_reply,
               asked.release());
    state.set_alarm();
}

}  // namespace callchain::gateway
