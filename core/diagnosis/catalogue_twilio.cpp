/// Rows of the catalogue: Twilio's requests: URL, parameters, token and the hash of the body.
#include "diagnosis/catalogue_tables.hpp"

namespace callchain::diagnosis {
namespace {

constexpr CatalogueEntry kEntries[] = {
    {"body_form_as_json", "The form was turned into JSON",
     "Check the signature over the form as it arrived: express.urlencoded({extended: false}) in Express, "
     "request.form in Flask. Look for a relay, queue or workflow tool that hands events on as JSON.",
     "Twilio's voice webhooks send forms and sign the URL with the names and values of their fields. A "
     "relay or a log wrote the fields as a JSON object, so a check finds no parameters at all and fails; "
     "the libraries return false without a reason. If fields were repeated or values changed by the way, "
     "they are lost. Proved when the members, read as parameters, reproduce the signature."},
    {"body_sha256_missing", "The body is no form, and nothing in the signed URL vouches for it",
     "Do not use the body. If it is Twilio's, its URL has bodySHA256 and something stripped it: check "
     "with the whole URL as it was called.",
     "Twilio signs the parameters of a form, and for other bodies the URL with their hash in it. Here "
     "the signature is right for the URL, but the body is no form and no hash announces it, so anybody "
     "could have put it there. Twilio's Node library would pass such a request when it is given the URL "
     "alone; callchain does not. Proved, since the signature over the URL matches; what is missing is "
     "the link to the body."},
    {"body_sha256_wrong", "The body is not the one whose hash stands in bodySHA256",
     "Hash the raw body, before any parsing: express.raw({type: 'application/json'}), request.get_data() "
     "in Flask, request.raw_post in Rails.",
     "For bodies that are not forms Twilio adds bodySHA256 to the URL, the SHA-256 of the body in hex, "
     "and signs the URL with it. So two things have to be right: the signature over that URL, and the "
     "hash of the body. Here the hash differs: the body was changed or parsed and written again. "
     "Twilio's Node library checks the hash; its Python library does so only when it is given the body "
     "as text, and with a dict says nothing. Proved: the signature over the URL matches, and that URL "
     "names another hash."},
    {"body_taken_as_form", "The body was read as a form, though Twilio signed no parameters",
     "Give the validator an empty set of parameters for this request, and check bodySHA256 if the URL "
     "has it.",
     "For a GET request, and for bodies that are JSON, Twilio signs the URL alone. A check that reads "
     "parameters out of the body nevertheless appends them and fails. A wrong Content-Type, set by a "
     "proxy or a test client, makes a framework do so. The libraries return false without a reason. "
     "Proved when the URL without parameters reproduces the signature."},
    {"parameter_added", "There is a form parameter that Twilio did not send",
     "Check with the parameters of the body alone: request.form in Flask and not request.values, "
     "req.body in Express, r.PostForm in Go and not r.Form.",
     "Frameworks like to merge the query and the path into the parameters: params in Rails, "
     "request.values in Flask, r.Form in Go. Twilio signs the query as part of the URL and not a second "
     "time. Middleware that adds a tenant or trace id to the form does the same. The libraries return "
     "false without a reason. Proved when the parameters without it reproduce the signature."},
    {"parameter_decoded_twice", "A form parameter was decoded twice",
     "Decode once: give the validator the parameters as the framework parsed them, and do not call "
     "unquote or decodeURIComponent on them again.",
     "From=whatsapp%3A%2B5511999998888 gives whatsapp:+5511999998888. Decoded again, the '+' becomes a "
     "blank, and phone numbers no longer begin with one. Twilio signs the values decoded once; its "
     "libraries return false and say no more, and the caller hears of an application error. Proved when "
     "the parameters decoded once reproduce the signature."},
    {"parameter_encoded_twice", "A form parameter was encoded once more than Twilio sent it",
     "Pass the body on as it came. Where a relay has to build it again, give it decoded values and let "
     "it encode them once.",
     "whatsapp:+5511999998888 arrives as whatsapp%3A%2B5511999998888 after one decoding, because a relay "
     "encoded a text that was encoded already. The values signed by Twilio are those without any %XX of "
     "transport. The libraries return false without a reason. Proved when the parameters decoded once "
     "more reproduce the signature."},
    {"parameter_ignored", "Twilio signed form parameters that were left out of the check",
     "Let the form count: send the request on as POST with Content-Type "
     "application/x-www-form-urlencoded, and give the validator the fields of its body.",
     "The method is not POST here, the Content-Type says something other than a form, or bodySHA256 "
     "stands in the URL, so the body was not read as a form. Twilio signed its fields. A proxy that "
     "rewrites the Content-Type, a redirect that turns POST into GET, or a capture put together by hand "
     "brings this about. Proved when the URL together with the fields of the body reproduces the "
     "signature."},
    {"parameter_missing", "A form parameter is missing or was left out of the check",
     "Give the validator all parameters that came, known or not: request.form in Flask, req.body with "
     "express.urlencoded({extended: false}), request.POST in Rails.",
     "Twilio signs every parameter of the form, empty ones too, and adds new ones without notice. A list "
     "of expected names, a typed model, a filter that drops empty values, or a JSON parser that leaves "
     "the form unread makes the signature fail, and the libraries return false without a reason. Proved "
     "when the signature matches with an empty parameter or one from the body put back. What did not "
     "arrive at all cannot be put back."},
    {"parameter_trimmed", "Blanks around a form parameter's value were removed",
     "Check before any input filter runs; switch off TrimStrings in Laravel and similar filters for this "
     "route.",
     "Twilio signs the values with their blanks, and middleware that trims all input changes them. A "
     "spoken or typed value that ends in a blank is enough, so it comes and goes with what callers say. "
     "Twilio's page on error 57012 names trimming as a cause. Proved when the value with its blank "
     "reproduces the signature."},
    {"token_is_api_secret", "The auth token is the secret of an API key by its looks",
     "Use the primary auth token of the account or subaccount that owns the call. The Twilio Console "
     "shows it beside the account SID.",
     "An API key (SK...) and its secret serve for calling Twilio's API. Webhooks are signed with the "
     "primary auth token alone, so with anything else every request fails, and the libraries return "
     "false without a reason. An auth token has 32 lower-case hex digits; the secret of an API key has "
     "32 letters and digits of all kinds. Judged by its form, so this is a hint."},
    {"token_is_sid", "The auth token is an identifier (AC..., SK...), not a token",
     "Put the account's primary auth token here; the Twilio Console shows it beside the account SID.",
     "Twilio's identifiers are two capital letters and 32 hex digits: AC for an account, SK for an API "
     "key. They are names and open no door. The two values stand side by side in the Console, and "
     "variables for them get mixed up. Twilio's libraries use any text as the key and return false "
     "without a reason. Judged by its form, so this is a hint."},
    {"token_is_webhook_secret", "The auth token is a webhook secret of the whsec_ kind",
     "Put the account's primary auth token here (32 hex digits), and the whsec_ secret in "
     "OPENAI_WEBHOOK_SECRET.",
     "Two variables were mixed up. Twilio signs with the auth token of the account, OpenAI with the "
     "secret of the endpoint; neither checks the other's requests. Twilio's libraries use any text as "
     "the key and return false without a reason. Judged by its prefix, so this is a hint."},
    {"token_malformed", "The auth token is not 32 hex digits",
     "Copy the primary auth token again from the Twilio Console, whole and without anything around it.",
     "An auth token of Twilio has 32 lower-case hex digits. What is here is shorter or longer or has "
     "other characters: cut, pasted twice, or something else altogether. Twilio's libraries use any text "
     "as the key and return false without a reason. Judged by its form, so this is a hint."},
    {"token_other_label", "Another of the given auth tokens signed this request",
     "Check with the auth token of the account or subaccount that owns the call; the finding names it. "
     "During a rotation give both tokens.",
     "Each account and each subaccount has its own auth token, and Twilio signs with that of the owner "
     "of the call or number. The parent's token does not fit a subaccount's requests. After a rotation "
     "the former token fits none. The libraries return false without a reason. Proved: the token under "
     "the label named here reproduces the signature with nothing altered."},
    {"token_secondary", "The auth token labelled as secondary signed this request",
     "Let the service check with this token: it has been promoted and is the primary one now. During a "
     "rotation give both, and drop the old one when requests with it have ceased.",
     "Twilio signs with the primary auth token. A secondary token signs nothing until it is promoted, "
     "and then the former primary one stops at once. So a service that still holds the former one fails "
     "every request from that moment, and the libraries return false without a reason. Proved: the token "
     "under the label named here reproduces the signature."},
    {"token_with_sid", "The account SID stands in front of the auth token",
     "Remove the SID and the colon; the token is what stands behind them.",
     "SID:token is what curl -u and HTTP's Basic authentication take when they call Twilio's API. For "
     "checking signatures the token alone is the key. Twilio's libraries use any text as the key and "
     "return false without a reason. Proved when the part behind the colon reproduces the signature."},
    {"url_fragment", "The URL that was checked has a fragment behind '#'",
     "Check with the URL up to the '#'. Overrides such as #rc=2 belong in the Twilio console and nowhere "
     "else.",
     "What stands behind '#' in a webhook's address is for Twilio itself, for instance how often to "
     "retry. It is not sent and not signed. A check that takes the address from configuration, fragment "
     "and all, fails, and the libraries return false without a reason. Proved when the URL without the "
     "fragment reproduces the signature."},
    {"url_host", "Twilio called another host name than the one checked",
     "Build the URL from a fixed public base address, e.g. "
     "CALLCHAIN_PUBLIC_URL=https://voice.example.com, or use X-Forwarded-Host, but only from a proxy "
     "that you trust.",
     "The signature covers the URL as Twilio requested it. Behind a proxy or on a platform, the "
     "request's Host may be an internal name or another domain of the same service, and a check built on "
     "it fails. Twilio's libraries return false without a reason; the caller hears of an application "
     "error, and the console shows 11200. Proved when the URL with the other host name reproduces the "
     "signature."},
    {"url_path_case", "The letters of the URL's path have another case than Twilio called",
     "Write the path in the Twilio console exactly as the server builds it for the check, letter by "
     "letter.",
     "Many routers ignore the case of a path, the signature does not. /Twilio/Voice in the console and "
     "/twilio/voice in the check fail together, although the request arrives where it should. Some "
     "frameworks also lower-case the path when they rebuild the URL. Proved when the path in the other "
     "case reproduces the signature."},
    {"url_path_decoded", "The path of the URL was decoded or encoded anew",
     "Take the path as it stands in the request line: req.originalUrl in Express, r.URL.EscapedPath() in "
     "Go, environ['REQUEST_URI'] where the WSGI server has it.",
     "Twilio signs the path in its wire form. WSGI, Go's URL.Path and many routers show it decoded, and "
     "proxies may encode it anew. It shows only with paths that have escapes, such as %20 or %40, so "
     "most never see it. The libraries return false without a reason. Proved when the path in the other "
     "form reproduces the signature."},
    {"url_path_double_slash", "The URL's path has two slashes in a row on one side and one on the other",
     "Write the base address without a slash at its end where a path is added to it. In nginx, "
     "merge_slashes off leaves the path alone.",
     "https://example.com/ and /twilio/voice, put together, give two slashes, and Twilio calls and signs "
     "the address like that. Proxies and routers merge them without a word, so the path that the program "
     "sees is not the signed one. The libraries return false without a reason. Proved when the path in "
     "the other form reproduces the signature."},
    {"url_path_prefix", "The URL's path lost or gained a prefix",
     "Check with the path that Twilio called. Let the proxy pass it in X-Forwarded-Prefix, or set the "
     "public base address with its prefix.",
     "A proxy that serves /api/... from a program that knows only /... strips the prefix, and a program "
     "mounted under a path may not see it. Twilio signed the address from outside. The libraries return "
     "false without a reason. Proved when the path with or without the prefix reproduces the signature."},
    {"url_path_rewritten", "A proxy passed the request on under another path",
     "Check with the path that Twilio called: let the proxy pass it on, e.g. proxy_set_header "
     "X-Original-URI $request_uri in nginx, or configure the public address.",
     "Rewrite rules, ingress controllers and API gateways map a public path to an internal one that need "
     "not have anything in common with it. Twilio signed the public one, and the libraries return false "
     "without a reason. It can be found only where the public path is known: from --url, from the "
     "request line or from a header by the proxy. Proved when the URL with that path reproduces the "
     "signature."},
    {"url_path_slash", "The URL has a slash at its end on one side and not on the other",
     "Make the address in the Twilio console and the one in the check equal; decide on one form. Avoid "
     "redirects that add the slash.",
     "Routers treat /voice and /voice/ alike or redirect from one to the other; the signature tells them "
     "apart. Twilio's libraries try other ports, never another path. Proved when the URL in the other "
     "form reproduces the signature."},
    {"url_port", "The URL has a port on one side and not on the other",
     "Use the validator of a current Twilio library, which tries both, or build the URL with the port "
     "that Twilio called.",
     "Twilio is not consistent about whether the port is part of what it signs, so its libraries try the "
     "URL with and without one. A home-made check, or an old library, tries one. A different port, such "
     "as the internal 8080 in place of the public 443, is another matter: that has to be the public one. "
     "Proved when the URL with the other port reproduces the signature."},
    {"url_query_added", "The URL has a query, or a part of one, that Twilio did not call",
     "Check with the query that Twilio called; let the proxy or middleware add its own data in a header "
     "instead.",
     "A proxy adds a trace id, a CDN a cache key, a router the parameters that it took from the path. "
     "Twilio could not sign what was added later, and the libraries return false without a reason. "
     "Proved when the URL without the query, or without one of its parameters, reproduces the signature."},
    {"url_query_decoded", "The query of the URL was decoded or encoded anew",
     "Take the query as it stands in the request line: req.originalUrl in Express, request.query_string "
     "in Flask, request.META['QUERY_STRING'] in Django, r.URL.RawQuery in Go.",
     "Twilio signs the query in its wire form. Frameworks that parse it and build it again change %20 "
     "and '+', %27 and the apostrophe, or the case of hex digits. It shows only with values that have "
     "such characters, so it comes and goes. Twilio's Node library tries some of these forms, the Python "
     "library does not. Proved when the query in another form reproduces the signature."},
    {"url_query_missing", "The query of the URL was left out of the check",
     "Check with the whole URL, from https to the end of the query: req.originalUrl in Express, "
     "request.url in Flask, not request.base_url or request.path.",
     "Parameters in the address, as in /twilio/voice?tenant=7, are signed with it. Code that builds the "
     "URL from host and path alone, or a proxy that strips the query, loses them. The libraries return "
     "false without a reason. Proved when the URL with its query, as far as it is known from the capture "
     "or from --url, reproduces the signature."},
    {"url_query_order", "The parameters of the URL's query stand in another order",
     "Take the query as it stands in the request line instead of building it from parsed parameters; "
     "switch off query sorting in the CDN or proxy.",
     "Twilio signs the query as it was requested, order included; only the parameters of the form are "
     "sorted. CDNs sort queries for their caches, and dictionaries forget the order. The libraries "
     "return false without a reason. Proved when another order reproduces the signature."},
    {"url_scheme", "The URL begins with http on one side and https on the other",
     "Build the URL with https behind a proxy that ends TLS: app.set('trust proxy', 1) in Express, "
     "ProxyFix in Flask, SECURE_PROXY_SSL_HEADER in Django. Or set the public address, e.g. "
     "CALLCHAIN_PUBLIC_URL=https://voice.example.com.",
     "On Railway and other platforms the proxy speaks TLS with Twilio and plain HTTP with the program, "
     "so the program believes that it was called by http. This is the most common cause behind a proxy: "
     "it works behind nothing and fails once deployed. Twilio's libraries do not try the other scheme "
     "and return false without a reason. Proved when the URL with the other scheme reproduces the "
     "signature."},
    {"url_userinfo", "The URL has user and password on one side and not on the other",
     "If the address in the Twilio console has user:password@ in it, check with a URL that has it too: "
     "they arrive as an Authorization header and have to be put back.",
     "Twilio signs the address as configured, credentials included, but sends them apart from the URL, "
     "and only after the server has answered 401. A URL rebuilt from the request therefore lacks them. "
     "Proved when the URL with or without them reproduces the signature; neither is printed."},
};

}  // namespace

std::span<const CatalogueEntry> twilio_entries() { return kEntries; }

}  // namespace callchain::diagnosis
