#include "own_hosts.hpp"

#include "base/redact.hpp"
#include "base/text.hpp"
#include "diagnosis/endpoint_diagnosis.hpp"
#include "service/serve_config.hpp"
#include "signature/twilio_url.hpp"

#include <algorithm>

namespace callchain::cli {

std::vector<std::string> own_hosts(const Context& context) {
    auto list = context.variable("CALLCHAIN_PUBLIC_URL").value_or("");
    for (auto& c : list)
        if (c == ',' || is_ascii_blank(c)) c = '\n';
    std::vector<std::string> hosts;
    const auto add = [&](const std::string& url, const char* variable) {
        const auto host = diagnosis::host_of_url(url);
        if (host.empty())
            context.say("callchain: " + context.command + ": " + variable +
                        " has no usable https:// address: " +
                        (url.find("://") == std::string::npos
                             ? count_of(url.size(), "character") + " without a scheme"
                             : "\"" + safe_excerpt(signature::show_url(url), 80) + "\""));
        else if (std::find(hosts.begin(), hosts.end(), host) == hosts.end())
            hosts.push_back(host);
    };
    for (const auto item : split(list, '\n'))
        if (const auto url = service::tolerant_secret(item); !url.empty())
            add(std::string(url), "CALLCHAIN_PUBLIC_URL");
    if (const auto domain = context.variable("RAILWAY_PUBLIC_DOMAIN").value_or(""); !domain.empty())
        add("https://" + domain, "RAILWAY_PUBLIC_DOMAIN");
    return hosts;
}

}  // namespace callchain::cli
