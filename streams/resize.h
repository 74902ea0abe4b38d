#pragma once
#include "streams/picture.h"
#include "streams/resized_crop.h"

/// Pictures of one size from pictures of any size.
namespace saccade {

/// How a picture of another aspect is fitted. crop: the largest centred rectangle of the wanted aspect is kept;
/// stretch: all of it, distorted.
enum class Fit { crop, stretch };

/// What is kept of a picture. crop: sides rounded to the nearest pixel (halves up, at least 1), centred, an odd rest at
/// the right and the bottom.
Crop fitted(int height, int width, int to_height, int to_width, Fit fit);

/// The picture in another size, bilinear, antialiased where it shrinks (streams/resized_crop.h; Pillow's BILINEAR has
/// the same filter, and rounds after each of the two passes, this once: they differ by 1 at most). Values are rounded
/// to the nearest byte. A picture of that size is returned as it is. The same bits everywhere.
Picture resized(const Picture& picture, int height, int width, Fit fit = Fit::crop);

}  // namespace saccade
