#include "streams/shuffled_positives.h"

#include <doctest/doctest.h>

#include <vector>

#include "engine/error.h"
#include "same_events.h"
#include "streams/deformed_images.h"

using namespace saccade;
using namespace saccade::test;

TEST_CASE("shuffled positives: anchors are the source's, every later view shows another object") {
  const ImageSet images = small_images(6);
  const auto source = std::make_shared<DeformedImages>(images, ViewKind::affine, 3);
  const ShuffledPositives shuffled(source, 3);
  CHECK(shuffled.size() == 6);
  CHECK(shuffled.hash() == source->hash());
  std::vector<int> shown(6, 0);
  int differ = 0;
  for (std::uint64_t fixation = 0; fixation < 3000; ++fixation) {
    const auto object = static_cast<std::uint32_t>(fixation % 6);
    const ViewRecipe anchor = shuffled.draw(object, fixation, 0);
    CHECK(anchor.source == object);
    CHECK(anchor.parameters == source->draw(object, fixation, 0).parameters);
    std::uint32_t before = object;
    for (const std::uint32_t view : {1u, 2u}) {
      const ViewRecipe later = shuffled.draw(object, fixation, view);
      CHECK(later.source != object);
      CHECK(later.parameters == source->draw(later.source, fixation, view).parameters);
      CHECK(later.source == shuffled.draw(object, fixation, view).source);
      if (object == 2) ++shown[later.source];
      differ += later.source != before;
      before = later.source;
    }
  }
  // 1000 draws of 5 others: 200 each, standard deviation sqrt(1000 / 5 * 4 / 5) = 12.6; five of them.
  for (std::uint32_t object = 0; object < 6; ++object)
    CHECK(std::abs(shown[object] - (object == 2 ? 0 : 200)) <= (object == 2 ? 0 : 63));
  CHECK(differ > 3000 + 2000);  // the two later views mostly show different objects
}

TEST_CASE("shuffled positives need another object") {
  const ImageSet images = small_images(1);
  const auto source = std::make_shared<DeformedImages>(images, ViewKind::plain, 3);
  CHECK_THROWS_AS(ShuffledPositives(source, 3), InputError);
}
