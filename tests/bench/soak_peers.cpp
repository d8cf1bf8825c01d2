// soak_peers --seconds N --rate R --sockets N --fail SHARE --rest FILE: all that `callchain serve` talks to
// while it is soaked, in one thread: who sends its webhooks, the API that fails now and then, and the reader
// of its log.
//
// Prints `ready PORT`, the port of the API. Standard input is the log of the service, which names its
// address; what is not about a call goes to FILE. The first SIGUSR1 begins: `open N` (sockets), `third` (of
// the time is over), `sent` (everything is answered). The second one closes the sockets (`closed`). At the
// end of the log one JSON object is printed, and it ends.
//
// Each call is announced once, at the rate. Every ten seconds a storm comes on top of that: recent calls
// again, half of them under another webhook-id, and one call two hundred times at once.

#include "soak_book.hpp"
#include "soak_delivery.hpp"

#include <arpa/inet.h>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <deque>
#include <fcntl.h>
#include <memory>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <nlohmann/json.hpp>
#include <optional>
#include <queue>
#include <random>
#include <span>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>
#include <unordered_map>
#include <utility>

namespace callchain::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kSlow = std::chrono::milliseconds(1'000);
constexpr auto kRetry = std::chrono::seconds(5);
constexpr int kMostInARow =
    64;  // deliveries; then the API has its turn, whose answers must not wait for a storm
constexpr auto kStormEvery = std::chrono::seconds(10);
constexpr std::uint32_t kStormCalls = 2'000;
constexpr std::uint32_t kStormOfOne = 200;
constexpr std::uint32_t kStormReach =
    40;  // seconds: the registry of the service holds fifty at 5,000 a second

[[noreturn]] void die(const std::string& what) {
    std::fprintf(stderr, "soak_peers: %s: %s\n", what.c_str(), std::strerror(errno));
    std::exit(1);
}

void say(const std::string& line) {
    std::printf("%s\n", line.c_str());
    std::fflush(stdout);
}

struct Options {
    int seconds = 600;
    double rate = 5'000;
    std::size_t sockets = 10'000;
    double fail = 0.1;
    std::string rest = "/dev/null";
};

struct Delivery {
    std::uint32_t number = 0;
    bool second = false;
};

// Sockets ------------------------------------------------------------------------------------------------

struct Connection {
    int socket = -1;
    bool is_api = false;
    bool waits_for_room = false;  ///< to send the rest of `out`
    std::uint64_t life = 0;       ///< of this number of a socket: a slow answer may come too late for it
    std::string in;
    std::string out;
    std::optional<Delivery> waits_for;  ///< a sender's
};

class Peers {
  public:
    explicit Peers(Options options) : options_(std::move(options)), writer_(key()) {
        book_.calls.reserve(static_cast<std::size_t>(options_.rate * options_.seconds) + kStormOfOne);
    }
    int run();

  private:
    static std::string key() {
        std::string bytes;
        for (char c = 0; c < 32; ++c) bytes += c;
        return bytes;
    }
    void set_up();
    void watch(int descriptor, std::uint32_t events, int how = EPOLL_CTL_ADD) const;
    void take_events(int most_ms);
    Connection& add(int socket, bool is_api);
    void close(Connection& connection, bool reset);
    void write(Connection& connection, std::string_view bytes);
    void flush(Connection& connection);
    void readable(Connection& connection);
    void take_messages(Connection& connection);

    void accept_api();
    void answer_api(Connection& connection, std::string_view request);
    void answer_slow();

    void open_sockets();
    int open_socket(std::size_t place) const;
    void send_due();
    bool send_one(Delivery delivery);
    void storm();
    void take_answer(Connection& connection, std::string_view answer);
    void close_sockets();

    void read_log();
    void read_line(std::string_view line);
    void report() const;

    [[nodiscard]] double elapsed() const {
        return std::chrono::duration<double>(Clock::now() - started_).count();
    }

    Options options_;
    Writer writer_;
    Book book_;
    int epoll_ = -1;
    int listener_ = -1;
    int signals_ = -1;
    std::FILE* rest_ = nullptr;
    std::uint16_t service_port_ = 0;
    std::unordered_map<int, Connection> connections_;
    std::uint64_t lives_ = 0;
    std::vector<char> buffer_ = std::vector<char>(std::size_t{1} << 20U);

    struct SlowAnswer {
        Clock::time_point due;
        int socket;
        std::uint64_t life;
        std::uint32_t number;
    };
    std::deque<SlowAnswer> slow_;  // all wait equally long

    std::deque<int> idle_;        // senders, the one that was used longest ago first
    std::deque<Delivery> again_;  // that are due at once
    std::size_t waiting_ = 0;     // for an answer
    struct Later {
        Clock::time_point due;
        Delivery delivery;
    };
    std::deque<Later> later_;  // what was not taken
    Clock::time_point started_;
    Clock::time_point next_storm_;
    double last_call_after_ = 0;
    bool sending_ = false, told_third_ = false, told_sent_ = false, closing_ = false, log_ended_ = false;
    std::mt19937 random_{1};

    std::uint64_t sent_ = 0, repeated_ = 0, closed_by_service_ = 0, api_requests_ = 0, most_behind_ = 0;
    std::map<std::string, std::uint64_t> statuses_, answers_, fates_, messages_;
    std::string log_part_;
};

void Peers::watch(int descriptor, std::uint32_t events, int how) const {
    epoll_event event{};
    event.events = events;
    event.data.fd = descriptor;
    if (::epoll_ctl(epoll_, how, descriptor, &event) != 0) die("epoll_ctl");
}

void Peers::set_up() {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    std::signal(SIGPIPE, SIG_IGN);
    sigset_t wanted;
    ::sigemptyset(&wanted);
    ::sigaddset(&wanted, SIGUSR1);
    ::sigprocmask(SIG_BLOCK, &wanted, nullptr);
    epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
    signals_ = ::signalfd(-1, &wanted, SFD_NONBLOCK | SFD_CLOEXEC);
    watch(signals_, EPOLLIN);
    rest_ = std::fopen(options_.rest.c_str(), "w");
    if (rest_ == nullptr) die(options_.rest);

    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(listener_, reinterpret_cast<const sockaddr*>(&address), size) != 0 ||
        ::listen(listener_, 4'096) != 0 ||
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0)
        die("cannot listen");
    watch(listener_, EPOLLIN);
    ::fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK);
    ::fcntl(STDIN_FILENO, F_SETPIPE_SZ, 1 << 20);  // as much as the system grants
    watch(STDIN_FILENO, EPOLLIN);
    say("ready " + std::to_string(ntohs(address.sin_port)));
}

