#include "streams/frame_list.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <limits>

#include "engine/error.h"
#include "streams/byte_source.h"
#include "streams/csv.h"
#include "streams/image_file.h"

namespace saccade {
namespace {

constexpr std::uint64_t largest_list = std::uint64_t{1} << 30;  // bytes

std::string text_of(const std::filesystem::path& file) {
  const auto source = open_plain(file);
  const std::uint64_t size = source->size().value();
  if (size > largest_list)
    throw InputError(fmt::format("{}: {} bytes, expected a list of at most {}", file.string(), size, largest_list));
  std::string text(static_cast<std::size_t>(size), '\0');
  if (source->read(reinterpret_cast<std::uint8_t*>(text.data()), text.size()) != text.size())
    throw InputError(fmt::format("{}: truncated: the file shrank while it was read", file.string()));
  return text;
}

/// A whole field as a number; false for anything else.
template <class Number>
bool parse(const std::string& field, Number& number) {
  const char* end = field.data() + field.size();
  const auto [stop, error] = std::from_chars(field.data(), end, number);
  return error == std::errc() && stop == end;
}

/// Part of a field that may be anything, for messages of one line.
std::string shown(std::string field) {
  constexpr std::size_t most = 80;
  if (field.size() > most) field = field.substr(0, most) + "...";
  std::replace_if(
      field.begin(), field.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }, '?');
  return field;
}

}  // namespace

FrameListStream::FrameListStream(const std::filesystem::path& csv, const Options& options)
    : name_(csv.string()), options_(options) {
  if (options.shape.height < 1 || options.shape.width < 1 ||
      (options.shape.channels != 1 && options.shape.channels != 3))
    throw InputError(fmt::format("{}: views of {}x{}x{} asked for, expected 1 or 3 channels", name_,
                                 options.shape.height, options.shape.width, options.shape.channels));
  const std::string text = text_of(csv);
  CsvReader reader(text, name_);
  const std::vector<std::string> columns{"time", "object", "view", "path"};
  const auto header = reader.next();
  if (header != columns)
    throw InputError(fmt::format("{}, line 1: found \"{}\", expected the header {}", name_,
                                 header ? shown(fmt::format("{}", fmt::join(*header, ","))) : std::string(),
                                 fmt::join(columns, ",")));
  std::string object;
  while (const auto record = reader.next()) {
    const auto fail = [&](const std::string& message) {
      throw InputError(fmt::format("{}: {}", reader.where(), message));
    };
    if (record->size() != columns.size())
      fail(fmt::format("{} fields, expected {}: {}", record->size(), columns.size(), fmt::join(columns, ",")));
    const std::string &time = (*record)[0], &view = (*record)[2], &path = (*record)[3];
    Frame frame;
    double seconds = 0;
    if (!parse(time, seconds) || !(seconds >= 0 && seconds <= latest_second))
      fail(fmt::format("time \"{}\", expected seconds from 0 to {}", shown(time), latest_second));
    frame.time = to_ticks(seconds);
    if ((*record)[1].empty()) fail("no object, expected a name or a number");
    if (!frames_.empty()) {
      const Frame& last = frames_.back();
      if (frame.time < last.time)
        fail(fmt::format("time {} after {} s, expected no step back", shown(time), to_seconds(last.time)));
      const bool same = (*record)[1] == object;
      frame.fixation = last.fixation + (same ? 0 : 1);
      frame.index = same ? last.index + 1 : 0;
    }
    object = (*record)[1];
    std::uint32_t index = 0;
    if (!parse(view, index) || index != frame.index)
      fail(fmt::format("view \"{}\", expected {}: views of a fixation are numbered from 0", shown(view), frame.index));
    if (path.empty()) fail("no path, expected that of an image");
    frame.file = csv.parent_path() / path;
    std::error_code unknown;
    if (!std::filesystem::is_regular_file(frame.file, unknown))
      fail(fmt::format("{}: no file there that can be read, expected an image", shown(frame.file.string())));
    if (frames_.size() == std::numeric_limits<std::uint32_t>::max()) fail("too many frames");
    frames_.push_back(std::move(frame));
  }
  if (frames_.empty()) throw InputError(fmt::format("{}: no frames behind the header, expected some", name_));
}

std::optional<ScheduledEvent> FrameListStream::next_recipe() {
  if (at_ == frames_.size()) return std::nullopt;
  const Frame& frame = frames_[at_];
  ScheduledEvent scheduled;
  scheduled.key.time = frame.time;
  scheduled.key.source = options_.source;
  scheduled.key.sequence = at_ + frame.fixation;
  if (saccade_pending_) {
    saccade_pending_ = false;
    --scheduled.key.sequence;
    scheduled.key.priority = EventPriority::saccade;
    scheduled.event = Saccade{frame.time, frame.fixation - 1};
    return scheduled;
  }
  ViewRecipe recipe;
  recipe.source = static_cast<std::uint32_t>(at_);
  scheduled.event = View{frame.time, frame.fixation, frame.index, recipe, nullptr};
  ++at_;
  saccade_pending_ = at_ < frames_.size() && frames_[at_].index == 0;
  return scheduled;
}

void FrameListStream::render_pixels(View& view) const {
  if (view.recipe.kind != ViewKind::plain || view.recipe.source >= frames_.size())
    throw InputError(fmt::format("view {} of kind {}: {} has {} frames, which are shown plain", view.recipe.source,
                                 to_string(view.recipe.kind), name_, frames_.size()));
  const ViewShape& shape = options_.shape;
  const Picture picture =
      resized(read_image(frames_[view.recipe.source].file, shape.channels), shape.height, shape.width, options_.fit);
  auto pixels = std::make_shared<Pixels>(picture.bytes.size());
  std::transform(picture.bytes.begin(), picture.bytes.end(), pixels->begin(),
                 [](std::uint8_t byte) { return static_cast<float>(byte) * byte_scale; });
  view.pixels = std::move(pixels);
}

void FrameListStream::seek(std::uint64_t view) {
  if (view > frames_.size())
    throw InputError(fmt::format("stream position: view {}, {} has {}", view, name_, frames_.size()));
  at_ = static_cast<std::size_t>(view);
  saccade_pending_ = at_ > 0 && at_ < frames_.size() && frames_[at_].index == 0;
}

}  // namespace saccade
