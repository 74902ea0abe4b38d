#include "engine/cuda/portability.h"

#include "engine/cuda/kernels/mail.h"

/// A block copies one letter or one answer: a few hundred bytes, 12 KB where pixels are sent. Bytes: 8 per word.
namespace saccade::SACCADE_CUDA {
namespace {

constexpr unsigned threads = 256;

struct CopyTask {
  const std::uint32_t* from;
  std::uint32_t* to;
  std::uint32_t* place;  ///< in the letters or the answers; moved behind what is copied
  std::uint32_t words;
  bool answer;
};

__global__ void __launch_bounds__(threads) copy_words(CopyTask task) {
  const std::uint32_t place = *task.place;
  const std::uint32_t* from = task.answer ? task.from : task.from + place;
  std::uint32_t* to = task.answer ? task.to + place : task.to;
  for (unsigned i = threadIdx.x; i < task.words; i += threads) to[i] = from[i];
  __syncthreads();  // all have read the place
  if (threadIdx.x == 0) *task.place = place + task.words;
}

std::uint32_t words(std::size_t bytes) { return static_cast<std::uint32_t>(bytes / sizeof(std::uint32_t)); }

}  // namespace

void take_letter(Queue& queue, const Mail& mail, void* to, std::size_t bytes) {
  queue.launch("take_letter", copy_words, {1}, {threads},
               CopyTask{mail.letters, static_cast<std::uint32_t*>(to), mail.places, words(bytes), false});
}

void answer(Queue& queue, const Mail& mail, const void* from, std::size_t bytes) {
  queue.launch("answer", copy_words, {1}, {threads},
               CopyTask{static_cast<const std::uint32_t*>(from), mail.answers, mail.places + 1, words(bytes), true});
}

}  // namespace saccade::SACCADE_CUDA