Connection& Peers::add(int socket, bool is_api) {
    const int on = 1;
    ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    auto& connection = connections_[socket];
    connection = {};
    connection.socket = socket;
    connection.is_api = is_api;
    connection.life = ++lives_;
    watch(socket, EPOLLIN);
    return connection;
}

void Peers::close(Connection& connection, bool reset) {
    const int socket = connection.socket;
    if (reset) {
        const linger now{1, 0};
        ::setsockopt(socket, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    }
    ::close(socket);
    connections_.erase(socket);
}

void Peers::write(Connection& connection, std::string_view bytes) {
    connection.out.append(bytes);
    flush(connection);
}

void Peers::flush(Connection& connection) {
    auto& out = connection.out;
    const auto size = out.empty() ? 0 : ::send(connection.socket, out.data(), out.size(), MSG_NOSIGNAL);
    if (size > 0) out.erase(0, static_cast<std::size_t>(size));
    // A connection that is broken is found by reading.
    if (std::exchange(connection.waits_for_room, !out.empty()) == !out.empty()) return;
    watch(connection.socket, out.empty() ? EPOLLIN : EPOLLIN | EPOLLOUT, EPOLL_CTL_MOD);
}

void Peers::readable(Connection& connection) {
    const auto size = ::recv(connection.socket, buffer_.data(), buffer_.size(), 0);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (size > 0) {
        connection.in.append(buffer_.data(), static_cast<std::size_t>(size));
        return take_messages(connection);
    }
    if (!connection.is_api && !closing_) {
        ++closed_by_service_;
        if (connection.waits_for) {
            --waiting_;
            again_.push_back(*connection.waits_for);  // as the sender does where no answer came
        }
        std::erase(idle_, connection.socket);
        close(connection, false);
        idle_.push_back(add(open_socket(closed_by_service_), false).socket);
        return;
    }
    close(connection, false);
}

void Peers::take_messages(Connection& connection) {
    const int socket = connection.socket;
    while (const auto size = message_size(connection.in)) {
        const auto message = connection.in.substr(0, size);
        connection.in.erase(0, size);
        if (connection.is_api)
            answer_api(connection, message);
        else
            take_answer(connection, message);
        if (!connections_.contains(socket)) return;
    }
}

// The API ------------------------------------------------------------------------------------------------

std::string api_error(std::string_view status, std::string_view code) {
    const auto body = R"({"error":{"message":"stand-in","type":"error","code":")" + std::string(code) +
                      R"(","param":null}})";
    return "HTTP/1.1 " + std::string(status) +
           "\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
           "\r\n\r\n" + body;
}

