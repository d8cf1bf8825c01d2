/// The checks of `gateway check` and `doctor` as they are printed: each when it is there, the sum at the end.
#pragma once

#include "context.hpp"
#include "service/check.hpp"
#include "signature/known_secrets.hpp"

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace callchain::cli {

class CheckSheet {
  public:
    /// `schema` is that of the JSON document; secrets of `known` are withheld from whatever is printed, since
    /// what others answer may bring them back.
    CheckSheet(Context& context, std::string schema, signature::KnownSecrets known = {})
        : context_(context), schema_(std::move(schema)), known_(std::move(known)) {}

    /// Prints them at once, but for --json, where the document comes at the end.
    void add(std::vector<service::Check> checks);
    [[nodiscard]] const std::vector<service::Check>& checks() const { return checks_; }
    /// Prints the summary, or the document with `members` behind its result. Returns the exit code: kNo where
    /// a check failed; a warning is no failure.
    int close(const nlohmann::ordered_json& members);
    int close();

  private:
    [[nodiscard]] std::string shown(const std::string& text) const;
    void print(const service::Check& check) const;
    [[nodiscard]] std::string summary() const;
    [[nodiscard]] nlohmann::ordered_json document(const nlohmann::ordered_json& members) const;

    Context& context_;
    std::string schema_;
    signature::KnownSecrets known_;
    std::vector<service::Check> checks_;
};

}  // namespace callchain::cli
