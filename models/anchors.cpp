#include "models/anchors.h"

#include <algorithm>

#include "models/credit.h"

namespace saccade {

Anchors::Anchors(Device& device, const Parameters& parameters, int heads, int slots, bool remember_activity,
                 std::size_t waiting_floats)
    : device_(device),
      parameters_(parameters),
      heads_(heads),
      slots_(slots),
      may_wait_(remember_activity ||
                slots * activity_floats(parameters.network()) <= static_cast<double>(waiting_floats)),
      activity_(device, parameters.network(), may_wait_ ? slots + 1 : 1, parameters.replicas()),
      embeddings_(device, static_cast<std::size_t>(heads) * parameters.network().head(0).lanes(), parameters.replicas(),
                  slots + 1),
      flags_(device, 1, parameters.replicas(), slots + 1),
      climbed_(static_cast<std::size_t>(slots), depth()),
      waiting_(static_cast<std::size_t>(heads) * (slots + 1)) {
  forget_waiting();
}

Floats Anchors::row(int slot, int layer) const {
  Floats embeddings = embeddings_.strided(slot);
  embeddings.data += head_row(layer) * parameters_.network().head(0).lanes();
  return embeddings;
}

void Anchors::forget_waiting() {
  std::fill(climbed_.begin(), climbed_.end(), depth());
  std::fill(waiting_.begin(), waiting_.end(), 0);
  for (int head = 0; head < heads_; ++head) waiting(head)[slots_] = 1;
}

void Anchors::store(int slot) {
  if (may_wait_) {
    climbed_[static_cast<std::size_t>(slot)] = 0;
    for (int head = 0; head < heads_; ++head) waiting(head)[slot] = 1;
    return;
  }
  ascend(device_, parameters_, arriving(), 0, depth());
  for (int layer = depth() - heads_; layer < depth(); ++layer)
    saccade::embed(device_, parameters_, arriving(), layer, row(slot, layer));
}

void Anchors::climb(int slot, int end) {
  int& climbed = climbed_[static_cast<std::size_t>(slot)];
  ascend(device_, parameters_, place(slot), climbed, end);
  climbed = std::max(climbed, end);
}

void Anchors::put_flags(const std::int32_t* flags, int count) {
  for (int r = 0; r < parameters_.replicas(); ++r) device_.write(flags_.strided().at(r), flags, count * sizeof(*flags));
}

void Anchors::embed(int layer) {
  const int top = layer == end_to_end ? depth() - 1 : layer;
  if (arrived_ <= top) ascend(device_, parameters_, arriving(), arrived_, top + 1);
  arrived_ = std::max(arrived_, top + 1);
  if (!may_wait_) {
    saccade::embed(device_, parameters_, arriving(), top, of_arriving(top));
    return;
  }
  for (int slot = 0; slot < slots_; ++slot) climb(slot, top + 1);
  std::int32_t* flags = waiting(head_row(top));
  put_flags(flags, slots_ + 1);
  saccade::embed(device_, parameters_, {activity_, 0, slots_ + 1}, top, of_slots(top), flags_.strided());
  std::fill_n(flags, slots_, 0);
}

void Anchors::settle() {
  if (!may_wait_) return;
  for (int slot = 0; slot < slots_; ++slot) climb(slot, depth());
  for (int layer = depth() - heads_; layer < depth(); ++layer) {
    std::int32_t* flags = waiting(head_row(layer));
    if (std::none_of(flags, flags + slots_, [](std::int32_t waits) { return waits != 0; })) continue;
    put_flags(flags, slots_);
    saccade::embed(device_, parameters_, {activity_, 0, slots_}, layer, of_slots(layer), flags_.strided());
    std::fill_n(flags, slots_, 0);
  }
}

}  // namespace saccade
