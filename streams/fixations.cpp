#include "streams/fixations.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "engine/error.h"
#include "engine/random.h"

namespace saccade {
namespace {

void check(const FixationOptions& o) {
  const std::uint32_t most = o.dwell == Dwell::uniform ? views_limit / 2 : views_limit - 1;
  if (o.views < 1 || static_cast<std::uint32_t>(o.views) > most)
    throw InputError(fmt::format("views per fixation = {}, expected 1 to {}", o.views, most));
  if (!(o.switch_probability >= 0 && o.switch_probability <= 1))
    throw InputError(fmt::format("switch probability = {}, expected 0 to 1", o.switch_probability));
  // At 1 no fixation would ever bring a new object.
  if (!(o.returns >= 0 && o.returns < 1))
    throw InputError(fmt::format("returns = {}, expected 0 to below 1", o.returns));
  if (o.return_depth < 1 || o.return_depth > 1'000'000)
    throw InputError(fmt::format("return depth = {} fixations, expected 1 to 1,000,000", o.return_depth));
}

}  // namespace

Fixations::Fixations(const ViewSource& source, const FixationOptions& options)
    : options_(options), objects_(source.size()) {
  check(options);
  if (options_.switch_probability == 0) options_.switch_probability = 1.0 / options_.views;
  if (options.order == ObjectOrder::blocked) {
    const std::span<const std::int32_t> labels = source.labels();
    if (labels.size() != objects_)
      throw InputError(
          fmt::format("stream of {}: its images have no labels, so they have no order by class; expected shuffled or "
                      "fixed",
                      source.name()));
    by_class_.resize(objects_);
    std::iota(by_class_.begin(), by_class_.end(), 0u);
    std::stable_sort(by_class_.begin(), by_class_.end(),
                     [&](std::uint32_t a, std::uint32_t b) { return labels[a] < labels[b]; });
  }
  if (options.returns > 0) recent_.resize(static_cast<std::size_t>(options.return_depth) + 2);
  set(0, 0);
}

void Fixations::set(std::uint64_t number, std::uint64_t first_view) {
  current_ = {number, first_view, draw_views(number), draw_object(number)};
}

void Fixations::advance() { set(current_.number + 1, current_.first_view + current_.views); }

void Fixations::seek(std::uint64_t view) {
  if (options_.dwell == Dwell::fixed && options_.returns == 0) {
    const auto views = static_cast<std::uint64_t>(options_.views);
    fresh_ = view / views;
    return set(view / views, view / views * views);
  }
  if (view < current_.first_view) {
    fresh_ = 0;
    set(0, 0);
  }
  while (view >= current_.first_view + current_.views) advance();
}

std::uint32_t Fixations::draw_views(std::uint64_t number) const {
  const auto mean = static_cast<std::uint32_t>(options_.views);
  const Random random(options_.seed, Purpose::dwell, 0, number);
  switch (options_.dwell) {
    case Dwell::uniform:
      return 1 + random.below(0, 2 * mean - 1);
    case Dwell::geometric: {
      std::uint32_t views = 1;
      while (views < views_limit - 1 && random.uniform(views - 1) >= static_cast<float>(options_.switch_probability))
        ++views;
      return views;
    }
    case Dwell::fixed:
      break;
  }
  return mean;
}

std::uint32_t Fixations::draw_object(std::uint64_t number) {
  if (options_.returns == 0) return in_order(fresh_++);
  const Random random(options_.seed, Purpose::object_return, 0, number);
  std::uint32_t object;
  if (number >= 2 && random.uniform(0) < static_cast<float>(options_.returns)) {
    const auto depth = std::min<std::uint64_t>(static_cast<std::uint64_t>(options_.return_depth), number - 1);
    object = recent_[(number - 2 - random.below(1, static_cast<std::uint32_t>(depth))) % recent_.size()];
  } else {
    object = in_order(fresh_++);
  }
  return recent_[number % recent_.size()] = object;
}

std::uint32_t Fixations::in_order(std::uint64_t place) const {
  const auto index = static_cast<std::uint32_t>(place % objects_);
  switch (options_.order) {
    case ObjectOrder::shuffled:
      return permuted(options_.seed, Purpose::object_order, place / objects_, index, objects_);
    case ObjectOrder::blocked:
      return by_class_[index];
    case ObjectOrder::fixed:
      break;
  }
  return index;
}

}  // namespace saccade
