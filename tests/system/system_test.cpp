#include "system/descriptor.hpp"
#include "system/random.hpp"
#include "system/signals_blocked.hpp"
#include "system/socket_address.hpp"

#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <set>
#include <string>
#include <thread>
#include <utility>

namespace callchain::system {
namespace {

struct Pipe {
    Pipe() {
        int ends[2] = {-1, -1};
        EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
        read = Descriptor(ends[0]);
        write = Descriptor(ends[1]);
    }
    Descriptor read;
    Descriptor write;
};

bool is_open(int number) { return ::fcntl(number, F_GETFD) != -1; }

TEST(DescriptorTest, ClosesWhatItHoldsAndOnlyThat) {
    Pipe pipe;
    const int number = pipe.read.number();
    Descriptor moved(std::move(pipe.read));
    EXPECT_FALSE(pipe.read);  // NOLINT(bugprone-use-after-move): what is left is "none"
    EXPECT_TRUE(is_open(number));
    moved = std::move(pipe.write);
    EXPECT_FALSE(is_open(number));
    const int other = moved.release();
    EXPECT_FALSE(moved);
    moved.close();
    EXPECT_TRUE(is_open(other));
    { const Descriptor last(other); }
    EXPECT_FALSE(is_open(other));
}

void nothing(int) {}

// A pipe holds 64 KiB; signals without SA_RESTART end each write() in between.
TEST(WriteAll, GoesOnWhereItWasInterrupted) {
    struct sigaction before {};
    struct sigaction action {};
    action.sa_handler = &nothing;
    ASSERT_EQ(::sigaction(SIGUSR1, &action, &before), 0);
    Pipe pipe;
    std::string whole(1'000'000, '\0');
    for (std::size_t i = 0; i < whole.size(); ++i) whole[i] = static_cast<char>('a' + i % 26);
    int result = -1;
    std::thread writer([&] {
        result = write_all(pipe.write.number(), whole);
        pipe.write.close();
    });
    const auto handle = writer.native_handle();
    std::string got;
    char bytes[4'096];
    for (;;) {
        if (got.size() < whole.size() / 2) ::pthread_kill(handle, SIGUSR1);
        const auto count = ::read(pipe.read.number(), bytes, sizeof bytes);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) break;
        got.append(bytes, static_cast<std::size_t>(count));
    }
    writer.join();
    ::sigaction(SIGUSR1, &before, nullptr);
    EXPECT_EQ(result, 0);
    EXPECT_EQ(got, whole);
}

TEST(WriteAll, SaysWhatWentWrong) {
    const Descriptor full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
    ASSERT_TRUE(full);
    EXPECT_EQ(write_all(full.number(), "x"), ENOSPC);
    EXPECT_EQ(write_all(-1, "x"), EBADF);
    EXPECT_EQ(write_all(-1, ""), 0);
}

TEST(RandomBytes, AreSoManyAndNeverTheSame) {
    std::set<std::string> seen;
    for (const std::size_t count : {8U, 8U, 256U, 257U, 100'000U, 100'000U}) {
        const auto bytes = random_bytes(count);
        EXPECT_EQ(bytes.size(), count);
        EXPECT_TRUE(seen.insert(bytes).second);
        // What the kernel had not filled would be zeros at the end.
        if (count > 64) {
            EXPECT_NE(bytes.substr(count - 32), std::string(32, '\0'));
        }
    }
    EXPECT_TRUE(random_bytes(0).empty());
    EXPECT_NE(random_number(), random_number());
}

TEST(SignalsBlockedTest, HoldsForThreadsThatAreMadeWithinIt) {
    sigset_t before{};
    sigset_t within{};
    sigset_t of_thread{};
    sigset_t behind{};
    ::pthread_sigmask(SIG_SETMASK, nullptr, &before);
    {
        const SignalsBlocked blocked;
        ::pthread_sigmask(SIG_SETMASK, nullptr, &within);
        std::thread([&] { ::pthread_sigmask(SIG_SETMASK, nullptr, &of_thread); }).join();
    }
    ::pthread_sigmask(SIG_SETMASK, nullptr, &behind);
    for (const int signal : {SIGTERM, SIGINT, SIGPIPE, SIGCHLD}) {
        EXPECT_EQ(::sigismember(&within, signal), 1) << signal;
        EXPECT_EQ(::sigismember(&of_thread, signal), 1) << signal;
        EXPECT_EQ(::sigismember(&behind, signal), ::sigismember(&before, signal)) << signal;
    }
    EXPECT_EQ(::sigismember(&of_thread, SIGSEGV), 0);
}

TEST(SocketAddressTest, GivesBackWhatItWasMadeOf) {
    sockaddr_in6 typed{};
    typed.sin6_family = AF_INET6;
    typed.sin6_port = htons(5061);
    typed.sin6_addr = in6addr_loopback;
    const auto address = SocketAddress::from(typed);
    EXPECT_EQ(address.family(), AF_INET6);
    EXPECT_EQ(address.size, sizeof(sockaddr_in6));
    EXPECT_EQ(ntohs(address.as<sockaddr_in6>().sin6_port), 5061);
    EXPECT_EQ(address.generic()->sa_family, AF_INET6);
}

TEST(HintOnListening, NamesTheCommandThatShowsWhoListens) {
    EXPECT_NE(hint_on_listening(EADDRINUSE, SocketKind::stream, 8000).find("`ss -ltnp sport = :8000`"),
              std::string::npos);
    EXPECT_NE(hint_on_listening(EADDRINUSE, SocketKind::datagram, 5060).find("`ss -lunp sport = :5060`"),
              std::string::npos);
    EXPECT_NE(hint_on_listening(EACCES, SocketKind::stream, 443).find("CAP_NET_BIND_SERVICE"),
              std::string::npos);
    EXPECT_NE(hint_on_listening(EACCES, SocketKind::stream, 8000).find("SELinux"), std::string::npos);
    EXPECT_TRUE(hint_on_listening(EINTR, SocketKind::stream, 8000).empty());
}

}  // namespace
}  // namespace callchain::system
