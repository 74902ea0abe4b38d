#pragma once
#include <cstddef>
#include <vector>

#include "engine/device_buffer.h"
#include "engine/shapes.h"
#include "streams/image_set.h"

/// Data of the benchmarks, made here: only time is measured, and no file is needed. Seeded, so that every run works on
/// the same numbers.
namespace saccade::bench {

/// n colour images of random bytes with labels 0 .. 9.
ImageSet synthetic_images(std::size_t count, int side);
/// Uniform numbers in [low, high).
std::vector<float> synthetic_floats(std::size_t count, float low, float high);
/// Maps of all views of the buffer get uniform numbers in [low, high); borders and padding stay zero.
void fill_maps(const DeviceBuffer<float>& maps, const MapShape& shape, float low, float high);

}  // namespace saccade::bench
