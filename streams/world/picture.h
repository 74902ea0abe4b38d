#pragma once
#include "streams/world/scene.h"
#include "streams/world/world_object.h"

namespace saccade {

/// Draws an object in a scene: size x size pixels, [size][size][3] floats in [0, 1]. A function of its arguments, with
/// the same bits on every thread and instruction set. Thread-safe.
///
/// The object's triangles are projected (perspective), each sample of a grid of samples x samples per pixel
/// (picture_samples) takes the nearest surface, and a pixel is the square root (a display's gamma of 2) of the mean of
/// its samples' light, at most 1. Corners are rounded to 1/256 of a sample, so that neighbours leave no gap. A surface
/// with normal n, paint c, ambient light a, light l towards its source with strength |l|, h halfway between l / |l| and
/// the eye's axis, sends c (a + max(0, n . l)) + gloss |l| max(0, n . h)^32 (Lambert; Blinn 1977). There are no
/// shadows.
void draw_picture(const Scene& scene, const WorldObject& object, int size, float* out);

/// Samples per pixel in each direction.
constexpr int picture_samples(int size) { return size <= 48 ? 3 : 2; }

}  // namespace saccade
