#include "http/server_mailbox.hpp"

#include "http/server_session.hpp"

#include <boost/asio/post.hpp>
#include <utility>

namespace callchain::http {
namespace {

// Whose handler runs on this thread right now. Another thread that got hold of the responder meanwhile sees
// its own, and posts.
thread_local const Responder::Channel* t_called = nullptr;

}  // namespace

CallingHandler::CallingHandler(const Responder::Channel& channel) { t_called = &channel; }
CallingHandler::~CallingHandler() { t_called = nullptr; }

Responder::Responder(std::shared_ptr<Channel> channel) : channel_(std::move(channel)) {}
Responder::Responder(Responder&&) noexcept = default;
Responder& Responder::operator=(Responder&& other) noexcept {
    if (this != &other) {
        send({.status = 500});
        channel_ = std::move(other.channel_);
    }
    return *this;
}
Responder::~Responder() { send({.status = 500}); }

void Responder::send(Response response) {
    auto channel = std::exchange(channel_, nullptr);
    if (!channel) return;
    if (t_called == channel.get()) {
        channel->answer = std::move(response);
        return;
    }
    auto& mailbox = *channel->mailbox;
    mailbox.post(std::move(channel), std::move(response));
}

void Mailbox::post(std::shared_ptr<Responder::Channel> channel, Response response) {
    // Behind the lock, since the mailbox may belong to this channel alone.
    std::shared_ptr<Mailbox> self = channel->mailbox;
    const std::lock_guard lock(mutex_);
    if (io_ == nullptr) return;
    asio::post(*io_, [channel = std::move(channel), response = std::move(response)]() mutable {
        if (channel->session == nullptr) return;
        channel->answer = std::move(response);
        channel->session->wake();
    });
}

void Mailbox::close() {
    const std::lock_guard lock(mutex_);
    io_ = nullptr;
}

}  // namespace callchain::http
