#include "serve_inputs.hpp"

namespace callchain::cli {
namespace {

constexpr std::size_t kMostPromptBytes = std::size_t{256} << 10U;

// A secret of a variable as it stands there: what is a list or dirty is for read_serve_config() to say.
Result<std::vector<signature::LabelledSecret>> read_sources(Context& context, const SecretSources& sources,
                                                            const std::string& variable) {
    if (!sources.empty()) return read_secrets(context, sources, variable);
    const auto value = context.variable(variable);
    if (!value || value->empty()) return std::vector<signature::LabelledSecret>{};
    return std::vector<signature::LabelledSecret>{{variable, *value, 0}};
}

}  // namespace

GatheredServe gather_serve(const ServeSources& sources, const config::FlagLookup& flags, Context& context) {
    const auto variable = [&](const std::string& name) { return context.variable_with_origin(name); };
    GatheredServe gathered{{.settings = config::Settings(service::serve_settings(), flags, variable),
                            .webhook_secrets = {},
                            .api_keys = {},
                            .twilio_tokens = {},
                            .prompt = {}},
                           {}};
    auto& inputs = gathered.inputs;
    const auto read = [&](const SecretSources& given, const char* name,
                          std::vector<signature::LabelledSecret>& into) {
        auto secrets = read_sources(context, given, name);
        if (secrets)
            into = *std::move(secrets);
        else
            gathered.problems.push_back(secrets.error());
    };
    read(sources.webhook_secrets, "OPENAI_WEBHOOK_SECRET", inputs.webhook_secrets);
    read(sources.api_keys, "OPENAI_API_KEY", inputs.api_keys);
    read(sources.tokens, "TWILIO_AUTH_TOKEN", inputs.twilio_tokens);
    if (const auto& path = inputs.settings.value("OPENAI_PROMPT_PATH"); !path.empty())
        inputs.prompt = context.read_input(path, kMostPromptBytes);
    inputs.railway_domain = context.variable("RAILWAY_PUBLIC_DOMAIN").value_or("");
    inputs.log_to_terminal = context.out_is_terminal && !context.output.json;
    return gathered;
}

}  // namespace callchain::cli
