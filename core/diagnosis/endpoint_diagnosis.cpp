#include "diagnosis/endpoint_diagnosis.hpp"

#include "base/redact.hpp"
#include "base/text.hpp"
#include "signature/twilio_url.hpp"

#include <algorithm>
#include <set>

namespace callchain::diagnosis {
namespace {

using openai::HintFit;
using openai::WebhookEndpoint;

constexpr std::size_t kMostNamed = 8;

std::string quoted(std::string_view text) { return "\"" + std::string(text) + "\""; }

/// Writes the findings of one list.
class Judge {
  public:
    explicit Judge(const EndpointMaterial& material) : material_(material) {}

    EndpointReport judge() && {
        for (const auto& endpoint : material_.endpoints) report_.views.push_back(view_of(endpoint));
        for (std::size_t i = 0; i < report_.views.size(); ++i)
            if (report_.views[i].announces_calls) subscribed_.push_back(i);
        if (subscribed_.size() > 1) several_subscribed();
        if (!material_.complete) return std::move(report_);
        if (subscribed_.empty()) none_subscribed();
        if (!subscribed_.empty()) url_elsewhere();
        if (!secret_of_other() && !subscribed_.empty()) secret_unknown();
        return std::move(report_);
    }

  private:
    [[nodiscard]] const WebhookEndpoint& endpoint(std::size_t i) const { return material_.endpoints[i]; }

    EndpointView view_of(const WebhookEndpoint& one) {
        EndpointView view;
        view.announces_calls = one.announces_calls();
        if (!material_.own_hosts.empty()) {
            const auto& own = material_.own_hosts;
            view.is_here = std::find(own.begin(), own.end(), host_of_url(one.url)) != own.end();
        }
        for (const auto& secret : material_.secrets)
            view.fits.push_back(
                {secret.label,
                 openai::compare_hint(one.secret_hint, signature::without_wrapping(secret.text))});
        return view;
    }

    [[nodiscard]] std::vector<std::string> fitting_labels(std::size_t i) const {
        std::vector<std::string> labels;
        for (const auto& fit : report_.views[i].fits)
            if (fit.comparison.fit == HintFit::fits) labels.push_back(quoted(fit.label));
        return labels;
    }

    /// "fits "railway"", "fits none of ours", "whether one of ours fits is not to be seen".
    [[nodiscard]] std::string fit_in_words(std::size_t i) const {
        const auto& fits = report_.views[i].fits;
        if (fits.empty()) return "no secret was given to compare";
        if (const auto labels = fitting_labels(i); !labels.empty()) return "fits " + join(labels, " and ");
        const bool all_differ = std::all_of(
            fits.begin(), fits.end(), [](const auto& fit) { return fit.comparison.fit == HintFit::differs; });
        return all_differ ? "fits none of ours" : "whether one of ours fits cannot be seen";
    }

    [[nodiscard]] std::string ids_of(const std::vector<std::size_t>& which) const {
        std::vector<std::string> ids;
        for (const auto i : which) ids.push_back(safe_excerpt(endpoint(i).id, 60));
        if (ids.size() > kMostNamed) ids.resize(kMostNamed);
        return join(ids, ", ");
    }

    void add(std::string code, std::string detail, std::vector<Evidence> evidence) {
        report_.findings.push_back({std::move(code), Proof::hint, std::move(detail), std::move(evidence)});
    }

    void several_subscribed() {
        std::vector<std::string> each;
        std::set<std::string> urls;
        for (const auto i : subscribed_) {
            urls.insert(endpoint(i).url);
            if (each.size() < kMostNamed) {
                const bool here = report_.views[i].is_here.value_or(false);
                each.push_back(endpoint_in_words(endpoint(i)) + (here ? " (this server): " : ": ") +
                               fit_in_words(i));
            }
        }
        const auto left_off = subscribed_.size() - each.size();
        auto detail = join(each, "; ");
        if (left_off > 0) detail += "; and " + std::to_string(left_off) + " more";
        add("endpoint_several_subscribed", std::move(detail),
            {{"endpoints", ids_of(subscribed_)},
             {"count", static_cast<std::int64_t>(subscribed_.size())},
             {"same_url", urls.size() < subscribed_.size()}});
    }

