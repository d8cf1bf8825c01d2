/// libcurl, loaded when it is first needed. Internal to core/http.
///
/// Debian's brings 23 libraries of its own along (Kerberos, LDAP, SSH …). Loaded with the program, they would
/// be a quarter of the memory of each command, and a part of its start, also of the many that make no
/// request. Only the loading is put off: types, constants and the signature of each function are those of
/// <curl/curl.h>.
#pragma once

#include "base/result.hpp"

#include <curl/curl.h>

namespace callchain::http {

// clang's control-flow integrity knows the functions of this program alone.
#if defined(__clang__)
#define CALLCHAIN_CALLS_ANOTHER_LIBRARY __attribute__((no_sanitize("cfi-icall")))
#else
#define CALLCHAIN_CALLS_ANOTHER_LIBRARY
#endif

/// A C function found in a library at run time. `Pointer` is its type, `decltype(&name)`.
template <class Pointer>
class LoadedFunction;

template <class Returned, class... Given>
class LoadedFunction<Returned (*)(Given...)> {
  public:
    using Pointer = Returned (*)(Given...);
    LoadedFunction() = default;
    explicit LoadedFunction(Pointer function) : function_(function) {}
    CALLCHAIN_CALLS_ANOTHER_LIBRARY Returned operator()(Given... given) const { return function_(given...); }

  private:
    Pointer function_ = nullptr;
};

template <class Returned, class... Given>
class LoadedFunction<Returned (*)(Given..., ...)> {
  public:
    using Pointer = Returned (*)(Given..., ...);
    LoadedFunction() = default;
    explicit LoadedFunction(Pointer function) : function_(function) {}
    template <class More>
    CALLCHAIN_CALLS_ANOTHER_LIBRARY Returned operator()(Given... given, More more) const {
        return function_(given..., more);
    }

  private:
    Pointer function_ = nullptr;
};

#undef CALLCHAIN_CALLS_ANOTHER_LIBRARY

/// The functions that are used of it, by their names without "curl_".
struct CurlLibrary {
    LoadedFunction<decltype(&::curl_global_init)> global_init;
    LoadedFunction<decltype(&::curl_version)> version;
    LoadedFunction<decltype(&::curl_version_info)> version_info;
    LoadedFunction<decltype(&::curl_easy_init)> easy_init;
    LoadedFunction<decltype(&::curl_easy_cleanup)> easy_cleanup;
    LoadedFunction<decltype(&::curl_easy_reset)> easy_reset;
    LoadedFunction<decltype(&::curl_easy_setopt)> easy_setopt;
    LoadedFunction<decltype(&::curl_easy_getinfo)> easy_getinfo;
    LoadedFunction<decltype(&::curl_easy_strerror)> easy_strerror;
    LoadedFunction<decltype(&::curl_slist_append)> slist_append;
    LoadedFunction<decltype(&::curl_slist_free_all)> slist_free_all;
    LoadedFunction<decltype(&::curl_multi_init)> multi_init;
    LoadedFunction<decltype(&::curl_multi_cleanup)> multi_cleanup;
    LoadedFunction<decltype(&::curl_multi_setopt)> multi_setopt;
    LoadedFunction<decltype(&::curl_multi_add_handle)> multi_add_handle;
    LoadedFunction<decltype(&::curl_multi_remove_handle)> multi_remove_handle;
    LoadedFunction<decltype(&::curl_multi_info_read)> multi_info_read;
    LoadedFunction<decltype(&::curl_multi_perform)> multi_perform;
    LoadedFunction<decltype(&::curl_multi_poll)> multi_poll;
    LoadedFunction<decltype(&::curl_multi_wakeup)> multi_wakeup;
    LoadedFunction<decltype(&::curl_multi_socket_action)> multi_socket_action;
    LoadedFunction<decltype(&::curl_multi_strerror)> multi_strerror;
};

/// Loads a library by its name ("libcurl.so.4") from where the system has its own; it stays loaded. Errors:
/// io where it cannot be loaded, lacks a function, or is older than what is called here.
[[nodiscard]] Result<CurlLibrary> load_curl_library(const char* name);

/// libcurl, loaded and initialised once in the process, by whichever thread asks first. Errors: as
/// load_curl_library(), the same each time.
[[nodiscard]] const Result<CurlLibrary>& curl_library();

/// The same, for whoever has an object of it: it was loaded then.
[[nodiscard]] const CurlLibrary& curl();

}  // namespace callchain::http
