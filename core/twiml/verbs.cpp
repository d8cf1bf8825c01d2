#include "twiml/verbs.hpp"

#include "base/nearest_words.hpp"
#include "base/text.hpp"

#include <algorithm>
#include <limits>
#include <vector>

namespace callchain::twiml {
namespace {

constexpr std::int64_t kNoLimit = std::numeric_limits<std::int64_t>::max();

constexpr AttributeSpec text(std::string_view name) { return {name, ValueKind::text}; }
constexpr AttributeSpec url(std::string_view name) { return {name, ValueKind::url}; }
constexpr AttributeSpec websocket(std::string_view name) { return {name, ValueKind::websocket}; }
constexpr AttributeSpec method(std::string_view name, int code = 0) {
    return {name, ValueKind::method, {}, 0, 0, code};
}
constexpr AttributeSpec boolean(std::string_view name, int code = 0) {
    return {name, ValueKind::boolean, {}, 0, 0, code};
}
constexpr AttributeSpec integer(std::string_view name, std::int64_t least = 0, std::int64_t most = kNoLimit,
                                int code = 0) {
    return {name, ValueKind::integer, {}, least, most, code};
}
constexpr AttributeSpec word(std::string_view name, std::string_view words) {
    return {name, ValueKind::word, words};
}
constexpr AttributeSpec words(std::string_view name, std::string_view all) {
    return {name, ValueKind::words, all};
}
constexpr AttributeSpec secret(std::string_view name) { return {name, ValueKind::secret}; }

constexpr std::string_view kCallEvents = "initiated ringing answered completed";
constexpr std::string_view kRecordingEvents = "in-progress completed absent";
constexpr std::string_view kTrim = "trim-silence do-not-trim";
constexpr std::string_view kStreamTracks = "inbound_track outbound_track both_tracks";
// "true" and "false" are older spellings of the first two.
constexpr std::string_view kDialRecord =
    "do-not-record record-from-answer record-from-ringing record-from-answer-dual record-from-ringing-dual "
    "true false";
constexpr std::string_view kRingTones =
    "at au bg br be ch cl cn cz de dk ee es fi fr gr hu il in it lt jp mx my nl no nz ph pl pt ru se sg th "
    "uk "
    "us us-old tw ve za";

constexpr AttributeSpec kDial[] = {
    url("action"),
    boolean("answerOnBridge", 13219),
    text("callReason"),
    text("callerId"),
    words("events", "call-progress-event"),
    boolean("hangupOnStar"),
    method("method", 13210),
    text("passports"),
    word("record", kDialRecord),
    text("recordingConfigurationId"),
    url("recordingStatusCallback"),
    words("recordingStatusCallbackEvent", kRecordingEvents),
    method("recordingStatusCallbackMethod"),
    word("recordingTrack", "both inbound outbound"),
    method("referMethod"),
    url("referUrl"),
    word("ringTone", kRingTones),
    boolean("sequential", 13218),
    integer("timeLimit", 1, 86'400, 13216),
    integer("timeout", 5, 600, 13212),
    word("trim", kTrim),
};

constexpr AttributeSpec kSip[] = {
    url("amdStatusCallback"),
    method("amdStatusCallbackMethod"),
    word("machineDetection", "Enable DetectMessageEnd"),
    integer("machineDetectionSilenceTimeout", 2'000, 10'000),
    integer("machineDetectionSpeechEndThreshold", 500, 5'000),
    integer("machineDetectionSpeechThreshold", 1'000, 6'000),
    integer("machineDetectionTimeout", 3, 60),
    method("method"),
    secret("password"),
    url("statusCallback"),
    words("statusCallbackEvent", kCallEvents),
    method("statusCallbackMethod"),
    url("url"),
    secret("username"),
};

constexpr AttributeSpec kSipUri[] = {secret("password"), text("priority"), secret("username"),
                                     text("weight")};

constexpr AttributeSpec kNumber[] = {
    url("amdStatusCallback"),
    method("amdStatusCallbackMethod"),
    text("byoc"),
    word("machineDetection", "Enable DetectMessageEnd"),
    integer("machineDetectionSilenceTimeout", 2'000, 10'000),
    integer("machineDetectionSpeechEndThreshold", 500, 5'000),
    integer("machineDetectionSpeechThreshold", 1'000, 6'000),
    integer("machineDetectionTimeout", 3, 60),
    method("method"),
    text("sendDigits"),
    url("statusCallback"),
    words("statusCallbackEvent", kCallEvents),
    method("statusCallbackMethod"),
    url("url"),
};

constexpr AttributeSpec kClient[] = {method("method"), url("statusCallback"),
                                     words("statusCallbackEvent", kCallEvents),
                                     method("statusCallbackMethod"), url("url")};

constexpr AttributeSpec kApplication[] = {
    boolean("copyParentTo"),
    text("customerId"),
    method("method"),
    url("statusCallback"),
    words("statusCallbackEvent", kCallEvents),
    method("statusCallbackMethod"),
    url("url"),
};

constexpr AttributeSpec kConference[] = {
    word("beep", "true false onEnter onExit"),
    text("coach"),
    boolean("endConferenceOnExit"),
    url("eventCallbackUrl"),
    word("jitterBufferSize", "large medium small off"),
    integer("maxParticipants", 1),
    boolean("muted"),
    text("participantLabel"),
    word("record", "do-not-record record-from-start true false"),
    text("recordingConfigurationId"),
    url("recordingStatusCallback"),
    words("recordingStatusCallbackEvent", kRecordingEvents),
    method("recordingStatusCallbackMethod"),
    word("region", "us1 us2 ie1 sg1 br1 au1 jp1 de1"),
    boolean("startConferenceOnEnter"),
    url("statusCallback"),
    words("statusCallbackEvent", "start end join leave mute hold modify speaker announcement"),
    method("statusCallbackMethod"),
    word("trim", kTrim),
    method("waitMethod"),
    text("waitUrl"),  // empty: no music
};

constexpr AttributeSpec kQueue[] = {method("method"), text("postWorkActivitySid"), text("reservationSid"),
                                    url("url")};
constexpr AttributeSpec kActionAndMethod[] = {url("action"), method("method")};
constexpr AttributeSpec kEnqueue[] = {url("action"),  integer("maxQueueSize"), method("method"),
                                      url("waitUrl"), method("waitUrlMethod"), text("workflowSid")};
constexpr AttributeSpec kTask[] = {integer("priority"), integer("timeout")};

constexpr AttributeSpec kGather[] = {
    url("action"),
    boolean("actionOnEmptyResult"),
    boolean("bargeIn"),
    boolean("debug"),
    boolean("enhanced"),
    text("finishOnKey"),
    text("hints"),
    words("input", "dtmf speech"),
    text("language"),
    integer("maxSpeechTime"),
    method("method"),
    integer("numDigits", 1),
    url("partialResultCallback"),
    method("partialResultCallbackMethod"),
    boolean("profanityFilter"),
    text("speechModel"),
    text("speechTimeout"),
    text("timeout"),
};

constexpr AttributeSpec kPause[] = {integer("length")};
constexpr AttributeSpec kPlay[] = {text("digits"), integer("loop")};

constexpr AttributeSpec kRecord[] = {
    url("action"),
    text("finishOnKey"),
    integer("maxLength", 1),
    method("method"),
    boolean("playBeep"),
    text("recordingConfigurationId"),
    url("recordingStatusCallback"),
    words("recordingStatusCallbackEvent", kRecordingEvents),
    method("recordingStatusCallbackMethod"),
    integer("timeout"),
    boolean("transcribe"),
    url("transcribeCallback"),
    word("trim", kTrim),
};

constexpr AttributeSpec kRedirect[] = {method("method", 13710)};
constexpr AttributeSpec kReject[] = {word("reason", "rejected busy")};
constexpr AttributeSpec kSay[] = {text("language"), integer("loop"), text("voice")};
constexpr AttributeSpec kSms[] = {url("action"), text("from"), method("method"), url("statusCallback"),
                                  text("to")};

constexpr AttributeSpec kPay[] = {
    url("action"),
    word("bankAccountType", "consumer-checking consumer-savings commercial-checking commercial-savings"),
    text("chargeAmount"),
    text("currency"),
    text("description"),
    word("input", "dtmf"),
    text("language"),
    integer("maxAttempts", 1),
    integer("minPostalCodeLength"),
    text("paymentConnector"),
    word("paymentMethod", "ach-debit credit-card"),
    text("postalCode"),
    boolean("securityCode"),
    url("statusCallback"),
    method("statusCallbackMethod"),
    integer("timeout", 1),
    word("tokenType", "one-time reusable payment-method"),
    words("validCardTypes", "visa mastercard amex maestro discover optima jcb diners-club enroute"),
};

constexpr AttributeSpec kPrompt[] = {
    text("attempt"),
    words("cardType", "visa mastercard amex maestro discover optima jcb diners-club enroute"),
    words("errorType",
          "timeout invalid-card-number invalid-card-type invalid-date invalid-security-code internal-error "
          "input-matching-failed"),
    word("for",
         "payment-card-number expiration-date security-code postal-code payment-processing "
         "bank-account-number bank-routing-number"),
    boolean("requireMatchingInputs"),
};

constexpr AttributeSpec kStream[] = {
    text("audioFormat"),          text("connectorName"), text("name"),
    text("sampleRate"),           url("statusCallback"), method("statusCallbackMethod"),
    word("track", kStreamTracks), websocket("url"),
};
constexpr AttributeSpec kSiprec[] = {text("connectorName"), text("name"), url("statusCallback"),
                                     method("statusCallbackMethod"), word("track", kStreamTracks)};

constexpr AttributeSpec kTranscription[] = {
    boolean("enableAutomaticPunctuation"),
    text("hints"),
    text("inboundTrackLabel"),
    text("intelligenceService"),
    text("languageCode"),
    text("name"),
    text("outboundTrackLabel"),
    boolean("partialResults"),
    boolean("profanityFilter"),
    text("speechModel"),
    method("statusCallbackMethod"),
    url("statusCallbackUrl"),
    word("track", kStreamTracks),
    text("transcriptionEngine"),
};

constexpr AttributeSpec kRecording[] = {
    word("channels", "mono dual"),
    text("name"),
    text("recordingConfigurationId"),
    url("recordingStatusCallback"),
    words("recordingStatusCallbackEvent", kRecordingEvents),
    method("recordingStatusCallbackMethod"),
    word("track", "inbound outbound both"),
    word("trim", kTrim),
};

constexpr AttributeSpec kConversation[] = {
    boolean("inboundAutocreation"),
    integer("inboundTimeout"),
    method("method"),
    word("record", kDialRecord),
    url("recordingStatusCallback"),
    words("recordingStatusCallbackEvent", kRecordingEvents),
    method("recordingStatusCallbackMethod"),
    integer("routingAssignmentTimeout"),
    text("serviceInstanceSid"),
    url("statusCallback"),
    words("statusCallbackEvent", "call-initiated call-ringing call-answered call-completed"),
    method("statusCallbackMethod"),
    word("trim", kTrim),
    url("url"),
};

constexpr AttributeSpec kConversationRelay[] = {
    text("backgroundNoiseReduction"),
    text("backgroundnoisereduction"),  // the typings have some in small letters
    text("debug"),
    text("deepgramSmartFormat"),
    text("deepgramsmartformat"),
    boolean("dtmfDetection"),
    text("elevenlabsTextNormalization"),
    text("eotThreshold"),
    text("events"),
    text("hints"),
    text("ignoreBackchannel"),
    text("ignorebackchannel"),
    text("intelligenceService"),
    text("interruptSensitivity"),
    text("interruptible"),
    text("language"),
    boolean("partialPrompts"),
    boolean("preemptible"),
    boolean("profanityFilter"),
    word("reportInputDuringAgentSpeech", "none dtmf speech any true false"),
    text("speechModel"),
    text("speechTimeout"),
    text("speechtimeout"),
    text("transcriptionLanguage"),
    text("transcriptionProvider"),
    text("ttsLanguage"),
    text("ttsProvider"),
    text("turnDetection"),
    websocket("url"),
    text("voice"),
    text("welcomeGreeting"),
    text("welcomeGreetingInterruptible"),
};

constexpr AttributeSpec kAssistant[] = {text("id"), text("voice"), text("welcomeGreeting")};

constexpr AttributeSpec kLanguage[] = {text("code"), text("speechModel"), text("transcriptionProvider"),
                                       text("ttsProvider"), text("voice")};
constexpr AttributeSpec kVirtualAgent[] = {text("connectorName"), text("language"),
                                           boolean("sentimentAnalysis"), url("statusCallback"),
                                           method("statusCallbackMethod")};
constexpr AttributeSpec kAiSession[] = {text("aiConnector"), text("aiSessionConfiguration")};
constexpr AttributeSpec kRelaySession[] = {text("connector"), text("sessionConfiguration")};
constexpr AttributeSpec kRoom[] = {text("participantIdentity")};
constexpr AttributeSpec kNameAndValue[] = {text("name"), text("value")};

constexpr AttributeSpec kBreak[] = {word("strength", "none x-weak weak medium strong x-strong"),
                                    text("time")};
constexpr AttributeSpec kEmphasis[] = {word("level", "strong moderate reduced")};
constexpr AttributeSpec kPhoneme[] = {text("alphabet"), text("ph")};
constexpr AttributeSpec kProsody[] = {text("pitch"), text("rate"), text("volume")};
constexpr AttributeSpec kSayAs[] = {text("format"), text("interpret-as")};
constexpr AttributeSpec kSub[] = {text("alias")};
constexpr AttributeSpec kW[] = {text("role")};

constexpr std::string_view kSpeech = "Say emphasis lang p prosody s w";

constexpr ElementSpec kElements[] = {
    {kRoot, ""},
    // Verbs.
    {"Connect", kRoot, TextKind::none, kActionAndMethod},
    {"Dial", kRoot, TextKind::free, kDial},
    {"Echo", kRoot},
    {"Enqueue", kRoot, TextKind::free, kEnqueue},
    {"Gather", kRoot, TextKind::none, kGather},
    {"Hangup", kRoot},
    {"Leave", kRoot},
    {"Pause", "Response Gather Prompt", TextKind::none, kPause},
    {"Pay", kRoot, TextKind::none, kPay},
    {"Play", "Response Gather Prompt", TextKind::url, kPlay},
    {"Prompt", "Response Pay", TextKind::none, kPrompt},
    {"Queue", "Dial Response", TextKind::free, kQueue},
    {"Record", kRoot, TextKind::none, kRecord},
    {"Redirect", kRoot, TextKind::url, kRedirect},
    {"Refer", kRoot, TextKind::none, kActionAndMethod},
    {"Reject", kRoot, TextKind::none, kReject},
    {"Say", "Response Gather Prompt", TextKind::free, kSay},
    {"Sms", kRoot, TextKind::free, kSms},
    {"Start", kRoot, TextKind::none, kActionAndMethod},
    {"Stop", kRoot},
    // Nouns of <Dial>.
    {"Application", "Dial", TextKind::free, kApplication},
    {"Client", "Dial", TextKind::free, kClient},
    {"Conference", "Dial", TextKind::free, kConference},
    {"Number", "Dial", TextKind::free, kNumber},
    {"Sim", "Dial", TextKind::free},
    {"Sip", "Dial", TextKind::free, kSip},
    {"WhatsApp", "Dial", TextKind::free, kClient},
    {"Sip", "Refer", TextKind::free},
    {"Uri", "Sip", TextKind::free, kSipUri},
    {"Headers", "Sip"},
    {"Header", "Headers", TextKind::none, kNameAndValue},
    {"ApplicationSid", "Application", TextKind::free},
    {"Identity", "Client", TextKind::free},
    // Nouns of the other verbs.
    {"AiSession", "Connect", TextKind::free, kAiSession},
    {"Assistant", "Connect", TextKind::none, kAssistant, true},
    {"Autopilot", "Connect", TextKind::free},
    {"Conversation", "Connect", TextKind::none, kConversation},
    {"ConversationRelay", "Connect", TextKind::none, kConversationRelay, true},
    {"ConversationRelaySession", "Connect", TextKind::none, kRelaySession},
    {"Room", "Connect", TextKind::free, kRoom},
    {"VirtualAgent", "Connect", TextKind::none, kVirtualAgent},
    {"Stream", "Connect Start Stop", TextKind::none, kStream},
    {"Siprec", "Start Stop", TextKind::none, kSiprec},
    {"Transcription", "Start Stop", TextKind::none, kTranscription},
    {"Recording", "Start Stop", TextKind::none, kRecording},
    {"Language", "ConversationRelay", TextKind::none, kLanguage},
    {"Config", "Transcription VirtualAgent", TextKind::none, kNameAndValue},
    {"Parameter",
     "Application Client Assistant ConversationRelay Hangup Pay Reject Siprec Stream Transcription "
     "VirtualAgent",
     TextKind::none, kNameAndValue},
    {"Task", "Enqueue", TextKind::free, kTask},
    // Speech mark-up. Stricter nesting than this is Amazon's and Google's affair.
    {"break", kSpeech, TextKind::none, kBreak},
    {"emphasis", kSpeech, TextKind::free, kEmphasis},
    {"lang", kSpeech, TextKind::free},
    {"p", kSpeech, TextKind::free},
    {"phoneme", kSpeech, TextKind::free, kPhoneme},
    {"prosody", kSpeech, TextKind::free, kProsody},
    {"s", kSpeech, TextKind::free},
    {"say-as", kSpeech, TextKind::free, kSayAs},
    {"sub", kSpeech, TextKind::free, kSub},
    {"w", kSpeech, TextKind::free, kW},
};

// Longer words are no slips of the known ones.
constexpr std::size_t kMostCompared = 63;

/// Keeps the best of what is offered to it.
class Nearest {
  public:
    explicit Nearest(std::string_view word)
        : word_(word), fewest_(word.size() > kMostCompared ? 0 : word.size() / 3 + 1) {}
    /// Whether `candidate` is nearer than all before.
    bool offer(std::string_view candidate) {
        if (fewest_ == 0) return false;
        const auto edits = edit_distance(ascii_lower(word_), ascii_lower(candidate));
        if (edits >= fewest_) return false;
        fewest_ = edits;
        return true;
    }

  private:
    std::string_view word_;
    std::size_t fewest_;
};

}  // namespace

const AttributeSpec* ElementSpec::find(std::string_view attribute) const {
    const auto found = std::find_if(attributes.begin(), attributes.end(),
                                    [&](const auto& each) { return each.name == attribute; });
    return found == attributes.end() ? nullptr : &*found;
}

std::span<const ElementSpec> element_specs() { return kElements; }

const ElementSpec* find_spec(std::string_view name, std::string_view parent) {
    for (const auto& spec : kElements)
        if (spec.name == name && has_word(spec.parents, parent)) return &spec;
    return nullptr;
}

const ElementSpec* find_spec_in_any_case(std::string_view name, std::string_view parent) {
    for (const auto& spec : kElements)
        if (equal_ignoring_case(spec.name, name) && has_word(spec.parents, parent)) return &spec;
    return nullptr;
}

const ElementSpec* find_spec_anywhere(std::string_view name) {
    for (const auto& spec : kElements)
        if (spec.name == name) return &spec;
    return nullptr;
}

const ElementSpec* nearest_spec(std::string_view name, std::string_view parent) {
    Nearest nearest(name);
    const ElementSpec* best = nullptr;
    for (const auto& spec : kElements)
        if (has_word(spec.parents, parent) && nearest.offer(spec.name)) best = &spec;
    return best;
}

const AttributeSpec* nearest_attribute(std::string_view name, const ElementSpec& element) {
    Nearest nearest(name);
    const AttributeSpec* best = nullptr;
    for (const auto& each : element.attributes)
        if (nearest.offer(each.name)) best = &each;
    return best;
}

bool has_word(std::string_view words, std::string_view word) {
    const auto all = split(words, ' ');
    return !word.empty() && std::find(all.begin(), all.end(), word) != all.end();
}

std::string_view nearest_word(std::string_view word, std::string_view words) {
    Nearest nearest(word);
    std::string_view best;
    for (const auto candidate : split(words, ' '))
        if (nearest.offer(candidate)) best = candidate;
    return best;
}

}  // namespace callchain::twiml
