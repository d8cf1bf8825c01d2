/// datagram_floor: what the kernel takes for the datagrams of a call that goes through a gateway, read and
/// sent one at a time by a process that does nothing else. Prints its port; ends by SIGTERM.
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>

namespace {

// INVITE, 407, 100, 180, 200, ACK, BYE and 200 come in; one more goes out, since the INVITE goes twice.
constexpr int kReadOfCall = 8;

void require(bool ok, const char* what) {
    if (ok) return;
    std::perror(what);
    std::exit(1);
}

int open_socket() {
    const int socket = ::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    std::array<unsigned char, sizeof address> bytes{};
    std::memcpy(bytes.data(), &address, sizeof address);
    require(::bind(socket, reinterpret_cast<const sockaddr*>(bytes.data()), sizeof address) == 0, "bind");
    socklen_t size = sizeof address;
    require(::getsockname(socket, reinterpret_cast<sockaddr*>(bytes.data()), &size) == 0, "getsockname");
    std::memcpy(&address, bytes.data(), sizeof address);
    std::printf("ready :%d\n", ntohs(address.sin_port));
    std::fflush(stdout);
    return socket;
}

void answer(int socket, int& count) {
    std::array<char, 65'536> bytes;
    sockaddr_storage peer{};
    socklen_t size = sizeof peer;
    const auto read =
        ::recvfrom(socket, bytes.data(), bytes.size(), 0, reinterpret_cast<sockaddr*>(&peer), &size);
    if (read < 0) return;
    const int copies = ++count % kReadOfCall == 0 ? 2 : 1;
    for (int i = 0; i < copies; ++i)
        require(::sendto(socket, bytes.data(), static_cast<std::size_t>(read), 0,
                         reinterpret_cast<const sockaddr*>(&peer), size) >= 0,
                "sendto");
}

}  // namespace

int main() {
    const int socket = open_socket();
    const int poll = ::epoll_create1(EPOLL_CLOEXEC);
    epoll_event event{};
    event.events = EPOLLIN;
    require(::epoll_ctl(poll, EPOLL_CTL_ADD, socket, &event) == 0, "epoll_ctl");
    for (int count = 0; ::epoll_wait(poll, &event, 1, -1) > 0;) answer(socket, count);
}
