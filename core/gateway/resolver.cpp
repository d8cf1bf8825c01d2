#include "gateway/resolver.hpp"

#include "gateway/dns_cache.hpp"
#include "gateway/dns_client.hpp"
#include "gateway/hosts_reader.hpp"
#include "system/random.hpp"

#include <cerrno>
#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <utility>
#include <vector>

namespace callchain::gateway {
struct Resolver::State : std::enable_shared_from_this<State> {
    struct Job {
        sip::Resolution resolution;
        std::function<void(Result<std::vector<sip::Target>>)> done;
        std::string trouble = {};  // of the last question that failed
    };
    using Key = std::pair<sip::DnsQuery::Type, std::string>;
    using JobNumber = std::uint64_t;

    State(Loop& loop_of, ResolverSettings settings)
        : loop(loop_of),
          hosts(std::move(settings.hosts_file)),
          cache({settings.least_cached, settings.most_cached, settings.failure_cached}),
          client(loop_of, settings.servers, settings.query_time) {}

    void advance(JobNumber number, Job& job);
    void ask(JobNumber number, const sip::DnsQuery& query);
    void take(const sip::DnsQuery& query, const DnsReply& reply);
    void finish(JobNumber number);
    [[nodiscard]] std::optional<sip::DnsAnswer> known(const sip::DnsQuery& query);

    Loop& loop;
    HostsReader hosts;
    DnsCache cache;
    std::map<JobNumber, Job> jobs;
    std::map<Key, std::vector<JobNumber>> asking;  // who waits for a question that is under way
    JobNumber last_number = 0;
    std::mt19937_64 chance{
        system::random_number()};  // between equal SRV records: nothing that is worth guessing
    DnsClient client;
};

std::optional<sip::DnsAnswer> Resolver::State::known(const sip::DnsQuery& query) {
    const auto now = Loop::now();
    if (auto answer = hosts.current(now).answer(query)) return answer;
    return cache.find(query, now);
}

// Answers what is known at once and asks the rest. A resolution has two rounds at the most.
void Resolver::State::advance(JobNumber number, Job& job) {
    for (auto queries = job.resolution.take_queries(); !queries.empty();
         queries = job.resolution.take_queries()) {
        for (const auto& query : queries) {
            if (const auto answer = known(query))
                job.resolution.on_answer(query, *answer);
            else
                ask(number, query);
        }
    }
    if (!job.resolution.finished()) return;
    loop.post([state = weak_from_this(), number] {
        if (const auto alive = state.lock()) alive->finish(number);
    });
}

void Resolver::State::ask(JobNumber number, const sip::DnsQuery& query) {
    const auto [waiting, first] = asking.try_emplace({query.type, query.name});
    waiting->second.push_back(number);
    // The client is ours and calls nothing once it is gone.
    if (first) client.ask(query, [this, query](const DnsReply& reply) { take(query, reply); });
}

void Resolver::State::take(const sip::DnsQuery& query, const DnsReply& reply) {
    const auto answer = cache.keep(query, reply.answer, Loop::now());
    const auto waiting = asking.extract({query.type, query.name});
    if (!waiting) return;
    for (const auto number : waiting.mapped()) {
        const auto job = jobs.find(number);
        if (job == jobs.end()) continue;
        if (!reply.trouble.empty()) job->second.trouble = reply.trouble;
        job->second.resolution.on_answer(query, answer);
        advance(number, job->second);
    }
}

void Resolver::State::finish(JobNumber number) {
    const auto job = jobs.extract(number);
    if (!job) return;
    const auto& [resolution, done, trouble] = job.mapped();
    auto targets = resolution.targets();
    if (targets.empty())
        done(fail(ErrorCode::io, resolution.why() + (trouble.empty() ? "" : ": " + trouble)));
    else
        done(std::move(targets));
}

Resolver::Resolver(Loop& loop, ResolverSettings settings)
    : state_(std::make_shared<State>(loop, std::move(settings))) {}

Resolver::~Resolver() = default;

void Resolver::resolve(const sip::Destination& destination,
                       std::function<void(Result<std::vector<sip::Target>>)> done) {
    const auto number = ++state_->last_number;
    auto& job =
        state_->jobs
            .emplace(number, State::Job{sip::Resolution(destination, {}, state_->chance()), std::move(done)})
            .first->second;
    state_->advance(number, job);
}

}  // namespace callchain::gateway
