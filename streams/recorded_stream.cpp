#include "streams/recorded_stream.h"

#include <fmt/format.h>

#include <stdexcept>

#include "engine/error.h"
#include "engine/hash.h"
#include "streams/shape_text.h"

namespace saccade {
namespace {

void check_source(const std::filesystem::path& file, const ViewFileHeader& header, const ViewSource& source) {
  if (source.size() != header.source_size)
    throw InputError(fmt::format("{}: its recipes are of {} with {} images, got {} with {}", file.string(),
                                 header.source_name, header.source_size, source.name(), source.size()));
  if (const std::string hash = source.hash(); hash != header.source_hash)
    throw InputError(
        fmt::format("{}: its recipes are of another {}: its hash is {}, got {}; expected the same images, or the same "
                    "keys of world",
                    file.string(), header.source_name, header.source_hash, hash));
  const ViewShape recorded{header.height, header.width, header.channels};
  if (source.view_shape() != recorded)
    throw InputError(fmt::format("{}: its views are {}, those of {} are {}", file.string(), shape_text(recorded),
                                 source.name(), shape_text(source.view_shape())));
}

constexpr Time latest = static_cast<Time>(latest_second) * ticks_per_second;

}  // namespace

void RecordedEvents::check(const Event& event) const {
  const auto* view = std::get_if<View>(&event);
  const auto stream = std::visit([](const auto& e) { return e.stream; }, event);
  const Time time = std::visit([](const auto& e) { return e.time; }, event);
  const auto fixation = std::visit([](const auto& e) { return e.fixation; }, event);
  if (stream >= streams_.size())
    throw InputError(fmt::format("event {} is of stream {}, expected less than {}", events_, stream, streams_.size()));
  const Place& at = streams_[stream];
  const auto refuse = [&](const std::string& expected) {
    throw InputError(fmt::format("event {} is a {} of fixation {} at {} s, expected {}",
                                 streams_.size() == 1 ? events_ : at.events, view ? "view" : "saccade", fixation,
                                 to_seconds(time), expected));
  };
  // A key may lie a little behind its event's time.
  if (time > latest) refuse(fmt::format("a time up to {} s", latest_second));
  // At one time, what ends a fixation comes before what begins the next.
  if (time < 0 || (at.events > 0 && (time < at.time || (!view && at.looking && time == at.time))))
    refuse(at.events > 0 ? fmt::format("one after {} s", to_seconds(at.time)) : "a time from 0 on");
  if (!view) {
    if (!at.looking || fixation != at.fixation)
      refuse(at.looking ? fmt::format("the end of fixation {}", *at.fixation) : "a view");
  } else if (at.looking) {
    if (fixation != at.fixation) refuse(fmt::format("a saccade first, which ends fixation {}", *at.fixation));
    if (view->index <= at.index) refuse(fmt::format("a view after view {} of its fixation", at.index));
  } else if (at.fixation && fixation <= *at.fixation) {
    refuse(fmt::format("a fixation after {}", *at.fixation));
  }
}

ScheduledEvent RecordedEvents::next(Event event) {
  check(event);
  const auto* view = std::get_if<View>(&event);
  EventKey key;
  key.time = std::visit([](const auto& e) { return e.time; }, event);
  key.priority = view ? EventPriority::view : EventPriority::saccade;
  key.source = std::visit([](const auto& e) { return e.stream; }, event);
  key.sequence = events_;
  if (last_ && !(*last_ < key)) key.time = last_->time + 1;
  Place& at = streams_[key.source];
  at.time = std::visit([](const auto& e) { return e.time; }, event);
  last_ = key;
  ++events_;
  ++at.events;
  if (view && !at.looking) ++fixations_;
  at.looking = view != nullptr;
  if (view) {
    at.fixation = view->fixation;
    at.index = view->index;
    ++views_;
  }
  return {key, std::move(event)};
}

RecordedStream::RecordedStream(const std::filesystem::path& file)
    : file_(file), reader_(real_files(), file), events_(reader_.header().streams) {
  scan();
}

RecordedStream::RecordedStream(const std::filesystem::path& file, std::shared_ptr<const ViewSource> source)
    : file_(file), reader_(real_files(), file), events_(reader_.header().streams) {
  if (reader_.header().content == ViewFileHeader::Content::recipes) {
    if (!source)
      throw InputError(fmt::format("{}: its views are recipes, expected the data set that they are of, {}",
                                   file.string(), reader_.header().source_name));
    check_source(file, reader_.header(), *source);
    source_ = std::move(source);
  }
  scan();
}

void RecordedStream::scan() {
  recording_.header = reader_.header();
  Hash hash;
  for (;;) {
    const RecordedEvents before = events_;
    const auto event = read(ViewFileReader::Read::recipes);
    if (!event) break;
    if (before.views() % views_per_mark == 0 && std::holds_alternative<View>(event->event))
      marks_.push_back({reader_.record().position, before});
    if (before.events() == 0) recording_.first = event->key.time;
    recording_.last = event->key.time;
    hash.add(reader_.record().type);
    hash.add_array(reader_.record().payload);
  }
  if (reader_.promised() != events_.events())
    not_whole(fmt::format("holds {} events, expected {}", events_.events(),
                          reader_.promised() ? fmt::format("{}", *reader_.promised()) : "its last record behind them"));
  if (events_.views() == 0) throw InputError(fmt::format("{}: has no views, expected at least one", file_.string()));
  recording_.views = events_.views();
  recording_.events = events_.events();
  recording_.fixations = events_.fixations();
  recording_.hash = hash.hex();
  seek(0);
}

void RecordedStream::not_whole(const std::string& what) const {
  throw InputError(fmt::format("{}: {}; what is left can be saved by saccade inspect {} --recover FILE", file_.string(),
                               what, file_.string()));
}

std::optional<ScheduledEvent> RecordedStream::read(ViewFileReader::Read pixels) {
  auto event = reader_.next(pixels);
  if (!reader_.damage().empty()) not_whole("is damaged: " + saccade::describe(reader_.damage().front()));
  if (!event) return std::nullopt;
  try {
    const auto* view = std::get_if<View>(&*event);
    if (view && source_) source_->check(view->recipe);
    return events_.next(std::move(*event));
  } catch (const InputError& error) {
    throw InputError(fmt::format("{}: position {}: {}", file_.string(), reader_.record().position, error.what()));
  }
}

std::optional<ScheduledEvent> RecordedStream::next_recipe() {
  auto event = read(ViewFileReader::Read::pixels);
  if (!event && events_.events() != recording_.events)
    throw InputError(fmt::format("{}: has changed: it ends behind event {}, expected {}", file_.string(),
                                 events_.events(), recording_.events));
  return event;
}

void RecordedStream::render_pixels(View& view) const {
  if (view.pixels) return;
  if (!source_) throw std::logic_error("RecordedStream: recipes without the source that renders them");
  auto pixels = std::make_shared<Pixels>(source_->view_shape().values());
  source_->render(view.recipe, pixels->data());
  view.pixels = std::move(pixels);
}

void RecordedStream::seek(std::uint64_t view) {
  if (view > recording_.views)
    throw InputError(fmt::format("{}: stream position: view {}, expected at most {}: the recording has no more",
                                 file_.string(), view, recording_.views));
  const Mark& mark = marks_[view == 0 ? 0 : (view - 1) / views_per_mark];
  reader_.seek(mark.position);
  events_ = mark.events;
  while (events_.views() < view)
    if (!read(ViewFileReader::Read::recipes)) throw InputError(fmt::format("{}: has changed", file_.string()));
}

}  // namespace saccade
