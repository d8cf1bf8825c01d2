#include "run_folder.hpp"

#include <cstdlib>
#include <filesystem>

namespace callchain::cli {

Result<std::string> make_run_folder() {
    std::error_code error;
    const auto base = std::filesystem::temp_directory_path(error);
    auto pattern = (error ? std::string("/tmp") : base.string()) + "/callchain-simulate-XXXXXX";
    if (::mkdtemp(pattern.data()) == nullptr)
        return fail(ErrorCode::io, "cannot make a folder in " + (error ? "/tmp" : base.string()),
                    "set TMPDIR to a folder that you may write to");
    return pattern;
}

}  // namespace callchain::cli
