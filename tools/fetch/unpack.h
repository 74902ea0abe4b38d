#pragma once
#include <filesystem>

#include "tools/fetch/catalogue.h"
#include "tools/fetch/tick.h"

namespace saccade {

/// Takes the members of `archive` out of `file` and writes them into `folder`, synced, under their own names
/// (Member::file_name): no path of the archive's is ever followed, and what is not asked for is skipped. Throws
/// InputError: not an archive of its kind, damaged, or a member that is missing, there twice, no plain file, or not of
/// its size (no byte beyond it is written). Ticks the bytes written in all.
void unpack(const std::filesystem::path& file, const Archive& archive, const std::filesystem::path& folder,
            const Tick& tick);

}  // namespace saccade
