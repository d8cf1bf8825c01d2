/// A sideband connection whose other end is the test.
#pragma once

#include "service/sideband_driver.hpp"

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace callchain::service {

inline constexpr const char* kSessionCreated =
    R"({"type":"session.created","event_id":"event_1","session":{}})";
inline constexpr const char* kAudioStarted =
    R"({"type":"output_audio_buffer.started","event_id":"event_2","response_id":"resp_1"})";
inline constexpr const char* kErrorEvent =
    R"({"type":"error","event_id":"event_3","error":{"type":"invalid_request_error","code":"invalid_value","message":"no such voice"}})";

[[nodiscard]] inline http::WebSocketEnd refused_upgrade(int status) {
    http::WebSocketEnd end;
    end.kind = http::WebSocketEnd::Kind::refused;
    end.http_status = status;
    return end;
}

[[nodiscard]] inline http::WebSocketEnd connection_end(http::WebSocketEnd::Kind kind, int code = 0) {
    http::WebSocketEnd end;
    end.kind = kind;
    end.close_code = code;
    return end;
}

/// Opens connections whose events the test causes. One thread, that of the loop.
class ScriptedSideband {
  public:
    explicit ScriptedSideband(http::Loop& its_loop) : loop(its_loop) {}
    ScriptedSideband(const ScriptedSideband&) = delete;
    ScriptedSideband& operator=(const ScriptedSideband&) = delete;
    ~ScriptedSideband() = default;

    [[nodiscard]] OpenSideband opener() {
        return [this](http::WebSocketEvents events) {
            auto connection = std::make_unique<Connection>(*this, std::move(events));
            if (on_connect) loop.post(on_connect);
            return connection;
        };
    }
    void open() const { current->events.on_open(); }
    void text(const char* event) const { current->events.on_text(event); }
    void end(http::WebSocketEnd how) const { current->events.on_end(std::move(how)); }

    http::Loop& loop;
    std::function<void()> on_connect;  ///< runs behind each attempt to connect
    bool answers_close = true;
    int opened = 0;
    int dropped = 0;
    bool closed = false;  ///< a close frame was sent
    std::vector<std::string> sent;

  private:
    struct Connection final : SidebandConnection {
        Connection(ScriptedSideband& its_peer, http::WebSocketEvents its_events)
            : peer(its_peer), events(std::move(its_events)) {
            peer.current = this;
            ++peer.opened;
        }
        ~Connection() override {
            if (peer.current == this) peer.current = nullptr;
            ++peer.dropped;
        }
        void send(std::string text) override { peer.sent.push_back(std::move(text)); }
        void close() override {
            peer.closed = true;
            if (!peer.answers_close) return;
            peer.loop.post(
                [at = events] { at.on_end(connection_end(http::WebSocketEnd::Kind::closed, 1000)); });
        }
        ScriptedSideband& peer;
        http::WebSocketEvents events;
    };
    Connection* current = nullptr;
};

}  // namespace callchain::service
