#pragma once
#include <cstdint>
#include <filesystem>

#include "engine/view_file.h"
#include "streams/frame_list.h"
#include "streams/raw_frames.h"
#include "streams/stream.h"
#include "tools/cli.h"

namespace saccade {

/// Records views of a stream, from where it stands, in flags.out: `header.planned` of them, or all until it ends (0).
/// Prints what came of it. Returns the program's exit code: 0, or 130 when interrupted. Whatever stops it (a signal, an
/// InputError of the stream, which is passed on and then says what was kept), the whole views before are a usable
/// file; a kill or a SystemError leaves a partial one, to be recovered. InputError also for a stream without a view.
int pack(Stream& stream, const ViewFileHeader& header, const CommonFlags& flags, FileSystem& files = real_files());

/// Records the stream that `saccade replay` would learn from: recipes, or pixels.
int pack_experiment(const std::filesystem::path& experiment, ViewFileHeader::Content content, const CommonFlags& flags);
/// Records raw frames from standard input, to its end or `views` of them (0 = all). InputError for a terminal.
int pack_raw_frames(const RawFrameOptions& options, std::uint64_t views, const CommonFlags& flags);

/// Records the images that a list names (streams/frame_list.h), `views` of them or all (0).
int pack_frame_list(const std::filesystem::path& list, const FrameListStream::Options& options, std::uint64_t views,
                    const CommonFlags& flags);

}  // namespace saccade
