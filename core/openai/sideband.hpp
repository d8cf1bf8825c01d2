/// The sideband session of one call as a state machine: proof of life, greeting, farewell, end.
#pragma once

#include "openai/call.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace callchain::openai {

/// Turns what people put into OPENAI_REALTIME_GREETING into the phrase to be spoken: of text that begins with
/// "Diga" or "Say" ("Diga exatamente: 'Olá'") what stands in the first pair of quotes (straight or
/// typographic, an apostrophe within a word is none), else what follows the first ':' (that of a time, 10:30,
/// is none), else what follows the first word; quotes and blanks around it go. Other text stays, trimmed.
/// Empty for empty.
[[nodiscard]] std::string unwrap_phrase(std::string_view configured);

/// The message that has exactly `phrase` spoken: a response.create, or on Live session.instructions.append,
/// since there response.create asks the delegation's backend and takes no instructions. Instructions are a
/// prompt, so they ask for the phrase word for word and nothing else, in English around the phrase, which
/// stays in its language. `event_id` comes back in an error about it; empty: left out. Source: OpenAI
/// Realtime API reference, client events; Live API reference, sideband client events.
[[nodiscard]] std::string speak_message(std::string_view phrase, Dialect dialect = Dialect::realtime,
                                        std::string_view event_id = {});
/// The result of a function call, as conversation.item.create. Bytes that are not UTF-8 become U+FFFD.
[[nodiscard]] std::string function_result_message(std::string_view call_id, std::string_view output);

/// The function tool by which the model ends the call.
inline constexpr std::string_view kEndCallFunction = "end_call";

/// One event of the server, as far as it matters. Ids above 256 bytes are left out.
struct ServerEvent {
    std::string type;        ///< "session.created"; empty: no JSON object with a type. Made visible and cut
    std::string event_id;    ///< for de-duplication (Live replays)
    std::string error_code;  ///< error.code, or error.type where there is none; made visible and cut
    std::string error_message;  ///< made visible, cut, secrets withheld
    std::string error_about;    ///< event_id of the client's message that the error is about
    /// Of response.function_call_arguments.done and of completed function_call items in
    /// response.output_item.done and response.done; of several that of kEndCallFunction, else the first.
    std::string function_name;
    std::string function_call_id;
    std::string response_id;      ///< of response.created and .done, and of what belongs to a response
    std::string response_status;  ///< of response.done: completed, cancelled, failed, incomplete
    std::string close_reason;     ///< of session.closed (Live): expired, remote_hangup, content, …
    std::string dtmf;             ///< of input_audio_buffer.dtmf_event_received and transport.dtmf.received
};
/// Never throws, never recurses; nesting is limited. Source: OpenAI Realtime API reference, server events;
/// Live API reference, sideband server events.
[[nodiscard]] ServerEvent read_server_event(std::string_view text);

struct SidebandSettings {
    Dialect dialect = Dialect::realtime;
    std::string greeting = {};  ///< spoken once, when the connection is open; unwrapped already
    std::string farewell = {};  ///< spoken before hanging up, when the model calls end_call or time is up
    std::chrono::seconds max_call{0};  ///< 0: no limit
    /// The most that is waited for the farewell to end, from the decision to end the call.
    std::chrono::milliseconds farewell_time{8'000};
    int most_attempts = 5;  ///< to connect, for 404 and lost connections before the first event; at least 1
};

/// What happened. None carries a time: where time matters, a timer tells it.
struct SidebandOpened {};
struct SidebandText {
    std::string text;
};
/// The connection ended, or an attempt failed. `status` is that of a refused upgrade.
struct SidebandEnded {
    enum class How { refused, failed, timeout, closed_by_peer, lost, closed };
    How how = How::lost;
    int status = 0;
    int close_code = 0;
    std::string message = {};
};
struct SidebandTimer {
    enum class Which {
        reconnect,
        max_call,
        farewell,
        settled,  ///< open for so long that a silent end is no dead session any more
    };
    Which which = Which::reconnect;
};
/// The process stops: leave the call alone, close the connection. A greeting that is not out yet, a farewell
/// and a hang-up that are under way are finished first, all in bounded time; told again, that is not waited
/// for.
struct SidebandDrain {};
/// The hangup request was answered, or failed.
struct SidebandHungUp {
    bool done = false;
    std::string outcome = {};  ///< name_of(Outcome): "call_gone" is a normal end too
};
using SidebandEvent =
    std::variant<SidebandOpened, SidebandText, SidebandEnded, SidebandTimer, SidebandDrain, SidebandHungUp>;

/// What to do, in order.
struct SidebandAction {
    enum class What {
        connect,       ///< open the connection (again)
        send,          ///< `text`
        set_timer,     ///< `timer` fires after `delay`; set again: it replaces the one that runs
        cancel_timer,  ///< `timer`
        hang_up,       ///< POST …/hangup; once
        close,         ///< close the connection
        note,          ///< a milestone or remark for log and metrics: `text` is its name, `detail` in words
        finished,      ///< nothing more comes; `text` is the reason of the end, `detail` in words
    };
    What what = What::note;
    std::string text = {};
    std::string detail = {};
    SidebandTimer::Which timer = SidebandTimer::Which::reconnect;
    std::chrono::milliseconds delay{};
};

/// Milestones, once each: "attached" (open), "first_event" (the first one but errors), "greeted" (greeting
/// sent), "first_audio" (output_audio_buffer.started, or the first delta of the model's audio or of its
/// transcript; on Live of the transcript), "ended". Other notes: "error_event" (the first 16), "dtmf"
/// (without the key: it may be of a PIN), "session_refused" (404 again and again although accept said 200),
/// "credential_refused" (401 or 403), "retry", "max_call", "end_call", "farewell" (sent), "hangup_failed".
///
/// Reasons of the end, which never change their meaning; the first cause stands:
///   caller_hung_up    closed or lost after it was alive
///   end_call          by the model
///   max_call_seconds
///   dead_session      never attached, or ended with nothing but errors before it was alive
///   session_expired   the API's limit, told by an error, a close frame or session.closed
///   session_error     ended with a close code of trouble, or just after an error that no message of ours
///   caused drained
/// A session is alive from its first event that is no error, and where none comes and nothing else goes
/// wrong, from 10 s after the opening: a Realtime sideband promises no event, and dead sessions end after
/// some 4 s. Before that a lost connection is tried again, and one that the peer closes is dead.
///
/// A greeting is sent once per call, whatever reconnects. Live: the connection replays events; an event_id
/// that was seen counts once (the last 256 are kept). end_call: its result is answered, then the farewell is
/// spoken where there is one, and the call is hung up when its audio has ended (output_audio_buffer.stopped,
/// or response.done where the session tells nothing of its buffer) or farewell_time is over. Without a
/// farewell what the model is saying at that moment is heard to its end, within the same time.
///
/// Pure, a value. Late and double events are expected and change nothing. Not for two threads at a time.
class Sideband {
  public:
    explicit Sideband(SidebandSettings settings);
    /// The first actions: connect, and the timer of the longest call. A second call does nothing.
    [[nodiscard]] std::vector<SidebandAction> start();
    [[nodiscard]] std::vector<SidebandAction> step(const SidebandEvent& event);
    /// The connection is open.
    [[nodiscard]] bool is_attached() const { return open_; }
    [[nodiscard]] bool is_finished() const { return state_ == State::finished; }

