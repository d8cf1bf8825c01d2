#include "gateway/acceptor.hpp"

#include "gateway/loop.hpp"

#include <cerrno>
#include <chrono>
#include <sys/socket.h>
#include <system_error>
#include <utility>

namespace callchain::gateway {
namespace {

constexpr std::chrono::milliseconds kPauseTime{100};
constexpr int kMostPerRound = 64;  // then the connections that are open have their turn

bool has_run_out(int error) {
    return error == EMFILE || error == ENFILE || error == ENOMEM || error == ENOBUFS;
}

}  // namespace

Acceptor::Acceptor(Loop& loop, system::Descriptor socket, Handlers handlers)
    : handlers_(std::move(handlers)),
      resume_(loop, [this] { accept_some(); }),
      socket_(loop, std::move(socket), {[this] { accept_some(); }, {}}) {}

void Acceptor::accept_some() {
    auto round = Round::more;
    for (int i = 0; i < kMostPerRound && round == Round::more; ++i) round = accept_one();
    if (round == Round::paused)
        resume_.set(Loop::now() + kPauseTime);
    else
        socket_.await_readable();
}

Acceptor::Round Acceptor::accept_one() {
    if (!socket_.is_open()) return Round::all_accepted;
    system::SocketAddress peer;
    system::Descriptor socket(
        ::accept4(socket_.number(), peer.generic(), &peer.size, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (socket) {
        handlers_.on_accepted(std::move(socket), peer);
        return Round::more;
    }
    if (errno == EAGAIN) return Round::all_accepted;
    if (!has_run_out(errno)) return Round::more;  // that connection was gone before it was accepted
    handlers_.on_paused(std::generic_category().message(errno));
    return Round::paused;
}

}  // namespace callchain::gateway
