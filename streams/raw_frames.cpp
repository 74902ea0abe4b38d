#include "streams/raw_frames.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "engine/error.h"
#include "streams/shape_text.h"

namespace saccade {
namespace {

constexpr int largest_side = 4096;

}  // namespace

RawFrames::RawFrames(std::istream& in, std::string name, const RawFrameOptions& options)
    : in_(in), name_(std::move(name)), options_(options) {
  const ViewShape& shape = options.shape;
  const auto side = [](int pixels) { return pixels >= 1 && pixels <= largest_side; };
  if (!side(shape.height) || !side(shape.width) || (shape.channels != 1 && shape.channels != 3) ||
      shape.values() > std::size_t{1} << 24)
    throw InputError(fmt::format(
        "frames of {}: expected 1 to {} pixels high and wide, 1 or 3 channels, and at most 2^24 bytes in all",
        shape_text(shape), largest_side));
  if (!(options.frame_rate > 0 && options.frame_rate <= 1e6))
    throw InputError(
        fmt::format("frame rate {}: expected a number above 0 and at most 1e6 per second", options.frame_rate));
  if (options.fixation < 1 || options.fixation >= views_limit)
    throw InputError(fmt::format("fixation of {} frames: expected 1 to 2^26 - 1", options.fixation));
  frame_.resize(shape.values());
}

bool RawFrames::read_frame() {
  if (frames_ > std::numeric_limits<std::uint32_t>::max())
    throw InputError(fmt::format("{}: has more than 2^32 frames", name_));
  in_.read(reinterpret_cast<char*>(frame_.data()), static_cast<std::streamsize>(frame_.size()));
  const auto got = static_cast<std::size_t>(in_.gcount());
  if (got == frame_.size()) return true;
  if (got == 0 && frames_ > 0) return false;
  const std::string size = shape_text(options_.shape);
  if (got == 0)
    throw InputError(fmt::format("{}: is empty, expected frames of {} bytes ({})", name_, frame_.size(), size));
  throw InputError(fmt::format("{}: ends within frame {}: {} of its {} bytes are missing; are frames {}?", name_,
                               frames_, frame_.size() - got, frame_.size(), size));
}

std::optional<ScheduledEvent> RawFrames::next() {
  if (!read_ && !read_frame()) return std::nullopt;
  const std::uint64_t fixation = frames_ / options_.fixation;
  const auto index = static_cast<std::uint32_t>(frames_ % options_.fixation);
  ScheduledEvent scheduled;
  scheduled.key.time = to_ticks(static_cast<double>(frames_) / options_.frame_rate);
  if (index == 0 && frames_ > 0 && !read_) {
    read_ = true;
    scheduled.key.priority = EventPriority::saccade;
    scheduled.key.sequence = frames_ + fixation - 1;
    scheduled.event = Saccade{scheduled.key.time, fixation - 1};
    return scheduled;
  }
  auto pixels = std::make_shared<Pixels>(frame_.size());
  std::transform(frame_.begin(), frame_.end(), pixels->begin(),
                 [](std::uint8_t byte) { return static_cast<float>(byte) * byte_scale; });
  scheduled.key.priority = EventPriority::view;
  scheduled.key.sequence = frames_ + fixation;
  scheduled.event = View{scheduled.key.time,
                         fixation,
                         index,
                         {ViewKind::plain, static_cast<std::uint32_t>(frames_), {}},
                         std::move(pixels)};
  read_ = false;
  ++frames_;
  return scheduled;
}

void RawFrames::seek(std::uint64_t view) {
  if (view != frames_ || read_)
    throw InputError(
        fmt::format("{}: cannot go to frame {}: {} were read, and none comes twice", name_, view, frames_));
}

}  // namespace saccade
