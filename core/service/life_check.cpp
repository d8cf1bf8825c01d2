#include "service/life_check.hpp"

#include <utility>

namespace callchain::service {

using Life = openai::LifeVerdict::Life;
using Wanted = openai::ProofOfLife::Wanted;

LifeCheck::LifeCheck(http::Loop& loop, openai::SidebandSettings settings, OpenSideband open,
                     std::chrono::milliseconds most_time,
                     std::function<void(const openai::Milestone&)> on_milestone,
                     std::function<void(LifeReport)> on_done)
    : loop_(loop),
      most_time_(most_time),
      on_milestone_(std::move(on_milestone)),
      on_done_(std::move(on_done)),
      proof_(settings.greeting.empty() ? Wanted::event : Wanted::audio),
      driver_(loop, std::move(settings), std::move(open),
              SidebandCallbacks{[this](const SidebandNote& note) { on_note(note); },
                                [this](const SidebandFinish& finish) {
                                    if (!verdict_) {
                                        proof_.end(finish.name, finish.detail);
                                        verdict_ = proof_.verdict();
                                    }
                                    std::exchange(on_done_, nullptr)({*verdict_, proof_.milestones()});
                                },
                                {}}) {}

void LifeCheck::start() {
    deadline_ = loop_.after(most_time_, [this] { conclude(proof_.verdict_in_the_end()); });
    driver_.start();
}

void LifeCheck::on_note(const SidebandNote& note) {
    // What comes behind the verdict is our own farewell; an end is told by on_finished.
    if (verdict_ || note.name == "ended") return;
    proof_.note({note.name, note.detail, note.at});
    if (on_milestone_) on_milestone_(proof_.milestones().back());
    if (proof_.verdict().life != Life::alive) return;
    // Behind the step that noted this, which is still under way.
    soon_ = loop_.after(std::chrono::milliseconds{0}, [this] { conclude(proof_.verdict()); });
}

void LifeCheck::conclude(openai::LifeVerdict verdict) {
    if (verdict_) return;
    verdict_ = std::move(verdict);
    driver_.drain();
    // A greeting that is due would keep it trying; the time for that is over.
    if (!driver_.is_attached()) driver_.drain();
}

}  // namespace callchain::service
