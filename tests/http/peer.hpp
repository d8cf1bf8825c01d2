/// The servers of peer.py, started once for a test program and ended with it.
#pragma once

#include "child.hpp"

#include <gtest/gtest.h>
#include <map>
#include <memory>
#include <sstream>
#include <string>

namespace callchain::http {

class Peer {
  public:
    static constexpr const char* kPython = "/usr/bin/python3";  // Debian's own, which has python3-aiohttp

    static bool installed() {
        static const bool is = Child({kPython, "-c", "import aiohttp"}).wait() == 0;
        return is;
    }
    static Peer& instance() {
        static Peer peer;
        return peer;
    }

    /// What peer.py printed under that name: a port, or `folder`.
    std::string value(const std::string& name) const {
        const auto found = values_.find(name);
        return found == values_.end() ? std::string() : found->second;
    }
    /// "http://127.0.0.1:PORT" and `path`.
    std::string url(const std::string& server, const std::string& path, const std::string& scheme = "http",
                    const std::string& host = "127.0.0.1") const {
        return scheme + "://" + host + ':' + value(server) + path;
    }
    std::string ca_file() const { return value("folder") + "/ca.pem"; }

  private:
    Peer() : child_({kPython, TEST_DATA_DIR "/../http/peer.py"}) {
        std::istringstream words(child_.read_line());
        for (std::string word; words >> word;) {
            const auto equals = word.find('=');
            values_[word.substr(0, equals)] = word.substr(equals + 1);
        }
    }

    Child child_;
    std::map<std::string, std::string> values_;
};

/// The base of tests that need the peer.
class WithPeer : public testing::Test {
  protected:
    void SetUp() override {
        if (!Peer::installed())
            GTEST_SKIP()
                << "python3-aiohttp is missing: apt-get install -y --no-install-recommends python3-aiohttp";
        ASSERT_NE(peer().value("folder"), "") << "tests/http/peer.py did not start";
    }
    static Peer& peer() { return Peer::instance(); }
};

}  // namespace callchain::http
