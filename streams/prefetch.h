#pragma once
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <stop_token>
#include <thread>
#include <vector>

#include "streams/stream.h"

namespace saccade {

/// The same stream, its views rendered ahead by other threads: the same events, bits and order for any number of them.
/// Recipes are taken in order, a chunk of events at a time; whoever took a chunk renders it; a ring of chunks puts them
/// back into order and bounds how far the threads run ahead. Used by one thread, like any stream; the destructor stops
/// the workers and waits for them.
class PrefetchedStream final : public Stream {
 public:
  /// threads: workers, 0 renders inline. The ring holds 2 * threads + 2 chunks of `chunk_events` events (about 12 kB
  /// for a 32x32x3 view). Throws std::invalid_argument for a null source, threads < 0 or chunk_events < 1.
  PrefetchedStream(std::unique_ptr<RenderableStream> source, int threads, int chunk_events = 16);

  /// Rethrows what the source threw at this event, after all events before it have been delivered; then again at every
  /// call until seek().
  std::optional<ScheduledEvent> next() override;
  void seek(std::uint64_t view) override;

 private:
  struct Chunk {
    std::vector<ScheduledEvent> events;
    std::exception_ptr error;  // comes after the events
    bool last = false;         // the stream ends after the events
    bool ready = false;
  };

  void work(std::stop_token stop);
  Chunk take_recipes();
  void render_chunk(Chunk& chunk) const;

  std::unique_ptr<RenderableStream> source_;
  const std::size_t chunk_events_;

  // The consumer's own: the chunk that it is reading.
  Chunk current_;
  std::size_t read_ = 0;

  std::mutex mutex_;  // guards what follows and the source's next_recipe() and seek()
  std::condition_variable_any changed_;
  std::vector<Chunk> ring_;
  std::uint64_t claimed_ = 0;   // chunks that a worker has taken
  std::uint64_t consumed_ = 0;  // chunks that the consumer has taken
  int rendering_ = 0;           // workers between taking and handing in a chunk
  bool exhausted_ = false;      // the source has ended or failed: no more chunks
  bool seeking_ = false;        // workers hold still

  std::vector<std::jthread> workers_;  // last: their destructors stop and join before anything else goes
};

}  // namespace saccade
