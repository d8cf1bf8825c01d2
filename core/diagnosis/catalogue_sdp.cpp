/// Rows of the catalogue: session descriptions: what the filter removes, and what decides whether a call has
/// sound.
#include "diagnosis/catalogue_tables.hpp"

namespace callchain::diagnosis {
namespace {

constexpr CatalogueEntry kEntries[] = {
    {"sdp_additional_codecs_needed", "Meta takes what is left only where additional codecs are set",
     "In Meta's settings of the phone number set calling.audio.additional_codecs to [\"PCMU\",\"PCMA\"], and "
     "read it back with GET.",
     "Meta's calls over SIP speak Opus. Since 2026-03 a phone number can also be set to take PCMU and PCMA, "
     "and Meta then transcodes on its side. An offer that goes to Meta with G.711 alone works if that is set "
     "and is refused if it is not; the offer itself does not show which."},
    {"sdp_address_unreachable", "The media address cannot be reached, or not surely",
     "Let the sender put its public IPv4 address into c=.",
     "The address of c= is where the other side sends its sound. Private addresses, loopback and multicast "
     "are not reached from Twilio or Meta, and sound then goes one way; Twilio ends such calls with 32014. "
     "Of IPv6 no document of Twilio's for SIP speaks. Where ICE is offered the candidates count instead."},
    {"sdp_answer_crypto", "The answer takes no a=crypto line of the offer",
     "Look at the side that answered: it must repeat the tag and the suite of exactly one offered line, with "
     "a key of its own.",
     "With SDES each a=crypto line of an offer has a tag. The answer has one line, with the tag and the "
     "suite of the line that it takes (RFC 4568 section 5.1.2). Without one, or with a suite that was not "
     "offered under that tag, the two sides have no key in common and both hear noise or nothing."},
    {"sdp_answer_direction", "The direction of the answer does not fit that of the offer",
     "Answer sendonly by recvonly, recvonly by sendonly, inactive by inactive.",
     "A stream that one side only sends can only be received by the other (RFC 3264 section 6.1). A peer "
     "that ignores this sends sound which nobody plays, or waits for sound that nobody sends. The call "
     "stands; the silence looks like a fault of the network."},
    {"sdp_answer_dtls", "The answer cannot begin DTLS",
     "Answer with a fingerprint, and a=setup:actpass by a=setup:active.",
     "An answer to a DTLS offer has a fingerprint and says which side begins: active or passive, and not "
     "what the offer has (RFC 5763 section 5). Two active sides, or two that wait, never agree on keys: the "
     "call is up and mute, and Meta ends it after 20 seconds."},
    {"sdp_answer_media_count", "The answer has more or fewer m= lines than the offer",
     "Make the answer from the offer: one m= line for each, in the same order, port 0 for what is refused.",
     "Answer and offer are matched by position (RFC 3264 section 6). With another number of lines nobody can "
     "tell which answer belongs to which stream, and peers end the call. It comes about where a gateway "
     "drops the lines that it does not like, instead of leaving them in place with port 0."},
    {"sdp_answer_missing", "The ACK has no answer to the offer of the 200",
     "Look at the side that called: its INVITE had no offer, so its ACK must bring the answer.",
     "An INVITE without an offer is answered with one, and the ACK brings the answer (RFC 3264 section 4, "
     "RFC 3261 section 13.2.1). Without it nobody knows where to send sound: the gateway ends the call on "
     "both "
     "sides."},
    {"sdp_answer_port_zero", "The answer refuses the audio: port 0",
     "End the call with BYE or refuse it with 488. Then look for what the two sides do not have in common: "
     "codecs first, then the profile (RTP/AVP, RTP/SAVP).",
     "Port 0 in an answer means that the stream is refused (RFC 3264 section 6). With the only audio stream "
     "refused the call is up and mute, and it is charged. A gateway that lets it stand gives its user the "
     "hardest fault to find: everything says 200, and nobody hears anything."},
    {"sdp_answer_revives_stream", "The answer gives a port to a stream that was offered at port 0",
     "Answer at port 0 what was offered at port 0.",
     "A stream at port 0 in an offer is switched off, and the answer must leave it so (RFC 3264 section 6). "
     "The exception is a=bundle-only. A peer that answers with a port expects media that nobody sends."},
    {"sdp_answer_rtcp_mux", "The answer has a=rtcp-mux, and the offer had not",
     "Look at the side that answered. Sound is not touched; reports of loss and delay may be lost.",
     "RTP and RTCP may share a port only where the offer said so (RFC 5761 section 5.1.1). A side that "
     "shares without being asked sends its RTCP where the other does not look for it. Where Meta offers "
     "rtcp-mux and Twilio does not answer it, which is usual, all is well."},
    {"sdp_answer_transport_differs", "The answer has another media type or protocol than the offer",
     "Look at the side that answered: RTP/AVP for an offer of RTP/SAVP means that it does no SRTP. Switch "
     "SRTP on there, or do not offer it.",
     "The m= line of an answer repeats type and protocol of the offer (RFC 3264 section 6.1). Rewriting the "
     "protocol in a gateway does not help: the bytes on the wire stay encrypted, or stay plain, and the "
     "other side cannot read them."},
    {"sdp_attribute_of_refused_media", "The line describes a stream that is refused",
     "Nothing: a refused stream needs no description. The line comes back by itself where the stream is "
     "accepted.",
     "What stands below an m= line at port 0 has no meaning (RFC 3264 section 6). The filter leaves the m= "
     "line in its place and keeps its i=, c=, b= and a=mid lines, which say which stream this was; "
     "candidates, fingerprints and codecs of it would only lead readers astray."},
    {"sdp_attribute_of_removed_format", "The line describes a format that was removed",
     "Nothing, or keep the codec with --keep.",
     "a=fmtp and a=rtcp-fb lines carry the number of the format that they describe. Where the number is "
     "taken off the m= line they would describe nothing, and strict parsers refuse that; Twilio then reports "
     "32102."},
    {"sdp_attribute_without_format", "The line describes a number that is not on its m= line",
     "Look at the sender, or at what edited the body before: it took the number away and left its "
     "description.",
     "An a=rtpmap, a=fmtp or a=rtcp-fb line belongs to a number on the m= line above it. Lines for other "
     "numbers are left over from an editor that did half of the work, or a slip of the sender. They are "
     "removed, since some parsers take them for an offer and others refuse the body."},
    {"sdp_bundle_only_refused", "A stream of a bundle at port 0 was refused",
     "Nothing, unless you need that stream.",
     "Port 0 together with a=bundle-only does not switch a stream off: it offers it within the bundle and "
     "nowhere else (RFC 9143 section 6). Since only audio goes on here, the stream is made a real refusal, "
     "without that line, and its mid leaves the group."},
    {"sdp_codec_other_rate", "A codec of that name, but at another clock rate or number of channels",
     "To keep it, write it out: --keep name/clock/channels, e.g. L16/16000/1. For PCMU and PCMA leave it: "
     "telephony takes 8000 Hz and one channel.",
     "A name alone does not make a codec: PCMU/16000 and PCMU/8000/2 are not what a telephone understands by "
     "PCMU. A name in --keep means the clock and the channels it is registered with, PCMU/8000/1 for "
     "instance. The rtpmap decides, and where it leaves out the channels, there is one."},
    {"sdp_codec_removed", "The codec is not among those to keep",
     "Nothing, if the next hop does not take it. Else name it: --keep PCMU,PCMA,opus,telephone-event.",
     "The number is taken off the m= line together with its rtpmap, fmtp and rtcp-fb lines. Other numbers "
     "keep their value: what was 126 stays 126, and no number is invented, because the other side answers "
     "with the numbers it was offered."},
    {"sdp_codec_unproved_at_twilio", "No G.711 is left, and Twilio documents nothing else for SIP Domains",
     "In Meta's settings of the phone number set calling.audio.additional_codecs to [\"PCMU\",\"PCMA\"]. Or "
     "ask Twilio to enable Opus for the account.",
     "Twilio's documentation names PCMU and PCMA for SIP. Samples in Meta's documentation show a Twilio "
     "gateway that takes Opus, and Twilio offers Opus for Elastic SIP Trunking on request. So an offer of "
     "Opus alone may work; whether it does for your account cannot be seen in the offer."},
    {"sdp_comfort_noise_removed", "Comfort noise is not among the codecs to keep",
     "Nothing. To let it pass, add CN to --keep.",
     "CN carries the sound of silence and is no voice codec. Neither Meta nor Twilio needs it. With CN in "
     "the list it stays at the clock rate of a voice codec that stays, and a stream that has nothing but CN "
     "left is refused."},
    {"sdp_crypto_in_plain_profile", "a=crypto stands under a profile that is not encrypted",
     "Let the sender offer RTP/SAVP, or leave a=crypto away.",
     "SDES belongs to the profiles RTP/SAVP and RTP/SAVPF. Some senders put a=crypto under RTP/AVP as an "
     "invitation to encrypt; Twilio refuses that with error 32207 while Secure Media is off."},
    {"sdp_crypto_missing", "The profile is SRTP, but there is no key",
     "Look at the sender: RTP/SAVP needs at least one a=crypto line, or a fingerprint with DTLS.",
     "An offer of RTP/SAVP without a=crypto and without a=fingerprint gives the other side nothing to "
     "decrypt with. It comes about where something removes a=crypto lines, for instance a log or a proxy "
     "that hides secrets, and the body is then used again."},
    {"sdp_crypto_mki", "Every usable key has a master key identifier (MKI)",
     "Let the sender offer a key without MKI; where several lines are offered, one without is enough.",
     "An MKI adds bytes to every packet and tells which of several keys is in use. Twilio's documentation "
     "says that it is not taken. Meta's offers have none."},
    {"sdp_crypto_suite", "No SRTP suite in common",
     "Let the sender offer AES_CM_128_HMAC_SHA1_80: both Meta and Twilio have it.",
     "Twilio takes AES_CM_128_HMAC_SHA1_80 and AES_CM_128_HMAC_SHA1_32. Meta uses the first of them and "
     "offers no other. Lines with other suites may stand beside it; the answer takes the one that it knows."},
    {"sdp_crypto_unreadable", "The a=crypto lines cannot be read",
     "Judge the body of a real call. In samples of documentation keys are masked by asterisks.",
     "A line has a tag, a suite and a key behind inline:. Where the value is masked, neither the suite nor "
     "the presence of an MKI can be judged; the rest of the offer still is. A real peer refuses such a "
     "line."},
    {"sdp_crypto_weakened", "Every usable key asks to leave out encryption or authentication",
     "Let the sender offer a line without UNENCRYPTED_SRTP, UNENCRYPTED_SRTCP and UNAUTHENTICATED_SRTP "
     "behind the key.",
     "Session parameters behind the key of an a=crypto line may switch parts of SRTP off (RFC 4568 section "
     "6.3). A side that does not support one must refuse the line, and neither Meta nor Twilio documents "
     "them."},
    {"sdp_dtls_offer", "The offer wants keys by DTLS, which the other side does not do",
     "In Meta's settings of the phone number set calling.srtp_key_exchange_protocol to SDES, as the last "
     "settings call, and read it back with GET.",
     "Meta's default is WebRTC media: UDP/TLS/RTP/SAVPF with ICE and DTLS. Twilio's SIP Domains know plain "
     "RTP, or SRTP with keys in the SDP (SDES). Changing the profile's name in the body does not help, since "
     "the packets stay as they are. Without a media engine in between, only the setting at Meta makes the "
     "call work. The setting is absent from what GET returns where it is not set, and saving the servers may "
     "set it back."},
    {"sdp_empty_line_removed", "Empty lines at the end of the description were removed",
     "Nothing: the call loses nothing by it. If a gateway added them, look at how it puts bodies together.",
     "A description ends with its last line; an empty line behind it is usually an editor's or a log's. Some "
     "parsers refuse it, so it is taken off. An empty line with something behind it is another matter: then "
     "the body is not what it seems, and it is refused."},
    {"sdp_encoded", "The body has a Content-Encoding",
     "Let the sender leave Content-Encoding out: a session description goes as it is.",
     "A body that is packed cannot be judged by what does not unpack it, and nobody in this chain does. The "
     "gateway answers 415 with the codings that it takes (RFC 3261 section 21.4.13)."},
    {"sdp_event_clock_differs", "telephone-event at a clock rate that no voice codec left has",
     "Nothing, where another telephone-event stays. To keep it on purpose, name its clock: --keep "
     "PCMU,PCMA,telephone-event/48000.",
     "Key presses travel in the same stream as the voice and share its timestamps, so they need the clock "
     "rate of the voice codec (RFC 4733 section 2.1). Browsers offer one telephone-event per rate, 48000 for "
     "Opus and 8000 for G.711. One exception is known: Meta sends telephone-event/8000 beside Opus, which "
     "runs at 48000. If Opus is to pass, keep telephone-event/8000 by name and clock."},
    {"sdp_event_clock_invalid", "telephone-event without a usable clock rate",
     "Look at the sender: the line should read a=rtpmap:101 telephone-event/8000.",
     "The clock rate stands behind the slash of an rtpmap and must be there. Values such as 0 or 101, the "
     "payload number in the wrong place, have been seen. What cannot be played at the rate of the voice "
     "codec would scramble the keys, so the format goes, with its parameters."},
    {"sdp_format_not_a_number", "A format of an RTP stream is no payload type number",
     "Look at the sender: formats of RTP are numbers from 0 to 127.",
     "For RTP/AVP and its relatives the words behind the protocol on an m= line are payload type numbers "
     "(RFC 8866 section 5.14). A name or a larger number there cannot be matched with an rtpmap, so it is "
     "taken off."},
    {"sdp_format_not_offered", "The answer has a format that the offer had not",
     "Nothing, where a codec in common is left: it was taken out. Else look at what was offered to the side "
     "that answered.",
     "An answer may name further formats (RFC 3264 section 6.1), but a peer that takes one stream with the "
     "codecs it offered, as Meta does, cannot use them. A number counts as offered only with the same codec "
     "behind it. Gateways that write 0 8 101 into every offer get such answers."},
    {"sdp_format_repeated", "A number stands on the m= line twice",
     "Look at the sender; the call is not touched by it.",
     "Each payload type number may stand once. The first one stays, the others go, so that the order of "
     "preference is clear to every reader of the line."},
    {"sdp_format_without_rtpmap", "A dynamic number without an rtpmap",
     "Look at the sender, or at what edited the body: the a=rtpmap line of that number is missing.",
     "Numbers from 96 on, and those that RFC 3551 leaves open, mean nothing without an a=rtpmap line below "
     "the same m= line. The number 101 is often used for telephone-event, but nothing says so; without its "
     "rtpmap it goes, with its parameters."},
    {"sdp_formats_removed", "Numbers were taken off an m= line",
     "Nothing, or keep more codecs with --keep. Each number that went is listed with its own reason.",
     "The m= line lists the payload type numbers in the order of preference. Those that stay keep their "
     "order and their value, and type, port and protocol of the line are not touched."},
    {"sdp_group_dropped", "Fewer than two streams are left in a group, so it was dropped",
     "Nothing: the call loses nothing by it.",
     "A group line bundles streams or ties them to each other by their mid. With one stream left there is "
     "nothing to bundle. A group of one that was offered like this and lost nobody, as in Meta's offers, is "
     "left as it is."},
    {"sdp_group_mended", "Refused streams were taken out of a group",
     "Nothing: the call loses nothing by it.",
     "A stream at port 0 may not be named in a BUNDLE group (RFC 9143 section 7.3.3). The first mid that is "
     "left becomes the tagged one, whose address the bundle uses, by standing first."},
    {"sdp_keys_contradict", "The profile says DTLS, and the keys are SDES",
     "Look at the sender. At Meta, save srtp_key_exchange_protocol SDES once more as the last settings call, "
     "and compare the next offer.",
     "UDP/TLS/RTP/SAVPF says that keys come by DTLS, which needs a fingerprint. Here there is none, and an "
     "a=crypto line has a key. One report tells of such offers of Meta's after the switch to SDES. Each side "
     "may take it as it likes, so the call cannot be trusted."},
    {"sdp_media_not_audio", "A stream that is not audio was refused", "Nothing, for voice calls.",
     "Video, fax (image), text, messages and data channels do not go on. Their m= lines stay in place with "
     "port 0 and one format, because offer and answer are matched by position: a line that vanished would "
     "shift all that follow."},
    {"sdp_meta_sdes_needed", "Meta takes SDES keys only where the number is set to SDES",
     "In Meta's settings of the phone number set calling.srtp_key_exchange_protocol to SDES, as the last "
     "settings call, and read it back with GET.",
     "Meta's default is DTLS. An offer with SDES keys that goes to a number with the default is refused, and "
     "the offer does not show how the number is set."},
    {"sdp_no_audio", "There is no live audio stream over RTP",
     "Look at the sender: a call begins with an m=audio line that has a port.",
     "Every m= line is at port 0, is not audio, or does not go over RTP. In an offer that begins a call this "
     "is a fault of the sender or of something that edited the body; in a later one it may be the end of the "
     "audio, on purpose."},
    {"sdp_no_common_codec", "No voice codec is left",
     "In Meta's settings of the phone number set calling.audio.additional_codecs to [\"PCMU\",\"PCMA\"]; or "
     "keep a codec that is offered, if the next hop takes it.",
     "What is offered and what is to be kept have no voice codec in common. telephone-event and comfort "
     "noise alone carry no voice. Meta's default offer is Opus and telephone-event; Twilio's SIP Domains are "
     "documented for PCMU and PCMA. A gateway that writes 0 and 8 into the offer anyway gets an answer that "
     "the caller never offered, and a call without sound; 488 is the honest answer."},
    {"sdp_no_dtmf", "Keys pressed will not arrive",
     "Nothing, if the call needs no keys. Else let the sender offer telephone-event at the clock rate of a "
     "voice codec that stays.",
     "Keys travel as telephone-event, negotiated like a codec. If it is missing on one side, nothing is "
     "sent, or the tones go through the voice codec and are not recognised as keys."},
    {"sdp_no_voice_codec", "No voice codec is left in the stream, so it was refused",
     "Ask for the verdict, which names the setting to change: callchain sdp-filter --verdict FILE.",
     "After the filter the stream has no codec that can carry voice: nothing at all, or only "
     "telephone-event, comfort noise or redundancy. An m= line without formats is malformed, and one with "
     "events alone gives a mute call; so it stays in place with port 0 and its first format. Where no other "
     "audio stream lives, the gateway answers 488."},
    {"sdp_on_hold", "The stream is on hold, or goes one way",
     "If this is the first offer or answer of a call, look at the sender; in the middle of a call it is hold "
     "and may be meant.",
     "a=sendonly, a=recvonly, a=inactive or the address 0.0.0.0 say that sound goes one way or not at all. "
     "Meta does not take a second INVITE within a call, so a hold cannot be passed on to it or taken back."},
    {"sdp_other_type", "The body is no session description",
     "Look at Content-Type of the INVITE or its answer: application/sdp is what is taken.",
     "Sound is agreed on by application/sdp alone here; bodies in several parts are not opened. The gateway "
     "answers 415 to such an INVITE, and ends a call whose answer is of another type (RFC 3261 section "
     "21.4.13)."},
    {"sdp_plain_rtp", "The offer is plain RTP where SRTP is required",
     "Let the sender offer RTP/SAVP with SDES: in TwiML write ;secure=true behind the SIP URI. For a test in "
     "a laboratory, switch off Secure Media of the Twilio SIP Domain.",
     "A Twilio SIP Domain with Secure Media on takes TLS with SRTP and refuses anything else with 32208 or "
     "32209; Meta takes SRTP only. The profile RTP/AVP on the m= line says that nothing is encrypted."},
    {"sdp_profile_unusual", "The profile is none that the other side is known to take",
     "Make a test call, or let the sender offer RTP/SAVP, or RTP/AVP where nothing is encrypted.",
     "Between Meta and Twilio RTP/SAVP was seen, and RTP/AVP where nothing is encrypted. The profiles with "
     "feedback, RTP/AVPF and RTP/SAVPF, are near to them and may work; others are not RTP over UDP, or do "
     "not exist. A gateway cannot rewrite the profile, since answer and offer must have the same."},
    {"sdp_redundancy_removed", "Redundancy or retransmission of what does not stay",
     "Nothing: the call loses nothing by it.",
     "red, rtx and forward error correction repeat or protect other formats, which they name in their "
     "parameters. Where one of those goes, or the clock rate is not that of a codec that stays, they go with "
     "it."},
    {"sdp_rid_removed", "A restriction or simulcast names a format that was removed",
     "Nothing, for voice calls.",
     "a=rid lines may be tied to payload type numbers, and a=simulcast lists rids. What names a number that "
     "went would point nowhere."},
    {"sdp_rtpmap_repeated", "A number has two rtpmap lines; the other one counts",
     "Look at the sender: each number may have one a=rtpmap line.",
     "Two rtpmaps for one number contradict each other. The number stays if one of them is a codec to keep "
     "(for events: at the right clock rate); that line stays, the others go, so that the next hop reads the "
     "same as this one."},
    {"sdp_secure_media_off", "The offer is SRTP, and Secure Media of the SIP Domain is off",
     "In the Twilio Console switch on Secure Media of the SIP Domain. It then takes TLS with SRTP, and "
     "nothing else.",
     "Secure Media is off unless it was switched on, and the domain then refuses RTP/SAVP with error 32207. "
     "Meta offers SRTP only. Writing RTP/AVP into the body instead would not help: the packets would still "
     "be encrypted."},
    {"sdp_several_audio_streams", "The offer has several live audio streams",
     "Let the sender offer one audio stream.",
     "Some phones offer the same audio twice, encrypted and plain. Each gets an answer, and which one "
     "carries the sound is the choice of the side that answers. The verdict looks at the first that the "
     "filter leaves."},
    {"sdp_static_type_remapped", "A static number is used for another codec",
     "Nothing: the rtpmap counts. Look at the sender if you expected G.711 there.",
     "0 means PCMU and 8 means PCMA only where no a=rtpmap line says otherwise. With a=rtpmap:0 G729/8000 "
     "the number 0 is G729 in this stream, and a filter that goes by the number would keep a codec that the "
     "next hop cannot play."},
    {"sdp_transport_not_rtp", "Audio that does not go over RTP was refused",
     "Look at the sender: this chain takes RTP/AVP, RTP/SAVP and their relatives.",
     "The protocol on the m= line is none of RTP's profiles, so the words behind it are no payload types and "
     "cannot be judged. The stream stays in place with port 0."},
    {"sdp_unreadable", "The session description cannot be read",
     "Look at the line that the log names, and at what wrote it.",
     "A description that is malformed means different things to different readers, so it is neither mended "
     "nor "
     "passed on (RFC 8866 section 5). callchain sdp-filter says where it stops to make sense."},
};

}  // namespace

std::span<const CatalogueEntry> sdp_entries() { return kEntries; }

}  // namespace callchain::diagnosis
