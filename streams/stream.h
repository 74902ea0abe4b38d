#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "engine/event_queue.h"

namespace saccade {

/// A source of events in the order of their keys. Used by one thread at a time.
class Stream {
 public:
  virtual ~Stream() = default;

  /// The next event, views with their pixels unless the stream says otherwise; nothing at the end.
  virtual std::optional<ScheduledEvent> next() = 0;
  /// Goes on as if `view` views had been delivered and nothing after the last of them: if that one ended its fixation,
  /// the Saccade comes next (whoever resumes after that Saccade drops it). seek(0) is the beginning. Throws InputError
  /// if the stream cannot go there; it then stays where it was.
  virtual void seek(std::uint64_t view) = 0;
};

/// A stream whose views can be described in order first and rendered later, on other threads and in any order.
class RenderableStream : public Stream {
 public:
  std::optional<ScheduledEvent> next() final {
    auto event = next_recipe();
    if (event) {
      if (auto* view = std::get_if<View>(&event->event)) render_pixels(*view);
    }
    return event;
  }
  /// As next(), but views that have to be rendered have no pixels yet.
  virtual std::optional<ScheduledEvent> next_recipe() = 0;
  /// Fills view.pixels where they are missing; a function of the view's recipe alone. Safe on any number of threads,
  /// next_recipe() beside it.
  virtual void render_pixels(View& view) const = 0;
};

/// The same events, their views left without pixels: for a learner whose device renders them.
class RecipeStream final : public Stream {
 public:
  explicit RecipeStream(std::unique_ptr<RenderableStream> source) : source_(std::move(source)) {}
  std::optional<ScheduledEvent> next() override { return source_->next_recipe(); }
  void seek(std::uint64_t view) override { source_->seek(view); }

 private:
  std::unique_ptr<RenderableStream> source_;
};

}  // namespace saccade