    void none_subscribed() {
        const auto count = material_.endpoints.size();
        add("endpoint_none_subscribed",
            count == 0 ? "The project has no webhook endpoint."
                       : "The project has " + count_of(count, "endpoint") + ", subscribed to other events.",
            {{"count", static_cast<std::int64_t>(count)}});
    }

    void url_elsewhere() {
        std::vector<std::string> hosts;
        for (const auto i : subscribed_) {
            if (report_.views[i].is_here.value_or(true)) return;
            const auto host = host_of_url(endpoint(i).url);
            if (hosts.size() < kMostNamed)
                hosts.push_back(host.empty() ? "(no URL)" : visible_excerpt(host, 100));
        }
        add("endpoint_url_elsewhere",
            "Call events go to " + join(hosts, ", ") + "; this server is " +
                visible_excerpt(join(material_.own_hosts, ", "), 300) + ".",
            {{"endpoints", ids_of(subscribed_)}});
    }

    /// Whether it was found: then it says more than that the secret is unknown here.
    bool secret_of_other() {
        std::vector<std::size_t> elsewhere;
        for (std::size_t i = 0; i < report_.views.size(); ++i) {
            const auto& here = report_.views[i].is_here;
            if (!here || fitting_labels(i).empty()) continue;
            // Several secrets may be for several hosts: one that is right here is enough.
            if (*here) return false;
            elsewhere.push_back(i);
        }
        if (elsewhere.empty()) return false;
        const auto i = elsewhere.front();
        add("endpoint_secret_of_other",
            join(fitting_labels(i), " and ") + " fits " + endpoint_in_words(endpoint(i)) +
                "; this server is " + visible_excerpt(join(material_.own_hosts, ", "), 300) + ".",
            {{"endpoint", safe_excerpt(endpoint(i).id, 60)}});
        return true;
    }

    void secret_unknown() {
        if (material_.secrets.empty()) return;
        for (const auto i : subscribed_)
            for (const auto& fit : report_.views[i].fits)
                if (fit.comparison.fit != HintFit::differs) return;
        std::string labels;
        for (const auto& secret : material_.secrets)
            labels += (labels.empty() ? "" : ", ") + quoted(secret.label);
        std::string detail = labels + (material_.secrets.size() == 1 ? " fits" : " fit") + " none of " +
                             ids_of(subscribed_) + ".";
        for (std::size_t i = 0; i < report_.views.size(); ++i) {
            if (const auto fitting = fitting_labels(i); !fitting.empty())
                detail += " " + join(fitting, " and ") + " fits " + endpoint_in_words(endpoint(i)) +
                          ", which takes no call events.";
        }
        add("endpoint_secret_unknown", std::move(detail), {{"endpoints", ids_of(subscribed_)}});
    }

    const EndpointMaterial& material_;
    EndpointReport report_;
    std::vector<std::size_t> subscribed_;
};

}  // namespace

std::string host_of_url(std::string_view url) {
    const auto parts = signature::split_url(url);
    if (!parts) return {};
    auto host = ascii_lower(parts->host);
    while (host.ends_with('.')) host.pop_back();
    return host;
}

EndpointReport judge_endpoints(const EndpointMaterial& material) { return Judge(material).judge(); }

std::string endpoint_in_words(const openai::WebhookEndpoint& endpoint) {
    auto text = safe_excerpt(endpoint.id, 60);
    if (!endpoint.name.empty()) text += " \"" + safe_excerpt(endpoint.name, 60) + "\"";
    if (!endpoint.url.empty()) text += " " + safe_excerpt(signature::show_url(endpoint.url), 200);
    return text;
}

}  // namespace callchain::diagnosis
