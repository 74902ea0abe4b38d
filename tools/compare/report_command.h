#pragma once
#include <filesystem>
#include <vector>

#include "tools/cli.h"

namespace saccade {

/// One run: its report again, from its folder, to flags.out or report.html there; where the data are missing, the views
/// are left out and standard error says so. Several: a page that compares them to flags.out and, if `csv` is given, its
/// numbers there. InputError before anything is written when the request cannot be met.
int report_runs(const std::vector<std::filesystem::path>& folders, const std::filesystem::path& csv,
                const CommonFlags& flags);

}  // namespace saccade
