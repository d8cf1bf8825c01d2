#include "base/text.hpp"
#include "commands.hpp"
#include "crypto/hash.hpp"
#include "diagnosis/render.hpp"
#include "diagnosis/webhook_diagnosis.hpp"
#include "encoding/text_codings.hpp"
#include "json_output.hpp"
#include "secrets.hpp"
#include "webhook/capture.hpp"
#include "webhook/diff.hpp"

#include <nlohmann/json.hpp>
#include <ostream>

namespace callchain::cli {
namespace {

using Json = nlohmann::ordered_json;
using diagnosis::Paint;
using webhook::HeaderDifference;

constexpr std::size_t kMostBytes = std::size_t{64} << 20U;

struct DiffOptions {
    std::string a;
    std::string b;
    bool bodies = false;
};

struct Side {
    std::string name;
    webhook::Capture capture;
    std::string sha256;
};

Result<Side> read_side(const std::string& path, const DiffOptions& options, Context& context) {
    auto bytes = CALLCHAIN_TRY(context.read_input(path, kMostBytes));
    Side side{visible_excerpt(path, 200), {}, {}};
    auto capture = webhook::parse_capture(bytes);
    const auto start = trim_left(bytes);
    if (capture && !options.bodies) {
        side.capture = *std::move(capture);
    } else if (options.bodies || start.starts_with('{') || start.starts_with('[')) {
        if (!options.bodies)
            context.say("callchain: diff-webhook: " + side.name +
                        " has no request line; it is taken as a bare body");
        side.capture.body = std::move(bytes);
    } else {
        Error error = capture.error();
        error.message = side.name + ": " + error.message;
        error.hint = "to compare bare bodies, whatever they are: --bodies";
        return tl::unexpected(std::move(error));
    }
    side.sha256 = crypto::sha256_hex(side.capture.body);
    return side;
}

const char* word_of(HeaderDifference::Kind kind) {
    switch (kind) {
        case HeaderDifference::Kind::only_in_a:
            return "only_in_a";
        case HeaderDifference::Kind::only_in_b:
            return "only_in_b";
        case HeaderDifference::Kind::values:
            return "values";
        case HeaderDifference::Kind::name_case:
            break;
    }
    return "name_case";
}

const char* word_of(webhook::HeaderRole role) {
    switch (role) {
        case webhook::HeaderRole::signed_content:
            return "signed";
        case webhook::HeaderRole::body_shape:
            return "body_shape";
        case webhook::HeaderRole::credential:
            return "credential";
        case webhook::HeaderRole::other:
            return "other";
        case webhook::HeaderRole::proxy:
            break;
    }
    return "proxy";
}

const char* remark_on(webhook::HeaderRole role) {
    switch (role) {
        case webhook::HeaderRole::signed_content:
            return "  (part of what is signed)";
        case webhook::HeaderRole::body_shape:
            return "  (says how the body is framed or coded)";
        case webhook::HeaderRole::proxy:
            return "  (added by a proxy, harmless)";
        case webhook::HeaderRole::credential:
        case webhook::HeaderRole::other:
            break;
    }
    return "";
}

std::string shown(const std::string& value) {
    if (looks_like_secret(value))
        return "(what looks like a secret, " + count_of(value.size(), "character") + ")";
    return visible_excerpt(value, 100);
}

std::string shown(const std::vector<std::string>& values) {
    std::string out;
    for (const auto& value : values) out += (out.empty() ? "" : " | ") + shown(value);
    return out;
}

std::string hex_row(const webhook::HexRow& row, diagnosis::Colour colour) {
    std::string offset = std::to_string(row.offset);
    std::string out = "    " + std::string(offset.size() < 8 ? 8 - offset.size() : 0, ' ') + offset + "  ";
    for (std::size_t i = 0; i < webhook::kHexRowBytes; ++i) {
        const bool there = i < row.bytes.size();
        const std::string hex = there ? encoding::to_hex({&row.bytes[i], 1}) : "  ";
        out += (there && row.differs[i] ? diagnosis::paint(hex, Paint::red, colour) : hex) +
               (i == 7 ? "  " : " ");
    }
    out += " ";
    for (std::size_t i = 0; i < row.text.size(); ++i) {
        const std::string c(1, row.text[i]);
        out += row.differs[i] ? diagnosis::paint(c, Paint::red, colour) : c;
    }
    return out + "\n";
}

void print_bodies(const Side& a, const Side& b, const webhook::BodyDifference& difference, Context& context) {
    auto& out = context.out;
    const auto colour = context.colour_of_out();
    for (const auto* side : {&a, &b}) {
        out << "  " << (side == &a ? "A " : "B ") << count_of(side->capture.body.size(), "byte")
            << ", SHA-256 " << side->sha256 << "  " << side->name << "\n";
    }
    if (difference.equal()) return;
    out << "\n"
        << diagnosis::paint("first difference", Paint::bold, colour) << " at byte "
        << with_thousands(*difference.first) << " (line " << difference.place.line << ", column "
        << difference.place.column << "); " << count_of(difference.common_prefix, "byte") << " in front and "
        << count_of(difference.common_suffix, "byte") << " at the end are the same\n";
    if (looks_like_secret(a.capture.body) || looks_like_secret(b.capture.body)) {
        out << "  what looks like a secret stands in a body: its bytes are not shown\n";
        return;
    }
    for (const auto& [name, rows] : {std::pair{"A", &difference.rows_a}, {"B", &difference.rows_b}}) {
        out << "  " << name << (rows->empty() ? ": ends here\n" : "\n");
        for (const auto& row : *rows) out << hex_row(row, colour);
    }
}

void print_headers(const webhook::HeadersDifference& difference, Context& context) {
    if (difference.equal()) return;
    context.out << "\n" << diagnosis::paint("headers", Paint::bold, context.colour_of_out()) << "\n";
    for (const auto& each : difference.differences) {
        context.out << "  " << visible_excerpt(each.name, 80) << ": ";
        switch (each.kind) {
            case HeaderDifference::Kind::only_in_a:
                context.out << "only in A: " << shown(each.a);
                break;
            case HeaderDifference::Kind::only_in_b:
                context.out << "only in B: " << shown(each.b);
                break;
            case HeaderDifference::Kind::values:
                context.out << "A: " << shown(each.a) << "  B: " << shown(each.b);
                break;
            case HeaderDifference::Kind::name_case:
                context.out << "the name is written otherwise: " << shown(each.a) << ", " << shown(each.b);
                break;
        }
        context.out << remark_on(each.role) << "\n";
    }
    if (difference.order_differs)
        context.out << "  the headers come in another order, which no reader may care about\n";
}

Json json_of(const Side& a, const Side& b, const webhook::BodyDifference& bodies,
             const webhook::HeadersDifference& headers, const std::vector<diagnosis::Finding>& findings) {
    Json document{{"schema", "callchain.diff-webhook/1"}, {"tool_version", CALLCHAIN_VERSION}};
    document["equal"] = bodies.equal();
    document["a"] = {{"file", a.name}, {"length", bodies.length_a}, {"sha256", a.sha256}};
    document["b"] = {{"file", b.name}, {"length", bodies.length_b}, {"sha256", b.sha256}};
    document["first_difference"] =
        bodies.first
            ? Json({{"offset", *bodies.first}, {"line", bodies.place.line}, {"column", bodies.place.column}})
            : Json(nullptr);
    document["common_prefix"] = bodies.common_prefix;
    document["common_suffix"] = bodies.common_suffix;
    document["headers"] = Json::array();
    for (const auto& each : headers.differences) {
        Json entry{{"name", visible(each.name)},
                   {"kind", word_of(each.kind)},
                   {"role", word_of(each.role)},
                   {"a", Json::array()},
                   {"b", Json::array()}};
        for (const auto& value : each.a) entry["a"].push_back(shown(value));
        for (const auto& value : each.b) entry["b"].push_back(shown(value));
        document["headers"].push_back(std::move(entry));
    }
    document["findings"] = Json::array();
    for (const auto& finding : findings) document["findings"].push_back(diagnosis::finding_json(finding));
    return document;
}

Result<int> diff(const DiffOptions& options, Context& context) {
    const auto a = CALLCHAIN_TRY(read_side(options.a, options, context));
    const auto b = CALLCHAIN_TRY(read_side(options.b, options, context));
    const auto bodies = webhook::diff_bodies(a.capture.body, b.capture.body);
    const auto headers = webhook::diff_headers(a.capture.headers, b.capture.headers);
    const auto findings = diagnosis::explain_body_change(a.capture.body, b.capture.body);
    const int code = bodies.equal() ? kDone : kNo;
    if (context.output.json) {
        print_document(context, json_of(a, b, bodies, headers, findings));
        return code;
    }
    const auto colour = context.colour_of_out();
    context.out << (bodies.equal()
                        ? diagnosis::paint("SAME BODY", Paint::green, colour) + ": not a byte differs"
                        : diagnosis::paint("BODIES DIFFER", Paint::red, colour) +
                              (findings.empty() ? ": no alteration of the catalogue turns A into B" : ""))
                << "\n";
    for (const auto& finding : findings) context.out << diagnosis::finding_text(finding, colour);
    print_bodies(a, b, bodies, context);
    print_headers(headers, context);
    return code;
}

}  // namespace

void define_diff_webhook(CLI::App& command, Context& context) {
    auto options = std::make_shared<DiffOptions>();
    command
        .add_option("a", options->a,
                    "The capture nearer to the sender, e.g. from a tunnel; - is standard input")
        ->required()
        ->type_name("FILE");
    command.add_option("b", options->b, "The capture nearer to the application")
        ->required()
        ->type_name("FILE");
    command.add_flag("--bodies", options->bodies,
                     "The files are bare bodies, without request line and headers");
    add_common_options(command, context);
    set_footer(
        command, "Exit codes: 0 the bodies are the same, 1 they differ, 2 usage or unreadable input.",
        {"callchain diff-webhook samples/two-hops/ngrok.http samples/two-hops/railway.http  # exit 1"});
    set_body(command, context, [options, &context] {
        const auto done = diff(*options, context);
        return done ? *done : context.report_error(done.error());
    });
}

}  // namespace callchain::cli
