#include "http/acceptor.hpp"

#include "http/listener.hpp"
#include "http/server_thread.hpp"

#include <cerrno>
#include <chrono>
#include <exception>
#include <sys/socket.h>
#include <system_error>
#include <utility>

namespace callchain::http {
namespace {

constexpr std::chrono::milliseconds kPauseTime{100};
constexpr int kMostPerRound = 256;  // then the connections that are open have their turn

bool has_run_out(int error) {
    return error == EMFILE || error == ENFILE || error == ENOMEM || error == ENOBUFS;
}

}  // namespace

Acceptor::Acceptor(ServerThread& thread, system::Descriptor socket)
    : thread_(thread), socket_(thread.io()), pause_timer_(thread.io()) {
    // The version of IP matters to Asio only where it is asked for addresses.
    socket_.assign(asio::ip::tcp::v6(), socket.number());
    socket.release();
}

Task<void> Acceptor::run() {
    while (socket_.is_open()) {
        error_code error;
        co_await socket_.async_wait(ListeningSocket::wait_read, into(error));
        if (error) continue;
        if (accept_some() != Round::paused) continue;
        pause_timer_.expires_after(kPauseTime);
        co_await pause_timer_.async_wait(into(error));
    }
}

Acceptor::Round Acceptor::accept_some() {
    for (int i = 0; i < kMostPerRound; ++i) {
        if (const auto round = accept_one(); round != Round::more) return round;
    }
    return Round::more;
}

Acceptor::Round Acceptor::accept_one() {
    const auto& shared = thread_.shared();
    if (const auto most = shared.limits.connections;
        most != 0 && shared.connections.load(std::memory_order_relaxed) >= most)
        return pause(EMFILE);
    system::SocketAddress peer;
    // Asio's own accept() leaves the socket open in programs that are started by this one.
    system::Descriptor socket(
        ::accept4(socket_.native_handle(), peer.generic(), &peer.size, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!socket) {
        if (errno == EAGAIN) return Round::all_accepted;
        if (!has_run_out(errno)) return Round::more;  // that connection was gone before it was accepted
        return pause(errno);
    }
    try {
        thread_.add(std::move(socket), host_text(peer));
    } catch (const std::exception&) {  // OpenSSL and Asio say so where memory is gone
        return pause(ENOMEM);
    }
    return Round::more;
}

Acceptor::Round Acceptor::pause(int error) {
    const auto& report = thread_.shared().events.on_accept_paused;
    if (report) report("no connection is accepted for 100 ms: " + std::generic_category().message(error));
    return Round::paused;
}

void Acceptor::close_behind_the_last() {
    // Who is in the queue of the socket when it closes is reset.
    if (socket_.is_open()) accept_some();
    close();
}

void Acceptor::close() {
    error_code ignored;
    socket_.close(ignored);
    pause_timer_.cancel();
}

}  // namespace callchain::http
