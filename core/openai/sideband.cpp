#include "openai/sideband.hpp"

#include "base/redact.hpp"
#include "base/text.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>

namespace callchain::openai {
namespace {

using std::chrono::milliseconds;
using How = SidebandEnded::How;
using What = SidebandAction::What;

// Connecting takes some 600 ms and a 404 just after accept is common. Source: reports of users, OpenAI
// community, May 2026; the waits are those of the accept.
constexpr std::array<milliseconds, 4> kWaits{milliseconds{300}, milliseconds{600}, milliseconds{1'000},
                                             milliseconds{1'000}};
// A session whose accept body was bad ends after some 4 s.
constexpr milliseconds kSettledTime{10'000};
// A drain has 8 s by default, of which the hang-up needs some too.
constexpr milliseconds kFarewellTimeOfDrain{3'000};
constexpr int kMostErrorNotes = 16;
constexpr std::size_t kMostSeenEvents = 256;
constexpr std::size_t kMostShownMessage = 300;

// Errors name the message of ours that they are about.
constexpr std::string_view kGreetingId = "callchain_greeting";
constexpr std::string_view kFarewellId = "callchain_farewell";
constexpr std::string_view kCancelMessage = R"({"type":"response.cancel","event_id":"callchain_cancel"})";
constexpr std::string_view kClearMessage =
    R"({"type":"output_audio_buffer.clear","event_id":"callchain_clear"})";
constexpr std::string_view kEndCallOutput = R"({"status":"the call ends now"})";

/// Refusals that a later attempt can turn: 404 is the race with accept.
bool may_pass(const SidebandEnded& ended) {
    if (ended.how != How::refused) return true;
    return ended.status == 404 || ended.status == 408 || ended.status == 425 || ended.status == 429 ||
           ended.status >= 500;
}

/// Source: field reports: error code session_expired; close 1001 "Your session hit the maximum duration of 60
/// minutes."
bool tells_expiry(std::string_view message) {
    const auto text = ascii_lower(message);
    return text.find("session_expired") != std::string::npos ||
           text.find("session expired") != std::string::npos ||
           text.find("maximum duration") != std::string::npos;
}

/// None, 1000, "going away", and the two that stand for no code and no frame. Source: RFC 6455 section 7.4.1.
bool is_ordinary_close(int code) {
    return code == 0 || code == 1000 || code == 1001 || code == 1005 || code == 1006;
}

std::string how_in_words(const SidebandEnded& ended) {
    std::string text;
    switch (ended.how) {
        case How::refused:
            text = "the upgrade was answered " + std::to_string(ended.status);
            break;
        case How::failed:
            text = "the connection could not be made";
            break;
        case How::timeout:
            text = "nothing came in time";
            break;
        case How::closed_by_peer:
            text = "the server closed the connection";
            if (ended.close_code != 0) text += " with code " + std::to_string(ended.close_code);
            break;
        case How::lost:
            text = "the connection broke";
            break;
        case How::closed:
            text = "the connection was closed on this side";
            break;
    }
    return ended.message.empty() ? text : text + ": " + safe_excerpt(ended.message, kMostShownMessage);
}

std::string error_in_words(const ServerEvent& event) {
    if (event.error_code.empty() || event.error_message.empty())
        return event.error_code + event.error_message;
    return event.error_code + ": " + event.error_message;
}

bool is_buffer_end(std::string_view type) {
    return type == "output_audio_buffer.stopped" || type == "output_audio_buffer.cleared";
}

/// On Live the transcript tells, not the audio: a full-duplex stream may carry silence. The shorter names are
/// those of the beta, which some hosts still send.
bool is_model_audio(std::string_view type) {
    return type == "output_audio_buffer.started" || type == "response.output_audio.delta" ||
           type == "response.output_audio_transcript.delta" || type == "response.audio.delta" ||
           type == "response.audio_transcript.delta" || type == "session.output_transcript.delta";
}

}  // namespace

Sideband::Sideband(SidebandSettings settings) : settings_(std::move(settings)) {
    settings_.most_attempts = std::max(settings_.most_attempts, 1);
}

std::vector<SidebandAction> Sideband::start() {
    if (state_ != State::idle) return {};
    connect();
    if (settings_.max_call.count() > 0) set_timer(Which::max_call, settings_.max_call);
    return std::exchange(actions_, {});
}

std::vector<SidebandAction> Sideband::step(const SidebandEvent& event) {
    if (state_ != State::finished) std::visit([this](const auto& one) { on(one); }, event);
    return std::exchange(actions_, {});
}

void Sideband::on(const SidebandOpened& /*opened*/) {
    if (state_ != State::connecting) return;
    state_ = State::attached;
    open_ = true;
    note_once(noted_attached_, "attached");
    // Once, even where the connection is lost at once: a caller who hears it twice is worse off than one who
    // has to speak first.
    if (!settings_.greeting.empty() && !greeted_) {
        send(speak_message(settings_.greeting, settings_.dialect, kGreetingId));
        note_once(greeted_, "greeted");
    }
    if (draining_) return close_because("drained", "the process stops; the call goes on");
    set_timer(Which::settled, kSettledTime);
}

void Sideband::on(const SidebandText& text) {
    if (state_ != State::attached && state_ != State::ending) return;
    const auto event = read_server_event(text.text);
    if (event.type.empty() || is_replay(event.event_id)) return;
    if (event.type == "error") return on_error(event);
    on_session_event(event);
}

void Sideband::on_error(const ServerEvent& event) {
    if (++error_notes_ <= kMostErrorNotes) note("error_event", error_in_words(event));
    if (event.error_code == "session_expired") {
        // A call that is being ended is hung up all the same.
        if (state_ == State::attached) close_because("session_expired", event.error_message);
        return;
    }
    if (event.error_code == "conversation_already_has_active_response") {
        // Somebody spoke first: a session that has a response is alive. The farewell waits its turn.
        prove_alive();
        response_active_ = true;
        if (farewell_ == Farewell::requested || farewell_ == Farewell::speaking) {
            farewell_ = Farewell::waiting;
            farewell_audible_ = false;
        }
        return;
    }
    if (event.error_code == "response_cancel_not_active") {
        response_active_ = false;
        if (farewell_ == Farewell::waiting) say_farewell();
        return;
    }
    saw_error_ = saw_error_ || !alive_;
    if (event.error_about.empty()) {
        last_error_ = error_in_words(event);
    } else if (event.error_about == kFarewellId && state_ == State::ending) {
        hang_up();
    }
}

void Sideband::on_session_event(const ServerEvent& event) {
    last_error_.clear();
    prove_alive();
    note_once(noted_first_event_, "first_event", event.type);
    if (is_model_audio(event.type)) note_once(noted_first_audio_, "first_audio", event.type);
    if (!event.dtmf.empty()) note("dtmf", "the caller pressed a key");
    if (event.type == "session.closed" && state_ == State::attached) {
        // The connection ends behind it.
        if (event.close_reason == "expired") intend("session_expired", "session.closed: expired");
        if (event.close_reason == "content") intend("session_error", "session.closed: content");
    }
    if (settings_.dialect == Dialect::realtime) on_response(event);
}

void Sideband::on_response(const ServerEvent& event) {
    if (event.type == "response.created") {
        response_active_ = true;
        if (farewell_ == Farewell::requested) {
            farewell_ = Farewell::speaking;
            farewell_response_ = event.response_id;
        }
    }
    if (event.type == "response.done") response_active_ = false;
    if (event.function_name == kEndCallFunction && state_ == State::attached) return on_end_call(event);
    if (event.type == "response.done" && state_ == State::ending) on_farewell_response_done(event);
    on_audio(event);
}

void Sideband::on_end_call(const ServerEvent& event) {
    note("end_call");
    // A call that is made is of a response that is still active, whether its beginning was seen or not.
    if (event.type != "response.done") response_active_ = true;
    if (!event.function_call_id.empty())
        send(function_result_message(event.function_call_id, kEndCallOutput));
    begin_to_end("end_call", "the model called end_call");
}

// Two ways lead past an active response: to wait for its response.done, or to cancel it. The response that
// called end_call is at its end and may hold the model's own good-bye, so it is waited for; a cancel could
// only cut that, and cross with the end. When the call's time is up the model may be in the middle of a long
// speech, and its end is not worth the wait: generation is cancelled and what is not yet played is dropped.
// Either way the farewell is sent when response.done has come, never into an active response.
void Sideband::begin_to_end(std::string_view reason, std::string detail) {
    const bool time_is_up = reason == "max_call_seconds";
    intend(reason, std::move(detail));
    state_ = State::ending;
    cancel_timer(Which::settled);
    cancel_timer(Which::max_call);
    if (settings_.farewell.empty()) {
        if (time_is_up || !playing_) return hang_up();
        return set_timer(Which::farewell, settings_.farewell_time);
    }
    set_timer(Which::farewell, settings_.farewell_time);
    if (time_is_up && response_active_) send(std::string(kCancelMessage));
    if (time_is_up && playing_) send(std::string(kClearMessage));
    farewell_ = Farewell::waiting;
    if (!response_active_) say_farewell();
}

void Sideband::say_farewell() {
    send(speak_message(settings_.farewell, settings_.dialect, kFarewellId));
    farewell_ = Farewell::requested;
    note_once(noted_farewell_, "farewell");
}

bool Sideband::is_of_farewell(const ServerEvent& event) const {
    if (farewell_ != Farewell::speaking && farewell_ != Farewell::spoken) return false;
    return event.response_id.empty() || farewell_response_.empty() || event.response_id == farewell_response_;
}

void Sideband::on_farewell_response_done(const ServerEvent& event) {
    if (farewell_ == Farewell::waiting) return say_farewell();
    if (farewell_ != Farewell::speaking || !is_of_farewell(event)) return;
    farewell_ = Farewell::spoken;
    // Cancelled, when the caller speaks into it, or failed: what is not audible by now will never be.
    const bool cut = !event.response_status.empty() && event.response_status != "completed";
    if (!tells_of_buffer_ || (cut && !playing_)) hang_up();
}

void Sideband::on_audio(const ServerEvent& event) {
    if (event.type == "output_audio_buffer.started") {
        tells_of_buffer_ = true;
        playing_ = true;
        if (is_of_farewell(event)) farewell_audible_ = true;
    }
    if (!is_buffer_end(event.type)) return;
    tells_of_buffer_ = true;
    playing_ = false;
    if (state_ != State::ending) return;
    // What the model said before may still end while the farewell is under way.
    const bool named = !event.response_id.empty() && event.response_id == farewell_response_;
    if (settings_.farewell.empty() || (is_of_farewell(event) && (named || farewell_audible_))) hang_up();
}

void Sideband::on(const SidebandEnded& ended) {
    if (!connected_) return;
    connected_ = false;
    open_ = false;
    cancel_timer(Which::settled);
    switch (state_) {
        case State::connecting:
            return on_attempt_failed(ended);
        case State::attached:
            return on_connection_lost(ended);
        case State::ending:
            // Most likely the caller left; where only the connection broke, nobody else would end the call.
            return hang_up();
        case State::closing:
            return finish();
        case State::hanging_up:
        case State::idle:
        case State::waiting:
        case State::finished:
            return;
    }
}

void Sideband::on_attempt_failed(const SidebandEnded& ended) {
    if (may_pass(ended)) return retry_or_finish(ended);
    if (ended.status == 401 || ended.status == 403)
        note("credential_refused",
             how_in_words(ended) + "; the key must be of the project that owns the call");
    finish_because("dead_session", how_in_words(ended));
}

void Sideband::on_connection_lost(const SidebandEnded& ended) {
    if (!reason_.empty()) return finish();
    const auto words = how_in_words(ended);
    if (tells_expiry(ended.message)) return finish_because("session_expired", words);
    if (!alive_) {
        if (saw_error_) return finish_because("dead_session", words + "; only errors had come");
        if (ended.how == How::closed_by_peer)
            return finish_because("dead_session", words + "; nothing had come");
        return retry_or_finish(ended);
    }
    if (!last_error_.empty()) return finish_because("session_error", words + "; just before: " + last_error_);
    if (!is_ordinary_close(ended.close_code)) return finish_because("session_error", words);
    finish_because("caller_hung_up", words);
}

void Sideband::retry_or_finish(const SidebandEnded& ended) {
    const auto words = how_in_words(ended);
    if (attempts_ >= settings_.most_attempts) {
        if (ended.how == How::refused && ended.status == 404)
            note("session_refused", words + ", after " +
                                        count_of(static_cast<std::uint64_t>(attempts_), "attempt") +
                                        ", although accept said 200");
        return finish_because("dead_session", words);
    }
    const auto index = std::min(static_cast<std::size_t>(attempts_), kWaits.size()) - 1;
    note("retry", words + "; again in " + std::to_string(kWaits[index].count()) + " ms");
    state_ = State::waiting;
    set_timer(Which::reconnect, kWaits[index]);
}

void Sideband::on(const SidebandTimer& timer) {
    auto& running = running_[static_cast<std::size_t>(timer.which)];
    if (!std::exchange(running, false)) return;
    switch (timer.which) {
        case Which::reconnect:
            return connect();
        case Which::max_call:
            return on_time_up();
        case Which::farewell:
            return hang_up();
        case Which::settled:
            alive_ = alive_ || !saw_error_;
            return;
    }
}

void Sideband::on_time_up() {
    note("max_call");
    const auto detail = "the call lasted " + duration_of(settings_.max_call);
    if (state_ == State::attached) return begin_to_end("max_call_seconds", detail);
    // Not connected: the hang-up is a request of its own and needs no sideband.
    intend("max_call_seconds", detail);
    close_connection();
    hang_up();
}

void Sideband::on(const SidebandDrain& /*drain*/) {
    const bool again = std::exchange(draining_, true);
    const bool greeting_is_due = !settings_.greeting.empty() && !greeted_;
    switch (state_) {
        case State::connecting:
        case State::waiting:
            // A caller who was accepted just now would meet silence: the attempts, which are bounded, go on.
            if (greeting_is_due && !again) return;
            return close_because("drained", "the process stops; the call goes on");
        case State::idle:
        case State::attached:
            return close_because("drained", "the process stops; the call goes on");
        case State::ending:
            // The end is decided, and nobody would hang up for us.
            if (again) return hang_up();
            return set_timer(Which::farewell, std::min(settings_.farewell_time, kFarewellTimeOfDrain));
        case State::hanging_up:
        case State::closing:
            if (again) finish();
            return;
        case State::finished:
            return;
    }
}

void Sideband::on(const SidebandHungUp& result) {
    if (state_ != State::hanging_up) return;
    if (!result.done && result.outcome != "call_gone")
        note("hangup_failed", safe_excerpt(result.outcome, kMostShownMessage) + "; the call may go on");
    if (!connected_) return finish();
    close_connection();
    state_ = State::closing;
}

void Sideband::connect() {
    ++attempts_;
    state_ = State::connecting;
    connected_ = true;
    close_sent_ = false;
    actions_.push_back({.what = What::connect});
}

void Sideband::hang_up() {
    cancel_timers();
    actions_.push_back({.what = What::hang_up});
    state_ = State::hanging_up;
}

void Sideband::close_connection() {
    if (connected_ && !std::exchange(close_sent_, true)) actions_.push_back({.what = What::close});
}

void Sideband::close_because(std::string_view reason, std::string detail) {
    intend(reason, std::move(detail));
    if (!connected_) return finish();
    cancel_timers();
    close_connection();
    state_ = State::closing;
}

void Sideband::finish_because(std::string_view reason, std::string detail) {
    intend(reason, std::move(detail));
    finish();
}

void Sideband::finish() {
    cancel_timers();
    close_connection();
    open_ = false;
    state_ = State::finished;
    note("ended", reason_);
    actions_.push_back({.what = What::finished, .text = reason_, .detail = detail_});
}

void Sideband::prove_alive() {
    alive_ = true;
    cancel_timer(Which::settled);
}

void Sideband::intend(std::string_view reason, std::string detail) {
    if (!reason_.empty()) return;
    reason_ = reason;
    detail_ = std::move(detail);
}

bool Sideband::is_replay(const std::string& event_id) {
    if (settings_.dialect != Dialect::live || event_id.empty()) return false;
    if (std::find(seen_events_.begin(), seen_events_.end(), event_id) != seen_events_.end()) return true;
    if (seen_events_.size() < kMostSeenEvents) {
        seen_events_.push_back(event_id);
    } else {
        seen_events_[next_seen_] = event_id;
        next_seen_ = (next_seen_ + 1) % kMostSeenEvents;
    }
    return false;
}

void Sideband::note(std::string_view name, std::string detail) {
    actions_.push_back({.what = What::note, .text = std::string(name), .detail = std::move(detail)});
}

void Sideband::note_once(bool& noted, std::string_view name, std::string detail) {
    if (!std::exchange(noted, true)) note(name, std::move(detail));
}

void Sideband::send(std::string text) { actions_.push_back({.what = What::send, .text = std::move(text)}); }

void Sideband::set_timer(Which which, milliseconds delay) {
    running_[static_cast<std::size_t>(which)] = true;
    actions_.push_back({.what = What::set_timer, .timer = which, .delay = delay});
}

void Sideband::cancel_timer(Which which) {
    if (!std::exchange(running_[static_cast<std::size_t>(which)], false)) return;
    actions_.push_back({.what = What::cancel_timer, .timer = which});
}

void Sideband::cancel_timers() {
    for (const auto which : {Which::reconnect, Which::max_call, Which::farewell, Which::settled})
        cancel_timer(which);
}

}  // namespace callchain::openai