  private:
    enum class State {
        idle,
        connecting,
        waiting,  ///< to connect again
        attached,
        ending,  ///< decided; a farewell or what is still being said is heard to its end
        hanging_up,
        closing,
        finished,
    };
    enum class Farewell {
        none,
        waiting,    ///< for the active response to be done
        requested,  ///< sent
        speaking,   ///< its response was created
        spoken,     ///< its response is done, its audio may play on
    };
    using Which = SidebandTimer::Which;

    void on(const SidebandOpened& opened);
    void on(const SidebandText& text);
    void on(const SidebandEnded& ended);
    void on(const SidebandTimer& timer);
    void on(const SidebandDrain& drain);
    void on(const SidebandHungUp& result);

    void on_error(const ServerEvent& event);
    void on_session_event(const ServerEvent& event);
    void on_response(const ServerEvent& event);
    void on_audio(const ServerEvent& event);
    void on_end_call(const ServerEvent& event);
    void on_farewell_response_done(const ServerEvent& event);
    void on_attempt_failed(const SidebandEnded& ended);
    void on_connection_lost(const SidebandEnded& ended);
    void on_time_up();

    void connect();
    void retry_or_finish(const SidebandEnded& ended);
    void begin_to_end(std::string_view reason, std::string detail);
    void say_farewell();
    void hang_up();
    void close_connection();
    void close_because(std::string_view reason, std::string detail);
    void finish_because(std::string_view reason, std::string detail);
    void finish();

    void prove_alive();
    void intend(std::string_view reason, std::string detail);
    [[nodiscard]] bool is_replay(const std::string& event_id);
    [[nodiscard]] bool is_of_farewell(const ServerEvent& event) const;
    void note(std::string_view name, std::string detail = {});
    void note_once(bool& noted, std::string_view name, std::string detail = {});
    void send(std::string text);
    void set_timer(Which which, std::chrono::milliseconds delay);
    void cancel_timer(Which which);
    void cancel_timers();

    SidebandSettings settings_;
    State state_ = State::idle;
    std::vector<SidebandAction> actions_;  ///< of the step under way
    std::array<bool, 4> running_{};        ///< timers, by Which
    std::string reason_;                   ///< of the end; empty: none yet
    std::string detail_;

    int attempts_ = 0;
    bool connected_ = false;  ///< a connection or attempt is there, its SidebandEnded still to come
    bool open_ = false;
    bool close_sent_ = false;
    bool draining_ = false;

    bool alive_ = false;
    bool saw_error_ = false;  ///< before it was alive
    std::string last_error_;  ///< not about a message of ours, and nothing came behind it
    int error_notes_ = 0;
    bool noted_attached_ = false;
    bool noted_first_event_ = false;
    bool noted_first_audio_ = false;
    bool noted_farewell_ = false;
    bool greeted_ = false;

    bool response_active_ = false;
    bool playing_ = false;
    bool tells_of_buffer_ = false;  ///< output_audio_buffer events come in this call
    Farewell farewell_ = Farewell::none;
    bool farewell_audible_ = false;
    std::string farewell_response_;

    std::vector<std::string> seen_events_;  ///< a ring
    std::size_t next_seen_ = 0;
};

}  // namespace callchain::openai