constexpr std::string_view kTaken = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

void Peers::accept_api() {
    while (true) {
        const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (socket < 0) return;
        add(socket, true);
    }
}

void Peers::answer_api(Connection& connection, std::string_view request) {
    static const auto kMissing = api_error("404 Not Found", "call_id_not_found");
    static const auto kBroken = api_error("500 Internal Server Error", "server_error");
    static const auto kDecided = api_error("409 Conflict", "decision_already_made");
    static const auto kRefused = api_error("400 Bad Request", "invalid_value");
    const auto number = number_behind(request.substr(0, request.find('\r')), kCallPrefix);
    if (!number || *number >= book_.calls.size())
        return write(connection, api_error("404 Not Found", "unknown_url"));
    ++api_requests_;
    auto& entry = book_.calls[*number];
    const bool first = entry.requests == 0;
    if (entry.requests < 255) ++entry.requests;
    const auto fate = fate_of(*number, options_.fail);
    if (first) ++fates_[std::string(name_of(fate))];
    if (entry.accepted != 0) ++entry.late;
    // As at OpenAI, a call that is decided is not decided again.
    if (entry.accepted + entry.lost != 0) return write(connection, kDecided);
    if (fate == Fate::refused) return write(connection, kRefused);
    if (fate == Fate::gone || (first && fate == Fate::missing)) return write(connection, kMissing);
    if (first && fate == Fate::broken) return write(connection, kBroken);
    if (first && fate == Fate::cut) return close(connection, true);
    if (fate == Fate::answer_lost) {
        entry.lost = 1;
        return close(connection, true);
    }
    if (fate == Fate::slow) {
        slow_.push_back({Clock::now() + kSlow, connection.socket, connection.life, *number});
        return;
    }
    ++entry.accepted;
    write(connection, kTaken);
}

void Peers::answer_slow() {
    const auto now = Clock::now();
    while (!slow_.empty() && slow_.front().due <= now) {
        const auto one = slow_.front();
        slow_.pop_front();
        const auto found = connections_.find(one.socket);
        auto& entry = book_.calls[one.number];
        if (entry.accepted + entry.lost != 0) continue;
        if (found == connections_.end() || found->second.life != one.life) {
            ++entry.lost;
            continue;
        }
        ++entry.accepted;
        write(found->second, kTaken);
    }
}

// Sending ------------------------------------------------------------------------------------------------

