#pragma once
#include <cstddef>
#include <cstdint>

#include "engine/cuda/queue.h"

/// How lists that are sent ahead get what differs from one to the next, and give their results: each takes the next
/// letter and writes behind the last answer, wherever the device itself has counted that they are. So the same list
/// does for every event of its kind, and to send it again the host says nothing but that.
namespace saccade::SACCADE_CUDA {

/// Device memory.
struct Mail {
  const std::uint32_t* letters;
  std::uint32_t* answers;
  std::uint32_t* places;  ///< the words taken so far, the words answered so far
};

/// Bytes are multiples of 4.
void take_letter(Queue& queue, const Mail& mail, void* to, std::size_t bytes);
void answer(Queue& queue, const Mail& mail, const void* from, std::size_t bytes);

}  // namespace saccade::SACCADE_CUDA
