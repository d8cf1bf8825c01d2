#include "timeline/event.hpp"

namespace callchain::timeline {

std::string_view name_of(Party party) {
    switch (party) {
        case Party::whatsapp:
            return "WhatsApp";
        case Party::gateway:
            return "gateway";
        case Party::twilio:
            return "Twilio";
        case Party::serve:
            return "serve";
        case Party::openai:
            break;
    }
    return "OpenAI";
}

std::string_view word_of(Party party) {
    switch (party) {
        case Party::whatsapp:
            return "whatsapp";
        case Party::gateway:
            return "gateway";
        case Party::twilio:
            return "twilio";
        case Party::serve:
            return "serve";
        case Party::openai:
            break;
    }
    return "openai";
}

std::string_view word_of(Medium medium) {
    switch (medium) {
        case Medium::sip:
            return "sip";
        case Medium::http:
            return "http";
        case Medium::websocket:
            return "websocket";
        case Medium::note:
            break;
    }
    return "note";
}

}  // namespace callchain::timeline
