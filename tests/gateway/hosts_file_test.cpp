#include "gateway/hosts_file.hpp"

#include "gateway/hosts_reader.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <unistd.h>

namespace callchain::gateway {
namespace {

using namespace std::chrono_literals;
using sip::DnsQuery;
using Status = sip::DnsAnswer::Status;
using Type = DnsQuery::Type;
using Strings = std::vector<std::string>;

Strings addresses(const HostsFile& hosts, const DnsQuery& query) {
    const auto answer = hosts.answer(query);
    if (!answer) return {"not in the file"};
    EXPECT_EQ(answer->status, answer->addresses.empty() ? Status::none : Status::records);
    return answer->addresses;
}

// The first five lines are the example of hosts(5), Linux man-pages 6.03.
constexpr std::string_view kExample =
    "# The following lines are desirable for IPv4 capable hosts\n"
    "127.0.0.1       localhost\n"
    "127.0.1.1       thishost.example.org   thishost\n"
    "192.168.1.10    foo.example.org        foo\n"
    "::1             localhost ip6-localhost ip6-loopback\n"
    "\t192.168.1.13\tBar.Example.org.\t# not this\r\n"
    "192.168.1.14 bar.example.org\n"
    "192.168.1.13 bar.example.org\n"
    "2001:0db8::0001 bar.example.org";

TEST(HostsFile, AnswersByFamily) {
    const HostsFile hosts(kExample);
    EXPECT_EQ(addresses(hosts, {Type::a, "localhost"}), Strings{"127.0.0.1"});
    EXPECT_EQ(addresses(hosts, {Type::aaaa, "localhost"}), Strings{"::1"});
    EXPECT_EQ(addresses(hosts, {Type::a, "thishost"}), Strings{"127.0.1.1"});
    EXPECT_EQ(addresses(hosts, {Type::a, "bar.example.org"}), (Strings{"192.168.1.13", "192.168.1.14"}));
    EXPECT_EQ(addresses(hosts, {Type::aaaa, "bar.example.org"}), Strings{"2001:db8::1"});
}

TEST(HostsFile, SaysNothingOfNamesThatItLacks) {
    const HostsFile hosts(kExample);
    for (const char* name : {"example.org", "not", "this", "192.168.1.10", "xfoo.example.org"})
        EXPECT_FALSE(hosts.answer({Type::a, name}).has_value()) << name;
    EXPECT_FALSE(hosts.answer({Type::srv, "_sips._tcp.example.org"}).has_value());
    EXPECT_FALSE(HostsFile().answer({Type::a, "localhost"}).has_value());
}

// Or DNS would be asked for what the operator has decided, and its silence would hold up the call.
TEST(HostsFile, HasTheLastWordOnANameThatItKnows) {
    const HostsFile hosts(kExample);
    EXPECT_EQ(addresses(hosts, {Type::aaaa, "foo.example.org"}), Strings{});
    EXPECT_EQ(addresses(hosts, {Type::a, "ip6-loopback"}), Strings{});
    EXPECT_EQ(addresses(hosts, {Type::srv, "_sips._tcp.foo.example.org"}), Strings{});
    EXPECT_EQ(addresses(hosts, {Type::srv, "_sip._udp.foo"}), Strings{});
}

TEST(HostsFile, PassesOverWhatIsNoAddress) {
    const HostsFile hosts(
        "localhost 127.0.0.1\n"
        "fe80::1%eth0 scoped\n"
        "127.1 short\n"
        "300.1.1.1 wrong\n"
        "192.0.2.1\n"
        "192.0.2.1 # none\n"
        "#192.0.2.1 commented\n"
        "\n   \n"
        "192.0.2.2 good\n" +
        std::string("192.0.2.3\0x behind-nul\n", 23));
    EXPECT_EQ(hosts.size(), 1);
    EXPECT_EQ(addresses(hosts, {Type::a, "good"}), Strings{"192.0.2.2"});
}

// In a folder of its own that goes with it.
class HostsReaderTest : public testing::Test {
  public:
    HostsReaderTest() {
        std::string pattern = (std::filesystem::temp_directory_path() / "callchain-hosts-XXXXXX").string();
        folder_ = mkdtemp(pattern.data());
    }
    ~HostsReaderTest() override { std::filesystem::remove_all(folder_); }
    HostsReaderTest(const HostsReaderTest&) = delete;
    HostsReaderTest& operator=(const HostsReaderTest&) = delete;

  protected:
    [[nodiscard]] std::filesystem::path path() const { return folder_ / "hosts"; }
    void write(std::string_view text) const { std::ofstream(path(), std::ios::trunc) << text; }
    static Strings named(HostsReader& reader, sip::SteadyTime now) {
        return addresses(reader.current(now), {Type::a, "peer"});
    }

    std::filesystem::path folder_;
    sip::SteadyTime start_{1h};
};

const Strings kNotThere{"not in the file"};

TEST_F(HostsReaderTest, SeesAChangeBehindASecond) {
    write("192.0.2.1 peer\n");
    HostsReader reader(path());
    EXPECT_EQ(named(reader, start_), Strings{"192.0.2.1"});
    write("192.0.2.234 peer\n");
    EXPECT_EQ(named(reader, start_ + 999ms), Strings{"192.0.2.1"});
    EXPECT_EQ(named(reader, start_ + 1s), Strings{"192.0.2.234"});
}

TEST_F(HostsReaderTest, SeesAChangeOfTheTimeAlone) {
    write("192.0.2.1 peer\n");
    std::filesystem::last_write_time(path(), std::filesystem::file_time_type::clock::now() - 1h);
    HostsReader reader(path());
    EXPECT_EQ(named(reader, start_), Strings{"192.0.2.1"});
    write("192.0.2.2 peer\n");
    EXPECT_EQ(named(reader, start_ + 1s), Strings{"192.0.2.2"});
}

TEST_F(HostsReaderTest, DoesNotReadAFileThatIsAsItWas) {
    write("192.0.2.1 peer\n");
    const auto time = std::filesystem::last_write_time(path());
    HostsReader reader(path());
    EXPECT_EQ(named(reader, start_), Strings{"192.0.2.1"});
    write("192.0.2.2 peer\n");
    std::filesystem::last_write_time(path(), time);
    EXPECT_EQ(named(reader, start_ + 1s), Strings{"192.0.2.1"});
}

TEST_F(HostsReaderTest, TakesAFileThatIsNotThereAsEmpty) {
    HostsReader reader(path());
    EXPECT_EQ(named(reader, start_), kNotThere);
    write("192.0.2.1 peer\n");
    EXPECT_EQ(named(reader, start_ + 1s), Strings{"192.0.2.1"});
    std::filesystem::remove(path());
    EXPECT_EQ(named(reader, start_ + 2s), kNotThere);
    std::filesystem::create_directory(path());
    EXPECT_EQ(named(reader, start_ + 3s), kNotThere);
}

TEST_F(HostsReaderTest, TakesTheBeginningOfAHugeFile) {
    std::string text = "192.0.2.1 peer\n";
    while (text.size() < (std::size_t{5} << 20U))
        text += "192.0.2.9 another-name-that-takes-up-room.example\n";
    write(text + "192.0.2.2 peer\n");
    HostsReader reader(path());
    EXPECT_EQ(named(reader, start_), Strings{"192.0.2.1"});
}

}  // namespace
}  // namespace callchain::gateway
