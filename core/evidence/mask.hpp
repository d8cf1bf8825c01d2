/// Takes out of evidence what may not be given away: secrets always, and what tells who somebody is.
#pragma once

#include "signature/known_secrets.hpp"
#include "signature/secret.hpp"

#include <cstddef>
#include <functional>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace callchain::evidence {

/// What is masked, in the order in which it is told.
enum class Kind {
    secrets,    ///< never to be revealed
    numbers,    ///< telephone numbers: `…` and the last four digits, so that a reader can follow one
    mail,       ///< addresses of mail, but for their domain
    names,      ///< display names of callers
    addresses,  ///< IP addresses of end devices, in ICE candidates; those of servers are kept
    bodies,     ///< bodies that are no text, and so cannot be masked: left out
};
[[nodiscard]] std::string_view name_of(Kind kind);
inline constexpr Kind kKinds[] = {Kind::secrets, Kind::numbers,   Kind::mail,
                                  Kind::names,   Kind::addresses, Kind::bodies};

/// How often what was masked.
using Tally = std::map<Kind, std::size_t>;

/// Of text in any of our inputs: logs in JSON or plain, HTTP and SIP messages, SDP, forms, all of them also
/// within JSON strings. What stands in base64 (the body in the record of a refused delivery) is masked within
/// it, where it is text. Linear in the text, but for the number of configured secrets.
class Masker {
  public:
    /// `secrets` are withheld wherever they stand: as they are, in base64 and percent-encoded.
    Masker(std::span<const signature::LabelledSecret> secrets, std::set<Kind> revealed);

    /// Notes the telephone numbers of a text: mask() finds them then also where nothing says what they are.
    void learn(std::string_view text);
    /// Adds to `tally` what was masked.
    [[nodiscard]] std::string mask(std::string_view text, Tally& tally) const;
    /// The same with only secrets taken out.
    [[nodiscard]] std::string withhold(std::string_view text, Tally& tally) const;
    [[nodiscard]] bool reveals(Kind kind) const { return revealed_.contains(kind); }

  private:
    [[nodiscard]] std::string mask_plain(std::string_view text, Tally& tally) const;

    signature::KnownSecrets known_;
    std::vector<std::string> encoded_;  ///< what of each secret stands in base64, at each of three offsets
    std::set<Kind> revealed_;
    std::set<std::string, std::less<>> numbers_;  ///< digits alone, with their ends of eight and more
};

/// The parts of mask(), each over a whole text. For core/evidence and its tests alone.
namespace rules {
[[nodiscard]] std::string withhold_named(std::string_view text,
                                         std::size_t& count);  ///< token=…, "password":"…"
[[nodiscard]] std::string withhold_marked(std::string_view text,
                                          std::size_t& count);  ///< inline:, ice-pwd:, PEM
using Numbers = std::set<std::string, std::less<>>;
/// Those that a sign is in front of ("+", "sip:", "From="), and runs of digits that are among `known`.
[[nodiscard]] std::string mask_numbers(std::string_view text, const Numbers& known, std::size_t& count);
/// The digits of those that a sign is in front of, and each end of them that has eight digits and more.
[[nodiscard]] Numbers find_numbers(std::string_view text);
[[nodiscard]] std::string mask_mail(std::string_view text, std::size_t& count);
[[nodiscard]] std::string mask_names(std::string_view text, std::size_t& count);
[[nodiscard]] std::string mask_addresses(std::string_view text, std::size_t& count);
}  // namespace rules

}  // namespace callchain::evidence
