/// Dialogs: what the two ends of a call know of each other, and the requests within it. Pure and without
/// timers; retransmission is the transaction's and, of a 2xx, the call's.
#pragma once

#include "base/result.hpp"
#include "sip/message.hpp"

#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace callchain::sip {

/// Seen from us. Tags and Call-ID compare byte by byte; a peer's tag is empty where it sent none, as RFC 2543
/// allowed. Source: RFC 3261 section 12.
struct DialogId {
    std::string call_id;
    std::string local_tag;
    std::string remote_tag;
    friend auto operator<=>(const DialogId&, const DialogId&) = default;
};
/// The dialog that a request speaks of; nullopt where To has no tag: it begins one, or is outside of any.
[[nodiscard]] std::optional<DialogId> dialog_of_request(const Received& request);
/// The dialog that a response to a request of ours speaks of.
[[nodiscard]] DialogId dialog_of_response(const Received& response);

/// Early between a 1xx with a tag and the 2xx, terminated by a BYE, a failure or a timeout.
enum class DialogState { early, confirmed, terminated };

/// What a request within a dialog is to its receiver.
enum class InDialog {
    proceed,         ///< in order: work on it
    ack,             ///< the ACK to a 2xx of ours
    stray_ack,       ///< an ACK of no INVITE that is known: nothing is answered
    cancel,          ///< belongs to the transaction that it names; the dialog takes no notice
    old_cseq,        ///< answer 500: its CSeq is not above the last one (RFC 3261 section 12.2.2)
    no_such_dialog,  ///< answer 481: other tags or Call-ID, or the dialog has ended
};

/// A request within the dialog, without Via and Contact, and where it goes.
struct DialogRequest {
    Message message;
    /// The first Route, else the Request-URI: the only URI to resolve. Whatever stands in later Routes is the
    /// business of that next hop and may be a private name, as Meta's second Route is.
    Uri next_hop;
};

/// One dialog, as its user agent client or server. A value; not for two threads at a time.
/// Source: RFC 3261 section 12, and the tables in docs/design/sip.md.
class Dialog {
  public:
    /// As client: from the INVITE that we sent and a response 101 to 299 to it. Early or confirmed by the
    /// status. A response without Contact leaves the Request-URI as target, so that even a careless peer can
    /// be sent its ACK and BYE. Errors: bad_input for another status, a provisional response without a tag, a
    /// response with another Call-ID, From tag or CSeq than the request, or a request without From, To,
    /// Call-ID or CSeq. Source: RFC 3261 section 12.1.2.
    [[nodiscard]] static Result<Dialog> from_response(const Message& invite, const Received& response);
    /// As server: from an INVITE without a To tag, with the tag that we answer with. Early until confirm().
    /// Errors: bad_input for a To tag, or no usable Contact. Source: RFC 3261 section 12.1.1.
    [[nodiscard]] static Result<Dialog> from_request(const Received& invite, std::string_view local_tag);

    [[nodiscard]] const DialogId& id() const { return id_; }
    [[nodiscard]] DialogState state() const { return state_; }
    [[nodiscard]] const Uri& remote_target() const { return remote_target_; }
    /// In the order in which requests travel.
    [[nodiscard]] const std::vector<NameAddress>& route_set() const { return route_set_; }
    [[nodiscard]] std::uint32_t local_cseq() const { return local_cseq_; }
    [[nodiscard]] std::optional<std::uint32_t> remote_cseq() const { return remote_cseq_; }

    /// As server: a 2xx to the INVITE is sent. As client: from_response() and DialogSet do it.
    void confirm();
    /// As client: the 2xx to the INVITE of an early dialog: route set and target are those of the 2xx.
    /// Source: RFC 3261 section 13.2.2.4.
    void confirm(const Received& response);
    /// A BYE was sent or received, or the call is given up. Requests can still be made: a BYE may be
    /// challenged.
    void terminate() { state_ = DialogState::terminated; }

