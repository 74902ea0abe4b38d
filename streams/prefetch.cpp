#include "streams/prefetch.h"

#include <fmt/format.h>

#include <stdexcept>
#include <utility>

namespace saccade {

PrefetchedStream::PrefetchedStream(std::unique_ptr<RenderableStream> source, int threads, int chunk_events)
    : source_(std::move(source)), chunk_events_(static_cast<std::size_t>(chunk_events)) {
  if (!source_) throw std::invalid_argument("PrefetchedStream: no source");
  if (threads < 0 || chunk_events < 1) {
    throw std::invalid_argument(
        fmt::format("PrefetchedStream: {} threads, chunks of {} events", threads, chunk_events));
  }
  ring_.resize(2 * static_cast<std::size_t>(threads) + 2);
  workers_.reserve(threads);
  for (int i = 0; i < threads; ++i) workers_.emplace_back([this](std::stop_token stop) { work(stop); });
}

PrefetchedStream::Chunk PrefetchedStream::take_recipes() {
  Chunk chunk;
  try {
    chunk.events.reserve(chunk_events_);
    while (chunk.events.size() < chunk_events_) {
      auto event = source_->next_recipe();
      if (!event) {
        chunk.last = true;
        break;
      }
      chunk.events.push_back(std::move(*event));
    }
  } catch (...) {
    chunk.error = std::current_exception();
  }
  return chunk;
}

void PrefetchedStream::render_chunk(Chunk& chunk) const {
  std::size_t done = 0;
  try {
    for (; done < chunk.events.size(); ++done) {
      if (auto* view = std::get_if<View>(&chunk.events[done].event)) source_->render_pixels(*view);
    }
  } catch (...) {
    chunk.events.resize(done);
    chunk.error = std::current_exception();  // before any error that was met further on
  }
}

void PrefetchedStream::work(std::stop_token stop) {
  std::unique_lock lock(mutex_);
  const auto may_take = [&] { return !seeking_ && !exhausted_ && claimed_ - consumed_ < ring_.size(); };
  while (changed_.wait(lock, stop, may_take)) {
    if (stop.stop_requested()) return;
    Chunk& place = ring_[claimed_++ % ring_.size()];
    Chunk chunk = take_recipes();
    if (chunk.last || chunk.error) exhausted_ = true;
    ++rendering_;
    lock.unlock();
    render_chunk(chunk);
    lock.lock();
    --rendering_;
    chunk.ready = true;
    place = std::move(chunk);
    changed_.notify_all();
  }
}

std::optional<ScheduledEvent> PrefetchedStream::next() {
  if (workers_.empty()) return source_->next();
  while (read_ == current_.events.size()) {
    if (current_.error) std::rethrow_exception(current_.error);
    if (current_.last) return std::nullopt;
    std::unique_lock lock(mutex_);
    Chunk& place = ring_[consumed_ % ring_.size()];
    changed_.wait(lock, [&] { return place.ready; });
    current_ = std::exchange(place, Chunk{});
    ++consumed_;
    read_ = 0;
    lock.unlock();
    changed_.notify_all();
  }
  return std::move(current_.events[read_++]);
}

void PrefetchedStream::seek(std::uint64_t view) {
  if (workers_.empty()) return source_->seek(view);
  std::unique_lock lock(mutex_);
  seeking_ = true;
  changed_.wait(lock, [&] { return rendering_ == 0; });
  try {
    source_->seek(view);
    for (Chunk& chunk : ring_) chunk = Chunk{};
    claimed_ = consumed_ = 0;
    exhausted_ = false;
    current_ = Chunk{};
    read_ = 0;
  } catch (...) {
    seeking_ = false;
    changed_.notify_all();
    throw;
  }
  seeking_ = false;
  changed_.notify_all();
}

}  // namespace saccade