int Peers::open_socket(std::size_t place) const {
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (socket < 0) die("cannot open a socket: is the limit of descriptors too low (ulimit -Hn)?");
    const int on = 1;
    ::setsockopt(socket, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    sockaddr_in from{};
    from.sin_family = AF_INET;
    from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + static_cast<std::uint32_t>(place % 8));
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    to.sin_port = htons(service_port_);
    if (::bind(socket, reinterpret_cast<const sockaddr*>(&from), sizeof from) != 0) die("cannot bind");
    if (::connect(socket, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0)
        die("cannot connect to the service");
    ::fcntl(socket, F_SETFL, O_NONBLOCK);
    return socket;
}

void Peers::open_sockets() {
    for (std::size_t i = 0; i < options_.sockets; ++i) idle_.push_back(add(open_socket(i), false).socket);
    say("open " + std::to_string(idle_.size()));
    sending_ = true;
    started_ = Clock::now();
    next_storm_ = started_ + kStormEvery / 2;
}

bool Peers::send_one(Delivery delivery) {
    if (idle_.empty()) return false;
    auto& connection = connections_.at(idle_.front());
    idle_.pop_front();
    connection.waits_for = delivery;
    ++waiting_;
    ++sent_;
    write(connection,
          writer_.request(delivery.number, book_.calls[delivery.number].created_at, delivery.second));
    return true;
}

void Peers::storm() {
    const auto count = static_cast<std::uint32_t>(book_.calls.size());
    if (count == 0) return;
    const auto reach = std::min(count, static_cast<std::uint32_t>(options_.rate * kStormReach));
    for (std::uint32_t i = 0; i < kStormCalls; ++i) {
        const auto number = count - 1 - static_cast<std::uint32_t>(random_() % reach);
        again_.push_back({number, i % 2 == 0});
    }
    for (std::uint32_t i = 0; i < kStormOfOne; ++i) again_.push_back({count - 1, i % 2 == 0});
}

void Peers::send_due() {
    const auto now = Clock::now();
    const auto passed = elapsed();
    const bool over = passed >= options_.seconds;
    if (!told_third_ && passed * 3 >= options_.seconds) {
        told_third_ = true;
        say("third");
    }
    const auto until = std::min(passed, static_cast<double>(options_.seconds));
    const auto due = static_cast<std::size_t>(until * options_.rate);
    most_behind_ = std::max<std::uint64_t>(most_behind_, due - std::min(due, book_.calls.size()));
    // New calls first: a storm must not hold them up.
    int left = kMostInARow;
    while (book_.calls.size() < due && !idle_.empty() && --left >= 0) {
        book_.calls.push_back({.created_at = static_cast<std::uint32_t>(std::time(nullptr))});
        static_cast<void>(send_one({static_cast<std::uint32_t>(book_.calls.size() - 1), false}));
        last_call_after_ = passed;
        if (!over && now >= next_storm_) {
            next_storm_ += kStormEvery;
            storm();
        }
    }
    while (!later_.empty() && later_.front().due <= now) {
        again_.push_back(later_.front().delivery);
        later_.pop_front();
    }
    while (!again_.empty() && !idle_.empty() && --left >= 0) {
        ++repeated_;
        static_cast<void>(send_one(again_.front()));
        again_.pop_front();
    }
    if (!over || told_sent_ || waiting_ != 0 || !again_.empty() || !later_.empty() || !slow_.empty() ||
        book_.calls.size() < due)
        return;
    told_sent_ = true;
    say("sent");
}

void Peers::take_answer(Connection& connection, std::string_view answer) {
    const auto delivery = connection.waits_for;
    if (!delivery) {
        ++statuses_["unasked"];
        return;
    }
    connection.waits_for.reset();
    --waiting_;
    const auto status = std::string(answer.substr(9, 3));
    ++statuses_[status];
    if (status == "200") {
        auto& entry = book_.calls[delivery->number];
        if (entry.answered_deliveries < 65'535) ++entry.answered_deliveries;
        const auto at = answer.find(R"("outcome":")");
        const auto word = at == std::string_view::npos ? std::string_view("none") : answer.substr(at + 11);
        ++answers_[std::string(word.substr(0, word.find('"')))];
    } else {
        later_.push_back({Clock::now() + kRetry, *delivery});
    }
    idle_.push_back(connection.socket);
}

void Peers::close_sockets() {
    closing_ = true;
    std::vector<int> senders;
    for (const auto& [socket, connection] : connections_)
        if (!connection.is_api) senders.push_back(socket);
    for (const int socket : senders) close(connections_.at(socket), false);
    idle_.clear();
    say("closed");
}

// The log ------------------------------------------------------------------------------------------------

std::string_view value_of(std::string_view line, std::string_view key) {
    const auto at = line.find(key);
    if (at == std::string_view::npos) return {};
    const auto rest = line.substr(at + key.size());
    return rest.substr(0, rest.find('"'));
}

void Peers::read_line(std::string_view line) {
    const auto message = value_of(line, R"("message":")");
    if (message == "call summary") {
        if (const auto number = number_behind(line, R"("call_id":")" + std::string(kCallPrefix)))
            book_.note_summary(*number, value_of(line, R"("accept":")"));
    }
    auto& count = messages_[std::string(message)];
    ++count;
    constexpr std::uint64_t kEnoughOfOneKind = 20;
    if (count <= kEnoughOfOneKind) {
        std::fwrite(line.data(), 1, line.size(), rest_);
        std::fputc('\n', rest_);
        std::fflush(rest_);
    }
    if (message == "ready" && service_port_ == 0) {
        const auto listen = value_of(line, R"("listen":")");
        const auto colon = listen.rfind(':');
        std::from_chars(listen.data() + colon + 1, listen.data() + listen.size(), service_port_);
    }
}

void Peers::read_log() {
    const auto size = ::read(STDIN_FILENO, buffer_.data(), buffer_.size());
    if (size < 0) return;
    if (size == 0) {
        log_ended_ = true;
        return;
    }
    log_part_.append(buffer_.data(), static_cast<std::size_t>(size));
    std::size_t begin = 0;
    for (auto end = log_part_.find('\n'); end != std::string::npos; end = log_part_.find('\n', begin)) {
        read_line(std::string_view(log_part_).substr(begin, end - begin));
        begin = end + 1;
    }
    log_part_.erase(0, begin);
}

// The end ------------------------------------------------------------------------------------------------

void Peers::report() const {
    const nlohmann::json document{{"calls", book_.calls.size()},
                                  {"seconds", last_call_after_},
                                  {"sent", sent_},
                                  {"repeated", repeated_},
                                  {"statuses", statuses_},
                                  {"answers", answers_},
                                  {"closed_by_service", closed_by_service_},
                                  {"most_behind", most_behind_},
                                  {"api_requests", api_requests_},
                                  {"fates", fates_},
                                  {"verdicts", book_.verdicts()},
                                  {"log", messages_}};
    say(document.dump());
}

void Peers::take_events(int most_ms) {
    std::array<epoll_event, 1'024> events{};
    const int count = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), most_ms);
    for (const auto& event : std::span(events).first(static_cast<std::size_t>(std::max(count, 0)))) {
        const int descriptor = event.data.fd;
        if (descriptor == STDIN_FILENO) {
            read_log();
        } else if (descriptor == listener_) {
            accept_api();
        } else if (descriptor == signals_) {
            signalfd_siginfo information{};
            while (::read(signals_, &information, sizeof information) > 0) {
            }
            sending_ ? close_sockets() : open_sockets();
        } else if (const auto found = connections_.find(descriptor); found != connections_.end()) {
            if ((event.events & EPOLLOUT) != 0U) flush(found->second);
            if ((event.events & ~EPOLLOUT) != 0U) readable(found->second);
        }
    }
}

int Peers::run() {
    set_up();
    while (!log_ended_) {
        take_events(1);
        answer_slow();
        if (sending_ && !closing_) send_due();
    }
    report();
    return 0;
}

Options read_options(std::span<char*> words) {
    Options options;
    for (std::size_t i = 1; i + 1 < words.size(); i += 2) {
        const std::string_view name = words[i];
        const std::string value = words[i + 1];
        if (name == "--seconds") options.seconds = std::stoi(value);
        if (name == "--rate") options.rate = std::stod(value);
        if (name == "--sockets") options.sockets = std::stoul(value);
        if (name == "--fail") options.fail = std::stod(value);
        if (name == "--rest") options.rest = value;
    }
    return options;
}

}  // namespace
}  // namespace callchain::bench

int main(int count, char** words) {
    using namespace callchain::bench;
    return Peers(read_options({words, static_cast<std::size_t>(count)})).run();
}
