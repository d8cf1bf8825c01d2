#include "http/curl_library.hpp"

#include "base/text.hpp"

#include <array>
#include <cstdint>
#include <dlfcn.h>
#include <string>

namespace callchain::http {
namespace {

// Its ABI has had this name since 2006. Source: curl's docs, "The libcurl ABI".
#define CALLCHAIN_CURL_LIBRARY "libcurl.so.4"

constexpr unsigned kOldestVersion = 0x07'58'00;  // 7.88.0, which the build asks for as well

// Who packages the program, or puts it into an image, finds here what ldd does not tell.
// Source: uapi-group.org/specifications, "ELF dlopen metadata".
constexpr char kLoadedLibraries[] =
    "[{\"feature\":\"http-client\",\"description\":\"Requests over HTTP\",\"priority\":\"required\","
    "\"soname\":[\"" CALLCHAIN_CURL_LIBRARY "\"]}]";
constexpr std::uint32_t kDlopenNote = 0x407c0c0a;

struct ElfNote {
    std::uint32_t owner_bytes;
    std::uint32_t description_bytes;
    std::uint32_t type;
    std::array<char, 4> owner;
    alignas(4) char description[sizeof kLoadedLibraries];
};

[[gnu::used, gnu::section(".note.dlopen")]] alignas(4) constexpr ElfNote kNote = [] {
    ElfNote note{4, sizeof kLoadedLibraries, kDlopenNote, {'F', 'D', 'O', '\0'}, {}};
    for (std::size_t i = 0; i < sizeof kLoadedLibraries; ++i) note.description[i] = kLoadedLibraries[i];
    return note;
}();

tl::unexpected<Error> unusable(std::string message) {
    return fail(ErrorCode::io, std::move(message),
                "install libcurl 7.88 or newer; on Debian: apt-get install libcurl4");
}

}  // namespace

Result<CurlLibrary> load_curl_library(const char* name) {
    // Every symbol is bound now: what is missing is told here, and nothing is bound in the midst of calls.
    void* const library = ::dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) return unusable("libcurl cannot be loaded: " + visible_excerpt(::dlerror(), 200));
    std::string missing;
    const auto find = [&]<class Pointer>(LoadedFunction<Pointer>& function, const char* function_name) {
        void* const address = ::dlsym(library, function_name);
        if (address == nullptr && missing.empty()) missing = function_name;
        function = LoadedFunction<Pointer>(reinterpret_cast<Pointer>(address));
    };
    CurlLibrary curl;
    find(curl.global_init, "curl_global_init");
    find(curl.version, "curl_version");
    find(curl.version_info, "curl_version_info");
    find(curl.easy_init, "curl_easy_init");
    find(curl.easy_cleanup, "curl_easy_cleanup");
    find(curl.easy_reset, "curl_easy_reset");
    find(curl.easy_setopt, "curl_easy_setopt");
    find(curl.easy_getinfo, "curl_easy_getinfo");
    find(curl.easy_strerror, "curl_easy_strerror");
    find(curl.slist_append, "curl_slist_append");
    find(curl.slist_free_all, "curl_slist_free_all");
    find(curl.multi_init, "curl_multi_init");
    find(curl.multi_cleanup, "curl_multi_cleanup");
    find(curl.multi_setopt, "curl_multi_setopt");
    find(curl.multi_add_handle, "curl_multi_add_handle");
    find(curl.multi_remove_handle, "curl_multi_remove_handle");
    find(curl.multi_info_read, "curl_multi_info_read");
    find(curl.multi_perform, "curl_multi_perform");
    find(curl.multi_poll, "curl_multi_poll");
    find(curl.multi_wakeup, "curl_multi_wakeup");
    find(curl.multi_socket_action, "curl_multi_socket_action");
    find(curl.multi_strerror, "curl_multi_strerror");
    if (!missing.empty()) return unusable(std::string(name) + " has no function " + missing);
    const auto* const version = curl.version_info(CURLVERSION_NOW);
    if (version->version_num < kOldestVersion)
        return unusable(std::string(name) + " is libcurl " + visible_excerpt(version->version, 40));
    return curl;
}

const Result<CurlLibrary>& curl_library() {
    static const auto loaded = [] {
        auto library = load_curl_library(CALLCHAIN_CURL_LIBRARY);
        // Undone by nobody.
        if (library && library->global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
            library = unusable("libcurl cannot be initialised");
        return library;
    }();
    return loaded;
}

const CurlLibrary& curl() { return *curl_library(); }

}  // namespace callchain::http