    /// The next request: Request-URI, Route, Max-Forwards 70, From, To, Call-ID, CSeq one higher than the
    /// last. The route set's first may be a strict router: then it is the Request-URI and the target the last
    /// Route. Not for ACK and CANCEL. Errors: limit where CSeq would reach 2^31. Source: RFC 3261
    /// section 12.2.1.1.
    [[nodiscard]] Result<DialogRequest> request(std::string_view method);
    /// The ACK to a 2xx to `invite`, as it was sent within this dialog or to begin it: its CSeq number and
    /// its credentials. Made again for each repeated 2xx. Source: RFC 3261 sections 13.2.2.4 and 22.1.
    [[nodiscard]] DialogRequest ack(const Message& invite) const;

    /// Judges a request and takes in its CSeq. A BYE that crosses ours is in order, so that it gets its 200.
    /// Source: RFC 3261 section 12.2.2.
    [[nodiscard]] InDialog receive(const Received& request);
    /// The request was, or is about to be, answered with 2xx: an INVITE or UPDATE with a Contact moves the
    /// target. One that is refused moves nothing. Source: RFC 3261 section 12.2.2; RFC 3311 section 5.2;
    /// RFC 6141 section 4.
    void accepted(const Received& request);

    /// A final response to a request of ours within the dialog: 2xx to INVITE or UPDATE moves the target;
    /// 404, 408, 410, 416, 481, 482, 484, 485, 502 and 604 end the dialog, a timeout being a 408. Credentials
    /// and repetitions come first. Source: RFC 3261 section 12.2.1.2; RFC 5057 section 5.1, but for 405, 480
    /// and 501, which a keep-alive by OPTIONS must survive.
    void on_response(const Received& response);

  private:
    Dialog() = default;
    void take_contact(const Received& message);
    [[nodiscard]] DialogRequest routed(std::string_view method, std::uint32_t cseq) const;

    DialogId id_;
    DialogState state_ = DialogState::early;
    // As they stand in each request: read once more they would take ten times the memory.
    std::string local_;
    std::string remote_;
    Uri remote_target_;
    std::vector<NameAddress> route_set_;
    std::uint32_t local_cseq_ = 0;
    std::optional<std::uint32_t> remote_cseq_;
    std::optional<std::uint32_t> remote_invite_cseq_;
};

/// The dialogs of one INVITE of ours, which proxies may have forked. The first 2xx is the call; every other
/// one must be acknowledged and ended. Source: RFC 3261 sections 12.1.2 and 13.2.2.4.
class DialogSet {
  public:
    /// `invite` as it was sent; the INVITE that answers a challenge has a set of its own.
    explicit DialogSet(Message invite) : invite_(std::move(invite)) {}

    enum class What {
        nothing,      ///< 100, a 1xx without a tag, one dialog too many, or not of this INVITE
        early,        ///< a 1xx of the dialog at `index`, new or known
        confirmed,    ///< the first 2xx: ACK; the dialog at `index` is the call
        again,        ///< a repeated 2xx of the call: the same ACK
        extra,        ///< a 2xx of another branch: ACK, then BYE
        extra_again,  ///< a repeated one: ACK only
        failed,       ///< 300 to 699: the early dialogs have ended
    };
    struct Outcome {
        What what = What::nothing;
        std::size_t index = 0;  ///< into dialogs()
    };
    [[nodiscard]] Outcome on_response(const Received& response);
    /// 64*T1 after the first 2xx, no other one is awaited: what is still early ends.
    void end_early();

    [[nodiscard]] const Message& invite() const { return invite_; }
    [[nodiscard]] std::vector<Dialog>& dialogs() { return entries_; }
    /// The call's dialog, or nullptr. Good until the next response.
    [[nodiscard]] Dialog* call() { return confirmed_ ? &entries_[*confirmed_] : nullptr; }

  private:
    static constexpr std::size_t kMostDialogs = 16;
    [[nodiscard]] std::optional<std::size_t> find_or_add(const Received& response);

    Message invite_;
    std::vector<Dialog> entries_;
    std::vector<bool> answered_;  // a 2xx of that dialog has come
    std::optional<std::size_t> confirmed_;
    bool failed_ = false;
};

}  // namespace callchain::sip
