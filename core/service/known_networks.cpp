/// Networks that vendors publish, as of a day.
#include "service/gateway_config.hpp"

namespace callchain::service {
namespace {

// AS32934, collapsed. To refresh: whois -h whois.radb.net -- '-i origin AS32934'.
// Source: Meta, "WhatsApp Business Calling FAQ", list of 2024-12-11.
constexpr std::string_view kMeta =
    "31.13.24.0/21 31.13.64.0/18 45.64.40.0/22 57.141.0.0/21 57.141.8.0/22 57.141.12.0/23 57.144.0.0/14 "
    "66.220.144.0/20 69.63.176.0/20 69.171.224.0/19 74.119.76.0/22 102.132.96.0/20 103.4.96.0/22 "
    "129.134.0.0/16 147.75.208.0/20 157.240.0.0/16 163.70.128.0/17 163.77.128.0/17 173.252.64.0/18 "
    "179.60.192.0/22 185.60.216.0/22 185.89.216.0/22 204.15.20.0/22";
constexpr std::string_view kMetaDate = "2024-12-11";

// Signalling of SIP Domains, all edges. Source: Twilio, "SIP Interface: IP addresses", read 2026-11-23.
constexpr std::string_view kTwilio =
    "54.172.60.0/30 54.244.51.0/30 54.171.127.192/30 35.156.191.128/30 54.65.63.192/30 54.169.127.128/30 "
    "54.252.254.64/30 177.71.206.192/30";

std::vector<config::Network> networks_of(std::string_view list) {
    return config::parse_networks(list).value_or(std::vector<config::Network>{});
}

}  // namespace

const std::vector<config::Network>& meta_networks() {
    static const auto networks = networks_of(kMeta);
    return networks;
}
std::string_view meta_networks_date() { return kMetaDate; }

const std::vector<config::Network>& twilio_networks() {
    static const auto networks = networks_of(kTwilio);
    return networks;
}

}  // namespace callchain::service
