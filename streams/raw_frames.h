#pragma once
#include <cstdint>
#include <istream>
#include <string>
#include <vector>

#include "streams/stream.h"
#include "streams/views.h"

namespace saccade {

struct RawFrameOptions {
  ViewShape shape;              ///< 1 channel (grey) or 3 (red, green, blue)
  double frame_rate = 30;       ///< frames per second
  std::uint32_t fixation = 10;  ///< frames; the saccade behind them is made up
};

/// Frames of bytes, [height][width][channels] each, one after the other, as `ffmpeg -f rawvideo -pix_fmt rgb24` writes
/// them. Frame n is view n mod F of fixation n / F at time n / frame_rate; its recipe is plain, with n as the source.
class RawFrames final : public Stream {
 public:
  /// `name` stands for the input in messages. InputError for options outside their ranges.
  RawFrames(std::istream& in, std::string name, const RawFrameOptions& options);

  /// InputError for an input without a frame, and for one that ends within a frame, behind the whole ones.
  std::optional<ScheduledEvent> next() override;
  /// Only to where it stands: what has been read does not come again.
  void seek(std::uint64_t view) override;

 private:
  bool read_frame();

  std::istream& in_;
  std::string name_;
  RawFrameOptions options_;
  std::vector<std::uint8_t> frame_;
  bool read_ = false;  ///< frame_ holds the next frame already: its saccade went first
  std::uint64_t frames_ = 0;
};

}  // namespace saccade
