/// Rows of the catalogue: captures and logs: evidence that is missing, cut or changed.
#include "diagnosis/catalogue_tables.hpp"

namespace callchain::diagnosis {
namespace {

constexpr CatalogueEntry kEntries[] = {
    {"capture_body_shorter", "The body is shorter than its Content-Length says",
     "Record the delivery again, whole: read as many bytes as Content-Length names before writing the "
     "file. Check the disk and the size limit of the recorder.",
     "The capture's own header promises more bytes than there are. The recorder stopped early, the "
     "connection broke, or somebody copied the file through a tool that cuts or drops bytes. It also "
     "happens when the body was edited by hand and the header was not. The missing bytes were signed, so "
     "a mismatch says nothing about the secret as long as they are missing. This is read from the file "
     "and is a hint as to the cause."},
    {"capture_final_newline", "One line end behind the body was left off: an editor's final newline",
     "Nothing is wrong with the delivery. To keep the file as it was, save captures with a tool that "
     "adds no line end, or set the editor not to add one.",
     "The file has exactly one line end more than Content-Length allows, which is what editors and some "
     "recorders add when they save. callchain does not count it as part of the body and goes on, and "
     "says so here. Without a Content-Length it cannot know and takes every byte; then the same line end "
     "shows as body_trailing_newline_added."},
    {"log_body_missing", "The log has no body for this delivery",
     "Give the body with --body FILE if there is a copy, or let the service log the raw body in base64 "
     "for the time of the search. Length and SHA-256 are enough to compare two hosts.",
     "The signature covers the body, so without it nothing can be recomputed and no cause can be proved; "
     "the verdict is 'cannot tell' and the exit code 3. What the log does have is still used: masks "
     "against the given secrets, length and hash against --body, timestamps against the clock. A hash "
     "alone never shows what was changed."},
    {"log_headers_missing", "The log lacks headers of this delivery",
     "Let the service log webhook-id, webhook-timestamp and webhook-signature in full, with the body's "
     "length and SHA-256, in one line per delivery. None of these is secret.",
     "Id and timestamp are part of the signed text and the signature is what it is compared with; if one "
     "of the three is missing, nothing can be recomputed. The evidence names what is missing, and the "
     "exit code is 3. If another log, a tunnel or the sender's console has the values, give them with "
     "--id, --timestamp and --signature."},
    {"log_lossy_reordered", "The log re-ordered the members of the body",
     "Log the body as one text or, better, in base64, not as an object. For this delivery look for "
     "another copy: a tunnel's inspector, a proxy, a capture file.",
     "A pipeline that takes JSON lines apart and stores attributes may bring an object back with its "
     "members in another order and its blanks gone; railway logs --json is one. callchain tries the "
     "order in which the sender is known to write, and if that matches, the finding is "
     "body_json_keys_reordered and proved. If nothing matches, the body in the log cannot decide: the "
     "verdict is 'cannot tell' and not 'invalid'."},
    {"log_lossy_truncated", "The log cut the body or a line of it",
     "Log the body in base64 in several shorter lines, or write it to a file; log at least its length "
     "and SHA-256. Then take the next delivery.",
     "Log pipelines limit the length of a line and of an attribute, with an ellipsis or without. The "
     "body in the log is shorter than the length logged beside it, or its JSON stops in the middle. The "
     "rest was signed as well, so no secret can be proved right or wrong with it: the verdict is 'cannot "
     "tell' and not 'invalid', with exit code 3."},
    {"log_secret_mask_differs", "The secret in the log is not among those given here",
     "Look up the variable that this deployment really uses, for its service and environment, and give "
     "it with --secret-env LABEL=NAME. If you expected one of yours, deploy again: a running process "
     "keeps the value it started with.",
     "A service that logs its secrets masked shows some first and last characters. None of the given "
     "secrets has these, so the process that wrote the log holds another one: a variable of another "
     "service or environment, an old value, or a .env file that wins over the platform. It was not this "
     "secret that refused the delivery, so checking with it proves nothing about that refusal. It is "
     "certain as a difference and a hint as to the cause."},
    {"log_secret_mask_matches", "The mask in the log fits one of the given secrets",
     "Check the delivery with that secret: callchain verify-sig --log FILE --secret-env LABEL=NAME, and "
     "--body FILE where the log has no body.",
     "A service that logs its secrets masked shows some first and last characters, and they agree with "
     "the secret under the label named here. The part between is not shown and may differ, by a lost "
     "character or an invisible one for instance; compare the length too if it was logged. It shows what "
     "the deployment has loaded, not that this is the right secret for the endpoint. So it is a hint and "
     "never proved."},
    {"log_signature_cut", "The signature in the log is cut",
     "Log the header webhook-signature in full: 47 characters for one signature, and it is no secret. "
     "Then take the next delivery.",
     "Services often log a signature's first characters and an ellipsis, as if it were a password. A "
     "beginning of 20 characters or more is still compared, and where it agrees, signature_truncated is "
     "proved and names the secret. If too little is left, or what is left does not agree, this stays a "
     "hint and the verdict is 'cannot tell' with exit code 3."},
};

}  // namespace

std::span<const CatalogueEntry> log_entries() { return kEntries; }

}  // namespace callchain::diagnosis
